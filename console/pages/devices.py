"""Devices: what each says now, how old that is, and its last hours as a chart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.types import Alert
from collector.history import HistoryError
from collector.store import DeviceRow
from console.batteries import WORDS, battery_of
from console.context import link, name_of
from console.guard import Here, SignedIn
from console.pages.overview import SILENT_KIND, customer_of
from console.reads import Reads, reading
from model.finding import Severity
from model.inventory import Device, Site
from model.points import POINTS, Kind, OperStatus
from model.reading import Gap, Reading, Series

router = APIRouter()

HOUR_MS = 3_600_000
#: A port that somebody switched off is not down, it is off.
OFF = OperStatus.DOWN
#: What the chart can span, in hours.
SPANS = (1, 6, 24, 168, 1440)
#: Drawn first when nothing is chosen.
FAVOURITES = ("battery.charge", "ups.load", "ifHCInOctets", "output.power", "sysUpTime")
#: Of a device's recordings, the newest.
MOST_RECORDINGS = 12


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One device in the list."""

    device: Device
    heard: DeviceRow | None
    worst: Severity | None
    silent: bool
    source: list[Reading] = []
    battery: list[Reading] = []
    load: list[Reading] = []
    ports_up: int = 0
    ports_down: int = 0


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a device's values: the newest reading, and the gap if one came after it."""

    point: str
    index: str | None
    reading: Reading | None
    gap: Gap | None


@router.get("/devices")
def devices(request: Request, here: Here, viewer: SignedIn, site: str = "") -> HTMLResponse:
    """All of them by site, or one site's."""
    with reading(here.centre, viewer) as reads:
        rows = _rows(reads)
        groups: list[tuple[Site, list[Row]]] = [
            (place, [row for row in rows if row.device.site == place.id])
            for place in reads.sites()
            if not site or place.id == site
        ]
        customers = {place.id: customer_of(reads, place.customer) for place, _ in groups}
        return here.page(request, "devices.html", viewer, groups=groups, customers=customers, chosen=site, reads=reads)


@router.get("/devices/{site}/{name}")
def device(
    request: Request, here: Here, viewer: SignedIn, site: str, name: str, series: str = "", hours: int = 24
) -> HTMLResponse:
    """One device, whole."""
    id = f"{site}/{name}"
    with reading(here.centre, viewer) as reads:
        found = reads.device(id)
        latest = reads.latest(id)
        choices = drawable(reads.series(id))
        chosen = next((s for s in choices if name_of(s) == series), choices[0] if choices else None)
        span = hours if hours in SPANS else 24
        alerts = reads.alerts(device=id)
        return here.page(
            request,
            "device.html",
            viewer,
            device=found,
            site=reads.inventory.site(found.site),
            heard=reads.heard().get(id),
            values=grouped(values(latest, reads.gaps(id))),
            ports=ports(latest),
            off=OFF,
            identity=reads.identity(id),
            alerts=alerts,
            recordings=reads.recordings(id)[:MOST_RECORDINGS],
            wish=reads.wish(id),
            battery=battery_of(reads, found),
            choices=choices,
            chosen=chosen,
            chart_url=chart_url(chosen, reads.now - span * HOUR_MS, reads.now) if chosen else None,
            table=_table(reads, chosen, reads.now - span * HOUR_MS, reads.now),
            span=span,
            spans=SPANS,
            reads=reads,
            **WORDS,
        )


def _rows(reads: Reads) -> list[Row]:
    latest: dict[str, list[Reading]] = {}
    for value in reads.latest():
        latest.setdefault(value.device, []).append(value)
    alerts: dict[str, list[Alert]] = {}
    for alert in reads.alerts(open_only=True):
        alerts.setdefault(alert.device, []).append(alert)
    heard = reads.heard()
    return [_row(d, heard.get(d.id), latest.get(d.id, []), alerts.get(d.id, [])) for d in reads.devices()]


