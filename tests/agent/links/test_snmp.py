"""SNMP agents that send garbage, loop, lose long replies or say nothing, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing

import pytest
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Failure, GetVariables, Variables, WalkVariables
from agent.links import Link, open_link
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
async def served(agent: asyncio.DatagramProtocol, timeout_s: float = 0.3) -> AsyncIterator[tuple[Link, DeviceUrl]]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: agent, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    url = DeviceUrl.parse(f"snmp://127.0.0.1:{port}?timeout={timeout_s}")
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
