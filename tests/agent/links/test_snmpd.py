"""net-snmp's own agent at the other end: every level, hash and cipher, wrong keys, restarts and a change of engine."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Failure, GetVariables, Variables, WalkVariables
from agent.links import open_link
from agent.links.snmp import SnmpLink
from agent.profiles import Tier, load
from model.batch import Event
from model.reading import GapCause, Reading
from tests.services.snmpd import AUTH, CIPHERS, HASHES, PRIV, Snmpd, snmpd

pytestmark = pytest.mark.service

NAME = GetVariables(oids=("1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.2.0"))
TABLE = WalkVariables(root="1.3.6.1.2.1.2.2.1.10")


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNMPD_AUTH", AUTH)
    monkeypatch.setenv("SNMPD_PRIV", PRIV)
    monkeypatch.setenv("SNMPD_WRONG", "wrongwrong")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with snmpd(tmp_path_factory.mktemp("snmpd"), every=True) as running:
        yield running


def linked(daemon: Snmpd, options: str) -> SnmpLink:
    link = open_link(DeviceUrl.parse(daemon.url(options)))
    assert isinstance(link, SnmpLink)
    return link


@pytest.mark.parametrize("auth", HASHES)
async def test_every_hash_with_every_cipher_reads_a_get_and_a_walk(daemon: Snmpd, auth: str) -> None:
    levels = [daemon.user(auth, level="auth"), *(daemon.user(auth, priv) for priv in CIPHERS)]
    for options in levels:
        with closing(linked(daemon, options)) as link:
            got, walked = await link.ask(NAME), await link.ask(TABLE)
            assert isinstance(got, Variables), options
            assert got.values["1.3.6.1.2.1.1.5.0"] == b"real-end"
            assert isinstance(walked, Variables), options
            assert walked.values, options
            counts = link.account.total()
            assert (counts.requests, counts.timeouts, counts.quarantined) == (2, 0, 0)


@pytest.mark.parametrize("options", ["version=1", "version=2c", "version=3&user=plain"])
async def test_open_versions_read_the_same(daemon: Snmpd, options: str) -> None:
    with closing(linked(daemon, options)) as link:
        assert isinstance(await link.ask(NAME), Variables)
        walked = await link.ask(TABLE)
    assert isinstance(walked, Variables)
    assert "1.3.6.1.2.1.2.2.1.10.1" in walked.values


@pytest.mark.parametrize(
    ("other", "cause", "named"),
    [
        ({"auth_key": "env:SNMPD_WRONG"}, GapCause.REFUSED, "auth_key or auth is wrong"),
        ({"auth": "sha512", "user": "sha256aes128"}, GapCause.REFUSED, "auth_key or auth is wrong"),
        ({"user": "nobody"}, GapCause.REFUSED, "no such user"),
        ({"user": "sha256only"}, GapCause.REFUSED, "security level refused"),
        ({"priv_key": "env:SNMPD_WRONG"}, GapCause.NO_ANSWER, "priv_key or priv is wrong"),
        ({"priv": "des", "user": "sha256aes128"}, GapCause.NO_ANSWER, "priv_key or priv is wrong"),
        ({"auth_key": "env:SNMPD_NO_SUCH"}, GapCause.NO_ANSWER, "SNMPD_NO_SUCH is not set"),
    ],
)
async def test_what_is_wrong_with_the_user_is_named(
    daemon: Snmpd, other: dict[str, str], cause: GapCause, named: str
) -> None:
    with closing(linked(daemon, daemon.user(**other) + "&timeout=0.2")) as link:
        answer = await link.ask(NAME)
    assert isinstance(answer, Failure)
    assert answer.cause is cause
    assert named in answer.raw
    assert AUTH not in answer.raw
    assert PRIV not in answer.raw


async def test_a_user_without_the_level_that_is_asked_of_him_is_named(daemon: Snmpd) -> None:
    with closing(linked(daemon, daemon.user(level="auth", user="sha256aes128"))) as link:
        answer = await link.ask(NAME)
    assert isinstance(answer, Failure)
    assert "may not read that" in answer.raw


async def polled(daemon: Snmpd, link: SnmpLink, meanwhile: str) -> list[object]:
    """Rounds without a pause while the daemon is restarted or replaced, and for two more."""
    url, profile, found = DeviceUrl.parse(daemon.url(daemon.user())), load("if_mib"), list[object]()
    ticks = itertools.count(1)
    found += await ask_device(link, "a/sw", url, profile, Tier.STATUS, lambda: next(ticks))
    work = asyncio.get_running_loop().run_in_executor(None, getattr(daemon, meanwhile))
    after = 0
    while after < 3:
        found += await ask_device(link, "a/sw", url, profile, Tier.STATUS, lambda: next(ticks))
        after += work.done()
        await asyncio.sleep(0.02)
    await work
    return found


async def test_a_restart_in_mid_polling_is_no_gap_and_one_silent_resync(tmp_path: Path) -> None:
    with snmpd(tmp_path) as daemon, closing(linked(daemon, daemon.user() + "&timeout=2")) as link:
        assert isinstance(await link.ask(NAME), Variables)
        before = link.engine.boots, link.engine.id
        found = await polled(daemon, link, "restart")
        assert all(isinstance(one, Reading | Event) for one in found), found
        assert (link.engine.boots, link.engine.id) == (before[0] + 1, before[1])
        assert link.engine.resyncs == 1
        told = [one.data for one in found if isinstance(one, Event)]
        assert len(told) == 1
        assert told[0]["reboot"] in ("uptime", "engine_boots")


async def test_another_engine_at_the_address_is_one_silent_resync(tmp_path: Path) -> None:
    with snmpd(tmp_path) as daemon, closing(linked(daemon, daemon.user() + "&timeout=2")) as link:
        assert isinstance(await link.ask(NAME), Variables)
        before = link.engine.id
        found = await polled(daemon, link, "become_another")
        assert all(isinstance(one, Reading | Event) for one in found), found
        assert link.engine.id != before
        assert link.engine.resyncs == 1


async def test_two_devices_with_one_engine_id_are_both_named_and_both_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with snmpd(tmp_path / "a", engine_id="cloned") as first, snmpd(tmp_path / "b", engine_id="cloned") as second:
        one, two = linked(first, first.user()), linked(second, second.user())
        with closing(one), closing(two):
            profile, told = load("if_mib"), list[Event]()
            for _ in range(2):
                for link, daemon, device in ((one, first, "s/a"), (two, second, "s/b")):
                    url = DeviceUrl.parse(daemon.url(daemon.user()))
                    found = await ask_device(link, device, url, profile, Tier.STATUS, lambda: 5)
                    told += [event for event in found if isinstance(event, Event)]
                    assert any(isinstance(reading, Reading) for reading in found)
            assert [event.device for event in told] == ["s/b"]
            assert all(f"s/{n} 127.0.0.1:{d.port}" in str(told[0].data) for n, d in (("a", first), ("b", second)))
            assert one.sharers == (f"s/b 127.0.0.1:{second.port}",)


class _Between(asyncio.DatagramProtocol):
    """Someone on the path, who may change what the daemon says."""

    def __init__(self, daemon: Snmpd, change: Callable[[bytes], list[bytes]]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", daemon.port))
        self._socket.settimeout(2)
        self.change = change

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._socket.send(data)
        for one in self.change(self._socket.recv(65535)):
            self._transport.sendto(one, addr)  # type: ignore[attr-defined]

    def connection_lost(self, _why: Exception | None) -> None:
        self._socket.close()


def _unsigned(reply: bytes) -> list[bytes]:
    """With zeros for the 24 octets of its HMAC-SHA-256, which stand behind the user's name."""
    user = next(name for name in (b"sha256aes128", b"sha256only") if name in reply)
    at = reply.index(user) + len(user) + 2
    return [reply[:at] + bytes(24) + reply[at + 24 :]]


