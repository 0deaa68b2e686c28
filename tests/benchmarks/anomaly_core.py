"""Readings per CPU-second of the streaming core, batched; bytes a series; and how true its p-values are on noise it knows.

    .venv/bin/python -m tests.benchmarks.anomaly_core [--series 5000] [--steps 200]

The issue asks for 200,000 readings per CPU-second and under 2 kB a series. Calibration: on independent noise, how often a channel
says p <= 0.01 after 2,000 readings; 1 % is true.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from analytics.core import ONE, fresh, step
from analytics.core.setting import CHANNELS
from analytics.core.state import bytes_a_series

_ASKED, _ASKED_BYTES = 200_000, 2000


def speed(series: int, steps: int) -> float:
    values = np.random.default_rng(0).normal(size=(2 * steps, series))
    times = np.arange(2 * steps, dtype=np.int64) * 10_000
    state, _ = step(fresh(series, ONE), values[:steps], times[:steps], ONE)
    began = time.process_time()
    step(state, values[steps:], times[steps:], ONE)
    return steps * series / (time.process_time() - began)


def calibration() -> np.ndarray:
    values = np.random.default_rng(1).normal(size=(3000, 40))
    _, scores = step(fresh(40, ONE), values, np.arange(3000, dtype=np.int64) * 600_000, ONE)
    share: np.ndarray = (scores.parts[2000:] >= 2.0).mean((0, 1))
    return share


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    rate = speed(options.series, options.steps)
    print(f"{rate:,.0f} readings per CPU-second, {rate / _ASKED:.2f} of what is asked")
    print(f"{bytes_a_series(ONE)} bytes a series, asked: at most {_ASKED_BYTES}")
    for name, share in zip(CHANNELS, calibration(), strict=True):
        print(f"{name:>8}: p <= 0.01 in {share:.2%} of readings of pure noise")
