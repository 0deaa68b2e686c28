"""From opinions to changes: raise once, tell again when it is worse or the date moved, clear once.

`open` is a dict of the caller's own (changed in place, part of its state): what stands, by the finding's index.
Severity never falls within an episode.
"""

from __future__ import annotations

from typing import Any

import msgspec

from analytics.slow.days import DAY_MS
from model.finding import Change, Changed, Cleared, Finding, Raised, Severity
from model.text import Text

Open = dict[str, Any]


def stand(open: Open, finding: Finding, at: int) -> list[Change]:
    """The finding holds as seen at `at` (ms): Raised, Changed or nothing. `since` stays that of the first time."""
    key = finding.index or ""
    told = open.get(key)
    if told is None:
        open[key] = _mark(finding, at)
        return [Raised(finding=finding)]
    worst = min(finding.severity, Severity(told["severity"]), key=lambda severity: severity.rank)
    finding = msgspec.structs.replace(finding, severity=worst, since=told["since"])
    if worst == told["severity"] and not _moved(told, finding.forecast, at):
        return []
    open[key] = _mark(finding, at)
    return [Changed(finding=finding)]


def end(open: Open, device: str, kind: str, index: str | None, at: int, why: Text) -> list[Change]:
    """The finding holds no more, as the data of `at` show; nothing when it did not stand."""
    if open.pop(index or "", None) is None:
        return []
    return [Cleared(device=device, kind=kind, index=index, at=at, why=why)]


def stands(open: Open, index: str | None = None) -> bool:
    """Whether it has been raised and not cleared."""
    return (index or "") in open


def _mark(finding: Finding, at: int) -> dict[str, Any]:
    return {"severity": finding.severity.value, "since": finding.since, "forecast": finding.forecast, "at": at}


def _moved(told: dict[str, Any], forecast: int | None, at: int) -> bool:
    """Whether the date moved enough to tell: by a fifth of the time that is left, a day at least."""
    before = told["forecast"]
    if before is None or forecast is None:
        return before is not forecast
    return bool(abs(forecast - before) > max(DAY_MS, abs(before - at) // 5))
