"""Complaints and suggestions with their answers: open until settled; what cannot be settled goes to a department.

How fast is a word in the contracts and no number: the age is shown, nothing is broken.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from desk import field_sql
from desk.lines import Data, FieldRefused, Line, Subject, by_id, not_ahead, one_of
from desk.telling import tell
from desk.types import Draft, EntryKind
from model.text import Text

KINDS = ("complaint", "suggestion")
NAMES: dict[str, Text] = {
    "complaint": Text("complaint", "投诉"),
    "suggestion": Text("suggestion", "建议"),
    "open": Text("open", "待处理"),
    "answered": Text("answered", "已答复"),
    "reported": Text("reported to a department", "已上报部门"),
    "settled": Text("settled", "已解决"),
}
_NEXT = {
    "open": ("answered", "reported", "settled"),
    "answered": ("answered", "reported", "settled"),
    "reported": ("answered", "reported", "settled"),
    "settled": (),
}


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """`answers` are (at, who, words), in order; `to` the department it went to."""

    id: str
    kind: str
    state: str
    words: str
    at: int
    recorded_at: int
    customer: str | None
    site: str | None
    ticket: str | None
    by: str | None
    survey: str | None
    to: str | None = None
    answers: tuple[tuple[int, str, str], ...] = ()
    settled_at: int | None = None


def open_one(
    conn: sa.Connection,
    kind: str,
    words: str,
    who: str,
    at: int,
    now: int,
    *,
    of: Subject,
    by: str | None = None,
    survey: str | None = None,
) -> Complaint:
    """Take one in; told twice it is one. Raises FieldRefused."""
    not_ahead(at, now)
    one_of(Text("kind", "类别"), kind, KINDS)
    if not words.strip():
        raise FieldRefused(NO_WORDS)
    data: Data = {"kind": kind, "words": words, "by": by, "survey": survey}
    text = Text(f"{NAMES[kind].en}: {words}", f"{NAMES[kind].zh}：{words}")
    line = field_sql.begin(conn, "complaint", "B", "open", who, at, now, text, of=of, data=data)
    if of.ticket is not None:
        _note(conn, of.ticket, line.id, text, who, at, now)
    return fold([line])


def step(
    conn: sa.Connection, id: str, state: str, words: str, who: str, at: int, now: int, *, to: str | None = None
) -> Complaint:
    """Answer it, report it to a department (`to`), or settle it; each with words. Raises FieldRefused."""
    not_ahead(at, now)
    lines = field_sql.lines(conn, "complaint", id=id)
    if not lines:
        raise FieldRefused(NO_COMPLAINT.format(complaint=id))
    data: Data = {"words": words, "to": to}
    if any((line.event, line.who, line.at, line.data) == (state, who, at, data) for line in lines):
        return fold(lines)
    held = fold(lines)
    one_of(Text(f"{id} is {held.state}; next", f"{id} {NAMES[held.state].zh}；下一步"), state, _NEXT[held.state])
    if not words.strip() or (state == "reported" and not to):
        raise FieldRefused(NO_WORDS)
    if at < held.at:
        raise FieldRefused(TOO_EARLY.format(complaint=id))
    text = Text(f"{NAMES[state].en}: {words}", f"{NAMES[state].zh}：{words}")
    field_sql.add(conn, "complaint", id, state, who, at, now, text, data=data)
    if held.ticket is not None:
        _note(conn, held.ticket, id, text, who, at, now)
    return fold(field_sql.lines(conn, "complaint", id=id))


def listed(conn: sa.Connection, *, customer: str | None = None, open_only: bool = False) -> list[Complaint]:
    """In the order in which they came."""
    found = [fold(lines) for lines in by_id(field_sql.lines(conn, "complaint", customer=customer)).values()]
    return [one for one in found if not (open_only and one.state == "settled")]


def fold(lines: Sequence[Line]) -> Complaint:
    """The complaint that these lines make."""
    first, last = lines[0], lines[-1]
    reported = [line.data.get("to") for line in lines if line.event == "reported"]
    return Complaint(
        id=first.id,
        kind=str(first.data["kind"]),
        state=last.event,
        words=str(first.data["words"]),
        at=first.at,
        recorded_at=first.recorded_at,
        customer=first.customer,
        site=first.site,
        ticket=first.ticket,
        by=first.data.get("by"),
        survey=first.data.get("survey"),
        to=reported[-1] if reported else None,
        answers=tuple((line.at, line.who, str(line.data["words"])) for line in lines[1:]),
        settled_at=last.at if last.event == "settled" else None,
    )


def _note(conn: sa.Connection, ticket: str, id: str, text: Text, who: str, at: int, now: int) -> None:
    said = Text(f"{id}, {text.en}", f"{id}，{text.zh}")
    tell(conn, ticket, [Draft(at=at, who=who, kind=EntryKind.NOTE, text=said, data={"complaint": id})], now)


NO_WORDS = Text(
    "it needs words (and, to report it, the department: --to); expected at least a sentence",
    "须写明内容（上报时须用 --to 写明部门）",
)
NO_COMPLAINT = Text(
    "no complaint {complaint}: `roundsman field complaint list` shows them",
    "没有投诉 {complaint}：用 `roundsman field complaint list` 查看",
)
TOO_EARLY = Text("{complaint} came in later than that; check the time", "{complaint} 的提出晚于该时间；请核对")
