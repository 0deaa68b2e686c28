"""What a device does not have is told once, not each round. Pure.

Rules. A gap `not_supported` of one point is passed on the first time, again after an hour, and again when anything else
was said of that point in between: a value, or another cause. All other gaps are passed on each time, for each
is a missing sample. The memory is that of one boot: after a restart everything is told anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.backlog import Found
from model.reading import Gap, GapCause, Reading, Series

#: Story milliseconds after which an absence is told again.
TELL_AGAIN_MS = 3_600_000


class Quiet:
    """The absences already told, by series."""

    def __init__(self) -> None:
        self._told: dict[Series, int] = {}

    def sift(self, found: Iterable[Found]) -> list[Found]:
        """What is news. Times are those of the records themselves."""
        told = self._told  # empty for a device that lacks nothing: its readings are news without a look
        return [one for one in found if (not told and isinstance(one, Reading)) or self._news(one)]

    def _news(self, one: Found) -> bool:
        if isinstance(one, Gap) and one.point is not None:
            series = (one.device, one.point, one.index)
            if one.cause is not GapCause.NOT_SUPPORTED:
                self._told.pop(series, None)
                return True
            told = self._told.get(series)
            if told is not None and 0 <= one.at - told < TELL_AGAIN_MS:
                return False
            self._told[series] = one.at
        elif isinstance(one, Reading):
            self._told.pop((one.device, one.point, one.index), None)
        return True