@pytest.mark.parametrize("level", ["auth", "priv"])
async def test_a_reply_with_a_wrong_signature_is_not_believed(daemon: Snmpd, level: str) -> None:
    loop = asyncio.get_running_loop()
    between = _Between(daemon, lambda reply: [reply])
    transport, _ = await loop.create_datagram_endpoint(lambda: between, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    url = f"snmp://127.0.0.1:{port}?timeout=0.2&{daemon.user(level=level)}"
    with closing(open_link(DeviceUrl.parse(url))) as link:
        assert isinstance(link, SnmpLink)
        assert isinstance(await link.ask(NAME), Variables)
        between.change = lambda reply: [*_unsigned(reply), reply]  # forged first, then the true one
        assert isinstance(await link.ask(NAME), Variables)
        assert link.account.total().quarantined == 1
        between.change = lambda reply: _unsigned(reply) if b"sha256" in reply else [reply]
        assert isinstance(await link.ask(NAME), Failure)
        assert link.engine is not None
        assert link.engine.forged == 3
        between.change = lambda reply: [reply]
        assert isinstance(await link.ask(NAME), Variables)
        held: list[bytes] = []
        between.change = lambda reply: held.append(reply) or [reply]  # type: ignore[func-returns-value]
        assert isinstance(await link.ask(NAME), Variables)
        between.change = lambda reply: [held[0], held[0], reply]  # played again
        assert isinstance(await link.ask(NAME), Variables)
    transport.close()


def test_probe_reads_a_v3_device(daemon: Snmpd) -> None:
    url = daemon.url(daemon.user())
    run = subprocess.run(
        [sys.executable, "-m", "roundsman", "probe", url, "--profile", "if_mib", "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    points = {json.loads(line)["point"]: json.loads(line) for line in run.stdout.splitlines()}
    assert points["device.name"]["value"] == "real-end"
    assert points["sysUpTime"]["value"] >= 0
    assert AUTH not in run.stdout + run.stderr
