"""The clock that the running centre goes by, kept so that a command beside it tells the same time."""

from __future__ import annotations

import sqlalchemy as sa

from collector.store import tables as t
from model.timescale import REAL, TimeScale

_KEY = "clock"


def keep_clock(conn: sa.Connection, scale: TimeScale) -> None:
    """Called by the centre at start."""
    conn.execute(t.about.delete().where(t.about.c.key == _KEY))
    conn.execute(t.about.insert().values(key=_KEY, value=scale.dump()))


def kept_clock(conn: sa.Connection) -> TimeScale:
    """The clock of the centre that last ran here; real time when none did."""
    value = conn.scalar(sa.select(t.about.c.value).where(t.about.c.key == _KEY))
    return TimeScale.parse(value) if value else REAL
