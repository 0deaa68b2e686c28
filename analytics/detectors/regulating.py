"""The UPS raises or lowers a bad mains: for more than a day without a break (`regulating_long`), or far more often than it did (`avr_wear`: the relays
of its transformer wear). Sees: `ups.source` booster or reducer, `ups.boosting`, `ups.trimming`. How often: the newest 4 weeks against at least 8 weeks
before, p < 1/10,000, three times as many, and more than in any 4 weeks before; shown, no job.

Does not see what comes and goes between two polls. A double-conversion UPS has no such state.

State: {"on": {witness: ms since when}, "heard": ms of the newest sample, "first": ms, "weeks": {week: starts}, "day": last judged, "long", "often": what stands}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Block, Context, State
from analytics.slow import episodes
from analytics.slow.days import DAY_MS
from analytics.slow.rate import expected, surprise
from analytics.walk import Sample, free_of, inside, walk
from model.finding import Change, Evidence, Finding, Severity
from model.points import Source
from model.text import Text

LONG, OFTEN = "regulating_long", "avr_wear"
_SOURCE, _BOOST, _TRIM = "ups.source", "ups.boosting", "ups.trimming"
_POINTS = (_SOURCE, _BOOST, _TRIM)
WEEK_MS = 7 * DAY_MS
_UP, _DOWN = float(Source.BOOSTER), float(Source.REDUCER)
_WORDS, _FLAGS = ((_SOURCE, frozenset({_UP, _DOWN})),), ((_BOOST, 0.0, 0.0), (_TRIM, 0.0, 0.0))


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md: boost > 24 h; rising number of AVR actions. The rest are engineering defaults (tune)."""

    long_ms: int = DAY_MS
    silence_ms: int = 26 * 3_600_000  #: nothing heard for longer: what was meanwhile is not known
    weeks: int = 4
    past_weeks: int = 8
    p: float = 1e-4
    times: float = 3.0
    least: int = 20


SETTING = Setting()
ADVICE_LONG = Text(
    "Measure the input: if it is off, ask the utility or change the tap of the site's transformer; if it is good, the UPS's sensing or relay is stuck: service. "
    "This is wrong if the mains is meant to be at this voltage: set the UPS's nominal voltage to it.",
    "实测输入电压：若偏离，联系供电部门或调整站内变压器分接头；若正常，则 UPS 检测或继电器卡滞，需检修。"
    "若现场市电本应为此电压，则本判断不成立：请修改 UPS 的额定电压设置。",
)
ADVICE_OFTEN = Text(
    "Record the input voltage over a week: the mains or a large load nearby swings about the UPS's switching point; widen its limits if the load allows. Have the "
    "relays looked at with the next service. This is wrong if the limits were changed.",
    "记录一周输入电压：市电或附近大负载在 UPS 切换点附近波动；如负载允许可放宽门限。下次维护时检查继电器。若门限被修改过，则本判断不成立。",
)
WELL_LONG = Text("the mains feeds the load as it is again", "已恢复市电直供")
WELL_OFTEN = Text("it regulates no more often than before", "调压次数已恢复到以往水平")
_LONG_TEXT = {
    "up": Text("it has raised the mains voltage for {hours} h without a break", "已连续 {hours} 小时升压运行"),
    "down": Text("it has lowered the mains voltage for {hours} h without a break", "已连续 {hours} 小时降压运行"),
}
_OFTEN_TEXT = Text(
    "{count} times in 4 weeks that it began to raise or lower the voltage; usual are {usual:.0f} (chance {p:.1g})",
    "4 周内开始升压或降压 {count} 次；通常为 {usual:.0f} 次（偶然概率 {p:.1g}）",
)


class Regulating:
    kinds = frozenset({LONG, OFTEN})
    needs = frozenset(_POINTS)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if "first" in state and not state.get("on") and not state.get("often") and _quiet(block):
            return state, []
        state = {
            **state,
            "on": dict(state.get("on", {})),
            "weeks": dict(state.get("weeks", {})),
            "long": dict(state.get("long", {})),
            "often": dict(state.get("often", {})),
        }
        changes: list[Change] = []
        for sample in walk(block, _POINTS):
            changes += _take(state, sample, block.device)
        return state, changes


