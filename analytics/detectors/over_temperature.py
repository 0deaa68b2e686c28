"""Too hot. Sees: `alarm.temperature`, `ups.temperature` over 55 °C, `battery.temperature` over 40 °C.

Well again 5 and 3 °C lower; two samples and 5 s prove it. These limits know no device's own normal, so a sensor that is near one day after day is judged
by its own past, too:

    usual = what the highest sample of the day reached on half of the last 28 days (UTC), °C; more than the limit counts as the limit

It is told above usual + 3 °C, where that is more than the limit, and well again below usual, where that is more than 5 or 3 °C under the limit: a battery that gets
39.5 °C on most days is told above 42.5 °C and well below 39.5 °C. A rise of 2 °C within an hour is nothing usual: then the plain limit counts. What stays over the
plain limit for 6 hours without a break, yet as is usual, is a warning at a score of 0.2 that stands until the limit was kept for 28 days: the room is too warm for a battery's
life, but nothing failed. What is unusual ends it and is told anew. The device's own flag, and what is critical (70 and 55 °C), know nothing of usual. Numbers are engineering defaults (tune).

A sensor that always says the same (many small UPSs) is not found out here. In the first two weeks nothing is usual. A cooling that fails by less than 2 °C an hour,
in a room that is usually near the limit, is told up to 3 °C later (a battery that runs away by 0.5 °C an hour, 6 hours: see `battery_runaway`); one that wears out over months is
`cooling_worn`.

State: that of a condition (`analytics.condition`; "POINT#INDEX~" is the latch of the warning), "highs": {"POINT#INDEX": [[day, °C] …]} of days over the limit less
5 or 3 °C, "hour": {"POINT#INDEX": [[start of 5 minutes, lowest °C] …]} of the last hour, for those of "highs".
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from analytics.condition import Condition, Flip, Witness, above, flag
from analytics.detector import Block, Column, Context, State
from analytics.latch import Latch, Rule, fresh, observe
from analytics.slow.days import DAY_MS
from model.finding import Change, Finding, Severity
from model.text import Text

LIMITS = {"ups.temperature": (55.0, 50.0), "battery.temperature": (40.0, 37.0)}  #: (limit, well again below) °C
DAYS, HALF = 28, 14
RISE_C, HOUR_MS, SLOT_MS = 2.0, 3_600_000, 300_000
MORE_C = 3.0  #: over what is usual, this much is still usual
LONG = Rule(seconds=6 * 3600, clear_seconds=DAYS * 86_400)
#: A warm room is seldom a fault: what is left when it is as usual (an engineering default).
USUAL_SCORE = 0.2
_USUAL = Text("; it gets {usual:g} °C on most days", "；该测点多数日子最高达 {usual:g}°C")
_LONG = Text(
    "; over it for {hours:g} hours, but it gets {usual:g} °C on most days: the room is too warm for a battery's life, nothing else is seen",
    "；已持续 {hours:g} 小时，但该测点多数日子最高达 {usual:g}°C：机房偏热，影响电池寿命，未见其他异常",
)

Highs = list[list[float]]


class OverTemperature(Condition):
    """A condition whose limits know what is usual for each sensor."""

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:
        if "highs" not in state and not _near(block):
            return super().step(state, block, context, now)
        changes: list[Change] = []
        for day in _days(block):
            state, told = super().step(state, day, context, now)
            changes += told
            state = _learned(state, day)
        return state, changes

    def _followed(
        self, state: State, key: str, witness: Witness, column: Column, flips: list[Flip]
    ) -> dict[str, Latch]:
        latches = state.get("latch", {})
        usual = _usual(state, key, column.at[0])
        if usual is None and f"{key}~" not in latches:
            return super()._followed(state, key, witness, column, flips)
        limit, clear = LIMITS[witness.point]
        most, well = (limit, clear) if usual is None else (max(limit, usual + MORE_C), max(clear, usual))
        one, long = (list(latches.get(which, fresh())) for which in (key, f"{key}~"))
        lows, _ = _lowest(state.get("hour", {}).get(key, []), column)
        for at, value, low in zip(column.at, column.value, lows, strict=True):
            bad = value > (limit if value - low >= RISE_C else most)
            worse = bool(one[0]) and witness.severe is not None and one[3] <= witness.severe < value
            if bad and not one[0]:
                one[3] = value
            since = observe(one, value < well if one[0] else bad, at, self.rule)
            if since is not None:
                if long[0]:
                    flips.append((at - 1, f"{key}~", False, since - 1, value))
                long = fresh()
                flips.append((at, key, bool(one[0]), since, value))
            elif worse:
                one[3] = value
                flips.append((at, key, True, at, value))
            if one[0]:
                continue
            since = observe(long, value <= limit if long[0] else value > limit, at, LONG)
            if since is not None:
                flips.append((at, f"{key}~", bool(long[0]), since if long[0] else at, value))
        return {key: one, f"{key}~": long}

    def _witness(self, key: str) -> Witness:
        if not key.endswith("~"):
            return super()._witness(key)
        witness = super()._witness(key[:-1])
        return Witness(
            point=witness.point, text=witness.text, severity=Severity.WARNING, bad=witness.bad, good=witness.good, limit=witness.limit
        )  # fmt: skip

    def _finding(self, device: str, state: State, key: str, witness: Witness, value: float, at: int) -> Finding:
        sensor, long = key.removesuffix("~"), key.endswith("~")
        finding = super()._finding(device, state, sensor, witness, value, at)
        usual = _usual(state, sensor, at)
        if witness.point not in LIMITS or usual is None:
            return finding
        [line] = finding.evidence
        more = (_LONG if long else _USUAL).format(usual=usual, hours=LONG.seconds / 3600)
        line = msgspec.structs.replace(line, text=Text(line.text.en + more.en, line.text.zh + more.zh))
        return msgspec.structs.replace(finding, score=USUAL_SCORE if long else finding.score, evidence=(line,))


def _near(block: Block) -> bool:
    """Whether a sensor is within its hysteresis of the limit."""
    for point, (_, clear) in LIMITS.items():
        series = block.columns.get(point)
        if series is not None and any(max(column.value) > clear for column in series.values()):
            return True
    return False


def _days(block: Block) -> Iterator[Block]:
    """The block cut at each midnight (UTC), so that it says the same in pieces as whole."""
    if block.first_at // DAY_MS == block.last_at // DAY_MS:
        yield block
        return
    heard = [
        (point, index, column)
        for point in OVER_TEMPERATURE.needs
        for index, column in block.columns.get(point, {}).items()
    ]
    for day in sorted({at // DAY_MS for _, _, column in heard for at in column.at}):
        start, end = day * DAY_MS, (day + 1) * DAY_MS
        columns: dict[str, dict[str | None, Column]] = {}
        for point, index, column in heard:
            a, b = bisect_left(column.at, start), bisect_left(column.at, end)
            if a < b:
                columns.setdefault(point, {})[index] = Column(column.at[a:b], column.value[a:b])
        yield Block(block.device, columns, [], max(start, block.first_at), min(end - 1, block.last_at))


def _usual(state: State, key: str, at: int) -> float | None:
    """What half of the 28 days before this one reached; None: it is seldom near the limit."""
    day = at // DAY_MS
    highs = sorted((high for on, high in state.get("highs", {}).get(key, ()) if day - DAYS <= on < day), reverse=True)
    return highs[HALF - 1] if len(highs) >= HALF else None


def _lowest(known: Highs, column: Column) -> tuple[list[float], Highs]:
    """The lowest of the hour up to each sample, and what is to be known of the newest hour."""
    slots = [list(slot) for slot in known]
    lows = []
    for at, value in zip(column.at, column.value, strict=True):
        start = at - at % SLOT_MS
        if slots and slots[-1][0] == start:
            slots[-1][1] = min(slots[-1][1], value)
        else:
            slots = [slot for slot in slots if slot[0] + HOUR_MS >= start] + [[start, value]]
        lows.append(min(low for _, low in slots))
    return lows, slots


def _learned(state: State, block: Block) -> State:
    """The state with the highest sample of this day, and the newest hour, of each sensor that comes near its limit."""
    day = block.first_at // DAY_MS
    highs: dict[str, Highs] = {
        key: kept
        for key, known in state.get("highs", {}).items()
        if (kept := [row for row in known if row[0] >= day - DAYS])
    }
    hour: dict[str, Highs] = {key: known for key, known in state.get("hour", {}).items() if key in highs}
    for point, (limit, clear) in LIMITS.items():
        for index, column in block.columns.get(point, {}).items():
            key = point if index is None else f"{point}#{index}"
            high = min(max(column.value), limit)
            if high > clear:
                known = highs.get(key, [])
                if known and known[-1][0] == day:
                    highs[key] = [*known[:-1], [day, max(high, known[-1][1])]]
                else:
                    highs[key] = [*known, [day, high]]
            if key in highs:
                hour[key] = _lowest(hour.get(key, []), column)[1]
    after = {name: value for name, value in state.items() if name not in ("highs", "hour")}
    return {**after, "highs": highs, "hour": hour} if highs else after


OVER_TEMPERATURE = OverTemperature(
    kind="over_temperature",
    witnesses=(
        flag(
            "alarm.temperature",
            Text("the UPS reports its temperature out of tolerance", "UPS 报告温度异常"),
            Severity.MINOR,
        ),
        above(
            "ups.temperature",
            LIMITS["ups.temperature"][0],
            Text("UPS at {value} °C, limit {limit} °C", "UPS 温度 {value}°C，上限 {limit}°C"),
            Severity.MAJOR,
            clear=LIMITS["ups.temperature"][1],
            severe=70.0,
        ),
        above(
            "battery.temperature",
            LIMITS["battery.temperature"][0],
            Text("battery at {value} °C, limit {limit} °C", "电池温度 {value}°C，上限 {limit}°C"),
            Severity.MAJOR,
            clear=LIMITS["battery.temperature"][1],
            severe=55.0,
        ),
    ),
    rule=Rule(seconds=5, clear_seconds=30),
    advice=Text(
        "Check room cooling first (are the neighbours hot too?), then air filter and fans. A battery much hotter "
        "than the room: stop charging, ventilate.",
        "先查机房空调（相邻设备是否同样偏热），再查防尘网和风扇。若电池明显高于室温：停止充电并通风。",
    ),
)
