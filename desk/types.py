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
    """What can happen to a ticket. Where two happen at the same ms, they count in this order."""

    OPENED = "opened"
    CONVERTED = "converted"  #: data: kind (consultation | defect), why
    LEVEL = "level"  #: data: level, impact, why
    FACTS = "facts"  #: what conditions ask about was learned; data: the names of policy.Facts it changes
    ACKNOWLEDGED = "acknowledged"  #: first human contact: stops first_response
    PAUSED = "paused"  #: we wait for somebody else; data: why (customer), by the policy's leave only
    RESUMED = "resumed"
    NOTE = "note"
    MESSAGE = "message"  #: somebody outside wrote; data: connector, external, from
    PLANNED = "planned"  #: a solution was proposed to the customer: stops `plan`
    CONTINGENCY = "contingency"  #: the emergency plan was delivered: stops `contingency_plan`
    REMOTE_FAILED = "remote_failed"  #: cannot be solved from afar
    DISPATCHED = "dispatched"  #: an engineer departed; data: visit, engineer
    ONSITE = "onsite"  #: an engineer arrived; data: visit, engineer
    UNSOLVED_ONSITE = "unsolved_onsite"  #: neither located nor mended on site; data: visit
    DIAGNOSED = "diagnosed"  #: the cause is known; data: failure_mode, part
    PART_NEEDED = "part_needed"  #: data: part, item; starts `spare_part`
    PART_FITTED = "part_fitted"  #: replaced on site; data: part
    LENT = "lent"  #: a spare machine stands in; data: part, serial
    VISIT = "visit"  #: a visit was arranged, done or called off; data: visit, state, engineer
    FORM = "form"  #: a form of the policy was filled in; data: form, document
    DOCUMENT = "document"  #: a file belongs to it; data: document (its hash), name
    CONSENT = "consent"  #: given, refused, withdrawn or expired; data: consent, scope, party, state
    HANDOVER = "handover"  #: handed to the manufacturer; data: to, document
    INCIDENT = "incident"  #: the incident behind it changed; data: members, impact
    RESTORED = "restored"  #: the equipment runs normally; data: proof (telemetry | person)
    RESOLVED = "resolved"  #: the fault itself is cleared: stops `resolve`, starts `incident_report`
    RELAPSED = "relapsed"  #: restored too early: it is back
    REPORTED = "reported"  #: a written report was delivered; data: report, document
    SURVEYED = "surveyed"  #: data: grade, words
    DISSATISFIED = "dissatisfied"  #: the customer asks for the next person; data: why
    NOTIFIED = "notified"  #: a message really reached somebody; data: connector, external
    WARNED = "warned"  #: a clock is near its end, or cannot be kept any more; data: clock, why
    BROKEN = "broken"  #: a clock passed its end; data: clock
    ESCALATED = "escalated"  #: a step of the ladder fell due; data: step, to
    WARRANTY = "warranty"  #: data: item, verdict, until, source
    REOPENED = "reopened"  #: closed too early, within the policy's window
    MERGED = "merged"  #: data: into
    CLOSED = "closed"


class TicketKind(StrEnum):
    """Where a ticket comes from and what it is; a consultation may become a defect and the other way round."""

    INCIDENT = "incident"  #: opened by telemetry
    DEFECT = "defect"  #: a person told of a fault
    CONSULTATION = "consultation"  #: a person asks
    PLANNED = "planned"  #: work that fell due: an inspection, a discharge, a visit


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
    kind: TicketKind = TicketKind.INCIDENT
    device: str | None = None  #: the equipment it is about, where it is one
    opened_at: int
    changed_at: int
    closed_at: int | None = None
    next_call: Text | None = None  #: the next name to call, from the policy's ladder
    owner: str | None = None  #: the engineer who has it now


class ClockState(StrEnum):
    """How a promised time stands."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  #: kept: stopped before its end
    BROKEN = "broken"  #: ran past its end, whether stopped later or not
    UNTIMED = "untimed"  #: the contract gives a text and no number


class Interval(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stretch of a clock. `by` is the ledger entry (seq) that began it, `source` the policy line."""

    since: int
    until: int | None
    state: ClockState
    counted_s: float
    by: int
    source: str
    calendar: str = "7x24"  #: by which it was counted


class Clock(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    begun: int = 1  #: the entry (seq) that began it: a clock that begins anew is another clock of the same name
    subject: str | None = None  #: the part that it is about, where it is about one
    proof: str | None = None  #: of the restoration that stopped it: telemetry, or person (not proven)
    problems: tuple[Text, ...] = ()  #: what makes its due time doubtful


class WarrantyVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """`verdict` is in, out or undefined; `until` an ISO date or None."""

    item: str
    verdict: str
    until: str | None
    source: str
    text: Text
