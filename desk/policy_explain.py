"""Which promised times a ticket opened at some moment would get, and by which line. Pure; nothing is opened.

What binds is one object a clock; other values that the text states for it hang on it as `also`. A time that counts from
something that has not happened (a resolution, a part needed, remote work that failed) has no `due` yet, nor has
periodic work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from desk import calendars, words
from desk.calendars import Calendar, Place
from desk.policy import ClockRule, Duty, Facts, Policy, Promise, Step, applicable
from desk.types import EntryKind
from model.text import Text

ESCALATION = "escalation"
PERIODIC = "periodic"
OPENED = "opened"


class Promised(msgspec.Struct, frozen=True, kw_only=True):
    """One promised time. `target` is an ISO 8601 duration, None for words; `due` ms since 1970, None while it cannot run."""

    clock: str
    title: Text
    target: str | None
    immediate: bool = False
    text: Text | None
    calendar: str
    start: str  #: the entry kind it counts from
    due: int | None
    source: str
    binding: bool = True
    also: tuple[Promised, ...] = ()
    step: int | None = (
        None  #: of an escalation: 1 is the first of its ladder (what begins with the same event) at this level
    )
    to: str | None = None  #: a role
    also_to: tuple[str, ...] = ()
    repeat: str | None = None
    duty: str | None = None  #: of periodic work
    times: int = 1
    doubts: tuple[Text, ...] = ()  #: what makes `due` doubtful: an unknown country, a table of holidays that ends


def promised(policy: Policy, level: str, at: int, place: Place, facts: Facts) -> list[Promised]:
    """Clocks in the policy's order, then the ladder's steps, then periodic work. Raises KeyError for an unknown level."""
    policy.level(level)
    return [
        *_clocks(policy, level, at, place, facts),
        *_steps(policy, level, at, place),
        *(_duty(duty) for duty in policy.duties),
    ]


def _clocks(policy: Policy, level: str, at: int, place: Place, facts: Facts) -> Iterator[Promised]:
    for rule in policy.clocks:
        holding = [_promise(policy, rule, p, at, place) for p in applicable(policy, rule, level, facts)]
        if holding:
            first, *others = holding
            rest = tuple(msgspec.structs.replace(other, binding=False) for other in others)
            yield msgspec.structs.replace(first, also=rest)


def _promise(policy: Policy, rule: ClockRule, promise: Promise, at: int, place: Place) -> Promised:
    limit = policy.stated_ms(promise)
    starts = rule.start == OPENED
    due = _due(promise.calendar, place, at, limit) if starts else None
    return Promised(
        clock=rule.name,
        title=rule.title,
        target=promise.target.iso if promise.target else None,
        immediate=promise.immediate,
        text=promise.text if starts or promise.text else _from(rule.start),
        calendar=promise.calendar.id,
        start=rule.start,
        due=due,
        source=promise.source,
        binding=promise.binds,
        doubts=_doubts(promise.calendar, place, due),
    )


def _due(calendar: Calendar, place: Place, at: int, limit: int | None) -> int | None:
    return None if limit is None else calendars.add(calendar, place, at, limit)


def _doubts(calendar: Calendar, place: Place, due: int | None) -> tuple[Text, ...]:
    return () if due is None else tuple(calendars.doubts(calendar, place, due))


def _steps(policy: Policy, level: str, at: int, place: Place) -> Iterator[Promised]:
    mine = [s for s in policy.ladder if level in s.levels and s.wait is not None]
    timed = [s for s in mine if _timed(s)]
    climbed: Counter[str] = Counter()
    for step in mine:
        climbed[step.after] += 1
        last = bool(timed) and step is timed[-1]
        yield _step(policy, step, climbed[step.after], at, place, last=last)


def _timed(step: Step) -> bool:
    return step.after == OPENED and not step.customer


def _step(policy: Policy, step: Step, number: int, at: int, place: Place, *, last: bool) -> Promised:
    runs = _timed(step) and step.wait is not None
    limit = calendars.target_ms(step.calendar, step.wait) if runs and step.wait else None
    again = step.repeat or (policy.repeat_last if last else None)
    due = _due(step.calendar, place, at, limit)
    waits = step.wait is not None and bool(step.wait.ms or step.wait.days)
    return Promised(
        clock=ESCALATION,
        title=policy.roles[step.to].name,
        target=step.wait.iso if step.wait and waits else None,
        text=step.text,
        calendar=step.calendar.id,
        start=step.after,
        due=due,
        source=step.source,
        doubts=_doubts(step.calendar, place, due),
        step=number,
        to=step.to,
        also_to=step.also,
        repeat=again.iso if again else None,
    )


def _duty(duty: Duty) -> Promised:
    words_ = duty.text or (_from(duty.after) if duty.after else None)
    return Promised(
        clock=PERIODIC,
        title=duty.title,
        target=duty.every.iso if duty.every else None,
        text=words_ or Text("counted from when it was last done", "自上次完成起算"),
        calendar=calendars.ALWAYS.id,
        start=duty.after or "done",
        due=None,
        source=duty.source,
        duty=duty.id,
        times=duty.times,
    )


def _from(kind: str) -> Text:
    event = words.ENTRIES[EntryKind(kind)]
    return Text(f"counted from: {event.en}", f"起算：{event.zh}")
