"""`roundsman policy …` as a person or a script calls it: what it prints, what it refuses, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from roundsman.cli import app
from tests.desk.test_policy_lint import MISTAKES, SOUND, planted

Capture = pytest.CaptureFixture[str]
KEYS = {"clock", "target", "text", "calendar", "due", "source"}


def run(*tokens: str) -> int:
    return int(app(["policy", *tokens], result_action="return_value"))


def objects(capsys: Capture, *tokens: str) -> list[dict[str, Any]]:
    assert run(*tokens, "--json") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def explain(capsys: Capture, policy: str, level: str, *more: str, at: str = "2026-11-23T10:00") -> dict[str, Any]:
    """Clocks by name; a clock stands once, but the ladder's steps and the periodic work."""
    told = objects(capsys, "explain", policy, "--level", level, "--at", at, *more)
    assert all(one.keys() >= KEYS for one in told)
    single = [one for one in told if one["clock"] not in ("escalation", "periodic")]
    assert len({one["clock"] for one in single}) == len(single), "one object per clock"
    found: dict[str, Any] = {one["clock"]: one for one in single}
    found["escalation"] = [one for one in told if one["clock"] == "escalation"]
    found["periodic"] = {one["duty"]: one for one in told if one["clock"] == "periodic"}
    return found


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUNDSMAN_LANG", "en")


# explain: due times


@pytest.mark.parametrize(
    ("policy", "level", "more", "clock", "target", "due"),
    [
        ("powerstar", "emergency", (), "onsite", "PT30M", "2026-11-23T10:30:00+08:00"),
        ("powerstar", "serious", ("--kva", "10"), "onsite", "PT1H", "2026-11-23T11:00:00+08:00"),
        ("powerstar", "general", ("--kva", "3"), "onsite", "PT2H", "2026-11-23T12:00:00+08:00"),
        ("powerstar", "emergency", ("--remote", "--kva", "10"), "onsite", "PT2H", "2026-11-23T12:00:00+08:00"),
        ("powerstar", "emergency", ("--kva", "6"), "restore", "PT4H", "2026-11-23T14:00:00+08:00"),
        ("wuhan_jinse", "major", (), "restore", "PT14H", "2026-11-24T00:00:00+08:00"),
        ("wuhan_jinse", "general", (), "restore", "PT6H", "2026-11-23T16:00:00+08:00"),
        ("wuhan_jinse", "major", ("--hardware", "--spares-on-site"), "restore", "PT4H", "2026-11-23T14:00:00+08:00"),
        ("wuhan_jinse", "general", ("--hardware",), "restore", "PT6H", "2026-11-23T16:00:00+08:00"),
        ("wuhan_jinse", "general", (), "first_response", "PT30M", "2026-11-23T10:30:00+08:00"),
        ("wuhan_jinse", "general", (), "plan", "PT1H", "2026-11-23T11:00:00+08:00"),
        ("wuhan_jinse", "major", (), "plan", None, "2026-11-23T10:30:00+08:00"),
        ("wuhan_jinse", "major", (), "dispatch", None, "2026-11-23T10:30:00+08:00"),
        ("wuhan_jinse", "general", (), "dispatch", "PT2H", None),
        ("wuhan_jinse", "general", (), "onsite", "PT1H", "2026-11-23T11:00:00+08:00"),
        ("heilongjiang_guoyu", "I", (), "resolve", "PT12H", "2026-11-23T22:00:00+08:00"),
        ("heilongjiang_guoyu", "I", (), "contingency_plan", "PT16H", "2026-11-24T02:00:00+08:00"),
        ("heilongjiang_guoyu", "III", (), "resolve", "PT48H", "2026-11-25T10:00:00+08:00"),
        ("heilongjiang_guoyu", "I", (), "incident_report", "PT24H", None),
        ("chengdu_xinguang", "1", (), "first_response", "PT10M", "2026-11-23T10:10:00+08:00"),
        ("chengdu_xinguang", "2", (), "first_response", None, "2026-11-23T10:05:00+08:00"),
        ("chengdu_xinguang", "4", (), "first_response", "PT30M", "2026-11-23T10:30:00+08:00"),
        ("chengdu_xinguang", "3", (), "dispatch", "PT12H", "2026-11-23T22:00:00+08:00"),
        ("cee", "fourth", (), "onsite", None, None),
    ],
)
def test_a_clock_has_its_target_and_its_due_time(
    capsys: Capture, policy: str, level: str, more: tuple[str, ...], clock: str, target: str | None, due: str | None
) -> None:
    one = explain(capsys, policy, level, *more)[clock]
    assert (one["target"], one["due"]) == (target, due)
    assert one["target"] or one["text"]["en"]
    assert one["target"] or one["text"]["zh"]


