"""Agents, and what is known of their devices: when heard, who they say they are, what they failed to say."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import msgspec
import sqlalchemy as sa

from collector.store import tables as t
from collector.store.upsert import insert
from model.batch import Event, EventKind
from model.reading import Gap

_WHOLE = ""  #: stands for None in a primary key


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolled agent. `heard_at` is the centre's time of its last accepted request."""

    id: str
    site: str
    enrolled_at: int
    revoked_at: int | None
    heard_at: int | None
    boot: str | None
    spool: str | None
    row: int | None


class DeviceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A device that was heard of. `recompute_from`: late data came, detector results since then may be redone."""

    id: str
    site: str
    first_heard_at: int
    last_reading_at: int | None
    last_gap_at: int | None
    recompute_from: int | None


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """The newest gap of one point (or whole device) and how many there were."""

    gap: Gap
    count: int


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """An event as kept: `at` in the centre's time (the boot's clock offset applied), both times in ms."""

    site: str
    device: str | None
    kind: str
    at: int
    received_at: int
    data: dict[str, str | int | float]


class QuarantineRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something refused, with the reason; `detail` is JSON of what came."""

    site: str
    reason: str
    detail: str
    spool: str
    row: int
    received_at: int


def agents(conn: sa.Connection, site: str | None = None) -> list[AgentRow]:
    """All agents ever enrolled, by site."""
    a = t.agents.c
    query = sa.select(a.id, a.site, a.enrolled_at, a.revoked_at, a.heard_at, a.boot, a.spool, a.row)
    query = query.order_by(a.site, a.enrolled_at)
    if site is not None:
        query = query.where(a.site == site)
    return [AgentRow(**row._asdict()) for row in conn.execute(query)]


_OF_KEY = sa.select(t.agents.c.id, t.agents.c.site, t.agents.c.key_sha256).where(
    t.agents.c.key_sha256 == sa.bindparam("digest"), t.agents.c.revoked_at.is_(None)
)


def agent_of_key(conn: sa.Connection, key_sha256: str) -> tuple[str, str, str] | None:
    """(agent, site, kept sha256) of a key that is not revoked."""
    row = conn.execute(_OF_KEY, {"digest": key_sha256}).first()
    return (row.id, row.site, row.key_sha256) if row else None


_HEARD = (
    t.agents.update()
    .where(t.agents.c.id == sa.bindparam("agent"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("heard_at", "boot", "spool", "row")})
)


def agents_heard(conn: sa.Connection, heard: Sequence[dict[str, str | int]]) -> None:
    """Agents delivered: each `agent`, `new_heard_at`, `new_boot`, `new_spool`, `new_row`."""
    conn.execute(_HEARD, heard)


#: How the boot of a key begins that writes lines (collector.neighbours.door): it is no agent, and hides no silent one.
WRITER = "write-"


def heard(conn: sa.Connection) -> dict[str, int]:
    """When each site with a valid agent was last heard; a site never heard is not there."""
    a = t.agents.c
    query = sa.select(a.site, sa.func.max(a.heard_at).label("at")).where(
        a.revoked_at.is_(None), a.heard_at.is_not(None), a.boot.is_(None) | a.boot.not_like(f"{WRITER}%")
    )
    return {row.site: row.at for row in conn.execute(query.group_by(a.site))}


def devices(conn: sa.Connection, site: str | None = None) -> list[DeviceRow]:
    """Every device heard of."""
    query = sa.select(t.devices).order_by(t.devices.c.id)
    if site is not None:
        query = query.where(t.devices.c.site == site)
    return [DeviceRow(**row._asdict()) for row in conn.execute(query)]


@cache
def _put_heard(dialect: str) -> sa.Insert:
    """Where one of the two is unknown, the other counts; a comparison with NULL is no reason to change."""
    put = insert(t.devices, dialect)
    held, new = t.devices.c, put.excluded
    newer = {
        name: sa.case((held[name].is_(None), new[name]), (new[name] > held[name], new[name]), else_=held[name])
        for name in ("last_reading_at", "last_gap_at")
    }
    was, told = held.recompute_from, new.recompute_from
    older = sa.case((was.is_(None), told), (told < was, told), else_=was)
    return put.on_conflict_do_update(index_elements=["id"], set_={**newer, "recompute_from": older})


def put_heard(
    conn: sa.Connection, readings: Mapping[str, int], gaps: Mapping[str, int], late: Mapping[str, int], now: int
) -> None:
    """Newest reading and gap times by device; `late` marks devices whose past was completed."""
    rows = [
        {
            "id": device,
            "site": device.partition("/")[0],
            "first_heard_at": now,
            "last_reading_at": readings.get(device),
            "last_gap_at": gaps.get(device),
            "recompute_from": late.get(device),
        }
        for device in {**readings, **gaps, **late}
    ]
    if rows:
        conn.execute(_put_heard(conn.dialect.name), rows)


