"""Whose name plate it is: pure."""

from __future__ import annotations

import pytest

from agent.identity import FIRMWARE, MODEL, SERIAL, Plate, Verdict, judge, plate_of, words

A: Plate = {SERIAL: "A1", MODEL: "UPS2000", FIRMWARE: "V1"}
B: Plate = {SERIAL: "B2", MODEL: "UPS2000", FIRMWARE: "V1"}
PLAIN: Plate = {MODEL: "MODEL-10", FIRMWARE: "V1.0"}
OTHER: Plate = {MODEL: "MODEL-20", FIRMWARE: "V1.0"}


@pytest.mark.parametrize(
    ("seen", "known", "verdict"),
    [
        (A, {"a": A, "b": B}, Verdict.CONFIRMED),
        ({**A, FIRMWARE: "V2"}, {"a": A, "b": B}, Verdict.CONFIRMED),  # renewed firmware
        (B, {"a": A, "b": B}, Verdict.SWAPPED),
        ({**B, SERIAL: "C3"}, {"a": A, "b": B}, Verdict.REPLACED),
        ({}, {"a": A, "b": B}, Verdict.NAMELESS),
        (B, {"b": B}, Verdict.CONFIRMED),  # never heard before
        (PLAIN, {"a": PLAIN, "b": PLAIN}, Verdict.CONFIRMED),  # nobody can tell these apart
        ({**PLAIN, FIRMWARE: "V2"}, {"a": PLAIN}, Verdict.CONFIRMED),
        (OTHER, {"a": PLAIN, "b": OTHER}, Verdict.SWAPPED),
        (OTHER, {"a": PLAIN}, Verdict.REPLACED),
        (PLAIN, {"a": {SERIAL: "A1"}}, Verdict.CONFIRMED),  # nothing that both said
    ],
)
def test_a_device_is_judged_by_what_it_said_before(seen: Plate, known: dict[str, Plate], verdict: Verdict) -> None:
    assert judge("a", seen, known).verdict is verdict


def test_the_device_whose_name_plate_it_is_is_named() -> None:
    assert judge("a", B, {"a": A, "b": B}).other == "b"


def test_a_name_plate_holds_what_an_identity_event_says_of_the_device_itself() -> None:
    plate = plate_of({SERIAL: " A1 ", MODEL: "", "ifName.3": "ge-0/0/3"})
    assert plate == {SERIAL: "A1"}
    assert words(plate) == "serial A1"
