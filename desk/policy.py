"""A customer's contract as data: levels, promises, ladder, warranty.

Rules of this file:
- A policy says what was published, each value with the line it comes from. Contradicting values all stay: the
  strictest binds, the others are shown.
- "Immediate" is no number: such a promise has a text, no target, and breaks after `immediate_means`.
- A ticket pins `id@version`; the version is a hash of the file's text, and the text itself is kept beside the
  tickets (desk.store), so that a later change of the file never touches old ones.

Reading and checking a file is desk.policy_file; the files are in desk/policies.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from hashlib import blake2b
from typing import Any

import msgspec

from alerts.types import Impact
from desk.calendars import ALWAYS, Calendar, target_ms
from desk.duration import Duration
from model.text import Text


class Facts(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What conditions ask about, as the ledger says it: later changes of the inventory change nothing.

    None: not known. An unknown fact meets no condition: nothing is promised on a guess.
    """

    local: bool = True
    kva: float | None = None
    contract: bool | None = None  #: the caller has a contract
    in_warranty: bool | None = None
    hardware: bool | None = None  #: True: a hardware fault; False: software
    spares_on_site: bool | None = None
    remote_solvable: bool | None = None
    cause_known: bool | None = None
    non_stop: bool | None = None  #: slow, but it runs
    disaster: bool | None = None
    customer_request: bool | None = None


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold; the names are those of `Facts`."""

    local: bool | None = None
    min_kva: float | None = None
    max_kva: float | None = None
    contract: bool | None = None
    in_warranty: bool | None = None
    hardware: bool | None = None
    spares_on_site: bool | None = None
    remote_solvable: bool | None = None
    cause_known: bool | None = None
    non_stop: bool | None = None
    disaster: bool | None = None
    customer_request: bool | None = None

    def hold(self, facts: Facts) -> bool:
        """Whether the promise was made for this equipment."""
        for name in FLAGS:
            wanted = getattr(self, name)
            if wanted is not None and wanted != getattr(facts, name):
                return False
        if self.min_kva is not None and (facts.kva is None or facts.kva < self.min_kva):
            return False
        return self.max_kva is None or (facts.kva is not None and facts.kva < self.max_kva)


#: The conditions that are a plain yes or no.
FLAGS = tuple(name for name in Conditions.__struct_fields__ if name not in ("min_kva", "max_kva"))


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """`rank` 0 is the worst: the order in the file."""

    id: str
    rank: int
    name: Text
    means: Text
    source: str


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One stated value of one clock. `target` None: only the contract's words in `text`."""

    levels: tuple[str, ...]
    target: Duration | None
    immediate: bool
    text: Text | None
    calendar: Calendar
    when: Conditions
    source: str
    binds: bool = True  #: False: stated too, shown as a target, never broken
    decided: tuple[str, ...] = ()  #: keys that this house decided where the text is silent (calendar …)


