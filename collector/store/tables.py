"""The centre's tables. A change here needs a revision in `migrations/versions` (docs/database.md)."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

_Ms = sa.BigInteger
#: Numbers that rise for ever. SQLite's own are 64 bits wide, and only an INTEGER key rises by itself there.
_Rising = sa.BigInteger().with_variant(sa.Integer, "sqlite")

about = sa.Table(
    "about",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

# What was delivered. (spool, row) is the dedupe key; rows pruned by age raise the spool's floor instead.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("spool", sa.String, primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("received_at", _Ms, nullable=False, index=True),
    sa.Column("readings", sa.Integer, nullable=False),
    sa.Column("gaps", sa.Integer, nullable=False),
    sa.Column("quarantined", sa.Integer, nullable=False),
    sa.Column("late", sa.Integer, nullable=False),
)
spool_floors = sa.Table(
    "spool_floors",
    metadata,
    sa.Column("spool", sa.String, primary_key=True),
    sa.Column("row", sa.BigInteger, nullable=False),
)
# The bytes as they came, kept to replay detectors after a restart. `cursor` is the order of commitment.
batches = sa.Table(
    "batches",
    metadata,
    sa.Column("cursor", _Rising, primary_key=True, autoincrement=False),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("received_at", _Ms, nullable=False),
    sa.Column("offset_ms", _Ms, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("cursor", _Rising, primary_key=True, autoincrement=False),
    sa.Column("taken_at", _Ms, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
# A boot whose clock was wrong: `offset_ms` is added to its times from `since` to `until` (agent's time).
clock_offsets = sa.Table(
    "clock_offsets",
    metadata,
    sa.Column("id", _Rising, primary_key=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("boot", sa.String, nullable=False),
    sa.Column("offset_ms", _Ms, nullable=False),
    sa.Column("since", _Ms, nullable=False),
    sa.Column("until", _Ms, nullable=False),
    sa.Column("noted_at", _Ms, nullable=False),
)

board = sa.Table(
    "board",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("changed_at", _Ms, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("device", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("severity", sa.String, nullable=False),
    sa.Column("raised_at", _Ms, nullable=False),
    sa.Column("cleared_at", _Ms, index=True),
    sa.Column("incident", sa.String, index=True),
    sa.Column("body", sa.Text, nullable=False),
)
incidents = sa.Table(
    "incidents",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("customer", sa.String, nullable=False, index=True),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("root", sa.String, nullable=False),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("opened_at", _Ms, nullable=False),
    sa.Column("closed_at", _Ms, index=True),
    sa.Column("body", sa.Text, nullable=False),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("key_sha256", sa.String, nullable=False, unique=True),
    sa.Column("enrolled_at", _Ms, nullable=False),
    sa.Column("revoked_at", _Ms),
    sa.Column("heard_at", _Ms),
    sa.Column("boot", sa.String),
    sa.Column("spool", sa.String),
    sa.Column("row", sa.BigInteger),
)
enrol_codes = sa.Table(
    "enrol_codes",
    metadata,
    sa.Column("code_sha256", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("made_at", _Ms, nullable=False),
    sa.Column("expires_at", _Ms, nullable=False),
    sa.Column("used_at", _Ms),
)

devices = sa.Table(
    "devices",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("site", sa.String, nullable=False, index=True),
    sa.Column("first_heard_at", _Ms, nullable=False),
    sa.Column("last_reading_at", _Ms),
    sa.Column("last_gap_at", _Ms),
    sa.Column("recompute_from", _Ms),
)
identities = sa.Table(
    "identities",
    metadata,
    sa.Column("device", sa.String, primary_key=True),
    sa.Column("at", _Ms, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)
gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("device", sa.String, primary_key=True),
    sa.Column("point", sa.String, primary_key=True),
    sa.Column("index", sa.String, primary_key=True),
    sa.Column("at", _Ms, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("where", sa.Text, nullable=False),
    sa.Column("raw", sa.Text, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
)
events = sa.Table(
    "events",
    metadata,
    sa.Column("id", _Rising, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("device", sa.String, index=True),
    sa.Column("kind", sa.String, nullable=False, index=True),
    sa.Column("at", _Ms, nullable=False),
    sa.Column("received_at", _Ms, nullable=False, index=True),
    sa.Column("data", sa.Text, nullable=False),
)
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", _Rising, primary_key=True),
    sa.Column("site", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("spool", sa.String, nullable=False),
    sa.Column("row", sa.BigInteger, nullable=False),
    sa.Column("received_at", _Ms, nullable=False, index=True),
)

inventory = sa.Table(
    "inventory",
    metadata,
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("imported_at", _Ms, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

# What outlives a detector's memory: every discharge for the life of the battery, every forecast with its answer (docs/analytics_battery.md).
discharges = sa.Table(
    "discharges",
    metadata,
    sa.Column("device", sa.String, primary_key=True),
    sa.Column("start", _Ms, primary_key=True, autoincrement=False),
    sa.Column("end", _Ms, nullable=False),
    sa.Column("battery", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
forecasts = sa.Table(
    "forecasts",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("device", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("quantity", sa.String, nullable=False),
    sa.Column("made", _Ms, nullable=False, index=True),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
# Trained offline and nightly; loaded only when its bytes have their digest (sha256).
models = sa.Table(
    "models",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("made", _Ms, nullable=False),
    sa.Column("first_at", _Ms, nullable=False),
    sa.Column("last_at", _Ms, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
# Last night's outlook on each battery.
prognoses = sa.Table(
    "prognoses",
    metadata,
    sa.Column("device", sa.String, primary_key=True),
    sa.Column("made", _Ms, nullable=False),
    sa.Column("p_below", sa.Float, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
)
