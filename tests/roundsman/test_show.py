"""What a person reads while the demo plays."""

from __future__ import annotations

from typing import Any

import pytest

from model.text import Language
from roundsman.demo.show import Show

CAST = {
    "event": "cast",
    "sites": {"sz-futian": {"name": {"en": "Futian Terminal", "zh": "福田码头"}, "tz": "Asia/Shanghai"}},
    "devices": {"sz-futian/ups-1": {"en": "UPS A, hall", "zh": "机房 UPS A"}},
}
READY = {
    "event": "ready",
    "url": "http://x",
    "login": "http://x/login?code=c",
    "file": "/tmp/d/collector.toml",
    "seconds": 6.2,
    "story_s": 62.0,
}
T = 1_795_346_127_000  # 19:15:27 in Shenzhen


def ticket(what: str, **more: Any) -> dict[str, Any]:
    text = {"en": "Mains failure: Futian Terminal", "zh": "市电中断：福田码头"}
    return {
        "event": "ticket", "what": what, "id": "T-000001", "level": "general", "cause": "mains", "site": "sz-futian",
        "who": "roundsman", "text": text, "at": T, "story_s": 182.0, **more,
    }  # fmt: skip


OPENED = ticket(
    "opened",
    level_name={"en": "General fault", "zh": "一般故障"},
    clocks=[
        {"title": {"en": "First response", "zh": "首次响应"}, "target_s": None, "due": T + 300_000},
        {"title": {"en": "Engineer on site", "zh": "工程师到场"}, "target_s": 7200.0, "due": T + 7_200_000},
    ],
    next_call={"en": "Service centre", "zh": "客服中心"},
)


def incident(what: str, impact: str = "degraded") -> dict[str, Any]:
    title = {"en": "Mains failure: Futian Terminal", "zh": "市电中断：福田码头"}
    return {
        "event": "incident", "what": what, "id": "i1", "site": "sz-futian", "impact": impact, "members": 5,
        "title": title, "story_s": 182.0,
    }  # fmt: skip


def told(capsys: pytest.CaptureFixture[str], language: Language, *events: dict[str, Any]) -> str:
    show = Show(False, language, speed=10)
    for event in (CAST, READY, *events):
        show(event)
    return capsys.readouterr().out.partition("\n\n")[2]


def test_the_story_counts_from_its_own_beginning_and_says_what_happened_on_stage(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = told(capsys, "en", {"event": "story", "site": "sz-futian", "mains": False, "at": 120.0, "story_s": 182.0})
    assert "2:00  ▷ on stage: the mains fails at Futian Terminal" in out


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        ("en", ("General fault", "First response                 at once (broken from 19:20:27)",
                "Engineer on site               within 2 h, by 21:15:27", "Next to call: Service centre")),
        ("zh", ("一般故障", "首次响应         立即（19:20:27 起算超时）", "工程师到场       2 小时内，21:15:27 前", "下一位联系人：客服中心")),
    ],
)  # fmt: skip
def test_a_ticket_is_told_with_its_promises_and_the_next_name_to_call(
    capsys: pytest.CaptureFixture[str], language: Language, lines: tuple[str, ...]
) -> None:
    out = told(capsys, language, OPENED)
    assert [line for line in lines if line not in out] == []


def test_what_only_repeats_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    before = told(capsys, "en", incident("opened"), OPENED)
    noisy = (ticket("warranty"), incident("changed"), ticket("incident", joined=False), ticket("notified"))
    assert told(capsys, "en", incident("opened"), OPENED, *noisy) == before
    worse = told(capsys, "en", incident("opened"), incident("changed", "outage"), incident("changed"))
    assert "▲ now outage" in worse
    assert "▼ now degraded" in worse


def summary(**more: Any) -> dict[str, Any]:
    part = {"id": "fan", "en": "The failed fan has one ticket", "zh": "风扇故障有一张工单", "seen": "0 tickets"}
    return {
        "event": "summary", "readings": 1234, "gaps": 2, "lost": 0, "incidents": [], "tickets": [],
        "story": [{**part, "held": True}, {**part, "held": False}], **more,
    }  # fmt: skip


def test_the_end_says_what_held_and_what_had_no_time_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert "✗ The failed fan has one ticket: 0 tickets" in told(capsys, "en", summary(complete=True))
    early = told(capsys, "en", summary(complete=False))
    assert "(not yet)" in early
    assert "1 of 2 shown so far" in early
    assert "LOST" in told(capsys, "en", summary(complete=False, lost=3))


def test_every_event_is_a_line_of_json_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    Show(True, "zh")(OPENED)
    assert capsys.readouterr().out.count("\n") == 1
