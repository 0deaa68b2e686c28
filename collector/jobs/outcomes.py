"""What closed tickets teach of scores: which findings people confirmed or denied, and the table made of them (`analytics.calibration`)."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
import structlog

from analytics import calibration
from analytics.calibration import SHIPPED, Calibration, Case
from collector.store import alerts, models
from collector.store.models import DamagedModel, ModelRow
from desk import outcomes, paper_sql, reading

CALIBRATION = "calibration"
log = structlog.get_logger()


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """`tickets` so many closed ones told of `cases` findings; `fitted`: the kinds with cases enough."""

    tickets: int
    cases: list[Case]
    fitted: Calibration

    @property
    def table(self) -> Calibration:
        """What is shipped, moved by them."""
        return calibration.joined(SHIPPED, self.fitted)


def learn(conn: sa.Connection) -> Learned:
    """From all closed tickets that say whether their findings were right."""
    cases: list[Case] = []
    told = 0
    for id in paper_sql.judged(conn):
        ticket = reading.ticket(conn, id)
        found = outcomes.judged(ticket, reading.ledger(conn, id), alerts(conn, incident=ticket.incident))
        told += bool(found)
        cases += found
    fitted = calibration.fit(cases, f"learned from {told} closed tickets", SHIPPED)
    return Learned(tickets=told, cases=cases, fitted=fitted)


def keep(conn: sa.Connection, learned: Learned, now: int) -> ModelRow:
    """A new version of the table, for `known`."""
    body = calibration.encode(learned.fitted)
    return models.put_model(conn, CALIBRATION, body, now, (now, now), len(learned.cases))


def known(conn: sa.Connection) -> Calibration:
    """What is shipped, moved by the newest table that was kept; alone where there is none, or its bytes are not those that were kept."""
    row = next((row for row in models.listed(conn, CALIBRATION) if row.name == CALIBRATION), None)
    if row is None:
        return SHIPPED
    try:
        return calibration.joined(SHIPPED, calibration.decode(models.body_of(conn, row)))
    except (DamagedModel, msgspec.MsgspecError) as error:
        log.warning("the table of scores cannot be read, the shipped one is used", why=str(error))
        return SHIPPED
