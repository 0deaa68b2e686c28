"""The tables as both databases get them. The stories themselves run on each; here is what each is told."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from desk.tables import guard, metadata, tickets


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_one_open_ticket_per_key_is_a_partial_unique_index_on_both(dialect: sa.Dialect) -> None:
    index = next(i for i in tickets.indexes if i.name == "one_open_ticket_per_key")
    made = str(CreateIndex(index).compile(dialect=dialect)).replace('"', "")
    assert made.startswith("CREATE UNIQUE INDEX one_open_ticket_per_key ON tickets (key) WHERE open IS ")
    assert made.split(" IS ")[1] in ("1", "true")


def test_every_time_is_a_64_bit_integer_on_postgresql() -> None:
    for table in metadata.sorted_tables:
        made = str(CreateTable(table).compile(dialect=postgresql.dialect()))
        for line in made.splitlines():
            if line.strip().split(" ")[0].endswith(("_at", "next_due")) or line.strip().startswith("at "):
                assert "BIGINT" in line, line


@pytest.mark.parametrize(("dialect", "statements"), [("sqlite", 1), ("postgresql", 2), ("mysql", 0)])
def test_the_append_only_guard_speaks_the_databases_language(dialect: str, statements: int) -> None:
    found = guard("ledger", "UPDATE", dialect)
    assert len(found) == statements
    assert all("ledger" in statement for statement in found)
