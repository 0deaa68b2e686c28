"""The step: admit, measure, rank, combine, call, and only then learn.

Defined outcomes: NaN, infinite, repeated (same instant) and late (older instant) readings are not taken: their scores are NaN and
the state is as before. After a silence the short memory starts anew, the long one stays. A series that never moves has score 0
for as long as it stands still. A jump is scored once and held back by the refractory time; if it stays, it becomes the new
normal after `hold` readings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analytics.core.channels import learn, measure
from analytics.core.ranks import UNSET, count, p_values, place
from analytics.core.setting import CHANNELS, Setting
from analytics.core.state import State, closed, opened

Floats = npt.NDArray[np.floating]
Bools = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]
#: Series that are worked on together: what they keep then fits into the processor's cache.
_CHUNK = 1024


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One row a step, one column a series."""

    #: How unusual, from the -log10 p of the channels; NaN where no reading was taken, 0 in the warm-up.
    score: Floats
    #: True where a call is made: high enough, long enough, and not in the refractory time of a higher one.
    call: Bools
    #: `(steps, series, channels)`: -log10 p of each channel.
    parts: Floats


def step(
    state: State, values: Floats, at_ms: Times | None, setting: Setting, learning: Bools | None = None
) -> tuple[State, Scores]:
    """Take a block in. `values` is `(steps, series)`, NaN for no reading; `at_ms` is `(steps,)`, `(steps, series)` or None.

    Without times, readings count as evenly spaced and the time of day is not used. Where
    `learning` `(steps, series)` is False the long memory and the ranks stay as they are (trained on a known good stretch). Returns the new state; the old one is untouched.
    """
    values = np.asarray(values, np.float64)
    steps, series = values.shape
    if at_ms is not None and at_ms.ndim == 1:
        at_ms = np.broadcast_to(at_ms[:, None], values.shape)
    after = {name: np.empty_like(array) for name, array in state.items()}
    scores = Scores(
        score=np.full((steps, series), np.nan, np.float32),
        call=np.zeros((steps, series), bool),
        parts=np.zeros((steps, series, len(CHANNELS)), np.float32),
    )
    for begin in range(0, series, _CHUNK):
        rows = slice(begin, min(begin + _CHUNK, series))
        work = opened(state, rows)
        times = None if at_ms is None else at_ms[:, rows]
        may = None if learning is None else learning[:, rows]
        _chunk(work, values[:, rows], times, setting, may, scores, rows)
        closed(work, after, rows)
    return after, scores


def _chunk(
    work: State,
    values: Floats,
    at_ms: Times | None,
    setting: Setting,
    learning: Bools | None,
    scores: Scores,
    where: slice,
) -> None:
    """All steps of some series; `work` and these columns of `scores` are filled in place."""
    score, call, parts = scores.score[:, where], scores.call[:, where], scores.parts[:, where]
    for index in range(len(values)):
        taken = np.isfinite(values[index])
        if at_ms is not None:
            taken &= at_ms[index] > work["at"]
        if not taken.any():
            continue
        rows = slice(None) if taken.all() else np.flatnonzero(taken)
        some = {name: array[rows] for name, array in work.items()}
        at = None if at_ms is None else at_ms[index][rows]
        score[index, rows], call[index, rows], parts[index, rows] = _one(
            some, values[index][rows], at, setting, None if learning is None else learning[index][rows]
        )
        if not isinstance(rows, slice):
            for name, array in work.items():
                array[rows] = some[name]


def _one(
    state: State, x: Floats, at_ms: Times | None, setting: Setting, learning: Bools | None
) -> tuple[Floats, Bools, Floats]:
    """One reading of every series of `state`, which is changed in place."""
    _clock(state, at_ms, setting)
    z = _own_unit(state, x, setting)
    _push(state, z)
    measures = measure(state, z, at_ms, setting)
    bins, inside = place(state, measures, setting)
    known = ~np.isnan(measures)
    parts = np.where(known, -np.log10(p_values(state, bins, inside)), 0.0)
    warm = state["seen"] >= setting.warm
    parts[~warm] = 0.0
    score = _score(state, parts, setting)
    call = _call(state, score, setting)
    may = np.ones(len(x), bool) if learning is None else learning
    count(state, bins, known & (may & (state["seen"] >= setting.short))[:, None])
    learn(state, z, at_ms, may & ((state["since_call"] >= setting.hold) | ~warm), setting)
    state["seen"] += 1
    return score, call, parts