class ClockRule(msgspec.Struct, frozen=True, kw_only=True):
    """`start` is an entry kind; `stop` are entry kinds, `notified:customer` or `restored:telemetry`. Closing stops every clock that was
    started before; one that begins with a resolution or restoration (`after_close`) runs on until it is stopped.

    Two rules may have one `name` where levels begin or stop it differently; no level is in both.
    """

    name: str
    title: Text
    start: str
    stop: tuple[str, ...]
    calendar: Calendar
    promises: tuple[Promise, ...]
    #: Whether waiting for the customer (`paused`) stops the count: only where the policy allows it.
    pauses: bool = False
    after_close: bool = False  #: incident_report, survey: closing does not end it
    decided: tuple[str, ...] = ()  #: keys that this house decided where the text is silent (calendar, start, stop)


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom the ladder may call."""

    id: str
    name: Text


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A rung. Without `wait` it only says whom to call next once `after` has happened; with `wait` it fires by itself.

    An event ladder has `after` an event and `wait` zero; a customer's ladder fires on `dissatisfied`, one rung each time.
    """

    index: int
    to: str
    after: str
    wait: Duration | None
    unless: tuple[str, ...]
    levels: tuple[str, ...]
    calendar: Calendar
    text: Text
    source: str
    also: tuple[str, ...] = ()  #: roles who are told too (the manufacturer's support)
    repeat: Duration | None = None  #: fires again this long after itself, until `unless` or the end
    customer: bool = False  #: a rung of the customer's own ladder
    handover: bool = False  #: goes with a hand-over pack for the manufacturer
    ends: bool = False  #: the ladder has its last word here by the text: no rung is missing
    decided: tuple[str, ...] = ()  #: keys that this house decided where the text is silent (after, repeat …)


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """A consent without which something must not be done. `scope` remote_access | implementation | onsite_change | equipment.

    `needs` are the parts that must all be there: customer_authorization, supervisor_signature, plan_drafted,
    plan_tested, customer_written, provider_written.
    """

    id: str
    scope: str
    title: Text
    needs: tuple[str, ...]
    valid: Duration | None  #: how long a consent holds; None: for the ticket it was given for
    source: str


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form that the contract names. `when`: an entry kind after which it is due, or None (on demand)."""

    id: str
    title: Text
    fields: tuple[str, ...]
    when: str | None
    signed_by: str | None  #: a role of the customer
    grades: tuple[str, ...]  #: of satisfaction, best first
    source: str


class ReportRule(msgspec.Struct, frozen=True, kw_only=True):
    """A written report: its parts (none where the text names none), and to whom."""

    id: str
    title: Text
    sections: tuple[str, ...]
    to: tuple[str, ...]  #: customer, manufacturer, a role
    source: str
    due_by: str | None = None  #: the clock `incident_report`, or the id of the duty whose cadence it keeps


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """Work that falls due by the calendar. Neither `every` nor `after`: the contract gives words only (`text`).

    `kind`: inspection, discharge, survey, visit, call, report, bulletin, exchange, training, upgrade, check, manual,
    remote, advice, support.
    """

    id: str
    kind: str
    title: Text
    every: Duration | None
    times: int  #: so many times within each `every` (3 visits per half year); 1 usually
    overdue: Duration | None  #: counted as `every`; None: overdue as soon as it was due
    after: str | None  #: an entry kind after which it is due (a survey after each service) instead of a cadence
    scope: str  #: customer | site | device | house (the service company itself)
    items: tuple[Text, ...]  #: what is to be checked or written, in order
    prefill: tuple[tuple[str, ...], ...]  #: for each item the points whose readings pre-fill it; () needs eyes
    min_depth: float | None  #: discharge: share of the capacity; a natural discharge this deep counts as done
    free: bool
    text: Text | None
    source: str
    by: str | None = None  #: the role that does it
    internal: bool = False  #: the company's own rule, no promise to the customer
    decided: tuple[str, ...] = ()  #: keys that this house decided where the text is silent (overdue …)


class Spare(msgspec.Struct, frozen=True, kw_only=True):
    """A machine that is lent. `when` are the conditions under which it is proposed, at once or `after` an entry."""

    when: Conditions
    lender: str  #: provider | manufacturer
    text: Text
    source: str
    after: str | None = None  #: an entry kind (unsolved_onsite); None: as soon as the conditions hold


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """Engineers of one grade. `levels`: the levels whose work only they (or better) may be sent to."""

    id: str
    name: Text
    rank: int  #: 0 is the best
    levels: tuple[str, ...]
    source: str
    count: int = 0  #: so many engineers have it, by the text; 0: not stated


class WarrantyClass(msgspec.Struct, frozen=True, kw_only=True):
    """`item` host, battery, software or third_party_software; battery classes by block voltage and Ah, both ends included."""

    item: str
    term: Duration
    min_ah: float | None = None
    max_ah: float | None = None
    block_v: float | None = None
    source: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A contradiction or gap that is prose, as published."""

    text: Text
    source: str


class Cover(msgspec.Struct, frozen=True, kw_only=True):
    """When somebody is there: `what` is calls | remote | onsite | emergency | mobile_hotline."""

    what: str
    calendar: Calendar
    when: Conditions
    text: Text | None
    source: str
    decided: tuple[str, ...] = ()