@pytest.mark.parametrize(
    ("policy", "level", "more", "clock"),
    [
        ("powerstar", "emergency", ("--remote", "--kva", "5.99"), "onsite"),
        ("powerstar", "emergency", ("--remote",), "onsite"),
        ("powerstar", "emergency", ("--kva", "5.99"), "restore"),
        ("powerstar", "emergency", (), "restore"),
        ("powerstar", "planned", (), "first_response"),
        ("heilongjiang_guoyu", "II", (), "contingency_plan"),
        ("chengdu_xinguang", "5", (), "first_response"),
        ("chengdu_xinguang", "4", (), "dispatch"),
        ("cee", "first", (), "first_response"),
    ],
)
def test_what_is_not_promised_is_not_there(
    capsys: Capture, policy: str, level: str, more: tuple[str, ...], clock: str
) -> None:
    assert clock not in explain(capsys, policy, level, *more)


def test_the_stricter_binds_and_the_other_is_shown(capsys: Capture) -> None:
    onsite = explain(capsys, "powerstar", "emergency", "--kva", "10")["onsite"]
    assert (onsite["binding"], onsite["source"]) == (True, "L41")
    assert [(o["target"], o["due"], o["source"], o["binding"]) for o in onsite["also"]] == [
        ("PT2H", "2026-11-23T12:00:00+08:00", "L49", False)
    ]
    first = explain(capsys, "chengdu_xinguang", "1")["first_response"]
    assert [(o["target"], o["immediate"], o["source"]) for o in first["also"]] == [(None, True, "L160")]
    shown = explain(capsys, "wuhan_jinse", "general")["onsite"]
    assert (shown["target"], shown["binding"], shown["source"]) == ("PT1H", False, "L73")
    part = explain(capsys, "powerstar", "general", "--remote")["spare_part"]
    assert (part["target"], [o["target"] for o in part["also"]]) == ("P3D", ["P2D"])


def test_everything_that_is_said_can_be_asked_for_as_lines(capsys: Capture) -> None:
    told = objects(capsys, "explain", "powerstar", "--level", "serious", "--at", "2026-11-23", "--kva", "10", "--all")
    assert [(o["target"], o["binding"]) for o in told if o["clock"] == "onsite"] == [("PT1H", True), ("PT2H", False)]


def test_the_ladder_of_cee_step_by_step(capsys: Capture) -> None:
    steps = explain(capsys, "cee", "first")["escalation"]
    assert [(s["step"], s["target"], s["to"], s["due"]) for s in steps] == [
        (1, "PT1H", "department_manager", "2026-11-23T11:00:00+08:00"),
        (2, "PT4H", "operation_center_gm", "2026-11-23T14:00:00+08:00"),
        (3, "PT24H", "vice_president", "2026-11-24T10:00:00+08:00"),
        (4, "PT48H", "president", "2026-11-25T10:00:00+08:00"),
    ]
    assert steps[1]["also_to"] == ["manufacturer_support"]
    assert [s["repeat"] for s in steps] == [None, None, None, "PT24H"]
    fourth = explain(capsys, "cee", "fourth")["escalation"]
    assert [(s["target"], s["to"], s["repeat"]) for s in fourth] == [("PT96H", "department_manager", "PT24H")]


