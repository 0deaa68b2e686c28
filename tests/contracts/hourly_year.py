"""Stories in hours for every detector of slow things: a healthy year with seasons and weekdays, and forty wild days.

The healthy one is consistent: what warms a room warms what stands in it, the float voltage follows the battery's temperature, counters
and up-times only rise. A story is `{(point, index): rows}`, a row an hour: n, mean, low, high, first, last, moves.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt

from analytics.hours import HOUR_MS, HourColumn, Hours
from model.points import POINTS, Kind
from tests.analytics.timeline import T0, UPS

Floats = npt.NDArray[np.float64]
Story = dict[tuple[str, str | None], Floats]
#: A Monday at midnight, UTC.
START = T0 - (T0 - 4 * 86_400_000) % (7 * 86_400_000)
YEAR_H = 365 * 24
_CELLS = 96


@cache
def healthy(device: str) -> Story:
    dice = np.random.default_rng(7)
    hour = np.arange(YEAR_H, dtype=np.float64)
    day = np.sin((hour % 24 - 9) / 24 * 2 * np.pi)
    work = ((hour % 24 >= 8) & (hour % 24 < 19) & (hour // 24 % 7 < 5)).astype(float)
    room = 23 + 1.5 * np.sin(hour / YEAR_H * 2 * np.pi) + 0.6 * day + _wander(dice, 0.15)
    return _ups(dice, day, work, room) if device == UPS else _switch(dice, hour, day, work, room)


def _ups(dice: np.random.Generator, day: Floats, work: Floats, room: Floats) -> Story:
    load = 38 + 9 * work + _wander(dice, 0.8)
    warm = np.convolve(np.r_[np.full(5, room[0]), room], np.full(6, 1 / 6), "valid") + 1.5
    power = load / 100 * 9000
    mains = 230 + 1.2 * day + _wander(dice, 0.8)
    story: Story = {}

    def gauge(point: str, mean: Floats, spread: float, *indexes: str | None) -> None:
        for index in indexes or (None,):
            story[point, index] = _gauge(dice, mean, spread)

    gauge("ambient.temperature", room, 0.1)
    gauge("ambient.humidity", 48 - 4 * day + _wander(dice, 1.0), 0.5)
    gauge("ups.temperature", room + 5 + 0.1 * load, 0.2)
    gauge("battery.temperature", warm, 0.1)
    gauge("battery.voltage", _CELLS * (2.27 - 0.003 * (warm - 25)), 0.15)
    gauge("battery.current", np.full(YEAR_H, 0.06), 0.01)
    gauge("battery.charge", np.full(YEAR_H, 100.0), 0.0)
    gauge("battery.runtime", 2400 * (40 / load) ** 1.2, 15.0)
    gauge("input.voltage", mains, 0.8, "1", "2", "3")
    gauge("input.bypass.voltage", mains, 0.8, "1")
    gauge("input.frequency", np.full(YEAR_H, 50.0), 0.02, "1")
    gauge("input.current", power / 3 / 0.94 / mains, 0.1, "1", "2", "3")
    gauge("input.realpower", power / 3 / 0.94, 15.0, "1", "2", "3")
    gauge("output.voltage", np.full(YEAR_H, 230.0), 0.2, "1", "2", "3")
    gauge("output.frequency", np.full(YEAR_H, 50.0), 0.01)
    gauge("output.current", power / 3 / 230, 0.1, "1", "2", "3")
    gauge("output.realpower", power / 3, 15.0, "1", "2", "3")
    gauge("output.power", power / 3 / 0.9, 15.0, "1", "2", "3")
    gauge("ups.load", load, 0.6, "1", "2", "3")
    gauge("ups.efficiency", 93 + 0.03 * load, 0.1)
    gauge("device.round_trip", np.full(YEAR_H, 0.6), 0.05)
    for point, value in {
        "ups.source": 3,
        "battery.status": 2,
        "battery.charger.status": 2,
        "ups.test.result": 6,
    }.items():
        story[point, None] = _still(float(value))
    for flag in POINTS.values():
        if flag.kind is Kind.FLAG and flag.id.startswith("alarm."):
            story[flag.id, None] = _still(0.0)
    return story


def _switch(dice: np.random.Generator, hour: Floats, day: Floats, work: Floats, room: Floats) -> Story:
    story: Story = {}
    hot = room + 14 + 2 * work

    def gauge(point: str, mean: Floats, spread: float, *indexes: str | None) -> None:
        for index in indexes or (None,):
            story[point, index] = _gauge(dice, mean, spread)

    gauge("entity.temperature", room + 2, 0.2, "1")
    gauge("entity.temperature", hot, 0.3, "2")
    gauge("entity.fan.speed", 4000 + 60 * (hot - 38), 20.0, "11", "12", "13")
    gauge("entity.fan.level", 40 + 0.6 * (hot - 38), 0.3, "11", "12", "13")
    gauge("entity.voltage", np.full(YEAR_H, 12.05), 0.01, "21", "22")
    gauge("entity.current", 6 + 0.4 * work, 0.05, "21", "22")
    gauge("entity.power", 73 + 5 * work, 0.6, "21", "22")
    gauge("cpu.load", 18 + 12 * work + np.abs(_wander(dice, 1.5)), 3.0, "1")
    gauge("memory.used", 52 + 3 * work + _wander(dice, 0.3), 0.4, "1")
    gauge("storage.used", 31 + _wander(dice, 0.05), 0.01, "1")
    for port in ("1", "2"):
        gauge("optics.rx_power", -5.2 + _wander(dice, 0.03), 0.04, port)
        gauge("optics.tx_power", np.full(YEAR_H, -2.3), 0.03, port)
        gauge("optics.bias", 0.035 * (1 + 0.004 * (hot - 38)), 0.0001, port)
        gauge("optics.temperature", hot + 3, 0.3, port)
        gauge("optics.voltage", np.full(YEAR_H, 3.3), 0.003, port)
        story["ifOperStatus", port] = story["ifAdminStatus", port] = _still(1.0)
        story["ifHighSpeed", port] = _still(10_000.0)
        bytes_h = 3600 * 1e6 * (20 + 80 * work) * np.exp(dice.normal(0, 0.15, YEAR_H))
        for way in ("In", "Out"):
            story[f"ifHC{way}Octets", port] = _counter(bytes_h)
            story[f"if{way}UcastPkts", port] = _counter(bytes_h / 800)
            story[f"if{way}Errors", port] = story[f"if{way}Discards", port] = _still(3.0)
    story["sysUpTime", None] = _counter(np.full(YEAR_H, 3600.0))
    for state in ("entity.fan.status", "entity.power.status", "entity.temperature.status"):
        story[state, "11"] = _still(float(next(iter(POINTS[state].states))))
    return story


@cache
def wild(device: str, seed: int, hours: int = 40 * 24) -> Story:
    """The healthy start, then each series goes its own way: steps, slopes, noise, stuck, silent, resets, any state."""
    dice = np.random.default_rng(seed)
    story: Story = {}
    for (point, index), rows in healthy(device).items():
        known = POINTS[point]
        rows = rows[:hours].copy()
        start = int(dice.integers(hours // 4, hours))
        after = rows[start:, 1:6]
        if known.kind in (Kind.STATE, Kind.FLAG):
            choices = list(known.states) or [0, 1]
            after[...] = dice.choice(choices, len(after))[:, None]
            rows[start:, 6] = dice.integers(0, 4, len(after))
        else:
            span = max(np.ptp(rows[:, 1]), abs(rows[0, 1]) * 0.1, 0.1)
            trouble = dice.integers(0, 6)
            if trouble == 0:
                after += span * dice.normal()
            elif trouble == 1:
                after += span * np.arange(len(after))[:, None] / 100 * dice.normal()
            elif trouble == 2:
                after += dice.normal(0, 3 * span, (len(after), 1))
            elif trouble == 3:
                after[...], rows[start:, 6] = after[0, 0], 0
            elif trouble == 4:
                after *= 10
            rows[:, 1:6] = np.clip(rows[:, 1:6], known.low, known.high)
        rows[dice.random(hours) < 0.02] = np.nan
        if dice.random() < 0.2:
            rows[start : start + int(dice.integers(1, 200))] = np.nan
        story[point, index] = rows
    return story


def cut(device: str, story: Story, needs: frozenset[str], every: int) -> Iterator[Hours]:
    """The story as detectors with these needs are shown it, `every` hours at once."""
    mine = {
        key: rows
        for key, rows in sorted(story.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        if key[0] in needs
    }
    length = len(next(iter(mine.values()))) if mine else 0
    for begin in range(0, length, every):
        hours = _hours(device, mine, begin, begin + every)
        if hours.columns:
            yield hours


def _hours(device: str, story: Story, begin: int, end: int) -> Hours:
    columns: dict[str, dict[str | None, HourColumn]] = {}
    seen: set[int] = set()
    for (point, index), rows in story.items():
        some = rows[begin:end]
        known = np.flatnonzero(np.isfinite(some[:, 1]))
        if not len(known):
            continue
        at = [START + (begin + int(row)) * HOUR_MS for row in known]
        seen.update((at[0], at[-1]))
        n, mean, low, high, first, last, moves = (some[known, place].tolist() for place in range(7))
        column = HourColumn(at, [*map(int, n)], mean, low, high, first, last, [*map(int, moves)])
        columns.setdefault(point, {})[index] = column
    return Hours(device, columns, min(seen, default=START), max(seen, default=START) + HOUR_MS)


def _wander(dice: np.random.Generator, spread: float) -> Floats:
    """Slow noise: each hour keeps 0.9 of the one before it."""
    steps = dice.normal(0, spread * 0.44, YEAR_H)
    for place in range(1, YEAR_H):
        steps[place] += 0.9 * steps[place - 1]
    return steps


def _gauge(dice: np.random.Generator, mean: Floats, spread: float) -> Floats:
    if spread == 0:
        return _still(float(mean[0]))
    mean = mean + dice.normal(0, spread / 4, len(mean))
    wide = spread * (2 + 0.3 * np.abs(dice.normal(size=(2, len(mean)))))
    ends = dice.normal(0, spread, (2, len(mean)))
    rows = [np.full(len(mean), 360.0), mean, mean - wide[0], mean + wide[1], mean + ends[0], mean + ends[1]]
    low, high = rows[2], rows[3]
    rows[4], rows[5] = np.clip(rows[4], low, high), np.clip(rows[5], low, high)
    return np.stack([*rows, dice.integers(250, 340, len(mean)).astype(float)], axis=1)


def _still(value: float) -> Floats:
    return np.tile([360.0, value, value, value, value, value, 0.0], (YEAR_H, 1))


def _counter(per_hour: Floats) -> Floats:
    ends = np.round(np.cumsum(per_hour))
    begins = ends - np.round(per_hour)
    last = ends - np.round(per_hour / 360)
    return np.stack(
        [np.full(YEAR_H, 360.0), (begins + last) / 2, begins, last, begins, last, np.full(YEAR_H, 359.0)], axis=1
    )
