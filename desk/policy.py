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

from hashlib import blake2b

import msgspec

from alerts.types import Impact
from desk.calendars import ALWAYS, Calendar, target_ms
from desk.duration import Duration
from model.text import Text


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What conditions ask about. Written into the ledger at opening: later changes of the inventory change nothing."""

    local: bool = True
    kva: float | None = None


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """All that are given must hold. An unknown rating meets no `min_kva`: nothing is promised on a guess."""

    local: bool | None = None
    min_kva: float | None = None

    def hold(self, facts: Facts) -> bool:
        """Whether the promise was made for this equipment."""
        if self.local is not None and self.local != facts.local:
            return False
        return self.min_kva is None or (facts.kva is not None and facts.kva >= self.min_kva)


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


class ClockRule(msgspec.Struct, frozen=True, kw_only=True):
    """`start` is an entry kind; `stop` are entry kinds, or `notified:customer`. Closing stops every clock."""

    name: str
    title: Text
    start: str
    stop: tuple[str, ...]
    calendar: Calendar
    promises: tuple[Promise, ...]


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom the ladder may call."""

    id: str
    name: Text


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A rung. Without `wait` it only says whom to call next once `after` has happened; with `wait` it fires by itself."""

    index: int
    to: str
    after: str
    wait: Duration | None
    unless: tuple[str, ...]
    levels: tuple[str, ...]
    calendar: Calendar
    text: Text
    source: str


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


class Policy(msgspec.Struct, frozen=True, kw_only=True):
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

    @property
    def pin(self) -> str:
        """What a ticket carries."""
        return f"{self.id}@{self.version}"

    def level(self, id: str) -> Level:
        """The level; raises KeyError for one the policy does not have."""
        for level in self.levels:
            if level.id == id:
                return level
        raise KeyError(id)

    def level_of(self, impact: Impact) -> Level:
        """The level that the contract gives this impact."""
        return self.level(self.impacts[impact])

    def limit_ms(self, promise: Promise) -> int | None:
        """When a promise is broken, in ms on its calendar; None where the words give no moment."""
        if promise.immediate:
            return target_ms(ALWAYS, self.immediate_means)
        return None if promise.target is None else target_ms(promise.calendar, promise.target)


def version_of(body: str) -> str:
    """The short content hash. Line ends do not count: the same text from another system is the same policy."""
    return blake2b(body.replace("\r\n", "\n").encode(), digest_size=5).hexdigest()


def applicable(policy: Policy, rule: ClockRule, level: str, facts: Facts) -> list[Promise]:
    """The promises that hold, the binding one first: the strictest number, then words."""
    holding = [p for p in rule.promises if level in p.levels and p.when.hold(facts)]
    return sorted(holding, key=lambda p: (policy.limit_ms(p) is None, policy.limit_ms(p) or 0))
