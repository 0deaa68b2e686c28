"""The queries of the field's book. Nothing here decides anything, and nothing is committed: the caller's transaction is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from desk.field_tables import field_book
from desk.lines import Data, Line, Subject
from model.text import Text

_NONE = Subject()
_TRIES = 5


def add(
    conn: sa.Connection,
    kind: str,
    id: str,
    event: str,
    who: str,
    at: int,
    now: int,
    text: Text,
    *,
    of: Subject = _NONE,
    data: Data | None = None,
) -> Line:
    """Write one more line of a thing; told twice it is one line. `of` counts with the first line only."""
    made = Line(
        kind=kind,
        id=id,
        seq=1,
        at=at,
        recorded_at=max(now, at),
        who=who,
        event=event,
        customer=of.customer,
        site=of.site,
        device=of.device,
        ticket=of.ticket,
        text=text,
        data=data or {},
    )
    for _ in range(_TRIES):
        kept = lines(conn, kind, id=id)
        for line in kept:
            if (line.event, line.who, line.at, line.data) == (event, who, at, made.data):
                return line
        if kept:
            first = kept[0]
            made = msgspec.structs.replace(
                made,
                seq=len(kept) + 1,
                customer=first.customer,
                site=first.site,
                device=first.device,
                ticket=first.ticket,
            )
        if _insert(conn, made):
            return made
    raise RuntimeError(f"{kind} {id}: others wrote {_TRIES} times between our look and our insert")


def begin(
    conn: sa.Connection,
    kind: str,
    prefix: str,
    event: str,
    who: str,
    at: int,
    now: int,
    text: Text,
    *,
    of: Subject = _NONE,
    data: Data | None = None,
) -> Line:
    """A new thing with a number of its own (`C-000001`); a beginning told twice is one thing."""
    told = sa.select(field_book).where(
        field_book.c.kind == kind,
        field_book.c.seq == 1,
        field_book.c.event == event,
        field_book.c.who == who,
        field_book.c.at == at,
    )
    for row in conn.execute(told):
        line = _line(row)
        if (line.data, line.customer, line.site, line.device, line.ticket) == (
            data or {},
            of.customer,
            of.site,
            of.device,
            of.ticket,
        ):
            return line
    # Numbers are zero-padded, so the greatest id is the newest.
    newest = sa.select(sa.func.max(field_book.c.id)).where(
        field_book.c.kind == kind, field_book.c.id.like(f"{prefix}-%")
    )
    for _ in range(_TRIES):  # of two writers that take one number, the second collides and takes the next
        last = conn.execute(newest).scalar_one()
        number = int(str(last).rpartition("-")[2]) + 1 if last else 1
        made = Line(
            kind=kind,
            id=f"{prefix}-{number:06d}",
            seq=1,
            at=at,
            recorded_at=max(now, at),
            who=who,
            event=event,
            customer=of.customer,
            site=of.site,
            device=of.device,
            ticket=of.ticket,
            text=text,
            data=data or {},
        )
        if _insert(conn, made):
            return made
    raise RuntimeError(f"no free number for a new {kind} after {_TRIES} tries")


def lines(
    conn: sa.Connection,
    kind: str,
    *,
    id: str | None = None,
    customer: str | None = None,
    site: str | None = None,
    device: str | None = None,
    ticket: str | None = None,
) -> list[Line]:
    """The lines of a kind in the order of recording, thing by thing; each argument that is given narrows them."""
    query = sa.select(field_book).where(field_book.c.kind == kind)
    wanted = {"id": id, "customer": customer, "site": site, "device": device, "ticket": ticket}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(field_book.c[name] == value)
    return [_line(row) for row in conn.execute(query.order_by(field_book.c.id, field_book.c.seq))]


def changed(conn: sa.Connection, kind: str, since: int) -> list[Line]:
    """All lines of those things of a kind of which something was recorded at `since` or later."""
    ids = sa.select(field_book.c.id).where(field_book.c.kind == kind, field_book.c.recorded_at >= since)
    query = sa.select(field_book).where(field_book.c.kind == kind, field_book.c.id.in_(ids))
    return [_line(row) for row in conn.execute(query.order_by(field_book.c.id, field_book.c.seq))]


def add_all(conn: sa.Connection, new: Sequence[Line]) -> None:
    """Many lines at once, numbered by the caller. Raises IntegrityError when somebody wrote meanwhile: then again."""
    if new:
        conn.execute(field_book.insert(), [_columns(line) for line in new])


def newest_record(conn: sa.Connection) -> int:
    """When the field's book was last written: a clock that stands before it has jumped back."""
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(field_book.c.recorded_at), 0))).scalar_one())


def count(conn: sa.Connection, kind: str) -> int:
    """How many lines there are of a kind: the book only grows, so another number says that somebody wrote, whatever their clock."""
    return int(conn.scalar(sa.select(sa.func.count()).where(field_book.c.kind == kind)) or 0)


def _insert(conn: sa.Connection, line: Line) -> bool:
    """False when somebody else took this place meanwhile."""
    try:
        with conn.begin_nested():
            conn.execute(field_book.insert().values(**_columns(line)))
    except sa.exc.IntegrityError:
        return False
    return True


def _columns(line: Line) -> dict[str, Any]:
    plain = msgspec.structs.asdict(line)
    text: Text = plain.pop("text")
    return {**plain, "text_en": text.en, "text_zh": text.zh, "data": msgspec.json.encode(line.data).decode()}


def _line(row: sa.Row[Any]) -> Line:
    return Line(
        kind=row.kind,
        id=row.id,
        seq=row.seq,
        at=row.at,
        recorded_at=row.recorded_at,
        who=row.who,
        event=row.event,
        customer=row.customer,
        site=row.site,
        device=row.device,
        ticket=row.ticket,
        text=Text(row.text_en, row.text_zh),
        data=msgspec.json.decode(row.data),
    )
