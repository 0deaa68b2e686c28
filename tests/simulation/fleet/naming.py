"""Which finding is the right one for which fault or event. Written from faults.md, not from the table's results."""

from __future__ import annotations

#: Verdicts on a battery: judged by its true life.
BATTERY = frozenset({"battery_replace", "runtime_shortfall", "battery_unproven", "battery_due", "battery_flag"})
#: Findings that call for an act on the battery, and those that order one.
ACTS = frozenset({"battery_replace", "runtime_shortfall", "battery_unproven", "battery_due"})
ORDERS = frozenset({"battery_replace"})
#: States that a device tells of itself, and "nothing is known": no claim that could be wrong.
PLAIN = frozenset(
    {"on_battery", "mains_failed", "battery_low", "output_off", "device_silent", "battery_untested", "port_down"}
)

_JAR = frozenset({"battery_replace", "runtime_shortfall", "cell_shorted", "battery_block_weak", "battery_unproven"})
_CHARGER = frozenset({"charger_fault", "charger", "not_charging", "float_wrong", "bad_state"})
_HOT = frozenset({"over_temperature", "heating_fast", "room_warm", "overheating", "ups_hot", "heat_unexplained"})
_PSU = frozenset({"power_supply", "bad_state"})
_SENSOR = frozenset({"sensor_stuck", "unusual", "card_frozen", "device_silent"})

RIGHT: dict[str, frozenset[str]] = {
    "wear": frozenset({"battery_replace", "runtime_shortfall"}),
    "battery.cell_short": _JAR,
    "battery.cell_open": _JAR,
    "battery.runaway": frozenset({"battery_runaway"}),
    "charger.dead": _CHARGER,
    "charger.high": _CHARGER,
    "cooling.fan": frozenset({"cooling_worn", "fan", "fan_tray"}),
    "cooling.filter": frozenset({"cooling_worn", "overheating", "ups_hot", "heat_unexplained"}),
    "cooling.room": _HOT,
    "load.growth": frozenset({"overload_trend", "overload"}),
    "mains.transfers": frozenset({"transfers_rising", "input_quality"}),
    "mains.sag": frozenset({"input_quality"}),
    "mains.frequency": frozenset({"input_quality"}),
    "feed.neutral": frozenset({"loose_neutral", "phase_imbalance", "input_unbalanced", "input_quality"}),
    "feed.contact": frozenset({"feed_contact"}),
    "bypass.stuck": frozenset({"bypass"}),
    "boost.stuck": frozenset({"regulating_long", "input_quality"}),
    "avr.wear": frozenset({"avr_wear"}),
    "inverter.volts": frozenset({"output_quality"}),
    "capacitor": frozenset({"capacitors"}),
    "generator.absent": frozenset({"generator_absent"}),
    "card.frozen": frozenset({"card_frozen", "sensor_stuck"}),
    "rectifier.module": frozenset({"rectifier_lost", "bad_state"}),
    "psu.volts": _PSU,
    "psu.share": _PSU,
    "psu.flaps": _PSU,
    "fan.tray": frozenset({"fan_tray", "fan"}),
    "heat.airflow": frozenset({"overheating", "fan_tray"}),
    "optic.laser": frozenset({"laser_ageing"}),
    "fibre.step": frozenset({"fibre_loss"}),
    "fibre.slow": frozenset({"fibre_loss"}),
    "line.errors": frozenset({"line_errors", "port_errors"}),
    "line.duplex": frozenset({"line_errors", "port_errors"}),
    "link.flapping": frozenset({"link_flapping"}),
    "congestion": frozenset({"congestion"}),
    "memory.leak": frozenset({"memory_leak"}),
    "cpu.runaway": frozenset({"cpu_high"}),
    "reboots": frozenset({"reboots"}),
    "storage.full": frozenset({"storage_filling"}),
    "event.reload": frozenset({"device_silent", "reboots"}),
    "event.optic_changed": frozenset({"port_down"}),
    "event.outage": frozenset({"on_battery", "mains_failed", "battery_low", "output_off", "device_silent"}),
    "event.maintenance": frozenset({"on_battery", "mains_failed", "battery_low"}),
    "event.service": frozenset({"bypass", "device_silent"}),
    "event.hvac": _HOT,
    "event.false_flag": frozenset({"battery_flag"}),
    **{f"sensor.{kind}": _SENSOR for kind in ("stuck", "x10", "swapped", "clock", "gaps", "silence")},
}


#: True words about a fault that do not name its cause: not false, but it counts as found only by a right name.
_SYMPTOMS: dict[str, frozenset[str]] = {
    "capacitor": frozenset({"bypass", "ups_hot", "heat_unexplained", "output_quality"}),
    "cooling.fan": frozenset({"over_temperature", "heating_fast", "ups_hot", "heat_unexplained"}),
    "cooling.filter": frozenset({"over_temperature", "heating_fast"}),
    "battery.runaway": frozenset({"over_temperature"}),
    "feed.contact": frozenset({"input_quality"}),
    "memory.leak": frozenset({"reboots", "device_silent"}),
    "generator.absent": frozenset({"on_battery", "battery_low", "output_off", "device_silent"}),
}


def right(kind: str) -> frozenset[str]:
    """The kinds of finding that name this truth."""
    return RIGHT.get(kind, frozenset())


def is_fault(kind: str) -> bool:
    """A fault, and not an event or an error of a sensor: a finding of another name may still mean it."""
    return not kind.startswith(("event.", "sensor."))


def fits(kind: str) -> frozenset[str]:
    """The kinds that are true words about it: its right names, its symptoms, and that something is unusual."""
    if kind in ("event.outage", "event.maintenance"):
        return right(kind)
    return right(kind) | _SYMPTOMS.get(kind, frozenset()) | {"unusual"}
