"""The flight recorder at work: each line's turns are watched, its frames packed in a thread, the rest left as it was.

    poll_link ─ take ─> LineWatch ─> Recorder (decides) ─> frames of the ring ─ a thread packs ─> backlog, behind readings

Nothing here may hold up a round: what goes wrong is logged and the recording is given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from importlib import metadata

import msgspec
import structlog

from agent import address
from agent.address import DeviceUrl
from agent.backlog import Found
from agent.config import RecorderConfig, WatchedDevice
from agent.drivers.exchange import Failure, GetVariables, Variables, WalkVariables
from agent.links import Link
from agent.links.ring import EXCHANGED, SENT, Frame, Ring, unpacked
from agent.recorder import Allowance, Due, Limits, Recorder
from agent.whole import Whole
from model import flight
from model.attachment import Data, pack
from model.batch import Event, EventKind
from model.flight import Asked, Flight, Header, Octets, Wired

log = structlog.get_logger()

#: An SNMP line is one device: there are many, and each keeps little.
_SNMP_BYTES = 32 * 1024
#: What of a URL is no secret and no place: how a device is spoken to.
_OPTIONS = frozenset({"unit", "ups", "baud", "bits", "parity", "stop", "timeout", "version", "dialect"})

Take = Callable[[Sequence[Found]], None]


class Flights:
    """The recorders of all lines of one agent. `keep` takes a finished recording."""

    def __init__(
        self, config: RecorderConfig, site: str, keep: Callable[[Event], None], now: Callable[[], int]
    ) -> None:
        self.config = config
        self.site = site
        self.keep = keep
        self.now = now
        self.allowance = Allowance(config.daily_kilobytes * 1024)
        self.version = _version()
        self.made = 0
        self._lines: dict[str, LineWatch] = {}
        self._packing: set[asyncio.Task[None]] = set()

    @property
    def suppressed(self) -> int:
        """Recordings that a limit forbade since start."""
        return self.allowance.refused + sum(line.suppressed for line in set(self._lines.values()))

    def watch(self, link: Link, devices: Sequence[WatchedDevice], take: Take) -> Take:
        """Set up the ring of a link; what its turns bring goes through the watch to `take`."""
        if not self.config.on:
            link.ring = Ring(0, 0)
            return take
        octets = self.config.kilobytes * 1024
        snmp = devices[0].url.scheme == address.SNMP
        link.ring = Ring(self.config.frames, min(octets, _SNMP_BYTES) if snmp else octets)
        line = LineWatch(self, link, devices)
        for device in devices:
            self._lines[device.id] = line

        def watched(found: Sequence[Found]) -> None:
            take(found)
            line.turn(found)

        return watched

    def ask(self, device: str) -> None:
        """The centre wants a recording of this device's line."""
        line = self._lines.get(device)
        if line is not None:
            line.recorder.ask(device, time.monotonic(), self.now())

    def close(self, link: Link) -> None:
        """A line is given up: what is under way is recorded as far as it went."""
        for line in {line for line in self._lines.values() if line.link is link}:
            line.look(ending=True)

    async def settle(self) -> None:
        """Wait for what is being packed."""
        await asyncio.gather(*self._packing, return_exceptions=True)

    def save(self, due: Due, link: Link, devices: Sequence[WatchedDevice]) -> None:
        """Pack the frames of `link` since `due.since`, in a thread."""
        frames = [frame for frame in link.ring if frame.at >= due.since]
        header = _header(due, frames, self, link, devices)
        task = asyncio.create_task(self._save(header, frames))
        self._packing.add(task)
        task.add_done_callback(self._packing.discard)

    async def _save(self, header: Header, frames: list[Frame]) -> None:
        try:
            data = await asyncio.to_thread(packed, header, frames)
        except Exception:  # supervisor: a recording is worth no agent
            log.exception("recording_failed", device=header.why.device, why=header.why.told())
            return
        size = len(str(data["content"]))
        if not self.allowance.take(size, time.monotonic()):
            log.warning("recording_suppressed", device=header.why.device, why=header.why.told(), fix=_FIX_ALLOWANCE)
            return
        self.made += 1
        log.info("recorded", device=header.why.device, why=header.why.told(), name=data["name"], bytes=size)
        self.keep(Event(kind=EventKind.ATTACHMENT, device=header.why.device, at=header.at, data=data))


