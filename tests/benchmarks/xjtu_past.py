"""What a cell's charges so far say of its capacity: two kernels over slow views of them, and the rhythm of its duty.

A charge is told by ten of the set's 16 features (`COLUMNS`) and four numbers made of them. Each view of a charge uses this charge and those
before it in the same cell, as they come; how many there were is no number in it, though a view over the last 150 is flat until there are so
many. The capacity's logarithm is a sum of smooth functions of one number each (a Laplacian kernel whose distance is a weighted sum, on quantiles of the
training rows), the same for all duties but for a small part of each duty's own. It is taught with the labels' mean of five charges.

Where a duty's labels jump from charge to charge (its discharge current changes each time), boosting says this charge's label against that
mean from what changed since each of the five charges before: such discharges come in a rhythm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve  # type: ignore[import-untyped]
from scipy.spatial.distance import cdist  # type: ignore[import-untyped]
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import QuantileTransformer

Floats = NDArray[np.float64]
Names = NDArray[np.str_]

FIRST = 10  #: charges that stand for the beginning
COLUMNS = (
    "voltage_kurtosis", "voltage_skewness", "CC_Q", "voltage_entropy", "current_std", "current_skewness", "CV_Q", "CV_charge_time",
    "current_slope", "current_entropy",
)  # fmt: skip
#: Of each column in the distance; the four made numbers follow.
_SHARES = np.array([1, 1, 1, 1, 1, 0.5, 1, 1, 0.4, 1, 1, 1, 1, 1])
_TOLD = len(COLUMNS)
_CV_BY_CC, _CV_CURRENT, _BOTH = 10, 11, 13

#: (view, one of its columns or None for the ten of the set): weight.
Weights = Mapping[tuple[str, int | None], float]
_SHARED: Weights = {
    ("now", None): 0.001, ("five", None): 0.001, ("changed", None): 0.004, ("since 20", None): 0.001, ("since 60", None): 0.001,
    ("since 150", None): 0.0005, ("twenty", None): 0.004, ("sixty changed", None): 0.0005,
}  # fmt: skip
KERNELS: tuple[Weights, ...] = (
    {**_SHARED, ("begun", None): 0.0005, ("spread", None): 0.001},
    {
        **_SHARED, ("sixty", None): 0.001, ("changed", _CV_BY_CC): 0.01, ("changed", _BOTH): 0.002, ("twenty", _CV_CURRENT): 0.01,
    },
)  # fmt: skip
_OWN_DUTY = 0.03
_NOISE = 0.003
#: Of each cell so many rows train, evenly over its life: neighbouring charges say nearly the same.
_ROWS_A_CELL = 100
_SMOOTH = 5
#: A duty has a rhythm where its labels are so far from their own mean of five.
_RHYTHM = 0.002
_SEED = 1


def views(cells: Names, features: Mapping[str, Floats]) -> dict[str, Floats]:
    """Each view `(charges, 14)`, causal within each cell; rows of one cell stand in order of time."""
    told = _charges(features)
    found: dict[str, Floats] = {}
    for name in np.unique(cells):
        mine = cells == name
        for view, numbers in _of_cell(told[mine]).items():
            found.setdefault(view, np.zeros_like(told))[mine] = numbers
    return found


def before(cells: Names, x: Floats) -> Floats:
    """`(charges, 5 * features)`: this charge less each of the five before it, of its own cell; the first stands in for what is not there."""
    found = np.zeros((len(x), 5 * x.shape[1]))
    for name in np.unique(cells):
        mine = x[cells == name]
        found[cells == name] = np.hstack([mine - _ago(mine, n) for n in range(1, 6)])
    return found


def smoothed(cells: Names, capacity: Floats) -> Floats:
    """Mean of five labels around each: for training, so that it may look ahead."""
    found = np.zeros(len(capacity))
    half = _SMOOTH // 2
    for name in np.unique(cells):
        mine = capacity[cells == name]
        found[cells == name] = [mine[max(0, k - half) : k + half + 1].mean() for k in range(len(mine))]
    return found


def capacity(
    cells: Names, duties: Names, seen: Mapping[str, Floats], steps: Floats, labels: Floats, train: NDArray[np.bool_]
) -> Floats:
    """Capacity of the charges that are not in `train`, in the labels' unit. `labels` elsewhere are not looked at."""
    known, asked = np.flatnonzero(train), np.flatnonzero(~train)
    log_slow = np.zeros(len(labels))
    log_slow[known] = np.log(smoothed(cells[known], labels[known]))
    each = [np.exp(_by_kernel(weights, cells, duties, seen, log_slow, known, asked)) for weights in KERNELS]
    return np.asarray(np.mean(each, axis=0) * np.exp(_rhythm(duties, steps, labels, log_slow, known, asked)))


