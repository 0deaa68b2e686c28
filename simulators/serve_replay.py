"""`roundsman simulate --replay FILE`: a recorded line on a real wire of its kind. I/O shell around `replay`.

Out, one JSON object a line: {"ready": true, "devices": [{id, site, url, profile, kind}…], "why": {…}} when the wire is
open, {"event": "asked", "request": hex} for a request that the recording does not hold, the first time. stdin closed,
{"cmd":"stop"}, SIGTERM and SIGINT stop it. Loopback and pseudo-terminals only.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import msgspec

from model import flight
from model.flight import Flight, Wired
from model.problem import unreadable
from simulators import envelope
from simulators.replay import MEGATEC, RTU, RTU_OVER_TCP, SNMP, TCP, Place, Splitter, Tape
from simulators.replay_snmp import SnmpTape
from simulators.serve import listen, tell
from simulators.serve_serial import SerialLine

_QUIET_S = 0.05
_COMMUNITY = b"public"


def main(file: Path, directory: Path, speed: float | None = None) -> int:
    """Serve until told to stop; 2 when the file is no recording or the wire cannot be opened."""
    try:
        found, problems = flight.read(file.read_bytes(), str(file))
    except OSError as error:
        found, problems = None, [unreadable(str(file), error)]
    for problem in problems:
        sys.stderr.write(problem.render("en") + "\n")
    if found is None:
        return 2
    try:
        return asyncio.run(_serve(found, directory.resolve(), speed))
    except OSError as error:
        sys.stderr.write(f"cannot open a wire for {file} in {directory}: {error}\n")
        return 2


async def _serve(recorded: Flight, directory: Path, speed: float | None) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    wires = Replay(recorded, directory, speed)
    try:
        if not await wires.open():
            sys.stderr.write(f"expected a recording of {', '.join(_KINDS)}, got {recorded.header.devices[0].scheme}\n")
            return 2
        tell({"ready": True, "devices": wires.devices(), "why": msgspec.to_builtins(recorded.header.why)})
        listen(loop, lambda line: _obey(line, stopped.set), stopped.set)
        await stopped.wait()
    finally:
        wires.close()
    return 0


def _obey(line: bytes, stop: Callable[[], None]) -> None:
    if not line.strip():
        return
    try:
        command = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        tell({"error": str(error)})
        return
    if isinstance(command, dict) and command.get("cmd") == "stop":
        stop()
    else:
        tell({"error": 'a recording takes no command but {"cmd":"stop"}'})


class Clock:
    """Where we are in the recording: told by real time when there is a speed, else by what is asked."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._began: float | None = None

    def set(self, place: Place) -> None:
        """Bring a place to now. The recording begins with the first request."""
        if self._speed is None:
            return
        now = asyncio.get_running_loop().time()
        self._began = now if self._began is None else self._began
        place.tell((now - self._began) * 1000 * self._speed)

    def real_s(self, after_ms: float) -> float:
        """How long to wait for what came `after_ms` after its request."""
        return max(after_ms, 0.0) / 1000 / (self._speed or 1.0)


class _Bytes:
    """One line of bytes: what arrives is split and answered from the tape."""

    def __init__(self, recorded: Flight, clock: Clock) -> None:
        self._scheme = recorded.header.devices[0].scheme
        self.tape = Tape(recorded)
        self._clock = clock
        self._strange: set[bytes] = set()

    def splitter(self) -> Splitter:
        return Splitter(self._scheme, self.tape.lengths)

    def answer(self, request: bytes, send: Callable[[bytes], None]) -> None:
        """Let the recorded reply come as late as it came then."""
        self._clock.set(self.tape.place)
        pieces = self.tape.reply(request)
        if pieces is None:
            strange = request[2:] if self._scheme == TCP else request
            if strange not in self._strange:
                self._strange.add(strange)
                tell({"event": "asked", "request": request.hex(" ")})
            return
        loop = asyncio.get_running_loop()
        for piece in pieces:
            loop.call_later(self._clock.real_s(piece.after_ms), send, piece.data)


