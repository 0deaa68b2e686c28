"""The one setting. Lengths are in readings of the series, whatever its period: a 10 s and a 5 min series use the same."""

from __future__ import annotations

from dataclasses import dataclass

#: The measures, in the order of the columns of every array that has one column a measure.
CHANNELS = ("jump", "level", "slow", "spread", "shape", "day")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Why each number: docs/analytics.md, "The streaming core"."""

    #: Readings before anything is scored.
    warm: int = 40
    #: Readings of the short mean (slow level) and of the spread.
    short: int = 10
    spread: int = 20
    #: Readings of a shape, how many of them make one number of it (their mean), and how many past shapes are kept.
    window: int = 32
    fold: int = 2
    shapes: int = 18
    #: Past values kept for the median, sampled evenly over the whole past.
    sample: int = 32
    #: Bins of a day.
    day_bins: int = 48
    #: Bins of a rank histogram, and how many of them make a doubling.
    bins: int = 56
    per_octave: int = 5
    #: What the square of each channel's -log10 p weighs in the score; 0: ranked and told as evidence, not counted.
    weights: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 1.0, 1.0)
    #: The score falls by so much (times the root of the weights) with every tenfold of readings beyond 10 ** `life_from`, and is
    #: higher before: false calls are to be rare in a series' life, not among its readings.
    life: float = 0.3
    life_from: float = 3.5
    #: A call needs this score in `persistence` readings running.
    call: float = 3.5
    persistence: int = 1
    #: After a call only a score so many times higher calls again, for this share of all readings so far, `refractory` at least.
    louder: float = 1.05
    refractory: int = 60
    refractory_share: float = 0.05
    #: For so many readings after a call nothing is learned.
    hold: int = 10
    #: A silence of more than so many usual periods starts the short memory (jump, shape, spread) anew.
    gap: float = 20.0


ONE = Setting()
