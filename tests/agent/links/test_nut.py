"""NUT's and apcupsd's lines as they really come: whole, torn, late, somebody else's, and why there are none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import AskNamed, Failure, Named
from agent.links.apcupsd import ApcupsdLink
from agent.links.nut import NutLink
from agent.profiles import Tier
from model.reading import Gap, GapCause, Reading
from tests.services.nut import upsd

LIST = b'BEGIN LIST VAR ups\nVAR ups battery.charge "98"\nVAR ups ups.model "A \\"B\\" \\\\C"\nEND LIST VAR ups\n'
ASK = AskNamed(name="ups")
Say = Callable[[int, asyncio.StreamWriter], None]


@asynccontextmanager
async def server(say: Say, size: int = len(b"LIST VAR ups\n")) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that hears requests of `size` bytes and does `say(n, writer)` for the n-th."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heard.append(await reader.readexactly(size))
                say(len(heard), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    running = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield running.sockets[0].getsockname()[1], heard
    finally:
        running.close()


async def test_a_list_comes_with_its_quotes_undone_and_only_reading_is_asked() -> None:
    async with server(lambda _, out: out.write(LIST)) as (port, heard):
        link = NutLink("127.0.0.1", port, 1.0)
        assert await link.ask(ASK) == Named({"battery.charge": "98", "ups.model": 'A "B" \\C'})
        assert heard == [b"LIST VAR ups\n"]
        link.close()


async def test_a_list_in_crumbs_is_the_same_list() -> None:
    async def crumbs(out: asyncio.StreamWriter) -> None:
        for at in range(0, len(LIST), 7):
            out.write(LIST[at : at + 7])
            await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    async with server(lambda _, out: tasks.append(asyncio.create_task(crumbs(out)))) as (port, _):
        link = NutLink("127.0.0.1", port, 2.0)
        answer = await link.ask(ASK)
        assert isinstance(answer, Named)
        assert len(answer.values) == 2
        link.close()


async def test_half_a_list_is_garbled_and_its_rest_is_nobodys() -> None:
    def say(n: int, out: asyncio.StreamWriter) -> None:
        out.write(LIST[:40] if n == 1 else LIST)

    async with server(say) as (port, _):
        link = NutLink("127.0.0.1", port, 0.1)
        link.retries = 0
        torn = await link.ask(ASK)
        assert isinstance(torn, Failure)
        assert torn.cause is GapCause.GARBLED
        assert isinstance(await link.ask(ASK), Named)
        link.close()


async def test_a_late_list_of_one_ups_is_not_taken_for_anothers() -> None:
    late: list[asyncio.StreamWriter] = []

    def say(n: int, out: asyncio.StreamWriter) -> None:
        if n == 1:
            late.append(out)
        else:
            late[0].write(LIST)  # on the old connection
            out.write(LIST.replace(b"98", b"11"))

    async with server(say) as (port, _):
        link = NutLink("127.0.0.1", port, 0.1)
        link.retries = 0
        assert await link.ask(ASK) == Failure(cause=GapCause.NO_ANSWER)
        answer = await link.ask(ASK)
        assert isinstance(answer, Named)
        assert answer.values["battery.charge"] == "11"
        link.close()


@pytest.mark.parametrize(
    "said",
    [
        LIST.replace(b"VAR ups b", b"VAR other b"),
        LIST.replace(b'"98"', b'"98'),
        LIST.replace(b"LIST VAR ups", b"LIST VAR other", 1),
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"BEGIN LIST VAR ups\n" + b"x" * 600_000,
    ],
    ids=["another's variable", "no end of a value", "another's list", "no upsd", "no end at all"],
)
async def test_what_is_no_list_is_garbled(said: bytes) -> None:
    async with server(lambda _, out: out.write(said)) as (port, _):
        link = NutLink("127.0.0.1", port, 1.0)
        link.retries = 0
        answer = await link.ask(ASK)
        assert isinstance(answer, Failure)
        assert answer.cause is GapCause.GARBLED
        link.close()


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"ERR DATA-STALE\n", GapCause.STALE),
        (b"ERR DRIVER-NOT-CONNECTED\n", GapCause.STALE),
        (b"ERR ACCESS-DENIED\n", GapCause.REFUSED),
    ],
)
async def test_an_error_says_why_there_is_nothing_and_is_not_asked_again(line: bytes, cause: GapCause) -> None:
    async with server(lambda _, out: out.write(line)) as (port, heard):
        link = NutLink("127.0.0.1", port, 1.0)
        answer = await link.ask(ASK)
        assert isinstance(answer, Failure)
        assert answer.cause is cause
        assert line.decode().strip() in answer.raw
        assert len(heard) == 1
        link.close()


@pytest.mark.service
async def test_the_real_upsd_tells_of_a_ups_and_of_one_whose_driver_is_gone(tmp_path: Path) -> None:
    dump = tmp_path / "ups.dev"
    dump.write_text('ups.status: OB LB\nbattery.charge: 12\nups.model: Quote "this"\n')
    with upsd(tmp_path / "nut", {"ups": dump}, dead=["lost"]) as port:
        link = NutLink("127.0.0.1", port, 2.0)
        answer = await link.ask(ASK)
        assert isinstance(answer, Named)
        assert {"ups.status": "OB LB", "battery.charge": "12"}.items() <= answer.values.items()
        lost = await link.ask(AskNamed(name="lost"))
        assert lost == Failure(cause=GapCause.STALE, raw="ERR DRIVER-NOT-CONNECTED")
        none = await link.ask(AskNamed(name="none"))
        assert none == Failure(cause=GapCause.NO_ANSWER, raw="ERR UNKNOWN-UPS; upsc -l HOST lists the names")
        gone = await ask_device(
            link, "s/lost", DeviceUrl.parse(f"nut://127.0.0.1:{port}/lost"), None, Tier.STATUS, lambda: 7
        )
        assert gone == [
            Gap(device="s/lost", point=None, index=None, at=7, cause=GapCause.STALE, raw="ERR DRIVER-NOT-CONNECTED"),
            Reading(device="s/lost", point="alarm.communication_lost", index=None, at=7, value=1.0),
        ]
        link.close()


def records(*lines: str) -> bytes:
    packed = b"".join(len(line).to_bytes(2, "big") + line.encode() for line in lines)
    return packed + b"\0\0"


@pytest.mark.parametrize(
    ("status", "why"), [("STATUS   : COMMLOST \n", "STATUS COMMLOST"), ("UPSNAME  : x\n", "a list without STATUS")]
)
async def test_an_apcupsd_that_lost_its_ups_or_never_found_it_tells_nothing_old(status: str, why: str) -> None:
    said = records(status, "BCHARGE  : 100.0 Percent\n")
    async with server(lambda _, out: out.write(said), size=8) as (port, _):
        link = ApcupsdLink("127.0.0.1", port, 1.0)
        assert await link.ask(AskNamed()) == Failure(cause=GapCause.STALE, raw=why)
        link.close()


async def test_apcupsd_sends_records_with_their_length() -> None:
    said = records("APC      : 001,036,0857\n", "STATUS   : ONLINE \n", "LINEV    : 231.0 Volts\n")
    async with server(lambda _, out: out.write(said), size=8) as (port, heard):
        link = ApcupsdLink("127.0.0.1", port, 1.0)
        expected = Named({"APC": "001,036,0857", "STATUS": "ONLINE", "LINEV": "231.0 Volts"})
        assert await link.ask(AskNamed()) == expected
        assert heard == [b"\0\6status"]
        link.close()


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", records("no colon"), records(), records("A : b")[:-3]]
)
async def test_what_is_no_status_list_is_garbled(said: bytes) -> None:
    async with server(lambda _, out: out.write(said), size=8) as (port, _):
        link = ApcupsdLink("127.0.0.1", port, 0.1)
        link.retries = 0
        answer = await link.ask(AskNamed())
        assert isinstance(answer, Failure)
        assert answer.cause is GapCause.GARBLED
        link.close()
