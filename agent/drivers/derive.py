"""Points that are worked out from others of the same round. Pure.

    product      V x A, cells x voltage of a cell          percent_of   load % of the rating: a / 100 x b
    percentage   100 x a / b: load from power and rating   quotient     a / b
    sum, mean, highest, lowest                             of all readings of the points: phases to a total, blocks to a string
    difference   a - b      times   a x `by`               first        the first of the points that has a value
    share        100 x a / (a + b): memory used from used and free

Rules.
- What the device tells by itself is never worked out: a derived point is only told where it is absent.
- `by` multiplies the result (a power factor, a number of cells).
- Without an input there is no result: a gap with the input's cause. An input in doubt makes a result in doubt.
- What excludes each other and is told at once is known of none: of `[[exclusive]]` flags of which two stand, each is a gap.
- A threshold tells its flag over its limit and beyond its end, and nothing between the two: the hysteresis.
- An index is kept where the first source has one; the others give the value of the same index, or their only one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import msgspec

from agent.drivers import settle
from agent.drivers.exchange import Sample, printable
from agent.profiles.form import EXCLUSIVE, Derived, Level, Profile, Tier
from model.points import POINTS, plausible
from model.reading import GapCause

_OVER_ALL: dict[str, Callable[[list[float]], float]] = {
    "sum": sum, "mean": lambda values: sum(values) / len(values), "highest": max, "lowest": min,
}  # fmt: skip
_BY_INDEX: dict[str, Callable[[list[float]], float | None]] = {
    "product": prod,
    "percent_of": lambda v: v[0] / 100 * v[1],
    "percentage": lambda v: 100 * v[0] / v[1] if v[1] else None,
    "quotient": lambda v: v[0] / v[1] if v[1] else None,
    "difference": lambda v: v[0] - v[1],
    "share": lambda v: 100 * v[0] / (v[0] + v[1]) if v[0] + v[1] > 0 else None,
    "times": lambda v: v[0],
    "first": lambda v: v[0],
}


def derived(profile: Profile, tier: Tier, samples: list[Sample]) -> list[Sample]:
    """The samples of a tier with what is derived from them, and without what was only read for that."""
    wanted = of_tier(profile, tier)
    hidden = {row.point for row in profile.rows(tier) if row.hidden}
    if not wanted and not hidden:
        return samples
    out = list(samples)
    for one in wanted:
        if one.rule == EXCLUSIVE:
            out = _without_contradiction(one, out)
            continue
        if one.level is not None:
            out = _levelled(one, one.level, out)
            continue
        given = {sample.index for sample in out if sample.point == one.point and sample.value is not None}
        made = [sample for sample in _made(one, out) if sample.index not in given]
        if any(sample.value is not None for sample in made):
            out = [sample for sample in out if sample.point != one.point or sample.value is not None]
        elif given or any(sample.point == one.point for sample in out):
            made = []
        out += made
    return [sample for sample in out if sample.point not in hidden]


def _without_contradiction(one: Derived, samples: list[Sample]) -> list[Sample]:
    """The samples, with gaps where two of the flags stand at one index."""
    standing: dict[str | None, list[str]] = {}
    for sample in samples:
        if sample.point in one.sources and sample.value == 1:
            standing.setdefault(sample.index, []).append(sample.point)
    return [
        settle.gap(
            s.point, s.index, s.at, s.where, printable(f"{s.raw}: {' and '.join(both)} at once"), GapCause.NOT_PLAUSIBLE
        )
        if s.value == 1 and s.point in one.sources and len(both := standing[s.index]) > 1
        else s
        for s in samples
    ]


def _levelled(one: Derived, level: Level, samples: list[Sample]) -> list[Sample]:
    """The samples with the flag of a threshold. Between limit and end nothing is told, so that what was told stands: also not that
    the device's own flag is down; that it is up is told always."""
    out = list(samples)
    for sample in samples:
        value = sample.value
        if sample.point not in one.sources or not isinstance(value, float) or one.index not in (None, sample.index):
            continue
        over = value > level.raised if level.above else value < level.raised
        well = value < level.clear if level.above else value > level.clear
        own = next((s for s in out if s.point == level.flag and s.index == sample.index), None)
        if own is not None and (own.value == 1 or (well and own.value is not None)):
            continue
        out = [s for s in out if s is not own]
        if over or well:
            raw = printable(
                f"{level.name}: {sample.raw} of {sample.point}, limit {level.raised:g}, well at {level.clear:g}"
            )
            out.append(msgspec.structs.replace(sample, point=level.flag, value=float(over), raw=raw))
    return out


def of_tier(profile: Profile, tier: Tier) -> tuple[Derived, ...]:
    """What is derived in a tier."""
    if tier is Tier.BATTERY:
        told = {row.point for row in profile.rows(tier)}
        measured = (one for one in profile.derived if one.tier is Tier.MEASURE)
        return tuple(one for one in measured if told.issuperset(one.sources))
    return tuple(one for one in profile.derived if one.tier == tier)


def _made(one: Derived, samples: Sequence[Sample]) -> list[Sample]:
    found = [[sample for sample in samples if sample.point == source] for source in one.sources]
    if one.rule == "first":
        found = [next((group for group in found if any(s.value is not None for s in group)), found[0])]
    if one.rule in _OVER_ALL:
        inputs = [sample for group in found for sample in group]
        return [_told(one, one.index, inputs, _OVER_ALL[one.rule])] if inputs else []
    if not found[0]:
        return []
    out: list[Sample] = []
    for first in found[0]:
        others = [_partner(group, first.index) for group in found[1:]]
        if all(other is not None for other in others):
            inputs = [first, *(other for other in others if other is not None)]
            index = one.index if one.index is not None else next((s.index for s in inputs if s.index is not None), None)
            out.append(_told(one, index, inputs, _BY_INDEX[one.rule]))
    return out


def _partner(group: Sequence[Sample], index: str | None) -> Sample | None:
    same = next((sample for sample in group if sample.index == index), None)
    return same or (group[0] if len(group) == 1 and (group[0].index is None or index is None) else None)


def _told(
    one: Derived, index: str | None, inputs: Sequence[Sample], rule: Callable[[list[float]], float | None]
) -> Sample:
    where = printable(",".join(dict.fromkeys(sample.where for sample in inputs)))
    raw = printable(f"{one.rule} " + ", ".join(f"{s.point}{'' if s.index is None else '.' + s.index} {s.value}" for s in inputs))  # fmt: skip
    at = max(sample.at for sample in inputs)
    lacking = next((sample for sample in inputs if not isinstance(sample.value, float)), None)
    if lacking:
        return settle.gap(one.point, index, at, where, raw, lacking.cause or GapCause.NOT_SUPPORTED)
    made = rule([sample.value for sample in inputs if isinstance(sample.value, float)])
    value = None if made is None else round(made * one.by, 6)
    if value is None or not plausible(POINTS[one.point], value):
        return settle.gap(one.point, index, at, where, raw, GapCause.NOT_PLAUSIBLE)
    quality = max(sample.quality for sample in inputs)
    return Sample(point=one.point, index=index, at=at, value=value, where=where, raw=raw, quality=quality)
