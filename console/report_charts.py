"""Readings around a fault, ready to draw: which series, how wide a window, thinned like the console's charts."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.types import Alert
from collector.history import History
from console import chart
from desk.paper.types import Chart, Mark
from model.points import POINTS, Kind
from model.reading import Series
from model.text import Text

#: What is drawn beside what the evidence names, when the device has it.
USUAL = ("input.voltage", "battery.voltage", "battery.charge", "ups.load", "output.voltage")
#: A page holds about four.
MOST = 6
#: Before it began and after it ended.
AROUND_MS = 30 * 60_000
_POINTS = 700


def around(
    history: History,
    devices: Sequence[str],
    alerts: Sequence[Alert],
    start: int,
    end: int,
    tz: str,
    marks: Sequence[Mark] = (),
    bands: Sequence[tuple[int, int]] = (),
) -> list[Chart]:
    """The charts of a time; those that the alerts' evidence names first. Raises HistoryError."""
    wanted = _wanted(history, devices, alerts)
    made = []
    for series in wanted:
        drawn = one(history, series, start, end, tz, marks, bands)
        if any(value is not None for value in drawn.value):
            made.append(drawn)
        if len(made) == MOST:
            break
    return made


def one(
    history: History,
    series: Series,
    start: int,
    end: int,
    tz: str,
    marks: Sequence[Mark] = (),
    bands: Sequence[tuple[int, int]] = (),
) -> Chart:
    """One series. Raises HistoryError."""
    point = POINTS.get(series[1])
    step_ms = chart.step_for(start, end, 10_000)
    if step_ms and point is not None and point.kind is Kind.GAUGE:
        curve = chart.curve_of_buckets(history.rollup(series, start, end, step_ms), step_ms, 10_000)
    else:
        curve = chart.curve_of_samples(history.range(series, start, end))
    curve = chart.thinned(curve, _POINTS) if point is None or point.kind is Kind.GAUGE else curve
    name = point.meaning if point else Text(series[1], series[1])
    where = f"{f' {series[2]}' if series[2] else ''} · {series[0]}"
    return Chart(
        title=Text(f"{name.en}{where}", f"{name.zh}{where}"),
        unit=point.unit if point else "",
        tz=tz,
        start=start,
        end=end,
        at=tuple(curve.at),
        value=tuple(curve.value),
        stepped=point is not None and point.kind in (Kind.STATE, Kind.FLAG),
        marks=tuple(marks),
        bands=tuple(bands),
    )


def _wanted(history: History, devices: Sequence[str], alerts: Sequence[Alert]) -> list[Series]:
    kept = {device: sorted(history.series(device), key=str) for device in dict.fromkeys(devices)}
    found: dict[Series, None] = {}
    for alert in alerts:
        for evidence in alert.finding.evidence:
            same = [s for s in kept.get(alert.device, ()) if s[1] == evidence.point]
            exact = [s for s in same if s[2] == evidence.index]
            found.update(dict.fromkeys((exact or same)[:1]))
    for point in USUAL:
        for series in kept.values():
            found.update(dict.fromkeys([s for s in series if s[1] == point][:1]))
    return list(found)