def _way(point: str, value: float) -> str | None:
    """Which way this sample says that the voltage is moved."""
    if point == _SOURCE:
        return {_UP: "up", _DOWN: "down"}.get(value)
    return ("up" if point == _BOOST else "down") if value >= 0.5 else None


def _quiet(block: Block) -> bool:
    return free_of(block, _WORDS) and inside(block, _FLAGS)


def _take(state: State, sample: Sample, device: str) -> list[Change]:
    state.setdefault("first", sample.at)
    on: dict[str, int] = state["on"]
    changes: list[Change] = []
    if on and sample.at - state.get("heard", sample.at) > SETTING.silence_ms:
        on.clear()
        changes += episodes.end(state["long"], device, LONG, None, sample.at, WELL_LONG)
    way, began = _way(sample.point, sample.value), False
    if way is None:
        if on.pop(sample.point, None) is not None and not on:
            changes += episodes.end(state["long"], device, LONG, None, sample.at, WELL_LONG)
    elif sample.point not in on:
        began = not on
        if began:
            week = str(sample.at // WEEK_MS)
            state["weeks"][week] = state["weeks"].get(week, 0) + 1
        on[sample.point] = min(on.values(), default=sample.at)
    if on:
        state["heard"] = sample.at
        if way is not None and sample.at - min(on.values()) >= SETTING.long_ms:
            changes += episodes.stand(state["long"], _long(sample, min(on.values()), way, device), sample.at)
    else:
        state.pop("heard", None)
    day = sample.at // DAY_MS
    if not began and (not episodes.stands(state["often"]) or state.get("day") == day):
        return changes
    state["day"] = day
    return changes + _often(state, sample.at, device)


def _long(sample: Sample, since: int, way: str, device: str) -> Finding:
    text = _LONG_TEXT[way].format(hours=round((sample.at - since) / 3_600_000))
    evidence = (
        Evidence(text=text, at=sample.at, point=sample.point, value=sample.value),
        Evidence(text=_IN, at=sample.at, point="input.voltage"),
    )
    return _finding(device, LONG, Severity.MINOR, since, 0.95, evidence, ADVICE_LONG)


_IN = Text(
    "the input voltage of these hours shows whether the mains is off or the UPS is stuck",
    "这段时间的输入电压可判断是市电偏离还是 UPS 卡滞",
)


def _often(state: State, at: int, device: str) -> list[Change]:
    """Judged once a day while it stands, and whenever it began to regulate."""
    this = at // WEEK_MS
    weeks = {int(week): n for week, n in state["weeks"].items()}
    newest = sum(n for week, n in weeks.items() if week > this - SETTING.weeks)
    past = {week: n for week, n in weeks.items() if week <= this - SETTING.weeks}
    past_days = (at - state["first"]) / DAY_MS - 7 * SETTING.weeks
    usual = expected(7 * SETTING.weeks, sum(past.values()), past_days)
    if episodes.stands(state["often"]):
        return episodes.end(state["often"], device, OFTEN, None, at, WELL_OFTEN) if newest < 1.5 * usual else []
    if newest < SETTING.least or past_days < 7 * SETTING.past_weeks or newest < SETTING.times * usual:
        return []
    most = max((sum(past.get(week + k, 0) for k in range(SETTING.weeks)) for week in past), default=0)
    p = surprise(newest, 7 * SETTING.weeks, sum(past.values()), past_days)
    if newest <= most or p >= SETTING.p:
        return []
    text = _OFTEN_TEXT.format(count=newest, usual=usual, p=p)
    evidence = (Evidence(text=text, at=at, point=_SOURCE, value=float(newest), expected=usual),)
    return episodes.stand(
        state["often"], _finding(device, OFTEN, Severity.WARNING, at, 0.8, evidence, ADVICE_OFTEN), at
    )


def _finding(
    device: str, kind: str, severity: Severity, since: int, score: float, evidence: tuple[Evidence, ...], advice: Text
) -> Finding:
    return Finding(
        device=device,
        kind=kind,
        index=None,
        severity=severity,
        since=since,
        score=score,
        evidence=evidence,
        advice=advice,
    )
