"""The record of forecasts, one for each model of equipment, site, detector or version of what said them (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from analytics.forecast import Forecast, Record, record
from model.inventory import Inventory

By = Literal["detector", "model", "site", "version"]


def grouped(forecasts: Iterable[Forecast], inventory: Inventory, by: By) -> dict[tuple[str, str], Record]:
    """(name of the group, quantity) -> record, in the order of names."""
    groups: dict[tuple[str, str], list[Forecast]] = {}
    for one in forecasts:
        groups.setdefault((_name(one, inventory, by), one.quantity.value), []).append(one)
    found = ((key, record(some)) for key, some in sorted(groups.items()))
    return {key: one for key, one in found if one is not None}


def _name(one: Forecast, inventory: Inventory, by: By) -> str:
    if by == "detector":
        return one.kind
    if by == "version":
        return one.version
    if by == "site":
        return one.device.partition("/")[0]
    return inventory.device(one.device).model or "?"
