"""What people do to a ticket: checked, then made an entry. Pure.

An act keeps both times: when it happened (`at`) and when the desk learned of it (`now`). It cannot lie in the future,
nor before the ticket was opened. Told twice (a double click, a repeated request), it is one entry. What happened before
a case was closed may still be written down after it: engineers work where there is no network.

Two people at once: both acts stand where both can be true (two answers); what cannot be true twice (closed, waiting) is
refused with who was first. Who says what they had seen is asked to look again by desk.store (`Meanwhile`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from desk import words
from desk.facts import Data, Value, fact, facts_told, yes_or_no
from desk.policy import FLAGS, Policy
from desk.refused import ActRefused, wall
from desk.stretches import story
from desk.ticket import ENDED, reopens
from desk.types import Draft, Entry, EntryKind, Ticket, TicketKind, TicketState
from model.text import Text

__all__ = ["BY_PEOPLE", "ActRefused", "Data", "act_draft", "repeated", "waiting"]

K = EntryKind

#: What a person may write. Everything else the desk finds out by itself, or another room writes (visits, consents).
BY_PEOPLE = (
    K.ACKNOWLEDGED,
    K.NOTE,
    K.LEVEL,
    K.CONVERTED,
    K.FACTS,
    K.PAUSED,
    K.RESUMED,
    K.PLANNED,
    K.CONTINGENCY,
    K.REMOTE_FAILED,
    K.DISPATCHED,
    K.ONSITE,
    K.UNSOLVED_ONSITE,
    K.DIAGNOSED,
    K.PART_NEEDED,
    K.PART_FITTED,
    K.LENT,
    K.FORM,
    K.DOCUMENT,
    K.HANDOVER,
    K.RESTORED,
    K.RESOLVED,
    K.RELAPSED,
    K.REPORTED,
    K.SURVEYED,
    K.DISSATISFIED,
    K.REOPENED,
    K.MERGED,
    K.CLOSED,
)
#: What may still come once a case is over.
_AFTER_CLOSE = (K.NOTE, K.DOCUMENT, K.REPORTED, K.SURVEYED, K.FORM, K.REOPENED)
_AFTER_MERGE = (K.NOTE, K.DOCUMENT)
#: What would change the state of a case that is over, so that even a late entry cannot say it.
_NOT_LATE = (K.CLOSED, K.MERGED, K.LEVEL, K.CONVERTED, K.RELAPSED)
#: What may tell beside its own what conditions ask about.
_TELLING = (K.CONVERTED, K.REMOTE_FAILED, K.DIAGNOSED, K.RELAPSED)
#: Keys by which the desk knows its incidents again.
_OURS = (
    "incident",
    "digest",
    "members",
    "worst",
    "impact",
    "policy",
    "customer",
    "cause",
    "root",
    "site",
    "begun",
    "kinds",
)
#: Kinds that say nothing without words, or one of these keys.
_WORDS = {
    K.CONVERTED: ("why",),
    K.NOTE: ("why", "document"),
    K.PAUSED: ("why",),
    K.PLANNED: ("document",),
    K.CONTINGENCY: ("document",),
    K.DIAGNOSED: ("failure_mode", "part"),
    K.RELAPSED: ("why",),
    K.DISSATISFIED: ("why",),
    K.REOPENED: ("why",),
    K.MERGED: ("why",),
}
_KEYS: dict[EntryKind, tuple[str, ...]] = {
    K.CONVERTED: ("kind",),
    K.LEVEL: ("level",),
    K.PART_NEEDED: ("part",),
    K.FORM: ("form",),
    K.DOCUMENT: ("document",),
    K.HANDOVER: ("to",),
    K.REPORTED: ("report",),
    K.SURVEYED: ("grade",),
    K.MERGED: ("into",),
}


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """An act before it is an entry, and the ticket that it is about."""

    policy: Policy
    ticket: Ticket
    ledger: Sequence[Entry]
    kind: EntryKind
    who: str
    text: Text
    at: int
    data: dict[str, Value]


def act_draft(
    policy: Policy,
    ticket: Ticket,
    kind: EntryKind,
    who: str,
    text: Text,
    at: int,
    now: int,
    data: Data | None = None,
    ledger: Sequence[Entry] = (),
) -> Draft:
    """The entry that the act makes; `ledger` is the ticket's. Raises ActRefused."""
    if kind not in BY_PEOPLE:
        raise ActRefused(words.NOT_BY_PEOPLE.format(kind=kind.value, options=", ".join(BY_PEOPLE)))
    if at > now:
        raise ActRefused(words.IN_FUTURE.format(at=wall(at, _tz(ledger)), now=wall(now, _tz(ledger))))
    if at < ticket.opened_at <= now:
        tz = _tz(ledger)
        raise ActRefused(words.BEFORE_OPENED.format(at=wall(at, tz), opened=wall(ticket.opened_at, tz)))
    at = max(at, ticket.opened_at)  # the desk's clock jumped back behind the opening: not the person's fault
    given = _keys(kind, dict(data or {}))
    _not_over(ticket, kind, at)
    if kind in _WORDS and not text.en.strip() and not any(given.get(key) for key in _WORDS[kind]):
        raise ActRefused(words.SAY_WHY.format(kind=kind.value, keys=", ".join(("text", *_WORDS[kind]))))
    act = Act(policy=policy, ticket=ticket, ledger=ledger, kind=kind, who=who, text=text, at=at, data=given)
    check = _CHECKS.get(kind)
    return check(act) if check else _draft(act)


