"""Which entries the world outside hears of, and the rows that carry them: written in the transaction of the entry itself.

A row's `key`, TICKET:SEQ:CONNECTOR, is the idempotency key: a receiver that has seen it has seen the message.
`notified` is never announced: it would announce itself for ever. What a system said itself is not echoed to it, and what
was said to the desk is not told to the customer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from desk import messages_sql, outbox_sql, show
from desk.policy import Policy
from desk.types import Entry, EntryKind, Ticket

#: The layout of a message's body; it rises when a field changes its meaning.
SCHEMA = 1


def announce(conn: sa.Connection, ticket: Ticket, new: Sequence[Entry], policy: Policy, now: int) -> None:
    """Queue `new` entries for every connector that serves the ticket's customer and wants to hear of them."""
    telling = [e for e in new if e.kind is not EntryKind.NOTIFIED]
    receivers = messages_sql.receivers(conn, ticket.customer) if telling else []
    outbox_sql.insert(
        conn,
        [
            {
                "key": f"{ticket.id}:{entry.seq}:{receiver.id}",
                "ticket": ticket.id,
                "seq": entry.seq,
                "connector": receiver.id,
                "body": message(ticket, entry, policy),
                "created_at": now,
                "state": "pending",
                "attempts": 0,
            }
            for entry in telling
            for receiver in receivers
            if wanted(entry, receiver.id, receiver.audience, receiver.kinds or "", receiver.roles or "")
        ],
    )


def wanted(entry: Entry, connector: str, audience: str, kinds: str, roles: str) -> bool:
    """Whether a connector is told of an entry. `kinds` and `roles` are words separated by spaces; empty for all."""
    if entry.kind is EntryKind.MESSAGE:
        if entry.data.get("connector") == connector:
            return False
        if audience == "customer" and entry.data.get("to") == "desk":
            return False
    if kinds and entry.kind.value not in kinds.split():
        return False
    return not (roles and entry.kind is EntryKind.ESCALATED and str(entry.data.get("to")) not in roles.split())


def message(ticket: Ticket, entry: Entry, policy: Policy) -> str:
    """The JSON body, both languages in it."""
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "ticket": show.ticket_json(ticket, policy),
        "entry": show.entry_json(entry),
    }
    return msgspec.json.encode(body).decode()
