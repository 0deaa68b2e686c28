"""What each kind of evidence says of a battery, and how much it weighs. Independent ones only: none is made from another.

    discharge   capacity measured in a discharge (curve or gauge): weight by its standard deviation
    sag         volts lost as the load comes on, per load, against this battery's own first ones: +20 % watch, +30 % plan, +50 % replace (IEEE 1188)
    ohms        the resistance by all tests together, where their course was reckoned: in place of the sag
    runtime     the runtime that a discharge showed against what the inventory promises at that load
    estimate    the UPS's own runtime at full charge and like load against its own first one
    age         heat and cycles: a prior, never enough alone
    management  a lithium battery's own count of its health
    flag, test  the UPS's own words: one witness each, for or against

A weight is how much one would bet, 0..1; `says` is `replace`, `well` or `unsure`. `measured` tells what was measured from what was said.
"""

from __future__ import annotations

from enum import StrEnum
from math import erf, sqrt

import msgspec

from analytics.battery.ageing import END
from model.text import Text


class Says(StrEnum):
    REPLACE = "replace"
    WELL = "well"
    UNSURE = "unsure"


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of evidence. `at` ms, `value` against `expected` in the unit of the text."""

    name: str
    says: Says
    weight: float
    at: int
    text: Text
    measured: bool
    point: str | None = None
    value: float | None = None
    expected: float | None = None


SAG_WATCH, SAG_PLAN, SAG_REPLACE = 1.2, 1.3, 1.5
RATIO_BAD = 0.8
#: A gauge that counts against an old belief shows that belief, and no runtime.
UNSURE_SD = 0.14
#: A ratio of runtimes is one of capacities to the power of Peukert, so 0.8 of the capacity lasts 0.77 of the time.
ESTIMATE_BAD = 0.77


def _stands(health: float, sd: float) -> tuple[Says, float]:
    """What a measured health says, and how much it weighs: by how sure it is on which side of the end, and by how wide it is."""
    chance = 0.5 * (1 + erf((END - health) / (sd * sqrt(2))))
    says = Says.REPLACE if chance > 0.8 else Says.WELL if chance < 0.2 else Says.UNSURE
    return says, round(max(chance, 1 - chance) * max(0.3, 1 - 3 * sd), 2)


def discharge(soh: float, sd: float, depth: float | None, at: int, error: float = 0.0) -> Witness:
    """Capacity as the last discharge that could tell measured it. `error`: what its curve reads too high in this battery, taken off already."""
    says, weight = _stands(soh, sd)
    deep = (
        Text("a discharge", "一次放电")
        if depth is None
        else Text(f"a discharge of {depth:.0%} depth", f"一次深度 {depth:.0%} 的放电")
    )
    off = (
        Text(
            f" (its curve reads {error:+.0%} off in this battery, allowed for)",
            f"（该电池的曲线读数偏差 {error:+.0%}，已扣除）",
        )
        if abs(error) >= 0.005
        else Text("", "")
    )
    return Witness(
        name="discharge",
        says=says,
        weight=weight,
        at=at,
        measured=True,
        point="battery.voltage",
        value=soh,
        expected=1.0,
        text=Text(
            f"{deep.en} measured {soh:.0%} ± {sd:.0%} of the rated capacity{off.en}; {END:.0%} is the end of life",
            f"{deep.zh}实测容量为额定的 {soh:.0%} ± {sd:.0%}{off.zh}；寿命终点为 {END:.0%}",
        ),
    )


def sag(ratio: float, tests: int, at: int) -> Witness:
    """How far the voltage falls as the load comes on, against this battery's own baseline."""
    says = Says.REPLACE if ratio >= SAG_PLAN else Says.WELL if ratio < SAG_WATCH else Says.UNSURE
    return Witness(
        name="sag",
        says=says,
        weight=round(min(0.8, 0.3 + abs(ratio - 1.35)), 2),
        at=at,
        measured=True,
        point="battery.voltage",
        value=ratio,
        expected=1.0,
        text=Text(
            f"the voltage sags {ratio:.2f} times as far under load as in this battery's first {tests} tests (1.2 watch, 1.3 plan, 1.5 replace)",
            f"带载电压跌落为该电池最初 {tests} 次测试的 {ratio:.2f} 倍（1.2 关注，1.3 计划，1.5 更换）",
        ),
    )


