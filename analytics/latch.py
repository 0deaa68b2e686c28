"""Persistence and hysteresis in event time: one sample proves little, so a condition must last to count.

A latch is a list of four numbers, plain data for the snapshot:

    [on, run, since, value]     on    1 while the condition counts as present
                                run   how many samples in a row spoke against `on`
                                since when that row began, ms
                                value the newest sample that was bad (for the evidence)

It flips when the row is long enough, in samples and in time; one sample that agrees breaks the row.
"""

from __future__ import annotations

import msgspec

Latch = list[float]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How long a row must be: both the samples and the seconds must be reached."""

    samples: int = 2
    seconds: float = 0.0
    clear_samples: int = 2
    clear_seconds: float = 0.0


def fresh() -> Latch:
    """Off, nothing seen."""
    return [0, 0, 0, 0.0]


def observe(latch: Latch, against: bool, at: int, rule: Rule) -> int | None:
    """Take one sample into a latch of the caller's own (it is changed).

    `against`: the sample contradicts the present state. Answers the start of the row (ms) when the latch
    flips with this sample, else None.
    """
    if not against:
        latch[1] = 0
        return None
    if not latch[1]:
        latch[2] = at
    latch[1] += 1
    on = latch[0]
    enough = rule.clear_samples if on else rule.samples
    seconds = rule.clear_seconds if on else rule.seconds
    if latch[1] < enough or at - latch[2] < seconds * 1000:
        return None
    latch[0] = 0 if on else 1
    latch[1] = 0
    return int(latch[2])
