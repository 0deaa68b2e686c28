"""A Megatec line: shape is all there is, so nothing out of shape is a value. Replies are those users logged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Command, Failure, Line
from agent.links import Link, open_link
from agent.links.megatec_line import shaped
from agent.profiles import Tier, load
from model.reading import Gap, GapCause, Reading
from tests.agent.links.slaves import Script, command, on_pty

Q1 = Command(text="Q1", starts="(", length=46)
F = Command(text="F", starts="#", length=21)
GOOD_Q1 = b"(240.4 000.0 219.9 020 50.0 2.23 43.0 00000001\r"
GOOD_F = b"#220.0 013 72.00 50.0\r"


@contextmanager
def line(script: Script, timeout_s: float = 0.1) -> Iterator[tuple[Link, DeviceUrl]]:
    with on_pty(script, command) as path:
        url = DeviceUrl.parse(f"megatec://{path}?timeout={timeout_s}")
        with closing(open_link(url)) as link:
            yield link, url


async def test_each_command_gets_its_own_answer() -> None:
    with line(lambda said: GOOD_Q1 if said == b"Q1\r" else GOOD_F, timeout_s=5) as (link, _):
        assert await link.ask(Q1) == Line(GOOD_Q1.decode().rstrip("\r"))
        assert await link.ask(F) == Line(GOOD_F.decode().rstrip("\r"))


async def test_a_late_answer_is_never_taken_for_another_command() -> None:
    heard: list[bytes] = []

    def late(said: bytes) -> bytes:
        heard.append(said)
        if said == b"Q1\r":
            return b""
        return (GOOD_Q1 if heard.count(b"F\r") == 1 else b"") + GOOD_F

    with line(late) as (link, _):
        assert await link.ask(Q1) == Failure(cause=GapCause.NO_ANSWER)
        assert await link.ask(F) == Line(GOOD_F.decode().rstrip("\r"))


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (b"(233.0 000.0 232.0 015 50.0 27.0 20.8 00001\r", GapCause.GARBLED),  # Armac, nut issue 1978: short
        (b"#220.0 013 72.00 50.0", GapCause.GARBLED),  # Powersa, nut issue 608: no CR
        (b"=`X?6\r", GapCause.GARBLED),  # SMS Manager III, nut issue 1987
        (b"NAK\r", GapCause.REFUSED),  # VulTech, nut issue 2151
        (b"(NAK\r", GapCause.REFUSED),
        (b"Q1\r", GapCause.REFUSED),  # echoed back: unknown command
        (b"", GapCause.NO_ANSWER),
    ],
)
async def test_a_reply_out_of_shape_is_a_failure(reply: bytes, cause: GapCause) -> None:
    with line(lambda _: reply) as (link, _):
        answer = await link.ask(Q1)
    assert isinstance(answer, Failure)
    assert answer.cause == cause


async def test_a_reply_cut_after_one_character_is_asked_for_again() -> None:
    replies = [b"(\x00", GOOD_Q1]
    with line(lambda _: replies.pop(0) if replies else b"") as (link, _):
        assert await link.ask(Q1) == Line(GOOD_Q1.decode().rstrip("\r"))


async def test_a_silent_ups_is_one_gap_for_the_whole_device() -> None:
    heard: list[bytes] = []

    def silent(said: bytes) -> bytes:
        heard.append(said)
        return b""

    with line(silent) as (link, url):
        found = await ask_device(link, "a/ups-1", url, load("megatec_q1"), Tier.MEASURE, lambda: 5)
    assert found == [Gap(device="a/ups-1", point=None, index=None, at=5, cause=GapCause.NO_ANSWER)]
    assert heard == [b"Q1\r", b"Q1\r"]


async def test_a_bank_given_by_the_cell_is_multiplied_by_the_cells_of_its_rating() -> None:
    with line(lambda said: GOOD_Q1 if said == b"Q1\r" else GOOD_F, timeout_s=5) as (link, url):
        found = await ask_device(link, "a/ups-1", url, None, Tier.MEASURE, lambda: 5)
    values = {one.point: one.value for one in found if isinstance(one, Reading)}
    assert values["battery.voltage"] == pytest.approx(2.23 * 36)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_line_in_shape_or_a_failure(data: bytes) -> None:
    answer = shaped(data, Q1)
    assert isinstance(answer, Failure) or len(answer.text) == Q1.length
