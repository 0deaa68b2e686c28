"""Power: volts times amperes, load times rating, phases and their sum, runtime against the battery's energy. Pure.

Three ways lead to the apparent power of a UPS: volts × amperes, what it says itself, load × rating. Two that agree against the third by a
power of ten say which one slipped; two alone that disagree are both doubtful.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

from agent.commissioning_rules import rated_by_name, scaled
from agent.commissioning_view import Key, Remedy, Slip, Verdict, View
from model.text import Text

#: Below this share of what is compared, steps and idle currents say more than the load.
_LEAST_VA = 60.0
_IDLE = 10.0
_DECADES = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)


def near(a: float, b: float, part: float = 0.3, least: float = 0.0) -> bool:
    """Whether two figures of one thing agree."""
    return abs(a - b) <= max(part * max(abs(a), abs(b)), least)


def decade(a: float, b: float) -> float | None:
    """The power of ten that makes `a` agree with `b`, when it does not."""
    if near(a, b) or not a or not b:
        return None
    return next((f for f in _DECADES if near(a * f, b)), None)


def phases(view: View) -> None:
    """Volts × amperes of each phase are its VA; phases that agree only when exchanged are exchanged."""
    v, a, p = (view.of(f"output.{name}") for name in ("voltage", "current", "power"))
    shared = [index for index in p if index in v and index in a and ("output.voltage", index) not in view.blamed]
    product = {index: v[index] * a[index] for index in shared}
    if len(shared) >= 2 and not all(_same(view, index, product[index], p[index]) for index in shared):
        for order in permutations(shared):
            if order != tuple(shared) and all(
                _same(view, i, product[i], p[j]) for i, j in zip(shared, order, strict=True)
            ):
                _exchanged(view, shared, order)
                return
    for index in shared:
        keys = tuple((f"output.{name}", index) for name in ("voltage", "current", "power"))
        if max(product[index], p[index]) < _LEAST_VA:
            continue
        if _same(view, index, product[index], p[index]):
            view.fits(*keys)


def _same(view: View, index: str | None, product: float, va: float) -> bool:
    volts = view.values["output.voltage", index]
    least = 1.5 * max(view.step("output.current", index) * volts, view.step("output.power", index))
    return near(product, va, 0.2, least)


def _exchanged(view: View, shared: list[str | None], order: tuple[str | None, ...]) -> None:
    for i, j in zip(shared, order, strict=True):
        if i != j:
            words = Text(
                f"the VA of phase {j} belong to phase {i}: indexes swapped", f"第 {j} 相的 VA 属于第 {i} 相：相序写反"
            )
            expected = Text(f"volts × amperes of phase {i}", f"第 {i} 相电压 × 电流")
            view.note(("output.power", i), Verdict.WRONG, expected, [Remedy(slip=Slip.INDEX, words=words)])


def plate(view: View) -> None:
    """The ratings that it tells are those of its name plate."""
    for point, wanted, part in (
        ("ups.power.nominal", view.plate.va, 0.1),
        ("ups.realpower.nominal", view.plate.w, 0.1),
        ("output.voltage.nominal", view.plate.volts, 0.12),
        ("output.voltage", view.plate.volts, 0.15),
    ):
        for index, told in view.of(point).items() if wanted else ():
            if near(told, wanted, part) or (
                point == "output.voltage" and (told < 1 or near(told, wanted * 1.732, part))
            ):
                view.fits((point, index))
                continue
            factor = decade(told, wanted)
            expected = Text(f"{wanted:g} as on the plate", f"铭牌为 {wanted:g}")
            remedies = _by(view, (point, index), factor) if factor is not None else ()
            view.note((point, index), Verdict.WRONG if remedies else Verdict.DOUBTFUL, expected, remedies)


def total_power(view: View) -> None:
    """The three ways to the power of the whole, and who differs from the other two."""
    load, rating = view.mean("ups.load"), view.one("ups.power.nominal") or view.plate.va
    named = [view.plate.va] if view.plate.va else rated_by_name(view.text("device.model"))
    ways: dict[str, float] = {}
    v, a = view.of("output.voltage"), view.of("output.current")
    blamed = any(("output.voltage", index) in view.blamed for index in v)
    if v and a and not blamed and (set(v) == set(a) or len(v) == len(a) == 1):
        ways["output.current"] = sum(x * y for x, y in zip(v.values(), a.values(), strict=True))
    said = "output.power" if view.of("output.power") else "ups.power"
    power = view.total(said)
    if power:
        ways[said] = power
    watts = view.total("output.realpower") or view.total("ups.realpower")
    real = "output.realpower" if view.of("output.realpower") else "ups.realpower"
    if watts:
        ways[real] = watts / 0.85
    if load and rating:
        ways["ups.load"] = load / 100 * rating
    _compare(view, {name: value for name, value in ways.items() if value}, rating, named)


def _compare(view: View, ways: dict[str, float], rating: float, named: list[float]) -> None:
    if len(ways) < 2 or max(ways.values()) < _LEAST_VA:
        return
    agree = {
        name: [other for other in ways if other != name and near(ways[name], ways[other], 0.45, _LEAST_VA)]
        for name in ways
    }
    for name, friends in agree.items():
        if friends:
            view.fits(*(key for key in view.samples if key[0] in (name, *friends) and view.values.get(key)))
            if name == "ups.load":
                view.fits(("ups.power.nominal", None))
            continue
        others = [other for other in ways if other != name and agree[other]]
        slips = [factor for other in others if (factor := decade(ways[name], ways[other])) is not None]
        if len(others) >= 2 and slips:
            _blame(view, name, slips[0], rating, named)
        elif len(ways) == 2:
            other = next(one for one in ways if one != name)
            factor = decade(ways[name], ways[other])
            if factor is not None:
                expected = Text(f"what {other} says ({ways[other]:g} VA)", f"与 {other} 一致（{ways[other]:g} VA）")
                for key in [key for key in view.values if key[0] == name]:
                    view.note(key, Verdict.DOUBTFUL, expected, _by(view, key, factor))


def _blame(view: View, name: str, factor: float, rating: float, named: list[float]) -> None:
    """One way differs from two by a power of ten. Of load × rating the model's name says which."""
    expected = Text("what volts × amperes and the others say", "与电压 × 电流等其他量一致")
    names = [name]
    verdict = Verdict.WRONG
    if name == "ups.load":
        load = view.mean("ups.load") or 0.0
        told = any(near(rating, one, 0.25) for one in named)
        could, would = 1 <= load <= 130, 1 <= load * factor <= 130
        if not told and (any(near(rating * factor, one, 0.25) for one in named) or (could and not would)):
            names = ["ups.power.nominal"]
        elif not told and could:
            names, verdict = ["ups.load", "ups.power.nominal"], Verdict.DOUBTFUL
    if name.endswith("realpower") and (view.mean("ups.load") or 0.0) < _IDLE:
        verdict = Verdict.DOUBTFUL  # next to nothing but a filter's idle current may have any power factor
    for key in [key for key in view.values if key[0] in names]:
        view.note(key, verdict, expected, _by(view, key, factor))


