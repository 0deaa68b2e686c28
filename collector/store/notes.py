"""Small facts that the running centre keeps about itself: its clock, and how far a history server was fed.

The clock is kept so that a command beside the centre tells the same time.
"""

from __future__ import annotations

import sqlalchemy as sa

from collector.store import tables as t
from model.timescale import REAL, TimeScale

_CLOCK = "clock"
_FORWARDED = "forwarded"


def keep_clock(conn: sa.Connection, scale: TimeScale) -> None:
    """Called by the centre at start."""
    _put(conn, _CLOCK, scale.dump())


def kept_clock(conn: sa.Connection) -> TimeScale:
    """The clock of the centre that last ran here; real time when none did."""
    value = _get(conn, _CLOCK)
    return TimeScale.parse(value) if value else REAL


def forwarded(conn: sa.Connection) -> int:
    """The cursor of the last kept batch that the history server has; 0 before the first."""
    return int(_get(conn, _FORWARDED) or 0)


def put_forwarded(conn: sa.Connection, cursor: int) -> None:
    """The history server has everything up to `cursor`."""
    _put(conn, _FORWARDED, str(cursor))


def _get(conn: sa.Connection, key: str) -> str | None:
    return conn.scalar(sa.select(t.about.c.value).where(t.about.c.key == key))


def _put(conn: sa.Connection, key: str, value: str) -> None:
    conn.execute(t.about.delete().where(t.about.c.key == key))
    conn.execute(t.about.insert().values(key=key, value=value))