def test_a_ladder_without_times_has_steps_without_due_time(capsys: Capture) -> None:
    steps = explain(capsys, "chengdu_xinguang", "1")["escalation"]
    assert [(s["step"], s["to"], s["target"], s["due"], s["start"]) for s in steps] == [
        (1, "technical_support", None, None, "unsolved_onsite"),
        (1, "department_manager", None, None, "dissatisfied"),
        (2, "service_center_gm", None, None, "dissatisfied"),
        (3, "service_director", None, None, "dissatisfied"),
    ]
    assert all(s["text"]["zh"] for s in steps)
    (both,) = explain(capsys, "powerstar", "general")["escalation"]
    assert (both["to"], both["also_to"]) == ("technique_department_leader", ["division_head"])


def test_periodic_work_has_its_cadence_and_no_due_time(capsys: Capture) -> None:
    duties = explain(capsys, "powerstar", "general")["periodic"]
    assert (duties["inspection"]["target"], duties["inspection"]["due"]) == ("P6M", None)
    assert (duties["battery_discharge"]["target"], duties["battery_discharge"]["source"]) == ("P3M", "L64")
    duties = explain(capsys, "chengdu_xinguang", "3")["periodic"]
    assert (duties["manager_visit"]["target"], duties["manager_visit"]["times"]) == ("P6M", 3)
    assert (duties["customer_call"]["target"], duties["phone_exchange"]["target"]) == ("P7D", "P14D")
    visit = explain(capsys, "heilongjiang_guoyu", "I")["periodic"]["manager_visit"]
    assert (visit["target"], visit["text"]["zh"]) == (None, "定期")


# explain: calendars and zones


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-09-18T16:00", "2026-09-24T16:00:00+08:00"),  # Sunday the 20th is worked in exchange
        ("2025-09-26T16:00", "2025-10-10T16:00:00+08:00"),  # National Day; Sunday 28 September is worked
        ("2026-02-13T16:00", "2026-02-27T16:00:00+08:00"),  # Spring Festival; Saturday the 14th is worked
        ("2026-11-20T17:00", "2026-11-27T17:00:00+08:00"),  # at closing time: nothing of that day is left
        ("2026-11-20T16:59:59", "2026-11-27T16:59:59+08:00"),
        ("2026-11-21T03:00", "2026-11-27T17:00:00+08:00"),  # a Saturday night: Monday to Friday
        ("2026-11-20T08:00Z", "2026-11-27T16:00:00+08:00"),
        ("2026-11-20T16:00+08:00", "2026-11-27T16:00:00+08:00"),
    ],
)
def test_five_working_days_over_chinese_holidays(capsys: Capture, at: str, due: str) -> None:
    told = explain(capsys, "heilongjiang_guoyu", "IV", at=at)
    assert (told["resolve"]["calendar"], told["resolve"]["due"]) == ("5x8", due)
    assert told["first_response"]["calendar"] == "5x8"


def test_another_country_has_its_own_holidays_and_another_zone_its_own_hours(capsys: Capture) -> None:
    there = ("--country", "MY", "--tz", "Asia/Kuala_Lumpur")
    told = explain(capsys, "heilongjiang_guoyu", "IV", *there, at="2025-09-26T16:00")
    assert told["resolve"]["due"] == "2025-10-03T16:00:00+08:00", "no National Day, no worked Sunday"
    berlin = ("--country", "DE", "--tz", "Europe/Berlin")
    told = explain(capsys, "heilongjiang_guoyu", "IV", *berlin, at="2026-10-23T16:00")
    assert told["resolve"]["due"] == "2026-10-30T16:00:00+01:00", "the hours of the wall, over the change of the clocks"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-10-25T00:30", "2026-10-25T11:30:00+01:00"),  # 25 hours in that day
        ("2026-03-29T00:30", "2026-03-29T13:30:00+02:00"),  # 23 hours
        ("2026-03-29T02:30", "2026-03-29T15:30:00+02:00"),  # a time that the wall never showed: one hour on
        ("2026-10-25T02:30+02:00", "2026-10-25T13:30:00+01:00"),
        ("2026-10-25T02:30+01:00", "2026-10-25T14:30:00+01:00"),
    ],
)
def test_twelve_hours_are_twelve_hours_when_the_clocks_change(capsys: Capture, at: str, due: str) -> None:
    told = explain(capsys, "heilongjiang_guoyu", "I", "--country", "DE", "--tz", "Europe/Berlin", at=at)
    assert told["resolve"]["due"] == due


