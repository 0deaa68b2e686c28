"""Capacity from the beginning of a discharge, by what whole discharges of the same kind of battery looked like.

Offline at the centre. Whole constant-load discharges (volts over depth x = q / C, current I, temperature T, capacity C) show that such curves
differ in few ways: V(x) = mean(x) + sum z_k shape_k(x), with three z. What a block can be is a chain of regressions, each quadratic in what
stands before it, with a spread of its own (log-linear in its first input):

    z1 | I, T        log C | z1, I, T        z2 | z1, log C, I, T        z3 | z1, z2, log C, T

so four independent normal numbers e are one possible block. A new discharge is seen only in part, through a gauge: noise, then steps. The
likelihood of e is that of the steps themselves (how often which step was read in each of 48 stretches of the part), not of a smoothed
voltage: a step that is never left tells only where the voltage lies, the moments around a change of step tell nearly all. Candidates e are
drawn evenly from a normal distribution, weighted, and drawn anew around what they favour, until the weights are even. The length of the
part tells only that the capacity is not less.

When it does not work: fewer than 30 whole discharges; another make or chemistry than those it was fitted to; a load that changes.
A gauge that reads ten times too high, or a stuck one, makes all blocks equally unlikely: then the answer is the one before anything was seen, with its width.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri  # type: ignore[import-untyped]

Floats = NDArray[np.float64]

DEPTHS: Floats = np.concatenate(
    [[0.0, 0.0005], np.geomspace(0.002, 0.05, 10), np.linspace(0.07, 0.9, 28), np.linspace(0.915, 1.0, 7)]
)
SHAPES = 3
LEAST_CURVES = 30
STRETCHES = 48
_RIDGE = 1e-3
#: The chance of a reading that has nothing to do with the voltage.
_ODD = 1e-7
_CANDIDATES = 800
_ROUNDS = 10
#: Weights are made flatter by these powers until enough candidates count.
_POWERS = (1.0, 0.5, 0.25, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001, 0.0003)
_WIDER = 1.15


@dataclass(frozen=True, kw_only=True)
class Link:
    """One regression of the chain: its mean, and the log of its spread in the first two terms (1, first input)."""

    mean: Floats
    log_sd: Floats


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """What was learned; plain arrays, so that it is stored as such."""

    curve: Floats  #: (depths,) V
    shapes: Floats  #: (SHAPES, depths) V for one unit of z
    links: tuple[Link, ...]  #: z1, log C, z2, z3
    rest_v: float  #: what three shapes leave out, rms


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a gauge showed of the beginning: in stretch `at`, `level` was read `count` times."""

    at_ah: Floats  #: (stretches,) Ah drawn by the middle of each
    stretch: NDArray[np.intp]  #: (n,) which stretch
    level_v: Floats  #: (n,)
    count: Floats  #: (n,)
    drawn_ah: float  #: in all
    noise_v: float
    step_v: float  #: 0: no steps


@dataclass(frozen=True, kw_only=True)
class Estimate:
    capacity_ah: float  #: the value with the least expected relative error
    sd: float  #: of log C


def fit(current_a: Floats, celsius: Floats, capacity_ah: Floats, curves: Floats) -> Cohort:
    """`curves` (n, len(DEPTHS)): volts at `DEPTHS` of each discharge. Raises ValueError for fewer than 30."""
    if len(curves) < LEAST_CURVES:
        raise ValueError(f"cohort: expected at least {LEAST_CURVES} whole discharges, got {len(curves)}")
    mean = curves.mean(axis=0)
    left, size, shapes = np.linalg.svd(curves - mean, full_matrices=False)
    root = len(curves) ** 0.5
    z = left[:, :SHAPES] * root
    scaled = shapes[:SHAPES] * size[:SHAPES, None] / root
    known = np.log(current_a), (celsius - 25) / 10
    log_c = np.log(capacity_ah)
    inputs = _inputs(z[:, 0], log_c, z[:, 1], *known)
    links = tuple(_link(_quadratic(x), y) for x, y in zip(inputs, (z[:, 0], log_c, z[:, 1], z[:, 2]), strict=True))
    rest = curves - mean - z @ scaled
    return Cohort(curve=mean, shapes=scaled, links=links, rest_v=float(np.sqrt(np.mean(rest**2))))


