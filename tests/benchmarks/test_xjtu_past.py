"""The rule of the XJTU figure: nothing later, no label of a cell that is judged."""

from __future__ import annotations

import numpy as np

from tests.benchmarks import xjtu_past

_OTHERS = ("CC_charge_time", "voltage_mean")


def _made(charges: int = 45) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(4)
    names = ["2C_battery-1", "2C_battery-2", "R2.5_battery-1", "R2.5_battery-2"]
    cells = np.repeat(names, charges)
    health = np.concatenate([np.linspace(1, 0.8, charges) + random.normal(0, 0.01) for _ in names])
    features = {
        name: health * (k + 1) + random.normal(0, 0.01, len(health))
        for k, name in enumerate((*xjtu_past.COLUMNS, *_OTHERS))
    }
    rhythm = np.where(np.char.startswith(cells, "R"), 0.02 * (np.arange(len(cells)) % 5 == 0), 0.0)
    return cells, np.array([name.split("_battery")[0] for name in cells]), features, 2 * health + rhythm


def _capacity(cells: np.ndarray, duties: np.ndarray, features: dict[str, np.ndarray], labels: np.ndarray) -> np.ndarray:
    x = np.stack(list(features.values()), axis=1)
    train = np.array([not cell.endswith("2") for cell in cells])
    seen, steps = xjtu_past.views(cells, features), xjtu_past.before(cells, x)
    return xjtu_past.capacity(cells, duties, seen, steps, labels, train)


def test_a_view_of_a_charge_knows_nothing_later() -> None:
    cells, _, features, _ = _made()
    some = np.arange(40)
    all_of_it = xjtu_past.views(cells, features)
    the_first = xjtu_past.views(cells[some], {name: numbers[some] for name, numbers in features.items()})
    for view, numbers in the_first.items():
        np.testing.assert_allclose(numbers, all_of_it[view][some], err_msg=view)
    x = np.stack(list(features.values()), axis=1)
    np.testing.assert_allclose(xjtu_past.before(cells[some], x[some]), xjtu_past.before(cells, x)[some])


def test_labels_of_the_cells_that_are_judged_are_not_looked_at() -> None:
    cells, duties, features, labels = _made()
    hidden = np.where([cell.endswith("2") for cell in cells], np.nan, labels)
    found = _capacity(cells, duties, features, labels)
    assert np.array_equal(found, _capacity(cells, duties, features, hidden))
    truth = labels[[cell.endswith("2") for cell in cells]]
    assert np.abs(found / truth - 1).mean() < 0.03


def test_charges_without_a_constant_current_have_no_ratio_of_nothing() -> None:
    cells, duties, features, labels = _made()
    features["CC_Q"][:5] = features["CC_charge_time"][:5] = 0.0
    assert np.isfinite(_capacity(cells, duties, features, labels)).all()
