"""The gauges that have a usual: measured on the device, not set, counted or computed by ourselves."""

from __future__ import annotations

from itertools import repeat

from analytics.hours import HourColumn, Hours
from model.points import POINTS, Kind

_SET = (".nominal", ".low", ".high", ".size", ".set", ".minimum", ".maximum", ".fault", ".limited")
_COUNTS = frozenset(
    {
        "battery.packs", "battery.packs.bad", "battery.strings", "battery.age", "battery.tests", "battery.discharge.seconds",
        "battery.capacity", "battery.depth.maximum", "battery.depth.mean", "input.phases", "input.bypass.phases", "output.phases", "ups.alarms",
        "ups.test.elapsed", "rectifiers", "input.sources", "dc.outputs", "ifNumber", "ifMtu", "ifHighSpeed", "ifLastChange", "sysUpTime",
        "outlet.count", "poe.devices", "poe.budget", "lvd.voltage", "input.transfer.low", "input.transfer.high",
    }
)  # fmt: skip
_OURS = ("device.", "link.", "ups.timer.", "ups.delay.")

MEASURED: frozenset[str] = frozenset(
    p.id
    for p in POINTS.values()
    if p.kind is Kind.GAUGE and p.id not in _COUNTS and not p.id.endswith(_SET) and not p.id.startswith(_OURS)
)


#: One gauge in one hour: key ("point#index"), n, mean, low, high, last, moves. A plain one: there are dozens an hour.
Row = tuple[str, int, float, float, float, float, int]


def columns(hours: Hours) -> list[tuple[str, HourColumn]]:
    """The gauges by key, in the order of their names; made once for all that ask."""
    made: list[tuple[str, HourColumn]] | None = hours.shared.get("gauge columns")
    if made is None:
        made = hours.shared["gauge columns"] = [
            (f"{point}#{index or ''}", column)
            for point in sorted(MEASURED & hours.columns.keys())
            for index, column in sorted(hours.columns[point].items(), key=lambda item: item[0] or "")
        ]
    return made


def rows(hours: Hours) -> list[tuple[int, list[Row]]]:
    """Every hour (ms, its start) with its gauges in the order of their names, the oldest first; made once for all that ask."""
    made: list[tuple[int, list[Row]]] | None = hours.shared.get("gauges")
    if made is not None:
        return made
    found: dict[int, list[Row]] = {}
    for key, c in columns(hours):
        said = zip(repeat(key, len(c.at)), c.n, c.mean, c.low, c.high, c.last, c.moves, strict=True)
        for at, row in zip(c.at, said, strict=True):
            hour = found.get(at)
            if hour is None:
                found[at] = [row]
            else:
                hour.append(row)
    made = hours.shared["gauges"] = sorted(found.items())
    return made


def named(key: str) -> tuple[str, str | None]:
    """Point and index of a key."""
    point, _, index = key.partition("#")
    return point, index or None
