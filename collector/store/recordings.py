"""Recordings of the flight recorder that agents sent, and those that somebody here wants.

A recording is written in the transaction of the batch that carried it, so that it is kept exactly when the batch is.
Its file stands packed as it came (zlib), found sound before. A wish is served with the answers to its site's batches,
again while none came of it, and forgotten with the recording that answers it or after `LIFE_MS`.
"""

from __future__ import annotations

import zlib
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256

import msgspec
import sqlalchemy as sa

from collector.store.fleet import QuarantineRow
from collector.store.tables import metadata
from collector.store.upsert import insert
from model.attachment import MOST_UNPACKED, AttachmentError, unpack
from model.batch import Batch, Event, EventKind
from model.flight import header_of

#: A wish that was served and brought nothing is served again after so long, and dropped after a day.
SERVE_AGAIN_MS = 60_000
LIFE_MS = 86_400_000

recordings = sa.Table(
    "recordings",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("device", sa.String, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("point", sa.String),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("packed", sa.LargeBinary, nullable=False),
)
recording_wishes = sa.Table(
    "recording_wishes",
    metadata,
    sa.Column("device", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("asked_at", sa.BigInteger, nullable=False),
    sa.Column("asked_by", sa.String, nullable=False),
    sa.Column("served_at", sa.BigInteger),
)
_R, _W = recordings.c, recording_wishes.c


class RecordingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One recording, without its file. `at`: of the event, in the centre's time; `bytes`: of the unpacked file."""

    id: str
    site: str
    device: str
    at: int
    received_at: int
    name: str
    why: str
    kind: str  #: changed, gaps or asked
    point: str | None
    sha256: str
    bytes: int


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that somebody wants and that has not come."""

    device: str
    asked_at: int
    asked_by: str
    served_at: int | None


_SHOWN = [_R[name] for name in RecordingRow.__struct_fields__]


def put_recording(conn: sa.Connection, site: str, event: Event, key: str, now: int) -> str:
    """Keep the recording in an event; `key` names its place in its batch. Raises `model.attachment.AttachmentError`."""
    body = unpack(event.data)
    device = event.device or f"{site}/agent"
    id = sha256(key.encode()).hexdigest()[:12]
    values = {
        "id": id,
        "site": site,
        "device": device,
        "at": event.at,
        "received_at": now,
        "name": str(event.data["name"]),
        "why": str(event.data.get("why", ""))[:500],
        "kind": str(event.data.get("kind", ""))[:16],
        "point": str(event.data["point"])[:64] if "point" in event.data else None,
        "sha256": str(event.data["sha256"]),
        "bytes": len(body),
        "packed": b64decode(str(event.data["content"])),
    }
    conn.execute(insert(recordings, conn.dialect.name).values(values).on_conflict_do_nothing())
    met = {device, *_asked_too(body)}
    conn.execute(recording_wishes.delete().where(_W.device.in_(met), _W.site == site, _W.served_at.is_not(None)))
    return id


def _asked_too(body: bytes) -> set[str]:
    """Devices of the same line whose wish this recording meets as well."""
    header = header_of(body)
    return {why.device for why in header.also if why.kind == "asked"} if header else set()


def put_recordings(
    conn: sa.Connection, site: str, events: Sequence[Event], batch: Batch, now: int
) -> list[QuarantineRow]:
    """Keep the recordings among a batch's events. What is none comes back for quarantine: its batch is kept all the same."""
    bad: list[QuarantineRow] = []
    for number, event in enumerate(events):
        if event.kind is not EventKind.ATTACHMENT:
            continue
        try:
            put_recording(conn, site, event, f"{batch.spool}:{batch.row}:{number}", now)
        except AttachmentError as error:
            row = QuarantineRow(
                site=site,
                reason="bad_attachment",
                detail=str(error)[:2000],
                spool=batch.spool,
                row=batch.row,
                received_at=now,
            )
            bad.append(row)
    return bad


def listed(conn: sa.Connection, device: str | None = None, limit: int = 200) -> list[RecordingRow]:
    """Recordings, newest first; of one device when it is named."""
    query = sa.select(*_SHOWN).order_by(_R.at.desc(), _R.id).limit(limit)
    if device is not None:
        query = query.where(_R.device == device)
    return [RecordingRow(**row._asdict()) for row in conn.execute(query)]


def recording(conn: sa.Connection, id: str) -> tuple[RecordingRow, bytes] | None:
    """One recording with its file as it was recorded."""
    row = conn.execute(sa.select(*_SHOWN, _R.packed).where(_R.id == id)).first()
    if row is None:
        return None
    values = row._asdict()
    body = zlib.decompressobj().decompress(values.pop("packed"), MOST_UNPACKED)
    return RecordingRow(**values), body


def ask(conn: sa.Connection, device: str, who: str, now: int) -> None:
    """Somebody wants a recording of a device's line; asked twice is asked once."""
    site = device.partition("/")[0]
    values = {"device": device, "site": site, "asked_at": now, "asked_by": who[:80], "served_at": None}
    put = insert(recording_wishes, conn.dialect.name).values(values)
    again = {"asked_at": now, "asked_by": who[:80], "served_at": None}
    conn.execute(put.on_conflict_do_update(index_elements=["device"], set_=again))


def wishes(conn: sa.Connection, device: str | None = None) -> list[Wish]:
    """What was asked for and has not come."""
    query = sa.select(_W.device, _W.asked_at, _W.asked_by, _W.served_at).order_by(_W.asked_at)
    if device is not None:
        query = query.where(_W.device == device)
    return [Wish(**row._asdict()) for row in conn.execute(query)]


def sites_waiting(conn: sa.Connection, now: int) -> frozenset[str]:
    """Sites whose agent is to be told of a wish with its next batch."""
    return frozenset(conn.scalars(sa.select(_W.site).where(_servable(now))))


def serve(conn: sa.Connection, site: str, now: int) -> Sequence[str]:
    """The devices that the agent of `site` is to record, noted as told."""
    devices = list(conn.scalars(sa.select(_W.device).where(_W.site == site, _servable(now)).order_by(_W.device)))
    conn.execute(recording_wishes.update().where(_W.device.in_(devices)).values(served_at=now))
    return devices


def _servable(now: int) -> sa.ColumnElement[bool]:
    return sa.or_(_W.served_at.is_(None), _W.served_at <= now - SERVE_AGAIN_MS)


def prune_recordings(conn: sa.Connection, before: int, most_bytes: int, now: int) -> None:
    """Forget recordings received before `before`, then the oldest of the site that has more than `most_bytes`."""
    conn.execute(recordings.delete().where(_R.received_at < before))
    conn.execute(recording_wishes.delete().where(_W.asked_at < now - LIFE_MS))
    size = sa.func.length(_R.packed)
    full = sa.select(_R.site).group_by(_R.site).having(sa.func.sum(size) > most_bytes)
    for site in list(conn.scalars(full)):
        newest = sa.select(_R.id, size.label("size")).where(_R.site == site).order_by(_R.received_at.desc(), _R.id)
        kept = 0
        for row in conn.execute(newest).all():
            kept += row.size
            if kept > most_bytes:
                conn.execute(recordings.delete().where(_R.id == row.id))