def _by(view: View, key: Key, factor: float) -> list[Remedy]:
    value = view.values[key] * factor
    words = Text(f"×{factor:g} gives {value:g}", f"×{factor:g} 得 {value:g}")
    return [Remedy(slip=Slip.SCALE, words=words, value=round(value, 6), factor=factor)]


def sums(view: View) -> None:
    """What is told of all phases is the sum of what is told of each."""
    for whole, part in (("ups.power", "output.power"), ("ups.realpower", "output.realpower")):
        parts = {index: value for index, value in view.of(part).items() if index is not None}
        told = view.one(whole) if whole in {key[0] for key in view.values} else view.of(part).get(None)
        key: Key = (whole, None) if (whole, None) in view.values else (part, None)
        if not parts or not told or sum(parts.values()) < _LEAST_VA:
            continue
        total = sum(parts.values())
        if near(told, total, 0.15, 2 * view.step(part, next(iter(parts)))):
            view.fits(key, *((part, index) for index in parts))
        else:
            expected = Text(f"the sum of the phases, {total:g}", f"各相之和 {total:g}")
            remedies = scaled(told, lambda p, total=total: near(p, total, 0.15))  # type: ignore[misc]
            trusted = all((part, index) in view.fit for index in parts)
            found = [*remedies]
            view.note(key, Verdict.WRONG if found and trusted else Verdict.DOUBTFUL, expected, found)


def runtime(view: View) -> None:
    """The runtime that is promised, against the energy that the battery can hold."""
    left, percent = view.one("battery.runtime"), view.one("battery.charge")
    watts = view.total("output.realpower") or view.total("ups.realpower")
    nominal = 12.0 * view.plate.blocks or view.one("battery.voltage.nominal") or 12.0 * (view.one("battery.packs") or 0)
    ah = view.plate.ah or view.one("battery.capacity")
    key = ("battery.runtime", None)
    if not left or not watts or watts < _LEAST_VA or view.online is not True:
        return
    if not nominal or not ah:
        load = view.mean("ups.load") or 0.0
        if load >= 10 and left * load / 100 > 12 * 3600:
            expected = Text("at most 12 hours of full load", "折合满载至多 12 小时")
            view.note(key, Verdict.DOUBTFUL, expected, _units(left, lambda s: 120 <= s * load / 100 <= 7200))
        return
    held_j = nominal * ah * 3600 * (percent or 100.0) / 100
    if 0.05 <= left * watts / held_j <= 1.6:
        view.fits(key)
        return
    expected = Text(
        f"about {0.6 * held_j / watts:.0f} s from {nominal:g} V {ah:g} Ah at {watts:g} W",
        f"{nominal:g} V {ah:g} Ah、{watts:g} W 时约 {0.6 * held_j / watts:.0f} s",
    )
    remedies = _units(left, lambda s: 0.1 <= s * watts / held_j <= 1.3)
    view.note(key, Verdict.WRONG if remedies else Verdict.DOUBTFUL, expected, remedies)


def _units(value: float, holds: Callable[[float], bool]) -> list[Remedy]:
    for factor, words in (
        (60.0, Text("minutes read as seconds", "把分钟读成了秒")),
        (1 / 60, Text("seconds read as minutes", "把秒读成了分钟")),
    ):
        if holds(value * factor):
            said = Text(f"{words.en}: {value * factor:g} s", f"{words.zh}：{value * factor:g} s")
            return [Remedy(slip=Slip.UNIT, words=said, value=round(value * factor, 3), factor=factor)]
    return [*scaled(value, holds)]
