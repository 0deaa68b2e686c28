"""The streaming core: how unusual is this reading, for any series at all, at a few microseconds each.

Many series are stepped together: a block is `(steps, series)`, state is one row a series, and no row looks at another, so the
answer for a series does not depend on which others share its batch. Causal: the score of a reading uses that reading and
older ones. Pure: state goes in and comes out; no clock, no randomness, no I/O.

    setting.py     the one setting that serves every series
    state.py       what is kept of a series (plain arrays, under 2 kB), snapshot and restore
    ranks.py       any measure to a p-value: its rank among its own past, in a log-spaced histogram
    channels.py    the measures: jump, level, slow level, spread, shape, time of day
    stream.py      admit, measure, rank, combine, call, and only then learn
    residual.py    several series of one device against each other
    burst.py       many series of a device jump at once

For history at the centre, which may remember the whole past of a series (`whole.py` puts them together, none of them keeps a state):

    whole.py       one detector, three answers: how unlike is this stretch, is there news, do the series still fit
    exact.py       exact ranks, and the tail beyond the record
    windows.py     the nearest past stretch, at three lengths
    novelty.py     what never followed before
    seasons.py     the half hour of the day

What must not live here: names of points or devices, thresholds in units, anything that says what a fault *is*.
"""

from __future__ import annotations

from analytics.core.setting import ONE, Setting
from analytics.core.state import State, fresh, restore, snapshot
from analytics.core.stream import Scores, step

__all__ = ["ONE", "Scores", "Setting", "State", "fresh", "restore", "snapshot", "step"]
