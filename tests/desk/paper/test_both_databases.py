"""Documents, what is learned and what comes back: the same answers from SQLite and from a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector.store import open_engine, writing
from desk import documents, faq, reports
from desk.documents import Links
from tests import databases
from tests.desk.paper.stories import END, outage
from tests.desk.stage import DAY, T0, inventory


@pytest.fixture(params=databases.BOTH)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Connection]:
    """A centre's database as it is made for a user, on each kind."""
    with databases.on(request.param):
        engine = open_engine(databases.place(tmp_path / "centre.sqlite"))
        with writing(engine) as opened:
            yield opened
        engine.dispose()


def test_a_year_of_one_weak_asset(both: sa.Connection, tmp_path: Path) -> None:
    first = outage(both, close=True)
    second = outage(both, since=T0 + 30 * DAY)
    now = T0 + 60 * DAY
    asset = next(r for r in reports.recurring(both, inventory(), now) if r.by == "asset")
    assert (asset.tickets, asset.days, asset.flagged) == ((first, second), (30.0,), True)
    found = reports.cases(both, inventory(), now, T0, T0 + DAY, customer="harbour", site="sz", policy="powerstar")
    assert [c.ticket.id for c in found] == [first]
    assert reports.cases(both, inventory(), now, 0, now, customer="lakeside") == []

    made = reports.propose(both, inventory(), first, END)
    assert made is not None
    faq.decide(both, made.id, faq.ACCEPTED, "wang", END)
    for words in ("第7节电池开路", "open blocks", "battery.open_block"):
        assert [h.item.id for h in faq.find(both, words)] == [made.id]
    faq.decide(both, made.id, faq.REJECTED, "wang", END)
    assert faq.find(both, "电池", ["battery.open_block"], "UPS2000") == []

    links = Links(ticket=first, device="sz/ups-1", site="sz", customer="harbour")
    hash = documents.put(both, tmp_path / "documents", "图纸.txt", "text/plain", "一次图".encode(), "ann", 5, links)
    assert (
        documents.put(both, tmp_path / "documents", "图纸.txt", "text/plain", "一次图".encode(), "ann", 5, links)
        == hash
    )
    assert [d.name for d in documents.find(both, customer="harbour", ticket=first)] == ["图纸.txt"]
    assert documents.find(both, customer="lakeside") == []
    assert list(documents.verify(both, tmp_path / "documents")) == []
