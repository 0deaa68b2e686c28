"""What `policy explain` foretells is what a ticket then gets: same promise, same line, same due time, same rungs."""

from __future__ import annotations

from itertools import product

import pytest

from desk.calendars import Place
from desk.policies import POLICIES, load
from desk.policy import Facts, Policy
from desk.policy_explain import ESCALATION, OPENED, PERIODIC, promised
from tests.desk.book import book, clock, opened
from tests.desk.stage import MINUTE, at

OPENINGS = (at("2026-11-23 10:00"), at("2026-09-18 16:00"), at("2026-11-22 03:17"))
CASES = (
    Facts(local=True),
    Facts(local=False, kva=10),
    Facts(local=True, kva=6),
    Facts(local=False, kva=5.9),
    Facts(local=True, kva=10, hardware=True, spares_on_site=True),
    Facts(local=True, cause_known=False, customer_request=True, non_stop=True),
)


def policy(id: str) -> Policy:
    found = load(id)
    assert found
    return found


def told(facts: Facts) -> dict[str, object]:
    names = ("hardware", "spares_on_site", "cause_known", "customer_request", "non_stop")
    known = {name: getattr(facts, name) for name in names if getattr(facts, name) is not None}
    return {name: int(value) for name, value in known.items()}


@pytest.mark.parametrize("id", sorted(POLICIES))
def test_a_ticket_gets_the_clocks_that_were_foretold(id: str) -> None:
    rule = policy(id)
    for level, facts, when in product(rule.levels, CASES, OPENINGS):
        foretold = promised(rule, level.id, when, Place(), facts)
        ledger = book(opened(level.id, facts.local, facts.kva, when, **told(facts)))
        running = [one for one in foretold if one.clock not in (ESCALATION, PERIODIC) and one.start == OPENED]
        for one in running:
            real = clock(one.clock, ledger, (when - at("2026-11-23 10:00")) / MINUTE, rule)
            assert real, (level.id, facts, one.clock)
            assert (real.source, real.calendar) == (one.source, one.calendar), (level.id, facts, one.clock)
            assert real.due_at == (one.due if one.binding else None), (level.id, facts, one.clock)
            assert len(real.also) == len(one.also)
        later = {one.clock for one in foretold if one.start != OPENED}
        names = {one.clock for one in running}
        for name in later - names - {ESCALATION, PERIODIC}:
            assert clock(name, ledger, (when - at("2026-11-23 10:00")) / MINUTE, rule) is None, name


@pytest.mark.parametrize("id", sorted(POLICIES))
def test_rungs_rise_and_every_object_says_what_it_counts(id: str) -> None:
    rule = policy(id)
    for level in rule.levels:
        foretold = promised(rule, level.id, OPENINGS[0], Place(), Facts(kva=10))
        rungs = [one.due for one in foretold if one.clock == ESCALATION and one.due is not None]
        assert rungs == sorted(rungs)
        assert all(one.target or (one.text and one.text.en and one.text.zh) for one in foretold)
        assert all(one.due is None for one in foretold if one.start != OPENED)
        assert len({one.clock for one in foretold if one.step is None and one.duty is None}) == sum(
            one.step is None and one.duty is None for one in foretold
        )


def test_an_unknown_level_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        promised(policy("cee"), "fifth", OPENINGS[0], Place(), Facts())
