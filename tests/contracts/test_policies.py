"""Every shipped policy, found by its file: free of problems, whole in both languages, and able to run a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.types import Impact
from desk.policies import POLICIES, lint, load
from desk.policy import Facts, Policy, applicable
from desk.policy_file import parse
from model.text import Text

SHIPPED = sorted(POLICIES)
#: Texts that promise no response time at any level.
NO_RESPONSE_TIME = {"cee"}


def policy(id: str) -> Policy:
    found = load(id)
    assert found is not None, id
    return found


def test_the_policies_of_this_round_are_there() -> None:
    five = {"powerstar", "cee", "wuhan_jinse", "heilongjiang_guoyu", "chengdu_xinguang"}
    assert {"default", *five} <= set(SHIPPED)


@pytest.mark.parametrize("id", SHIPPED)
def test_it_has_no_problem_and_its_id_is_its_file(id: str) -> None:
    found, problems = lint(POLICIES[id])
    assert [p.render("en") for p in problems] == []
    assert found is not None
    assert found.id == id


@pytest.mark.parametrize("id", SHIPPED)
def test_every_sentence_is_there_in_both_languages(id: str) -> None:
    found = policy(id)
    texts: list[Text] = [found.name, *(t for lv in found.levels for t in (lv.name, lv.means))]
    texts += [c.title for c in found.clocks] + [p.text for c in found.clocks for p in c.promises if p.text]
    texts += [r.name for r in found.roles.values()] + [s.text for s in found.ladder] + [n.text for n in found.notes]
    texts += [t for d in found.duties for t in (d.title, *d.items)] + [s.text for s in found.spares]
    titled: list[tuple[Any, ...]] = [found.gates, found.forms, found.reports, found.flows]
    texts += [one.title for part in titled for one in part]
    texts += [t for f in found.flows for t in f.steps] + [t.text for t in found.terms]
    texts += [x.name for x in found.grades] + [x.name for x in found.fault_kinds]
    assert all(t.en and t.zh for t in texts)
    assert any("\u4e00" <= letter <= "\u9fff" for t in texts for letter in t.zh)


@pytest.mark.parametrize("id", SHIPPED)
def test_every_impact_has_a_level_and_worse_impact_never_a_milder_one(id: str) -> None:
    found = policy(id)
    ranks = [found.level_of(impact).rank for impact in Impact]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("id", SHIPPED)
@pytest.mark.parametrize("impact", [Impact.OUTAGE, Impact.UNPROTECTED, Impact.DEGRADED])
def test_whatever_opens_a_ticket_has_a_first_response_promised_and_somebody_to_call(id: str, impact: Impact) -> None:
    found = policy(id)
    level = found.level_of(impact).id
    nobody = Facts(local=False, kva=None)
    rules = [c for c in found.clocks if c.name == "first_response" and applicable(found, c, level, nobody)]
    if id in NO_RESPONSE_TIME:
        assert not rules
        assert any(s.wait and level in s.levels for s in found.ladder), "its ladder is the promise"
    else:
        assert [found.limit_ms(applicable(found, rule, level, nobody)[0]) is not None for rule in rules] == [True]
    assert any(s.after == "opened" and s.wait is None and level in s.levels for s in found.ladder)


@pytest.mark.parametrize("id", SHIPPED)
def test_every_value_says_where_it_is_written(id: str) -> None:
    found = policy(id)
    parts: list[tuple[Any, ...]] = [found.levels, found.ladder, found.warranty, found.notes, found.cover, found.gates]
    parts += [found.forms, found.reports, found.duties, found.spares, found.grades, found.fault_kinds, found.flows]
    parts += [found.terms, found.impact_cases, *(clock.promises for clock in found.clocks)]
    sources = [one.source for part in parts for one in part]
    assert all(sources)


@pytest.mark.parametrize("id", SHIPPED)
def test_its_version_is_its_content_and_line_ends_do_not_count(id: str) -> None:
    body = policy(id).body
    again, _ = parse(body.replace("\n", "\r\n"), "x")
    other, _ = parse(body + "\n# a word more\n", "x")
    assert again
    assert other
    assert again.version == policy(id).version != other.version
    assert policy(id).pin == f"{id}@{policy(id).version}"
