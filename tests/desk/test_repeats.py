"""Whatever the order of kills and repeats: the same tickets, the same ledgers. Random lives of incidents, told unreliably."""

from __future__ import annotations

from functools import cache

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.types import Impact, Incident
from desk import store
from desk.ticket import ENDED, fold
from desk.types import Entry
from tests.desk.stage import MINUTE, T0, ended, engine, incident, inventory, later

INVENTORY = inventory()
_engine = cache(engine)
_ROOTS = (("sz", "mains", "harbour"), ("sz/ups-3k", "device", "harbour"), ("hz", "mains", "lakeside"))


@st.composite
def _lives(draw: st.DrawFn) -> list[Incident]:
    """What the alerts room says, minute by minute: an incident opens, grows, changes, is merged or closes."""
    said: list[Incident] = []
    present: dict[str, Incident] = {}
    for minute in range(draw(st.integers(1, 14))):
        root, cause, customer = draw(st.sampled_from(_ROOTS))
        at = T0 + minute * MINUTE
        old = present.get(root)
        if old is None:
            new = incident(root, cause, customer, draw(st.sampled_from(list(Impact))), at)
        else:
            act = draw(st.sampled_from(["grow", "impact", "close", "merge"]))
            into = present.get("sz")
            if act == "grow":
                new = later(old, at, members=(*old.members, f"m{minute}"))
            elif act == "impact":
                new = later(old, at, impact=draw(st.sampled_from(list(Impact))))
            elif act == "merge" and root == "sz/ups-3k" and into is not None:
                new = later(old, at, members=(), merged_into=into.id, closed_at=at)
            else:
                new = ended(old, at)
        said.append(new)
        if new.closed_at is None:
            present[root] = new
        else:
            present.pop(root, None)
    return said


def _ledgers(said: list[list[Incident]]) -> dict[str, list[Entry]]:
    """The ledgers after these batches, without the time of recording, which a repeat may shift."""
    with _engine().connect() as conn:
        life = conn.begin()
        for batch in said:
            store.apply(conn, batch, INVENTORY, max(i.changed_at for i in batch))
            _invariants(conn)
        found = {t.id: store.ledger(conn, t.id) for t in store.tickets(conn)}
        life.rollback()  # one database for all lives
    return {id: [msgspec.structs.replace(e, recorded_at=0) for e in book] for id, book in found.items()}


def _invariants(conn: sa.Connection) -> None:
    found = store.tickets(conn)
    keys = [str(t.key) for t in found if t.state not in ENDED]
    assert len(keys) == len(set(keys)), "one open ticket a cause"
    for ticket in found:
        made = fold(store.ledger(conn, ticket.id))
        assert msgspec.structs.replace(ticket, next_call=None) == made, "the row is what the ledger makes"


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(_lives(), st.data())
def test_a_batch_told_twice_makes_the_ledgers_of_one_told_once(said: list[Incident], data: st.DataObject) -> None:
    once = [[i] for i in said]
    twice = [b for i in said for b in [[i]] * data.draw(st.integers(1, 2))]
    assert _ledgers(twice) == _ledgers(once)
