"""What a detector thinks of a device now, and why.

A finding carries the evidence a technician needs to defend it: what was seen, against what
expectation, since when, how sure. Severities are those of RFC 8632 / X.733. A detector hands back
changes (`Raised`, `Changed`, `Cleared`), never the full list.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from model.text import Text


class Severity(StrEnum):
    """RFC 8632 perceived severity, worst first."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"

    @property
    def rank(self) -> int:
        """0 for critical … 3 for warning: lower is worse."""
        return _RANK[self]


_RANK = {Severity.CRITICAL: 0, Severity.MAJOR: 1, Severity.MINOR: 2, Severity.WARNING: 3}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One thing seen. `point`/`index` name the series to draw, when there is one."""

    text: Text  #: what was seen, against what expectation
    at: int
    point: str | None = None
    index: str | None = None
    value: float | None = None
    expected: float | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A detector's present opinion. `since` is event time, ms; `score` is 0..1, how sure."""

    device: str
    kind: str  #: a key of `alerts.kinds.KINDS`
    index: str | None
    severity: Severity
    since: int
    score: float
    evidence: tuple[Evidence, ...]
    advice: Text  #: what to check first, which part
    forecast: int | None = None  #: ms, when it becomes an outage, if that can be said
    claimed: float | None = (
        None  #: what its detector claimed, where `score` is what such claims were worth (analytics.calibration); None: judgement
    )


class Raised(msgspec.Struct, frozen=True, tag="raised"):
    """The condition holds from now on."""

    finding: Finding


class Changed(msgspec.Struct, frozen=True, tag="changed"):
    """Still holds; severity, evidence or forecast differ."""

    finding: Finding


class Cleared(msgspec.Struct, frozen=True, tag="cleared"):
    """Holds no more. `at` is the event time at which the data show it ended."""

    device: str
    kind: str
    index: str | None
    at: int
    why: Text


Change = Raised | Changed | Cleared
