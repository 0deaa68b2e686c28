"""Replies that are still owed on a line, and requests that none of them can be taken for. Pure.

After a time-out the reply to the lost request may still come. An RTU reply says only unit, function and
byte count, so a late one can pass for the answer to the next request of the same shape; most clients
fall for it, twice running. Here every lost request leaves a debt for some seconds, and a request whose
shape is owed is asked in other shapes: 10 registers as 9 and 1, one register as 2. A late reply then
fits nothing and is thrown away, in whatever order it comes.

A request for the very registers that are owed may keep its shape: a late reply holds the same values, only
a moment older.
"""

from __future__ import annotations

from collections import deque

import msgspec

from agent.drivers.exchange import ReadWords

_LARGEST = 125
_TRIED = 8


class _Debt(msgspec.Struct, frozen=True):
    request: ReadWords
    until: float


class Debts:
    """What is owed. `now` is monotonic seconds."""

    def __init__(self, life_s: float) -> None:
        self._life_s = life_s
        self._owed: deque[_Debt] = deque()

    def lost(self, request: ReadWords, now: float) -> None:
        """A request went out and no reply was taken for it."""
        self._owed.append(_Debt(request, now + self._life_s))

    def shapes(self, request: ReadWords, now: float) -> list[ReadWords] | None:
        """The reads to make instead of `request`, often only itself; None when every shape is owed.

        Their words in a row begin with the words of the request; the last may read a few more.
        """
        taken = {
            debt.request.count
            for debt in self._live(now)
            if debt.request.unit == request.unit
            and debt.request.function == request.function
            and debt.request != request
        }
        if request.function in (1, 2):
            return None if taken else [request]  # coils come as whole bytes: counts do not tell shapes apart
        if request.count not in taken:
            return [request]
        for first in range(request.count - 1, request.count // 2 - 1, -1):
            rest = request.count - first
            if first and rest and first not in taken and rest not in taken:
                return [_part(request, 0, first), _part(request, first, rest)]
        for more in range(1, _TRIED):
            if request.count + more not in taken and request.count + more <= _LARGEST:
                return [_part(request, 0, request.count + more)]
        return None

    def _live(self, now: float) -> list[_Debt]:
        while self._owed and self._owed[0].until <= now:
            self._owed.popleft()
        return list(self._owed)


def _part(request: ReadWords, offset: int, count: int) -> ReadWords:
    return ReadWords(
        unit=request.unit, function=request.function, address=min(request.address + offset, 0xFFFF), count=count
    )
