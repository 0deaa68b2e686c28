"""The house's own contract as timelines: it lets clocks wait for the customer, and a closed case come back for a day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from alerts.types import Impact
from desk.acts import ActRefused
from desk.types import ClockState, TicketState
from tests.journeys.contract_story import K, Story, opened


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[sa.Connection]:
    with opened(tmp_path) as made:
        yield made


def test_waiting_for_the_customer_moves_the_ends_of_visit_and_repair_and_not_of_the_answer(conn: sa.Connection) -> None:
    story = Story(conn, "default").breaks(Impact.OUTAGE).after(minutes=10).did(K.PAUSED, "nobody lets us in")
    assert story.state("restore") is ClockState.PAUSED
    story.after(hours=3).did(K.RESUMED, "the door is open")
    waited = 3 - 1 / 6
    assert story.due("onsite") == pytest.approx(4 + waited, abs=0.001)
    assert story.due("restore") == pytest.approx(24 + waited, abs=0.001)
    assert story.broken() == {"first_response": 0.25}


def test_a_closed_case_comes_back_within_a_day_and_not_later(conn: sa.Connection) -> None:
    story = Story(conn, "default").breaks(Impact.OUTAGE).after(hours=2).did(K.RESTORED).did(K.CLOSED).after(hours=20)
    story.did(K.REOPENED, "it is dark again")
    assert story.ticket.state is TicketState.OPEN
    story.did(K.CLOSED).after(hours=45)
    with pytest.raises(ActRefused):
        story.did(K.REOPENED, "and again")


def test_the_five_published_contracts_let_nothing_wait(conn: sa.Connection) -> None:
    for policy in ("powerstar", "cee", "wuhan_jinse", "heilongjiang_guoyu", "chengdu_xinguang"):
        story = Story(conn, policy).breaks(Impact.OUTAGE, cause=policy).after(minutes=10)
        with pytest.raises(ActRefused):
            story.did(K.PAUSED, "nobody lets us in")
