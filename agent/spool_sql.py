"""The SQL of the spool, all of it."""

# FULL: a commit is on the disk when it returns, also in WAL. The journal is cut back after a checkpoint so that
# the bound on the spool is a bound on the disk.
PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA journal_size_limit = 4194304;
"""

#: Kept in the file (PRAGMA user_version). A change of the tables below needs the next number and a way from the last.
VERSION = 1
GET_VERSION = "PRAGMA user_version"
SET_VERSION = f"PRAGMA user_version = {VERSION}"

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice: (spool, id) is the dedupe key
    at INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    readings INTEGER NOT NULL, gaps INTEGER NOT NULL, delivered_at INTEGER, packed BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS undelivered ON rows (id) WHERE delivered_at IS NULL;
CREATE INDEX IF NOT EXISTS delivered ON rows (delivered_at) WHERE delivered_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS rejected (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
    readings INTEGER NOT NULL, gaps INTEGER NOT NULL, reason TEXT NOT NULL, packed BLOB NOT NULL
) STRICT;
"""

META = "SELECT key, value FROM meta"
ADD_META = "INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)"
SET_META = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"

# sqlite_sequence remembers the greatest id ever, also when its row is gone.
NEXT_ROW = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'rows'), 0) + 1"
INSERT = "INSERT INTO rows (id, at, first_at, last_at, readings, gaps, packed) VALUES (?, ?, ?, ?, ?, ?, ?)"
PACKED = "SELECT packed FROM rows WHERE id = ?"

UNDELIVERED = "SELECT id, packed FROM rows WHERE delivered_at IS NULL AND id > ? ORDER BY id LIMIT ?"
DELETE = "DELETE FROM rows WHERE id = ?"
MARK_DELIVERED = "UPDATE rows SET delivered_at = ? WHERE id = ? AND delivered_at IS NULL"
PRUNE_DELIVERED = "DELETE FROM rows WHERE delivered_at < ?"
REJECT = """
INSERT OR REPLACE INTO rejected (id, at, first_at, last_at, readings, gaps, reason, packed)
SELECT id, ?, first_at, last_at, readings, gaps, ?, packed FROM rows WHERE id = ?
"""

# Sixteen rows at a time: few enough to lose little, enough that making room takes a handful of steps.
OLDEST = """
SELECT count(*), coalesce(sum(readings), 0), coalesce(sum(gaps), 0), min(first_at), max(last_at), max(id)
FROM (SELECT id, readings, gaps, first_at, last_at FROM {table} WHERE {condition} ORDER BY id LIMIT 16)
"""
DROP_OLDEST = "DELETE FROM {table} WHERE {condition} AND id <= ?"

STANDING = "SELECT (SELECT count(*) FROM rows WHERE delivered_at IS NULL), (SELECT count(*) FROM rejected)"
USED = "SELECT page_count, freelist_count, page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