def test_beyond_the_table_of_holidays_the_due_time_is_called_doubtful(capsys: Capture) -> None:
    far = explain(capsys, "heilongjiang_guoyu", "IV", at="2090-01-02T10:00")
    assert far["resolve"]["due"]
    assert far["resolve"]["doubts"]
    assert explain(capsys, "heilongjiang_guoyu", "I", at="2090-01-02T10:00")["resolve"]["doubts"] == []
    unknown = explain(capsys, "heilongjiang_guoyu", "IV", "--country", "XX")
    assert "XX" in unknown["resolve"]["doubts"][0]["zh"]
    assert run("explain", "heilongjiang_guoyu", "--level", "IV", "--at", "2026-11-23", "--country", "XX") == 0
    assert "XX" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "due"),
    [((), "2026-11-23T11:00:00+08:00"), (("--non-stop",), "2026-11-23T11:00:00+08:00")],
)
def test_words_never_become_a_number(capsys: Capture, options: tuple[str, ...], due: str) -> None:
    onsite = explain(capsys, "wuhan_jinse", "general", *options)["onsite"]
    stated = [onsite, *onsite["also"]]
    assert [o["due"] for o in stated if o["target"] == "PT1H"] == [due]
    assert all(o["due"] is None for o in stated if o["target"] is None)
    assert ("第一时间" in [o["text"]["zh"] for o in stated]) == bool(options)


def test_an_unknown_cause_on_request_is_served_until_solved(capsys: Capture) -> None:
    onsite = explain(capsys, "wuhan_jinse", "major", "--cause-unknown", "--on-request")["onsite"]
    assert "L35" in [o["source"] for o in (onsite, *onsite["also"])]
    onsite = explain(capsys, "wuhan_jinse", "major", "--cause-unknown")["onsite"]
    assert "L35" not in [o["source"] for o in (onsite, *onsite["also"])]


# explain: refused


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("nobody", "--level", "first", "--at", "2026-11-23"), "no policy `nobody`: expected one of"),
        (("cee", "--level", "fifth", "--at", "2026-11-23"), "no level `fifth`: expected one of first, second"),
        (("cee", "--level", "first", "--at", "soon"), "--at: expected ISO 8601"),
        (("cee", "--level", "first", "--at", "0001-01-01"), "--at: expected ISO 8601"),
        (("cee", "--level", "first", "--at", "2026-02-30"), "--at: expected ISO 8601"),
        (("cee", "--level", "first", "--at", "2026-11-23", "--tz", "Asia/Beijing"), "no time zone `Asia/Beijing`"),
        (("cee", "--level", "first", "--at", "2026-11-23", "--kva", "-3"), "--kva: expected a number above 0"),
        (("cee", "--level", "first", "--at", "2026-11-23", "--kva", "nan"), "--kva: expected a number above 0"),
        (("missing.toml", "--level", "first", "--at", "2026-11-23"), "missing.toml"),
    ],
)
def test_what_cannot_be_answered_is_said_and_ends_with_one(capsys: Capture, tokens: tuple[str, ...], said: str) -> None:
    assert run("explain", *tokens, "--json") == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err


