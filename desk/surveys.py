"""What customers think of the service: a grade and words, after a service or by the month; summed up by grade.

Satisfied, fair, dissatisfied (满意, 一般, 不满意) unless the contract's form names other grades. A dissatisfied answer
opens a complaint at once, so that nobody has to remember it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

import desk.store as desk
from desk import complaints, field_sql
from desk.forms import GRADES, grade_of
from desk.lines import Data, Line, Subject, not_ahead, one_of
from desk.policy import Policy
from desk.telling import tell
from desk.types import Draft, EntryKind
from model.text import Text


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `about` is what else was asked (personnel, organisation, system), each with its words."""

    id: str
    grade: str
    words: str
    at: int
    recorded_at: int
    who: str
    customer: str | None
    ticket: str | None
    by: str | None
    about: dict[str, str]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """`share` of the best grade among all answers, 0 to 1; None without an answer."""

    answers: int
    by_grade: dict[str, int]
    share: float | None


def record(
    conn: sa.Connection,
    policy: Policy,
    grade: str,
    words: str,
    who: str,
    at: int,
    now: int,
    *,
    of: Subject,
    by: str | None = None,
    about: Mapping[str, str] | None = None,
) -> Survey:
    """Write an answer down; `by` is who of the customer gave it. Raises FieldRefused."""
    not_ahead(at, now)
    given = grade_of(grade) or ""
    one_of(Text("grade", "满意度"), given, grades(policy))
    data: Data = {"grade": given, "words": words, "by": by, "about": dict(about or {})}
    name = GRADES.get(given, Text(given, given))
    text = Text(f"{name.en}: {words}", f"{name.zh}：{words}") if words else name
    line = field_sql.begin(conn, "survey", "S", "answered", who, at, now, text, of=of, data=data)
    if of.ticket is not None:
        told: dict[str, str | int | float | None] = {"grade": given, "survey": line.id, "words": words or None}
        tell(conn, of.ticket, [Draft(at=at, who=who, kind=EntryKind.SURVEYED, text=text, data=told)], now)
    if given == grades(policy)[-1]:
        said = words or Text("dissatisfied, no words given", "不满意，未说明原因").zh
        complaints.open_one(conn, "complaint", said, who, at, now, of=of, by=by, survey=line.id)
    return _survey(line)


def grades(policy: Policy) -> tuple[str, ...]:
    """The contract's grades, best first."""
    return next((form.grades for form in policy.forms if form.grades), tuple(GRADES))


def listed(conn: sa.Connection, *, customer: str | None = None, ticket: str | None = None) -> list[Survey]:
    """In the order in which they were recorded."""
    return [_survey(line) for line in field_sql.lines(conn, "survey", customer=customer, ticket=ticket)]


def summary(surveys: Sequence[Survey], since: int, until: int) -> Summary:
    """What was answered in [since, until)."""
    counted = Counter(s.grade for s in surveys if since <= s.at < until)
    answers = counted.total()
    best = next(iter(GRADES))
    return Summary(answers=answers, by_grade=dict(counted), share=counted[best] / answers if answers else None)


def of_ticket(conn: sa.Connection, ticket: str) -> Subject:
    """Whose answer a survey of this ticket is. Raises UnknownTicket."""
    held = desk.ticket(conn, ticket)
    return Subject(customer=held.customer, site=held.site, device=held.device, ticket=ticket)


def _survey(line: Line) -> Survey:
    return Survey(
        id=line.id,
        grade=str(line.data["grade"]),
        words=str(line.data.get("words") or ""),
        at=line.at,
        recorded_at=line.recorded_at,
        who=line.who,
        customer=line.customer,
        ticket=line.ticket,
        by=line.data.get("by"),
        about=dict(line.data.get("about") or {}),
    )
