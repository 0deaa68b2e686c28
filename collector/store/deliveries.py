"""What agents delivered: the dedupe marks, the kept bytes, the snapshots that replay starts from, clock offsets."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from collector.store import tables as t
from collector.store.upsert import insert


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted batch: its dedupe key and what became of it."""

    spool: str
    row: int
    site: str
    received_at: int
    readings: int
    gaps: int
    quarantined: int
    late: int


class KeptBatch(msgspec.Struct, frozen=True, kw_only=True):
    """The bytes of an accepted batch, with what intake was told beside them."""

    cursor: int
    site: str
    received_at: int
    offset_ms: int
    body: bytes


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """`offset_ms` is added to the agent's times from `since` to `until` (exclusive): what that boot has delivered."""

    site: str
    boot: str
    offset_ms: int
    since: int
    until: int


_D, _F = t.deliveries.c, t.spool_floors.c
# Made once: building a statement costs more than running it, and these run with every batch.
_DELIVERED = sa.select(_D.spool, _D.row).where(
    sa.tuple_(_D.spool, _D.row).in_(sa.bindparam("keys", expanding=True, required=True))
)
_FLOORS = sa.select(_F.spool, _F.row).where(_F.spool.in_(sa.bindparam("spools", expanding=True, required=True)))
_PUT_DELIVERY = t.deliveries.insert()
_PUT_BATCH = t.batches.insert()


def delivered(conn: sa.Connection, keys: Sequence[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of `keys` that were accepted before."""
    found = {(row.spool, row.row) for row in conn.execute(_DELIVERED, {"keys": keys})}
    floors = {row.spool: row.row for row in conn.execute(_FLOORS, {"spools": list({spool for spool, _ in keys})})}
    return found | {(spool, row) for spool, row in keys if row <= floors.get(spool, -1)}


def put_deliveries(conn: sa.Connection, accepted: Sequence[tuple[Delivery, KeptBatch]]) -> None:
    """Mark batches delivered and keep their bytes."""
    conn.execute(_PUT_DELIVERY, [msgspec.structs.asdict(delivery) for delivery, _ in accepted])
    conn.execute(_PUT_BATCH, [msgspec.structs.asdict(kept) for _, kept in accepted])


def kept_after(conn: sa.Connection, cursor: int, limit: int = 500) -> list[KeptBatch]:
    """Kept batches in the order of commitment, some at a time."""
    b = t.batches
    rows = conn.execute(sa.select(b).where(b.c.cursor > cursor).order_by(b.c.cursor).limit(limit))
    return [KeptBatch(**row._asdict()) for row in rows]


def cursor_before(conn: sa.Connection, cursor: int, ms: int) -> int:
    """The cursor just before what was received in the last `ms` up to `cursor`."""
    b = t.batches.c
    received_at = conn.scalar(sa.select(b.received_at).where(b.cursor == cursor))
    if received_at is None:
        return cursor
    first = sa.select(sa.func.min(b.cursor)).where(b.cursor <= cursor, b.received_at >= received_at - ms)
    return (conn.scalar(first) or cursor + 1) - 1


def kept_count(conn: sa.Connection, cursor: int) -> int:
    """How many kept batches came after `cursor`."""
    return conn.scalar(sa.select(sa.func.count()).where(t.batches.c.cursor > cursor)) or 0


def put_snapshot(conn: sa.Connection, cursor: int, body: bytes, now: int) -> None:
    """Detector states as of `cursor`; the one before stays, older ones go."""
    put = insert(t.snapshots, conn.dialect.name).values(cursor=cursor, taken_at=now, body=body)
    conn.execute(put.on_conflict_do_update(index_elements=["cursor"], set_={"taken_at": now, "body": body}))
    newest = sa.select(t.snapshots.c.cursor).order_by(t.snapshots.c.cursor.desc()).limit(2)
    conn.execute(t.snapshots.delete().where(t.snapshots.c.cursor.not_in(newest)))


def snapshot(conn: sa.Connection) -> tuple[int, bytes] | None:
    """The newest snapshot and its cursor."""
    s = t.snapshots.c
    row = conn.execute(sa.select(s.cursor, s.body).order_by(s.cursor.desc()).limit(1)).first()
    return (row.cursor, row.body) if row else None


def prune(conn: sa.Connection, kept_before: int, marks_before: int, fed: int | None = None) -> None:
    """Forget bytes older than `kept_before` and marks older than `marks_before`.

    Bytes after the older snapshot stay for replay; with a history server, those after `fed` stay for it.
    """
    oldest = sa.select(sa.func.min(t.snapshots.c.cursor)).scalar_subquery()
    old = sa.and_(t.batches.c.received_at < kept_before, t.batches.c.cursor <= oldest)
    conn.execute(t.batches.delete().where(old if fed is None else sa.and_(old, t.batches.c.cursor <= fed)))
    d = t.deliveries.c
    floors = sa.select(d.spool, sa.func.max(d.row)).where(d.received_at < marks_before).group_by(d.spool)
    put = insert(t.spool_floors, conn.dialect.name).from_select(["spool", "row"], floors.having(sa.true()))
    held, new = t.spool_floors.c.row, put.excluded.row
    higher = sa.case((new > held, new), else_=held)
    conn.execute(put.on_conflict_do_update(index_elements=["spool"], set_={"row": higher}))
    conn.execute(t.deliveries.delete().where(d.received_at < marks_before))


def offset_segments(conn: sa.Connection) -> list[Offset]:
    """Every kept clock offset, oldest first."""
    o = t.clock_offsets.c
    rows = conn.execute(sa.select(o.site, o.boot, o.offset_ms, o.since, o.until).order_by(o.id))
    return [Offset(**row._asdict()) for row in rows]


def put_offset(conn: sa.Connection, offset: Offset, now: int) -> None:
    """A new segment of a site's time line, or a known one that has grown to a later `until`."""
    o = t.clock_offsets
    same = sa.and_(o.c.site == offset.site, o.c.boot == offset.boot, o.c.since == offset.since)
    if not conn.execute(o.update().where(same).values(until=offset.until)).rowcount:
        conn.execute(o.insert().values(**msgspec.structs.asdict(offset), noted_at=now))
