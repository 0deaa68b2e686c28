"""A series drawn as SVG: the same numbers, the same bytes. Pure.

Nothing is interpolated: the line breaks at gaps. Every label is text, so that it can be selected and searched.
"""

from __future__ import annotations

import math
from datetime import datetime
from xml.sax.saxutils import escape

from desk.calendars import zone
from desk.paper.types import Chart
from model.text import Language

WIDTH, HEIGHT = 520, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 14, 20
FONT = "Noto Sans S Chinese"
_STEPS_S = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000)


def svg(chart: Chart, language: Language) -> str:
    """The chart, `WIDTH` by `HEIGHT`; an empty one says that nothing was heard."""
    low, high = _range([v for v in chart.value if v is not None])
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    letters = f'font-family="{FONT}, sans-serif" font-size="8"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {letters}>',
        f"<title>{escape(chart.title[language])}</title>",
        *(_band(chart, since, until) for since, until in chart.bands),
        *_value_axis(low, high, chart.unit),
        *_time_axis(chart),
        *_lines(chart, low, high),
        *_marks(chart),
    ]
    if not any(v is not None for v in chart.value):
        said = "此时段没有读数" if language == "zh" else "nothing was heard in this time"
        parts.append(f'<text x="{WIDTH / 2:g}" y="{HEIGHT / 2:g}" text-anchor="middle" fill="#777">{said}</text>')
    return "".join([*parts, "</svg>"])


def _range(values: list[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or max(abs(high) * 0.05, 0.5)
    return (low - room if low < 0 or low - room > 0 else 0.0), high + room


def _ticks(low: float, high: float, most: int = 4) -> list[float]:
    rough = (high - low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]


def _x(chart: Chart, at: float) -> float:
    share = (at - chart.start) / max(chart.end - chart.start, 1)
    return round(_LEFT + min(max(share, 0), 1) * (WIDTH - _LEFT - _RIGHT), 1)


def _y(value: float, low: float, high: float) -> float:
    return round(_TOP + (high - value) / (high - low) * (HEIGHT - _TOP - _BOTTOM), 1)


def _value_axis(low: float, high: float, unit: str) -> list[str]:
    parts = []
    if unit:
        parts.append(f'<text x="{_LEFT - 4}" y="8" text-anchor="end" fill="#555">{escape(unit)}</text>')
    for tick in _ticks(low, high):
        y = _y(tick, low, high)
        parts.append(f'<path d="M{_LEFT} {y:g}H{WIDTH - _RIGHT}" stroke="#ddd" stroke-width="0.5" fill="none"/>')
        parts.append(f'<text x="{_LEFT - 4}" y="{y + 3:g}" text-anchor="end" fill="#333">{tick:.10g}</text>')
    return parts


def _time_axis(chart: Chart) -> list[str]:
    span_s = max(chart.end - chart.start, 1000) / 1000
    step = next((s for s in _STEPS_S if span_s / s <= 7), _STEPS_S[-1]) * 1000
    local = zone(chart.tz)
    offset = datetime.fromtimestamp(chart.start / 1000, local).utcoffset()
    shift = round(offset.total_seconds() * 1000) if offset else 0
    form = "%H:%M:%S" if step < 60_000 else ("%H:%M" if span_s <= 86_400 else "%m-%d %H:%M")
    if step >= 86_400_000:
        form = "%m-%d"
    base = HEIGHT - _BOTTOM
    parts = [f'<path d="M{_LEFT} {base}H{WIDTH - _RIGHT}" stroke="#555" stroke-width="0.7" fill="none"/>']
    for n in range(math.ceil((chart.start + shift) / step), (chart.end + shift) // step + 1):
        at = n * step - shift
        label = datetime.fromtimestamp(at / 1000, local).strftime(form)
        x = _x(chart, at)
        parts.append(f'<path d="M{x:g} {base}v3" stroke="#555" stroke-width="0.7" fill="none"/>')
        parts.append(f'<text x="{x:g}" y="{base + 12}" text-anchor="middle" fill="#333">{label}</text>')
    return parts


def _band(chart: Chart, since: int, until: int) -> str:
    left, right = _x(chart, since), _x(chart, until)
    height = HEIGHT - _TOP - _BOTTOM
    return f'<rect x="{left:g}" y="{_TOP}" width="{max(right - left, 0.8):g}" height="{height}" fill="#fbe3dc"/>'


def _lines(chart: Chart, low: float, high: float) -> list[str]:
    """One path for each stretch without a gap; a lone reading is a dot."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(chart.at, chart.value, strict=True):
        if value is None:
            runs.append([])
        elif chart.start <= at <= chart.end:
            runs[-1].append((_x(chart, at), _y(value, low, high)))
    parts = []
    for run in runs:
        if len(run) == 1:
            parts.append(f'<circle cx="{run[0][0]:g}" cy="{run[0][1]:g}" r="1.5" fill="#0b5cad"/>')
        elif run:
            rest = "".join(f"H{x:g}V{y:g}" if chart.stepped else f"L{x:g} {y:g}" for x, y in run[1:])
            path = f"M{run[0][0]:g} {run[0][1]:g}{rest}"
            parts.append(f'<path d="{path}" stroke="#0b5cad" stroke-width="1.1" fill="none"/>')
    return parts


def _marks(chart: Chart) -> list[str]:
    parts = []
    for n, mark in enumerate(chart.marks, start=1):
        x = _x(chart, mark.at)
        line = f"M{x:g} {_TOP - 2}V{HEIGHT - _BOTTOM}"
        parts.append(f'<path d="{line}" stroke="#b3401f" stroke-width="0.7" stroke-dasharray="2 2" fill="none"/>')
        parts.append(f'<text x="{x:g}" y="{_TOP - 4}" text-anchor="middle" fill="#b3401f">{n}</text>')
    return parts
