"""How long a healthy battery should last: from the inventory, at another load by Peukert's law.

`t(load) = t(load0) x (load0 / load)^k`. k = 1.2 fits constant-power UPS loads (battery.md gives 1.15 for constant
current, 1.08–1.25 for AGM); below 5 % load the law says nothing and the load is taken as 5 %.
"""

from __future__ import annotations

from model.inventory import Device

PEUKERT = 1.2
LEAST_LOAD = 5.0


def stretch(load: float, at_load: float) -> float:
    """By what factor a second at `load` wears the battery more than a second at `at_load`.

    >>> round(stretch(50.0, 100.0), 3), stretch(40.0, 40.0)
    (0.435, 1.0)
    """
    return float((max(load, LEAST_LOAD) / max(at_load, LEAST_LOAD)) ** PEUKERT)


def by_inventory(device: Device, load: float | None) -> float | None:
    """Seconds that the full, healthy battery of `device` feeds `load` %; None when the inventory has no word."""
    battery = device.battery
    if battery is None or battery.runtime_s is None:
        return None
    return battery.runtime_s if load is None else battery.runtime_s / stretch(load, battery.runtime_load)
