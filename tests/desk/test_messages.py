"""What comes back from other systems: each once, closed there is a proposal, and what was cut off rests before it is repeated."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from desk import messages, messages_listen, messages_sql, outbox, store, words
from desk.connectors import settings
from desk.connectors.types import Delivered, Heard, Later, Message, News, Outcome, Unheard
from desk.types import Draft, Entry, EntryKind, TicketState
from tests.desk.stage import MINUTE, SECOND, T0, ended, engine, incident, inventory

INVENTORY = inventory()
NOW = T0 + 60 * MINUTE


class Theirs:
    """A ticket system with a script: what putting answers, what looking brings."""

    poll_s = 0.01
    settle_s = 30.0

    def __init__(self, *outcomes: Outcome, closes: str = "no", id: str = "rt", to: Any = "desk") -> None:
        self.settings = settings("rt", "https://rt.example/", "env:S", id=id, to=to, options={"closes": closes})
        self.outcomes = list(outcomes)
        self.got: list[Message] = []
        self.looks: list[Heard | Exception] = []

    async def put(self, message: Message) -> Outcome:
        self.got.append(message)
        return self.outcomes.pop(0) if self.outcomes else Delivered(external="17")

    async def poll(self, cursor: str, watched: Mapping[str, str]) -> Heard:
        found = self.looks.pop(0) if self.looks else Heard(cursor=cursor)
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None: ...


@pytest.fixture
def made(tmp_path: Path) -> Iterator[sa.Engine]:
    made = engine(tmp_path / "desk.sqlite")
    yield made
    made.dispose()


def begin(made: sa.Engine, *ways: Theirs) -> None:
    with made.begin() as conn:
        outbox.register(conn, [way.settings for way in ways])
        store.apply(conn, [incident()], INVENTORY, T0)
        for way in ways:
            messages_sql.set_mirror(conn, way.settings.id, "T-000001", "17", "open")


def take(made: sa.Engine, way: Theirs, *news: News) -> int:
    with made.begin() as conn:
        return messages.take(conn, way.settings, Heard(news=news, cursor="c"), NOW)


def heard(made: sa.Engine) -> list[Entry]:
    with made.connect() as conn:
        return [e for e in store.ledger(conn, "T-000001") if e.kind is EntryKind.MESSAGE]


def news(id: str = "t/1", text: str = "hello 你好", **more: Any) -> News:
    return News(id=id, who="ann", text=text, **{"external": "17", "at": T0 + MINUTE, **more})


def transact_on(made: sa.Engine) -> Any:
    async def transact(work: Callable[[sa.Connection], Any]) -> Any:
        with made.begin() as conn:
            return work(conn)

    return transact


def test_what_is_told_twice_is_one_entry(made: sa.Engine) -> None:
    begin(made, way := Theirs())
    assert [take(made, way, news()), take(made, way, news()), take(made, way, news("t/2"))] == [1, 0, 1]
    first = heard(made)[0]
    assert (first.at, first.who, first.text.zh) == (T0 + MINUTE, "ann@rt", "hello 你好")
    assert (first.data["external"], first.data["from"]) == ("t/1", "ann")


def test_it_goes_to_the_other_systems_and_not_back_nor_to_the_customer(made: sa.Engine) -> None:
    one, two, customer = Theirs(), Theirs(id="redmine"), Theirs(id="hook", to="customer")
    begin(made, one, two, customer)
    take(made, one, news())
    with made.connect() as conn:
        seq = heard(made)[0].seq
        assert {r.connector for r in outbox.rows(conn) if r.seq == seq} == {"redmine"}


def test_a_time_outside_the_tickets_life_is_brought_into_it(made: sa.Engine) -> None:
    begin(made, way := Theirs())
    take(made, way, news("early", at=0), news("late", at=2**53))
    assert [e.at for e in heard(made)] == [T0, NOW]


def test_closed_there_is_a_proposal_and_our_ticket_stays_open(made: sa.Engine) -> None:
    begin(made, way := Theirs(closes="yes"))
    take(made, way, news(state="closed", text="resolved"))
    assert heard(made)[0].data["proposes"] == "closed"
    assert "closed in rt by ann (resolved)" in heard(made)[0].text.en
    with made.connect() as conn:
        assert store.ticket(conn, "T-000001").state is TicketState.OPEN


@pytest.mark.parametrize(
    ("closes", "proof", "state"),
    [("no", "telemetry", "restored"), ("yes", "telemetry", "closed"), ("yes", "person", "restored")],
)
def test_closed_there_closes_here_only_what_is_proven_and_where_it_may(
    made: sa.Engine, closes: str, proof: str, state: str
) -> None:
    begin(made, way := Theirs(closes=closes))
    with made.begin() as conn:
        if proof == "telemetry":
            store.apply(conn, [ended(incident(), T0 + 5 * MINUTE)], INVENTORY, T0 + 5 * MINUTE)
        else:
            at = T0 + 5 * MINUTE
            store.act(conn, "T-000001", EntryKind.RESTORED, "li", "runs", at, at)
    take(made, way, news(state="closed", text="resolved", at=T0 + 9 * MINUTE))
    with made.connect() as conn:
        assert store.ticket(conn, "T-000001").state.value == state
    assert len(heard(made)) == 1


def test_a_state_that_agrees_is_no_news_and_opened_again_is(made: sa.Engine) -> None:
    begin(made, way := Theirs())
    assert take(made, way, news(state="open", text="open")) == 0
    with made.begin() as conn:
        store.act(conn, "T-000001", EntryKind.CLOSED, "li", "done", T0 + 2 * MINUTE, T0 + 2 * MINUTE)
    assert take(made, way, news("t/3", state="closed", text="resolved")) == 0
    assert take(made, way, news("t/4", state="open", text="open")) == 1
    assert heard(made)[-1].data["proposes"] == "reopened"


def test_what_belongs_to_nobody_or_to_another_customer_is_kept_and_no_entry(made: sa.Engine) -> None:
    begin(made, way := Theirs())
    other = Theirs(id="lakeside")
    other.settings = settings("rt", "https://rt.example/", "env:S", customer="lakeside", id="lakeside")
    assert take(made, way, news(external="99")) == 0
    assert take(made, way, news("t/5", dropped="a loop")) == 0
    assert take(made, other, news(ticket="T-000001")) == 0
    with made.connect() as conn:
        assert len(messages_sql.dropped(conn, 10)) == 3
    assert heard(made) == []


def test_a_bounce_is_told_to_all_but_the_way_that_bounced(made: sa.Engine) -> None:
    begin(made, way := Theirs(), Theirs(id="redmine"))
    take(made, way, news(text="gone@x 5.1.1", bounced=True))
    (entry,) = heard(made)
    assert entry.text.zh == "消息未送达：gone@x 5.1.1"
    with made.connect() as conn:
        assert {r.connector for r in outbox.rows(conn) if r.seq == entry.seq} == {"redmine"}


async def test_a_look_that_fails_forgets_nothing_and_is_shown(made: sa.Engine) -> None:
    begin(made, way := Theirs())
    way.looks = [Unheard("no answer"), ValueError("odd"), Heard(news=(news(),), cursor="5", seen={"17": "9"})]
    problems: dict[str, str] = {}
    shown: list[str] = []
    task = asyncio.create_task(messages_listen.listen(made, transact_on(made), [way], lambda: NOW, problems))
    while not heard(made):
        shown += [each for each in problems.values() if each not in shown]
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert problems == {}
    assert "no answer" in shown
    with made.connect() as conn:
        assert messages_sql.cursor(conn, "rt") == "5"
        assert messages_sql.mirror(conn, "rt", "T-000001").seen == "9"  # type: ignore[union-attr]


async def deliver(made: sa.Engine, ways: Sequence[Theirs], until: Callable[[], bool]) -> None:
    pace = outbox.Pace(idle_s=0.005, first_s=0.005, most_s=0.01)
    task = asyncio.create_task(outbox.deliver(made, transact_on(made), ways, lambda: T0 + 10 * SECOND, pace))
    while not until() and not task.done():
        await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_was_cut_off_rests_before_anybody_looks_and_other_tickets_go_on(
    made: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = [1000]
    monkeypatch.setattr(outbox, "wall_s", lambda: wall[0])
    way = Theirs(Later(why="cut off", reachable=True, unsure=True))
    begin(made, way)
    with made.begin() as conn:
        store.apply(conn, [incident("far")], INVENTORY, T0)
    await deliver(made, [way], lambda: len({m.ticket for m in way.got}) == 2)
    assert [m.ticket for m in way.got if m.ticket == "T-000001"] == ["T-000001"], "it rests"
    before = len(way.got)
    await deliver(made, [way], lambda: True)
    assert "T-000001" not in [m.ticket for m in way.got[before:]], "a new sender lets it rest as well"
    wall[0] += 31
    await deliver(made, [way], lambda: [m.ticket for m in way.got].count("T-000001") >= 2)
    again = [m for m in way.got if m.ticket == "T-000001"][1]
    assert again.again, "it looks before it writes"


async def test_a_clock_that_jumped_back_lets_nothing_rest_for_ever(
    made: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "wall_s", lambda: 1000)
    begin(made, way := Theirs())
    with made.begin() as conn:
        messages_sql.begin(conn, "T-000001:1:rt", 2_000_000)
    await deliver(made, [way], lambda: bool(way.got))
    assert way.got[0].again


async def test_the_second_of_two_merged_tickets_waits_until_there_is_something_to_link_to(made: sa.Engine) -> None:
    way = Theirs()
    with made.begin() as conn:
        outbox.register(conn, [way.settings])
        store.apply(conn, [incident(), incident("far")], INVENTORY, T0)
        text = words.MERGED_INTO.format(into="T-000001")
        draft = Draft(at=T0, who="roundsman", kind=EntryKind.MERGED, text=text, data={"into": "T-000001"})
        store.append(conn, "T-000002", [draft], T0)

    def gone() -> bool:
        with made.connect() as conn:
            return not outbox.rows(conn, state="pending")

    await deliver(made, [way], gone)
    merged = next(m for m in way.got if m.ticket == "T-000002" and b'"merged"' in m.body and m.into)
    assert merged.into == "17"


def test_what_waits_long_or_was_refused_is_a_complaint() -> None:
    def waits(**more: Any) -> str | None:
        given = {"connector": "rt", "pending": 0, "oldest_at": None, "refused": 0, "error": None, **more}
        return outbox.complaint(outbox.Waiting(**given), NOW)

    assert waits() is None
    assert waits(pending=3, oldest_at=NOW - 5 * SECOND) is None
    assert (
        waits(pending=3, oldest_at=NOW - 10 * MINUTE, error="HTTP 500") == "3 waiting, the oldest for 10 min (HTTP 500)"
    )
    assert "1 refused" in (waits(refused=1) or "")
