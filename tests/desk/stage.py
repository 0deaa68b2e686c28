"""The stage for the desk's stories: two customers, a few sites, incidents as the alerts room hands them over."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from alerts.types import CauseKey, Impact, Incident, identity
from collector.store.engines import make_engine
from desk.store import metadata
from model.inventory import Battery, Contract, Customer, Device, Inventory, Site
from model.text import Text
from tests import databases

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000


def at(text: str, tz: str = "Asia/Shanghai") -> int:
    """`2026-11-23 10:00` on a site's wall clock, in ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).timestamp() * 1000)


#: A Monday, ten o'clock in Shenzhen.
T0 = at("2026-11-23 10:00")


def inventory() -> Inventory:
    ups = {"kind": "ups", "model": "UPS2000", "serial": "SN-1", "installed": "2025-01-10"}
    battery = Battery(blocks=16, block_ah=18, installed="2025-01-10")
    devices = [
        Device(id="sz/ups-1", name=Text("UPS 1", "UPS 1"), rated_va=10_000, battery=battery, core=True, **ups),
        Device(id="sz/ups-3k", name=Text("UPS 3k", "UPS 3k"), rated_va=3_000, **ups),
        Device(id="sz/sw-1", name=Text("Switch", "交换机"), kind="switch"),
        Device(id="far/ups-1", name=Text("UPS far", "外地 UPS"), rated_va=10_000, **ups),
        Device(id="far/ups-3k", name=Text("UPS far 3k", "外地 UPS 3k"), rated_va=3_000, **ups),
        Device(id="kul/ups-1", name=Text("UPS KL", "吉隆坡 UPS"), rated_va=6_000, **ups),
    ]
    sites = [
        Site(id="sz", customer="harbour", name=Text("Shenzhen", "深圳")),
        Site(id="far", customer="harbour", name=Text("Lhasa", "拉萨"), local=False),
        Site(id="hz", customer="lakeside", name=Text("Hangzhou", "杭州")),
        Site(id="kul", customer="lakeside", name=Text("KL", "吉隆坡"), country="MY", tz="Asia/Kuala_Lumpur"),
    ]
    return Inventory(
        revision=1,
        customers={c: Customer(id=c, name=Text(c, c)) for c in ("harbour", "lakeside")},
        sites={s.id: s for s in sites},
        devices={d.id: d for d in devices},
        contracts=(Contract(customer="harbour", policy="powerstar", since="2020-01-01"),),
    )


def incident(
    root: str = "sz",
    cause: str = "mains",
    customer: str = "harbour",
    impact: Impact = Impact.OUTAGE,
    opened: int = T0,
    **more: Any,
) -> Incident:
    key = CauseKey(customer, cause, root)
    return Incident(
        id=identity(key, opened),
        key=key,
        site=root.partition("/")[0],
        title=Text(f"{cause} at {root}", f"{root} 的 {cause}"),
        opened_at=opened,
        changed_at=opened,
        impact=impact,
        worst=more.pop("worst", impact),
        members=more.pop("members", ("a1",)),
        explanation=(Text("because", "因为"),),
        **more,
    )


def later(told: Incident, changed: int, **more: Any) -> Incident:
    """The same incident, told again."""
    worst = min(more.get("impact", told.impact), told.worst, key=lambda i: i.rank)
    return msgspec.structs.replace(told, changed_at=changed, **{"worst": worst, **more})


def ended(told: Incident, closed: int) -> Incident:
    return msgspec.structs.replace(told, changed_at=closed, closed_at=closed)


def engine(path: Path | None = None) -> sa.Engine:
    """A database as the centre opens it, every transaction a writer's; on PostgreSQL where tests.databases says so."""
    where = databases.place(path)
    if isinstance(where, sa.URL):  # a connection a time: a test leaves none open behind it
        made = make_engine(where, poolclass=sa.NullPool, execution_options={"roundsman_write": True})
    else:
        pool = {"poolclass": sa.StaticPool} if path is None else {}
        made = make_engine(where, execution_options={"roundsman_write": True}, **pool)
    with made.begin() as conn:
        metadata.create_all(conn)
    return made
