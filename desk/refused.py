"""What a person hears when the desk cannot take what they wrote: whose fault, what was expected, what to do."""

from __future__ import annotations

from datetime import datetime

from desk.calendars import zone
from model.text import Text


class ActRefused(ValueError):
    """It cannot stand as written, and nothing was changed; `text` says what was expected, what came and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def wall(ms: int, tz: str = "UTC") -> str:
    """An instant as people write it, by the wall of the site, with its offset."""
    return datetime.fromtimestamp(ms / 1000, zone(tz)).strftime("%Y-%m-%d %H:%M:%S %z")
