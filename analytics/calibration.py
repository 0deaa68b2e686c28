"""What a score is worth: of findings that claimed so much, how many proved right. Pure.

A detector claims what physics and its own statistics say. Findings whose truth came out later (a simulated fleet, tickets closed with a diagnosis)
say how often such a claim held, a kind at a time:

    logit(observed) = x + shift + slope (x - mean x),   x = logit(claimed)      shift ~ N(0, 1), slope ~ N(0, 0.5), slope > -0.9

fitted by the most likely value, so that few cases move a claim little (about ten devices outweigh it), more claimed is never less observed,
and a kind that always claims the same gets a shift alone. Findings of one device are no independent cases: together they weigh as much as there are
devices. A kind with fewer than `LEAST_DEVICES` keeps its claim: its score is judgement, and `Finding.claimed` stays None. What is kept is a table of claimed
and observed, read in between by lines.

When it does not work: faults that the cases do not contain, a fleet unlike them; and what people never write down (`desk.outcomes`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import pairwise
from math import exp, log

import msgspec

from model.finding import Change, Cleared

SHIFT_SD, SLOPE_SD, LEAST_SLOPE = 1.0, 0.5, -0.9
LEAST_DEVICES = 5
#: The claims at which the table has a row.
CLAIMS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
_EDGE = 0.005


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One finding of which it is known whether it was right; `score` is what it claimed, `device` any name that is the same for one device (or
    for one site, where that is the root of such findings)."""

    kind: str
    device: str
    score: float
    right: bool


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Of one kind: rows (claimed, observed), both rising; from `n` findings of `devices` devices of which `right` were right."""

    table: tuple[tuple[float, float], ...]
    n: int
    right: int
    devices: int


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """By kind of finding; `source` says of what it was made."""

    source: str
    curves: dict[str, Curve] = {}

    def observed(self, kind: str, claimed: float) -> float | None:
        """The share of such findings that proved right; None: too few cases, the claim stands."""
        curve = self.curves.get(kind)
        return None if curve is None else _between(curve.table, claimed)


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """Findings with a score from `low` on: their mean score beside how many of `n` were `right`."""

    low: float
    score: float
    right: int
    n: int


NONE = Calibration(source="")
BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


def calibrated(changes: list[Change], by: Calibration) -> list[Change]:
    """The same changes with the scores of findings as observed; the claim moves to `Finding.claimed`."""
    return [_one(change, by) for change in changes] if by.curves else changes


def _one(change: Change, by: Calibration) -> Change:
    if isinstance(change, Cleared):
        return change
    finding = change.finding
    seen = by.observed(finding.kind, finding.score)
    if seen is None:
        return change
    found = msgspec.structs.replace(finding, score=round(seen, 3), claimed=finding.score)
    return msgspec.structs.replace(change, finding=found)


def fit(cases: Iterable[Case], source: str, before: Calibration = NONE) -> Calibration:
    """A table for each kind with cases enough; what few cases are drawn to is what `before` makes of a claim, else the claim itself."""
    by: dict[str, list[Case]] = {}
    for case in cases:
        by.setdefault(case.kind, []).append(case)
    curves = {kind: curve for kind, rows in sorted(by.items()) if (curve := _curve(kind, rows, before)) is not None}
    return Calibration(source=source, curves=curves)


def joined(first: Calibration, more: Calibration) -> Calibration:
    """`more` where it has a kind, else `first`."""
    source = "; ".join(one.source for one in (more, first) if one.source)
    return Calibration(source=source, curves={**first.curves, **more.curves})


def brier(cases: Sequence[Case], by: Calibration = NONE) -> float:
    """Mean squared distance of score and truth: 0 is perfect, 0.25 a coin; NaN without cases."""
    if not cases:
        return float("nan")
    return sum((score_of(case, by) - case.right) ** 2 for case in cases) / len(cases)


def bins(cases: Sequence[Case], by: Calibration = NONE) -> list[Bin]:
    """The reliability table, empty bins left out."""
    out = []
    for low, high in pairwise(BINS):
        inside = [
            (score, case.right)
            for case in cases
            if low <= (score := score_of(case, by)) < high or score == high == BINS[-1]
        ]
        if inside:
            mean = sum(score for score, _ in inside) / len(inside)
            out.append(Bin(low=low, score=mean, right=sum(right for _, right in inside), n=len(inside)))
    return out


def score_of(case: Case, by: Calibration) -> float:
    """What the finding would show."""
    seen = by.observed(case.kind, case.score)
    return case.score if seen is None else seen


def _curve(kind: str, rows: list[Case], before: Calibration) -> Curve | None:
    devices = len({case.device for case in rows})
    if devices < LEAST_DEVICES:
        return None

    def begun(claimed: float) -> float:
        known = before.observed(kind, claimed)
        return _logit(claimed if known is None else known)

    shift, slope, middle = _most_likely(
        [begun(case.score) for case in rows], [case.right for case in rows], devices / len(rows)
    )
    table = tuple(
        (claim, round(1 / (1 + exp(-(x + shift + slope * (x - middle)))), 4))
        for claim in CLAIMS
        for x in [begun(claim)]
    )
    return Curve(table=table, n=len(rows), right=sum(case.right for case in rows), devices=devices)


def _most_likely(xs: list[float], rights: list[bool], weight: float) -> tuple[float, float, float]:
    """Shift, slope and mean claim (log-odds) by Newton's method; the function is convex, a dozen steps are plenty."""
    middle = sum(xs) / len(xs)
    shift = slope = 0.0
    for _ in range(25):
        d1, d2 = shift / SHIFT_SD**2, slope / SLOPE_SD**2
        h11, h12, h22 = 1 / SHIFT_SD**2, 0.0, 1 / SLOPE_SD**2
        for x, right in zip(xs, rights, strict=True):
            off = x - middle
            p = 1 / (1 + exp(-(x + shift + slope * off)))
            d1 += weight * (p - right)
            d2 += weight * (p - right) * off
            h = weight * p * (1 - p)
            h11, h12, h22 = h11 + h, h12 + h * off, h22 + h * off * off
        det = h11 * h22 - h12 * h12
        shift -= min(max((d1 * h22 - d2 * h12) / det, -1.0), 1.0)
        slope -= min(max((d2 * h11 - d1 * h12) / det, -0.5), 0.5)
    return shift, max(slope, LEAST_SLOPE), middle


def _logit(p: float) -> float:
    p = min(max(p, _EDGE), 1 - _EDGE)
    return log(p / (1 - p))


def _between(table: Sequence[tuple[float, float]], claimed: float) -> float:
    place = bisect_right(table, (claimed, float("inf")))
    if place == 0:
        return table[0][1]
    if place == len(table):
        return table[-1][1]
    (x0, y0), (x1, y1) = table[place - 1], table[place]
    return y0 + (y1 - y0) * (claimed - x0) / (x1 - x0)


def decode(body: bytes) -> Calibration:
    """Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(body, type=Calibration)


def encode(by: Calibration) -> bytes:
    """As JSON with a line for each kind, so that a new fit reads well beside the old one."""
    curves = ",\n".join(f'  "{kind}": {msgspec.json.encode(curve).decode()}' for kind, curve in by.curves.items())
    source = msgspec.json.encode(by.source).decode()
    return f'{{\n "source": {source},\n "curves": {{\n{curves}\n }}\n}}\n'.encode()


#: What comes with the program: fitted to the simulated fleet (`python -m tests.simulation.fleet --calibrate`).
SHIPPED = decode(files("analytics").joinpath("calibration.json").read_bytes())