def repeated(ledger: list[Entry], draft: Draft) -> Entry | None:
    """The entry that already says this."""
    for entry in ledger:
        if (entry.kind, entry.who, entry.at, entry.text) == (draft.kind, draft.who, draft.at, draft.text):
            return entry
    return None


def waiting(ledger: Sequence[Entry]) -> Entry | None:
    """The entry since which the ticket waits for somebody else; None while it does not."""
    since: Entry | None = None
    for entry in story(list(ledger)):
        if entry.kind is K.PAUSED:
            since = since or entry
        elif entry.kind in (K.RESUMED, K.RELAPSED, K.REOPENED, K.CLOSED, K.MERGED):
            since = None
    return since


def _tz(ledger: Sequence[Entry]) -> str:
    """The zone of the site, as written down at opening."""
    return next((str(e.data.get("tz") or "") for e in ledger if e.kind is K.OPENED), "")


def _keys(kind: EntryKind, given: dict[str, Value]) -> dict[str, Value]:
    ours = [key for key in given if key in _OURS]
    if ours:
        raise ActRefused(words.OUR_KEYS.format(keys=", ".join(ours)))
    lacking = [key for key in _KEYS.get(kind, ()) if given.get(key) in (None, "")]
    if lacking:
        raise ActRefused(words.LACKING.format(kind=kind.value, keys=", ".join(lacking)))
    facts = {name: value for name, value in given.items() if name == "kva" or name in FLAGS}
    return {**given, **facts_told(facts)} if facts and kind in _TELLING else given


def _not_over(ticket: Ticket, kind: EntryKind, at: int) -> None:
    if ticket.state not in ENDED:
        if kind is K.REOPENED:
            raise ActRefused(words.NOT_CLOSED.format(ticket=ticket.id, state=ticket.state.value))
        return
    merged = ticket.state is TicketState.MERGED
    late = kind not in _NOT_LATE and ticket.closed_at is not None and at <= ticket.closed_at
    if kind in (_AFTER_MERGE if merged else _AFTER_CLOSE) or (late and not merged):
        return
    sentence = words.ENDED_MERGED if merged else words.ENDED
    raise ActRefused(sentence.format(ticket=ticket.id, state=ticket.state.value))


