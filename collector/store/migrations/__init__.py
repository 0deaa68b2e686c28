"""How the centre's database came to be what it is, revision by revision (Alembic; docs/database.md).

    versions/r0001_….py      schema 1, the first release; each later file is one step, SQL for both databases
    about.schema             the number of the newest step that a database has; Alembic's own table says the same

Everything of one upgrade happens in one transaction: both databases undo DDL as well, so a kill leaves the old schema.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
import structlog

NEWEST = 4
_FOLDER = Path(__file__).parent
log = structlog.get_logger()

about = sa.table("about", sa.column("key"), sa.column("value"))


def bring(conn: sa.Connection, found: int | None, metadata: Sequence[sa.MetaData], name: str) -> None:
    """Make an empty database, or lead one of schema `found` to the newest, in the caller's write transaction."""
    if found == NEWEST:
        return  # another process was quicker
    if found is None:
        for each in metadata:
            each.create_all(conn)
        conn.execute(about.insert().values(key="schema", value=str(NEWEST)))
        _stamp(conn, NEWEST)
        return
    log.info("store_upgrades", database=name, found=found, to=NEWEST)
    if found == 1:
        _stamp(conn, 1)  # the first release knew no Alembic
    upgrade(conn)
    conn.execute(about.update().where(about.c.key == "schema").values(value=str(NEWEST)))


def upgrade(conn: sa.Connection, to: str = "head") -> None:
    """Run the revisions that are missing."""
    from alembic import command

    command.upgrade(_config(conn), to)


def copy_beside(file: Path, schema: int) -> Path:
    """A copy of a SQLite database as it stands, named after its schema; made whole or not at all, and never twice."""
    copy = file.with_name(f"{file.name}.schema-{schema}")
    if copy.exists():
        return copy
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(part)) as target:
        try:
            source.backup(target)
        except sqlite3.Error as error:
            raise sa.exc.OperationalError("backup", None, error) from error
    with part.open("rb") as body:
        os.fsync(body.fileno())
    part.rename(copy)
    log.info("store_copied", copy=str(copy), why="the upgrade changes the database; the copy may go when all is well")
    return copy


def _stamp(conn: sa.Connection, schema: int) -> None:
    """Say to Alembic where the database stands; without Alembic, which takes long to load."""
    version = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True))
    version.create(conn)
    conn.execute(version.insert().values(version_num=f"{schema:04d}"))


def _config(conn: sa.Connection):  # type: ignore[no-untyped-def]  # Alembic is loaded only where it is needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config
