"""Which reply may be believed on a line where late and doubled ones come: what is owed, what was given. Pure.

An RTU reply says only unit, function and byte count. So one that comes late, or twice, can pass for the answer to the
next request of the same shape; most clients fall for it, twice running. Rules:

    lost       Every request without a reply leaves a debt for some seconds. While it is owed, nothing that is asked of
               that unit has its shape: 10 registers are asked as 9 and 1, one register as 2. A late reply then fits
               nothing, in whatever order it comes. This holds for the same registers too: their late reply is old.
    no shape   One register whose neighbour does not exist has one shape only. The same register is then asked twice
               and the first reply thrown away; another one has to wait (`ways` is None).
    doubled    A reply that is, byte for byte, what the unit just said of other registers may be that reply's second
               copy. It is not believed; its request counts as lost and is made again in another shape.
    held       Some devices give a lost reply only when they are asked again, whenever that is. So time alone ends no debt:
               the newest ones of a unit stay until it was heard again, and its last reply may be doubled at any time.
    refusals   An exception says only unit and function. While something else is owed there, the first is not believed.
"""

from __future__ import annotations

from collections import deque

import msgspec

from agent.drivers.exchange import ReadIdentity, ReadWords
from agent.drivers.modbus_frames import Ask, byte_count, function_of
from agent.drivers.rtu_frames import is_exception

#: The most that one request may ask for, by function.
_LARGEST = {1: 2000, 2: 2000, 3: 125, 4: 125}
#: Byte counts above its own that a request is tried with.
_TRIED = 8
#: So many debts of a unit outlive their time until it is heard: more would leave a dead one without a shape to be asked in.
_HELD = 3
_NEVER = float("-inf")
_Place = tuple[int, int]


class Way(msgspec.Struct, frozen=True):
    """How to ask: in these parts; with `twice` the first reply to each is thrown away."""

    parts: tuple[Ask, ...]
    twice: bool = False


class _Debt(msgspec.Struct, frozen=True):
    request: Ask
    at: float
    until: float


class _Given(msgspec.Struct, frozen=True):
    request: ReadWords
    frame: bytes
    at: float


class Debts:
    """What is owed and what was given. `now` is monotonic seconds; `life_s` is how late a reply may come."""

    def __init__(self, life_s: float, doubled_s: float = 1.0) -> None:
        self._life_s = life_s
        self._doubled_s = doubled_s  #: how long after a reply its second copy may come, on a line that shows none
        self._owed: dict[_Place, deque[_Debt]] = {}
        self._given: dict[_Place, deque[_Given]] = {}
        self._heard: dict[int, float] = {}  #: unit -> when a reply of it was last believed
        self._odd: dict[int, float] = {}  #: unit -> until when it counts as one whose replies come late or twice
        self._alone: set[tuple[int, int, int, int]] = set()  #: requests that were refused when asked with neighbours

    def lost(self, request: Ask, now: float) -> None:
        """A request went out and no reply was taken for it."""
        self._owed.setdefault(_place(request), deque(maxlen=256)).append(_Debt(request, now, now + self._life_s))
        self.odd(request.unit, now)

    def odd(self, unit: int, now: float) -> None:
        """A reply of this unit did not come, or came and answers nothing."""
        self._odd[unit] = now + 10 * self._life_s

    def given(self, request: Ask, frame: bytes, now: float) -> None:
        """A reply was believed."""
        self._heard[request.unit] = now
        if isinstance(request, ReadWords):
            last = self._given.setdefault(_place(request), deque(maxlen=16))
            if last and last[-1].request == request:
                last.pop()
            last.append(_Given(request, frame, now))

    def no_neighbours(self, request: ReadWords) -> None:
        """It was refused with registers behind it that nobody needs."""
        self._alone.add((request.unit, request.function, request.address, request.count))

    def doubts(self, request: Ask, frame: bytes, now: float) -> bool:
        """Whether a reply that fits in all else should not be believed the first time."""
        place = _place(request)
        if is_exception(frame):
            return any(debt.request != request for debt in self._live(place, now))
        if not isinstance(request, ReadWords):
            return False
        given = self._given.get(place)
        if not given:
            return False
        odd = self._odd.get(request.unit, now) > now or bool(self._live(place, now))
        since = now - (self._life_s if odd else self._doubled_s)
        return any(
            one.request != request and one.frame == frame and (one.at >= since or one is given[-1]) for one in given
        )

    def ways(self, request: Ask, now: float) -> Way | None:
        """How to ask; None: not now.

        The words of the parts in a row begin with the words of the request; the last may read a few more.
        """
        owed = self._live(_place(request), now)
        if not owed:
            return Way((request,))
        if isinstance(request, ReadIdentity):
            others = any(_same_kind(debt.request, request) for debt in owed if debt.request != request)
            return None if others else Way((request,), twice=any(debt.request == request for debt in owed))
        taken = {byte_count(debt.request) for debt in owed if isinstance(debt.request, ReadWords)}
        if byte_count(request) not in taken:
            return Way((request,))
        split = _split(request, taken)
        if split:
            return Way(split)
        if (request.unit, request.function, request.address, request.count) not in self._alone:
            longer = _longer(request, taken)
            if longer:
                return Way((longer,))
        same_shape = [d.request for d in owed if isinstance(d.request, ReadWords) and byte_count(d.request) == byte_count(request)]  # fmt: skip
        return Way((request,), twice=True) if all(one == request for one in same_shape) else None

    def _live(self, place: _Place, now: float) -> tuple[_Debt, ...]:
        owed = self._owed.get(place)
        if not owed:
            return ()
        if owed[0].until <= now:
            heard = self._heard.get(place[0], _NEVER)
            held = [debt for debt in owed if debt.until <= now and debt.at > heard][-_HELD:]
            live = [*held, *(debt for debt in owed if debt.until > now)]
            owed.clear()
            owed.extend(live)
        return tuple(owed)


def _place(request: Ask) -> _Place:
    return request.unit, function_of(request)


def _same_kind(one: Ask, other: ReadIdentity) -> bool:
    return isinstance(one, ReadIdentity) and one.code == other.code


def _split(request: ReadWords, taken: set[int]) -> tuple[Ask, ...]:
    """The request in two parts of shapes that nobody owes; the larger one first. Coils are parted at whole bytes."""
    step = 8 if request.function in (1, 2) else 1
    most = (request.count - 1) // step
    for steps in range(most, most // 2, -1):
        first = _part(request, 0, steps * step)
        rest = _part(request, steps * step, request.count - steps * step)
        if byte_count(first) not in taken and byte_count(rest) not in taken:
            return first, rest
    return ()


def _longer(request: ReadWords, taken: set[int]) -> ReadWords | None:
    """The request with a few more behind it, of a shape that nobody owes."""
    step = 8 if request.function in (1, 2) else 1
    for more in range(1, _TRIED + 1):
        longer = _part(request, 0, request.count + more * step)
        fits = longer.count <= _LARGEST.get(request.function, 125) and longer.address + longer.count <= 0x10000
        if fits and byte_count(longer) not in taken:
            return longer
    return None


def _part(request: ReadWords, offset: int, count: int) -> ReadWords:
    return ReadWords(unit=request.unit, function=request.function, address=request.address + offset, count=count)
