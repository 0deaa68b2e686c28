"""One finding over several parts: two supplies, six fans, the two directions of a port. Raised with the first, told again when another part
joins, when it gets worse or when the date moves, cleared with the last.

`open` is of the caller's own: {index or "": {"parts": {part: [severity, since, forecast]}, "severity", "since", "forecast"}}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from analytics.slow.days import DAY_MS
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

Open = dict[str, Any]
#: Shown in one finding at most.
MOST_LINES = 8


class Line(NamedTuple):
    """What is wrong with one part: since when (ms), how grave, when it becomes an outage (ms) if that can be said, and how sure."""

    evidence: tuple[Evidence, ...]
    severity: Severity
    since: int
    forecast: int | None = None
    score: float = 0.8


def settle(
    open: Open,
    told: Mapping[str, Line | None],
    *,
    device: str,
    kind: str,
    index: str | None,
    at: int,
    advice: Text,
    over: Text,
) -> list[Change]:
    """What is to be told when these parts are bad (a Line) or well (None); parts not named are as they were."""
    before = open.get(index or "")
    if before is None and not any(told.values()):
        return []
    parts: dict[str, list[Any]] = dict(before["parts"]) if before else {}
    for part, line in told.items():
        if line is None:
            parts.pop(part, None)
        else:
            parts[part] = [line.severity.value, min(line.since, parts.get(part, [0, line.since])[1]), line.forecast]
    if not parts:
        open.pop(index or "", None)
        return [Cleared(device=device, kind=kind, index=index, at=at, why=over)]
    lines = [line for line in told.values() if line is not None]
    severity = min((Severity(part[0]) for part in parts.values()), key=lambda one: one.rank)
    if before:
        severity = min(severity, Severity(before["severity"]), key=lambda one: one.rank)
    since = before["since"] if before else min(part[1] for part in parts.values())
    forecast = min((part[2] for part in parts.values() if part[2] is not None), default=None)
    grown = before is None or not parts.keys() <= before["parts"].keys()
    if before and not lines:
        open[index or ""] = {**before, "parts": parts}
        return []
    if before and not grown and severity == before["severity"] and not _moved(before, forecast, at):
        open[index or ""] = {**before, "parts": parts}
        return []
    open[index or ""] = {"parts": parts, "severity": severity.value, "since": since, "forecast": forecast}
    lines.sort(key=lambda line: line.severity.rank)
    finding = Finding(
        device=device,
        kind=kind,
        index=index,
        severity=severity,
        since=since,
        score=round(1 - _product([1 - line.score for line in lines[:2]]), 3) if len(lines) > 1 else lines[0].score,
        evidence=tuple(one for line in lines for one in line.evidence)[:MOST_LINES],
        advice=advice,
        forecast=forecast,
    )
    return [Changed(finding=finding) if before else Raised(finding=finding)]


def stands(open: Open, index: str | None, part: str, severity: Severity) -> bool:
    """Whether a part was told already, and no milder: then a new line may wait for the day's end."""
    held = open.get(index or "")
    known = held["parts"].get(part) if held else None
    return known is not None and Severity(known[0]).rank <= severity.rank


def _product(values: list[float]) -> float:
    whole = 1.0
    for value in values:
        whole *= value
    return whole


def _moved(before: dict[str, Any], forecast: int | None, at: int) -> bool:
    """Whether the date moved enough to tell: by a fifth of the time that is left, a day at least."""
    old = before["forecast"]
    if old is None or forecast is None:
        return old is not forecast
    return bool(abs(forecast - old) > max(DAY_MS, abs(old - at) // 5))
