"""Real Modbus exchanges as makers printed and users logged them, good and broken, through the framing and the profiles."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest

from agent.address import DeviceUrl
from agent.drivers import modbus
from agent.drivers.exchange import Exchange, Failure, Objects, ReadIdentity, ReadWords, Words
from agent.drivers.modbus_frames import find_tcp, rtu, tcp
from agent.drivers.rtu_frames import find_rtu, sound
from agent.links import open_link
from agent.profiles import Tier, load
from model.reading import GapCause
from tests.agent.drivers.modbus_device import chapter, exchanges

pytestmark = pytest.mark.shared
CARD, GUIDE = "Huawei UPS2000, RMS-MODBUS01A card", "Huawei UPS2000 1-3 kVA guide"
BROKEN = "Broken and hostile replies"


def quoted(title: str, what: str) -> list[bytes]:
    """The frames in the row of a chapter's table that begins so."""
    row = next(line for line in chapter(title).splitlines() if line.startswith(f"| {what}"))
    return [bytes.fromhex(found) for found in re.findall(r"`[<> ]*((?:[0-9A-Fa-f]{2} ?)+)`", row)]


def read_of(frame: bytes) -> ReadWords:
    """The request that a frame of function 3 is."""
    return ReadWords(unit=frame[0], function=frame[1], address=frame[2] << 8 | frame[3], count=frame[4] << 8 | frame[5])


@pytest.mark.parametrize(("title", "unit"), [(CARD, 0x11), (GUIDE, 1)])
def test_requests_are_built_and_replies_are_read_as_the_maker_prints_them(title: str, unit: int) -> None:
    (sent,), (voltage,), (one,) = (quoted(title, what) for what in ("> input voltage A", "< 0x089D", "< value 1"))
    request = ReadWords(unit=unit, function=3, address=11000, count=1)
    assert rtu(request) == sent
    assert find_rtu(voltage, request) == (Words((2205,)), b"")
    assert find_rtu(one, request) == (Words((1,)), b"")
    url = DeviceUrl.parse(f"modbus+tcp://192.0.2.1?unit={unit}")
    known = [Exchange(request=request, answer=Words((2205,)), at=5)]
    samples = modbus.read(load("huawei_ups2000"), url, Tier.MEASURE, known)
    assert [(one.point, one.index, one.value) for one in samples if one.value is not None] == [
        ("input.voltage", "1", 220.5)
    ]


def test_the_word_of_the_third_ups_raises_the_flag_that_the_guide_names() -> None:
    (sent,), (reply,) = quoted(CARD, "> UPS 3 battery undervoltage"), quoted(CARD, "< 0x0008")
    request = read_of(sent)
    assert rtu(request) == sent
    found = find_rtu(reply, request)
    assert found
    url = DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=17&ups=3")
    samples = modbus.read(load("huawei_ups2000"), url, Tier.STATUS, [Exchange(request=request, answer=found[0], at=5)])  # type: ignore[arg-type]
    assert {one.point for one in samples if one.value == 1} == {"alarm.battery_voltage_low"}


def test_a_line_that_the_guide_prints_with_a_wrong_check_sum_is_no_frame() -> None:
    (wrong,) = quoted(GUIDE, "> battery undervoltage word")
    assert not sound(wrong)
    assert rtu(read_of(wrong))[-2:].hex() == "57fc"


def test_the_extended_identification_gives_the_serial_number() -> None:
    text = chapter(GUIDE).partition("```")[2].partition("```")[0]
    request = ReadIdentity(unit=1, code=3, first=0x87)
    found = find_rtu(bytes.fromhex(text), request)
    assert found
    assert isinstance(found[0], Objects)
    url = DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=1")
    samples = modbus.read(
        load("huawei_ups2000"), url, Tier.IDENTITY, [Exchange(request=request, answer=found[0], at=5)]
    )
    assert {one.point: one.value for one in samples}["device.serial"] == "2102290710HGF9000013"


def test_smart_ups_frames_over_tcp_are_ours_to_the_byte() -> None:
    pairs = exchanges("APC Smart-UPS over Modbus TCP")
    assert len(pairs) == 3
    for sent, reply in pairs[:2]:
        request = read_of(sent[6:])
        assert tcp(request, sent[0] << 8 | sent[1]) == sent
        found = find_tcp(reply, request, sent[0] << 8 | sent[1])
        assert found
        assert isinstance(found[0], Words)
    sent, cut = pairs[2]
    assert find_tcp(cut, read_of(sent[6:]), 0x66) is None, "a frame that was cut is waited for, not read"


def test_an_answer_of_the_wrong_slave_is_none() -> None:
    sent, noise = quoted(BROKEN, "answer from the wrong slave")
    assert find_rtu(noise, read_of(sent)) is None


def test_a_refusal_over_tcp_says_what_is_refused() -> None:
    sent, reply = quoted(BROKEN, "Modbus TCP exception")
    found = find_tcp(reply, read_of(sent[6:]), 1)
    assert found
    assert isinstance(found[0], Failure)
    assert found[0].cause is GapCause.REFUSED


def test_good_pairs_are_read_and_no_bit_may_be_wrong() -> None:
    frames = quoted(BROKEN, "good pairs for a CRC test")
    assert len(frames) == 4
    for sent, reply in zip(frames[::2], frames[1::2], strict=True):
        request = read_of(sent)
        assert rtu(request) == sent
        assert find_rtu(reply, request) == (Words((reply[3] << 8 | reply[4],)), b"")
        for bit in range(8 * len(reply)):
            broken = bytearray(reply)
            broken[bit // 8] ^= 1 << bit % 8
            assert find_rtu(bytes(broken), request) is None


@asynccontextmanager
async def line(pieces: list[bytes]) -> AsyncIterator[str]:
    """A serial line behind a socket that answers each request with the same bytes, piece by piece."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError), closing(writer):
            while await reader.read(256):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("way", ["byte by byte", "after a stray byte", "after another master's words"])
async def test_a_reply_is_found_among_what_real_lines_bring(way: str) -> None:
    sent, reply = quoted(BROKEN, "good pairs for a CRC test")[:2]
    (other, _) = quoted(BROKEN, "two masters on one bus")
    pieces = {
        "byte by byte": [bytes([byte]) for byte in reply],
        "after a stray byte": [b"\x5a" + reply],
        "after another master's words": [other + reply],
    }[way]
    async with line(pieces) as place:
        with closing(open_link(DeviceUrl.parse(f"modbus+rtuovertcp://{place}?unit=1&timeout=2"))) as link:
            assert await link.ask(read_of(sent)) == Words((2,))
