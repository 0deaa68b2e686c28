"""What the field's book says for a report: lines of a time, and work that is planned or due."""

from __future__ import annotations

import sqlalchemy as sa

from desk import field_sql, filing, visiting, visits
from desk.forms import Filled
from desk.lines import Line
from desk.paper.case import minute
from desk.paper.types import same
from model.inventory import Inventory
from model.text import Text

#: The books that tell of contact and work; consents and rosters are not for reports.
KINDS = ("visit", "duty", "part", "survey", "complaint", "training", "inspection", "form")


def field_lines(
    conn: sa.Connection, customer: str | None, start: int, end: int, device: str | None = None
) -> list[Line]:
    """Lines that happened in [start, end), oldest first."""
    found = [
        line
        for kind in KINDS
        for line in field_sql.lines(conn, kind, customer=customer, device=device)
        if start <= line.at < end
    ]
    return sorted(found, key=lambda line: (line.at, line.kind, line.id, line.seq))


def planned(
    conn: sa.Connection, inventory: Inventory, customer: str | None, site: str | None, now: int
) -> list[tuple[Text, Text, Text]]:
    """Visits that are not over, of a site or of a customer's sites: what, when, how it stands."""
    mine = {s.id for s in inventory.sites.values() if customer in (None, s.customer)}
    rows = []
    for visit in visiting.listed(conn, site=site, open_only=True):
        if visit.site not in mine or (visit.starts_at or now) > now + 400 * 86_400_000:
            continue
        name = inventory.site(visit.site).name
        at = minute(visit.starts_at, inventory.site(visit.site).tz) if visit.starts_at else "–"
        what = Text(f"{visit.purpose}: {name.en}, {visit.engineer}", f"{visit.purpose}：{name.zh}，{visit.engineer}")
        rows.append((what, same(at), visits.NAMES[visit.state]))
    return rows


def filled(conn: sa.Connection, ticket: str, form: str) -> Filled | None:
    """The newest form of this kind that was filled in for a ticket."""
    found = [one for one in filing.listed(conn, ticket=ticket) if one.form == form]
    return max(found, key=lambda one: (one.at, one.id), default=None)
