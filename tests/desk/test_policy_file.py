"""A policy with mistakes: each is named with file, line, key, what was expected, what came, and the fix."""

from __future__ import annotations

import pytest

from desk.policies import POLICIES
from desk.policy_file import parse
from model.problem import Problem

GOOD = POLICIES["powerstar"].read_text(encoding="utf-8")


def problems(old: str, new: str, count: int = 1) -> list[Problem]:
    assert old in GOOD
    found, wrong = parse(GOOD.replace(old, new, count), "mine.toml")
    assert found is None
    return wrong


@pytest.mark.parametrize(
    ("old", "new", "key", "got", "fix"),
    [
        ('target = "PT30M"', 'target = "30 min"', "clock.1.promise.0.target", "'30 min'", "correct"),
        ('target = "PT30M"', 'target = "P1M"', "clock.1.promise.0.target", "P1M", "correct"),
        ('target = "PT30M"', "", "clock.1.promise.0.target", "neither", "correct"),
        ('target = "PT30M"', 'target = "PT30M"\nimmediate = true', "clock.1.promise.0.immediate", "both", "correct"),
        ('target = "PT30M"', 'target = "PT30M"\ncalender = "7x24"', "clock.1.promise.0.calender", "`calender`", "rename it to calendar"),
        ('levels = ["serious"]', 'levels = ["series"]', "clock.0.promise.1.levels", "`series`", "`serious`?"),
        ('outage = "emergency"', 'outage = "emergancy"', "impact.outage", "`emergancy`", "`emergency`?"),
        ('outage = "emergency"\n', "", "impact.outage", "nothing", "add `outage`"),
        ('stop = ["onsite", "restored"]', 'stop = ["on_site"]', "clock.1.stop", "`on_site`", "`onsite`?"),
        ('start = "opened"', 'start = "restord"', "clock.0.start", "`restord`", "`restored`?"),
        ('calendar = "7x24"', 'calendar = "7x24h"', "clock.0.calendar", "`7x24h`", "`7x24`?"),
        ('name = "onsite"', 'name = "restore"', "clock.2", "`restore` twice", "correct"),
        ('when = { local = true }', 'when = { local = "yes" }', "clock.1.promise.0.when.local", "'yes'", "correct"),
        ("when = { min_kva = 6 }", "when = { min_kva = -6 }", "clock.1.promise.3.when.min_kva", "-6", "correct"),
        ('to = "service_centre"', 'to = "service_center"', "ladder.0.to", "`service_center`", "`service_centre`?"),
        ('item = "host"', 'item = "ups"', "warranty.0.item", "`ups`", "correct"),
        ("max_ah = 55", "max_ah = 5", "warranty.2.max_ah", "5 < 24", "correct"),
        (', zh = "紧急故障" }', " }", "level.0.name", "{'en': 'Emergency'}", "correct"),
        ("warn_share = 0.75", "warn_share = 75", "warn_share", "75", "correct"),
        ('id = "powerstar"\n', "", "id", "nothing", "add `id`"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_place_and_its_mending(old: str, new: str, key: str, got: str, fix: str) -> None:
    wrong = [p for p in problems(old, new) if p.key == key]
    assert wrong, [p.render("en") for p in problems(old, new)]
    assert got in wrong[0].got
    assert fix in wrong[0].fix.en
    assert wrong[0].line > 0 or key == "id"
    assert wrong[0].render("zh").startswith("mine.toml:")


def test_the_line_is_the_line_of_the_mistake() -> None:
    wrong = problems('target = "PT30M"', 'target = "soon"')
    line = GOOD.replace('target = "PT30M"', 'target = "soon"').splitlines().index('target = "soon"') + 1
    assert [p.line for p in wrong] == [line]


def test_ten_mistakes_give_ten_problems_at_once() -> None:
    body = GOOD
    for old, new in (
        ('immediate_means = "PT5M"', 'immediate_means = "soon"'),
        ('outage = "emergency"', 'outage = "worst"'),
        ('source = "L41"\n', 'source = "L41"\ncolour = "red"\n'),
        ('start = "opened"', 'start = "rung"'),
        ('target = "PT1H"', 'target = "1h"'),
        ("min_kva = 6 }", "min_kva = true }"),
        ('to = "field_technician"', 'to = "nobody"'),
        ('after = "onsite"', 'after = "arrival"'),
        ('term = "P3Y"', 'term = "3 years"'),
        ("max_ah = 17", 'max_ah = "17"'),
    ):
        assert old in body
        body = body.replace(old, new, 1)
    found, wrong = parse(body, "mine.toml")
    assert found is None
    assert len(wrong) == 10, [p.render("en") for p in wrong]
    assert len({p.line for p in wrong}) == 10


def test_what_is_not_toml_is_said_with_its_line() -> None:
    found, wrong = parse(GOOD.replace("[impact]", "[impact"), "mine.toml")
    assert found is None
    assert len(wrong) == 1
    assert wrong[0].line == GOOD.splitlines().index(next(x for x in GOOD.splitlines() if x.startswith("[impact]"))) + 1


@pytest.mark.parametrize(
    ("hours", "key"),
    [
        ('["9", "17:00"]', "hours"),
        ('["17:00", "09:00"]', "hours"),
        ('["09:00"]', "hours"),
        ('["09:00", "25:00"]', "hours"),
    ],
)
def test_a_calendar_with_impossible_hours_is_refused(hours: str, key: str) -> None:
    extra = f'[calendar.shift]\ndays = ["mon"]\nhours = {hours}\n[impact]'
    wrong = problems("[impact]", extra)
    assert {p.key for p in wrong} == {f"calendar.shift.{key}"}
