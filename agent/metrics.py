"""The agent's status as Prometheus metrics, at `[agent] metrics = "127.0.0.1:9780"`, path /metrics.

Names carry their units, counters end in `_total`, shares are ratios of 1. The labels are site, link and device, by which
the series of the centre are named too. prometheus_client brings the server and the text; it runs in a thread of its own
and asks the agent's loop for a snapshot. It is imported only by an agent that was told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from agent.status import AgentStatus, DeviceState, LinkState, Share, Status

#: Real seconds that a scrape waits for the agent's loop.
PATIENCE_S = 5.0
_SILENT = (DeviceState.SILENT, DeviceState.SILENT_ON_BATTERY, DeviceState.STARTING)
#: name, field, what it means
_COUNTED = (
    ("requests", "requests", "Requests sent, repeated ones among them."),
    ("retries", "retries", "Requests that were sent again."),
    ("timeouts", "timeouts", "Requests that nothing answered."),
    ("crc_errors", "crc_errors", "Answers that were garbled."),
    ("quarantined", "quarantined", "Sound frames that were not taken: late, doubled or another's."),
    ("airtime_seconds", "airtime_s", "Time for which the line was taken."),
)


@contextmanager
def served(host: str, port: int, snapshot: Callable[[], Awaitable[Status]]) -> Iterator[None]:
    """Serve /metrics meanwhile. Call it in the loop of the agent. Raises `OSError` when the port is taken."""
    registry = CollectorRegistry()
    registry.register(_Asking(snapshot, asyncio.get_running_loop()))
    server, thread = start_http_server(port, host, registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_S)


class _Asking(Collector):
    """Asks the loop each time that somebody scrapes."""

    def __init__(self, snapshot: Callable[[], Awaitable[Status]], loop: asyncio.AbstractEventLoop) -> None:
        self._snapshot = snapshot
        self._loop = loop

    def describe(self) -> Iterable[Metric]:
        return ()  # nothing is asked while it is registered

    def collect(self) -> Iterable[Metric]:
        asked = asyncio.run_coroutine_threadsafe(_awaited(self._snapshot), self._loop)
        return families(asked.result(PATIENCE_S))


async def _awaited(snapshot: Callable[[], Awaitable[Status]]) -> Status:
    return await snapshot()


def families(status: Status) -> list[Metric]:
    """The metrics of a snapshot. Pure."""
    return [*_agent(status.agent), *_links(status), *_devices(status)]


def _agent(agent: AgentStatus) -> Iterator[Metric]:
    site = [agent.site]
    info = InfoMetricFamily("roundsman_agent", "The agent.", labels=["site"])
    info.add_metric(site, {"version": agent.version, "time": agent.time})
    yield info
    gauges: tuple[tuple[str, str, float | None], ...] = (
        ("agent_uptime_seconds", "Time since the agent started.", agent.uptime_s),
        ("agent_memory_records", "Readings, gaps and events not yet on the disk.", agent.in_memory),
        ("agent_uplink_failures", "Attempts to deliver that failed in a row.", agent.uplink_failures),
        ("spool_waiting_rows", "Rows that the centre has not confirmed.", agent.waiting),
        ("spool_rejected_rows", "Rows that the centre calls no batch.", agent.rejected),
        ("spool_used_bytes", "Size of the spool.", agent.spool_bytes),
    )
    for name, meaning, value in gauges:
        if value is not None:
            yield _gauge(name, meaning, ["site"], [(site, value)])
    if agent.counts:
        counted = [([agent.site, name], value) for name, value in sorted(agent.counts.items())]
        yield _counter("agent_events", "What the agent counts besides requests, by name.", ["site", "name"], counted)


def _links(status: Status) -> Iterator[Metric]:
    labels, site = ["site", "link"], status.agent.site
    rows = [([site, one.link], one) for one in status.links]
    yield _gauge(
        "link_up", "Whether the line's port is there.", labels, [(at, one.state is LinkState.OPEN) for at, one in rows]
    )
    yield _gauge("link_devices", "Devices on the line.", labels, [(at, one.devices) for at, one in rows])
    yield _gauge(
        "link_airtime_ratio",
        "Share of the last minute in which the line was taken.",
        labels,
        [(at, one.cost.airtime / 100) for at, one in rows],
    )
    yield _gauge(
        "link_round_seconds", "Time to ask every device once.", labels, [(at, one.round_s) for at, one in rows]
    )
    yield _counter(
        "link_reopened", "Times that the port was opened again.", labels, [(at, one.reopened) for at, one in rows]
    )
    yield from _costs("link", labels, [(at, one.cost) for at, one in rows])


def _devices(status: Status) -> Iterator[Metric]:
    labels, site = ["site", "link", "device"], status.agent.site
    rows = [([site, one.link, one.device.partition("/")[2]], one) for one in status.devices]
    yield _gauge(
        "device_up", "Whether the device answers.", labels, [(at, one.state not in _SILENT) for at, one in rows]
    )
    yield _gauge(
        "device_on_battery",
        "Whether it ran on battery when it was last heard.",
        labels,
        [(at, one.state in (DeviceState.ON_BATTERY, DeviceState.SILENT_ON_BATTERY)) for at, one in rows],
    )
    yield _gauge(
        "device_airtime_ratio",
        "Share of the last minute in which its line was the device's.",
        labels,
        [(at, one.cost.airtime / 100) for at, one in rows],
    )
    yield _gauge(
        "device_last_answer_age_seconds",
        "Time since its last answer.",
        labels,
        [(at, one.answered_s) for at, one in rows],
    )
    yield _gauge(
        "device_round_trip_seconds",
        "Time that its last status took.",
        labels,
        [(at, one.round_trip_s) for at, one in rows],
    )
    yield from _costs("device", labels, [(at, one.cost) for at, one in rows])


def _costs(of: str, labels: list[str], rows: list[tuple[list[str], Share]]) -> Iterator[Metric]:
    for name, field, meaning in _COUNTED:
        yield _counter(f"{of}_{name}", meaning, labels, [(at, getattr(share, field)) for at, share in rows])


def _gauge(name: str, meaning: str, labels: list[str], rows: Iterable[tuple[list[str], float | None]]) -> Metric:
    family = GaugeMetricFamily(f"roundsman_{name}", meaning, labels=labels)
    for at, value in rows:
        if value is not None:
            family.add_metric(at, float(value))
    return family


def _counter(name: str, meaning: str, labels: list[str], rows: Iterable[tuple[list[str], float]]) -> Metric:
    family = CounterMetricFamily(f"roundsman_{name}", meaning, labels=labels)
    for at, value in rows:
        family.add_metric(at, float(value))
    return family
