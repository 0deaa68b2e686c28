"""The end of a battery's life as something to plan: `battery_due`. No job and no test, but a date for the budget and the stock.

    chance = ageing.below(belief, 180 days)     of the course that all its tests and discharges make (`course`), and of no other belief

Told from 0.6 on until it is below 0.3, after four months of watching (before, the course is half prior) and while no order stands; told anew above 0.8. `battery_unproven` says that a test is
wanted, which may be so for a year and longer; this one says that the end is near. What it claims is the chance of an end within a year. Limits by the
simulated fleet (docs/fleet.md; tune).

State: {"told": …} under "due" in the battery's file.
"""

from __future__ import annotations

from analytics.battery import ageing, life, telling
from analytics.battery.present import Present
from analytics.detector import State
from model.finding import Change, Evidence, Severity
from model.inventory import Device
from model.text import Text

KIND, PART = "battery_due", "due"
WITHIN_DAYS, CLAIMED_DAYS, WATCHED_DAYS = 180.0, 365.0, 120.0
DUE, CALM, NEAR = 0.6, 0.3, 0.8
ADVICE = Text(
    "Plan the exchange of the whole string for this date: tell the customer, set the budget, see that the part can be had. Order when `battery_replace` is told, or "
    "when a discharge of half the capacity proves it. This is wrong if that discharge gives 90 % or more.",
    "请按此日期计划整组更换：告知客户、列入预算、确认备件可得。出现“更换电池”结论或深度一半的放电测试证实后再订购。若该放电测得 90% 或以上，则本结论不成立。",
)
ORDERED = Text("an order stands", "已提出更换")
FARTHER = Text("its end is farther off by the newest measurements", "按最新测量，其寿命终点更远")


def look(state: State, device: Device, at: int, now: Present, *, ordered: bool) -> list[Change]:
    """What is to be said of a battery as it stands `now`. `state` is the battery's file, the caller's own."""
    own = dict(state.get(PART) or {})
    changes: list[Change] = []
    stands = telling.stands(own, KIND)
    chance = ageing.below(now.belief, WITHIN_DAYS) if life.followed(state) and not ordered else 0.0
    if chance > (CALM if stands else DUE) and (stands or at - now.seen >= WATCHED_DAYS * ageing.DAY_MS):
        mark = "near" if chance > NEAR else "due"
        if stands and own["told"][KIND][1] == mark:
            return []
        days = now.judgement.days
        lines = (Evidence(text=_said(now, chance), at=at, value=round(now.belief.health, 3), expected=ageing.END),)
        changes = telling.say(
            own, device=device.id, kind=KIND, mark=mark, since=at, severity=Severity.WARNING,
            score=ageing.below(now.belief, CLAIMED_DAYS), evidence=lines, advice=ADVICE, forecast=at + round(days[1] * ageing.DAY_MS),
        )  # fmt: skip
    elif stands:
        changes = telling.unsay(own, device.id, KIND, at, ORDERED if ordered else FARTHER)
    state[PART] = own
    return changes


def _said(now: Present, chance: float) -> Text:
    p10, p50, p90 = (telling.day(now.at + round(days * ageing.DAY_MS)) for days in now.judgement.days)
    health, sd, fade = now.belief.health, now.belief.sd, 365 * now.belief.fade
    return Text(
        f"health {health:.0%} ± {sd:.0%}, falling by {fade:.0%} a year: below 80 % within half a year at {chance:.0%}; end of life P10/P50/P90: {p10} / {p50} / {p90}",
        f"健康度 {health:.0%} ± {sd:.0%}，每年下降 {fade:.0%}：半年内低于 80% 的概率 {chance:.0%}；寿命终点 P10/P50/P90：{p10} / {p50} / {p90}",
    )
