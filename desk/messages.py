"""What comes back from outside: comments, states and replies become `message` entries, each once.

Rules:
- Told twice, it is one entry: `inbound` keeps their name for it, in the transaction of the entry.
- What we said ourselves is not echoed; what one system said is told to the others (desk.announce).
- A ticket closed over there is a proposal here. It closes ours only where the connector's `closes = "yes"` allows it and
  telemetry proved the restoration; an unproven ticket is never closed silently.
- A state that agrees with ours is no news.
- What may not become an entry (a loop, a stranger) is kept with its reason and shown.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from desk import messages_sql, sql, store
from desk.connectors.types import Attachment, Heard, News, Settings
from desk.ticket import ENDED
from desk.types import Draft, Entry, EntryKind, Ticket, TicketState
from model.text import Text

#: Keeps a file of a ticket by somebody at a time and gives its hash, None where it cannot be kept.
Keep = Callable[[sa.Connection, Attachment, str, str, int], str | None]

_CLOSED_THERE = Text(
    "closed in {connector} by {who} ({text}): please close it here, or say why not",
    "{who} 已在 {connector} 关闭（{text}）：请在此关闭，或说明原因",
)
_REOPENED_THERE = Text("opened again in {connector} by {who} ({text})", "{who} 已在 {connector} 重新打开（{text}）")
_CLOSED_BY_THEM = Text("closed in {connector} by {who}", "{who} 已在 {connector} 关闭")
_BOUNCED = Text("a message did not arrive: {text}", "消息未送达：{text}")
_MOST_TEXT = 20_000


def take(conn: sa.Connection, settings: Settings, heard: Heard, now: int, keep: Keep | None = None) -> int:
    """Note all of it in the caller's transaction; how many entries were added."""
    added = sum(_take(conn, settings, news, now, keep) for news in heard.news)
    for external, seen in heard.seen.items():
        messages_sql.set_seen(conn, settings.id, external, seen)
    messages_sql.set_cursor(conn, settings.id, heard.cursor, now)
    return added


def drafts(ticket: Ticket, ledger: list[Entry], settings: Settings, news: News, now: int) -> list[Draft]:
    """What `news` adds to the ledger. Pure; [] for a state that agrees with ours."""
    at = min(max(news.at, ticket.opened_at), now)
    who = f"{news.who}@{settings.id}"
    data: dict[str, str | int | float | None] = {
        "connector": settings.id,
        "external": news.id,
        "from": news.who,
        "to": settings.to,
    }
    told = Draft(at=at, who=who, kind=EntryKind.MESSAGE, text=_same(news.text), data=data)
    if news.bounced:
        return [_with(told, _BOUNCED.format(text=news.text[:500]), bounced=1)]
    if news.state is None:
        return [told]
    ended = ticket.state in ENDED
    if (news.state == "closed") == ended:
        return []
    fill = {"connector": settings.id, "who": news.who, "text": news.text}
    if news.state == "open":
        return [_with(told, _REOPENED_THERE.format(**fill), state="open", proposes="reopened")]
    proposal = _with(told, _CLOSED_THERE.format(**fill), state="closed", proposes="closed")
    if settings.options.get("closes") != "yes" or not _proven(ticket, ledger):
        return [proposal]
    closing = Draft(at=at, who=who, kind=EntryKind.CLOSED, text=_CLOSED_BY_THEM.format(**fill), data=dict(data))
    return [_with(told, _CLOSED_BY_THEM.format(**fill), state="closed"), closing]


def _take(conn: sa.Connection, settings: Settings, news: News, now: int, keep: Keep | None) -> int:
    if messages_sql.known(conn, settings.id, news.id):
        return 0
    row: dict[str, Any] = {
        "connector": settings.id,
        "id": news.id,
        "at": news.at,
        "heard_at": now,
        "who": news.who,
        "ticket": None,
        "seq": None,
        "dropped": news.dropped,
    }
    ticket = None if news.dropped else _ticket(conn, settings, news)
    if ticket is None:
        messages_sql.insert_inbound(conn, {**row, "dropped": news.dropped or "it belongs to no ticket that we know"})
        return 0
    new = drafts(ticket, store.ledger(conn, ticket.id), settings, news, now)
    if new and news.attachments:
        new = [_filed(conn, ticket.id, new[0], news, now, keep), *new[1:]]
    entries = store.append(conn, ticket.id, new, now) if new else []
    messages_sql.insert_inbound(conn, {**row, "ticket": ticket.id, "seq": entries[0].seq if entries else None})
    return len(new)


def _ticket(conn: sa.Connection, settings: Settings, news: News) -> Ticket | None:
    """By the number that the message names, else by theirs. A customer's connector speaks of that customer's only."""
    ours = news.ticket
    if ours is None and news.external is not None:
        ours = messages_sql.ticket_of(conn, settings.id, news.external)
    found = None if ours is None else sql.ticket(conn, ours)
    if found is not None and settings.customer not in ("*", found.customer):
        return None
    return found


def _filed(conn: sa.Connection, ticket: str, draft: Draft, news: News, now: int, keep: Keep | None) -> Draft:
    """Attachments by hash; what is not kept is named, so that somebody can ask for it again."""
    hashes = [keep(conn, each, ticket, news.who, now) if keep else None for each in news.attachments]
    shown = ", ".join(
        f"{each.name} ({len(each.body)} B{'' if hash else ', not kept'})"
        for each, hash in zip(news.attachments, hashes, strict=True)
    )
    text = Text(f"{draft.text.en}\n[{shown}]", f"{draft.text.zh}\n[{shown}]")
    return _with(draft, text, attachments=shown, documents=" ".join(filter(None, hashes)) or None)


def _proven(ticket: Ticket, ledger: list[Entry]) -> bool:
    restored = [e for e in ledger if e.kind in (EntryKind.RESTORED, EntryKind.RELAPSED)]
    last = max(restored, key=lambda e: (e.at, e.seq), default=None)
    return ticket.state is TicketState.RESTORED and last is not None and last.data.get("proof") == "telemetry"


def _with(draft: Draft, text: Text, **more: str | int | float | None) -> Draft:
    return Draft(at=draft.at, who=draft.who, kind=draft.kind, text=text, data={**draft.data, **more})


def _same(text: str) -> Text:
    cut = text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT] + "…"
    return Text(cut, cut)
