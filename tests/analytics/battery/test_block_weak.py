from __future__ import annotations

import random

from tests.analytics.battery.months import HOUR, battery
from tests.analytics.timeline import Line, last, of, raised, second, tell

WEAK, SHORT = "battery_block_weak", "cell_shorted"


def blocks(days: int, weak=lambda _hour, _block: 0.0, spent=lambda _outage, _block: 0.0, count: int = 4) -> Line:  # type: ignore[no-untyped-def]
    """Blocks of 12 V (or halves of 96 V): `weak` volts to add on float, `spent` in the outage of each week."""
    dice, line = random.Random(4), Line()
    base = 13.6 if count > 2 else 108.8
    own = [dice.gauss(0, 0.003) * base for _ in range(count)]
    for hour in range(days * 24):
        out = hour % 168 == 100
        line.say(hour * HOUR, ups__source=5 if out else 3, battery__charge=90 if out else 100)
        for block in range(count):
            volts = base + own[block] + dice.gauss(0, 0.02) + weak(hour, block)
            if out:
                volts = base * 0.9 + own[block] + spent(hour // 168, block)
            line.say(hour * HOUR, str(block + 1), battery__voltage=round(volts, 2))
    return line


def heard(line: Line):  # type: ignore[no-untyped-def]
    return tell(line, batch_s=86_400, context_of=battery())


def test_a_weak_block_is_told_by_its_float_and_it_alone() -> None:
    [found] = raised(heard(blocks(60, lambda h, b: -0.6 if b == 2 and h > 40 * 24 else 0.0)), WEAK)
    assert found.index == "3"
    assert second(found.since) / 86_400 < 41
    assert "sense wire" in found.advice.en


def test_a_block_that_breaks_down_under_load_is_told_after_the_second_discharge_or_a_grave_one() -> None:
    changes = heard(blocks(40, spent=lambda n, b: -0.6 if b == 1 and n >= 2 else 0.0))
    assert "2 discharges" in last(changes, WEAK).evidence[0].text.en
    assert (
        "1 discharges"
        in last(heard(blocks(20, spent=lambda n, b: -2.0 if b == 1 and n == 1 else 0.0)), WEAK).evidence[0].text.en
    )
    assert raised(heard(blocks(40, spent=lambda n, b: -0.6 if b == 1 and n == 2 else 0.0)), WEAK) == []


def test_a_shorted_cell_is_named_within_hours() -> None:
    def short(hour: float, block: int) -> float:
        return (-2.1 if block == 0 else 0.5) if hour > 30 * 24 + 12 else 0.0

    [found] = raised(heard(blocks(40, short)), SHORT)
    assert found.index == "1"
    assert second(found.evidence[0].at) / HOUR < 30 * 24 + 20


def test_halves_are_judged_by_the_midpoint() -> None:
    [found] = raised(heard(blocks(40, lambda h, b: (-1.6 if b else 1.6) if h > 30 * 24 else 0.0, count=2)), WEAK)
    assert found.index == "2"


def test_strings_that_share_the_load_unequally() -> None:
    line = Line()
    for hour in range(800):
        out = hour % 168 == 100
        line.say(hour * HOUR, ups__source=5 if out else 3, battery__charge=90 if out else 100)
        for index, share in (("1", 1.0), ("2", 0.97), ("3", 0.5)):
            line.say(hour * HOUR, index, battery__string__current=-20 * share if out else 0.1)
    assert [f.index for f in raised(heard(line), WEAK)] == ["3"]


def test_a_healthy_half_year_is_silent_and_so_are_impossible_values() -> None:
    assert of(heard(blocks(180)), WEAK) == of(heard(blocks(60, count=2)), WEAK) == []
    for wrong in (lambda h, b: 122.0 if h > 300 and b == 1 else 0.0, lambda h, b: -13.6 if h > 300 and b == 1 else 0.0):
        changes = heard(blocks(60, wrong))
        assert of(changes, SHORT) == of(changes, WEAK) == []