def identity(conn: sa.Connection, device: str) -> dict[str, str | int | float]:
    """What the device says of itself (`device.model`, `ifName.3` …); empty when it said nothing."""
    data = conn.scalar(sa.select(t.identities.c.data).where(t.identities.c.device == device))
    return json.loads(data) if data else {}


def put_events(conn: sa.Connection, site: str, events: Iterable[Event], now: int) -> None:
    """Keep events; identities are merged into what the device said before."""
    for event in events:
        if event.kind == EventKind.IDENTITY and event.device:
            data = json.dumps(identity(conn, event.device) | event.data, ensure_ascii=False)
            put = insert(t.identities, conn.dialect.name).values(device=event.device, at=event.at, data=data)
            conn.execute(put.on_conflict_do_update(index_elements=["device"], set_={"at": event.at, "data": data}))
            continue
        values = {"site": site, "device": event.device, "kind": event.kind.value, "at": event.at, "received_at": now}
        conn.execute(t.events.insert().values(**values, data=json.dumps(event.data, ensure_ascii=False)))


def events(conn: sa.Connection, kind: str | None = None, limit: int = 200) -> list[EventRow]:
    """Kept events (losses, clock steps, changes), newest first."""
    e = t.events.c
    query = sa.select(e.site, e.device, e.kind, e.at, e.received_at, e.data).order_by(e.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(e.kind == kind)
    return [EventRow(**row._asdict() | {"data": json.loads(row.data)}) for row in conn.execute(query)]


def put_gaps(conn: sa.Connection, gaps: Sequence[Gap]) -> None:
    """Keep the newest gap of each point, and count."""
    rows: dict[tuple[str, str, str], dict[str, object]] = {}
    for gap in gaps:
        key = (gap.device, gap.point or _WHOLE, gap.index or _WHOLE)
        before = rows.get(key)
        rows[key] = {
            "device": gap.device, "point": key[1], "index": key[2], "at": gap.at, "cause": gap.cause.value,
            "where": gap.where, "raw": gap.raw[:200], "count": 1 + (int(str(before["count"])) if before else 0),
        }  # fmt: skip
    if rows:
        put = insert(t.gaps, conn.dialect.name)
        new = {name: put.excluded[name] for name in ("at", "cause", "where", "raw")}
        count = t.gaps.c.count + put.excluded["count"]
        done = put.on_conflict_do_update(index_elements=["device", "point", "index"], set_={**new, "count": count})
        conn.execute(done, list(rows.values()))


def gaps_latest(conn: sa.Connection, device: str | None = None) -> list[GapRow]:
    """The newest gap of each point that ever had one."""
    query = sa.select(t.gaps).order_by(t.gaps.c.device, t.gaps.c.point, t.gaps.c.index)
    if device is not None:
        query = query.where(t.gaps.c.device == device)
    found = []
    for row in conn.execute(query).mappings():
        values = {**row, "point": row["point"] or None, "index": row["index"] or None}
        count = values.pop("count")
        found.append(GapRow(gap=msgspec.convert(list(values.values()), Gap), count=count))
    return found


def put_quarantine(conn: sa.Connection, rows: Sequence[QuarantineRow]) -> None:
    """Keep what was refused, to be seen."""
    if rows:
        conn.execute(t.quarantine.insert(), [msgspec.structs.asdict(row) for row in rows])


def quarantine(conn: sa.Connection, limit: int = 200) -> list[QuarantineRow]:
    """What was refused, newest first."""
    q = t.quarantine.c
    query = sa.select(q.site, q.reason, q.detail, q.spool, q.row, q.received_at).order_by(q.id.desc()).limit(limit)
    return [QuarantineRow(**row._asdict()) for row in conn.execute(query)]


def prune_seen(conn: sa.Connection, before: int) -> None:
    """Forget events and quarantined values received before `before`."""
    for table in (t.events, t.quarantine):
        conn.execute(table.delete().where(table.c.received_at < before))


def events_within(conn: sa.Connection, devices: Sequence[str], start: int, end: int, limit: int) -> list[EventRow]:
    """What these devices reported in [start, end), oldest first."""
    e = t.events.c
    query = sa.select(e.site, e.device, e.kind, e.at, e.received_at, e.data)
    query = query.where(e.device.in_(devices), e.at >= start, e.at < end).order_by(e.at, e.id).limit(limit)
    return [EventRow(**row._asdict() | {"data": json.loads(row.data)}) for row in conn.execute(query)]
