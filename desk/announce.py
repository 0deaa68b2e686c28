"""Which entries the world outside hears of, and the rows that carry them: written in the transaction of the entry itself.

A row's `key`, TICKET:SEQ:CONNECTOR, is the idempotency key: a receiver that has seen it has seen the message.
`notified` is never announced: it would announce itself for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from desk import show, sql
from desk.policy import Policy
from desk.types import Entry, EntryKind, Ticket

#: The layout of a message's body; it rises when a field changes its meaning.
SCHEMA = 1


def announce(conn: sa.Connection, ticket: Ticket, new: Sequence[Entry], policy: Policy, now: int) -> None:
    """Queue `new` entries for every connector that serves the ticket's customer."""
    telling = [e for e in new if e.kind is not EntryKind.NOTIFIED]
    receivers = sql.audience(conn, ticket.customer) if telling else []
    sql.insert_outbox(
        conn,
        [
            {
                "key": f"{ticket.id}:{entry.seq}:{receiver}",
                "ticket": ticket.id,
                "seq": entry.seq,
                "connector": receiver,
                "body": message(ticket, entry, policy),
                "created_at": now,
                "state": "pending",
                "attempts": 0,
            }
            for entry in telling
            for receiver in receivers
        ],
    )


def message(ticket: Ticket, entry: Entry, policy: Policy) -> str:
    """The JSON body, both languages in it."""
    body = {
        "schema": SCHEMA,
        "ticket": show.ticket_json(ticket, policy),
        "entry": show.entry_json(entry),
    }
    return msgspec.json.encode(body).decode()
