"""Alerts, incidents and the board, as they stand: each row holds the whole value beside what queries need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import sqlalchemy as sa

import desk.sql
from alerts.types import Alert, Incident
from collector.store import tables as t
from collector.store.upsert import insert

_alert = msgspec.json.Decoder(Alert)
_incident = msgspec.json.Decoder(Incident)
_encoder = msgspec.json.Encoder()


def put_alerts(conn: sa.Connection, changed: Sequence[Alert]) -> None:
    """Upsert by id."""
    rows = [
        {
            "id": a.id,
            "device": a.device,
            "kind": a.kind,
            "severity": a.severity.value,
            "raised_at": a.raised_at,
            "cleared_at": a.cleared_at,
            "incident": a.incident,
            "body": _encoder.encode(a).decode(),
        }
        for a in changed
    ]
    _upsert(conn, t.alerts, rows)


def put_incidents(conn: sa.Connection, changed: Sequence[Incident]) -> None:
    """Upsert by id."""
    rows = [
        {
            "id": i.id,
            "customer": i.key.customer,
            "cause": i.key.cause,
            "root": i.key.root,
            "site": i.site,
            "opened_at": i.opened_at,
            "closed_at": i.closed_at,
            "body": _encoder.encode(i).decode(),
        }
        for i in changed
    ]
    _upsert(conn, t.incidents, rows)


def _upsert(conn: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        put = insert(table, conn.dialect.name)
        conn.execute(put.on_conflict_do_update(index_elements=["id"], set_=dict(put.excluded)), list(rows))


def alerts(
    conn: sa.Connection, *, incident: str | None = None, device: str | None = None, open_only: bool = False
) -> list[Alert]:
    """Alerts, newest first."""
    query = sa.select(t.alerts.c.body).order_by(t.alerts.c.raised_at.desc(), t.alerts.c.id)
    if incident is not None:
        query = query.where(t.alerts.c.incident == incident)
    if device is not None:
        query = query.where(t.alerts.c.device == device)
    if open_only:
        query = query.where(t.alerts.c.cleared_at.is_(None))
    return [_alert.decode(body) for body in conn.scalars(query)]


def cleared(conn: sa.Connection, kind: str, since: int) -> list[Alert]:
    """Alerts of a kind that ended at `since` or later, in the order of ending (the index on `cleared_at` serves it)."""
    query = sa.select(t.alerts.c.body).where(t.alerts.c.cleared_at >= since, t.alerts.c.kind == kind)
    return [_alert.decode(body) for body in conn.scalars(query.order_by(t.alerts.c.cleared_at, t.alerts.c.id))]


def incidents(conn: sa.Connection, *, open_only: bool = False, customer: str | None = None) -> list[Incident]:
    """Incidents, newest first; `customer` limits what a customer's user may see."""
    query = sa.select(t.incidents.c.body).order_by(t.incidents.c.opened_at.desc(), t.incidents.c.id)
    if open_only:
        query = query.where(t.incidents.c.closed_at.is_(None))
    if customer is not None:
        query = query.where(t.incidents.c.customer == customer)
    return [_incident.decode(body) for body in conn.scalars(query)]


def incident(conn: sa.Connection, id: str) -> Incident | None:
    """One incident."""
    body = conn.scalar(sa.select(t.incidents.c.body).where(t.incidents.c.id == id))
    return _incident.decode(body) if body else None


def put_board(conn: sa.Connection, body: bytes, now: int) -> None:
    """The board as it stands after this transaction."""
    put = insert(t.board, conn.dialect.name).values(id=1, changed_at=now, body=body)
    conn.execute(put.on_conflict_do_update(index_elements=["id"], set_={"changed_at": now, "body": body}))


def board(conn: sa.Connection) -> bytes | None:
    """The board as the last transaction left it."""
    return conn.scalar(sa.select(t.board.c.body).where(t.board.c.id == 1))


def desk_news(conn: sa.Connection, told: int | None) -> tuple[list[tuple[str, str]], int]:
    """(id, site) of the tickets that changed since `told`, and what to say next time; None: begin now, tell nothing."""
    if told is None:
        return [], desk.sql.last_touched(conn)
    rows = desk.sql.news(conn, told)
    return [(row.id, row.site) for row in rows], rows[-1].touched if rows else told
