"""A desk in memory with one outage that was mended."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from desk.paper.case import Case
from tests.desk.paper.stories import case, outage
from tests.desk.stage import engine


@pytest.fixture
def conn() -> Iterator[sa.Connection]:
    made = engine()
    with made.begin() as opened:
        yield opened
    made.dispose()


@pytest.fixture
def mended(conn: sa.Connection) -> Case:
    return case(conn, outage(conn))
