"""SNMP agents that send garbage, loop, lose long replies or say nothing, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import pytest
from gufo.snmp._fast import SnmpV2cClientSocket
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Failure, GetVariables, Variables, WalkVariables
from agent.links import Link, open_link
from agent.links.ring import unpacked
from agent.links.snmp import SnmpLink
from agent.links.snmp_session import Session, Verdict
from agent.links.snmp_usm import EngineChanged
from agent.profiles import Tier
from model.reading import Gap, GapCause
from tests.services import free_port

_V2C = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
#: (kind of PDU, OIDs, repetitions) -> [(OID, number)]; None: say nothing.
Script = Callable[[str, list[str], int], "list[tuple[str, int]] | None"]
SYS = GetVariables(oids=("1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.3.0"))


class _Agent(asyncio.DatagramProtocol):
    """Decodes requests with pysnmp and answers what the script says."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message, _ = decoder.decode(data, asn1Spec=_V2C.Message())
        pdu = _V2C.apiMessage.get_pdu(message)
        kind = type(pdu).__name__
        bulk = kind.startswith("GetBulk")
        oids = [str(oid) for oid, _ in (_V2C.apiBulkPDU if bulk else _V2C.apiPDU).get_varbinds(pdu)]
        found = self._script(kind, oids, int(_V2C.apiBulkPDU.get_max_repetitions(pdu)) if bulk else 1)
        if found is None:
            return
        reply = _V2C.apiMessage.get_response(message)
        values = [(oid, _V2C.Integer(value)) for oid, value in found]
        _V2C.apiPDU.set_varbinds(_V2C.apiMessage.get_pdu(reply), values)
        self._transport.sendto(encoder.encode(reply), addr)  # type: ignore[attr-defined]


class _Raw(asyncio.DatagramProtocol):
    def __init__(self, said: bytes) -> None:
        self._said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(self._said, addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def served(
    agent: asyncio.DatagramProtocol, timeout_s: float = 0.3, more: str = ""
) -> AsyncIterator[tuple[Link, DeviceUrl]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: agent, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    url = DeviceUrl.parse(f"snmp://127.0.0.1:{port}?timeout={timeout_s}{more}")
    try:
        with closing(open_link(url)) as link:
            yield link, url
    finally:
        transport.close()


@pytest.mark.parametrize(
    "said", [b"\x00" * 40, b"0\x82garbage", b"0" * 80, bytes(range(256)), b"\x30\x05\x02\x01\x01\x04\x7f"]
)
async def test_garbage_is_a_failure_and_never_an_exception(said: bytes) -> None:
    async with served(_Raw(said)) as (link, _):
        answer = await link.ask(SYS)
    assert isinstance(answer, Failure)
    assert answer.cause in (GapCause.GARBLED, GapCause.NO_ANSWER, GapCause.REFUSED)


async def test_a_key_that_vanishes_is_absent_from_the_answer() -> None:
    async with served(_Agent(lambda kind, oids, n: [(oids[0], 7)]), timeout_s=5) as (link, _):
        assert await link.ask(SYS) == Variables({SYS.oids[0]: 7})


async def test_a_walk_that_never_ends_is_ended() -> None:
    def loops(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]]:
        return [(f"1.3.6.1.2.1.2.2.1.8.{n % 5 + 1}", 1) for n in range(repetitions)]

    async with served(_Agent(loops), timeout_s=5) as (link, _):
        answer = await link.ask(WalkVariables(root="1.3.6.1.2.1.2.2.1.8"))
    assert isinstance(answer, Variables | Failure)
    if isinstance(answer, Variables):
        assert len(answer.values) <= 5


async def test_an_agent_that_loses_long_replies_is_asked_for_shorter_ones() -> None:
    def short(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]] | None:
        if repetitions > 10:
            return None
        last = int(oids[0].rpartition(".")[2]) if oids[0].count(".") > 9 else 0
        rows = [(f"1.3.6.1.2.1.2.2.1.8.{n}", n) for n in range(last + 1, min(last + repetitions, 20) + 1)]
        return [*rows, ("1.3.6.1.2.1.2.2.1.9.1", 0)][:repetitions]

    async with served(_Agent(short), timeout_s=0.2) as (link, _):
        answer = await link.ask(WalkVariables(root="1.3.6.1.2.1.2.2.1.8"))
    assert isinstance(answer, Variables)
    assert [*answer.values.values()] == [*range(1, 21)]


