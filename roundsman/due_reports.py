"""Periodic reports, drafted by the running centre on the day on which a contract makes them due.

The weekly report, the bulletin and a customer's own report are printed in both languages, kept among the documents, and
written into the duty's book; once for each period. A person looks at them, rewords what is theirs to say
(`roundsman report weekly --edits`), sends them, and says so (`roundsman field duty done`): until then the duty stays due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
import structlog

from collector.history import History
from console.report_subjects import DAY_MS, period, span_before, under
from desk import documents, duty_book, field_sql
from desk.duties import DutyState, Standing
from desk.lines import Line, Subject, by_id
from desk.paper.monthly_paper import bulletin_paper, monthly_paper
from desk.paper.types import Paper
from desk.paper.weekly_paper import weekly_paper
from desk.reports import Report
from desk.words import SELF
from model.inventory import Inventory
from model.text import LANGUAGES, Text

if TYPE_CHECKING:
    from collector.running import Running

#: Papers of one turn at most: each takes a second or two.
MOST = 3
_DUE = (DutyState.DUE, DutyState.OVERDUE)
_MONTH_DAYS = 30
log = structlog.get_logger()


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """A report in both languages, not kept yet: (file name, PDF)."""

    standing: Standing
    prints: tuple[tuple[str, bytes], ...]


class Desk:
    """console.report_room.Room of the centre itself, now."""

    def __init__(self, conn: sa.Connection, inventory: Inventory, history: History, now: int) -> None:
        self.conn, self.inventory = conn, inventory
        self._history, self._now = history, now

    def now(self, tz: str) -> int:  # noqa: ARG002  nobody asks for another time
        return self._now

    @contextmanager
    def history(self) -> Iterator[History]:
        yield self._history

    def complain(self, text: Text) -> None:
        log.warning("a report is drafted without a part", why=text.en)


async def turn(centre: Running) -> None:
    """Draft what is due and was not drafted yet. Raises what the database, the history or the printing raises."""
    now, folder = centre.now(), centre.config.data / "documents"
    for one in await asyncio.to_thread(_draft, centre, now):
        await centre.transact(lambda conn, one=one: keep(conn, folder, one, now))  # type: ignore[misc]


def _draft(centre: Running, now: int) -> list[Drafted]:
    with centre.engine.connect() as conn:
        return drafts(Desk(conn, centre.inventory, centre.history, now), now)


def drafts(room: Desk, now: int) -> list[Drafted]:
    """What to keep; the oldest dues first."""
    told = by_id(field_sql.lines(room.conn, "duty"))
    due = [s for s in duty_book.standings(room.conn, room.inventory, now) if wanted(s, told.get(s.job.key, ()), now)]
    return [_printed(room, one) for one in due[:MOST]]


def wanted(one: Standing, lines: Sequence[Line], now: int) -> bool:
    """Whether a report is to be drafted: it is due, and the last draft is a period old. Pure."""
    if one.state not in _DUE or maker(one) is None:
        return False
    last = max((line.at for line in lines if line.event == "drafted"), default=None)
    return last is None or last + _days(one) * DAY_MS <= now


def maker(one: Standing) -> Callable[[Desk, Standing], Paper] | None:
    """How its paper is made; None for what is no report of ours (a survey, a visit, another's summary)."""
    duty = one.job.duty
    if duty.kind == "bulletin" and one.job.customer:
        return _bulletin
    if duty.id == "weekly_report":
        return _weekly
    return _monthly if duty.kind == "report" and one.job.customer else None


def keep(conn: sa.Connection, folder: Path, one: Drafted, now: int) -> None:
    """The prints among the documents, and a line of the duty; in the caller's transaction."""
    job = one.standing.job
    links = documents.Links(customer=job.customer, site=job.site, device=job.device)
    hashes = [documents.put(conn, folder, name, "application/pdf", body, SELF, now, links) for name, body in one.prints]
    title = job.duty.title
    text = Text(f"{title.en}: drafted, to be looked at and sent", f"{title.zh}：已起草，待审阅发送")
    of = Subject(customer=job.customer, site=job.site, device=job.device)
    data = {"due_on": str(one.standing.due_on), "documents": ",".join(hashes)}
    field_sql.add(conn, "duty", job.key, "drafted", SELF, now, now, text, of=of, data=data)


def _printed(room: Desk, one: Standing) -> Drafted:
    make = maker(one)
    assert make is not None, "wanted() asked"
    paper = make(room, one)
    prints = [Report(paper=paper, language=language) for language in LANGUAGES]
    day = str(one.due_on)
    return Drafted(standing=one, prints=tuple((f"draft-{day}-{r.name}.pdf", r.pdf) for r in prints))


def _days(one: Standing) -> int:
    every = one.job.duty.every or one.agreed
    return max(1, every.days + every.months * _MONTH_DAYS) if every else _MONTH_DAYS


def _weekly(room: Desk, one: Standing) -> Paper:
    policy = (
        one.job.key.partition(":")[2]
        if one.job.customer is None
        else room.inventory.policy(one.job.customer, str(one.due_on))
    )
    return weekly_paper(under(room, policy, one.job.customer, span_before(room, one.job.customer, None, _days(one))))


def _bulletin(room: Desk, one: Standing) -> Paper:
    assert one.job.customer is not None, "maker() asked"
    return bulletin_paper(period(room, one.job.customer, *span_before(room, one.job.customer, None, _days(one))))


def _monthly(room: Desk, one: Standing) -> Paper:
    assert one.job.customer is not None, "maker() asked"
    return monthly_paper(period(room, one.job.customer, *span_before(room, one.job.customer, None, _days(one))))
