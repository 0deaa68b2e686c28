"""Whether a promise can still be kept by the people and parts that there are; said before it breaks. Pure.

Fed with what the field knows (`Known`): who fits, when each could be there, how long a part takes. What nobody knows is
not guessed: an unknown way or part gives no warning. The earliest moments are lower bounds, so a warning means that the
breach is certain unless somebody changes what is known: another engineer, a spare machine, an agreement.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from desk import ladder, words
from desk.calendars import Place, zone
from desk.clocks import place_of, story
from desk.policy import Policy
from desk.types import Clock, ClockState, Draft, Entry, EntryKind, Ticket
from model.text import Text

#: Clocks that end when an engineer leaves; when one arrives; when the equipment runs; when a part is in.
LEAVING, ARRIVING, MENDING, PART = "dispatch", "onsite", ("restore", "resolve"), "spare_part"

#: Somebody must go, or is on the way.
_GOING = (EntryKind.REMOTE_FAILED, EntryKind.DISPATCHED)


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """One engineer who could be sent. None: not known."""

    engineer: Text
    fits: bool  #: grade and skills are enough for the ticket's level
    leaves_at: int | None
    arrives_at: int | None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What the field knows of one ticket now. Times in ms, durations in seconds; None: not known."""

    reach: tuple[Reach, ...] | None = None  #: None: nobody keeps a list of engineers here
    part_at: int | None = None  #: when the part that is needed can be at the site
    mend_s: float = 0.0  #: what the work takes at least, once engineer and part are there
    spare_machine: bool = False  #: one can be lent: then no part is waited for
    remote: bool = True  #: it may still be solved from afar: restoring waits for nobody's way


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The earliest moment at which a clock could stop, and what it is made of."""

    at: int | None  #: None: never, as things are
    why: Text
    engineer: str | None = None


def warnings(
    policy: Policy, ticket: Ticket, ledger: list[Entry], clocks: list[Clock], known: Known, now: int
) -> list[Draft]:
    """`warned` entries (why = `feasibility`) for promises that cannot be kept any more; once for each promise.

    `clocks` as `desk.clocks.clocks` gives them at `now`. The caller appends what it gets (desk.store.append).
    """
    place = place_of(story(ledger)[0])
    found: list[Draft] = []
    for clock in clocks:
        if clock.state is not ClockState.RUNNING or clock.due_at is None or clock.due_at < now:
            continue
        bound = earliest(clock, policy, ticket, ledger, known, now)
        if bound is None or (bound.at is not None and bound.at <= clock.due_at):
            continue
        if not ladder.warned(clock, ledger, ladder.CANNOT):
            found.append(_warning(clock, bound, place, now))
    return found


def earliest(clock: Clock, policy: Policy, ticket: Ticket, ledger: list[Entry], known: Known, now: int) -> Bound | None:
    """The earliest end of one clock; None where nothing is known that could delay it."""
    if clock.name == PART:
        return None if known.part_at is None else Bound(at=known.part_at, why=_part(known.part_at, ledger))
    if clock.name == LEAVING:
        return _sent(policy, ticket, ledger, known, now, leaving=True)
    if clock.name == ARRIVING:
        return _sent(policy, ticket, ledger, known, now, leaving=False)
    return _mended(policy, ticket, ledger, known, now) if clock.name in MENDING else None


def _mended(policy: Policy, ticket: Ticket, ledger: list[Entry], known: Known, now: int) -> Bound | None:
    """Engineer there, part there, work done. From afar nothing is certain, so nothing is said."""
    from_afar = known.remote and not any(e.kind in _GOING for e in ledger)
    there = None if from_afar else _sent(policy, ticket, ledger, known, now, leaving=False)
    if there is not None and there.at is None:
        return there
    part = None if known.spare_machine or known.part_at is None else known.part_at
    moments = [(there.at, there.why) for there in (there,) if there and there.at is not None]
    moments += [(part, _part(part, ledger))] if part is not None else []
    if not moments:
        return None
    at, why = max(moments, key=lambda m: m[0])
    return Bound(at=at + round(known.mend_s * 1000), why=why, engineer=there.engineer if there else None)


def _sent(
    policy: Policy, ticket: Ticket, ledger: list[Entry], known: Known, now: int, *, leaving: bool
) -> Bound | None:
    """When the nearest suitable engineer leaves or arrives; None when one is there, or nobody knows a way."""
    if known.reach is None or any(e.kind is EntryKind.ONSITE for e in ledger):
        return None
    fit = [one for one in known.reach if one.fits]
    if not fit:
        return Bound(at=None, why=_nobody(policy, ticket))
    moments = [(one.leaves_at if leaving else one.arrives_at, one) for one in fit]
    if any(at is None for at, _ in moments):
        return None  # somebody might be nearer than those whose way is known
    at, one = min(((at, one) for at, one in moments if at is not None), key=lambda m: m[0])
    sentence = words.LEAVES if leaving else words.ARRIVES
    why = Text(sentence.en.format(name=one.engineer.en), sentence.zh.format(name=one.engineer.zh))
    return Bound(at=max(at, now), why=why, engineer=one.engineer.en)


def _nobody(policy: Policy, ticket: Ticket) -> Text:
    asked = [grade for grade in policy.grades if ticket.level in grade.levels]
    names = Text(", ".join(g.name.en for g in asked), "、".join(g.name.zh for g in asked))
    return (
        words.NOBODY
        if not asked
        else Text(words.NOBODY_OF.en.format(grade=names.en), words.NOBODY_OF.zh.format(grade=names.zh))
    )


def _part(at: int, ledger: list[Entry]) -> Text:
    told = (e.data.get("item") or e.data.get("part") for e in story(ledger) if e.kind is EntryKind.PART_NEEDED)
    needed = [str(name) for name in told if name]
    return words.PART_COMES.format(
        part=", ".join(dict.fromkeys(needed)) or "-", at=_wall(at, place_of(story(ledger)[0]))
    )


def _warning(clock: Clock, bound: Bound, place: Place, now: int) -> Draft:
    when = words.NEVER if bound.at is None else words.AT_EARLIEST.format(at=_wall(bound.at, place))
    sentence = Text(
        words.CANNOT_KEEP.en.format(clock="{clock}", due="{due}", why=_plain(bound.why.en), when=when.en),
        words.CANNOT_KEEP.zh.format(clock="{clock}", due="{due}", why=_plain(bound.why.zh), when=when.zh),
    )
    return ladder.warning(sentence, clock, now, place, ladder.CANNOT, earliest_at=bound.at, engineer=bound.engineer)


def _plain(said: str) -> str:
    """Names of people and parts are no templates."""
    return said.replace("{", "{{").replace("}", "}}")


def _wall(at: int, place: Place) -> str:
    return datetime.fromtimestamp(at / 1000, zone(place.tz)).strftime("%m-%d %H:%M")
