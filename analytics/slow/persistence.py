"""Small shifts that stay: a one-sided CUSUM (Page 1954), and k of the newest n.

A CUSUM state is a list [sum, since, n]: `since` (ms) is when the sum last left zero, which is the best guess of when the shift began.
"""

from __future__ import annotations

Cusum = list[float]
Bits = list[int]


def fresh() -> Cusum:
    """Nothing seen."""
    return [0.0, 0.0, 0.0]


def cusum(state: Cusum, at: int, z: float, *, slack: float = 0.5, most: float = 50.0, clip: float = 3.0) -> Cusum:
    """Take one value, in spreads above what is expected. `slack` is forgiven each time; one value counts `clip` at the most.

    With normal z and slack 0.5 a sum of 8 comes by chance about once in 20,000 values; a shift of 1.5 gets there in 8.
    """
    total = min(most, max(0.0, state[0] + min(z, clip) - slack))
    if total == 0.0:
        return fresh()
    return [total, state[1] if state[0] > 0 else float(at), state[2] + 1]


def push(bits: Bits, hit: bool, n: int) -> Bits:
    """The newest `n` outcomes (1: hit), the oldest first.

    >>> sum(push([1, 0, 1], True, 3))
    2
    """
    return [*bits, int(hit)][-n:]
