"""A serial port that is looked for where it is now, turned round when it must be, and kept to the time."""

from __future__ import annotations

import asyncio
import os
import pty
import time
import tty
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import uvloop

from agent.links.adapters import AtPath, OfAdapter
from agent.links.alarm import KernelAlarm, LoopAlarm, alarm
from agent.links.port import PortGone
from agent.links.rs485 import Direction
from agent.links.serial_port import SerialPort


@contextmanager
def wire() -> Iterator[tuple[int, str]]:
    """Our end of a pty, and the path of the other."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    try:
        yield ours, os.ttyname(theirs)
    finally:
        os.close(theirs)
        os.close(ours)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


async def test_what_waits_for_a_whole_reply_is_not_woken_by_each_byte() -> None:
    with wire() as (ours, path), closing(SerialPort(AtPath(path), 9600)) as port:
        await port.open()
        waiting = asyncio.create_task(port.read(soon(), lambda data: len(data) >= 3))
        for byte in (b"a", b"b"):
            os.write(ours, byte)
            await asyncio.sleep(0.01)
        assert not waiting.done()
        os.write(ours, b"c")
        assert await waiting == b"abc"


async def test_a_pause_ends_the_wait_for_a_reply_that_was_torn() -> None:
    with wire() as (ours, path), closing(SerialPort(AtPath(path), 9600)) as port:
        await port.open()
        os.write(ours, b"ab")
        assert await port.read(soon(3600), lambda data: len(data) >= 3, 0.02) == b"ab"


async def test_nothing_is_sent_when_something_comes_in_the_silence_before() -> None:
    with wire() as (ours, path), closing(SerialPort(AtPath(path), 9600)) as port:
        await port.open()
        sending = asyncio.create_task(port.send(b"question", soon(3600)))
        await asyncio.sleep(0)
        os.write(ours, b"late")
        assert await sending == 0.0
        assert await port.read(0.0) == b"late"
        assert await port.send(b"question", 0.0) > 0
        assert os.read(ours, 100) == b"question"


async def test_an_adapter_is_found_by_its_serial_number_under_whatever_name(tmp_path: Path) -> None:
    ports: list[tuple[str, str]] = []
    place = OfAdapter("A50285BI", lambda: ports, tmp_path)
    with closing(SerialPort(place, 9600)) as port:
        with pytest.raises(PortGone, match="port missing: adapter A50285BI"):
            await port.open()
        with wire() as (_, path):
            ports[:] = [("/dev/null", "another"), (path, "A50285BI")]
            assert not port.returned()  # nothing appeared among the device nodes, so nothing is listed anew
            (tmp_path / "ttyUSB7").touch()
            assert port.returned()
            await port.open()
        with pytest.raises(PortGone, match="port lost"):
            await port.read(soon())
        assert not port.returned()
        with wire() as (ours, path):
            ports[:] = [(path, "A50285BI")]
            (tmp_path / "ttyUSB8").touch()
            await port.open()  # without waiting for any back-off
            assert port.opened == 2
            os.write(ours, b"here")
            assert await port.read(soon()) == b"here"


def test_two_ports_of_one_serial_number_are_nobodys(tmp_path: Path) -> None:
    place = OfAdapter("X", lambda: [("/dev/null", "X"), ("/dev/zero", "X")], tmp_path)
    assert place.path() == ""
    assert str(place) == "adapter X (2 ports have that serial number: name a path)"


async def test_a_link_that_was_pointed_elsewhere_is_followed_after_the_next_silence(tmp_path: Path) -> None:
    link = tmp_path / "bus"
    with wire() as (_, first), wire() as (_, second):
        link.symlink_to(first)
        with closing(SerialPort(AtPath(str(link)), 9600)) as port:
            await port.open()
            assert await port.read(soon(0.01)) == b""
            link.unlink()
            link.symlink_to(second)
            port._looked_at = 0.0
            with pytest.raises(PortGone, match="another node"):
                await port.read(soon(0.01))


class Rts:
    """What a UART does with RTS, as far as a pty can show it: it notes when the level changed."""

    def __init__(self, way: str) -> None:
        self.levels: list[tuple[bool, float]] = []
        self.direction = Direction(way, before_s=0.002, after_s=0.003)

    @property
    def rts(self) -> bool:
        return self.levels[-1][0]

    @rts.setter
    def rts(self, level: bool) -> None:
        self.levels.append((level, time.monotonic()))


@pytest.mark.parametrize(("way", "talking"), [("rts", True), ("rts-inverted", False)])
async def test_rts_is_held_from_before_the_first_bit_until_after_the_last(
    way: str, talking: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = Rts(way)
    monkeypatch.setattr(line.direction, "prepare", lambda _: line.direction.listen(line))
    monkeypatch.setattr(line.direction, "talk", lambda _, talk=line.direction.talk: talk(line))
    monkeypatch.setattr(line.direction, "listen", lambda _, listen=line.direction.listen: listen(line))
    with wire() as (ours, path), closing(SerialPort(AtPath(path), 9600, direction=line.direction)) as port:
        await port.open()
        out = await port.send(b"12345678", 0.0)
        assert os.read(ours, 100) == b"12345678"
    (_, _), (up, up_at), (down, down_at) = line.levels
    assert (up, down) == (talking, not talking)
    assert out - up_at >= 0.002 + 8 * 10 / 9600
    assert down_at - out >= 0.003


async def test_a_port_without_rts_says_so_instead_of_talking_into_the_void() -> None:
    with wire() as (_, path), pytest.raises(PortGone, match="no RS-485 direction control"):
        await SerialPort(AtPath(path), 9600, direction=Direction("kernel")).open()


@pytest.mark.parametrize("kind", [KernelAlarm, LoopAlarm])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_an_alarm_never_rings_early_and_only_for_its_last_time(kind: type, run: object) -> None:
    async def story() -> None:
        rung: list[float] = []
        done = asyncio.Event()

        def ring() -> None:
            rung.append(time.monotonic())
            done.set()

        bell = kind(asyncio.get_running_loop(), ring)
        bell.set(soon(0.001))
        bell.off()
        bell.set(soon(3600))
        due = soon(0.003)
        bell.set(due)
        await done.wait()
        await asyncio.sleep(0.005)
        bell.close()
        assert len(rung) == 1
        assert rung[0] >= due

    run(story())  # type: ignore[operator]


async def test_where_there_are_no_timer_descriptors_the_loop_keeps_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.links.alarm._libc", lambda: None)
    bell = alarm(lambda: None)
    assert isinstance(bell, LoopAlarm)
    bell.close()