def _table(oids: list[str], repetitions: int) -> list[tuple[str, int]]:
    last = int(oids[0].rpartition(".")[2]) if oids[0].count(".") > 9 else 0
    rows = [(f"1.3.6.1.2.1.2.2.1.8.{n}", n) for n in range(last + 1, min(last + repetitions, 90) + 1)]
    return [*rows, ("1.3.6.1.2.1.2.2.1.9.1", 0)][:repetitions]


async def test_packets_lost_in_the_middle_of_a_walk_are_asked_for_again() -> None:
    heard: list[str] = []

    def lossy(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]] | None:
        heard.append(oids[0])
        return None if len(heard) % 3 == 0 else _table(oids, repetitions)

    async with served(_Agent(lossy), timeout_s=0.2) as (link, _):
        answer = await link.ask(WalkVariables(root="1.3.6.1.2.1.2.2.1.8"))
    assert isinstance(answer, Variables)
    assert [*answer.values.values()] == [*range(1, 91)]
    assert len(heard) < 9


async def test_an_agent_that_refuses_bulk_requests_is_walked_row_by_row() -> None:
    heard: list[str] = []

    def refuses_bulk(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]]:
        heard.append(kind)
        return [] if kind.startswith("GetBulk") else _table(oids, 1)

    async with served(_Agent(refuses_bulk), timeout_s=5) as (link, _):
        answer = await link.ask(WalkVariables(root="1.3.6.1.2.1.2.2.1.8"))
    assert isinstance(answer, Variables)
    assert [*answer.values.values()] == [*range(1, 91)]


@pytest.mark.parametrize(("next_row", "asked"), [([("1.3.6.1.2.1.99.1.0", 0)], 3), ([], 4)])
async def test_a_table_that_is_not_there_costs_its_second_question_once(
    next_row: list[tuple[str, int]], asked: int
) -> None:
    heard: list[str] = []

    def bare(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]]:
        heard.append(kind)
        return next_row

    async with served(_Agent(bare), timeout_s=5) as (link, _):
        for _round in range(3):
            assert await link.ask(WalkVariables(root="1.3.6.1.2.1.31.1.1.1.6")) == Variables({})
    assert len(heard) == asked


async def test_a_silent_agent_is_one_gap_for_the_whole_device_and_asked_twice() -> None:
    heard: list[str] = []

    def silent(kind: str, oids: list[str], repetitions: int) -> None:
        heard.append(kind)

    async with served(_Agent(silent), timeout_s=0.1) as (link, url):
        found = await ask_device(link, "a/sw-1", url, None, Tier.STATUS, lambda: 9)
    said = "never answered: address or community, or an agent that only speaks v1 (version=1)"
    assert found == [Gap(device="a/sw-1", point=None, index=None, at=9, cause=GapCause.NO_ANSWER, raw=said)]
    assert len(heard) == 2


async def test_a_closed_port_is_told() -> None:
    with closing(open_link(DeviceUrl.parse(f"snmp://127.0.0.1:{free_port()}?timeout=1"))) as link:
        answer = await link.ask(SYS)
    assert isinstance(answer, Failure)
    assert answer.cause == GapCause.NO_ANSWER


async def test_a_community_that_is_not_set_is_told_without_the_secret() -> None:
    with closing(open_link(DeviceUrl.parse("snmp://127.0.0.1:9?community=env:ROUNDSMAN_NO_SUCH"))) as link:
        answer = await link.ask(SYS)
    assert isinstance(answer, Failure)
    assert "ROUNDSMAN_NO_SUCH is not set" in answer.raw


