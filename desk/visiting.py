"""Visits on the database: each step is a line of the field's book and an entry of the ticket, in one transaction."""

from __future__ import annotations

import sqlalchemy as sa

import desk.store as desk
from desk import engineers, field_sql, roster, visits
from desk.lines import Data, FieldRefused, Line, Subject, by_id, not_ahead, one_of
from desk.telling import tell
from desk.visits import Visit, VisitState
from model.inventory import Work
from model.text import Text

#: A visit of which nothing was written for so long announces nothing.
_OLDEST_MS = 400 * 86_400_000
#: Who writes from another machine has another clock.
_SKEW_MS = 86_400_000


def plan(
    conn: sa.Connection,
    engineer: str,
    who: str,
    at: int,
    now: int,
    *,
    ticket: str | None = None,
    site: str | None = None,
    customer: str | None = None,
    device: str | None = None,
    purpose: str = "service",
    channel: str = "onsite",
    change: bool = False,
    starts_at: int | None = None,
    ends_at: int | None = None,
    anyway: str = "",
) -> Visit:
    """Arrange a visit for a ticket, or planned work at a site. Raises FieldRefused, UnknownTicket.

    An engineer whose grade does not reach for the ticket's level is refused, unless `anyway` says why; that is written down.
    """
    not_ahead(at, now)
    one_of(Text("channel", "方式"), channel, visits.CHANNELS)
    one = roster.engineer(conn, engineer)
    if ticket is not None:
        held = desk.ticket(conn, ticket)
        site, customer = site or held.site, held.customer
        why = engineers.may_go(desk.policy(conn, held), held.level, one)
        if why is not None and not anyway:
            raise FieldRefused(
                Text(f"{why.en}; another engineer, or --anyway REASON", f"{why.zh}；请另派，或 --anyway 说明")
            )
    elif change or channel == "remote":
        raise FieldRefused(NO_TICKET)
    if not site:
        raise FieldRefused(NO_SITE)
    if starts_at is not None and ends_at is not None and ends_at <= starts_at:
        raise FieldRefused(roster.BACKWARDS)
    data: Data = {
        "engineer": engineer,
        "purpose": purpose,
        "channel": channel,
        "change": int(change),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "anyway": anyway or None,
    }
    of = Subject(customer=customer, site=site, device=device, ticket=ticket)
    line = field_sql.begin(conn, "visit", "V", "planned", who, at, now, one.name, of=of, data=data)
    made = visits.fold([line])
    _tell(conn, made, VisitState.PLANNED, who, at, now, anyway)
    return made


def step(
    conn: sa.Connection,
    visit: str,
    state: str,
    who: str,
    at: int,
    now: int,
    *,
    text: str = "",
    solved: bool | None = None,
    change: bool = False,
) -> Visit:
    """The engineer left, arrived, is done, or it is called off; `at` may lie in the past. Told twice it is one.

    Raises FieldRefused; ActRefused when it would carry out a change that is not consented to.
    """
    not_ahead(at, now)
    one_of(Text("step", "步骤"), state, [s.value for s in VisitState if s is not VisitState.PLANNED])
    lines = _lines(conn, visit)
    told = VisitState(state)
    data: Data = {"solved": solved, "change": int(change)} if told is VisitState.DONE else {"change": int(change)}
    if any((line.event, line.who, line.at, line.data) == (state, who, at, data) for line in lines):
        return visits.fold(lines)
    held = visits.fold(lines)
    visits.check(held, told, at)
    if held.ticket is None and change:
        raise FieldRefused(NO_TICKET)
    name = visits.NAMES[told]
    said = Text(f"{name.en}: {text}", f"{name.zh}：{text}") if text else name
    _tell(conn, held, told, who, at, now, text, solved=solved, change=change)
    field_sql.add(conn, "visit", visit, state, who, at, now, said, data=data)
    return visits.fold(_lines(conn, visit))


def move(
    conn: sa.Connection,
    visit: str,
    who: str,
    now: int,
    *,
    engineer: str | None = None,
    starts_at: int | None = None,
    ends_at: int | None = None,
) -> Visit:
    """Another engineer or time for a visit that has not begun. Raises FieldRefused."""
    held = visits.fold(_lines(conn, visit))
    if held.state is not VisitState.PLANNED:
        raise FieldRefused(BEGUN.format(visit=visit))
    if engineer is not None:
        roster.engineer(conn, engineer)
    changed = {"engineer": engineer, "starts_at": starts_at, "ends_at": ends_at}
    data: Data = {key: value for key, value in changed.items() if value is not None}
    field_sql.add(conn, "visit", visit, "moved", who, now, now, Text("moved", "改期或改派"), data=data)
    return visits.fold(_lines(conn, visit))


def visit(conn: sa.Connection, id: str) -> Visit:
    """Raises FieldRefused."""
    return visits.fold(_lines(conn, id))


def listed(
    conn: sa.Connection, *, ticket: str | None = None, site: str | None = None, open_only: bool = False
) -> list[Visit]:
    """In the order in which they were planned."""
    found = [visits.fold(lines) for lines in by_id(field_sql.lines(conn, "visit", ticket=ticket, site=site)).values()]
    return [one for one in found if not (open_only and one.state in visits.ENDED)]


class Announced:
    """The work that visits announce, read again only when somebody wrote of one: it is asked every second."""

    def __init__(self) -> None:
        self._works: dict[str, Work] = {}
        self._lines: int | None = None
        self._read_at = 0

    def look(self, conn: sa.Connection, now: int) -> tuple[Work, ...]:
        """What goes on or is to come, in the order of the visits."""
        lines = field_sql.count(conn, "visit")
        if lines != self._lines:
            since = now - _OLDEST_MS if self._lines is None else self._read_at - _SKEW_MS
            for id, told in by_id(field_sql.changed(conn, "visit", since)).items():
                work = visits.work_of(visits.fold(told))
                if work is not None:
                    self._works[id] = work
                else:
                    self._works.pop(id, None)
            self._lines, self._read_at = lines, now
        self._works = {id: work for id, work in self._works.items() if work.until > now}
        return tuple(self._works.values())


def _tell(
    conn: sa.Connection,
    held: Visit,
    told: VisitState,
    who: str,
    at: int,
    now: int,
    text: str,
    *,
    solved: bool | None = None,
    change: bool = False,
) -> None:
    if held.ticket is None:
        return
    drafts = visits.drafts_of(held, told, who, at, text, solved=solved, change=change)
    tell(conn, held.ticket, drafts, now)


def _lines(conn: sa.Connection, visit: str) -> list[Line]:
    lines = field_sql.lines(conn, "visit", id=visit)
    if not lines:
        raise FieldRefused(NO_VISIT.format(visit=visit))
    return lines


NO_SITE = Text("where to? expected a ticket or a site", "去哪里？应给出工单或站点")
NO_TICKET = Text(
    "a remote session, and a change on the equipment, belong to a ticket: consents are kept there",
    "远程接入与设备变更必须属于工单：授权记录在工单上",
)
NO_VISIT = Text(
    "no visit {visit}: `roundsman field visit list` shows them",
    "没有上门 {visit}：用 `roundsman field visit list` 查看",
)
BEGUN = Text("{visit} has begun or is over; plan a new visit", "{visit} 已开始或已结束；请另行计划")
