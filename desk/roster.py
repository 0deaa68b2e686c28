"""The roster on the database: engineers, when they are on call or away, the ways between places; who can go to a ticket."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

import desk.store as desk
from desk import engineers, field_sql, visits
from desk.calendars import BUILT_IN
from desk.engineers import Candidate, Engineer
from desk.lines import FieldRefused, Line, by_id, one_of
from model.text import Text


def put(
    conn: sa.Connection,
    id: str,
    name: Text,
    who: str,
    now: int,
    *,
    grade: str | None = None,
    skills: Sequence[str] = (),
    base: str = "",
    hours: str = "5x8",
    country: str = "CN",
    tz: str = "Asia/Shanghai",
) -> Line:
    """List an engineer, or change what is known of them. Raises FieldRefused."""
    one_of(Text("hours", "工作时间"), hours, (*BUILT_IN, "on_call"))
    data = {"grade": grade, "skills": list(skills), "base": base, "hours": hours, "country": country, "tz": tz}
    return field_sql.add(conn, "engineer", id, "listed", who, now, now, name, data=data)


def window(conn: sa.Connection, id: str, what: str, since: int, until: int, who: str, now: int) -> Line:
    """An engineer is `on_call` or `away` between two instants. Raises FieldRefused."""
    one_of(Text("window", "时段"), what, ("on_call", "away"))
    held = engineer(conn, id)
    if until <= since:
        raise FieldRefused(BACKWARDS)
    text = Text(f"{held.name.en}: {what}", f"{held.name.zh}：{'值守' if what == 'on_call' else '不在'}")
    return field_sql.add(conn, "engineer", id, what, who, now, now, text, data={"since": since, "until": until})


def leave(conn: sa.Connection, id: str, who: str, now: int) -> Line:
    """The engineer works here no more; what they did stays. Raises FieldRefused."""
    held = engineer(conn, id)
    return field_sql.add(conn, "engineer", id, "left", who, now, now, held.name)


def way(conn: sa.Connection, base: str, site: str, minutes: float, who: str, now: int) -> Line:
    """How long it takes from a base to a site; the newest word counts."""
    if minutes < 0:
        raise FieldRefused(BACKWARDS)
    text = Text(f"{base} to {site}: {minutes:g} min", f"{base} 至 {site}：{minutes:g} 分钟")
    return field_sql.add(conn, "way", f"{base}>{site}", "given", who, now, now, text, data={"minutes": minutes})


def engineer(conn: sa.Connection, id: str) -> Engineer:
    """Raises FieldRefused for one who is not listed."""
    held = engineers.fold(field_sql.lines(conn, "engineer", id=id))
    if held is None:
        raise FieldRefused(NOT_LISTED.format(engineer=id))
    return held


def everybody(conn: sa.Connection) -> list[Engineer]:
    """By login."""
    found = (engineers.fold(lines) for lines in by_id(field_sql.lines(conn, "engineer")).values())
    return [one for one in found if one is not None]


def ways(conn: sa.Connection) -> dict[tuple[str, str], float]:
    """Seconds by (base, site)."""
    found: dict[tuple[str, str], float] = {}
    for line in field_sql.lines(conn, "way"):
        base, _, site = line.id.partition(">")
        found[base, site] = float(line.data["minutes"]) * 60
    return found


def candidates(conn: sa.Connection, ticket: str, now: int, skills: Collection[str] = ()) -> list[Candidate]:
    """Everybody for this ticket, best first, each with reasons. Raises UnknownTicket."""
    held = desk.ticket(conn, ticket)
    under_way = [visits.fold(lines) for lines in by_id(field_sql.lines(conn, "visit")).values()]
    return engineers.suitable(
        everybody(conn),
        desk.policy(conn, held),
        held.level,
        held.site,
        now,
        travel=ways(conn),
        busy=visits.busy(under_way),
        skills=skills,
    )


BACKWARDS = Text("it ends before it begins; expected a later end", "结束早于开始；请给出更晚的结束时间")
NOT_LISTED = Text(
    "no engineer {engineer} on the roster: list them with `roundsman field engineer put`",
    "名册中没有工程师 {engineer}：请用 `roundsman field engineer put` 登记",
)