class FaultKind(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a second scale beside the levels. `channels` in the order in which they are tried."""

    id: str
    name: Text
    levels: tuple[str, ...]  #: what it maps to
    channels: tuple[str, ...]  #: phone, remote, onsite, onsite_if_needed
    source: str
    decided: tuple[str, ...] = ()  #: `levels` where the text has no mapping


class ImpactCase(msgspec.Struct, frozen=True, kw_only=True):
    """An impact that gets another level when one of the findings (ids of alerts.kinds) is among its causes."""

    impact: Impact
    findings: tuple[str, ...]
    level: str
    source: str


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """The way of one kind of request: `id` is consultation | defect | complaint | service."""

    id: str
    title: Text
    steps: tuple[Text, ...]
    form: str | None  #: an id of the policy's forms
    converts_to: str | None  #: another flow
    text: Text | None
    source: str


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """What else the contract says and a person must know; no machine acts on it. `id` is unique in the policy."""

    id: str
    text: Text
    items: tuple[str, ...]
    source: str


class Policy(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One company's contract, read from desk/policies/ID.toml and found free of errors."""

    id: str
    name: Text
    version: str
    body: str  #: the file's text, which `version` is the hash of
    immediate_means: Duration
    warn_share: float  #: a clock is near its end from this share of its target on
    levels: tuple[Level, ...]
    impacts: dict[Impact, str]
    clocks: tuple[ClockRule, ...]
    roles: dict[str, Role]
    ladder: tuple[Step, ...]
    warranty: tuple[WarrantyClass, ...]
    notes: tuple[Note, ...] = ()
    gates: tuple[Gate, ...] = ()
    forms: tuple[Form, ...] = ()
    reports: tuple[ReportRule, ...] = ()
    duties: tuple[Duty, ...] = ()
    spares: tuple[Spare, ...] = ()
    grades: tuple[Grade, ...] = ()
    intake: tuple[str, ...] = ()  #: what a caller must be asked: serial_number, fault_information, debug_information
    reopen: Duration | None = None  #: a closed ticket comes back within this time; else a new one is opened
    repeat_last: Duration | None = None  #: the ladder's last rung is told again at this pace
    source: str = ""  #: the published text
    severity_set_by: str = "desk"  #: customer: the customer's word may raise the level
    first_receiver: str | None = None  #: the role that takes a call
    owner: str | None = None  #: the role that follows a case to its end
    cover: tuple[Cover, ...] = ()
    fault_kinds: tuple[FaultKind, ...] = ()
    impact_cases: tuple[ImpactCase, ...] = ()
    flows: tuple[Flow, ...] = ()
    terms: tuple[Term, ...] = ()

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What was worked out from it once (desk.terms); no part of it, and not copied with it."""
        return {}

    @cached_property
    def pin(self) -> str:
        """What a ticket carries."""
        return f"{self.id}@{self.version}"

    def level(self, id: str) -> Level:
        """The level; raises KeyError for one the policy does not have."""
        for level in self.levels:
            if level.id == id:
                return level
        raise KeyError(id)

    def level_of(self, impact: Impact, findings: Collection[str] = ()) -> Level:
        """The level that the contract gives this impact; `findings` are the kinds behind it, where they are known."""
        for case in self.impact_cases:
            if case.impact is impact and not set(case.findings).isdisjoint(findings):
                return self.level(case.level)
        return self.level(self.impacts[impact])

    def limit_ms(self, promise: Promise) -> int | None:
        """When a promise is broken, in ms on its calendar; None where the words give no moment or it does not bind."""
        return self.stated_ms(promise) if promise.binds else None

    def stated_ms(self, promise: Promise) -> int | None:
        """What a promise states, in ms on its calendar, whether it binds or not; None for words alone."""
        if promise.immediate:
            return target_ms(ALWAYS, self.immediate_means)
        return None if promise.target is None else target_ms(promise.calendar, promise.target)


def version_of(body: str) -> str:
    """The short content hash. Line ends do not count: the same text from another system is the same policy."""
    return blake2b(body.replace("\r\n", "\n").encode(), digest_size=5).hexdigest()


def applicable(policy: Policy, rule: ClockRule, level: str, facts: Facts) -> list[Promise]:
    """The promises that hold, the binding one first: the strictest number, then words and what does not bind."""
    holding = [p for p in rule.promises if level in p.levels and p.when.hold(facts)]
    return sorted(holding, key=lambda p: (policy.limit_ms(p) is None, not p.binds, policy.limit_ms(p) or 0))