def test_a_file_of_ones_own_is_explained_too(capsys: Capture, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(SOUND, encoding="utf-8")
    assert explain(capsys, str(mine), "low")["onsite"]["due"] == "2026-11-25T10:00:00+08:00"
    mine.write_text(SOUND.replace("PT10M", "10 minutes"), encoding="utf-8")
    assert run("explain", str(mine), "--level", "low", "--at", "2026-11-23") == 1
    assert "mine.toml:33: clock.0.promise.0.target" in capsys.readouterr().err


def test_for_a_person_each_clock_is_a_line_in_both_languages(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = ("explain", "powerstar", "--level", "emergency", "--at", "2026-11-23T10:00", "--kva", "10")
    assert run(*tokens) == 0
    said = capsys.readouterr().out
    assert "2026-11-23T10:30:00+08:00" in said
    assert "also PT2H (L49)" in said
    monkeypatch.setenv("ROUNDSMAN_LANG", "zh")
    assert run(*tokens) == 0
    assert "工程师到场" in capsys.readouterr().out


# warranty


def verdict(capsys: Capture, policy: str, item: str, since: str, at: str, *more: str) -> tuple[str, str | None]:
    (told,) = objects(capsys, "warranty", policy, "--item", item, "--since", since, "--at", at, *more)
    assert told.keys() >= {"verdict", "until", "source"}
    return told["verdict"], told["until"]


@pytest.mark.parametrize(
    ("item", "ah", "at", "expected"),
    [
        ("host", None, "2027-03-14", ("in", "2027-03-15")),
        ("host", None, "2027-03-15", ("out", "2027-03-15")),  # `until` is the first day that is out
        ("host", None, "2024-03-15", ("in", "2027-03-15")),
        ("battery", "9", "2025-03-14", ("in", "2025-03-15")),
        ("battery", "17", "2025-03-14", ("in", "2025-03-15")),
        ("battery", "17", "2025-03-15", ("out", "2025-03-15")),
        ("battery", "17.1", "2024-06-01", ("undefined", None)),
        ("battery", "23.9", "2024-06-01", ("undefined", None)),
        ("battery", "24", "2026-03-14", ("in", "2026-03-15")),
        ("battery", "55", "2026-03-15", ("out", "2026-03-15")),
        ("battery", "55.5", "2024-06-01", ("undefined", None)),
        ("battery", "64.9", "2024-06-01", ("undefined", None)),
        ("battery", "65", "2027-03-14", ("in", "2027-03-15")),
        ("battery", "200", "2027-03-15", ("out", "2027-03-15")),
        ("battery", None, "2024-06-01", ("undefined", None)),
        ("software", None, "2026-03-14", ("in", "2026-03-15")),
        ("third-party-software", None, "2025-03-15", ("out", "2025-03-15")),
    ],
)
def test_powerstars_warranty_by_item_and_capacity(
    capsys: Capture, item: str, ah: str | None, at: str, expected: tuple[str, str | None]
) -> None:
    more = ("--ah", ah) if ah else ()
    assert verdict(capsys, "powerstar", item, "2024-03-15", at, *more) == expected


def test_the_last_day_of_a_short_month_stands_in_for_a_missing_one(capsys: Capture) -> None:
    assert verdict(capsys, "powerstar", "host", "2024-02-29", "2027-02-27") == ("in", "2027-02-28")
    assert verdict(capsys, "powerstar", "battery", "2024-02-29", "2025-02-28", "--ah", "9") == ("out", "2025-02-28")
    assert verdict(capsys, "powerstar", "host", "2025-02-28", "2028-02-28") == ("out", "2028-02-28")


def test_what_the_contract_does_not_say_is_undefined(capsys: Capture) -> None:
    for policy in ("cee", "wuhan_jinse", "heilongjiang_guoyu", "chengdu_xinguang", "default"):
        assert verdict(capsys, policy, "host", "2024-01-01", "2024-01-02") == ("undefined", None)
    told = objects(capsys, "warranty", "powerstar", "--item", "battery", "--ah", "100", "--block-v", "2", "--since", "2024-01-01", "--at", "2024-01-02")  # fmt: skip
    assert told[0]["verdict"] == "undefined", "12 V blocks only"
    assert verdict(capsys, "powerstar", "host", "2026-05-01", "2026-04-30") == ("undefined", None), "not begun"


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (("powerstar", "--item", "host", "--since", "long ago", "--at", "2026-01-01"), "--since: expected a date"),
        (("powerstar", "--item", "host", "--since", "2023-02-29", "--at", "2026-01-01"), "--since: expected a date"),
        (("powerstar", "--item", "host", "--since", "2024-01-01", "--at", "today"), "--at: expected a date"),
        (("powerstar", "--item", "battery", "--ah", "0", "--since", "2024-01-01", "--at", "2024-01-01"), "--ah"),
        (("powerstar", "--item", "battery", "--ah", "inf", "--since", "2024-01-01", "--at", "2024-01-01"), "--ah"),
        (("acme", "--item", "host", "--since", "2024-01-01", "--at", "2026-01-01"), "no policy `acme`"),
    ],
)
def test_a_warranty_that_cannot_be_asked_is_refused(capsys: Capture, tokens: tuple[str, ...], said: str) -> None:
    assert run("warranty", *tokens) == 1
    assert said in capsys.readouterr().err


