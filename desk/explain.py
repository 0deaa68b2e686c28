"""Why a clock stands where it stands: every interval, by which entry, under which line, with the stretches that count.

Pure. The sum of the stretches of an interval is its `counted_s`; the sum of the intervals is the clock's. On 7x24 an
interval is one stretch; on working hours it has one for each working day.
"""

from __future__ import annotations

import msgspec

from desk import calendars
from desk.calendars import Window
from desk.clocks import clocks, place_of, problems, story
from desk.policy import Policy
from desk.types import Clock, ClockState, Entry, EntryKind, Interval, Ticket
from model.text import Text


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One interval: what began it, and the stretches of it that count. An open one reaches `Explained.now`."""

    interval: Interval
    began_with: EntryKind
    windows: tuple[Window, ...]
    entry: Entry  #: the one that began it, with both of its times and who wrote it


class ExplainedClock(msgspec.Struct, frozen=True, kw_only=True):
    """One clock with the stretches that add up to what it counted."""

    clock: Clock
    counted: tuple[Counted, ...]
    breaks_after: Text | None  #: what the binding promise comes to, in words


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket's clocks taken apart at `now` (ms), told in the site's zone `tz`."""

    ticket: Ticket
    level: Text
    policy: Policy
    tz: str
    now: int
    clocks: tuple[ExplainedClock, ...]
    problems: tuple[Text, ...] = ()  #: what is odd about its time: a clock that jumped, a level nobody knows


def explain(policy: Policy, ticket: Ticket, ledger: list[Entry], now: int) -> Explained:
    """The ticket's clocks at `now`, taken apart."""
    events = story(ledger)
    odd = problems(policy, ledger, now)
    now = max(now, *(e.at for e in (events[0], *events)))
    entries = {e.seq: e for e in ledger}
    place = place_of(events[0])

    calendar_of = {c.id: c for rule in policy.clocks for c in (rule.calendar, *(p.calendar for p in rule.promises))}

    def take_apart(clock: Clock) -> ExplainedClock:
        counted = []
        for i in clock.intervals:
            calendar = calendar_of[i.calendar]
            stretches = calendars.windows(calendar, place, i.since, i.until if i.until is not None else now)
            still = i.state in (ClockState.STOPPED, ClockState.PAUSED)
            by, own = entries[i.by], () if still else tuple(stretches)
            counted.append(Counted(interval=i, began_with=by.kind, windows=own, entry=by))
        return ExplainedClock(clock=clock, counted=tuple(counted), breaks_after=_limit(policy, clock))

    return Explained(
        ticket=ticket,
        level=level_name(policy, ticket.level),
        policy=policy,
        tz=place.tz,
        now=now,
        clocks=tuple(take_apart(c) for c in clocks(policy, ledger, now)),
        problems=tuple(odd),
    )


def level_name(policy: Policy, level: str) -> Text:
    """The contract's name for it; its id where the contract has no such level."""
    return next((known.name for known in policy.levels if known.id == level), Text(level, level))


def _limit(policy: Policy, clock: Clock) -> Text | None:
    rules = [r for r in policy.clocks if r.name == clock.name]
    said = [p for r in rules for p in r.promises if (p.source, p.text) == (clock.source, clock.text)]
    promise = next((p for p in said if clock.target_s is None or policy.limit_ms(p) == clock.target_s * 1000), None)
    if promise is None or (promise.target is None and not promise.immediate):
        return None
    return (promise.target or policy.immediate_means).words()