def _draft(act: Act, text: Text | None = None, **data: Value) -> Draft:
    return Draft(at=act.at, who=act.who, kind=act.kind, text=text or act.text, data={**act.data, **data})


def _regrade(act: Act) -> Draft:
    new = _level(act, str(act.data["level"]))
    old = {level.id: level for level in act.policy.levels}.get(act.ticket.level)
    was = old.name if old else Text(act.ticket.level, act.ticket.level)
    change = Text(
        words.LEVEL_BY_HAND.en.format(old=was.en, new=act.policy.level(new).name.en),
        words.LEVEL_BY_HAND.zh.format(old=was.zh, new=act.policy.level(new).name.zh),
    )
    return _draft(act, _with(change, act.text), level=new, was=act.ticket.level, why="person")


def _level(act: Act, wanted: str) -> str:
    known = [level.id for level in act.policy.levels]
    if wanted not in known:
        raise ActRefused(words.NO_SUCH_LEVEL.format(level=wanted, policy=act.policy.id, options=", ".join(known)))
    return wanted


def _convert(act: Act) -> Draft:
    """A question becomes a fault or the other way round, with the level that goes with it unless one is named."""
    pair = (TicketKind.DEFECT, TicketKind.CONSULTATION)
    if act.ticket.kind not in pair:
        raise ActRefused(words.NOT_CONVERTIBLE.format(ticket=act.ticket.id, kind=act.ticket.kind.value))
    wanted = next((kind for kind in pair if kind.value == act.data["kind"]), None)
    if wanted is None or wanted is act.ticket.kind:
        other = next(kind for kind in pair if kind is not act.ticket.kind)
        raise ActRefused(words.NO_SUCH_KIND.format(kind=act.data["kind"], options=other.value))
    if act.data.get("level"):
        level = _level(act, str(act.data["level"]))
    else:
        asked, fault = act.policy.impacts.get(words.REQUESTED), act.policy.impacts.get(words.FAULTY)
        level = (asked if wanted is TicketKind.CONSULTATION else fault) or act.ticket.level
    change = Text(
        words.CONVERTED.en.format(old=words.KINDS[act.ticket.kind].en, new=words.KINDS[wanted].en),
        words.CONVERTED.zh.format(old=words.KINDS[act.ticket.kind].zh, new=words.KINDS[wanted].zh),
    )
    return _draft(act, _with(change, act.text), kind=wanted.value, level=level, was=act.ticket.level)


def _facts(act: Act) -> Draft:
    told = facts_told({name: value for name, value in act.data.items() if name not in ("why", "document")})
    said = [fact(name, value) for name, value in told.items()]
    both = Text(", ".join(one.en for one in said), "，".join(one.zh for one in said))
    return _draft(act, _with(both, act.text), **told)


def _pause(act: Act) -> Draft:
    pausing = [rule for rule in act.policy.clocks if rule.pauses]
    if not pausing:
        raise ActRefused(words.NO_PAUSE.format(policy=act.policy.id))
    since = waiting(act.ledger)
    if since is not None:
        raise ActRefused(words.WAITS_ALREADY.format(seq=since.seq, who=since.who))
    names = Text(", ".join(r.title.en for r in pausing), "、".join(r.title.zh for r in pausing))
    said = Text(words.PAUSES.en.format(clocks=names.en), words.PAUSES.zh.format(clocks=names.zh))
    return _draft(act, _with(said, act.text), why=act.data.get("why") or "customer")


def _resume(act: Act) -> Draft:
    if act.ledger and waiting(act.ledger) is None:
        raise ActRefused(words.WAITS_NOT.format(ticket=act.ticket.id))
    return _draft(act)


def _restored(act: Act) -> Draft:
    """A person's word; only readings prove it."""
    said = Text(f"{act.text.en} {words.UNPROVEN.en}".strip(), f"{act.text.zh}{words.UNPROVEN.zh}".strip())
    return _draft(act, said, proof="person")


