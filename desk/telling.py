"""How the rooms of field service write to a ticket's ledger: through the gate, and each entry once."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

import desk.store as desk
from desk import consent
from desk.types import Draft, Entry


def tell(conn: sa.Connection, ticket: str, drafts: Sequence[Draft], now: int) -> list[Entry]:
    """Append what the ledger does not say yet. Raises UnknownTicket; ActRefused when a consent is missing."""
    held = desk.ticket(conn, ticket)
    ledger = desk.ledger(conn, ticket)
    said = {_key(entry) for entry in ledger}
    new = [draft for draft in drafts if _key(draft) not in said]
    for draft in new:
        why = consent.refusal(conn, desk.policy(conn, held), ticket, ledger, draft, now)
        if why is not None:
            raise desk.ActRefused(why)
    return desk.append(conn, ticket, new, now) if new else []


def _key(of: Draft | Entry) -> tuple[object, ...]:
    return of.kind, of.who, of.at, tuple(sorted((k, v) for k, v in of.data.items() if v is not None))
