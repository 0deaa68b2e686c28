"""Last night's memory of the fleet (`analytics.cohort`), as the table of models keeps it. Light: every start reads it."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
import structlog

from analytics.cohort import Cohorts
from collector.store import models
from collector.store.models import DamagedModel, ModelRow

COHORT = "cohort"
log = structlog.get_logger()


def keep(conn: sa.Connection, cohorts: Cohorts) -> None:
    """A new version."""
    body = msgspec.msgpack.encode(cohorts)
    models.put_model(conn, COHORT, body, cohorts.made, (cohorts.made, cohorts.made), len(cohorts.firmware))


def made(conn: sa.Connection) -> int | None:
    """When the newest was made; None: never."""
    row = _newest(conn)
    return row.made if row else None


def fleet_memory(conn: sa.Connection) -> Cohorts | None:
    """The newest; None when there is none, or its bytes are not those that were kept: detectors then do without."""
    row = _newest(conn)
    if row is None:
        return None
    try:
        found = msgspec.msgpack.decode(models.body_of(conn, row), type=Cohorts)
    except (DamagedModel, msgspec.MsgspecError) as error:
        log.warning("the memory of the fleet cannot be read, the next night makes a new one", why=str(error))
        return None
    return found if found.models else None


def _newest(conn: sa.Connection) -> ModelRow | None:
    return next((row for row in models.listed(conn, COHORT) if row.name == COHORT), None)
