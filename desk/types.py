"""The service desk's words: a ticket, its ledger, its clocks.

A ticket is what its ledger says: append-only entries with both times (when it happened, when it was
recorded). Clocks are computed from (policy version, ledger, now) and never stored as truth.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from alerts.types import CauseKey, Impact
from model.text import Text


class EntryKind(StrEnum):
    """What can happen to a ticket."""

    OPENED = "opened"
    LEVEL = "level"  #: data: level, impact, why
    ACKNOWLEDGED = "acknowledged"  #: first human contact: stops first_response
    NOTE = "note"
    DISPATCHED = "dispatched"
    ONSITE = "onsite"  #: an engineer arrived
    INCIDENT = "incident"  #: the incident behind it changed; data: members, impact
    RESTORED = "restored"  #: the equipment runs normally; data: proof (telemetry | person)
    RELAPSED = "relapsed"  #: restored too early: it is back
    NOTIFIED = "notified"  #: a message really reached somebody; data: connector, external
    WARNED = "warned"  #: a clock is near its end; data: clock
    BROKEN = "broken"  #: a clock passed its end; data: clock
    ESCALATED = "escalated"  #: a step of the ladder fell due; data: step, to
    WARRANTY = "warranty"  #: data: item, verdict, until, source
    MERGED = "merged"  #: data: into
    CLOSED = "closed"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger. `seq` counts from 1 within the ticket."""

    ticket: str
    seq: int
    at: int  #: when it happened, ms
    recorded_at: int  #: when the desk learned of it, ms
    who: str  #: a person's login, or `roundsman`
    kind: EntryKind
    text: Text
    data: dict[str, str | int | float | None] = {}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before the store gives it its ticket, its place and the time it was recorded."""

    at: int
    who: str
    kind: EntryKind
    text: Text
    data: dict[str, str | int | float | None] = {}


class TicketState(StrEnum):
    """How far a ticket is, by its ledger; only `closed` and `merged` are final."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    ONSITE = "onsite"
    RESTORED = "restored"
    CLOSED = "closed"
    MERGED = "merged"


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket as its ledger makes it now. `policy` is `id@version`, pinned when it was opened."""

    id: str  #: T-000001
    key: CauseKey
    incident: str
    customer: str
    site: str
    title: Text
    policy: str
    level: str  #: an id of the policy's levels
    impact: Impact
    state: TicketState
    opened_at: int
    changed_at: int
    closed_at: int | None = None
    next_call: Text | None = None  #: the next name to call, from the policy's ladder


class ClockState(StrEnum):
    """How a promised time stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  #: kept: stopped before its end
    BROKEN = "broken"  #: ran past its end, whether stopped later or not
    UNTIMED = "untimed"  #: the contract gives a text and no number


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a clock. `by` is the ledger entry (seq) that began it, `source` the policy line."""

    since: int
    until: int | None
    state: ClockState
    counted_s: float
    by: int
    source: str
    calendar: str = "7x24"  #: by which it was counted


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """One promised time on one ticket, at the moment it was computed."""

    name: str  #: first_response, onsite, restore … (section 0 of the policies' vocabulary)
    title: Text
    state: ClockState
    target_s: float | None
    text: Text | None  #: the contract's words where it gives no number
    calendar: str  #: 7x24, 5x8 …
    started_at: int
    due_at: int | None
    stopped_at: int | None
    counted_s: float
    source: str
    warn_at: int | None = None  #: from here on it is near its end
    also: tuple[Text, ...] = ()  #: other numbers that the contract states for the same promise
    intervals: tuple[Interval, ...] = ()


class WarrantyVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict` is in, out or undefined; `until` an ISO date or None."""

    item: str
    verdict: str
    until: str | None
    source: str
    text: Text