def _resolved(act: Act) -> Draft:
    return _draft(act, proof="person")


def _relapsed(act: Act) -> Draft:
    """A word, or readings, were wrong: what that had stopped runs on."""
    if act.ticket.state is not TicketState.RESTORED:
        raise ActRefused(words.NOT_RESTORED.format(ticket=act.ticket.id, state=act.ticket.state.value))
    mended = max((e.at for e in act.ledger if e.kind in (K.RESTORED, K.RESOLVED)), default=act.at)
    if act.at < mended:
        tz = _tz(act.ledger)
        raise ActRefused(words.BEFORE_RESTORED.format(at=wall(act.at, tz), restored=wall(mended, tz)))
    return _draft(act)


def _closed(act: Act) -> Draft:
    """`no_fault` decides whether a report is owed: a yes or a no, and nothing else."""
    said = act.data.get("no_fault")
    return _draft(act) if said is None else _draft(act, no_fault=yes_or_no("no_fault", said))


def _fitted(act: Act) -> Draft:
    """Which part, where only one is waited for."""
    if act.data.get("part"):
        return _draft(act)
    parts = [str(e.data["part"]) for e in act.ledger if e.kind is K.PART_NEEDED and e.data.get("part")]
    done = {str(e.data.get("part")) for e in act.ledger if e.kind is K.PART_FITTED}
    missing = sorted(set(parts) - done)
    if len(missing) > 1:
        raise ActRefused(words.WHICH.format(key="part", options=", ".join(missing), got="-"))
    return _draft(act, part=missing[0]) if missing else _draft(act)


def _form(act: Act) -> Draft:
    _one_of("form", act.data["form"], [form.id for form in act.policy.forms])
    return _draft(act)


def _reported(act: Act) -> Draft:
    _one_of("report", act.data["report"], [report.id for report in act.policy.reports])
    return _draft(act)


def _surveyed(act: Act) -> Draft:
    _one_of("grade", act.data["grade"], list(dict.fromkeys(g for form in act.policy.forms for g in form.grades)))
    return _draft(act)


def _one_of(key: str, value: Value, options: Sequence[str]) -> None:
    """Where the contract names the choices, it must be one of them."""
    if options and str(value) not in options:
        raise ActRefused(words.WHICH.format(key=key, options=", ".join(options), got=value))


def _reopen(act: Act) -> Draft:
    if not reopens(act.policy, act.ticket, act.at):
        window = act.policy.reopen.words() if act.policy.reopen else Text("none", "无")
        raise ActRefused(
            Text(
                words.TOO_LATE.en.format(ticket=act.ticket.id, window=window.en, policy=act.policy.id),
                words.TOO_LATE.zh.format(ticket=act.ticket.id, window=window.zh, policy=act.policy.id),
            )
        )
    return _draft(act)


def _merge(act: Act) -> Draft:
    into = str(act.data["into"])
    if into == act.ticket.id:
        raise ActRefused(words.WHICH.format(key="into", options="T-…", got=into))
    return _draft(act, _with(words.MERGED_BY_HAND.format(into=into), act.text))


def _with(first: Text, more: Text) -> Text:
    """A sentence, and what the person said to it."""
    return Text(f"{first.en}: {more.en}".rstrip(": "), f"{first.zh}：{more.zh}".rstrip("："))


_CHECKS: dict[EntryKind, Callable[[Act], Draft]] = {
    K.LEVEL: _regrade,
    K.CONVERTED: _convert,
    K.FACTS: _facts,
    K.PAUSED: _pause,
    K.RESUMED: _resume,
    K.RESTORED: _restored,
    K.RESOLVED: _resolved,
    K.PART_FITTED: _fitted,
    K.FORM: _form,
    K.REPORTED: _reported,
    K.SURVEYED: _surveyed,
    K.REOPENED: _reopen,
    K.MERGED: _merge,
    K.CLOSED: _closed,
    K.RELAPSED: _relapsed,
}
