"""The agent seen from inside: a snapshot of it when somebody asks, and its costs as points once a minute.

Everything is read in the agent's own loop, from what the rounds, links, spool and uplink keep anyway.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

import msgspec

from agent import address, status
from agent.clock import AgentClock
from agent.config import AgentConfig
from agent.costs import Costs, Line, names_of
from agent.links.account import Account, Counts
from agent.links.snmp import SnmpLink
from agent.poll import LinkRounds
from agent.schedule import Standing
from agent.spool import Standing as SpoolStanding
from agent.status import AgentStatus, DeviceState, DeviceStatus, LinkState, LinkStatus, NoteStatus, Share, Status
from agent.urgency import Urgency
from model.reading import Reading
from model.text import Text

#: A device whose status takes more than this share of its time-out is slow.
SLOW = 0.5


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent's own rooms hold just now."""

    in_memory: int
    spool: SpoolStanding | None
    uplink: str
    uplink_failures: int
    counts: Mapping[str, float] = {}  #: of traps and the like, by name
    swapped: Mapping[str, str] = {}  #: devices in whose place another one answers


class Observer:
    """`rounds`: by link key; a link that is begun anew after a fault replaces its own."""

    def __init__(self, config: AgentConfig, rounds: Mapping[str, LinkRounds], clock: AgentClock, version: str) -> None:
        self._config = config
        self._rounds = rounds
        self._clock = clock
        self._version = version
        self._began = time.monotonic()
        self._names = names_of({device.url.link_key: device.url for device in config.devices})
        self._costs = Costs(config.site)

    def tell(self) -> list[Reading]:
        """The points of the minute that ends now."""
        lines = [self._line(key, rounds) for key, rounds in self._rounds.items()]
        return self._costs.tell(lines, self._clock.now(), time.monotonic())

    def status(self, waiting: Waiting) -> Status:
        """How everything stands now."""
        now = time.monotonic()
        links: list[LinkStatus] = []
        devices: list[DeviceStatus] = []
        for key, rounds in sorted(self._rounds.items()):
            line = self._line(key, rounds)
            links.append(self._link(line, rounds, now))
            devices += [self._device(line, rounds, id, now) for id in rounds.devices]
        devices.sort(key=_slowest_first)
        said = {**status.notes, **_swapped(waiting.swapped), **_shared_engines(self._rounds.values())}
        told = [NoteStatus(name=name, text=text) for name, text in sorted(said.items())]
        return Status(agent=self._agent(waiting, now), links=links, devices=devices, notes=told)

    def _agent(self, waiting: Waiting, now: float) -> AgentStatus:
        spool = waiting.spool
        return AgentStatus(
            version=self._version,
            site=self._config.site,
            uptime_s=round(now - self._began, 1),
            time="estimated" if self._clock.estimated() else "known",
            collector=self._config.collector,
            uplink=waiting.uplink or "delivering",
            uplink_failures=waiting.uplink_failures,
            in_memory=waiting.in_memory,
            waiting=spool.undelivered if spool else None,
            rejected=spool.rejected if spool else None,
            spool_bytes=spool.used_bytes if spool else None,
            counts={**status.counts, **waiting.counts},
        )

    def _line(self, key: str, rounds: LinkRounds) -> Line:
        serial = any(device.url.scheme in address.SERIAL for device in rounds.devices.values())
        return Line(
            name=self._names[key],
            devices=[*rounds.devices],
            account=rounds.link.account if rounds.link else Account(),
            round_s=rounds.round_s,
            whole=serial or len(rounds.devices) > 1,
            since=rounds.began,
        )

    def _link(self, line: Line, rounds: LinkRounds, now: float) -> LinkStatus:
        gone = rounds.link.gone if rounds.link else ""
        return LinkStatus(
            link=line.name,
            devices=len(line.devices),
            state=LinkState.GONE if gone else LinkState.OPEN,
            gone_s=round(now - rounds.link.gone_since, 1) if rounds.link and gone else None,
            why=gone,
            round_s=round(line.round_s, 4),
            reopened=line.account.reopened,
            cost=_share(line.account.total(), self._costs.share(line, "", now)),
        )

    def _device(self, line: Line, rounds: LinkRounds, id: str, now: float) -> DeviceStatus:
        heard, standing = rounds.heard[id], rounds.standing(id)
        timeout_s = rounds.devices[id].url.timeout_s
        return DeviceStatus(
            device=id,
            link=line.name,
            state=_state(standing, heard.answered_at is not None, (heard.took_s or 0.0) > SLOW * timeout_s),
            silent_s=_ago(heard.silent_since, now),
            answered_s=_ago(heard.answered_at, now),
            round_trip_s=None if heard.took_s is None else round(heard.took_s, 4),
            next=str(standing.tier),
            next_s=round(max(standing.due - now, 0.0), 3),
            cost=_share(line.account.of(id), self._costs.share(line, id, now)),
        )


def _swapped(conflicts: Mapping[str, str]) -> dict[str, Text]:
    return {
        f"swapped.{device}": Text(
            f"{other} answers in the place of {device}: put the cables or unit numbers back, or correct the file",
            f"{device} 处应答的是 {other}：请恢复接线或站号，或更正配置",
        )
        for device, other in conflicts.items()
    }


def _shared_engines(lines: Iterable[LinkRounds]) -> dict[str, Text]:
    notes: dict[str, Text] = {}
    for line in lines:
        others = ", ".join(line.link.sharers) if isinstance(line.link, SnmpLink) else ""
        for device in line.devices if others else ():
            notes[f"snmp.engine.{device}"] = Text(
                f"{device} has the SNMPv3 engine id of {others} too: give each an id of its own",
                f"{device} 与 {others} 的 SNMPv3 引擎 ID 相同：请各自设置唯一 ID",
            )
    return notes


def _state(standing: Standing, heard: bool, slow: bool) -> DeviceState:
    on_battery = standing.urgency is Urgency.BATTERY
    if standing.missed:
        return DeviceState.SILENT_ON_BATTERY if on_battery else DeviceState.SILENT
    if not heard:
        return DeviceState.STARTING
    if on_battery:
        return DeviceState.ON_BATTERY
    if standing.urgency:
        return DeviceState.ALARM
    return DeviceState.SLOW if slow else DeviceState.ANSWERING


def _share(counts: Counts, airtime: float) -> Share:
    return Share(
        airtime=airtime,
        airtime_s=round(counts.airtime_s, 3),
        requests=counts.requests,
        retries=counts.retries,
        timeouts=counts.timeouts,
        crc_errors=counts.garbled,
        quarantined=counts.quarantined,
    )


def _ago(at: float | None, now: float) -> float | None:
    return None if at is None else round(max(now - at, 0.0), 1)


def _slowest_first(device: DeviceStatus) -> tuple[bool, float, str]:
    """The silent ones, then by the time of their round."""
    return device.silent_s is None, -(device.round_trip_s or 0.0), device.device
