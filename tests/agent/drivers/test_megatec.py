"""Q1 replies as users logged them, and any other characters in their place."""

from __future__ import annotations

import csv
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.address import DeviceUrl
from agent.drivers import megatec
from agent.drivers.exchange import Answer, Command, Exchange, Failure, Line, Sample
from agent.links.megatec_line import shaped
from agent.profiles import Tier, load
from model.points import POINTS, plausible
from model.reading import GapCause
from tests.services import shared

PROFILE = load("megatec_q1")
URL = DeviceUrl.parse("megatec:///dev/ttyS0")
GARBLED = Failure(cause=GapCause.GARBLED, raw="cut")


def said(q1: Answer | Failure, f: Answer | Failure = GARBLED) -> dict[str, Sample]:
    replies = {"Q1": q1, "F": f}
    out: dict[str, Sample] = {}
    for tier in (Tier.STATUS, Tier.MEASURE):
        exchanges = [
            Exchange(request=r, answer=replies[r.text], at=5)
            for r in megatec.plan(PROFILE, URL, tier)
            if isinstance(r, Command)
        ]
        out |= {one.point: one for one in megatec.read(PROFILE, URL, tier, exchanges)}
    return out


def q1(text: str) -> Line | Failure:
    command = PROFILE.commands["Q1"]
    return shaped(text.encode("latin-1") + b"\r", Command(text="Q1", starts=command.starts, length=command.length))


def test_a_whole_bank_is_taken_as_it_is() -> None:
    found = said(q1("(229.4 229.4 229.4 013 49.9 13.1 25.0 00001001"))
    assert found["battery.voltage"].value == 13.1
    assert found["ups.load"].value == 13.0
    assert found["ups.source"].value == 3.0
    assert found["ups.beeper"].value == 1.0


def test_one_cell_needs_the_rating_and_is_a_gap_without_it() -> None:
    line = q1("(218.1 218.1 219.6 000 50.0 2.22 48.0 00000001")
    assert said(line, Line("#220.0 013 72.00 50.0"))["battery.voltage"].value == pytest.approx(2.22 * 36)
    gap = said(line)["battery.voltage"]
    assert (gap.value, gap.cause) == (None, GapCause.GARBLED)
    assert "2.22 a cell" in gap.raw


def test_on_battery_is_told_three_ways() -> None:
    found = said(q1("(000.0 000.0 230.0 000 00.0 13.2 29.0 11001000"))
    assert found["ups.source"].value == 5.0
    assert found["alarm.on_battery"].value == 1.0
    assert found["alarm.battery_low"].value == 1.0
    assert found["battery.status"].value == 3.0


@pytest.mark.parametrize(("output", "source"), [("200.0", 7.0), ("230.0", 4.0), ("245.0", 6.0), ("000.0", 2.0)])
def test_boost_trim_and_bypass_are_told_by_output_against_input(output: str, source: float) -> None:
    assert said(q1(f"(230.0 000.0 {output} 010 50.0 13.2 29.0 00101000"))["ups.source"].value == source


@pytest.mark.parametrize("filler", ["--.-", "@@@@", "..-.", "    "])
def test_a_temperature_that_is_not_there_is_not_supported(filler: str) -> None:
    gap = said(q1(f"(230.2 232.2 234.6 000 49.8 13.6 {filler} 00001001"))["ups.temperature"]
    assert (gap.value, gap.cause, gap.raw) == (None, GapCause.NOT_SUPPORTED, filler)


def test_a_field_with_a_letter_in_it_is_garbled_and_its_neighbours_are_not() -> None:
    found = said(q1("(23x.2 232.2 234.6 000 49.8 13.6 25.0 00001001"))
    assert found["input.voltage"].cause == GapCause.GARBLED
    assert found["output.voltage"].value == 234.6


def test_a_failed_reply_is_a_gap_of_each_point_and_no_value() -> None:
    assert {one.cause for one in said(GARBLED).values()} == {GapCause.GARBLED}


@pytest.mark.shared
def voltronic(tier: Tier, name: str, text: str) -> dict[str, Sample]:
    """What the Voltronic profile makes of one reply."""
    profile = load("voltronic_qgs")
    command = next(c for c in megatec.plan(profile, URL, tier) if isinstance(c, Command) and c.text == name)
    exchange = Exchange(request=command, answer=shaped(text.encode() + b"\r", command), at=5)
    return {one.point: one for one in megatec.read(profile, URL, tier, [exchange])}


@pytest.mark.parametrize(
    ("qbv", "charge"),
    [
        ("(027.3 02 12 100 00562", 100.0),
        ("(082.0 06 01 068 1", 68.0),
        ('(082.0 06"01 100 017', 100.0),
        ("(082.0 06 01 100(017", None),
        ('(082.0 06 01"100 017', None),
        ("(0 2.0 06 01 100 017", 100.0),
        ("(82.0 06 01 100 00017", None),
    ],
)
def test_a_charge_is_never_read_from_the_number_beside_it(qbv: str, charge: float | None) -> None:
    """A flipped bit makes a space of a digit, or something else of a space."""
    found = voltronic(Tier.MEASURE, "QBV", qbv.ljust(19, "0"))["battery.charge"]
    assert (found.value, found.cause) == (charge, None if charge else GapCause.GARBLED)


def test_a_name_plate_is_filled_up_with_hashes_and_a_measurement_is_not() -> None:
    plate = voltronic(Tier.IDENTITY, "QMD", "(#######OLHVT3K0 ###3000 80 2/2 230 230 06 12.0".replace("0 ###", "0###"))
    assert not [one for one in plate.values() if one.value is not None], "one character is missing: no shape, no value"
    plate = voltronic(Tier.IDENTITY, "QMD", "(#######OLHVT3K0 ###3000 80 2/2 230 230 06 12.0")
    assert plate["ups.power.nominal"].value == 3000.0
    qgs = "(219.5 59.9 220.4 60.0 002.8 #07 #61.8 361.8 272.9 ---.- 022.9 100000000010"
    assert voltronic(Tier.MEASURE, "QGS", qgs)["ups.load"].cause is GapCause.GARBLED


def test_logged_replies_are_whole_or_refused_as_their_note_says() -> None:
    with shared("devices", "wire", "serial-qx.tsv").open(encoding="utf-8", newline="") as file:
        rows = [
            row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["cmd"] in ("Q1", "QS")
        ]
    assert len(rows) > 15
    for row in rows:
        broken = any(word in row["note"] for word in ("truncated", "garbage", "cut the read"))
        answer = q1(row["reply"])
        assert isinstance(answer, Failure) == broken, row
        if isinstance(answer, Line):
            found = said(answer, Line("#220.0 013 72.00 50.0"))
            assert found["input.voltage"].value == float(row["reply"][1:6])
            assert found["alarm.on_battery"].value == float(row["reply"][38])


@given(st.text(alphabet=string.printable, min_size=46, max_size=46), st.text(min_size=21, max_size=21))
def test_any_characters_give_samples_and_every_value_is_plausible(line: str, rating: str) -> None:
    for one in said(Line(line), Line(rating)).values():
        assert (one.value is None) == (one.cause is not None)
        if isinstance(one.value, float):
            assert plausible(POINTS[one.point], one.value)
