"""Whom to call next, and what falls due while nobody acts: warnings, breaks, rungs. Pure; each once.

- A ladder climbs by elapsed time (`wait`), by an event (`after`), or by the customer (`customer`: one rung for each
  `dissatisfied`). The rungs of one level that begin with the same event are one ladder.
- What was missed while the desk was down is not replayed: the highest rung that is due fires, once; so does a repeat.
- Who was told under one level is not told again under another because the level changed: the climb goes on above.
- A rung is not due once one of its `unless` came in time; nothing is due when the equipment runs or the case is over,
  but the customer may still climb.
- Entries are dated when they fell due. A clock that is already broken is no longer warned of.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from desk import calendars, words
from desk.calendars import Place, zone
from desk.clocks import place_of, story
from desk.duration import Duration
from desk.policy import Policy, Step
from desk.ticket import ENDED
from desk.types import Clock, ClockState, Draft, Entry, EntryKind, Ticket, TicketState
from model.text import Text

_OVER = (*ENDED, TicketState.RESTORED)
_BACK = (EntryKind.RELAPSED, EntryKind.REOPENED)
_UNDONE = (EntryKind.RESTORED, EntryKind.RESOLVED, EntryKind.CLOSED)
#: What a warning is for, in its `why`: its time is nearly over, or it cannot be kept (desk.feasibility).
NEAR, CANNOT = "near", "feasibility"


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the ladder at its moment. `times` counts its repeats, 0 for the first call."""

    step: Step
    at: int
    times: int = 0
    again: bool = False  #: this person was called before


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket at the foot of its ladder."""

    policy: Policy
    ticket: Ticket
    ledger: list[Entry]
    place: Place
    now: int

    @property
    def steps(self) -> list[Step]:
        """The rungs of the present level, but the customer's."""
        return [s for s in self.policy.ladder if self.ticket.level in s.levels and not s.customer]

    @property
    def customers(self) -> list[Step]:
        return [s for s in self.policy.ladder if self.ticket.level in s.levels and s.customer]


def next_call(policy: Policy, ticket: Ticket, ledger: list[Entry], now: int) -> Text | None:
    """The name on the highest rung reached; None when the equipment runs again or the case is over."""
    if ticket.state in _OVER:
        return None
    look = _look(policy, ticket, ledger, now)
    reached = [(at, s) for s in look.steps if (at := _due(look, s)) is not None and at <= now]
    top = reached[-1] if reached else None
    asked = _asked(look)
    if asked and (top is None or asked.at >= top[0]):
        return policy.roles[asked.step.to].name
    return policy.roles[top[1].to].name if top else None


def fall_due(policy: Policy, ticket: Ticket, ledger: list[Entry], clocks: list[Clock], now: int) -> list[Draft]:
    """The entries that time alone brings, up to `now`."""
    place = place_of(story(ledger)[0])
    drafts: list[Draft] = []
    for clock in clocks:
        if clock.state is ClockState.BROKEN:
            if not any(e.kind is EntryKind.BROKEN and _about(e, clock) for e in ledger):
                drafts.append(_broken(clock, place))
        elif _near(clock, ledger) and clock.warn_at is not None and clock.warn_at <= now:
            drafts.append(warning(words.WARNED, clock, clock.warn_at, place, NEAR))
    return [*drafts, *(_call(policy, rung) for rung in _climb(_look(policy, ticket, ledger, now)))]


def next_moment(policy: Policy, ticket: Ticket, ledger: list[Entry], clocks: list[Clock], now: int) -> int | None:
    """When `fall_due` or `next_call` must be asked again if nothing else happens; None for never.

    A closed ticket has moments too, as long as a clock outlives the closing (a report that is still owed).
    """
    if ticket.state is TicketState.MERGED:
        return None
    moments: list[int | None] = []
    for clock in clocks:
        if clock.state is ClockState.RUNNING:
            moments.append(clock.warn_at if _near(clock, ledger) else None)
            moments.append(None if clock.due_at is None else clock.due_at + 1)
    if ticket.state not in _OVER:
        look = _look(policy, ticket, ledger, now)
        for step in look.steps:
            moments += _moments(look, step)
    return min((m for m in moments if m is not None and m > now), default=None)


