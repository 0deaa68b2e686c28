"""What the linter finds by rule: nothing in a sound contract, each planted mistake at its line, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.policy_file import parse
from desk.policy_lint import NOTE, OPEN_RULES, RULES, PolicyFinding, findings

SOUND = (Path(__file__).parent / "sound.toml").read_text(encoding="utf-8")


def found(body: str) -> list[PolicyFinding]:
    policy, problems = parse(body, "mine.toml")
    assert policy, [p.render("en") for p in problems]
    return findings(policy, "mine.toml")


def planted(*changes: tuple[str, str]) -> str:
    body = SOUND
    for old, new in changes:
        assert body.count(old) >= 1, old
        body = body.replace(old, new, 1)
    return body


PROMISE = '\n[[clock.promise]]\nlevels = ["{level}"]\ntarget = "{target}"\nsource = "{source}"\n'
KIND = '\n[[fault_kind]]\nid = "major"\nname = { en = "Major", zh = "重大" }\nlevels = ["high"]\ndecided = ["levels"]\n'
CALL = '\n[[duty]]\nid = "{id}"\nkind = "call"\ntitle = {{ en = "Call", zh = "电话" }}\nevery = "{every}"\n'
BATTERY = '\n[[warranty]]\nitem = "battery"\n{class_}\nterm = "P1Y"\n'
CONTINGENCY = """
[[clock]]
name = "contingency_plan"
title = { en = "Emergency plan", zh = "应急方案" }
start = "opened"
stop = ["contingency"]
calendar = "7x24"

[[clock.promise]]
levels = ["high"]
target = "PT30H"
source = "L19"

[[role]]
id = "lead"
"""
DEPARTS = """
[[clock]]
name = "dispatch"
title = { en = "Sent", zh = "派出" }
start = "opened"
stop = ["dispatched"]
calendar = "7x24"
decided = ["stop"]

[[clock.promise]]
levels = ["high"]
target = "PT1H"
source = "L20"

