"""What the linter says of each shipped contract: these contradictions and gaps, at these keys, and no others."""

from __future__ import annotations

import pytest

from desk.policies import POLICIES, load
from desk.policy_lint import NOTE, PolicyFinding, findings

#: Policy -> (rule, key) of every finding; beside it what of the published text's contradictions it stands for.
EXPECTED: dict[str, set[tuple[str, str]]] = {
    "powerstar": {
        ("two-values", "clock.1.promise.3"),  # on site in 0.5 h and 1 h, or 2 h from 6 kVA
        ("spare-slower-than-restore", "clock.3.promise.0"),  # restored in 4 h, parts in 24 h
        ("spare-slower-than-restore", "clock.3.promise.1"),  # … or in 2 to 3 days
        ("battery-without-class", "warranty.2"),  # 17 to 24 Ah
        ("battery-without-class", "warranty.3"),  # 55 to 65 Ah
        ("branch-without-promise", "clock.1"),  # nobody comes where no office is, below 6 kVA
        ("branch-without-promise", "clock.2"),  # nothing is restored below 6 kVA
        ("no-time-ladder", "ladder"),
        ("equal-times", "clock.2.promise.0"),  # 4 h whatever the level
        ("clock-without-calendar", "clock.1"),
        ("clock-without-calendar", "clock.3"),
        ("clock-without-calendar", "cover.1"),
        ("overdue-undefined", "duty.1"),  # discharge after 3 or after 6 months
        ("impact-without-level", "impact.advisory"),
        ("no-survey", "duty"),
    },
    "cee": {
        ("no-first-response", "level.0"),
        ("no-restore-or-resolve", "level.0"),
        ("no-onsite", "level.0"),
        ("second-scale", "fault_kind.0"),  # emergent, major, minor beside four levels
        ("ladder-ends", "ladder.4"),  # first: silent after 48 h
        ("ladder-ends", "ladder.8"),
        ("ladder-ends", "ladder.10"),
        ("ladder-ends", "ladder.11"),  # fourth: one rung at 96 h
        ("start-undefined", "ladder.1"),  # "diagnosed time limit"
        ("clock-without-calendar", "ladder.1"),
        ("clock-without-calendar", "clock.0"),
        ("check-without-items", "duty.0"),  # "each year"
        ("no-warranty", "warranty"),
    },
    "wuhan_jinse": {
        ("severity-inversion", "clock.5.promise.0"),  # major 14 h, general 6 h
        ("two-values", "clock.0.promise.1"),  # immediate or 30 min, general
        ("two-values", "clock.0.promise.2"),  # … and major
        ("two-values", "clock.5.promise.2"),  # hardware 4 h, or 6 h and 14 h
        ("arrival-before-departure", "clock.4.promise.0"),  # on site in 1 h, sent in 2 h
        ("arrival-or-departure", "clock.3"),  # 派出…到
        ("duty-without-period", "duty.0"),
        ("no-time-ladder", "ladder"),
        ("report-without-deadline", "report.1"),  # the inspection report
        ("equal-times", "clock.0.promise.0"),
        ("impact-without-level", "impact.advisory"),
        ("no-warranty", "warranty"),
    },
    "heilongjiang_guoyu": {
        ("equal-times", "clock.0.promise.0"),  # 30 min, even for a booked enquiry
        ("equal-times", "clock.1.promise.0"),  # 2 h
        ("contingency-after-breach", "clock.3.promise.0"),  # 16 h, four hours after the resolve breach
        ("duty-without-period", "duty.0"),  # the patrol that is regular and irregular
        ("duty-without-period", "duty.1"),  # the manager's visit
        *(("clock-without-calendar", f"clock.{n}") for n in range(5)),  # wall clock or 5*8
        ("start-undefined", "clock.3"),
        ("no-onsite", "level.0"),
        ("no-time-ladder", "ladder"),
        ("check-without-items", "duty.0"),
        ("no-survey", "duty"),
        ("no-warranty", "warranty"),
    },
    "chengdu_xinguang": {
        ("second-scale", "fault_kind.0"),  # five levels, three response classes
        ("two-values", "clock.0.promise.1"),  # 10 minutes or immediate
        ("severity-inversion", "clock.0.promise.0"),  # level 1 in 10 min, level 2 immediate
        ("two-cadences", "duty.3"),  # weekly or fortnightly contact
        ("no-restore-or-resolve", "level.0"),
        ("departure-without-arrival", "clock.2.promise.0"),
        ("no-onsite", "level.3"),
        ("no-first-response", "level.4"),  # level 5
        ("start-undefined", "clock.2"),
        ("no-time-ladder", "ladder"),
        ("no-warranty", "warranty"),
    },
    "default": {
        ("no-onsite", "level.3"),
        ("no-restore-or-resolve", "level.3"),
        ("no-warranty", "warranty"),
        ("no-survey", "duty"),
    },
}
#: Prose, printed as published: where it stands in the text.
NOTES = {
    "powerstar": ["L41-43", "L13-18", "L39-42", "L82", "L64"],
    "cee": ["L55"],
    "wuhan_jinse": [],
    "heilongjiang_guoyu": ["L104-109", "L7", "L126", "L126"],
    "chengdu_xinguang": ["L28, L35, L41-51", "L97-99"],
    "default": [],
}


def told(id: str) -> list[PolicyFinding]:
    policy = load(id)
    assert policy
    return findings(policy, POLICIES[id].name)


@pytest.mark.parametrize("id", sorted(POLICIES))
def test_the_expected_findings_and_no_others(id: str) -> None:
    found = [f for f in told(id) if f.rule != NOTE]
    assert {(f.rule, f.key) for f in found} == EXPECTED.get(id, set()), [f.render("en") for f in found]
    assert len(found) == len(EXPECTED.get(id, ())), "each once"


@pytest.mark.parametrize("id", sorted(POLICIES))
def test_notes_come_last_with_their_line_of_the_text(id: str) -> None:
    found = told(id)
    notes = [f for f in found if f.rule == NOTE]
    assert found[len(found) - len(notes) :] == notes
    assert [f.text.en.rpartition("(")[2].rstrip(")") for f in notes] == NOTES.get(id, [])


@pytest.mark.parametrize("id", sorted(POLICIES))
def test_each_names_the_line_of_its_field_in_the_file(id: str) -> None:
    lines = POLICIES[id].read_text(encoding="utf-8").splitlines()
    for finding in told(id):
        table, _, last = finding.key.rpartition(".")
        line = lines[finding.line - 1]
        if finding.rule in ("no-warranty", "no-survey"):
            continue  # what is missing has no line
        if last.isdigit():
            assert line.startswith(f"[[{'.'.join(p for p in table.split('.') if not p.isdigit())}]]"), (finding, line)
        else:
            assert line.startswith((f"{last} =", f"[[{last}]]")), (finding, line)