def _row(device: Device, heard: DeviceRow | None, latest: Sequence[Reading], alerts: Sequence[Alert]) -> Row:
    states = [(of.get("ifOperStatus"), of.get("ifAdminStatus")) for _, of in ports(latest)]
    wanted = [int(oper.value) for oper, admin in states if oper and not (admin and admin.value == OFF)]
    return Row(
        device=device,
        heard=heard,
        worst=min((a.severity for a in alerts), key=lambda s: s.rank, default=None),
        silent=any(a.kind == SILENT_KIND for a in alerts),
        source=_some(latest, "ups.source"),
        battery=_some(latest, "battery.charge", "battery.runtime"),
        load=_some(latest, "ups.load"),
        ports_up=wanted.count(OperStatus.UP),
        ports_down=wanted.count(OperStatus.DOWN),
    )


def _some(latest: Sequence[Reading], *points: str) -> list[Reading]:
    """One reading of each point that was heard."""
    return [next(r for r in latest if r.point == p) for p in points if any(r.point == p for r in latest)]


def values(latest: Iterable[Reading], gaps: Iterable[Gap]) -> list[Value]:
    """Every point that is not a port's, in the dictionary's order, with the gap where asking failed since."""
    readings = {(r.point, r.index): r for r in latest}
    failed = {(g.point, g.index): g for g in gaps if g.point}
    order = {id: place for place, id in enumerate(POINTS)}
    keys = sorted({*readings, *failed}, key=lambda k: (order.get(k[0], 9999), _natural(k[1])))
    lines = []
    for point, index in keys:
        value, gap = readings.get((point, index)), failed.get((point, index))
        if point.startswith("if") and index is not None:
            continue
        newer = gap if gap and (value is None or gap.at > value.at) else None
        lines.append(Value(point=point, index=index, reading=value, gap=newer))
    return lines


def grouped(lines: Iterable[Value]) -> dict[str, list[Value]]:
    """By what they speak of: the first word of the point's name."""
    groups: dict[str, list[Value]] = {}
    for line in lines:
        first = line.point.partition(".")[0]
        groups.setdefault(first if first in ("battery", "input", "output", "ups", "alarm") else "device", []).append(
            line
        )
    return groups


def ports(latest: Iterable[Reading]) -> list[tuple[str, dict[str, Reading]]]:
    """A switch's ports in order, each with its readings by point."""
    found: dict[str, dict[str, Reading]] = {}
    for value in latest:
        if value.point.startswith("if") and value.index is not None:
            found.setdefault(value.index, {})[value.point] = value
    return sorted(found.items(), key=lambda item: _natural(item[0]))


def drawable(series: Iterable[Series]) -> list[Series]:
    """What a chart can be chosen from, the most telling first."""
    kinds = (Kind.GAUGE, Kind.COUNTER, Kind.STATE, Kind.FLAG)
    order = {id: place for place, id in enumerate(POINTS)}
    known = [s for s in series if s[1] in POINTS and POINTS[s[1]].kind in kinds]
    rank = {point: place for place, point in enumerate(FAVOURITES)}
    return sorted(known, key=lambda s: (rank.get(s[1], 99), order[s[1]], _natural(s[2])))


def chart_url(series: Series, start: int, end: int) -> str:
    """Where the chart's columns come from."""
    return link("/v1/series", device=series[0], point=series[1], index=series[2], start=start, end=end)


def _table(reads: Reads, series: Series | None, start: int, end: int) -> list[tuple[int, float | None]]:
    """The chart as two dozen lines, for those who cannot see or run it."""
    if series is None:
        return []
    try:
        curve = reads.curve(series, start, end)
    except HistoryError:  # the page has the rest; the chart asks again by itself
        return []
    stride = max(1, len(curve.at) // 24)
    return list(zip(curve.at[::stride], curve.value[::stride], strict=True))


def _natural(index: str | None) -> tuple[int, str]:
    return (int(index), "") if index and index.isdigit() else (0, index or "")