def _score(state: State, parts: Floats, setting: Setting) -> Floats:
    """Root of the weighted squares, less what a long life makes likely by itself; 0 where nothing spoke."""
    weights = np.asarray(setting.weights)
    loud = np.sqrt((parts * parts) @ weights)
    life = setting.life * np.sqrt(weights.sum()) * (np.log10(state["seen"] + 1.0) - setting.life_from)
    score: Floats = np.where(loud > 0, np.maximum(loud - life, 0.0), 0.0)
    return score


def _clock(state: State, at_ms: Times | None, setting: Setting) -> None:
    """Usual period; a silence empties the short memory."""
    if at_ms is None:
        return
    known = state["seen"] > 0
    state["since"][...] = np.where(known, state["since"], at_ms)
    passed = np.where(known, at_ms - np.where(known, state["at"], 0), 0).astype(np.float64)
    usual = state["period"]
    silent = known & (usual > 0) & (passed > setting.gap * usual)
    state["filled"][silent] = 0
    rate = np.where(usual == 0, 1.0, 0.05)
    usual[...] = np.where(known & ~silent, usual + rate * (passed - usual), usual)
    state["at"][...] = at_ms


def _own_unit(state: State, x: Floats, setting: Setting) -> Floats:
    """The reading in the series' own unit; zero and unit are fixed at the end of the warm-up, the unit later if nothing moved."""
    first = state["seen"] == 0
    state["offset"][first] = x[first]
    away = x - state["offset"]
    ready = (state["seen"] >= setting.warm) & (state["unit"] == 0.0)
    if ready.any():
        _measure_unit(state, away, ready)
    unit = np.where(state["unit"] > 0, state["unit"], 1.0)
    z: Floats = np.clip(away / unit, -1e30, 1e30).astype(np.float32)
    return z


def _measure_unit(state: State, away: Floats, ready: Bools) -> None:
    rows = np.flatnonzero(ready)
    ring = state["ring"][rows].astype(np.float64)
    spread = ring.std(1)
    spread = np.where(spread > 0, spread, np.abs(away[rows] - ring[:, -1]))
    found = spread > 0
    rows, spread = rows[found], spread[found]
    state["unit"][rows] = spread
    for name in ("ring", "values", "day_mean"):
        state[name][rows] = (state[name][rows] / spread[:, None]).astype(np.float32)
    state["day_off"][rows] = 0
    state["median"][rows] /= spread
    state["shapes"][rows] = 0
    state["kept"][rows, 1] = 0
    # What was ranked in the raw unit is forgotten; the standstill of a series that never moved is kept.
    moved = rows[(state["low"][rows] != UNSET).any(1)]
    state["low"][moved] = UNSET
    state["counts"][moved] = 0
    state["total"][moved] = 0


def _push(state: State, z: Floats) -> None:
    ring = state["ring"]
    ring[:, :-1] = ring[:, 1:].copy()
    ring[:, -1] = z
    state["filled"][...] = np.minimum(state["filled"] + 1, ring.shape[1])


def _call(state: State, score: Floats, setting: Setting) -> Bools:
    """Refractory and persistence; remembers the call (in place)."""
    high = score >= setting.call
    state["run"][...] = np.where(high, np.minimum(state["run"] + 1, 1000), 0)
    state["since_call"] += state["since_call"] < np.iinfo(np.int32).max // 2
    quiet = np.maximum(setting.refractory, setting.refractory_share * state["seen"])
    free = (state["since_call"] >= quiet) | (score > setting.louder * state["held"])
    call: Bools = high & (state["run"] >= setting.persistence) & free
    state["since_call"][call] = 0
    state["held"][call] = score[call]
    return call
