"""Which variable of Network UPS Tools is which point, and what its words mean: a table, and nothing else.

Sources: RFC 9271, NUT's nut-names.txt, and the words that NUT's drivers really use. A row takes the first of its names
that is there. Names with L1..L3 are phases; one without, on a UPS of several phases, is told without index. `missing` are
numbers by which drivers say that they do not know; `low` and `high` are what such equipment can have, within what the
point can be. All numbers are in the unit of NUT, which is ours.
"""

from __future__ import annotations

import re

import msgspec

from agent.profiles.form import Tier
from model.points import POINTS, Kind

_PHASE = re.compile(r"\.L([123])\b")


class Row(msgspec.Struct, frozen=True):
    """One point and the variables that may hold it."""

    point: str
    names: tuple[str, ...]
    tier: Tier
    index: str | None = None
    missing: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    words: dict[str, int] | None = None  #: states: the variable's word, in small letters, is one of these
    total: str = ""  #: the point that this is on a UPS of several phases

    @property
    def of_phase(self) -> bool:
        """Whether its names name a phase."""
        return _PHASE.search(self.names[0]) is not None


#: A day on battery is what the largest UPS of the field gives; 65535 and 3932100 (65535 min) are full registers.
_RUNTIME_MISSING, _LONGEST_S = (-1, 65535, 65534, 3932100, 4294967295), 86_400
_MAINS_HZ = (40, 440)
_ZERO = (0, -1)
_S, _M, _I = Tier.STATUS, Tier.MEASURE, Tier.IDENTITY

_BEEPER = {"disabled": 1, "enabled": 2, "muted": 3}
_CHARGER = {"resting": 1, "floating": 2, "charging": 3, "discharging": 4}
#: The beginning of what drivers say of the last self-test; what is not listed is no statement.
_TEST = {
    "done and passed": 1, "passed": 1, "ok": 1, "test passed": 1, "done and warning": 2, "warning": 2, "done and error": 3,
    "failed": 3, "error": 3, "ng": 3, "battery failed": 3, "aborted": 4, "in progress": 5, "test in progress": 5, "running": 5,
    "no test initiated": 6, "no": 6, "none": 6, "no test": 6, "unknown": 0,
}  # fmt: skip
#: As snmp-ups, usbhid-ups and apc_modbus say it; single letters of older drivers differ between models and are let alone.
_REASON = {
    "notransfer": 0, "none": 0, "acceptableinput": 0, "highlinevoltage": 1, "high line voltage": 1, "highinputvoltage": 1,
    "brownout": 2, "lowinputvoltage": 2, "low line voltage": 2, "blackout": 3, "smallmomentarysag": 4, "deepmomentarysag": 5,
    "smallmomentaryspike": 6, "largemomentaryspike": 7, "selftest": 8, "self test": 8, "rateofvoltagechange": 9,
    "input voltage out of range": 10, "input frequency out of range": 11, "frequencyoutofrange": 11,
}  # fmt: skip
_OUTLET = {"on": 1, "off": 2}
#: Outlets by number: what follows `outlet.N.`; 0 is the UPS's own main outlet.
OUTLETS: dict[str, tuple[str, Tier, dict[str, int] | None]] = {
    "status": ("outlet.status", Tier.STATUS, _OUTLET),
    "current": ("outlet.current", Tier.MEASURE, None),
    "realpower": ("outlet.realpower", Tier.MEASURE, None),
}


def _phases(point: str, side: str, quantity: str, tier: Tier, **more: tuple[float, ...] | float) -> list[Row]:
    """The three phases of a quantity, then the one value of a single-phase UPS (or of all phases together)."""
    rows = []
    for phase in "123":
        names = [f"{side}.L{phase}.{quantity}"]
        if quantity == "voltage":
            names.insert(0, f"{side}.L{phase}-N.voltage")
        rows.append(Row(point, tuple(names), tier, phase, **more))  # type: ignore[arg-type]
    return rows