def warning(sentence: Text, clock: Clock, at: int, place: Place, why: str, **data: str | int | float | None) -> Draft:
    """`warned` about one clock; `sentence` may name {clock} and {due}."""
    return _about_clock(EntryKind.WARNED, sentence, clock, at, place, {"why": why, **data})


def warned(clock: Clock, ledger: list[Entry], why: str) -> bool:
    """Whether this warning was given: once for a clock under one promise."""
    return any(
        e.kind is EntryKind.WARNED
        and _about(e, clock)
        and e.data.get("source") == clock.source
        and (e.data.get("why") or NEAR) == why
        for e in ledger
    )


def _near(clock: Clock, ledger: list[Entry]) -> bool:
    """Whether a warning that its time is nearly over is still to come."""
    return clock.state is ClockState.RUNNING and not warned(clock, ledger, NEAR)


def _about(entry: Entry, clock: Clock) -> bool:
    return entry.data.get("clock") == clock.name and int(entry.data.get("begun") or clock.begun) == clock.begun


def _broken(clock: Clock, place: Place) -> Draft:
    since = next(i.since for i in clock.intervals if i.state is ClockState.BROKEN)
    return _about_clock(EntryKind.BROKEN, words.BROKEN, clock, since, place, {})


def _about_clock(
    kind: EntryKind, sentence: Text, clock: Clock, at: int, place: Place, more: dict[str, str | int | float | None]
) -> Draft:
    due = datetime.fromtimestamp((clock.due_at or at) / 1000, zone(place.tz)).strftime("%Y-%m-%d %H:%M:%S %z")
    about = f" ({clock.subject})" if clock.subject else ""
    return Draft(
        at=at,
        who=words.SELF,
        kind=kind,
        text=Text(
            sentence.en.format(clock=clock.title.en + about, due=due),
            sentence.zh.format(clock=clock.title.zh + about, due=due),
        ),
        data={"clock": clock.name, "source": clock.source, "due_at": clock.due_at, "begun": clock.begun, **more},
    )


def _look(policy: Policy, ticket: Ticket, ledger: list[Entry], now: int) -> Look:
    return Look(policy=policy, ticket=ticket, ledger=ledger, place=place_of(story(ledger)[0]), now=now)


def _climb(look: Look) -> list[Rung]:
    """The rungs that are to be called now: at most one of each ladder."""
    if look.ticket.state in ENDED:
        return []
    timed = [] if look.ticket.state in _OVER else [s for s in look.steps if s.wait is not None]
    rungs = [_highest(look, [s for s in timed if s.after == after]) for after in dict.fromkeys(s.after for s in timed)]
    asked = _asked(look)
    if asked and asked.times + 1 > max((int(e.data.get("asked") or 0) for e in _called(look.ledger)), default=0):
        rungs.append(asked)
    return [rung for rung in rungs if rung]


def _highest(look: Look, steps: list[Step]) -> Rung | None:
    """The highest rung of one ladder that is due and above what was called."""
    due = [(n, step, at) for n, step in enumerate(steps) if (at := _due(look, step)) is not None and at <= look.now]
    if not due:
        return None
    n, step, at = due[-1]
    floor = _floor(look, steps)
    times = _repeats(look, step, at)
    if n < floor or (n == floor and times <= _told_times(step, look.ledger)):
        return None
    return Rung(step=step, at=_again(look, step, at, times), times=times, again=n == floor)


def _floor(look: Look, steps: list[Step]) -> int:
    """The place of the highest rung of this ladder that was called, under whatever level; -1 for none."""
    place = -1
    here = {step.index: n for n, step in enumerate(steps)}
    ladder = look.policy.ladder
    for entry in _called(look.ledger):
        index = int(entry.data.get("step") or 0)
        if index in here:
            place = max(place, here[index])
        elif index < len(ladder) and ladder[index].after == steps[0].after and not ladder[index].customer:
            same_role = [n for n, step in enumerate(steps) if step.to == entry.data.get("to")]
            place = max(place, min(same_role, default=-1))
    return place


def _told_times(step: Step, ledger: list[Entry]) -> int:
    """How often this very rung was called again already."""
    own = [int(e.data.get("repeat") or 0) for e in _called(ledger) if int(e.data.get("step") or 0) == step.index]
    return max(own, default=0)


