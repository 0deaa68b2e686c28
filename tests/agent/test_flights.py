"""The flight recorder in a running agent: what a turn brings, what the centre wants, and what leaves the site."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent import address
from agent.address import DeviceUrl
from agent.backlog import Found
from agent.config import RecorderConfig, WatchedDevice, parse
from agent.drivers.exchange import Answer, Failure, GetVariables, Line, Request, Variables
from agent.flights import Flights
from agent.links import Link
from agent.links.ring import EXCHANGED, Ring, unpacked
from agent.running import Agent
from agent.uplink import wants_of
from model import flight
from model.attachment import unpack
from model.batch import Event, EventKind
from model.flight import Asked, Octets
from model.reading import GapCause, Reading
from model.timescale import REAL
from tests.agent.centre import Centre, serving
from tests.agent.megatec_pty import plugged_in

AT = 1_790_000_000_000


class Wire(Link):
    """A link that puts on its ring what the test hands it."""

    async def _once(self, request: Request) -> Answer | Failure:
        return Line("")

    def close(self) -> None:
        pass


def watched(url: str, id: str = "sz/ups-1") -> WatchedDevice:
    return WatchedDevice(id=id, url=DeviceUrl.parse(url))


class Site:
    """One line under the recorder, without waiting for what follows an event."""

    def __init__(self, url: str, **config: object) -> None:
        self.kept: list[Event] = []
        defaults = RecorderConfig(after_s=0.0, **config)  # type: ignore[arg-type]
        self.flights = Flights(defaults, "sz", self.kept.append, lambda: AT)
        self.link = Wire()
        self.taken: list[list[Found]] = []
        self.take = self.flights.watch(self.link, [watched(url)], self.taken.append)

    async def reads(self, *values: float) -> list[Event]:
        for value in values:
            self.take([Reading(device="sz/ups-1", point="ups.source", index=None, at=AT, value=value)])
        await self.flights.settle()
        return self.kept


async def test_a_change_saves_the_lines_frames_and_the_readings_go_their_way() -> None:
    site = Site("modbus+rtu:///dev/ttyS9?unit=3&baud=4800")
    site.link.ring.sent("sz/ups-1", b"\3\3")
    site.link.ring.came("sz/ups-1", b"\3\3\2")
    (event,) = await site.reads(3, 5)
    assert len(site.taken) == 2
    found, problems = flight.read(unpack(event.data))
    assert found is not None, problems
    assert [frame.data for frame in found.frames if isinstance(frame, Octets)] == [b"\3\3", b"\3\3\2"]
    (device,) = found.header.devices
    assert (found.header.link, device.options) == ("ttyS9", {"unit": "3", "baud": "4800"})
    assert event.kind is EventKind.ATTACHMENT


async def test_no_host_community_user_or_key_leaves_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMUNITY", "s3cret")
    site = Site("snmp://192.0.2.77:1161?community=env:COMMUNITY&version=2c&timeout=1")
    oids = ("1.3.6.1.2.1.1.1.0",)
    site.link.ring.exchanged("sz/ups-1", GetVariables(oids=oids), Variables({oids[0]: b"name", "1.3.6": None}))
    site.link.ring.exchanged("sz/ups-1", GetVariables(oids=oids), Failure(cause=GapCause.NO_ANSWER, raw="gone"))
    (event,) = await site.reads(3, 5)
    body = unpack(event.data).decode()
    assert not [word for word in ("192.0.2", "1161", "s3cret", "COMMUNITY", "env:") if word in body]
    found, _ = flight.read(body.encode())
    assert found is not None
    first, second = found.frames
    assert isinstance(first, Asked)
    assert isinstance(second, Asked)
    assert first.values == ((oids[0], b"name"), ("1.3.6", None))
    assert (second.failure, second.raw) == ("no_answer", "gone")


async def test_a_day_without_allowance_and_a_recorder_switched_off_save_nothing() -> None:
    poor = Site("modbus+rtu:///dev/ttyS9?unit=3", daily_kilobytes=0)
    poor.link.ring.sent("sz/ups-1", b"\3\3")
    assert await poor.reads(3, 5) == []
    assert poor.flights.suppressed == 1
    off = Site("modbus+rtu:///dev/ttyS9?unit=3", on=False)
    off.link.ring.sent("sz/ups-1", b"\3\3")
    off.link.ring.exchanged("sz/ups-1", GetVariables(oids=()), Variables({}))
    assert len(off.link.ring) == 0
    assert await off.reads(3, 5) == []


async def test_a_fault_in_the_recorder_costs_a_recording_and_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site("modbus+rtu:///dev/ttyS9?unit=3")
    site.link.ring.sent("sz/ups-1", b"\3\3")
    monkeypatch.setattr("agent.flights.packed", lambda header, frames: 1 / 0)
    assert await site.reads(3, 5, 3) == []
    monkeypatch.setattr(site.flights, "save", lambda *_: 1 / 0)
    assert await site.reads(6, 7) == []
    assert len(site.taken) == 5


def test_a_ring_keeps_the_newest_within_its_frames_and_its_bytes() -> None:
    ring = Ring(frames=10, octets=10_000)
    for n in range(50):
        ring.sent("d", bytes((n,)))
    assert [frame.data[0] for frame in ring] == list(range(40, 50))
    for _ in range(50):
        ring.came("d", bytes(3_000))
    assert len(ring) == 3
    ring.sent("d", bytes(20_000))
    assert len(ring) == 0
    asked = GetVariables(oids=("1.3",))
    ring.exchanged("d", asked, Variables({"1.3": 2**64 - 1, "1.4": b"\xff", "1.5": "1.3.6", "1.6": None, "1.7": 0.5}))
    ring.exchanged("d", asked, Variables({"1.3": 2**80}))
    (frame,) = ring
    assert frame.way == EXCHANGED
    request, answer = unpacked(frame)
    assert request == asked
    assert isinstance(answer, Variables)
    assert list(answer.values.values()) == [2**64 - 1, b"\xff", "1.3.6", None, 0.5]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"wants":1}', b'{"wants":[1]}', b"\xff", b"[" * 10_000, b'{"row":1}'])
def test_an_answer_without_a_readable_wish_has_none(body: bytes) -> None:
    assert wants_of(body) == []


def test_the_recorders_table_is_checked_key_by_key(tmp_path: Path) -> None:
    head = '[agent]\nsite = "sz"\ncollector = "http://127.0.0.1:1"\n[recorder]\n'
    config, problems = parse(head + "on = false\nkilobytes = 16\n", tmp_path / "agent.toml")
    assert config is not None
    assert (config.recorder.on, config.recorder.kilobytes, config.recorder.before_s) == (False, 16, 60)
    _, problems = parse(head + "frames = 1\nbefor_s = 3\n", tmp_path / "agent.toml")
    told = {(problem.key, problem.line) for problem in problems}
    assert told >= {("recorder.frames", 5), ("recorder.befor_s", 6)}


async def test_what_the_centre_wants_is_recorded_and_delivered(tmp_path: Path) -> None:
    centre = Centre()
    with serving(centre), plugged_in() as ups:
        told = iter([[["sz/ups-1", "sz/nobody"]], []])

        def behaviour(batch: object) -> tuple[int, bytes] | None:
            wants = next(told, None) if batch and centre.kept else None
            if not wants:
                return None
            row, spool = batch.row, batch.spool  # type: ignore[attr-defined]
            centre.kept[spool, row] = batch  # type: ignore[assignment]
            return 200, json.dumps({"spool": spool, "row": row, "wants": wants[0]}).encode()

        centre.behaviour = behaviour
        config, problems = parse(
            f'[agent]\nsite = "sz"\ncollector = "{centre.url}"\n[pace]\nstatus_s = 0.1\nmeasure_s = 0.1\n'
            f'[recorder]\nafter_s = 0.3\n[[device]]\nid = "ups-1"\nurl = "megatec://{ups.port}?timeout=0.2"\n',
            tmp_path / "agent.toml",
        )
        assert config is not None, problems
        (tmp_path / "agent.key").write_text("k" * 64)
        stop = asyncio.Event()
        running = asyncio.create_task(Agent(config, REAL).run(stop))
        await until(lambda: attached(centre), 20)
        stop.set()
        assert await asyncio.wait_for(running, 20) == 0
    (event,) = attached(centre)
    found, problems = flight.read(unpack(event.data))
    assert found is not None, problems
    assert found.header.why.kind == "asked"
    assert {frame.data for frame in found.frames if isinstance(frame, Octets) and frame.way == ">"} >= {b"Q1\r"}
    assert found.header.devices[0].scheme == address.MEGATEC


def attached(centre: Centre) -> list[Event]:
    batches = list(centre.kept.values())
    return [event for batch in batches for event in batch.events if event.kind is EventKind.ATTACHMENT]


async def until(reached: Callable[[], object], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