#: In the order in which they are told.
ROWS: tuple[Row, ...] = (
    Row("battery.charge", ("battery.charge",), _S),
    Row("battery.runtime", ("battery.runtime",), _S, missing=_RUNTIME_MISSING, high=_LONGEST_S),
    Row("battery.charger.status", ("battery.charger.status",), _S, words=_CHARGER),
    Row("ups.test.result", ("ups.test.result",), _S, words=_TEST),
    Row("battery.voltage", ("battery.voltage",), _M, low=6),  # below that it is one cell
    Row("battery.current", ("battery.current",), _M),
    Row("battery.temperature", ("battery.temperature",), _M, missing=(0,)),  # 0 stands for "no sensor"
    *_phases("input.voltage", "input", "voltage", _M),
    Row("input.voltage", ("input.voltage",), _M, "1"),
    Row("input.voltage.fault", ("input.voltage.fault",), _M),
    Row("input.voltage.maximum", ("input.voltage.maximum",), _M),
    Row("input.voltage.minimum", ("input.voltage.minimum",), _M),
    Row("input.transfer.reason", ("input.transfer.reason",), _M, words=_REASON),
    Row("input.power", ("input.power",), _M),
    Row("input.powerfactor", ("input.powerfactor",), _M),
    *_phases("input.frequency", "input", "frequency", _M, low=_MAINS_HZ[0], high=_MAINS_HZ[1]),
    Row("input.frequency", ("input.frequency",), _M, "1", low=_MAINS_HZ[0], high=_MAINS_HZ[1]),
    *_phases("input.current", "input", "current", _M),
    Row("input.current", ("input.current",), _M, "1"),
    *_phases("input.realpower", "input", "realpower", _M),
    Row("input.realpower", ("input.realpower",), _M, "1"),
    *_phases("input.bypass.voltage", "input.bypass", "voltage", _M),
    Row("input.bypass.voltage", ("input.bypass.voltage",), _M, "1"),
    Row("input.bypass.frequency", ("input.bypass.frequency",), _M, "1", low=_MAINS_HZ[0], high=_MAINS_HZ[1]),
    *_phases("input.bypass.current", "input.bypass", "current", _M),
    Row("input.bypass.current", ("input.bypass.current",), _M, "1"),
    *_phases("output.voltage", "output", "voltage", _M),
    Row("output.voltage", ("output.voltage",), _M, "1"),
    Row("output.frequency", ("output.frequency",), _M, low=_MAINS_HZ[0], high=_MAINS_HZ[1]),
    *_phases("output.current", "output", "current", _M),
    Row("output.current", ("output.current",), _M, "1"),
    Row("output.realpower", ("output.L1.realpower", "ups.L1.realpower"), _M, "1"),
    Row("output.realpower", ("output.L2.realpower", "ups.L2.realpower"), _M, "2"),
    Row("output.realpower", ("output.L3.realpower", "ups.L3.realpower"), _M, "3"),
    Row("output.realpower", ("output.realpower", "ups.realpower"), _M, "1", total="ups.realpower"),
    Row("output.power", ("output.L1.power", "ups.L1.power"), _M, "1"),
    Row("output.power", ("output.L2.power", "ups.L2.power"), _M, "2"),
    Row("output.power", ("output.L3.power", "ups.L3.power"), _M, "3"),
    Row("output.power", ("output.power", "ups.power"), _M, "1", total="ups.power"),
    Row("output.powerfactor", ("output.powerfactor",), _M),
    Row("ups.efficiency", ("ups.efficiency",), _M, missing=(0,)),
    Row("ups.load", ("output.L1.power.percent", "ups.L1.load"), _M, "1"),
    Row("ups.load", ("output.L2.power.percent", "ups.L2.load"), _M, "2"),
    Row("ups.load", ("output.L3.power.percent", "ups.L3.load"), _M, "3"),
    Row("ups.load", ("ups.load",), _M, "1"),
    Row("ups.temperature", ("ups.temperature",), _M, missing=(0,)),
    Row("ambient.temperature", ("ambient.temperature",), _M),
    Row("ambient.humidity", ("ambient.humidity",), _M, missing=(0,)),
    Row("battery.voltage.nominal", ("battery.voltage.nominal",), _I, missing=_ZERO, low=6),
    Row("battery.capacity", ("battery.capacity",), _I, missing=_ZERO),
    Row("battery.packs", ("battery.packs",), _I, missing=(-1,)),
    Row("battery.packs.bad", ("battery.packs.bad",), _I, missing=(-1,)),
    Row("battery.date", ("battery.date",), _I),
    Row("battery.runtime.low", ("battery.runtime.low",), _I, missing=(-1,)),
    Row("input.voltage.nominal", ("input.voltage.nominal",), _I, missing=_ZERO),
    Row("input.frequency.nominal", ("input.frequency.nominal",), _I, missing=_ZERO, low=_MAINS_HZ[0], high=_MAINS_HZ[1]),
    Row("input.current.nominal", ("input.current.nominal",), _I, missing=_ZERO),
    Row("input.phases", ("input.phases",), _I, missing=(-1,)),
    Row("input.bypass.phases", ("input.bypass.phases",), _I, missing=(-1,)),
    Row("input.transfer.low", ("input.transfer.low",), _I, missing=_ZERO),
    Row("input.transfer.high", ("input.transfer.high",), _I, missing=_ZERO),
    Row("output.voltage.nominal", ("output.voltage.nominal",), _I, missing=_ZERO),
    Row("output.frequency.nominal", ("output.frequency.nominal",), _I, missing=_ZERO, low=_MAINS_HZ[0], high=_MAINS_HZ[1]),
    Row("output.phases", ("output.phases",), _I, missing=(-1,)),
    Row("ups.power.nominal", ("ups.power.nominal",), _I, missing=_ZERO),
    Row("ups.realpower.nominal", ("ups.realpower.nominal",), _I, missing=_ZERO),
    Row("ups.beeper.status", ("ups.beeper.status", "beeper.status"), _I, words=_BEEPER),
    Row("ups.start.auto", ("ups.start.auto",), _I, words={"yes": 1, "no": 2}),
    Row("device.mfr", ("device.mfr", "ups.mfr"), _I),
    Row("device.model", ("device.model", "ups.model"), _I),
    Row("device.serial", ("device.serial", "ups.serial"), _I),
    Row("device.firmware", ("ups.firmware",), _I),
    Row("device.firmware.aux", ("ups.firmware.aux",), _I),
)  # fmt: skip