def part(used_ah: Floats, volts: Floats, *, noise_v: float, step_v: float) -> Part:
    """Readings of the beginning, in order of time: Ah drawn since its start, volts as the gauge told them. What is no number is left out."""
    good = np.isfinite(used_ah) & np.isfinite(volts)
    q, v = used_ah[good], volts[good]
    edges = np.unique(np.linspace(0, len(v), STRETCHES + 1).astype(int))
    rows: list[tuple[int, float, float]] = []
    middles: list[float] = []
    for begin, end in pairwise(edges):
        middles.append(float(q[begin:end].mean()))
        levels, counts = _levels(v[begin:end], step_v)
        rows += [(len(middles) - 1, float(a), float(b)) for a, b in zip(levels, counts, strict=True)]
    return Part(
        at_ah=np.array(middles),
        stretch=np.array([r[0] for r in rows], dtype=np.intp),
        level_v=np.array([r[1] for r in rows]),
        count=np.array([r[2] for r in rows]),
        drawn_ah=float(q[-1]) if len(q) else 0.0,
        noise_v=noise_v,
        step_v=step_v,
    )


def estimate(cohort: Cohort, current_a: float, celsius: float, seen: Part) -> Estimate:
    """What this discharge will hold, from the part that was seen (none of it: what such blocks hold at this current and temperature)."""
    even = _even(_CANDIDATES, len(cohort.links))
    middle: Floats = np.zeros(even.shape[1])
    spread: Floats = np.eye(even.shape[1]) * _WIDER
    log_q = -0.5 * (even**2).sum(axis=1)
    log_c: Floats = np.zeros(len(even))
    weight: Floats = np.full(len(even), 1 / len(even))
    for _ in range(_ROUNDS):
        e = middle + even @ spread.T
        log_c, curves = _blocks(cohort, current_a, celsius, e)
        log_p = _likelihood(cohort, log_c, curves, seen) - 0.5 * (e**2).sum(axis=1)
        if not np.isfinite(log_p).any():
            return Estimate(capacity_ah=seen.drawn_ah, sd=1.0)
        power, weight = _weights(log_p - log_q)
        if power == 1.0 and _counting(weight) > 0.3:
            break
        middle = weight @ e
        away = (e - middle) * np.sqrt(weight)[:, None]
        spread = np.asarray(_WIDER * np.linalg.cholesky(away.T @ away + 1e-8 * np.eye(len(middle))), dtype=np.float64)
    mean = float(weight @ log_c)
    return Estimate(
        capacity_ah=_least_relative_error(log_c, weight), sd=float(np.sqrt(weight @ (log_c - mean) ** 2)) + 1e-4
    )


def _inputs(z1: Floats, log_c: Floats, z2: Floats, log_i: Floats, warm: Floats) -> Iterable[tuple[Floats, ...]]:
    return (log_i, warm), (z1, log_i, warm), (z1, log_c, log_i, warm), (z1, z2, log_c, warm)


def _blocks(cohort: Cohort, current_a: float, celsius: float, e: Floats) -> tuple[Floats, Floats]:
    """(log C (n,), volts at `DEPTHS` (n, depths)) of the blocks that e (n, links) stands for."""
    log_i, warm = np.full(len(e), np.log(current_a)), np.full(len(e), (celsius - 25) / 10)
    z1 = _follow(cohort.links[0], (log_i, warm), e[:, 0])
    log_c = _follow(cohort.links[1], (z1, log_i, warm), e[:, 1])
    z2 = _follow(cohort.links[2], (z1, log_c, log_i, warm), e[:, 2])
    z3 = _follow(cohort.links[3], (z1, z2, log_c, warm), e[:, 3])
    return log_c, cohort.curve + np.stack([z1, z2, z3], axis=1) @ cohort.shapes


def _follow(link: Link, inputs: tuple[Floats, ...], e: Floats) -> Floats:
    terms = _quadratic(inputs)
    return np.asarray(terms @ link.mean + np.exp(terms[:, : len(link.log_sd)] @ link.log_sd) * e)


