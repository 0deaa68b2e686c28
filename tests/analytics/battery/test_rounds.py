"""One round's flags are not read at one instant: a self-test is one, and an outage is one, in whichever order they are told."""

from __future__ import annotations

from itertools import permutations

import pytest

from analytics.battery.recorder import POINTS, Discharge, fresh, take
from analytics.walk import walk
from analytics.watch import blocks_of
from model.inventory import Battery
from tests.analytics.timeline import T0, UPS, Line, context

DEVICE = context(UPS, battery=Battery(blocks=16, block_ah=38)).device
BATTERY, MAINS = 5, 3


def discharges(line: Line) -> list[Discharge]:
    [block] = blocks_of(line.readings, [])
    state = fresh()
    ended = [take(state, sample, DEVICE) for sample in walk(block, POINTS)]
    return [one.record for one in ended if one is not None]


def rounds(line: Line, start: float, until: float, **said: float) -> None:
    for n in range(round((until - start) / 10)):
        line.say(start + n * 10, **said, battery__voltage=205 if said["ups__source"] == BATTERY else 218)


def story(
    first: list[tuple[float, str, float]], last: list[tuple[float, str, float]], s: float = 60
) -> list[Discharge]:
    """Rest, then these words from second 100 on, a discharge of `s` seconds, then those words, then rest."""
    line = Line(UPS)
    rounds(line, 0, 100, ups__source=MAINS, alarm__on_battery=0, alarm__test_in_progress=0)
    told = {"ups.source": float(MAINS), "alarm.on_battery": 0.0, "alarm.test_in_progress": 0.0}
    for begin, words, more in ((100.0, first, s), (100.0 + s, last, 60.0)):
        for later, point, value in words:
            line.say(begin + later, **{point.replace(".", "__"): value})
            told[point] = value
        said = {point.replace(".", "__"): value for point, value in told.items()}
        rounds(line, begin + 8, begin + more, **said)
    return discharges(line)


BEGIN = [("ups.source", float(BATTERY)), ("alarm.on_battery", 1.0), ("alarm.test_in_progress", 1.0)]
END = [("ups.source", float(MAINS)), ("alarm.on_battery", 0.0), ("alarm.test_in_progress", 0.0)]


def at(words: tuple[tuple[str, float], ...], apart: float) -> list[tuple[float, str, float]]:
    return [(n * apart, point, value) for n, (point, value) in enumerate(words)]


@pytest.mark.parametrize("apart", [0.0, 0.04, 2.0])
def test_a_self_test_is_one_in_whichever_order_its_flags_are_told(apart: float) -> None:
    for first in permutations(BEGIN):
        for last in permutations(END):
            [one] = story(at(first, apart), at(last, apart))
            assert one.test, (first, last)


@pytest.mark.parametrize("seconds", [10.0, 60.0])
def test_an_outage_is_none(seconds: float) -> None:
    for first in permutations(BEGIN[:2]):
        [one] = story(at(first, 2.0), at(tuple(END[:2]), 2.0), seconds)
        assert not one.test
        assert one.start == T0 + 100_000


def test_an_outage_that_comes_in_a_test_is_an_outage() -> None:
    line = Line(UPS)
    rounds(line, 0, 100, ups__source=MAINS, alarm__test_in_progress=0)
    rounds(line, 100, 130, ups__source=BATTERY, alarm__test_in_progress=1)
    rounds(line, 130, 400, ups__source=BATTERY, alarm__test_in_progress=0)
    rounds(line, 400, 450, ups__source=MAINS, alarm__test_in_progress=0)
    assert [one.test for one in discharges(line)] == [False]


def test_a_test_flag_that_comes_long_after_the_transfer_hides_no_outage() -> None:
    assert [
        one.test for one in story([(0, "ups.source", 5.0), (7, "alarm.test_in_progress", 1.0)], at(tuple(END), 0))
    ] == [False]


def test_words_told_at_their_change_only_are_enough() -> None:
    line = Line(UPS).say(0, ups__source=MAINS, battery__voltage=218).say(100, ups__source=BATTERY)
    line.say(101, alarm__test_in_progress=1).say(160, alarm__test_in_progress=0).say(162, ups__source=MAINS)
    line.say(300, alarm__test_in_progress=1, ups__source=BATTERY).say(320, alarm__test_in_progress=0).say(
        500, ups__source=MAINS
    )
    assert [one.test for one in discharges(line)] == [True, False]