[[role]]
id = "lead"
"""

#: One mistake each: what is changed in the sound contract, the rule that finds it, the key where it is found.
MISTAKES: dict[str, tuple[tuple[str, str], str, str]] = {
    "inverted": (('target = "PT10M"', 'target = "PT3H"'), "severity-inversion", "clock.0.promise.0"),
    "equal": (('target = "PT1H"', 'target = "PT10M"'), "equal-times", "clock.0.promise.0"),
    "twice": (
        ('source = "L4"\n', 'source = "L4"\n' + PROMISE.format(level="low", target="PT2H", source="L44")),
        "two-values",
        "clock.0.promise.2",
    ),
    "unanswered": (
        ('[[clock.promise]]\nlevels = ["low"]\ntarget = "PT1H"\nsource = "L4"\n', ""),
        "no-first-response",
        "level.1",
    ),
    "unmended": (
        ('[[clock.promise]]              # 40 hours that count, but five days on the wall: slower than 24 h\nlevels = ["low"]\ntarget = "P5D"\ncalendar = "5x8"\nsource = "L9"\n', ""),
        "no-restore-or-resolve",
        "level.1",
    ),
    "nobody comes": (
        ('[[clock.promise]]\nlevels = ["low"]\ntarget = "P2D"\ncalendar = "5x8"\nsource = "L7"\n', ""),
        "no-onsite",
        "level.1",
    ),
    "sent or there": (('\n[[role]]\nid = "lead"\n', DEPARTS), "arrival-or-departure", "clock.5"),
    "before leaving": (
        ('\n[[role]]\nid = "lead"\n', DEPARTS.replace('decided = ["stop"]\n', "").replace("PT1H", "PT3H")),
        "arrival-before-departure",
        "clock.1.promise.0",
    ),
    "only local": (
        ('[[clock.promise]]\nlevels = ["high"]\ntarget = "PT8H"\nwhen = { local = false }\nsource = "L6"\n', ""),
        "branch-without-promise",
        "clock.1",
    ),
    "slow part": (('target = "PT12H"', 'target = "P3D"'), "spare-slower-than-restore", "clock.3.promise.0"),
    "late plan": (('\n[[role]]\nid = "lead"\n', CONTINGENCY), "contingency-after-breach", "clock.5.promise.0"),
    "ladder ends": (("ends = true\n", ""), "ladder-ends", "ladder.1"),
    "upside down": (('wait = "PT1H"', 'wait = "PT9H"\nends = true'), "ladder-out-of-order", "ladder.1"),
    "gap": (
        ('item = "battery"\n', 'item = "battery"\nmin_ah = 0\nmax_ah = 17\n'),
        "battery-without-class",
        "warranty.0",
    ),
    "small ones": (('item = "battery"\n', 'item = "battery"\nmin_ah = 7\n'), "battery-without-class", "warranty.0"),
    "two classes": (
        ('source = "L14"\n', 'source = "L14"\n' + BATTERY.format(class_="min_ah = 24")),
        "battery-in-two-classes",
        "warranty.1",
    ),
    "no deadline": (('due_by = "incident_report"\n', ""), "report-without-deadline", "report.0"),
    "no period": (
        ('every = "P6M"', 'text = { en = "regularly", zh = "定期" }'),
        "duty-without-period",
        "duty.0",
    ),
    "two paces": (
        ('\n[[duty]]\nid = "survey"', CALL.format(id="a", every="P7D") + CALL.format(id="b", every="P14D") + '\n[[duty]]\nid = "survey"'),
        "two-cadences",
        "duty.2",
    ),
    "no items": (('\n[[duty.item]]\ntext = { en = "look", zh = "看" }\n', ""), "check-without-items", "duty.0"),
    "no survey": (('kind = "survey"', 'kind = "training"'), "no-survey", "duty"),
    "scales": (("\n[[role]]", KIND + "\n[[role]]"), "second-scale", "fault_kind.0"),
    "own level": (('source = "L2"', 'source = "decided"'), "impact-without-level", "impact.degraded"),
    "no hours": (
        ('stop = ["restored"]\n', 'stop = ["restored"]\ndecided = ["calendar"]\n'),
        "clock-without-calendar",
        "clock.2",
    ),
    "from when": (('wait = "PT4H"\n', 'wait = "PT4H"\ndecided = ["after"]\n'), "start-undefined", "ladder.1"),
    "how late": (
        ('every = "P6M"', 'every = "P6M"\noverdue = "P9M"\ndecided = ["overdue"]'),
        "overdue-undefined",
        "duty.0",
    ),
}  # fmt: skip


def test_a_sound_contract_has_no_finding() -> None:
    assert [f.render("en") for f in found(SOUND)] == []


@pytest.mark.parametrize("name", MISTAKES)
def test_one_planted_mistake_is_one_finding_at_its_line(name: str) -> None:
    change, rule, key = MISTAKES[name]
    body = planted(change)
    told = [f for f in found(body) if f.rule == rule]
    assert [(f.rule, f.key) for f in told] == [(rule, key)], [f.render("en") for f in found(body)]
    line = body.splitlines()[told[0].line - 1]
    assert line.startswith((f"[[{key.split('.')[0]}", "[[clock.promise", "[[duty")) or key.split(".")[-1] in line
    others = [f.rule for f in found(body) if f.rule != rule]
    assert others in ([], ["departure-without-arrival"]), others


def test_the_rest_of_the_rules_find_theirs() -> None:
    no_ladder = SOUND[: SOUND.index("[[ladder]]")] + SOUND[SOUND.index("[[warranty]]") :]
    assert [f.rule for f in found(no_ladder)] == ["no-time-ladder"]
    no_warranty = SOUND[: SOUND.index("[[warranty]]")] + SOUND[SOUND.index("[[report]]") :]
    assert [f.rule for f in found(no_warranty)] == ["no-warranty"]
    customer = planted(('wait = "PT4H"\n', 'after = "dissatisfied"\nwait = "PT0S"\ncustomer = true\n'), ("ends = true\n", ""), ('wait = "PT1H"\n', 'wait = "PT1H"\nends = true\n'))  # fmt: skip
    assert [(f.rule, f.key) for f in found(customer)] == [("customer-ladder-ends", "ladder.1")]
    leaves = planted(('name = "onsite"', 'name = "dispatch"'), ('stop = ["onsite"]', 'stop = ["dispatched"]'))
    assert {f.rule for f in found(leaves)} == {"departure-without-arrival"}


def test_every_rule_is_shown_at_work() -> None:
    shown = {rule for _, rule, _ in MISTAKES.values()}
    shown |= {"no-time-ladder", "no-warranty", "customer-ladder-ends", "departure-without-arrival"}
    assert shown == {*RULES, *OPEN_RULES}


def test_ten_planted_mistakes_are_ten_findings() -> None:
    names = (
        *("inverted", "only local", "no hours", "slow part", "ladder ends"),
        *("gap", "no deadline", "no period", "two paces", "scales"),
    )
    told = found(planted(*(MISTAKES[name][0] for name in names)))
    assert sorted((f.rule, f.key) for f in told) == sorted(MISTAKES[name][1:] for name in names)
    assert len({f.line for f in told}) == 10


def test_words_are_neither_compared_nor_taken_as_a_time() -> None:
    body = planted(('target = "PT10M"\n', 'text = { en = "soon", zh = "尽快" }\n'))
    assert [(f.rule, f.key) for f in found(body)] == [("no-first-response", "level.0")]


def test_values_of_sites_that_exclude_each_other_do_not_contradict() -> None:
    assert not [f for f in found(SOUND) if f.rule == "two-values"]
    overlapping = planted(("when = { local = false }\n", "when = { min_kva = 6 }\n"))
    assert [f.key for f in found(overlapping) if f.rule == "two-values"] == ["clock.1.promise.1"]


def test_a_number_that_does_not_bind_neither_inverts_nor_answers() -> None:
    body = planted(('target = "PT10M"', 'target = "PT10M"\nbinds = false'))
    assert [f.rule for f in found(body)] == ["no-first-response"]


def test_notes_are_printed_as_published_behind_the_findings() -> None:
    body = planted(("ends = true\n", "")) + '\n[[note]]\ntext = { en = "odd", zh = "怪" }\nsource = "L99"\n'
    told = found(body)
    assert [f.rule for f in told] == ["ladder-ends", NOTE]
    assert (told[1].text.en, told[1].text.zh) == ("odd (L99)", "怪（L99）")


def test_every_sentence_is_there_in_both_languages() -> None:
    for change, _, _ in MISTAKES.values():
        for finding in found(planted(change)):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in finding.text.zh), finding
            assert finding.render("zh").startswith("mine.toml:")


def test_a_clock_may_insist_on_readings() -> None:
    assert found(planted(('stop = ["restored"]', 'stop = ["restored:telemetry"]'))) == []