def _link(terms: Floats, y: Floats) -> Link:
    mean = _ridge(terms, y, _RIDGE)
    off = y - terms @ mean
    two = terms[:, :2]
    log_sd = _ridge(two, np.log(np.abs(off) + 0.02 * off.std()), 1.0)
    free = len(y) - terms.shape[1]
    log_sd[0] += 0.5 * np.log(np.sum((off / np.exp(two @ log_sd)) ** 2) / max(free, 1))
    return Link(mean=mean, log_sd=log_sd)


def _likelihood(cohort: Cohort, log_c: Floats, curves: Floats, seen: Part) -> Floats:
    """log of the chance of the part, (n,); -inf for a block that would have been empty by now."""
    capacity = np.exp(log_c)
    volts = _at(curves, seen.at_ah[None, :] / capacity[:, None])[:, seen.stretch]
    if seen.step_v:
        sd = float(np.hypot(seen.noise_v, cohort.rest_v))
        chance = ndtr((seen.level_v + seen.step_v / 2 - volts) / sd) - ndtr(
            (seen.level_v - seen.step_v / 2 - volts) / sd
        )
        log_p = np.log(chance * (1 - _ODD) + _ODD) * seen.count
    else:
        variance = seen.noise_v**2 / seen.count + cohort.rest_v**2
        log_p = np.maximum(-0.5 * (seen.level_v - volts) ** 2 / variance, np.log(_ODD))
    return np.where(capacity < seen.drawn_ah, -np.inf, log_p.sum(axis=1))


def _levels(volts: Floats, step_v: float) -> tuple[Floats, NDArray[np.intp]]:
    if not step_v:
        return volts.mean(keepdims=True), np.array([len(volts)])
    return np.unique(volts, return_counts=True)


def _weights(log_ratio: Floats) -> tuple[float, Floats]:
    """(power, weights): the largest power at which a tenth of the candidates count."""
    power, weight = _POWERS[0], np.zeros(len(log_ratio))
    for power in _POWERS:
        weight = np.exp(power * (log_ratio - log_ratio.max()))
        weight /= weight.sum()
        if _counting(weight) > 0.1:
            break
    return power, weight


def _counting(weight: Floats) -> float:
    """Share of the candidates that count."""
    return float(1 / np.sum(weight**2) / len(weight))


def _least_relative_error(log_c: Floats, weight: Floats) -> float:
    """The median under weights divided by C: what makes E |estimate / C - 1| least."""
    order = np.argsort(log_c)
    under = np.cumsum(weight[order] * np.exp(log_c.min() - log_c[order]))
    return float(np.exp(np.interp(0.5, under / under[-1], log_c[order])))


def _even(n: int, kinds: int) -> Floats:
    """(n, kinds) standard normal numbers, spread evenly (an additive sequence by the roots of x^(k+1) = x + 1): the same at every call."""
    root = 2.0
    for _ in range(30):
        root = (1 + root) ** (1 / (kinds + 1))
    places = (0.5 + np.outer(np.arange(1, n + 1), root ** -np.arange(1.0, kinds + 1))) % 1
    return np.asarray(ndtri(places * 0.9998 + 0.0001), dtype=np.float64)


def _quadratic(inputs: tuple[Floats, ...]) -> Floats:
    """1, each input, each product of two."""
    products = [a * b for k, a in enumerate(inputs) for b in inputs[k:]]
    return np.stack([np.ones_like(inputs[0]), *inputs, *products], axis=-1)


def _ridge(x: Floats, y: Floats, ridge: float) -> Floats:
    return np.asarray(np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y), dtype=np.float64)


def _at(curves: Floats, x: Floats) -> Floats:
    """Volts of each curve (n, depths) at its own depths x (n, stretches), linear between `DEPTHS`."""
    right = np.clip(np.searchsorted(DEPTHS, x), 1, len(DEPTHS) - 1)
    part_of = np.clip((x - DEPTHS[right - 1]) / (DEPTHS[right] - DEPTHS[right - 1]), 0.0, 1.0)
    rows = np.arange(len(curves))[:, None]
    return np.asarray(curves[rows, right - 1] * (1 - part_of) + curves[rows, right] * part_of)
