"""Where a point stands in InfluxDB and VictoriaMetrics (docs/history.md), both ways.

`battery.charger.status` is field `charger_status` of measurement `battery`; interface points are fields of
`port` under their own IF-MIB names; what has no family is `device`. Every field is a float. The quality of a
reading that is not good stands beside it in `<field>_quality`.
"""

from __future__ import annotations

from model.points import POINTS, Kind

QUALITY = "_quality"
_OF_DEVICE = frozenset({"sysUpTime", "ifNumber"})


def place(point: str) -> tuple[str, str]:
    """(measurement, field) of a point.

    >>> place("battery.charger.status"), place("ifOperStatus")
    (('battery', 'charger_status'), ('port', 'ifOperStatus'))
    """
    family, dot, rest = point.partition(".")
    if dot:
        return family, rest.replace(".", "_")
    return ("device" if point in _OF_DEVICE else "port"), point


#: By point, and back.
PLACES: dict[str, tuple[str, str]] = {p.id: place(p.id) for p in POINTS.values() if p.kind != Kind.TEXT}
POINT_AT: dict[tuple[str, str], str] = {where: point for point, where in PLACES.items()}
if len(POINT_AT) != len(PLACES):
    raise RuntimeError("two points share a measurement and field")
MEASUREMENTS: tuple[str, ...] = tuple(sorted({measurement for measurement, _ in POINT_AT}))
