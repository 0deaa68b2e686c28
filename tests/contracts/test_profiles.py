"""Every profile, found by its file, keeps the rules that the format promises."""

from __future__ import annotations

from importlib.resources import files

import pytest

from agent.address import DeviceUrl
from agent.drivers import DRIVERS
from agent.drivers.exchange import Exchange, Failure, Words
from agent.profiles import PROFILES, Tier, lint, load, match
from model.points import POINTS, Kind
from model.reading import GapCause

URLS = {
    "modbus": DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=1"),
    "megatec": DeviceUrl.parse("megatec:///dev/ttyS0"),
    "snmp": DeviceUrl.parse("snmp://192.0.2.1"),
}


def test_the_families_of_the_first_release_are_there() -> None:
    assert {"rfc1628", "if_mib", "huawei_ups2000", "megatec_q1"} <= set(PROFILES)


@pytest.mark.parametrize("id", PROFILES)
def test_a_profile_has_no_problem(id: str) -> None:
    text = files("agent.profiles").joinpath(f"{id}.toml").read_text(encoding="utf-8")
    profile, problems = lint(f"{id}.toml", text)
    assert [problem.render("en") for problem in problems] == []
    assert profile is not None


@pytest.mark.parametrize("id", PROFILES)
def test_a_profile_says_what_it_is_in_two_languages_and_where_its_facts_come_from(id: str) -> None:
    profile = load(id)
    assert all(profile.title)
    assert any(ord(character) > 0x3000 for character in profile.title[1])
    assert profile.source
    assert all(variant.why for variant in profile.variants)


@pytest.mark.parametrize("id", PROFILES)
def test_every_row_of_a_profile_is_planned_and_every_silence_is_a_gap(id: str) -> None:
    profile, url = load(id), URLS[load(id).driver]
    driver = DRIVERS[url.scheme]
    silent = Failure(cause=GapCause.NO_ANSWER, raw="nothing")
    for tier in Tier:
        requests = driver.plan(profile, url, tier)
        samples = driver.read(profile, url, tier, [Exchange(request=r, answer=silent, at=7) for r in requests])
        wanted = {row.point for row in profile.rows(tier) if not row.only_if and not row.hidden}
        assert {sample.point for sample in samples} >= wanted
        assert {(sample.value, sample.cause) for sample in samples} <= {(None, GapCause.NO_ANSWER)}


@pytest.mark.parametrize("id", PROFILES)
def test_an_answer_of_the_wrong_kind_is_never_a_value(id: str) -> None:
    profile, url = load(id), URLS[load(id).driver]
    driver = DRIVERS[url.scheme]
    for tier in Tier:
        requests = driver.plan(profile, url, tier)
        samples = driver.read(profile, url, tier, [Exchange(request=r, answer=Words(()), at=7) for r in requests])
        assert all(sample.value is None for sample in samples if not sample.point.startswith("alarm."))


@pytest.mark.parametrize("id", PROFILES)
def test_phases_have_an_index_and_states_are_those_of_the_point(id: str) -> None:
    profile = load(id)
    for row in profile.values:
        if row.point in ("input.voltage", "output.voltage", "output.current", "output.realpower", "ups.load"):
            assert row.index or row.column, row
        point = POINTS[row.point]
        if point.kind == Kind.STATE:
            assert set(row.states.values()) <= set(point.states), row


def test_a_ups_card_and_a_switch_may_both_match_the_two_standards() -> None:
    assert {profile.id for profile in match("1.3.6.1.4.1.534.1", "Eaton 9PX")} >= {"rfc1628", "if_mib"}
