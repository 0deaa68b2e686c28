"""A serial line at its rate: bytes take their time, silence is kept, and what begins too early is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulators.line_clock import LineClock
from tests.services.simulated import simulated
from tests.simulators.lines import CHARGE, READ_CHARGE, rtu, serial

WIRES = Path(__file__).with_name("wires.toml")
CHAR_S = 10 / 9600


def test_a_reply_begins_t3_5_and_the_turnaround_after_the_last_character_of_the_request() -> None:
    clock = LineClock(9600, paced=True)
    clock.heard(100.0, 8)
    assert clock.reply_at(0.005) == pytest.approx(100 + 8 * CHAR_S + 3.5 * CHAR_S + 0.005)
    assert LineClock(115_200, paced=True).gap_s == 0.00175


def test_a_request_is_early_until_t3_5_after_the_last_character_of_the_reply() -> None:
    clock = LineClock(9600, paced=True)
    clock.heard(100.0, 8)
    begin = clock.sent(clock.reply_at(0), 25)
    end = begin + 25 * CHAR_S
    assert clock.early(end - 0.001)  # into the reply itself
    assert clock.early(end + 3 * CHAR_S)
    assert not clock.early(end + 3.5 * CHAR_S)


def test_two_replies_never_stand_on_the_line_at_once() -> None:
    clock = LineClock(9600, paced=True)
    assert clock.sent(10.0, 10) == 10.0
    assert clock.sent(10.0, 10) == pytest.approx(10 + 10 * CHAR_S)


def test_without_pacing_nothing_takes_time_and_nothing_is_early() -> None:
    clock = LineClock(9600, paced=False)
    clock.heard(100.0, 8)
    assert clock.reply_at(0) == 100.0
    assert not clock.early(100.0)


def test_no_reply_is_whole_before_the_wire_could_have_carried_it(tmp_path: Path) -> None:
    with simulated(tmp_path, scenario=WIRES) as lab, serial(lab.place("lab/crawl")) as line:
        heard, took_s = line.timed(rtu(1, READ_CHARGE), 7)
        assert heard == rtu(1, CHARGE)
        assert took_s >= (8 + 3.5 + 7) * 10 / 600
        line.hear(9, 0.1)
        line.ask(rtu(1, READ_CHARGE), 2)
        heard, took_s = line.timed(b"", 5)
        assert heard == rtu(1, CHARGE)[2:]
        assert took_s >= 2 * 10 / 600  # the rest comes after its beginning
