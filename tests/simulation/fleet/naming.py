"""Which finding is the right one for which fault or event. Written from faults.md, not from the table's results."""

from __future__ import annotations

#: Verdicts on a battery: judged by its true life.
BATTERY = frozenset({"battery_replace", "runtime_shortfall", "battery_unproven", "battery_flag"})
#: States that a device tells of itself, and "nothing is known": no claim that could be wrong.
PLAIN = frozenset(
    {"on_battery", "mains_failed", "battery_low", "output_off", "device_silent", "battery_untested", "port_down"}
)

RIGHT: dict[str, frozenset[str]] = {
    "wear": frozenset({"battery_replace", "runtime_shortfall"}),
    "event.outage": frozenset({"on_battery", "mains_failed", "battery_low", "output_off", "device_silent"}),
    "event.maintenance": frozenset({"on_battery", "mains_failed", "battery_low"}),
}


def right(kind: str) -> frozenset[str]:
    """The kinds of finding that name this truth."""
    return RIGHT.get(kind, frozenset())


def is_fault(kind: str) -> bool:
    """A fault, and not an event or an error of a sensor: a finding of another name may still mean it."""
    return not kind.startswith(("event.", "sensor."))