_IN_ROWS = frozenset(name for row in ROWS for name in (row.point, *row.names))


def same_named(name: str) -> Row | None:
    """A row for a variable that no row names and that is called as a point is: settings, limits, timers. The dictionary of
    points has its names, and so its units, from NUT; a state would need its words."""
    point = POINTS.get(name)
    if point is None or name in _IN_ROWS or point.kind not in (Kind.GAUGE, Kind.TEXT):
        return None
    return Row(name, (name,), _M if name.startswith("ups.timer") else _I, missing=(-1,))


#: Words of `ups.status` that raise a flag. All are told each time, 0 and 1.
FLAGS: dict[str, tuple[str, ...]] = {
    "alarm.on_battery": ("OB",),
    "alarm.battery_low": ("LB",),
    "alarm.replace_battery": ("RB",),
    "alarm.overload": ("OVER",),
    "alarm.on_bypass": ("BYPASS",),
    "alarm.output_off": ("OFF",),
    "alarm.test_in_progress": ("CAL", "TEST"),
    "alarm.battery_voltage_high": ("HB",),
    "alarm.shutdown_imminent": ("FSD",),
}
#: What a sentence of `ups.alarm` raises; a sentence that is not listed is a general fault.
ALARM_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), flag)
    for pattern, flag in (
        (r"replace batter", "alarm.replace_battery"),
        (r"batter(y|ies) (is )?bad|bad batter|battery fault|battery failure", "alarm.battery_bad"),
        (r"no batter|battery disconnect|battery missing|battery not (present|connected)", "alarm.battery_missing"),
        (r"battery (deep )?(over.?discharged|depleted)", "alarm.battery_depleted"),
        (r"(low batter|battery low)", "alarm.battery_low"),
        (r"battery (voltage )?too high|battery over.?voltage|dc over", "alarm.battery_voltage_high"),
        (r"on battery", "alarm.on_battery"),
        (r"shutdown imminent", "alarm.shutdown_imminent"),
        (r"shutdown pending", "alarm.shutdown_pending"),
        (
            r"input (is )?bad|bad input|utility (failure|not present)|input (ac )?(over|under)|input out of",
            "alarm.input_bad",
        ),
        (r"output (is )?bad|output (ac )?(over|under)|output out of", "alarm.output_bad"),
        (r"overload", "alarm.overload"),
        (r"bypass (is )?(bad|not available|unavailable)", "alarm.bypass_bad"),
        (r"on (automatic |manual )?bypass|bypass active", "alarm.on_bypass"),
        (r"charger (fail|fault)", "alarm.charger_failed"),
        (r"fan (fail|fault)", "alarm.fan_failure"),
        (r"fuse (fail|fault)", "alarm.fuse_failure"),
        (
            r"over.?temperature|temperature too high|temperature is|overheat|internal temp|bad temperature",
            "alarm.temperature",
        ),
        (r"inverter (fail|fault)", "alarm.inverter_fault"),
        (r"rectifier (fail|fault)", "alarm.rectifier_fault"),
        (r"redundan", "alarm.redundancy_lost"),
        (r"emergency (power|stop)|\bEPO\b", "alarm.emergency_power_off"),
        (r"test fail", "alarm.test_failed"),
        (r"communication|comms? (lost|fault)", "alarm.communication_lost"),
    )
)
#: Flags that only a sentence raises: told 0 where the UPS has a status and no such sentence.
TOLD_BY_TEXT = tuple(
    dict.fromkeys(flag for _, flag in ALARM_TEXTS if flag not in FLAGS and flag != "alarm.communication_lost")
)
