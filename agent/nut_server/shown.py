"""What the agent reads, in the words of NUT, for as long as it is true. Pure; times are seconds of one monotonic clock.

    ups.source 3 mains    OL        6 boosted  OL BOOST    7 reduced  OL TRIM    4 bypass  OL BYPASS
               5 battery  OB        2 nothing  OFF         1 other    by alarm.on_battery
    battery.status 3, 4 · alarm.battery_low, battery_depleted · on battery: alarm.shutdown_imminent    LB
    alarm.replace_battery, battery_bad   RB      alarm.overload   OVER      charger   CHRG, DISCHRG
    every other alarm   ALARM, and its meaning in ups.alarm

Rules. Never an old value as a fresh one: whoever reads us may shut a host down, or fail to. Without a fresh state of the
supply a UPS is stale, whole (`ERR DATA-STALE`); upsmon itself knows what to make of one that was on battery and is stale.
Fresh means younger than `STALE_S`, or than three of the device's own rounds on a slow line, but never than `OLDEST_S`. A
value that was not read again when its turn came is left out; one that turned into a gap leaves at once; what a trap
said of a silent device is not fresh. A self-test is no CAL: upsmon would let a low battery pass for one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

from agent.drivers.nut_names import ROWS
from model.batch import Event, EventKind
from model.points import POINTS, BatteryStatus, ChargeMode, Kind, Source
from model.reading import Gap, GapCause, Quality, Reading

#: Seconds of the story: as long as upsd's own MAXAGE; the most that a slow line may take; never less real than the last.
STALE_S, OLDEST_S, LEAST_REAL_S = 15.0, 120.0, 2.0
_ROUNDS = 3.0
_SOURCE, _ON_BATTERY = "ups.source", "alarm.on_battery"
_FED = {
    Source.NORMAL: ("OL",), Source.BATTERY: ("OB",), Source.BYPASS: ("OL", "BYPASS"), Source.BOOSTER: ("OL", "BOOST"),
    Source.REDUCER: ("OL", "TRIM"), Source.NONE: ("OFF",),
}  # fmt: skip
_LOW = ("alarm.battery_low", "alarm.battery_depleted")
_WORN = ("alarm.replace_battery", "alarm.battery_bad")
_OVER = "alarm.overload"
_IMMINENT = "alarm.shutdown_imminent"
#: Alarms that a word of the status says already, or that are no trouble.
_SAID = frozenset({_ON_BATTERY, *_LOW, *_WORN, _OVER, "alarm.on_bypass", "alarm.test_in_progress", "alarm.output_off"})
#: Points by which a device shows that it is a UPS.
_OF_A_UPS = ("ups.source", "battery.status", "battery.charge", "battery.voltage", _ON_BATTERY)
_TESTS = {
    1: "Done and passed", 2: "Done and warning", 3: "Done and error", 4: "Aborted", 5: "In progress", 6: "No test initiated",
}  # fmt: skip
#: (point, index) -> variable: of phases, of one phase, and the sums.
_NAMES: dict[tuple[str, str | None], str] = {
    (row.point, row.index): row.names[0] for row in reversed(ROWS) if not row.of_phase
}
_PHASES: dict[tuple[str, str | None], str] = {(row.point, row.index): row.names[0] for row in ROWS if row.of_phase}
_SUMS = {"ups.realpower": "ups.realpower", "ups.power": "ups.power"}
_WORDS = {
    row.point: {number: word for word, number in reversed((row.words or {}).items())} for row in ROWS if row.words
}
_TEXTS = {
    "device.mfr": ("device.mfr", "ups.mfr"), "device.model": ("device.model", "ups.model"), "device.serial": ("device.serial", "ups.serial"),
    "device.firmware": ("ups.firmware",), "battery.date": ("battery.date",),
}  # fmt: skip
#: What is told once a day and stays true.
_LASTING = (".nominal", ".phases", "battery.packs", "battery.capacity", ".low", ".high", "beeper.status")

Series = tuple[str, str | None]


class _Device(msgspec.Struct):
    held: dict[Series, tuple[float, float]]  #: value, when heard
    texts: dict[str, str]
    told: float | None = None  #: when the supply's state was heard last
    between: float = 0.0  #: seconds from the state before to that


class Shown:
    """What is known of each UPS. `devices`: ids `site/device`; `speed`: story seconds in a real one."""

    def __init__(
        self, devices: Iterable[str], *, measure_s: float, speed: float = 1.0, chosen: Collection[str] = ()
    ) -> None:
        self._devices = {id.partition("/")[2]: _Device({}, {}) for id in devices if not chosen or id in chosen}
        self._chosen = bool(chosen)
        self._speed = speed
        self._measure_s = measure_s

    def hear(self, found: Iterable[Reading | Gap | Event], now: float) -> None:
        """Take what a turn brought."""
        for one in found:
            device = self._devices.get(one.device.partition("/")[2]) if one.device else None
            if device is None:
                continue
            if isinstance(one, Reading):
                self._read(device, one, now)
            elif isinstance(one, Event):
                if one.kind is EventKind.IDENTITY:
                    device.texts.update({key: str(value) for key, value in one.data.items()})
            elif one.point is not None:
                device.held.pop((one.point, one.index), None)
            elif one.cause is GapCause.STALE:  # another device answers in its place
                device.held.clear()

    def _read(self, device: _Device, one: Reading, now: float) -> None:
        if one.quality >= Quality.SUSPECT:
            return
        device.held[one.point, one.index] = one.value, now
        if one.point == _SOURCE or (one.point == _ON_BATTERY and (_SOURCE, None) not in device.held):
            device.between = now - device.told if device.told is not None else 0.0
            device.told = now

    def names(self) -> list[str]:
        """The UPSes: all that were named in the file, else those that may be one."""
        return [name for name, device in self._devices.items() if self._chosen or _may_be_ups(device)]

    def knows(self, name: str) -> bool:
        """Whether there is such a UPS."""
        return name in self._devices and (self._chosen or _may_be_ups(self._devices[name]))

    def variables(self, name: str, now: float) -> dict[str, str] | None:
        """The variables of a UPS; None: stale."""
        device = self._devices[name]
        oldest = max(self._real(STALE_S), min(_ROUNDS * device.between, self._real(OLDEST_S)), LEAST_REAL_S)
        fresh = self._fresh(device, now, oldest)
        if device.told is None or now - device.told > oldest:
            return None
        words, alarms = _status(fresh)
        if not words:
            return None
        out = {"device.type": "ups", "driver.name": "roundsman", "ups.status": " ".join(words)}
        if alarms:
            out["ups.alarm"] = " ".join(f"{POINTS[point].meaning.en}!" for point in alarms)
        for point, names in _TEXTS.items():
            if point in device.texts:
                out |= dict.fromkeys(names, device.texts[point])
        out |= _numbers(fresh)
        return dict(sorted(out.items()))

    def _real(self, story_s: float) -> float:
        return story_s / self._speed

    def _fresh(self, device: _Device, now: float, oldest: float) -> dict[Series, float]:
        measured = max(oldest, self._real(_ROUNDS * self._measure_s))
        return {
            series: value
            for series, (value, at) in device.held.items()
            if now - at <= (oldest if _of_status(series[0]) else measured) or _lasts(series[0])
        }


def _may_be_ups(device: _Device) -> bool:
    """A device that has not told anything yet may be one."""
    return not device.held or any(point in _OF_A_UPS for point, _ in device.held)


def _of_status(point: str) -> bool:
    return point in (_SOURCE, "battery.status", "battery.charger.status") or point.startswith("alarm.")


def _lasts(point: str) -> bool:
    return point.endswith(_LASTING)


def _status(fresh: dict[Series, float]) -> tuple[list[str], list[str]]:
    """The words of ups.status, none when nobody knows what feeds the load; and the alarms that no word says."""
    flags = {point for (point, _), value in fresh.items() if value and point.startswith("alarm.")}
    source = fresh.get((_SOURCE, None))
    fed = _FED.get(Source(int(source))) if source is not None else None
    if fed is None and (_ON_BATTERY, None) in fresh:
        fed = ("OB",) if _ON_BATTERY in flags else ("OL",)
    if fed is None:
        return [], []
    low = fresh.get(("battery.status", None)) in (BatteryStatus.LOW, BatteryStatus.DEPLETED) or bool(flags & {*_LOW})
    low = low or ("OB" in fed and _IMMINENT in flags)
    charger = fresh.get(("battery.charger.status", None))
    charging = (
        {ChargeMode.CHARGING: "CHRG", ChargeMode.DISCHARGING: "DISCHRG"}.get(ChargeMode(int(charger)))
        if charger
        else None
    )
    alarms = sorted(flags - _SAID)
    words = [
        *fed,
        *(["LB"] if low else []),
        *(["RB"] if flags & {*_WORN} else []),
        *(["OVER"] if _OVER in flags else []),
        *([charging] if charging else []),
        *(["ALARM"] if alarms else []),
    ]
    return words, alarms


def _numbers(fresh: dict[Series, float]) -> dict[str, str]:
    out: dict[str, str] = {}
    many = {point for point, index in fresh if index in ("2", "3")}
    for (point, index), value in fresh.items():
        if index is None and point in _SUMS:
            name: str | None = _SUMS[point]
        elif point in many and index is not None:
            name = _PHASES.get((point, index))
        else:
            name = _NAMES.get((point, index)) or _NAMES.get(
                (point, "1" if index is None else None if index == "1" else index)
            )
        if name is None or POINTS[point].kind is Kind.TEXT:
            continue
        word = _TESTS.get(int(value)) if point == "ups.test.result" else _WORDS.get(point, {}).get(int(value))
        if POINTS[point].kind is Kind.STATE and word is None:
            continue
        out[name] = word or _plain(value)
    return out


def _plain(value: float) -> str:
    """A number as NUT writes it.

    >>> _plain(230.0), _plain(5e6), _plain(13.62)
    ('230', '5000000', '13.62')
    """
    return f"{value:.3f}".rstrip("0").rstrip(".")