def _by_kernel(
    weights: Weights, cells: Names, duties: Names, seen: Mapping[str, Floats], log_slow: Floats, known: NDArray[np.intp],
    asked: NDArray[np.intp],
) -> Floats:  # fmt: skip
    some = np.concatenate([_evenly(known[cells[known] == name]) for name in np.unique(cells[known])])
    taught, told = [], []
    for (view, column), weight in weights.items():
        columns = list(range(_TOLD)) if column is None else [column]
        numbers, share = seen[view][:, columns], _SHARES[columns] * weight
        scale = QuantileTransformer(
            n_quantiles=min(300, len(known)), output_distribution="normal", random_state=_SEED, subsample=3000
        )
        scale.fit(numbers[known])
        taught.append(scale.transform(numbers[some]) * share)
        told.append(scale.transform(numbers[asked]) * share)
    near = _near(np.hstack(taught), np.hstack(taught), duties[some], duties[some])
    near[np.diag_indices_from(near)] += _NOISE
    middle = log_slow[some].mean()
    learned = cho_solve(cho_factor(near, lower=True, overwrite_a=True, check_finite=False), log_slow[some] - middle)
    return np.asarray(_near(np.hstack(told), np.hstack(taught), duties[asked], duties[some]) @ learned + middle)


def _near(one: Floats, other: Floats, duty_of_one: Names, duty_of_other: Names) -> Floats:
    same = duty_of_one[:, None] == duty_of_other
    return np.asarray(np.exp(-cdist(one, other, "cityblock")) * (1 + _OWN_DUTY * same))


def _rhythm(
    duties: Names, steps: Floats, labels: Floats, log_slow: Floats, known: NDArray[np.intp], asked: NDArray[np.intp]
) -> Floats:
    """log of label against slow label, for `asked`."""
    found = np.zeros(len(asked))
    for duty in np.unique(duties[asked]):
        here = known[duties[known] == duty]
        off = np.log(labels[here]) - log_slow[here]
        if len(here) and off.std() >= _RHYTHM:
            model = HistGradientBoostingRegressor(
                max_iter=150, max_leaf_nodes=8, min_samples_leaf=30, l2_regularization=5.0, max_features=0.3, random_state=_SEED
            )  # fmt: skip
            there = duties[asked] == duty
            found[there] = model.fit(steps[here], off).predict(steps[asked[there]])
    return found


def _evenly(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    chosen: NDArray[np.intp] = rows[np.unique(np.linspace(0, len(rows) - 1, _ROWS_A_CELL).astype(int))]
    return chosen


def _charges(features: Mapping[str, Floats]) -> Floats:
    cc, cc_s, cv, cv_s = (features[name] for name in ("CC_Q", "CC_charge_time", "CV_Q", "CV_charge_time"))
    made = [_ratio(cv, cc), _ratio(cv, cv_s), _ratio(cc, cc_s), cc + cv]
    return np.stack([*(features[name] for name in COLUMNS), *made], axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _of_cell(x: Floats) -> dict[str, Floats]:
    five = _last(x, 5, np.median)
    begun = np.stack([np.median(x[: min(k + 1, FIRST)], axis=0) for k in range(len(x))])
    sixty = _last(x, 60, np.mean)
    return {
        "now": x,
        "five": five,
        "begun": begun,
        "changed": five - begun,
        "since 20": five - _ago(five, 20),
        "since 60": five - _ago(five, 60),
        "since 150": five - _ago(five, 150),
        "spread": _last(x, 20, np.std),
        "twenty": _last(x, 20, np.mean),
        "sixty": sixty,
        "sixty changed": sixty - begun,
    }


def _last(x: Floats, charges: int, of: Callable[..., Floats]) -> Floats:
    return np.stack([of(x[max(0, k - charges + 1) : k + 1], axis=0) for k in range(len(x))])


def _ago(x: Floats, charges: int) -> Floats:
    return x[np.maximum(np.arange(len(x)) - charges, 0)]
