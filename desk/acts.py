"""What people do to a ticket: checked, then made an entry. Pure.

An act keeps both times: when it happened (`at`) and when the desk learned of it (`now`). It cannot lie in the future,
nor before the ticket was opened. Told twice (a double click, a repeated request), it is one entry.
"""

from __future__ import annotations

from collections.abc import Mapping

from desk import words
from desk.policy import Policy
from desk.refused import ActRefused
from desk.ticket import ENDED
from desk.types import Draft, Entry, EntryKind, Ticket
from model.text import Text

__all__ = ["BY_PEOPLE", "ActRefused", "Data", "act_draft", "repeated"]

Data = Mapping[str, str | int | float | None]

#: What a person may write. Everything else the desk finds out by itself.
BY_PEOPLE = (
    EntryKind.ACKNOWLEDGED,
    EntryKind.NOTE,
    EntryKind.LEVEL,
    EntryKind.DISPATCHED,
    EntryKind.ONSITE,
    EntryKind.RESTORED,
    EntryKind.CLOSED,
)


def act_draft(
    policy: Policy,
    ticket: Ticket,
    kind: EntryKind,
    who: str,
    text: Text,
    at: int,
    now: int,
    data: Data | None = None,
) -> Draft:
    """The entry that the act makes. Raises ActRefused."""
    given = dict(data or {})
    if kind not in BY_PEOPLE:
        raise ActRefused(words.NOT_BY_PEOPLE.format(kind=kind.value, options=", ".join(BY_PEOPLE)))
    if ticket.state in ENDED and kind is not EntryKind.NOTE:
        raise ActRefused(words.ENDED.format(ticket=ticket.id, state=ticket.state.value))
    if at > now:
        raise ActRefused(words.IN_FUTURE.format(at=at, now=now))
    if at < ticket.opened_at <= now:
        raise ActRefused(words.BEFORE_OPENED.format(at=at, opened=ticket.opened_at))
    at = max(at, ticket.opened_at)  # the desk's clock jumped back behind the opening: not the person's fault
    if kind is EntryKind.LEVEL:
        return _regrade(policy, ticket, who, text, at, given)
    if kind is EntryKind.RESTORED:
        given = {"proof": "person", **given}
        text = Text(f"{text.en} {words.UNPROVEN.en}".strip(), f"{text.zh}{words.UNPROVEN.zh}".strip())
    return Draft(at=at, who=who, kind=kind, text=text, data=given)


def repeated(ledger: list[Entry], draft: Draft) -> Entry | None:
    """The entry that already says this."""
    for entry in ledger:
        if (entry.kind, entry.who, entry.at, entry.text) == (draft.kind, draft.who, draft.at, draft.text):
            return entry
    return None


def _regrade(
    policy: Policy, ticket: Ticket, who: str, text: Text, at: int, data: dict[str, str | int | float | None]
) -> Draft:
    wanted = str(data.get("level") or "")
    known = {level.id: level for level in policy.levels}
    if wanted not in known:
        raise ActRefused(words.NO_SUCH_LEVEL.format(level=wanted, policy=policy.id, options=", ".join(known)))
    old, new = policy.level(ticket.level), known[wanted]
    change = Text(
        words.LEVEL_BY_HAND.en.format(old=old.name.en, new=new.name.en),
        words.LEVEL_BY_HAND.zh.format(old=old.name.zh, new=new.name.zh),
    )
    said = Text(f"{change.en}: {text.en}".rstrip(": "), f"{change.zh}：{text.zh}".rstrip("："))
    return Draft(
        at=at, who=who, kind=EntryKind.LEVEL, text=said, data={**data, "level": new.id, "was": old.id, "why": "person"}
    )