_FIX_ALLOWANCE = "nothing if a line is bad today; else raise [recorder] daily_kilobytes"


class LineWatch:
    """One line's recorder with its ring."""

    def __init__(self, flights: Flights, link: Link, devices: Sequence[WatchedDevice]) -> None:
        config = flights.config
        self.link = link
        self.recorder = Recorder(Limits(before_s=config.before_s, after_s=config.after_s))
        self._flights, self._devices = flights, devices

    @property
    def suppressed(self) -> int:
        return self.recorder.forbidden

    def turn(self, found: Sequence[Found]) -> None:
        """What one turn brought."""
        try:
            now = time.monotonic()
            self.recorder.seen(found, now, found.ended if type(found) is Whole else self._flights.now())
            if self.recorder.waits:
                self.look()
        except Exception:  # supervisor: the recorder must never end a round
            log.exception("recorder_failed")

    def look(self, *, ending: bool = False) -> None:
        """Save what is due."""
        due = self.recorder.due(time.monotonic(), ending=ending)
        if due is not None and len(self.link.ring):
            self._flights.save(due, self.link, self._devices)


def packed(header: Header, frames: Sequence[Frame]) -> Data:
    """The event's data. Runs in a thread: some milliseconds of work."""
    begin = frames[0].at if frames else 0.0
    written = (_written(frame, begin) for frame in frames)
    return pack(Flight(header=header, frames=tuple(one for one in written if one is not None)))


def _written(frame: Frame, begin: float) -> flight.Frame | None:
    t = round((frame.at - begin) * 1000, 3)
    if frame.way != EXCHANGED:
        return Octets(t=t, way=flight.SENT if frame.way == SENT else flight.CAME, device=frame.device, data=frame.data)
    request, answer = unpacked(frame)
    if isinstance(request, GetVariables):
        asked = Asked(t=t, device=frame.device, verb="get", oids=request.oids)
    elif isinstance(request, WalkVariables):
        asked = Asked(t=t, device=frame.device, verb="walk", oids=(request.root,), limit=request.limit)
    else:
        return None
    return _with_answer(asked, answer)


def _with_answer(asked: Asked, answer: Variables | Failure) -> Asked:
    if isinstance(answer, Failure):
        return msgspec.structs.replace(asked, failure=str(answer.cause), raw=answer.raw)
    good = ((oid, value) for oid, value in answer.values.items() if flight.is_oid(oid))
    return msgspec.structs.replace(asked, values=tuple(good))


def _header(due: Due, frames: Sequence[Frame], all: Flights, link: Link, devices: Sequence[WatchedDevice]) -> Header:
    begin = frames[0].at if frames else due.began
    return Header(
        flight=flight.VERSION,
        agent=all.version,
        site=all.site,
        link=name_of(devices[0].url),
        devices=tuple(_wired(device, link) for device in devices),
        why=due.why,
        also=due.also,
        at=due.at,
        event=max(round((due.began - begin) * 1000, 3), 0.0),
        suppressed=due.suppressed,
    )


def _wired(device: WatchedDevice, link: Link) -> Wired:
    settled = (device.profile,) if device.profile else link.settled.get(device.id, ())
    return Wired(
        id=device.id,
        scheme=device.url.scheme,
        options={name: value for name, value in device.url.options if name in _OPTIONS},
        profiles=tuple(profile.id for profile in settled),
    )


def name_of(url: DeviceUrl) -> str:
    """What a line is called: its port's name, or its kind where an address would tell too much."""
    return url.path.rpartition("/")[2] or url.link_key.partition(":")[0]


def _version() -> str:
    try:
        return metadata.version("roundsman")
    except metadata.PackageNotFoundError:
        return ""
