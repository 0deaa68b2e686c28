"""Seeded unrest: mains voltage, load and room temperature are never quite still.

A value is a function of (series, second): the same scenario tells the same story at any speed, and a
device asked twice in one second answers the same twice.
"""

from __future__ import annotations

from zlib import crc32

_MASK = (1 << 64) - 1
_KNOT_S = 20
_SLOW = 0.8


def series(seed: int, name: str) -> int:
    """A number for one fluctuating quantity, to be handed to `wander`."""
    return (seed << 32) ^ crc32(name.encode())


def wander(of: int, second: int) -> float:
    """Between -1 and 1: a slow part, straight between knots 20 s apart, and a small part new each second."""
    knot, within = divmod(second, _KNOT_S)
    left, right = _uniform(of ^ (knot << 1)), _uniform(of ^ ((knot + 1) << 1))
    slow = left + (right - left) * within / _KNOT_S
    return _SLOW * slow + (1 - _SLOW) * _uniform(of ^ (second << 1 | 1))


def _uniform(number: int) -> float:
    """splitmix64's finaliser, scaled to -1..1."""
    mixed = (number * 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (mixed ^ (mixed >> 31)) / (_MASK >> 1) - 1
