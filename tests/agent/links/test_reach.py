"""Whether a host is there, on loopback: replies only from where they were asked, and silence that is told as silence."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any

import pytest
import uvloop

from agent.address import AddressError, DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Failure, Reach, Reached
from agent.links import open_link
from agent.links.reach import IcmpLink, echo_socket
from agent.profiles import Tier
from model.reading import Gap, GapCause, Reading
from tests.services import free_port, missing

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
Run = Callable[[Coroutine[Any, Any, None]], None]


def values(found: list[Any]) -> dict[str, float]:
    return {one.point: one.value for one in found if isinstance(one, Reading)}


@pytest.fixture
def permitted() -> None:
    try:
        echo_socket(socket.AF_INET).close()
    except PermissionError:
        if os.environ.get("CI"):
            pytest.skip("neither an ICMP datagram socket nor CAP_NET_RAW here")
        missing("neither an ICMP datagram socket nor CAP_NET_RAW here")


@LOOPS
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_a_host_that_is_there_answers(run: Run, host: str, permitted: None) -> None:
    async def story() -> None:
        url = DeviceUrl.parse(f"icmp://{host}?timeout=5")
        with closing(open_link(url)) as link:
            for _ in range(3):
                found = values(await ask_device(link, "a/gate", url, None, Tier.STATUS, lambda: 5))
                assert found["device.reachable"] == 1
                assert 0 < found["device.round_trip"] < 5
            assert link.account.of("a/gate").requests == 3
            assert await ask_device(link, "a/gate", url, None, Tier.MEASURE, lambda: 5) == []

    run(story())


@LOOPS
def test_a_host_that_is_not_there_is_unreachable_and_a_gap_of_the_whole_device(run: Run, permitted: None) -> None:
    async def story() -> None:
        url = DeviceUrl.parse("icmp://240.0.0.1?timeout=0.05")  # reserved: nobody has it
        with closing(open_link(url)) as link:
            found = await ask_device(link, "a/gate", url, None, Tier.STATUS, lambda: 5)
        gaps = [(one.point, one.cause) for one in found if isinstance(one, Gap)]
        assert gaps == [(None, GapCause.NO_ANSWER)]
        assert values(found) == {"device.reachable": 0}

    run(story())


async def test_a_made_up_reply_is_no_reply(permitted: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket pair stands for the network: what it says is ours to choose, and so is from where."""
    said: list[tuple[bytes, str]] = []
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    class Wire:
        family, type = socket.AF_INET, socket.SOCK_DGRAM

        def fileno(self) -> int:
            return near.fileno()

        def sendto(self, data: bytes, _to: object) -> None:
            token, number = data[8:], struct.unpack(">H", data[6:8])[0]

            def reply(kind: int, number: int, token: bytes, source: str) -> None:
                said.append((struct.pack(">BBHHH", kind, 0, 0, 0, number) + token, source))
                far.send(b"!")

            reply(0, number, token, "127.0.0.2")  # from elsewhere
            reply(0, number, b"x" * len(token), "127.0.0.1")  # without our token
            reply(8, number, token, "127.0.0.1")  # the request, echoed
            reply(0, number - 1 & 0xFFFF, token, "127.0.0.1")  # late
            said.append((b"\x00", "127.0.0.1"))  # torn
            far.send(b"!")

        def recvfrom(self, _most: int) -> tuple[bytes, tuple[str, int]]:
            near.recv(1)
            data, source = said.pop(0)
            return data, (source, 0)

        def close(self) -> None:
            pass

    monkeypatch.setattr("agent.links.reach.echo_socket", lambda _family: Wire())
    with closing(IcmpLink("127.0.0.1", 0.1)) as link:
        link.retries = 0
        assert await link.ask(Reach()) == Failure(cause=GapCause.NO_ANSWER)
        assert link.account.of("").quarantined == 1, "the late one was sound"
    near.close()
    far.close()


async def test_icmp_that_is_not_permitted_says_what_to_do_and_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("agent.links.reach.echo_socket", lambda family: echo_socket(family, refuse))
    url = DeviceUrl.parse("icmp://127.0.0.1")
    with closing(open_link(url)) as link:
        (gap,) = await ask_device(link, "a/gate", url, None, Tier.STATUS, lambda: 5)
    assert isinstance(gap, Gap)
    assert (gap.point, gap.cause) == ("device.reachable", GapCause.NOT_SUPPORTED)
    assert "ping_group_range" in gap.raw


@LOOPS
def test_a_port_that_takes_connections_is_reachable_and_a_closed_one_is_not(run: Run) -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = DeviceUrl.parse(f"tcp://127.0.0.1:{listening.getsockname()[1]}?timeout=5")
            with closing(open_link(url)) as link:
                assert isinstance(await link.ask(Reach()), Reached)
                found = values(await ask_device(link, "a/gate", url, None, Tier.STATUS, lambda: 5))
                assert found["device.reachable"] == 1
                assert found["device.round_trip"] > 0
        url = DeviceUrl.parse(f"tcp://127.0.0.1:{free_port()}?timeout=5")
        with closing(open_link(url)) as link:
            found_closed = await ask_device(link, "a/gate", url, None, Tier.STATUS, lambda: 5)
        assert values(found_closed) == {"device.reachable": 0}
        (gap,) = [one for one in found_closed if isinstance(one, Gap)]
        assert "refused" in gap.raw.lower()

    run(story())


@pytest.mark.parametrize(
    "url", ["tcp://192.0.2.1", "icmp://", "icmp://192.0.2.1?unit=1", "tcp://192.0.2.1:80?community=public"]
)
def test_what_such_a_url_may_not_hold_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        DeviceUrl.parse(url)


def test_a_modbus_device_and_a_look_at_its_port_are_two_lines() -> None:
    assert DeviceUrl.parse("tcp://h:502").link_key != DeviceUrl.parse("modbus+tcp://h:502").link_key
