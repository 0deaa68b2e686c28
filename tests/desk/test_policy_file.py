"""A policy with mistakes: each is named with file, line, key, what was expected, what came, and the fix."""

from __future__ import annotations

import re

import pytest

from desk.calendars import Place
from desk.policies import POLICIES
from desk.policy import Facts
from desk.policy_explain import promised
from desk.policy_file import parse, remains
from desk.policy_lint import findings
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


WRONG = (
    *("3", "-1", '""', '"x"', "[]", "[1]", '["a"]', "{}", '{ en = "a" }', "true", "1.5", "nan", "inf", "[[1]]"),
    *('"PT0S"', '"P1M"', '"opened"', "2026-01-01", '"PT99999999999H"', '"P999999999D"', '"P99999Y"', "9" * 20),
)


@pytest.mark.parametrize("id", sorted(POLICIES))
def test_whatever_a_person_writes_for_a_value_is_read_or_named_and_never_a_crash(id: str) -> None:
    lines = POLICIES[id].read_text(encoding="utf-8").splitlines()
    keys = [n for n, line in enumerate(lines) if re.match(r"[a-z_]+ =", line)]
    for turn, number in enumerate(keys[:: max(1, len(keys) // 12)]):
        for value in (WRONG[turn % len(WRONG)], WRONG[(turn * 7 + 3) % len(WRONG)], None):
            broken = [*lines]
            broken[number] = "" if value is None else f"{lines[number].split('=')[0]}= {value}"
            found, wrong = remains("\n".join(broken), "mine.toml")
            assert all(p.render("en") and p.render("zh") for p in wrong)
            assert found or wrong
            if found:
                assert all(f.text.zh for f in findings(found, "mine.toml", [p.key for p in wrong]))
            if found and not wrong:
                for level in found.levels:
                    promised(found, level.id, 1_790_000_000_000, Place(), Facts(kva=10, hardware=True))


@pytest.mark.parametrize("value", ["PT900000H", "P40000D", "P101Y"])
def test_more_than_a_century_is_a_slip_of_the_pen(value: str) -> None:
    wrong = problems('term = "P3Y"', f'term = "{value}"')
    assert [(p.key, p.expected.en) for p in wrong] == [("warranty.0.term", "a century at most")]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ('[[gate]]\nid = "g"\nscope = "roof"\ntitle = { en = "a", zh = "b" }\nneeds = ["supervisor_signature"]', "gate.0.scope"),
        ('[[gate]]\nid = "g"\nscope = "equipment"\ntitle = { en = "a", zh = "b" }\nneeds = ["smile"]', "gate.0.needs"),
        ('[[form]]\nid = "f"\ntitle = { en = "a", zh = "b" }\nwhen = "tomorrow"', "form.2.when"),
        ('[[report]]\nid = "r"\ntitle = { en = "a", zh = "b" }\nto = ["press"]', "report.0.to"),
        ('[[report]]\nid = "r"\ntitle = { en = "a", zh = "b" }\nto = ["customer"]\ndue_by = "x"', "report.0.due_by"),
        ('[[duty]]\nid = "d"\nkind = "nap"\ntitle = { en = "a", zh = "b" }\nevery = "P1M"', "duty.2.kind"),
        ('[[duty]]\nid = "d"\nkind = "visit"\ntitle = { en = "a", zh = "b" }', "duty.2.every"),
        ('[[duty]]\nid = "d"\nkind = "visit"\ntitle = { en = "a", zh = "b" }\nevery = "PT1H"', "duty.2.every"),
        ('[[spare]]\nlender = "neighbour"\ntext = { en = "a", zh = "b" }', "spare.1.lender"),
        ('[[grade]]\nid = "g"\nname = { en = "a", zh = "b" }\nlevels = ["x"]', "grade.0.levels"),
        ('[[fault_kind]]\nid = "k"\nname = { en = "a", zh = "b" }\nlevels = ["x"]', "fault_kind.0.levels"),
        ('[[flow]]\nid = "defect"\ntitle = { en = "a", zh = "b" }\nconverts_to = "x"', "flow.1.converts_to"),
        ('[[flow]]\nid = "defect"\ntitle = { en = "a", zh = "b" }\nform = "x"', "flow.1.form"),
        ('[[impact_case]]\nimpact = "outage"\nfindings = ["gremlins"]\nlevel = "general"', "impact_case.0.findings"),
        ('[[cover]]\nwhat = "calls"\ncalendar = "9x9"', "cover.2.calendar"),
        ('[[term]]\nid = "scope"\ntext = { en = "a", zh = "b" }', "term.9"),
        ('[[duty.item]]\ntext = { en = "a", zh = "b" }\npoints = ["ups.soul"]', "duty.1.item.0.points"),
    ],
)  # fmt: skip
def test_every_other_table_is_checked_too(table: str, key: str) -> None:
    found, wrong = parse(f"{GOOD}\n{table}\n", "mine.toml")
    assert found is None
    assert [p.key for p in wrong] == [key], [p.render("en") for p in wrong]
    assert wrong[0].line > GOOD.count("\n")