def ohms(ratio: float, tests: int, at: int) -> Witness:
    """The resistance by all tests together (`course`), against a new battery of this size and this battery's own first tests."""
    says = Says.REPLACE if ratio >= SAG_PLAN else Says.WELL if ratio < SAG_WATCH else Says.UNSURE
    return Witness(
        name="ohms",
        says=says,
        weight=round(min(0.8, 0.3 + 2 * abs(ratio - 1.25)), 2),
        at=at,
        measured=True,
        point="battery.voltage",
        value=ratio,
        expected=1.0,
        text=Text(
            f"{tests} tests together put its resistance at {ratio:.2f} times that of a new battery (1.2 watch, 1.3 plan, 1.5 replace)",
            f"综合 {tests} 次测试，内阻约为新电池的 {ratio:.2f} 倍（1.2 关注，1.3 计划，1.5 更换）",
        ),
    )


def runtime(measured_s: float, promised_s: float, at: int, sd: float = 0.0) -> Witness:
    """What the battery lasted, or would have, against the inventory's promise. `sd`: of the health that it shows; a wide one says little."""
    ratio = measured_s / promised_s
    says = Says.REPLACE if ratio < RATIO_BAD else Says.WELL if ratio > 0.9 else Says.UNSURE
    if sd > UNSURE_SD:
        says = Says.UNSURE
    return Witness(
        name="runtime",
        says=says,
        weight=round(min(0.9, 0.4 + abs(ratio - 0.85)) * max(0.3, 1 - 3 * max(sd - 0.06, 0.0)), 2),
        at=at,
        measured=True,
        point="battery.charge",
        value=measured_s,
        expected=promised_s,
        text=Text(
            f"measured {measured_s / 60:.0f} min from full at this load; expected were {promised_s / 60:.0f} min ({ratio:.0%})",
            f"按此负载实测满电续航 {measured_s / 60:.0f} 分钟；预期 {promised_s / 60:.0f} 分钟（{ratio:.0%}）",
        ),
    )


def estimate(ratio: float, at: int) -> Witness:
    """The UPS's own belief now against its own first one. Constant: no information, so it is never `well`."""
    return Witness(
        name="estimate",
        says=Says.REPLACE if ratio < ESTIMATE_BAD else Says.UNSURE,
        weight=0.5 if ratio < ESTIMATE_BAD else 0.1,
        at=at,
        measured=True,
        point="battery.runtime",
        value=ratio,
        expected=1.0,
        text=Text(
            f"the UPS's own runtime at full charge fell to {ratio:.0%} of its first estimate at this load",
            f"UPS 自估满电续航降至同负载首次估计的 {ratio:.0%}",
        ),
    )


def management(health: float, at: int) -> Witness:
    """The health that a lithium battery's own management counts: charge in and out, cell by cell."""
    says = Says.REPLACE if health < END else Says.WELL if health > 0.85 else Says.UNSURE
    return Witness(
        name="management",
        says=says,
        weight=0.6,
        at=at,
        measured=True,
        point="battery.health",
        value=health,
        expected=1.0,
        text=Text(
            f"the battery's own management tells a health of {health:.0%}",
            f"电池管理系统（BMS）报告健康度 {health:.0%}",
        ),
    )


def age(wear: float, years: float | None, at: int) -> Witness:
    """Heat and cycles so far, as part of an expected life."""
    known = Text(f"{years:.1f} years old; ", f"已用 {years:.1f} 年；") if years is not None else Text("", "")
    return Witness(
        name="age",
        says=Says.REPLACE if wear >= 1 else Says.WELL if wear < 0.6 else Says.UNSURE,
        weight=0.3,
        at=at,
        measured=False,
        point="battery.temperature",
        value=wear,
        expected=1.0,
        text=Text(
            f"{known.en}heat and cycles have used {wear:.0%} of its expected life",
            f"{known.zh}温度与循环已消耗预期寿命的 {wear:.0%}",
        ),
    )


def flag(raised: bool, at: int, point: str) -> Witness:
    """The UPS's own battery flag: often false, often late."""
    text = (
        Text("the UPS's own battery flag asks for a new battery", "UPS 自身标志要求更换电池")
        if raised
        else Text("the UPS's own flag says its battery is OK", "UPS 自身标志显示电池正常")
    )
    return Witness(
        name="flag",
        says=Says.REPLACE if raised else Says.WELL,
        weight=0.2,
        at=at,
        text=text,
        measured=False,
        point=point,
    )


def self_test(failed: int, at: int) -> Witness:
    """The result of the UPS's own tests: `failed` in a row, 0 when the last one passed."""
    if not failed:
        text = Text("the UPS's last self-test passed", "UPS 最近一次自检通过")
        return Witness(
            name="test", says=Says.WELL, weight=0.15, at=at, text=text, measured=False, point="ups.test.result"
        )
    text = Text(f"the UPS's self-test failed {failed} times in a row", f"UPS 自检连续失败 {failed} 次")
    return Witness(
        name="test",
        says=Says.REPLACE,
        weight=0.3 if failed < 2 else 0.6,
        at=at,
        text=text,
        measured=failed >= 2,
        point="ups.test.result",
    )