class _Twisted(_Agent):
    """An agent that answers soundly, and before each answer sends what `beside` makes of the request and the reply."""

    def __init__(self, script: Script, beside: Callable[[bytes, bytes], list[bytes]], after_s: float = 0.0) -> None:
        super().__init__(script)
        self._beside = beside
        self._after_s = after_s

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        said: list[bytes] = []
        real, self._transport = self._transport, type("T", (), {"sendto": lambda _, d, a: said.append(d)})()
        super().datagram_received(data, addr)
        self._transport = real
        others = self._beside(data, said[0])
        for one in others:
            self._transport.sendto(one, addr)  # type: ignore[attr-defined]
        asyncio.get_running_loop().call_later(self._after_s, self._transport.sendto, said[0], addr)  # type: ignore[attr-defined]


def _answers(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]]:
    return _table(oids, repetitions) if kind.startswith("GetBulk") else [(oid, 7) for oid in oids]


ROWS = WalkVariables(root="1.3.6.1.2.1.2.2.1.8")


@pytest.mark.parametrize("seed", range(4))
async def test_garbage_from_the_right_address_beside_each_answer_does_no_harm(seed: int) -> None:
    dice = random.Random(seed)

    def spoiled(request: bytes, reply: bytes) -> list[bytes]:
        out = []
        for _ in range(dice.randint(1, 3)):
            data = bytearray(dice.choice((request, reply)))
            for _ in range(dice.randint(1, 4)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            del data[dice.choice((len(data), dice.randrange(1, len(data)))) :]
            # a whole reply with another number in it is no garbage, and nothing but v3 can tell
            out.append(bytes(data) if len(data) != len(reply) else dice.randbytes(len(data)))
        return out

    async with served(_Twisted(_answers, spoiled), timeout_s=2) as (link, _):
        for _ in range(40):
            answer = await link.ask(SYS)
            assert answer == Variables(dict.fromkeys(SYS.oids, 7))
        walked = await link.ask(ROWS)
        counts = link.account.total()
    assert isinstance(walked, Variables)
    assert [*walked.values.values()] == [*range(1, 91)]
    assert counts.garbled + counts.quarantined > 20


async def test_a_reply_to_another_request_is_counted_and_not_taken() -> None:
    replies: list[bytes] = []

    def late(request: bytes, reply: bytes) -> list[bytes]:
        replies.append(reply)
        return replies[-2:-1]

    async with served(_Twisted(_answers, late, after_s=0.02), timeout_s=1) as (link, _):
        for oid in range(1, 7):
            one = GetVariables(oids=(f"1.3.6.1.2.1.1.{oid}.0",))
            assert await link.ask(one) == Variables({one.oids[0]: 7})
        assert link.account.total().quarantined == 5


async def test_a_reply_that_comes_after_its_time_out_is_counted_and_not_taken() -> None:
    def first_late(request: bytes, reply: bytes) -> list[bytes]:
        agent._after_s = 0.0 if heard else 0.15
        heard.append(request)
        return []

    heard: list[bytes] = []
    agent = _Twisted(_answers, first_late)
    async with served(agent, timeout_s=0.1) as (link, _):
        assert await link.ask(SYS) == Variables(dict.fromkeys(SYS.oids, 7))
        await asyncio.sleep(0.1)
        assert await link.ask(SYS) == Variables(dict.fromkeys(SYS.oids, 7))
        counts = link.account.total()
        assert (counts.requests, counts.timeouts, counts.quarantined) == (3, 1, 1)


async def test_sockets_are_given_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(kind: str, oids: list[str], repetitions: int) -> None:
        return None

    monkeypatch.setenv("SNMP_KEY", "long enough")
    gc.collect()
    gc.disable()
    try:
        for more in ("", "&version=3&user=x&auth=sha&auth_key=env:SNMP_KEY"):
            async with served(_Agent(silent), timeout_s=0.02, more=more) as (link, _):
                before = len([*Path("/proc/self/fd").iterdir()])
                for _ in range(12):
                    await link.ask(SYS)
                assert len([*Path("/proc/self/fd").iterdir()]) <= before + 1
    finally:
        gc.enable()


async def test_an_answer_from_elsewhere_is_never_seen() -> None:
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.1", 0))

    class Spoofed(_Twisted):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            forged = data.replace(b"\xa0", b"\xa2", 1)  # the request as its own answer
            stranger.sendto(forged, addr)
            super().datagram_received(data, addr)

    async with served(Spoofed(_answers, lambda _q, _r: []), timeout_s=1) as (link, _):
        for _ in range(5):
            assert await link.ask(SYS) == Variables(dict.fromkeys(SYS.oids, 7))
        counts = link.account.total()
    stranger.close()
    assert (counts.quarantined, counts.garbled, counts.timeouts) == (0, 0, 0)


MANY = GetVariables(oids=tuple(f"1.3.6.1.2.1.1.{n}.0" for n in range(1, 31)))


async def test_an_agent_that_says_too_big_is_asked_for_less_and_in_time_for_more() -> None:
    heard: list[int] = []
    most = 10

    def small(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]]:
        heard.append(len(oids))
        return [(oid, 7) for oid in oids] if len(oids) <= most else []

    async with served(_Agent(small), timeout_s=5) as (link, _):
        for _ in range(3):
            assert await link.ask(MANY) == Variables(dict.fromkeys(MANY.oids, 7))
        learned = len(heard)
        assert await link.ask(MANY) == Variables(dict.fromkeys(MANY.oids, 7))
        assert len(heard) - learned <= 5, "no more is asked at once than it bears"
        most = 40
        for _ in range(60):
            await link.ask(MANY)
        assert heard[-1] == 30


