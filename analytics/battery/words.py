"""What the verdict says, in English and Chinese."""

from __future__ import annotations

from analytics.battery import ageing, runtime, telling
from analytics.battery.belief import Belief
from analytics.battery.runtime import FullRuntime
from analytics.battery.verdict import Ground, Judgement, Verdict
from analytics.battery.witnesses import Says, Witness
from model.finding import Evidence
from model.text import Text

ADVICE = {
    Verdict.REPLACE: Text(
        "Order the whole string, not single blocks, and check its warranty by the date of installation. "
        "This is wrong if a capacity test at 25 °C gives 85 % or more: where there is time, do one before the exchange.",
        "订购整组电池，勿只换单节；按安装日期核对质保。若 25°C 容量测试结果达到 85% 或以上，则本结论不成立：时间允许时先做测试再更换。",
    ),
    Verdict.UNPROVEN: Text(
        "Not enough evidence to order: do a discharge test of at least a quarter of the capacity; it decides.",
        "证据不足，暂不订购：请做深度不低于四分之一的放电测试，以此判定。",
    ),
    Verdict.UNTESTED: Text(
        "Plan a discharge test of a quarter of the capacity: a full charge says nothing of what the battery can hold.",
        "安排一次四分之一深度的放电测试：电量 100% 不能说明电池的实际容量。",
    ),
}
#: Of a lithium battery: what its makers ask for.
ADVICE_LITHIUM = {
    **ADVICE,
    Verdict.REPLACE: Text(
        "Have the battery management read out (health, spread of the cells, events) and order the module that it names; check the warranty by the date of "
        "installation. This is wrong if a discharge of half the capacity gives 85 % or more of what was promised.",
        "读取电池管理系统（健康度、单体差异、事件记录），按其指示订购模块；按安装日期核对质保。若放电至一半容量的实测结果达到承诺值的 85% 或以上，则本结论不成立。",
    ),
}
INVENTORY = Text("the inventory has another battery here", "台账中此处已更换电池")
EXCHANGED = Text(
    "a discharge showed more than this battery can have: it was exchanged; enter its date in the inventory",
    "一次放电显示的容量高于原电池可能值：电池已更换；请在台账中登记日期",
)
MEASURED_WELL = Text("a later measurement found 85 % or more of the capacity", "后续实测容量达到 85% 或以上")
CLEARED = Text("the evidence says something else now", "证据已改变")

_GROUNDS = {
    Ground.HEALTH: Text("health below 80 %", "健康度低于 80%"),
    Ground.RISK: Text("a risk over 20 % of falling below 80 % within the lead time", "供货期内跌破 80% 的风险超过 20%"),
    Ground.RUNTIME: Text("runtime below what is required", "续航低于要求"),
    Ground.SAG: Text("voltage sag 50 % over its own baseline", "电压跌落超自身基线 50%"),
    Ground.TESTS: Text("two failed self-tests", "两次自检失败"),
}
_SAYS = {
    Says.REPLACE: Text("for replacement", "支持更换"),
    Says.WELL: Text("against it", "不支持更换"),
    Says.UNSURE: Text("undecided", "未定"),
}


def evidence(
    found: Judgement, now: Belief, known: list[Witness], full: FullRuntime | None, load: float | None, at: int
) -> tuple[Evidence, ...]:
    """The conclusion first, then each witness with its weight and date."""
    lines = [Evidence(text=_conclusion(found, now, at), at=at, value=round(now.health, 3), expected=ageing.END)]
    if found.verdict is Verdict.UNTESTED:
        days = found.untested_days
        lines.append(
            Evidence(text=Text(f"untested for {days:.0f} days", f"已 {days:.0f} 天未测试"), at=at, value=round(days))
        )
    if full is not None and load is not None and full.n:
        lines.append(_runtime(full, load, at))
    lines += [
        Evidence(text=_weighed(w), at=w.at, point=w.point if w.measured else None, value=w.value, expected=w.expected)
        for w in known
    ]
    return tuple(lines)


def _weighed(w: Witness) -> Text:
    says, day = _SAYS[w.says], telling.day(w.at)
    return Text(
        f"{w.text.en} [{says.en}, weight {w.weight:.2f}, {day}]", f"{w.text.zh} [{says.zh}，权重 {w.weight:.2f}，{day}]"
    )


def _conclusion(found: Judgement, now: Belief, at: int) -> Text:
    why = [_GROUNDS[g] for g in found.grounds] or [Text("no part of the rule holds", "未触及更换规则")]
    p10, p50, p90 = (telling.day(at + round(days * ageing.DAY_MS)) for days in found.days)
    return Text(
        f"health {now.health:.0%} ± {now.sd:.0%} ({', '.join(t.en for t in why)}); below 80 % within 60 days: {found.p_below:.0%}; "
        f"end of life P10/P50/P90: {p10} / {p50} / {p90}",
        f"健康度 {now.health:.0%} ± {now.sd:.0%}（{'、'.join(t.zh for t in why)}）；60 天内低于 80% 的概率 {found.p_below:.0%}；"
        f"寿命终点 P10/P50/P90：{p10} / {p50} / {p90}",
    )


def _runtime(full: FullRuntime, load: float, at: int) -> Evidence:
    s = runtime.spread(full, load, 100.0, at)
    p10, p50, p90 = s.p10 / 60, s.p50 / 60, s.p90 / 60
    text = Text(
        f"runtime now at {load:.0f} % load, learned from {full.n} discharges: {p50:.0f} min (P10 {p10:.0f}, P90 {p90:.0f})",
        f"当前 {load:.0f}% 负载下续航（由 {full.n} 次放电习得）：{p50:.0f} 分钟（P10 {p10:.0f}，P90 {p90:.0f}）",
    )
    return Evidence(text=text, at=at, point="battery.runtime", value=round(s.p50))