class _Serial:
    """A pseudo-terminal."""

    def __init__(self, line: _Bytes, link: Path) -> None:
        self._bytes, self._splitter = line, line.splitter()
        self._heard_at = 0.0
        self._port = SerialLine(link, self._on_bytes)

    def _on_bytes(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._heard_at > _QUIET_S:
            self._splitter.quiet()
        self._heard_at = now
        for request in self._splitter.feed(data):
            self._bytes.answer(request, self._port.send)

    def close(self) -> None:
        self._port.close()


class _Stream(asyncio.Protocol):
    """One TCP connection."""

    def __init__(self, line: _Bytes) -> None:
        self._bytes, self._splitter = line, line.splitter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        for request in self._splitter.feed(data):
            self._bytes.answer(request, self._send)

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


class _Datagrams(asyncio.DatagramProtocol):
    """An SNMP agent of v2c, community public."""

    def __init__(self, tape: SnmpTape, clock: Clock) -> None:
        self._tape, self._clock = tape, clock

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        request = envelope.request(data)
        if request is None or request.community != _COMMUNITY:
            return
        self._clock.set(self._tape.place)
        reply = self._tape.answer(request)
        if reply is not None and not self._transport.is_closing():
            self._transport.sendto(reply, addr)


class Replay:
    """The wire of a recording, and the URL under which each device is reached."""

    def __init__(self, recorded: Flight, directory: Path, speed: float | None) -> None:
        self._recorded, self._directory = recorded, directory
        self._clock = Clock(speed)
        self._open: list[_Serial | asyncio.Server | asyncio.DatagramTransport] = []
        self._tapes: list[Tape | SnmpTape] = []
        self._places: dict[str, str] = {}

    async def open(self) -> bool:
        """Open the wire; False for a kind that cannot be replayed."""
        devices = self._recorded.header.devices
        scheme = devices[0].scheme
        if scheme in (RTU, MEGATEC):
            self._directory.mkdir(parents=True, exist_ok=True)
            link = self._directory / f"replay-{devices[0].id.replace('/', '-')}"
            self._open.append(_Serial(self._line(), link))
            self._places = {device.id: str(link) for device in devices}
        elif scheme in (TCP, RTU_OVER_TCP):
            line = self._line()
            server = await asyncio.get_running_loop().create_server(lambda: _Stream(line), "127.0.0.1", 0)
            self._open.append(server)
            place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._places = {device.id: place for device in devices}
        elif scheme == SNMP:
            for device in devices:
                self._places[device.id] = await self._snmp(device)
        else:
            return False
        return True

    def _line(self) -> _Bytes:
        line = _Bytes(self._recorded, self._clock)
        self._tapes.append(line.tape)
        return line

    @property
    def over(self) -> bool:
        """Whether the recording has been played to its end."""
        return all(tape.over for tape in self._tapes)

    @property
    def moment(self) -> float:
        """Where in the recording what was asked has come, ms since its first frame."""
        return max((tape.place.now for tape in self._tapes), default=0.0)

    async def _snmp(self, device: Wired) -> str:
        tape = SnmpTape(self._recorded, device.id)
        self._tapes.append(tape)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Datagrams(tape, self._clock), local_addr=("127.0.0.1", 0)
        )
        self._open.append(transport)
        return f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"

    def devices(self) -> list[dict[str, str]]:
        """As in the ready line of a scenario."""
        return [
            {
                "id": device.id,
                "site": self._recorded.header.site,
                "url": self._url(device),
                "profile": device.profiles[0] if device.profiles else "",
                "kind": "recorded",
            }
            for device in self._recorded.header.devices
        ]

    def _url(self, device: Wired) -> str:
        options = dict(device.options)
        if device.scheme == SNMP:
            options |= {"version": "2c", "community": _COMMUNITY.decode()}
        return f"{device.scheme}://{self._places[device.id]}" + (f"?{urlencode(options)}" if options else "")

    def close(self) -> None:
        """Close the wire and take the symlink away."""
        for wire in self._open:
            wire.close()
        self._open.clear()


_KINDS = (RTU, RTU_OVER_TCP, TCP, MEGATEC, SNMP)
