"""Alerts and incidents: one episode of one finding, and what groups them.

Identities are made from content (device, kind, index, time raised), so that replaying the same input
gives the same ids and a repeat changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

import msgspec

from model.finding import Finding, Severity
from model.text import Text


class Impact(StrEnum):
    """What it means for the customer's load, worst first (shared by every contract)."""

    OUTAGE = "outage"
    UNPROTECTED = "unprotected"
    DEGRADED = "degraded"
    ADVISORY = "advisory"
    REQUEST = "request"

    @property
    def rank(self) -> int:
        """0 for outage … 4 for request: lower is worse."""
        return list(Impact).index(self)


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One episode, raised to cleared. `incident` is set as soon as it belongs to one."""

    id: str
    device: str
    kind: str
    index: str | None
    severity: Severity
    impact: Impact
    raised_at: int
    changed_at: int
    cleared_at: int | None = None
    incident: str | None = None
    finding: Finding


class CauseKey(msgspec.Struct, frozen=True, array_like=True):
    """(customer, kind of cause, root): at most one open incident, and one open ticket, per key."""

    customer: str
    cause: str  #: mains | battery | device | port | agent …
    root: str  #: a site, feed, link or device id (with `#index` for a port)

    def __str__(self) -> str:
        return f"{self.customer}:{self.cause}:{self.root}"


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts with one cause. `worst` never falls while it is open; `impact` is the present one."""

    id: str
    key: CauseKey
    site: str
    title: Text
    opened_at: int
    changed_at: int
    closed_at: int | None = None
    impact: Impact
    worst: Impact
    members: tuple[str, ...]  #: alert ids, in the order they joined
    explanation: tuple[Text, ...] = ()  #: why each joined, and what is told apart
    merged_into: str | None = None
    wants_ticket: bool = True  #: False: advisory, shown but no job
    wanted_at: int | None = None  #: when it became a job, where that was after its begin: promises count from then

    @property
    def job_at(self) -> int:
        """From when on it is a case for the desk."""
        return self.opened_at if self.wanted_at is None else max(self.wanted_at, self.opened_at)


def identity(*parts: object) -> str:
    """A short id made from content: the same parts, the same id."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).hexdigest()
