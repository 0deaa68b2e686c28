"""Read a spool file that no agent holds: for audits and for a technician with a copied file.

Opens it read only and never repairs or prunes. The agent that owns the file must have stopped.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from model.batch import Batch, decode

_ROWS = "SELECT packed, delivered_at IS NOT NULL FROM rows ORDER BY id"
_WAITING = "SELECT count(*) FROM rows WHERE delivered_at IS NULL"


def read_rows(path: Path) -> Iterator[tuple[Batch, bool]]:
    """Every row that the spool committed and still keeps, with whether it was delivered, in order.

    Raises `sqlite3.Error` when the file is no spool and `model.batch.BatchError` when a row is damaged.
    """
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        for packed, delivered in db.execute(_ROWS):
            yield decode(packed), bool(delivered)
    finally:
        db.close()


def undelivered(path: Path) -> int | None:
    """How many rows wait; None when there is no spool, or none that can be read."""
    if not path.exists():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return int(db.execute(_WAITING).fetchone()[0])
    except sqlite3.Error:
        return None
