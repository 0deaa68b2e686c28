"""The centre's database: what has been delivered, what is wrong, who may speak.

One SQLite file, `centre.sqlite`, or PostgreSQL by URL: the same queries, see `engines.py` (docs/database.md).
All times are integer milliseconds. Writers use `writing(engine)`, which takes the write lock at once;
readers use `engine.connect()` and never block a writer. The tables stand in `tables.py`, how they came to be in
`migrations/`; each other file holds the queries of one subject, each function taking a connection. People and their sessions are the console's.
"""

from collector.store.deliveries import Delivery, KeptBatch, offset_segments
from collector.store.engines import Claim, writing
from collector.store.errors import StoreError, StoreTaken, StoreWaits
from collector.store.findings import alerts, desk_news, incident, incidents
from collector.store.fleet import (
    AgentRow,
    DeviceRow,
    EventRow,
    GapRow,
    QuarantineRow,
    agents,
    devices,
    events,
    events_within,
    gaps_latest,
    identity,
    quarantine,
)
from collector.store.notes import forwarded, keep_clock, kept_clock, put_forwarded
from collector.store.opening import SCHEMA_VERSION, database_of, hold, in_words, open_engine, take_engine
from collector.store.recordings import RecordingRow, Wish
from collector.store.tables import metadata

__all__ = [
    "SCHEMA_VERSION",
    "AgentRow",
    "Claim",
    "Delivery",
    "DeviceRow",
    "EventRow",
    "GapRow",
    "KeptBatch",
    "QuarantineRow",
    "RecordingRow",
    "StoreError",
    "StoreTaken",
    "StoreWaits",
    "Wish",
    "agents",
    "alerts",
    "database_of",
    "desk_news",
    "devices",
    "events",
    "events_within",
    "forwarded",
    "gaps_latest",
    "hold",
    "identity",
    "in_words",
    "incident",
    "incidents",
    "keep_clock",
    "kept_clock",
    "metadata",
    "offset_segments",
    "open_engine",
    "put_forwarded",
    "quarantine",
    "take_engine",
    "writing",
]
