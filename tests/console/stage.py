"""A real centre with a story already in it, behind a real server: what the console's tests stand on.

A day of readings of two UPS with a night's gap, and ten minutes of trouble, go through the real writer
(intake, detectors, alerts, desk), so everything on the pages was made by the house itself.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from collector import enrol, inventory
from collector.config import CollectorConfig
from collector.running import Running, open_centre
from collector.store import open_engine, writing
from collector.web import build_app
from collector.writer import Post
from console.app import mount
from console.login import Attempts, one_time_code
from model.batch import Batch, Event, EventKind, encode
from model.reading import Gap, GapCause, Reading
from model.timescale import TimeScale
from tests.services import free_port, wait_for

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "roundsman" / "demo" / "inventory.toml"
SITES = ("sz-futian", "sz-nanshan", "gz-tianhe", "hz-xihu", "nb-haishu", "kul-cheras")
MINUTE = 60_000
DAY = 86_400_000
#: The mains fails this long before the tests look.
OUTAGE = 8 * MINUTE


class Stage:
    """One centre on a free port, running in a thread of its own."""

    def __init__(self, folder: Path, listed: Path = INVENTORY) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = CollectorConfig(port=self.port, data=folder / "var")
        _import_inventory(config, listed)
        self.centre: Running = open_centre(config, TimeScale())
        self.loop = asyncio.new_event_loop()
        self.app = build_app(self.centre)
        mount(self.app, self.centre)
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, port=self.port, log_level="warning", lifespan="off", timeout_graceful_shutdown=2)
        )
        self._rows: dict[str, int] = {}
        self.agents: dict[str, str] = {}

    def code(self, user: str = "lin", role: str = "manager", customer: str | None = None) -> str:
        """A fresh one-time login code."""
        with writing(self.centre.engine) as conn:
            return one_time_code(conn, user, role, self.centre.now(), customer=customer)

    def post(
        self, site: str, readings: list[Reading], gaps: list[Gap] | None = None, events: list[Event] | None = None
    ) -> Post:
        """One batch, as if the site's agent had sent it when its newest reading was made."""
        row = self._rows[site] = self._rows.get(site, 0) + 1
        at = max([r.at for r in readings] + [g.at for g in gaps or ()] + [e.at for e in events or ()])
        batch = Batch(
            spool=f"{site:0<32}"[:32], row=row, site=site, boot="b" * 32, at=at,
            readings=readings, gaps=gaps or [], events=events or [],
        )  # fmt: skip
        return Post(agent=self.agents[site], site=site, batch=batch, body=encode(batch), received_at=at)

    def take(self, posts: list[Post]) -> None:
        """Through the real writer."""
        for answer in self.centre.writer.take(posts):
            assert answer.kept, answer.why

    def forget_attempts(self) -> None:
        """All tests come from one address: what one guessed is not another's fault."""
        self.app.state.console.attempts = Attempts()

    async def _serve(self) -> None:
        await self.centre.start()
        await self._server.serve()
        await self.centre.stop()

    def start(self) -> None:
        """Listen; returns when it answers. What was told so far is in a snapshot, so that nothing is judged a second time."""
        self.centre.writer.snapshot(self.centre.now(), 0, 0, 0)
        self._thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        wait_for(lambda: self._server.started, 60, "the centre")

    def stop(self) -> None:
        """End live pages, then the server."""
        self.loop.call_soon_threadsafe(self.centre.hub.close)
        self._server.should_exit = True
        self._thread.join(15)
        self.loop.close()


@contextmanager
def on_stage(folder: Path, trouble: bool = True) -> Iterator[Stage]:
    """A running centre with the story told so far."""
    stage = Stage(folder)
    tell(stage, stage.centre.now(), trouble)
    stage.start()
    try:
        yield stage
    finally:
        stage.stop()


def _import_inventory(config: CollectorConfig, listed: Path) -> None:
    config.data.mkdir(parents=True)
    engine = open_engine(config.data / "centre.sqlite")
    with writing(engine) as conn:
        found, problems = inventory.import_file(conn, listed, 0)
    engine.dispose()
    assert found is not None, problems


