"""The centre as Prometheus metrics, at /metrics of its own address: from this machine, or with the token of the file.

Names carry their units, counters end in `_total` and begin with this process. What stands in the database is counted when
somebody scrapes: some indexed queries. Nothing here says whose equipment it is: sites are labels only where an agent is late.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from hmac import compare_digest
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from collector.config import CollectorConfig, is_loopback
from collector.neighbours.door import WriteDoor
from collector.running import Running
from collector.store import tables as t
from desk.tables import outbox, tickets
from model.secret import SecretError, resolve

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def mount(app: FastAPI, centre: Running, door: WriteDoor) -> None:
    """Add /metrics."""

    @app.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        if not _may(centre.config, request):
            why = "from this machine only, or with [collector] metrics_token as Authorization: Bearer"
            return Response(f"{why}\n", 403, media_type="text/plain")
        body = await asyncio.to_thread(text, centre, door)
        return Response(body, media_type=CONTENT_TYPE_LATEST)


def _may(config: CollectorConfig, request: Request) -> bool:
    """Whether who asks sits at this machine, or has the token. A proxy on this machine asks for others."""
    if config.metrics_token:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            token = resolve(
                config.metrics_token, os.environ.get, lambda path: (config.folder / path).read_text("utf-8")
            )
        except SecretError:
            return False
        return scheme.lower() == "bearer" and compare_digest(given.strip().encode(), token.encode())
    host = request.client.host if request.client else ""
    return is_loopback(host) and not any(name in request.headers for name in _FORWARDED)


def text(centre: Running, door: WriteDoor) -> bytes:
    """What a scrape is told. Blocks for its queries."""
    registry = CollectorRegistry()
    registry.register(_Families([*_counted(centre, door), *_standing(centre)]))
    body: bytes = generate_latest(registry)
    return body


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _counted(centre: Running, door: WriteDoor) -> Iterator[Metric]:
    for name, meaning in (
        ("batches", "Batches taken in."),
        ("readings", "Readings kept."),
        ("gaps", "Gaps kept."),
        ("quarantined", "Readings, gaps and events refused into the quarantine."),
        ("late", "Readings older than what detectors had seen: they complete history only."),
    ):
        yield _counter(name, meaning, [], [((), centre.writer.counts[name])])
    for name, meaning in (("lines", "Lines written by other programs."), ("refused", "Lines of theirs that are none.")):
        yield _counter(f"written_{name}", meaning, [], [((), door.counts[name])])
    left = [((measurement, field, why), count) for (measurement, field, why), count in [*door.left.items()]]
    yield _counter("written_unmapped", "Fields written that no mapping takes.", ["measurement", "field", "why"], left)
    yield from _brokers(centre)


def _brokers(centre: Running) -> Iterator[Metric]:
    for name, meaning in (
        ("messages", "MQTT messages taken in."),
        ("readings", "Readings in them, before what is not plausible was refused."),
        ("repeated", "Messages that a broker sent again and that were kept already."),
        ("retained", "Old messages without a time, which a broker retained: not counted as new."),
    ):
        rows = [((one.name,), float(one.counts[name])) for one in centre.brokers]
        yield _counter(f"mqtt_{name}", meaning, ["broker"], rows)
    connected = [((one.name,), float(not one.problem)) for one in centre.brokers]
    yield _gauge("mqtt_connected", "Whether the broker is connected.", ["broker"], connected)
    left = [((one.name, *key), float(count)) for one in centre.brokers for key, count in [*one.left.items()]]
    meaning = "Messages or fields that no mapping takes."
    yield _counter("mqtt_unmapped", meaning, ["broker", "topic", "field", "why"], left)


def _standing(centre: Running) -> Iterator[Metric]:
    now, silent_ms = centre.now(), centre.writer.world.silent_after_s * 1000
    a, agents, o = t.alerts.c, t.agents.c, outbox.c
    with centre.engine.connect() as conn:
        alerts = _by(conn, sa.select(a.severity, sa.func.count()).where(a.cleared_at.is_(None)).group_by(a.severity))
        open_ = _by(
            conn, sa.select(tickets.c.level, sa.func.count()).where(tickets.c.open.is_(True)).group_by(tickets.c.level)
        )
        waiting = _by(conn, sa.select(o.connector, sa.func.count()).where(o.state == "pending").group_by(o.connector))
        incidents = conn.scalar(sa.select(sa.func.count()).where(t.incidents.c.closed_at.is_(None))) or 0
        heard = conn.execute(
            sa.select(agents.id, agents.site, agents.heard_at).where(agents.revoked_at.is_(None))
        ).all()
    yield _gauge("alerts_open", "Alerts that stand, by severity.", ["severity"], _rows(alerts))
    yield _gauge("incidents_open", "Incidents that are not over.", [], [((), incidents)])
    yield _gauge("tickets_open", "Open tickets, by the level of their policy.", ["level"], _rows(open_))
    yield _gauge("outbox_waiting", "Messages that a connector has not taken yet.", ["connector"], _rows(waiting))
    ages = [((one.id, one.site), (now - one.heard_at) / 1000) for one in heard if one.heard_at is not None]
    yield _gauge(
        "agent_heard_age_seconds", "Time since an agent was heard, in the centre's time.", ["agent", "site"], ages
    )
    late = sum(one.heard_at is None or now - one.heard_at > silent_ms for one in heard)
    yield _gauge("agents", "Agents with a valid key.", [], [((), len(heard))])
    yield _gauge("agents_late", "Those of them that count as silent, or were never heard.", [], [((), late)])
    behind = centre.forwarder.behind() if centre.forwarder else 0
    yield _gauge("history_waiting_batches", "Batches that the history server does not have yet.", [], [((), behind)])
    problems = len(centre.health()["problems"])
    yield _gauge("problems", "What /healthz complains of.", [], [((), problems)])


def _by(conn: sa.Connection, query: sa.Select[Any]) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in conn.execute(query)}


def _rows(counts: Mapping[str, int]) -> list[tuple[tuple[str, ...], float]]:
    return [((name,), count) for name, count in sorted(counts.items())]


_Rows = Iterable[tuple[tuple[str, ...], float]]


def _gauge(name: str, meaning: str, labels: list[str], rows: _Rows) -> Metric:
    family = GaugeMetricFamily(f"roundsman_centre_{name}", meaning, labels=labels)
    for at, value in rows:
        family.add_metric(list(at), float(value))
    return family


def _counter(name: str, meaning: str, labels: list[str], rows: _Rows) -> Metric:
    family = CounterMetricFamily(f"roundsman_centre_{name}", meaning, labels=labels)
    for at, value in rows:
        family.add_metric(list(at), float(value))
    return family