async def test_one_variable_that_the_agent_chokes_on_loses_no_other() -> None:
    heard: list[int] = []

    def chokes(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]]:
        heard.append(len(oids))
        return [] if "1.3.6.1.2.1.1.13.0" in oids else [(oid, 7) for oid in oids]

    async with served(_Agent(chokes), timeout_s=5) as (link, _):
        for _ in range(2):
            answer = await link.ask(MANY)
            assert isinstance(answer, Variables)
            assert set(answer.values) == {*MANY.oids} - {"1.3.6.1.2.1.1.13.0"}
        assert heard[-1] == 29, "it is left out from then on"


async def test_an_agent_that_never_answers_long_gets_is_found_by_a_short_one() -> None:
    heard: list[int] = []

    def short(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]] | None:
        heard.append(len(oids))
        return [(oid, 7) for oid in oids] if len(oids) <= 9 else None

    async with served(_Agent(short), timeout_s=0.1) as (link, _):
        assert await link.ask(MANY) == Variables(dict.fromkeys(MANY.oids, 7))
        assert heard[:2] == [30, 8]
        heard.clear()
        assert await link.ask(MANY) == Variables(dict.fromkeys(MANY.oids, 7))
        assert max(heard) <= 9


async def test_a_slow_agent_costs_its_budget_and_what_came_is_kept() -> None:
    class Slow(_Agent):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asyncio.get_running_loop().call_later(0.12, super().datagram_received, data, addr)

    async with served(Slow(_answers), timeout_s=0.5) as (link, _):
        assert isinstance(link, SnmpLink)
        link.budget_s = 0.45
        link.begin("s/slow")
        walked = await link.ask(ROWS)
        assert isinstance(walked, Variables)
        assert walked.cut is not None
        assert 0 < len(walked.values) < 90
        rest = await link.ask(SYS)
        assert isinstance(rest, Failure)
        assert "time for this round is spent" in rest.raw
        link.begin("s/slow")
        assert await link.ask(SYS) == Variables(dict.fromkeys(SYS.oids, 7))


