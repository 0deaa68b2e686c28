"""When a line's last frames are worth keeping: on a change, on a burst of gaps, or because the centre asked. Pure.

Rules.
- A state or a flag whose value differs from the last one read is a change; the first value after start is none.
- Gaps are a burst when `burst` of them (no answer, garbled; a whole silent device counts twice) come within `burst_s`
  from a device that had answered since the last burst.
- What follows within `after_s` joins the recording under way. Then it is due, and reaches back `before_s`.
- The same reason (same point, same new value) is recorded once in `again_s`; what was not is counted, and the next
  recording of the line says how many.

Times are real monotonic seconds; `at` is on the agent's time line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import msgspec

from agent.backlog import Found
from agent.whole import Whole
from model.flight import Why
from model.points import POINTS, Kind
from model.reading import Gap, GapCause, Reading

_WATCHED = frozenset(point.id for point in POINTS.values() if point.kind in (Kind.STATE, Kind.FLAG))
_BURSTING = (GapCause.NO_ANSWER, GapCause.GARBLED)
#: More than this changed at once: the header names the first ones, the frames hold them all.
_MOST_ALSO = 24
#: A person who asks again may have a reason; a centre that repeats itself because an answer got lost has none.
_ASKED_AGAIN_S = 20.0


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Real seconds, and gaps."""

    before_s: float = 60.0
    after_s: float = 10.0
    again_s: float = 300.0
    burst: int = 5
    burst_s: float = 30.0


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A recording to be made now, of what came since `since`."""

    why: Why
    also: tuple[Why, ...]
    at: int
    began: float  #: when it happened
    since: float
    suppressed: int


class _Pending(msgspec.Struct, kw_only=True):
    why: Why
    at: int
    began: float
    also: list[Why]


class Recorder:
    """What one line's turns brought, and whether to keep its frames."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._values: dict[tuple[str, str, str | None], float] = {}
        self._failed: dict[str, deque[float]] = {}
        self._healthy: set[str] = set()
        self._recorded: dict[tuple[object, ...], float] = {}
        self._pending: _Pending | None = None
        self.suppressed = 0  #: since the last recording
        self.forbidden = 0  #: since start

    def seen(self, found: Iterable[Found], now: float, at: int) -> None:
        """What one turn brought."""
        watched = _WATCHED
        if type(found) is Whole and found.values:
            order, values = found.order, found.values
            for place in order.places(watched):
                self._value(found.device, *order.series[place], values[place], now, at)
            self._healthy.add(found.device)
            return
        gaps: dict[str, int] = {}
        heard: Reading | None = None
        for one in found:
            if type(one) is Reading:  # every reading passes here: cheaper than isinstance
                heard = one
                if one.point in watched:
                    self._value(one.device, one.point, one.index, one.value, now, at)
            elif isinstance(one, Gap) and one.cause in _BURSTING:
                gaps[one.device] = gaps.get(one.device, 0) + (2 if one.point is None else 1)
        if heard is not None and heard.device not in gaps:
            self._healthy.add(heard.device)
        for device, count in gaps.items():
            self._gaps(device, count, now, at)

    @property
    def waits(self) -> bool:
        """Whether a recording is under way."""
        return self._pending is not None

    def ask(self, device: str, now: float, at: int) -> None:
        """Somebody at the centre wants to see this device's line."""
        if not self._under_way("asked", device):
            self._trigger(Why(kind="asked", device=device), now, at)

    def due(self, now: float, *, ending: bool = False) -> Due | None:
        """The recording to make now. `ending`: the line is given up, what is under way is made at once."""
        held = self._pending
        if held is None or (now - held.began < self._limits.after_s and not ending):
            return None
        self._pending, suppressed, self.suppressed = None, self.suppressed, 0
        return Due(
            why=held.why,
            also=tuple(held.also),
            at=held.at,
            began=held.began,
            since=held.began - self._limits.before_s,
            suppressed=suppressed,
        )

    def _value(self, device: str, point: str, index: str | None, value: float, now: float, at: int) -> None:
        series = (device, point, index)
        before = self._values.get(series)
        if before == value:
            return
        self._values[series] = value
        if before is not None:
            self._trigger(
                Why(kind="changed", device=device, point=point, index=index, before=before, after=value), now, at
            )

    def _gaps(self, device: str, count: int, now: float, at: int) -> None:
        times = self._failed.setdefault(device, deque())
        times.extend([now] * min(count, self._limits.burst))
        while times and times[0] < now - self._limits.burst_s:
            times.popleft()
        if len(times) >= self._limits.burst and device in self._healthy:
            self._healthy.discard(device)
            self._trigger(Why(kind="gaps", device=device, count=len(times)), now, at)
            times.clear()

    def _under_way(self, kind: str, device: str) -> bool:
        held = self._pending
        return held is not None and any((why.kind, why.device) == (kind, device) for why in (held.why, *held.also))

    def _trigger(self, why: Why, now: float, at: int) -> None:
        reason = (why.kind, why.device if why.kind == "asked" else why.point, why.after)
        again_s = _ASKED_AGAIN_S if why.kind == "asked" else self._limits.again_s
        last = self._recorded.get(reason)
        if self._pending is not None:
            if len(self._pending.also) < _MOST_ALSO:
                self._pending.also.append(why)
        elif last is not None and now - last < again_s:
            self.suppressed += why.kind != "asked"
            self.forbidden += why.kind != "asked"
            return
        else:
            self._pending = _Pending(why=why, at=at, began=now, also=[])
        self._recorded[reason] = now


class Allowance:
    """Bytes that recordings of all lines may take in a day; what was not made for want of them is counted."""

    def __init__(self, octets: int, day_s: float = 86400.0) -> None:
        self._octets, self._day_s = octets, day_s
        self._spent: deque[tuple[float, int]] = deque()
        self.refused = 0

    def take(self, octets: int, now: float) -> bool:
        """Whether so much may still be sent; booked when it may."""
        while self._spent and self._spent[0][0] <= now - self._day_s:
            self._spent.popleft()
        if sum(size for _, size in self._spent) + octets > self._octets:
            self.refused += 1
            return False
        self._spent.append((now, octets))
        return True
