"""What a device does not have is told once, not each round. Pure.

Rules. A gap `not_supported` of one point is passed on the first time, again after an hour, and again when anything else
was said of that point in between: a value, or another cause. All other gaps are passed on each time, for each
is a missing sample. The memory is that of one boot: after a restart everything is told anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.backlog import Found
from agent.whole import Whole
from model.reading import Gap, GapCause, Reading

#: Story milliseconds after which an absence is told again.
TELL_AGAIN_MS = 3_600_000


class Quiet:
    """The absences already told, by series."""

    def __init__(self) -> None:
        self._told: dict[str, dict[tuple[str, str | None], int]] = {}

    def sift(self, found: Sequence[Found]) -> Sequence[Found]:
        """What is news. Times are those of the records themselves."""
        if type(found) is Whole:
            told = self._told.get(found.device)
            if not told and not found.order.absent:
                return found  # a device that lacks nothing: its readings are news without a look
            if told and told.keys() == found.order.missing and found.ended < min(told.values()) + TELL_AGAIN_MS:
                return found.bare()
        told_any = self._told
        return [one for one in found if (not told_any and type(one) is Reading) or self._news(one)]

    def _news(self, one: Found) -> bool:
        if isinstance(one, Gap) and one.point is not None:
            told, series = self._told.setdefault(one.device, {}), (one.point, one.index)
            if one.cause is not GapCause.NOT_SUPPORTED:
                told.pop(series, None)
                return True
            last = told.get(series)
            if last is not None and 0 <= one.at - last < TELL_AGAIN_MS:
                return False
            told[series] = one.at
        elif isinstance(one, Reading) and (said := self._told.get(one.device)):
            said.pop((one.point, one.index), None)
        return True
