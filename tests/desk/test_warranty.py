"""In, out, or `undefined, ask`: by item, block size and date, never guessed."""

from __future__ import annotations

import pytest

from desk.warranty import of_device, verdict
from model.inventory import Battery, Device
from model.text import Text
from tests.desk.book import policy


@pytest.mark.parametrize(
    ("ah", "since", "at", "expected", "until"),
    [
        (7, "2026-01-10", "2026-11-23", "in", "2027-01-10"),
        (17, "2025-01-10", "2026-11-23", "out", "2026-01-10"),
        (17.5, "2026-01-10", "2026-11-23", "undefined", None),
        (23.9, "2026-01-10", "2026-11-23", "undefined", None),
        (24, "2025-01-10", "2026-11-23", "in", "2027-01-10"),
        (55, "2024-01-10", "2026-11-23", "out", "2026-01-10"),
        (56, "2026-01-10", "2026-11-23", "undefined", None),
        (64.9, "2026-01-10", "2026-11-23", "undefined", None),
        (65, "2024-01-10", "2026-11-23", "in", "2027-01-10"),
        (200, "2023-11-24", "2026-11-23", "in", "2026-11-24"),
        (200, "2023-11-23", "2026-11-23", "out", "2026-11-23"),
        (None, "2026-01-10", "2026-11-23", "undefined", None),
    ],
)
def test_powerstar_batteries_by_class(ah: float | None, since: str, at: str, expected: str, until: str | None) -> None:
    found = verdict(policy(), "battery", since, at, ah)
    assert (found.verdict, found.until, found.source) == (expected, until, "L13-18")
    assert ("ask" in found.text.en) == ("询问" in found.text.zh) == (expected == "undefined")


@pytest.mark.parametrize(
    ("item", "at", "expected"),
    [
        ("host", "2028-01-09", "in"),
        ("host", "2028-01-10", "out"),
        ("software", "2027-01-09", "in"),
        ("third_party_software", "2026-01-10", "out"),
        ("generator", "2026-01-10", "undefined"),
    ],
)
def test_powerstar_terms_count_from_the_day_of_installation(item: str, at: str, expected: str) -> None:
    assert verdict(policy(), item, "2025-01-10", at).verdict == expected


def test_only_twelve_volt_blocks_have_a_class() -> None:
    assert verdict(policy(), "battery", "2026-01-10", "2026-11-23", 100, block_v=2.0).verdict == "undefined"


@pytest.mark.parametrize("since", [None, "", "last spring"])
def test_without_a_date_nobody_knows(since: str | None) -> None:
    found = verdict(policy(), "host", since, "2026-11-23")
    assert (found.verdict, found.until) == ("undefined", None)
    assert "date" in found.text.en


def test_the_default_policy_never_guesses_a_warranty() -> None:
    assert verdict(policy("default"), "host", "2026-01-10", "2026-11-23").verdict == "undefined"


def test_a_battery_counts_from_its_own_installation_when_that_is_known() -> None:
    battery = Battery(blocks=16, block_ah=100, installed="2026-06-01")
    old = Device(id="s/u", name=Text("u", "u"), installed="2020-01-10", battery=battery)
    found = {v.item: (v.verdict, v.until) for v in of_device(policy(), old, "2026-11-23")}
    assert found == {"host": ("out", "2023-01-10"), "battery": ("in", "2029-06-01")}