def tell(stage: Stage, now: int, trouble: bool) -> None:
    """The day and the trouble, site by site."""
    with writing(stage.centre.engine) as conn:
        for site in SITES:
            stage.agents[site] = enrol.register(conn, site, f"key-of-{site}-which-is-long-enough", now)
    start = now - DAY
    healthy = [r for minute in range(0, DAY // MINUTE - 12, 2) for r in _day(start + minute * MINUTE, minute)]
    hours = [
        [r for r in healthy if start + hour * 60 * MINUTE <= r.at < start + (hour + 1) * 60 * MINUTE]
        for hour in range(24)
    ]
    stage.take([stage.post("sz-futian", part) for part in hours if part])
    before = now - 10 * MINUTE
    stage.take([stage.post(site, _site(site, before), events=_plates(site, before)) for site in SITES])
    if not trouble:
        stage.take([stage.post(site, _site(site, now - 5_000)) for site in SITES])
        return
    for step in range(OUTAGE // 5_000 + 1):
        at = now - OUTAGE + step * 5_000
        dark = [
            r for name in ("ups-1", "ups-2", "ups-3", "ups-5", "sw-1") for r in _out(f"sz-futian/{name}", at, step * 5)
        ]
        posts = [stage.post("sz-futian", dark, _silence(at, step * 5))]
        stage.take(posts + [stage.post(site, [_odd(r) for r in _site(site, at)]) for site in SITES[1:]])


def _site(site: str, at: int) -> list[Reading]:
    return [r for name in _NAMES for r in _now(f"{site}/{name}", at)]


_NAMES = ("ups-1", "ups-2", "ups-3", "ups-4", "ups-5", "sw-1", "sw-2")


def _day(at: int, minute: int) -> list[Reading]:
    """Two healthy UPS, load by the time of day; from the 400th to the 460th minute nobody could ask."""
    if 400 <= minute < 460:
        return []
    load = 46 + 14 * math.sin(minute / 229) + 2 * math.sin(minute / 7)
    return [
        Reading(device=f"sz-futian/{name}", point=point, index=index, at=at, value=round(value, 1))
        for name in ("ups-1", "ups-2")
        for point, index, value in (
            ("battery.charge", None, 100.0),
            ("ups.load", "1", load),
            ("input.voltage", "1", 228 + math.sin(minute / 31)),
        )
    ]


def _now(device: str, at: int) -> list[Reading]:
    """One device in health."""
    if "/sw-" in device:
        passed = at // 1000 % 10_000_000
        return [
            _r(device, "device.round_trip", None, at, 0.021),
            *(
                _r(device, point, str(port), at, value)
                for port in range(1, 9)
                for point, value in (
                    ("ifOperStatus", 1.0), ("ifAdminStatus", 1.0), ("ifInErrors", 0.0), ("ifOutErrors", 0.0),
                    ("ifHCInOctets", float(passed * 90_000 * port)), ("ifInUcastPkts", float(passed * 100 * port)),
                )
            ),
        ]  # fmt: skip
    slow = 0.412 if device.endswith("ups-4") else 0.083
    values = (
        ("ups.source", None, 3), ("battery.charge", None, 100), ("battery.runtime", None, 1500), ("battery.voltage", None, 273.4),
        ("battery.temperature", None, 24.6), ("input.voltage", "1", 229.1), ("input.frequency", "1", 50.01),
        ("output.voltage", "1", 230.2), ("output.frequency", None, 50.0), ("output.realpower", "1", 4310), ("ups.load", "1", 48.7),
        ("ups.temperature", None, 31.2), ("alarm.on_battery", None, 0), ("alarm.battery_low", None, 0), ("alarm.replace_battery", None, 0),
        ("alarm.fan_failure", None, 0), ("alarm.overload", None, 0), ("device.round_trip", None, slow),
    )  # fmt: skip
    return [_r(device, point, index, at, float(value)) for point, index, value in values]


def _out(device: str, at: int, seconds: int) -> list[Reading]:
    """The same device with the mains gone; ups-1 has 60 % of its battery."""
    if "/sw-" in device:
        return _now(device, at)
    rate = 1 / 900 if device.endswith("ups-1") else 1 / 1500
    charge = max(2.0, 100 - 100 * seconds * rate)
    changed = {
        "ups.source": 5.0, "battery.charge": charge, "battery.runtime": 1500 * charge / 100, "battery.voltage": 262 - seconds / 60,
        "input.voltage": 0.0, "input.frequency": 0.0, "alarm.on_battery": 1.0,
    }  # fmt: skip
    return [_r(r.device, r.point, r.index, r.at, round(changed.get(r.point, r.value), 1)) for r in _now(device, at)]


def _silence(at: int, seconds: int) -> list[Gap]:
    """The switch on the mains has no power, the old serial UPS drops its line after a minute."""
    gone = ["sz-futian/sw-2", *(["sz-futian/ups-4"] if seconds > 60 else [])]
    return [Gap(device=device, point=None, index=None, at=at, cause=GapCause.NO_ANSWER) for device in gone]


#: What is wrong elsewhere: a fan, a flag, a port.
_WRONG = {
    ("gz-tianhe/ups-5", "alarm.fan_failure", None): 1.0,
    ("nb-haishu/ups-3", "alarm.replace_battery", None): 1.0,
    ("hz-xihu/sw-1", "ifOperStatus", "3"): 2.0,
}


def _odd(r: Reading) -> Reading:
    return _r(r.device, r.point, r.index, r.at, _WRONG.get((r.device, r.point, r.index), r.value))


def _plates(site: str, at: int) -> list[Event]:
    plate: dict[str, str | int | float] = {
        "device.mfr": "HUAWEI",
        "device.model": "UPS2000-G-10KRTS",
        "device.serial": "2102311",
    }
    return [
        Event(kind=EventKind.IDENTITY, device=f"{site}/ups-1", at=at, data=plate),
        Event(
            kind=EventKind.IDENTITY,
            device=f"{site}/sw-1",
            at=at,
            data={f"ifName.{n}": f"GE0/0/{n}" for n in range(1, 9)},
        ),
    ]


def _r(device: str, point: str, index: str | None, at: int, value: float) -> Reading:
    return Reading(device=device, point=point, index=index, at=at, value=value)