def _called(ledger: list[Entry]) -> Iterable[Entry]:
    return (e for e in ledger if e.kind is EntryKind.ESCALATED)


def _asked(look: Look) -> Rung | None:
    """The rung to which the customer has climbed: one for each time, the last for ever. `times` counts from 0."""
    own = look.customers
    asks = [e.at for e in story(look.ledger) if e.kind is EntryKind.DISSATISFIED and e.at <= look.now]
    if not own or not asks:
        return None
    return Rung(step=own[min(len(asks), len(own)) - 1], at=asks[-1], times=len(asks) - 1)


def _call(policy: Policy, rung: Rung) -> Draft:
    step = rung.step
    to, also = policy.roles[step.to].name, [policy.roles[role].name for role in step.also if role in policy.roles]
    said = Text(
        words.ESCALATED.en.format(to=to.en, why=step.text.en), words.ESCALATED.zh.format(to=to.zh, why=step.text.zh)
    )
    data: dict[str, str | int | float | None] = {"step": step.index, "to": step.to, "source": step.source}
    if step.customer:
        data["asked"] = rung.times + 1
    elif rung.times:
        data["repeat"] = rung.times
        said = _join(said, words.ESCALATED_AGAIN.format(n=rung.times)) if rung.again else said
    if also:
        data["also"] = ",".join(step.also)
        names = Text(", ".join(name.en for name in also), "、".join(name.zh for name in also))
        said = _join(
            said, Text(words.ESCALATED_ALSO.en.format(also=names.en), words.ESCALATED_ALSO.zh.format(also=names.zh))
        )
    if step.handover:
        data["handover"] = 1
        said = _join(said, words.WITH_HANDOVER)
    return Draft(at=rung.at, who=words.SELF, kind=EntryKind.ESCALATED, text=said, data=data)


def _join(one: Text, more: Text) -> Text:
    return Text(one.en + more.en, one.zh + more.zh)


def _due(look: Look, step: Step) -> int | None:
    """When a rung is reached; None while its `after` has not happened, or when `unless` came in time."""
    began = min((e.at for e in look.ledger if e.kind == step.after), default=None)
    if began is None or step.wait is None:
        return began
    due = _add(look, step, began, step.wait, 1)
    ended = _ended(look, step)
    return None if due is None or (ended is not None and ended <= due) else due


def _ended(look: Look, step: Step) -> int | None:
    """When `unless` came; an end that a relapse or reopening undid is none."""
    back = max((e.at for e in look.ledger if e.kind in _BACK), default=None)
    ends = (e for e in look.ledger if e.kind in step.unless)
    return min((e.at for e in ends if back is None or e.kind not in _UNDONE or e.at > back), default=None)


def _pace(look: Look, step: Step) -> Duration | None:
    """How often the rung is called again: its own pace, or the policy's for the last rung by elapsed time."""
    if step.repeat is not None or step.wait is None or step.wait.iso == "PT0S":
        return step.repeat
    last = [s.index for s in look.steps if s.after == step.after and s.wait is not None][-1:]
    return look.policy.repeat_last if last == [step.index] else None


def _repeats(look: Look, step: Step, first: int) -> int:
    """How many repeats have fallen due by now, or by the end of the ladder."""
    pace, ended = _pace(look, step), _ended(look, step)
    if pace is None:
        return 0
    until = look.now if ended is None else min(look.now, ended - 1)
    n = 0
    while (at := _add(look, step, first, pace, n + 1)) is not None and first < at <= until:
        n += 1
        if n == 1 and step.calendar.always:  # a year's shutdown costs one division
            n = (until - first) // (at - first)
    return n


def _again(look: Look, step: Step, first: int, times: int) -> int:
    pace = _pace(look, step)
    if pace is None or times == 0:
        return first
    return _add(look, step, first, pace, times) or first


def _moments(look: Look, step: Step) -> list[int | None]:
    """When this rung is called, or called again."""
    first = _due(look, step)
    if first is None or first > look.now:
        return [first]
    pace = _pace(look, step)
    if pace is None or _ended(look, step) is not None:
        return []
    return [_add(look, step, first, pace, _repeats(look, step, first) + 1)]


def _add(look: Look, step: Step, since: int, wait: Duration, times: int) -> int | None:
    return calendars.add(step.calendar, look.place, since, calendars.target_ms(step.calendar, wait) * times)
