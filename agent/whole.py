"""A turn that brought all it was asked for, in columns: what differs from turn to turn beside what never does. Pure.

    Order    what a kind of device says in one turn: series, and what it is known not to have; one object for the whole fleet
    Whole    one such turn: device, values, times. Readings are made of it when somebody wants to see readings

Rules.
- A `Whole` holds readings of one device, each series once, all of good quality; behind them, as gaps, what is absent.
- To who does not care it is a sequence of readings and gaps like any other. What is made of it (`[*found, gap]`) is a
  plain list again and promises nothing. Nobody changes its values.
- Who looks for certain points looks them up once a kind (`Order.places`), not once a reading. A fleet's turns are nearly
  all of this sort, and most of what a turn cost was making readings and looking at them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import overload

from msgspec.structs import replace

from model.batch import Event
from model.reading import Gap, Reading

#: A reading as it stands in a batch: device, point, index, at, value, quality.
Row = tuple[str, str, str | None, int, float, int]


class Order:
    """The series (point, index) of a turn's readings as they stand in it, each once; `absent`: gaps of any device."""

    __slots__ = ("_bare", "_places", "_then", "absent", "lines", "missing", "points", "series")

    def __init__(self, series: Iterable[tuple[str, str | None]], absent: Iterable[Gap] = ()) -> None:
        self.series = tuple(series)
        self.points = tuple([point for point, _ in self.series])
        self.lines = tuple([line for _, line in self.series])
        self.absent = tuple(absent)
        self.missing = frozenset([(one.point, one.index) for one in self.absent])
        self._places: dict[frozenset[str], tuple[int, ...]] = {}
        self._then: dict[str, Order] = {}
        self._bare: Order | None = None

    def places(self, points: frozenset[str]) -> tuple[int, ...]:
        """Where any of these points stand.

        >>> Order([("ups.load", "1"), ("ups.source", None)]).places(frozenset({"ups.source"}))
        (1,)
        """
        known = self._places.get(points)
        if known is None:
            known = self._places[points] = tuple(n for n, point in enumerate(self.points) if point in points)
        return known

    def then(self, point: str) -> Order:
        """The order of a turn with one more reading; the point is not among them yet."""
        known = self._then.get(point)
        if known is None:
            known = self._then[point] = Order((*self.series, (point, None)), self.absent)
        return known

    def bare(self) -> Order:
        """The same, nothing said of what is absent."""
        if self._bare is None:
            self._bare = Order(self.series)
        return self._bare


class Whole(Sequence[Reading | Gap | Event]):
    """One turn of one device. `at`: ms, of all of it or of each value; `ended`: the last of it."""

    __slots__ = ("_made", "at", "device", "ended", "order", "values")

    def __init__(self, device: str, order: Order, values: list[float], at: int | list[int], ended: int) -> None:
        self.device = device
        self.order = order
        self.values = values
        self.at = at
        self.ended = ended
        self._made: list[Reading | Gap | Event] | None = None

    @property
    def began(self) -> int:
        """The least `at`."""
        at = self.at
        return min(at) if isinstance(at, list) else at

    def with_last(self, point: str, value: float) -> Whole:
        """The turn with one more reading, of its end; the point is not among them yet."""
        at, ended = self.at, self.ended
        return Whole(
            self.device,
            self.order.then(point),
            [*self.values, value],
            [*at, ended] if isinstance(at, list) else at,
            ended,
        )

    def bare(self) -> Whole:
        """The readings alone."""
        if not self.order.absent:
            return self
        return Whole(self.device, self.order.bare(), self.values, self.at, self.ended)

    def rows(self) -> Iterator[Row]:
        """The readings as they stand in a batch."""
        times = self.at if isinstance(self.at, list) else repeat(self.at)
        return zip(repeat(self.device), self.order.points, self.order.lines, times, self.values, repeat(0))

    def _all(self) -> list[Reading | Gap | Event]:
        if self._made is None:
            readings = (
                Reading(device=device, point=point, index=line, at=at, value=value)
                for device, point, line, at, value, _ in self.rows()
            )
            gaps = (replace(gap, device=self.device, at=self.ended) for gap in self.order.absent)
            self._made = [*readings, *gaps]
        return self._made

    def __len__(self) -> int:
        return len(self.values) + len(self.order.absent)

    def __iter__(self) -> Iterator[Reading | Gap | Event]:
        return iter(self._all())

    @overload
    def __getitem__(self, place: int) -> Reading | Gap | Event: ...
    @overload
    def __getitem__(self, place: slice) -> list[Reading | Gap | Event]: ...
    def __getitem__(self, place: int | slice) -> Reading | Gap | Event | list[Reading | Gap | Event]:
        return self._all()[place]

    def __repr__(self) -> str:
        return f"Whole({self._all()!r})"
