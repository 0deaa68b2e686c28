"""What `probe` says to a person when nothing came, and how it shows what came."""

from __future__ import annotations

import asyncio

import pytest

from agent.probe import ProbeLine
from model.reading import GapCause
from roundsman.hints import CAUSES, hint
from roundsman.looking import _row, probe_once
from tests.services import free_port


def gap(cause: GapCause, point: str | None = None, raw: str = "") -> ProbeLine:
    return ProbeLine(point=point, index=None, value=None, unit="", state=None, where="", raw=raw, cause=str(cause))


def value(number: float) -> ProbeLine:
    return ProbeLine(
        point="ifHCInOctets", index="3", value=number, unit="B", state=None, where="1.3.6", raw=f"{number:.0f}"
    )


def test_a_silent_snmp_agent_is_told_to_look_like_a_wrong_community() -> None:
    told = hint("snmp", [gap(GapCause.NO_ANSWER)])
    assert told
    assert "community" in told.en
    assert "团体名" in told.zh


@pytest.mark.parametrize(
    ("scheme", "word"), [("modbus+rtu", "unit number"), ("modbus+tcp", "other master"), ("megatec", "data cable")]
)
def test_each_kind_of_line_has_its_own_advice(scheme: str, word: str) -> None:
    told = hint(scheme, [gap(GapCause.NO_ANSWER)])
    assert told
    assert word in told.en


def test_a_device_that_fits_no_profile_is_told_from_one_that_has_nothing_of_the_profile() -> None:
    unknown = hint("snmp", [gap(GapCause.NOT_SUPPORTED)])
    other = hint("snmp", [gap(GapCause.NOT_SUPPORTED, point="ups.load")])
    assert unknown != other
    assert unknown
    assert "--profile" in unknown.en


def test_garbled_points_are_a_matter_of_the_line_and_not_of_the_profile() -> None:
    lines = [gap(GapCause.GARBLED, point="ups.load"), gap(GapCause.NO_ANSWER, point="battery.charge")]
    assert hint("modbus+rtu", lines) == hint("modbus+rtu", [gap(GapCause.GARBLED)])


def test_where_something_was_read_no_advice_is_given() -> None:
    assert hint("snmp", [gap(GapCause.NOT_SUPPORTED, point="ups.load"), value(1.0)]) is None


def test_every_cause_has_words_in_both_languages() -> None:
    assert set(CAUSES) == set(GapCause)


def test_a_counter_is_shown_in_full() -> None:
    assert "123456789012 B" in _row(value(123456789012.0), "en")


def test_nothing_listening_and_a_wrong_profile_are_told_in_the_language_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ROUNDSMAN_LANG", "zh")
    port = free_port()
    assert asyncio.run(probe_once(f"modbus+tcp://127.0.0.1:{port}?unit=1", "huawei_ups2000", as_json=False)) == 1
    assert "端口无法打开或到达" in capsys.readouterr().err
    assert asyncio.run(probe_once("snmp://127.0.0.1:9", "nope", as_json=False)) == 2
    assert "应为下列配置之一" in capsys.readouterr().err
