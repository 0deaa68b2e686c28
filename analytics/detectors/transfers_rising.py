"""The UPS goes to battery more often than it did. Sees: every change to battery in `ups.source` or `alarm.on_battery` that is no self-test, and rises of
`input.line_bads`, against the device's own rate before (a Poisson rate that is not known exactly: p < 1/10,000) and its own worst week: at least 5 in a
week on 3 days or more. 5 or more in one day is shown, but no job: a storm passes. Over when a week went by without one.

Its root is the site: when its neighbours count the same, it is the utility. Does not judge before 30 days, nor see what happens between two polls, unless
the device counts it.

State: {"first": ms, "supply", "test": witnesses, "events": {"transfer" | "line": [ms of the newest week …]}, "weeks": {what: {week: count}},
"bads": the counter, "open": what stands}.
"""

from __future__ import annotations

from math import nan
from typing import Any

import msgspec

from analytics import supply
from analytics.detector import Block, Context, State
from analytics.slow import episodes
from analytics.slow.days import DAY_MS
from analytics.slow.rate import expected, surprise
from analytics.walk import Sample, free_of, inside, walk
from model.finding import Change, Evidence, Finding, Severity
from model.points import Source, TestResult
from model.text import Text

KIND = "transfers_rising"
_TEST = ("ups.test.result", "alarm.test_in_progress")
_BADS = "input.line_bads"
_POINTS = (*_TEST, *supply.POINTS, _BADS)
WEEK_MS = 7 * DAY_MS
_BATTERY, _RUNNING = float(Source.BATTERY), float(TestResult.IN_PROGRESS)
#: What a quiet block has none of; a flag that is 0.
_WORDS = ((supply.SOURCE, frozenset({_BATTERY})), (_TEST[0], frozenset({_RUNNING})))
_FLAGS = ((supply.FLAG, 0.0, 0.0), (_TEST[1], 0.0, 0.0))


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, transfers to battery rising: p < 1e-3, here a tenth of it because it looks anew at each event; the rest are engineering defaults (tune)."""

    p: float = 1e-4
    least: int = 5
    least_days: int = 3
    past_days: float = 30.0
    test_ms: int = 60_000  #: a test that is told so long after the change explains it
    apart_ms: int = 60_000  #: changes closer than this are one
    most_at_once: int = 5  #: a counter that leaps further was set, not counted


SETTING = Setting()
ADVICE = Text(
    "Look at the times: at fixed hours it is a large load nearby; with wind and rain the line. Ask the utility when the neighbours see it too; alone: check its breaker and "
    "contacts, then its transfer limits and sensitivity. Each transfer wears the battery. This is wrong if somebody tested or switched on those days.",
    "先看发生时刻：固定时段多为附近大负载，随风雨出现多为线路问题。相邻设备同样出现时联系供电部门；仅此一台时检查其开关和触点，再核对切换门限和灵敏度。"
    "每次切换都会损耗电池。若当天有人做测试或倒闸，则本判断不成立。",
)
WELL = Text("no transfer for a week", "一周内没有再切换")
_WHAT = {
    "transfer": (Text("changes to battery", "次转电池"), supply.SOURCE),
    "line": (Text("times the input was out of tolerance", "次输入超限"), _BADS),
}
_SAID = Text(
    "{count} {what} in {days} d; usual are {usual:.1f} (chance {p:.1g})",
    "{days} 天内 {count} {what}；通常为 {usual:.1f}（偶然概率 {p:.1g}）",
)


class TransfersRising:
    kinds = frozenset({KIND})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if (
            "first" in state
            and not state.get("supply")
            and not state.get("test")
            and not state.get("open")
            and _quiet(state, block)
        ):
            return state, []
        state = {
            **state,
            "events": {what: list(at) for what, at in state.get("events", {}).items()},
            "weeks": {what: dict(weeks) for what, weeks in state.get("weeks", {}).items()},
            "open": dict(state.get("open", {})),
        }
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            state.setdefault("first", sample.at)
            changes += _quieted(state, sample.at, block.device)
            changes += _take(state, sample, block.device)
        return state, changes


def _quiet(state: State, block: Block) -> bool:
    bads = state.get("bads", nan)
    return free_of(block, _WORDS) and inside(block, (*_FLAGS, (_BADS, bads, bads)))


def _take(state: State, sample: Sample, device: str) -> list[Change]:
    if sample.point in _TEST:
        _hear_test(state, sample)
        return []
    if sample.point == _BADS:
        before, state["bads"] = state.get("bads"), sample.value
        if before is None or not 0 < sample.value - before <= SETTING.most_at_once:
            return []
        for _ in range(round(sample.value - before)):
            _count(state, "line", sample.at)
        return _judge(state, sample.at, device)
    before = state.get("supply", [])
    state["supply"] = supply.heard(before, sample.point, sample.value)
    times = state["events"].get("transfer", [])
    if before or not state["supply"] or state.get("test") or (times and sample.at - times[-1] < SETTING.apart_ms):
        return []
    _count(state, "transfer", sample.at)
    return _judge(state, sample.at, device)


def _hear_test(state: State, sample: Sample) -> None:
    running = sample.value == (TestResult.IN_PROGRESS if sample.point == _TEST[0] else 1)
    others = [point for point in state.get("test", []) if point != sample.point]
    if running and not state.get("test"):
        times = state["events"].get("transfer", [])
        if times and sample.at - times[-1] <= SETTING.test_ms:
            week = str(times[-1] // WEEK_MS)
            state["events"]["transfer"] = times[:-1]
            state["weeks"]["transfer"][week] -= 1
    state["test"] = [*others, sample.point] if running else others


def _count(state: State, what: str, at: int) -> None:
    state["events"][what] = [*(one for one in state["events"].get(what, []) if at - one < WEEK_MS), at]
    weeks: dict[str, int] = state["weeks"].setdefault(what, {})
    week = str(at // WEEK_MS)
    weeks[week] = weeks.get(week, 0) + 1
    for old in sorted(weeks, key=int)[:-104]:
        del weeks[old]


def _judge(state: State, at: int, device: str) -> list[Change]:
    if at - state["first"] < SETTING.past_days * DAY_MS:
        return []
    found = [one for what in _WHAT for one in (_week(state, what, at), _day(state, what, at)) if one]
    if not found:
        return []
    first: dict[str, Any] = found[0]
    evidence = tuple(_evidence(one, at) for one in found)
    finding = Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=min((one["severity"] for one in found), key=lambda severity: severity.rank),
        since=first["since"],
        score=0.85,
        evidence=evidence,
        advice=ADVICE,
    )
    return episodes.stand(state["open"], finding, at)


def _week(state: State, what: str, at: int) -> dict[str, Any] | None:
    times = [one for one in state["events"].get(what, []) if at - one < WEEK_MS]
    this = at // WEEK_MS
    past = {int(week): n for week, n in state["weeks"].get(what, {}).items() if int(week) < this - 1}
    if (
        len(times) < SETTING.least
        or len({one // DAY_MS for one in times}) < SETTING.least_days
        or len(times) <= max(past.values(), default=0)
    ):
        return None
    return _rare(state, what, times, 7, at, Severity.MINOR)


def _day(state: State, what: str, at: int) -> dict[str, Any] | None:
    times = [one for one in state["events"].get(what, []) if at - one < DAY_MS]
    return _rare(state, what, times, 1, at, Severity.WARNING) if len(times) >= SETTING.least else None


def _rare(state: State, what: str, times: list[int], days: int, at: int, severity: Severity) -> dict[str, Any] | None:
    past_days = (at - state["first"]) / DAY_MS - days
    before = sum(state["weeks"].get(what, {}).values()) - len(times)
    p = surprise(len(times), days, max(0, before), past_days)
    if p >= SETTING.p:
        return None
    usual = expected(days, max(0, before), past_days)
    return {
        "what": what,
        "count": len(times),
        "days": days,
        "usual": usual,
        "p": p,
        "since": times[0],
        "severity": severity,
    }


def _quieted(state: State, at: int, device: str) -> list[Change]:
    if not episodes.stands(state["open"]):
        return []
    newest = max((times[-1] for times in state["events"].values() if times), default=0)
    return [] if at - newest < WEEK_MS else episodes.end(state["open"], device, KIND, None, newest + WEEK_MS, WELL)


def _evidence(one: dict[str, Any], at: int) -> Evidence:
    what, point = _WHAT[one["what"]]
    values = {"count": one["count"], "days": one["days"], "usual": one["usual"], "p": one["p"]}
    text = Text(_SAID.en.format(what=what.en, **values), _SAID.zh.format(what=what.zh, **values))
    return Evidence(text=text, at=at, point=point, value=float(one["count"]), expected=one["usual"])
