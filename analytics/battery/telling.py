"""Raise, change and clear by comparing with what was told before: the memory is {"told": {kind or kind#index: [since, mark]}}.

`mark` is what must differ before a standing finding is told again: a number that creeps is no news.
"""

from __future__ import annotations

from datetime import UTC, datetime

from analytics.detector import State
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text


def key(kind: str, index: str | None) -> str:
    return kind if index is None else f"{kind}#{index}"


def stands(state: State, kind: str, index: str | None = None) -> bool:
    return key(kind, index) in state.get("told", {})


def say(
    state: State,
    *,
    device: str,
    kind: str,
    mark: str,
    since: int,
    severity: Severity,
    score: float,
    evidence: tuple[Evidence, ...],
    advice: Text,
    index: str | None = None,
    forecast: int | None = None,
) -> list[Change]:
    """The change that this is, if it is one. `state` is the caller's own."""
    told = dict(state.get("told", {}))
    old = told.get(key(kind, index))
    if old and old[1] == mark:
        return []
    begun = old[0] if old else since
    told[key(kind, index)] = [begun, mark]
    state["told"] = told
    finding = Finding(
        device=device,
        kind=kind,
        index=index,
        severity=severity,
        since=begun,
        score=score,
        evidence=evidence,
        advice=advice,
        forecast=forecast,
    )
    return [Changed(finding=finding) if old else Raised(finding=finding)]


def unsay(state: State, device: str, kind: str, at: int, why: Text, index: str | None = None) -> list[Change]:
    """The end of a finding, if it stood."""
    told = dict(state.get("told", {}))
    if told.pop(key(kind, index), None) is None:
        return []
    state["told"] = told
    return [Cleared(device=device, kind=kind, index=index, at=at, why=why)]


def forget(file: State, part: str, device: str, at: int, why: Text) -> list[Change]:
    """Another battery: the end of all that `part` of the battery's file told, and of what it kept. `file` is the caller's own."""
    told = (file.get(part) or {}).get("told", {})
    file[part] = {}
    slots = [(kind, index or None) for kind, _, index in (slot.partition("#") for slot in told)]
    return [Cleared(device=device, kind=kind, index=index, at=at, why=why) for kind, index in slots]


def day(at: int) -> str:
    """The date of an instant (ms), as evidence says it: 2026-11-23."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
