"""An RS-485 line with slaves that misbehave: a wrong register never passes for the one that was asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.drivers.exchange import Failure, ReadWords, Words
from agent.links import Link, open_link
from model.reading import GapCause
from tests.agent.links.slaves import Script, crc, honest, on_pty, rtu_request, word_at

TIMEOUT_S = 0.05


def ask(address: int, count: int, unit: int = 1) -> ReadWords:
    return ReadWords(unit=unit, function=3, address=address, count=count)


def right(request: ReadWords) -> Words:
    return Words(tuple(word_at(request.address + n) for n in range(request.count)))


@contextmanager
def line(script: Script, timeout_s: float = TIMEOUT_S) -> Iterator[Link]:
    with on_pty(script, rtu_request) as path:
        url = DeviceUrl.parse(f"modbus+rtu://{path}?baud=115200&timeout={timeout_s}")
        with closing(open_link(url)) as link:
            yield link


class Once:
    """Does one thing at the first request and is honest after."""

    def __init__(self, first: Callable[[bytes], bytes], then: Script = honest) -> None:
        self._first: Callable[[bytes], bytes] | None = first
        self._then = then

    def __call__(self, request: bytes) -> bytes:
        first, self._first = self._first, None
        return first(request) if first else self._then(request)


class Late:
    """Keeps the answers to the first `lost` requests and sends them, in order, before the next answer."""

    def __init__(self, lost: int) -> None:
        self._lost = lost
        self._kept = b""

    def __call__(self, request: bytes) -> bytes:
        if self._lost:
            self._lost -= 1
            self._kept += honest(request)
            return b""
        kept, self._kept = self._kept, b""
        return kept + honest(request)


class OneBehind:
    """Answers every request with the answer to the one before it."""

    def __init__(self) -> None:
        self._before = b""

    def __call__(self, request: bytes) -> bytes:
        before, self._before = self._before, honest(request)
        return before


async def test_a_register_is_what_the_slave_keeps_in_it() -> None:
    with line(honest, timeout_s=5) as link:
        assert await link.ask(ask(11000, 29)) == right(ask(11000, 29))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 125])
async def test_a_late_answer_is_never_taken_for_the_next_request_of_the_same_shape(count: int) -> None:
    with line(Late(2)) as link:
        assert await link.ask(ask(100, count)) == Failure(cause=GapCause.NO_ANSWER)
        for address in (300, 500, 700):
            assert await link.ask(ask(address, count)) == right(ask(address, count))


async def test_a_slave_that_stays_one_answer_behind_is_never_believed() -> None:
    with line(OneBehind()) as link:
        for n, address in enumerate((100, 200, 300, 400)):
            answer = await link.ask(ask(address, 4 + n % 2))
            assert isinstance(answer, Failure) or answer == right(ask(address, 4 + n % 2))


async def test_an_answer_of_the_wrong_unit_is_not_an_answer() -> None:
    def other(request: bytes) -> bytes:
        return honest(bytes([9]) + request[1:])

    with line(other) as link:
        answer = await link.ask(ask(100, 2))
    assert isinstance(answer, Failure)
    assert answer.cause == GapCause.NO_ANSWER
    assert "not to this question" in answer.raw
    assert link.account.total().quarantined == 2


async def test_the_three_bytes_of_noise_of_a_real_ups_are_told_as_they_came() -> None:
    with line(lambda _: bytes.fromhex("204772")) as link:
        assert await link.ask(ask(0x0204, 120)) == Failure(cause=GapCause.GARBLED, raw=" Gr")


async def test_noise_before_an_answer_costs_nothing() -> None:
    with line(lambda request: b"\x5a" + honest(request), timeout_s=5) as link:
        for address in (100, 200, 300):
            assert await link.ask(ask(address, 5)) == right(ask(address, 5))


async def test_a_torn_answer_is_asked_for_again() -> None:
    with line(Once(lambda request: honest(request)[:-3])) as link:
        assert await link.ask(ask(100, 5)) == right(ask(100, 5))


async def test_a_flipped_bit_is_no_value() -> None:
    def flipped(request: bytes) -> bytes:
        said = bytearray(honest(request))
        said[4] ^= 0x10
        return bytes(said)

    with line(flipped) as link:
        answer = await link.ask(ask(100, 5))
    assert isinstance(answer, Failure)
    assert answer.cause == GapCause.GARBLED


async def test_a_refusal_is_told_with_its_number() -> None:
    with line(lambda request: crc(bytes([request[0], request[1] | 0x80, 2])), timeout_s=5) as link:
        assert await link.ask(ask(1, 1)) == Failure(cause=GapCause.REFUSED, raw="exception 2 illegal address")


async def test_a_silent_unit_does_not_disturb_its_neighbour() -> None:
    def deaf_at_two(request: bytes) -> bytes:
        return b"" if request[0] == 2 else honest(request)

    with line(deaf_at_two) as link:
        for address in (10, 20, 30):
            assert await link.ask(ask(address, 3, unit=2)) == Failure(cause=GapCause.NO_ANSWER)
            assert await link.ask(ask(address, 3)) == right(ask(address, 3))


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_a_slave_does_a_value_that_comes_is_the_right_one(seed: int) -> None:
    chance = random.Random(seed)
    kept: list[bytes] = []

    def moody(request: bytes) -> bytes:
        said = honest(request)
        mood = chance.choice(["fine", "fine", "fine", "silent", "late", "late", "behind", "torn", "noise", "unit"])
        if mood == "silent":
            return b""
        if mood == "late":
            kept.append(said)
            return b""
        before = b"".join(kept)
        kept.clear()
        if mood == "behind":
            kept.append(said)
            return before
        if mood == "torn":
            return before + said[: chance.randrange(1, len(said))]
        if mood == "noise":
            return before + chance.randbytes(3) + said
        if mood == "unit":
            return honest(bytes([7]) + request[1:])
        return before + said

    answered = 0
    with line(moody, timeout_s=0.03) as link:
        for _ in range(40):
            request = ask(chance.choice([100, 200, 300]), chance.choice([4, 4, 6]))
            answer = await link.ask(request)
            assert isinstance(answer, Failure) or answer == right(request), f"seed {seed}"
            answered += isinstance(answer, Words)
    assert answered > 2


async def test_a_port_that_is_missing_is_named_and_found_again_when_it_comes(tmp_path: Path) -> None:
    port = tmp_path / "bus1"
    with closing(open_link(DeviceUrl.parse(f"modbus+rtu://{port}?timeout=5"))) as link:
        failure = await link.ask(ask(1, 1))
        assert isinstance(failure, Failure)
        assert failure.cause == GapCause.NO_ANSWER
        assert f"port missing: {port}" in failure.raw
        with on_pty(honest, rtu_request) as path:
            port.symlink_to(path)
            answer = failure
            while answer == failure or (isinstance(answer, Failure) and "port missing" in answer.raw):
                answer = await link.ask(ask(1, 1))
            assert answer == right(ask(1, 1))


async def test_a_port_that_goes_away_under_us_is_a_failure_and_not_an_exception(tmp_path: Path) -> None:
    with on_pty(honest, rtu_request) as path:
        link = open_link(DeviceUrl.parse(f"modbus+rtu://{path}?timeout=5"))
        assert await link.ask(ask(1, 1)) == right(ask(1, 1))
    answer = await link.ask(ask(1, 1))
    link.close()
    assert isinstance(answer, Failure)
    assert answer.cause == GapCause.NO_ANSWER
    assert "port" in answer.raw


class Doubled:
    """Says each answer twice: the second copy comes just before the next answer, in its turn."""

    def __init__(self, then: Script = honest) -> None:
        self._then = then
        self._copy = b""

    def __call__(self, request: bytes) -> bytes:
        copy, self._copy = self._copy, self._then(request)
        return copy + self._copy


@pytest.mark.parametrize("count", [1, 2, 10])
async def test_the_second_copy_of_a_reply_is_never_taken_for_the_next_of_the_same_shape(count: int) -> None:
    with line(Doubled(), timeout_s=0.5) as link:
        for address in (100, 300, 500, 100, 300):
            answer = await link.ask(ask(address, count))
            assert answer == right(ask(address, count))
        assert link.account.total().quarantined > 0


async def test_registers_that_are_truly_alike_are_read_once_more_and_believed() -> None:
    asked: list[bytes] = []

    def zeros(request: bytes) -> bytes:
        asked.append(request)
        count = request[5]
        return crc(request[:2] + bytes([2 * count]) + bytes(2 * count))

    with line(zeros, timeout_s=5) as link:
        assert await link.ask(ask(100, 4)) == Words((0, 0, 0, 0))
        assert await link.ask(ask(200, 4)) == Words((0, 0, 0, 0))
        assert len(asked) == 4  # the second one again, as 3 and 1


async def test_one_register_whose_neighbour_is_refused_is_still_read_after_a_lost_reply() -> None:
    def single(request: bytes) -> bytes:
        return honest(request) if request[5] == 1 else crc(bytes([request[0], request[1] | 0x80, 2]))

    with line(Once(lambda _: b"", single)) as link:
        assert await link.ask(ask(100, 1)) == right(ask(100, 1))
        late = await link.ask(ask(300, 1))
        assert isinstance(late, Failure)
        assert late.cause is GapCause.STALE  # nothing could tell a late reply for 100 from one for 300


async def test_an_adapter_that_repeats_our_own_request_is_no_noise() -> None:
    with line(lambda request: request + honest(request), timeout_s=5) as link:
        for address in (100, 200, 300):
            assert await link.ask(ask(address, 5)) == right(ask(address, 5))
        total = link.account.total()
        assert (total.quarantined, total.garbled, total.requests) == (0, 0, 3)


async def test_a_dead_unit_behind_such_an_adapter_is_silent_and_not_garbled() -> None:
    with line(lambda request: request) as link:
        assert await link.ask(ask(100, 5)) == Failure(cause=GapCause.NO_ANSWER)


async def test_a_late_refusal_does_not_refuse_another_question() -> None:
    kept: list[bytes] = []

    def refuses_late(request: bytes) -> bytes:
        if request[2:4] == bytes([0, 100]):
            kept.append(crc(bytes([request[0], request[1] | 0x80, 2])))
            return b""
        before = b"".join(kept)
        kept.clear()
        return before or honest(request)

    with line(refuses_late) as link:
        assert await link.ask(ask(100, 5)) == Failure(cause=GapCause.NO_ANSWER)
        assert await link.ask(ask(300, 7)) == right(ask(300, 7))


async def test_noise_behind_a_reply_costs_the_next_one_nothing() -> None:
    with line(lambda request: honest(request) + b"\x00\xff", timeout_s=5) as link:
        for address in (100, 200, 300):
            assert await link.ask(ask(address, 5)) == right(ask(address, 5))
        assert link.account.total().quarantined == 0


async def test_a_stray_frame_is_booked_on_the_device_that_bears_its_unit() -> None:
    kept: list[bytes] = []

    def second_is_late(request: bytes) -> bytes:
        if request[0] == 2:
            kept.append(honest(request))
            return b""
        before = b"".join(kept)
        kept.clear()
        return before + honest(request)

    with line(second_is_late) as link:
        link.device = "sz/late"
        await link.ask(ask(100, 5, unit=2))
        link.device = "sz/good"
        assert await link.ask(ask(100, 5)) == right(ask(100, 5))
        assert link.account.of("sz/late").quarantined == 2
        assert link.account.of("sz/good").quarantined == 0


async def test_both_ways_of_the_wire_are_in_the_ring() -> None:
    with line(honest, timeout_s=5) as link:
        link.device = "sz/ups"
        await link.ask(ask(100, 1))
        said, heard = (
            b"".join(f.data for f in link.ring if f.way == way and isinstance(f.data, bytes)) for way in "><"
        )
        assert said == crc(bytes.fromhex("01 03 00 64 00 01"))
        assert heard == honest(said)
