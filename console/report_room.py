"""What reports need around them, whoever asks for one: `roundsman report` and the console each bring a room of their own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa

from collector.history import History
from desk.calendars import zone
from model.inventory import Inventory
from model.text import Text

#: Nothing that a report could be about happened outside of these.
_YEARS = range(1980, 3000)


class WishRefused(ValueError):
    """What was asked for cannot be; `text` says what was expected."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class Room(Protocol):
    """The opened centre with what reports are made from."""

    @property
    def conn(self) -> sa.Connection: ...

    @property
    def inventory(self) -> Inventory: ...

    def now(self, tz: str) -> int:
        """The moment the report is seen from, ms; `tz` is the clock on which it may have been told."""
        ...

    def history(self) -> AbstractContextManager[History]:
        """Readings, with clocks put right. Raises HistoryError."""
        ...

    def complain(self, text: Text) -> None:
        """Say that a part is left out, and why."""
        ...


def moment(words: str, tz: str) -> int:
    """An ISO day or time, on the clock of `tz` unless it says an offset; ms. Raises WishRefused."""
    try:
        told = datetime.fromisoformat(words)
        if told.year in _YEARS:
            return round((told if told.tzinfo else told.replace(tzinfo=zone(tz))).timestamp() * 1000)
    except ValueError:
        pass
    raise WishRefused(
        Text(
            f"expected a time like 2026-11-23T10:00 or a day, got {words}",
            f"应为 2026-11-23T10:00 之类的时间或日期，实为 {words}",
        )
    )
