"""A profile with mistakes: each is told with its line, and reading never stops at the first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.profiles import ProfileError, lint, load
from agent.profiles.units import factor

HEAD = """[profile]
id = "x"
driver = "snmp"
title = { en = "X", zh = "X" }
source = "a manual"
base = "1.3.6"
"""


def problems(body: str, head: str = HEAD) -> list[tuple[int, str]]:
    _, found = lint("x.toml", head + body)
    return [(problem.line, problem.render("en")) for problem in found]


def row(**keys: str) -> str:
    lines = {"tier": '"measure"', "point": '"battery.voltage"', "at": '"1"', "unit": '"0.1 V"'} | keys
    return "[[value]]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items() if value)


def test_a_good_profile_has_no_problem() -> None:
    assert problems(row()) == []


def test_an_unknown_point_is_told_with_its_line_and_a_point_that_is_near() -> None:
    ((line, text),) = problems(row(point='"battery.volt"'))
    assert line == 9
    assert "battery.voltage" in text


@pytest.mark.parametrize("unit", ["A", "0.1 A", "V V", "0 V", "-1 V", "x"])
def test_a_unit_that_does_not_fit_the_point_is_told(unit: str) -> None:
    ((line, text),) = problems(row(unit=f'"{unit}"'))
    assert line == 11
    assert "V" in text


def test_two_rows_for_one_point_are_told_unless_one_is_a_fallback() -> None:
    assert "fallback = true" in problems(row() + row(at='"2"'))[0][1]
    assert problems(row() + row(at='"2"', fallback="true")) == []


def test_one_place_for_two_points_is_told() -> None:
    found = problems(row() + row(point='"battery.current"', unit='"0.1 A"'))
    assert "battery.voltage already" in found[0][1]


def test_a_misspelt_key_is_told_and_not_ignored() -> None:
    assert "remove or rename scael" in problems(row(scael="3"))[0][1]


def test_all_mistakes_come_at_once() -> None:
    body = row(point='"nope"') + row(at='"x"', unit='"A"') + row(tier='"often"', at='"7"')
    assert len(problems(body)) >= 3


def test_states_must_be_those_of_the_point() -> None:
    assert "one of [1, 2, 3, 4" in problems(row(point='"battery.status"', unit="", states="{ 1 = 99 }"))[0][1]


def test_a_place_outside_the_walks_is_told() -> None:
    assert "below the walks" in problems('[walk]\nmeasure = ["5"]\n' + row())[0][1]


def test_a_variant_that_asks_nothing_or_changes_nothing_known_is_told() -> None:
    found = [text for _, text in problems('[[variant]]\nwhy = "x"\nchange."ups.load".unit = "0.1 %"\n')]
    assert any("match or sees" in text for text in found)


def test_broken_toml_is_told_with_its_line() -> None:
    assert problems("[[value\n", head="")[0][0] == 1


def test_the_id_is_the_name_of_the_file() -> None:
    _, found = lint("y.toml", HEAD + row())
    assert "y" in found[0].render("en")


def test_an_unknown_profile_is_told_with_those_that_exist() -> None:
    with pytest.raises(ProfileError, match="rfc1628"):
        load("rfc1682")


@pytest.mark.parametrize(("written", "unit", "scale"), [("0.1 V", "V", 0.1), ("min", "s", 60), ("0.1 kW", "W", 100), ("ticks", "s", 0.01), ("0.1 %", "%", 0.1), ("", "", 1)])  # fmt: skip
def test_a_unit_is_a_step_and_a_name(written: str, unit: str, scale: float) -> None:
    found = factor(written, unit)
    assert found is not None
    assert found[0] == pytest.approx(scale)


@given(st.text(max_size=300))
def test_any_text_is_a_profile_or_problems(text: str) -> None:
    profile, found = lint("x.toml", text)
    assert (profile is None) == bool(found)


_written = st.sampled_from(["7", "-1.5", '"x"', "true", "[1, 2]", "[]", "1979-05-27", "[[1]]"])


@given(
    st.sampled_from(["profile", "walk", "match", "command", "condition", "value", "flags", "variant", "alarms"]),
    _written,
)
def test_a_table_of_the_wrong_kind_is_a_problem_and_no_exception(name: str, value: str) -> None:
    assert lint("x.toml", f"{name} = {value}\n")[0] is None


@given(
    st.sampled_from(["point", "at", "unit", "tier", "index", "states", "missing", "least", "lines", "pattern"]),
    _written,
)
def test_a_key_of_the_wrong_kind_is_a_problem_and_no_exception(name: str, value: str) -> None:
    profile, problems = lint("x.toml", HEAD + row(**{name: value}))
    assert (profile is None) == any(problem.severity == "error" for problem in problems)
    assert all(problem.key and problem.fix.zh for problem in problems)
