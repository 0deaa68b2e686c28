"""How much a device's battery is worth asking for just now. Pure.

    CALM      nothing: the ordinary pace
    STANDING  an alarm that has stood for long: the battery at the pace of the status, for it may stand for months
    PRESSING  a self-test, or an alarm that rose within `FRESH_MS`: as fast as the line carries
    BATTERY   on battery: as fast as the line carries, and a silence that begins now is one of its own

Rules. Only status turns judge, by what they said; a flag that was not said keeps its last value. Settings (a beeper
that is on) are no alarms: only `alarm.*` counts. A trap says nothing here: it has the status asked at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from agent.backlog import Found
from agent.whole import Whole
from model.points import POINTS, Source, TestResult
from model.reading import Reading

#: Story milliseconds for which an alarm that rose is worth every reading that the line carries.
FRESH_MS = 600_000
_ALARM = "alarm."
_ON_BATTERY, _TESTING = "alarm.on_battery", "alarm.test_in_progress"
_SOURCE, _TEST = "ups.source", "ups.test.result"
_TELLING = frozenset(id for id in POINTS if id.startswith(_ALARM)) | {_SOURCE, _TEST}


class Urgency(IntEnum):
    """How pressing, the most pressing last."""

    CALM = 0
    STANDING = 1
    PRESSING = 2
    BATTERY = 3


class Alarms:
    """What one device said of itself last, and since when each alarm stands."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._source = 0.0
        self._test = 0.0

    def heard(self, found: Iterable[Found], now: int) -> Urgency | None:
        """What a status turn means; None when it said nothing of the kind. `now`: the agent's ms."""
        spoke = False
        if type(found) is Whole:
            points, values = found.order.points, found.values
            for place in found.order.places(_TELLING):
                self._note(points[place], values[place], now)
                spoke = True
            return self.urgency(now) if spoke else None
        for one in found:
            if type(one) is Reading and one.point in _TELLING:
                self._note(one.point, one.value, now)
                spoke = True
        return self.urgency(now) if spoke else None

    def urgency(self, now: int) -> Urgency:
        """How pressing it is by what was heard so far."""
        if self._source == Source.BATTERY or _ON_BATTERY in self._since:
            return Urgency.BATTERY
        if self._test == TestResult.IN_PROGRESS or _TESTING in self._since:
            return Urgency.PRESSING
        if not self._since:
            return Urgency.CALM
        fresh = any(now - since < FRESH_MS for since in self._since.values())
        return Urgency.PRESSING if fresh else Urgency.STANDING

    def _note(self, point: str, value: float, now: int) -> None:
        """Keep a reading that tells."""
        if point == _SOURCE:
            self._source = value
        elif point == _TEST:
            self._test = value
        elif value:
            self._since.setdefault(point, now)
        else:
            self._since.pop(point, None)