# lint and list


def test_the_shipped_policies_are_linted_when_no_file_is_given(capsys: Capture) -> None:
    assert run("lint") == 0
    told = capsys.readouterr()
    assert "powerstar.toml:" in told.out
    assert "battery-without-class: no battery class for 17 < Ah < 24" in told.out
    assert told.err.startswith("6 files: 0 with errors, ")
    assert run("lint", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["severity"] for line in lines} == {"finding", "note"}
    assert all(line.keys() == {"file", "line", "key", "severity", "rule", "text"} for line in lines)


def test_ten_planted_contradictions_are_shown_and_are_no_error(capsys: Capture, tmp_path: Path) -> None:
    names = (
        *("inverted", "only local", "no hours", "slow part", "ladder ends"),
        *("gap", "no deadline", "no period", "two paces", "scales"),
    )
    file = tmp_path / "planted.toml"
    file.write_text(planted(*(MISTAKES[name][0] for name in names)), encoding="utf-8")
    assert run("lint", str(file)) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 10
    assert all(line.startswith(f"{file}:") for line in said)


def test_schema_errors_name_place_expectation_and_mending_and_fail(capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(SOUND.replace('target = "PT10M"', 'target = "soon"').replace('to = "boss"', 'to = "bos"'))
    assert run("lint", str(file), "--json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["severity"], line["key"]) for line in lines] == [
        ("error", "clock.0.promise.0.target"),
        ("error", "ladder.1.to"),
    ]
    assert all(line.keys() >= {"file", "line", "expected", "got", "fix"} for line in lines)
    assert run("lint", str(file), str(tmp_path / "none.toml")) == 1
    assert "2 files: 2 with errors, 0 findings, 0 notes" in capsys.readouterr().err


def test_ten_planted_mistakes_of_both_sorts_are_ten_lines(capsys: Capture, tmp_path: Path) -> None:
    slips = (
        ('outage = "high"', 'outage = "highest"'),
        ('target = "PT2H"', 'target = "2 h"'),
        ('to = "boss"', 'to = "bos"'),
        ('every = "P1M"', 'every = "monthly"'),
        ('due_by = "incident_report"', 'due_by = "tomorrow"'),
    )
    file = tmp_path / "planted.toml"
    names = ("inverted", "no hours", "slow part", "gap", "scales")
    file.write_text(planted(*slips, *(MISTAKES[name][0] for name in names)), encoding="utf-8")
    assert run("lint", str(file), "--json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["key"] for line in lines if line["severity"] == "error"] == [
        *("impact.outage", "clock.1.promise.0.target", "ladder.1.to", "report.0.due_by", "duty.1.every"),
    ]
    assert sorted(line["rule"] for line in lines if line["severity"] == "finding") == sorted(
        MISTAKES[name][1] for name in names
    )


def test_list_names_every_policy_with_its_levels(capsys: Capture) -> None:
    listed = {line["id"]: line["levels"] for line in objects(capsys, "list")}
    assert listed["heilongjiang_guoyu"] == ["I", "II", "III", "IV"]
    assert listed["powerstar"][:3] == ["emergency", "serious", "general"]
    assert run("list") == 0
    assert "wuhan_jinse" in capsys.readouterr().out