async def test_what_was_exchanged_is_kept_for_the_recorder_and_counted() -> None:
    lost = iter((True, False, False))

    def once_deaf(kind: str, oids: list[str], repetitions: int) -> list[tuple[str, int]] | None:
        return None if next(lost) else [(oid, 7) for oid in oids]

    async with served(_Agent(once_deaf), timeout_s=0.1) as (link, _):
        link.begin("s/sw")
        await link.ask(SYS)
        await link.ask(SYS)
        counts = link.account.of("s/sw")
        assert (counts.requests, counts.replies, counts.retries, counts.timeouts) == (3, 2, 1, 1)
        assert [(frame.device, unpacked(frame)) for frame in link.ring] == [
            ("s/sw", (SYS, Variables(dict.fromkeys(SYS.oids, 7))))
        ] * 2


async def test_version_1_walks_row_by_row_and_one_absent_variable_loses_no_other() -> None:
    v1 = api.PROTOCOL_MODULES[api.SNMP_VERSION_1]
    kinds: list[str] = []

    class Old(_Raw):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            message, _ = decoder.decode(data, asn1Spec=v1.Message())
            pdu = v1.apiMessage.get_pdu(message)
            kinds.append(type(pdu).__name__)
            oids = [str(oid) for oid, _ in v1.apiPDU.get_varbinds(pdu)]
            reply = v1.apiMessage.get_response(message)
            answer = v1.apiMessage.get_pdu(reply)
            if any(oid.startswith("1.3.6.1.2.1.99") for oid in oids):
                v1.apiPDU.set_error_status(answer, 2)
                v1.apiPDU.set_error_index(answer, 1)
            elif kinds[-1].startswith("GetNext"):
                v1.apiPDU.set_varbinds(answer, [(oid, v1.Integer(n)) for oid, n in _table(oids, 1)])
            else:
                v1.apiPDU.set_varbinds(answer, [(oid, v1.Integer(7)) for oid in oids])
            self._transport.sendto(encoder.encode(reply), addr)  # type: ignore[attr-defined]

    async with served(Old(b""), timeout_s=5, more="&version=1") as (link, _):
        walked = await link.ask(ROWS)
        assert isinstance(walked, Variables)
        assert len(walked.values) == 90
        mixed = GetVariables(oids=(*SYS.oids, "1.3.6.1.2.1.99.1.0", "1.3.6.1.2.1.1.5.0"))
        for _ in range(2):
            answer = await link.ask(mixed)
            assert isinstance(answer, Variables)
            assert len(answer.values) == 3
    assert not [kind for kind in kinds if kind.startswith("GetBulk")]


class _Another:
    """Judges that a datagram comes from another engine."""

    def judge(self, data: bytes) -> Verdict:
        raise EngineChanged(data[:1])


async def _hears_another(other: socket.socket) -> int:
    """Ask, and be told by another engine. Returns the descriptor that was asked through."""
    wire = SnmpV2cClientSocket("{}:{}".format(*other.getsockname()), "public", 0, 0, 0, 0)
    session = Session(wire, _Another())
    asked = asyncio.ensure_future(session.exchange(partial(wire.send_get, "1.3.6.1.2.1.1.3.0"), wire.recv_get, 5))
    await asyncio.sleep(0)
    heard, who = await asyncio.to_thread(other.recvfrom, 4096)
    other.sendto(heard, who)
    await asyncio.wait([asked])
    assert isinstance(asked.exception(), EngineChanged)
    session.close()
    return int(wire.get_fd())


async def test_a_socket_is_given_back_at_once_after_another_engine_answered() -> None:
    gc.collect()
    gc.disable()  # nothing but the last reference shall close it
    try:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
            other.bind(("127.0.0.1", 0))
            fd = await _hears_another(other)
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(fd)
    finally:
        gc.enable()
