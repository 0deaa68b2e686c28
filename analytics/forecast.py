"""A forecast: an instant that was said before it came, and how it stood when it came. One record for all of them.

    runtime       a battery runs dry                             subject: the device    start: the battery took the load
    dark          a site's load, or one device at it, loses power subject: site or device start: the same
    end_of_life   a battery's health falls below 0.80            subject: the device    start: when it was said
    threshold     a series crosses its limit                     subject: the device    start: when it was said

All three quantiles are instants (ms, event time), so one score serves all: the error is relative to what was promised, `p50 - start`.
A forecast is open until reality answers it (`came`) or takes away what it was about (`withdrawn`: the mains came back, the
battery was exchanged); only those that came are scored, and the record says how many did not.

A detector keeps its forecasts in its state under "forecasts", as builtins of this type, newest last and at most `MOST`; who stores them for good
upserts by `id`: an entry is written again, once, when it is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from statistics import median
from typing import Any

import msgspec

#: How many a detector's state keeps of one device: answered ones go first.
MOST = 40


class Quantity(StrEnum):
    """What the instant is."""

    RUNTIME = "runtime"
    DARK = "dark"
    END_OF_LIFE = "end_of_life"
    THRESHOLD = "threshold"


class Outcome(StrEnum):
    """How it ended."""

    OPEN = "open"
    CAME = "came"
    WITHDRAWN = "withdrawn"


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Times in ms. `kind` is the finding or detector that said it; one in ten comes before `p10`, one in ten after `p90`."""

    device: str  #: or a site's id, for the time at which a site goes dark
    kind: str
    quantity: Quantity
    index: str | None = None
    made: int
    start: int
    p10: int
    p50: int
    p90: int
    version: str  #: of the model that said it
    outcome: Outcome = Outcome.OPEN
    real: int | None = None  #: when it came
    answered: int | None = None  #: when that was known

    @property
    def id(self) -> str:
        """The same forecast, the same id, before and after its answer."""
        return f"{self.device}|{self.kind}|{self.quantity}|{self.index or ''}|{self.made}"

    @property
    def error(self) -> float | None:
        """(real - said) / (said - start): positive when it came later than said. None while open or withdrawn."""
        return None if self.real is None else (self.real - self.p50) / max(self.p50 - self.start, 1000)

    @property
    def inside(self) -> bool | None:
        """Whether it came between P10 and P90; None while open or withdrawn."""
        return None if self.real is None else self.p10 <= self.real <= self.p90


def came(forecast: Forecast, real: int, at: int) -> Forecast:
    """Reality: it came at `real`, which was known at `at`. An answered one stays as it is."""
    if forecast.outcome is not Outcome.OPEN:
        return forecast
    return msgspec.structs.replace(forecast, outcome=Outcome.CAME, real=real, answered=at)


def withdrawn(forecast: Forecast, at: int) -> Forecast:
    """What it was about is no more: nobody can say any longer whether it was right."""
    if forecast.outcome is not Outcome.OPEN:
        return forecast
    return msgspec.structs.replace(forecast, outcome=Outcome.WITHDRAWN, answered=at)


def read(state: dict[str, Any]) -> list[Forecast]:
    """The forecasts that a detector's state keeps, the oldest first."""
    return [msgspec.convert(one, Forecast) for one in state.get("forecasts", [])]


def written(forecasts: Iterable[Forecast]) -> list[dict[str, Any]]:
    """For the state: all open ones, and the newest answered ones."""
    rows = list(forecasts)
    spare = max(len(rows) - MOST, 0)
    dropped = {id(one) for one in [row for row in rows if row.outcome is not Outcome.OPEN][:spare]}
    kept = [row for row in rows if id(row) not in dropped][-MOST:]
    return [msgspec.to_builtins(one) for one in kept]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Of `n` that came: the share inside P10 … P90 (0.8 is honest), the median error and its median size, both relative."""

    n: int
    inside: float
    bias: float
    error: float
    early: float  #: the share that came before P10: for a battery, the dear mistake (0.1 is honest)
    open: int
    withdrawn: int


def record(forecasts: Iterable[Forecast]) -> Record | None:
    """The record of these forecasts; None when there are none at all.

    >>> one = Forecast(device="d", kind="k", quantity=Quantity.RUNTIME, made=0, start=0, p10=80_000, p50=100_000, p90=120_000, version="1")
    >>> record([came(one, 90_000, 90_000)]).bias
    -0.1
    """
    rows = list(forecasts)
    if not rows:
        return None
    errors = [one.error for one in rows if one.error is not None]
    n = len(errors)
    return Record(
        n=n,
        inside=sum(bool(one.inside) for one in rows) / n if n else 0.0,
        bias=median(errors) if n else 0.0,
        error=median(map(abs, errors)) if n else 0.0,
        early=sum(one.real is not None and one.real < one.p10 for one in rows) / n if n else 0.0,
        open=sum(one.outcome is Outcome.OPEN for one in rows),
        withdrawn=sum(one.outcome is Outcome.WITHDRAWN for one in rows),
    )
