"""What the field's book says for a report: lines of a time, and work that is planned or due."""

from __future__ import annotations

import sqlalchemy as sa

from desk import duties, duty_book, field_sql, filing, visiting, visits
from desk.forms import Filled
from desk.lines import Line
from desk.paper.case import minute
from desk.paper.types import same
from model.inventory import Inventory
from model.reading import Reading
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
    conn: sa.Connection,
    inventory: Inventory,
    customer: str | None,
    site: str | None,
    now: int,
    device: str | None = None,
) -> list[tuple[Text, Text, Text]]:
    """Duties and visits of a customer, narrowed to a site or device: what, when, how it stands. Urgent ones first.

    The service company's own duties are left out: they are no customer's.
    """
    rows = []
    for standing in duty_book.standings(conn, inventory, now, customer=customer):
        job = standing.job
        if job.duty.internal or job.duty.scope == "house":
            continue
        if (site and job.site not in (None, site)) or (device and job.device not in (None, device)):
            continue
        what = _with_place(job.duty.title, inventory, job.device or job.site)
        when = same(standing.due_on.isoformat()) if standing.due_on else job.duty.text or same("–")
        rows.append((what, when, duties.NAMES[standing.state]))
    mine = {s.id for s in inventory.sites.values() if customer in (None, s.customer)}
    for visit in visiting.listed(conn, site=site, open_only=True):
        if visit.site in mine and device in (None, visit.device):
            at = minute(visit.starts_at, inventory.site(visit.site).tz) if visit.starts_at else "–"
            what = Text(f"Visit ({visit.purpose}), {visit.engineer}", f"上门（{visit.purpose}），{visit.engineer}")
            rows.append((_with_place(what, inventory, visit.site), same(at), visits.NAMES[visit.state]))
    return rows


def _with_place(what: Text, inventory: Inventory, id: str | None) -> Text:
    if id is None:
        return what
    name = inventory.device(id).name if "/" in id else inventory.site(id).name
    return Text(f"{what.en}: {name.en}", f"{what.zh}：{name.zh}")


def recorded(conn: sa.Connection, subject: str) -> tuple[int, list[Reading], dict[int, str]] | None:
    """The newest inspection that was recorded of a site or device: when, the readings of then, a person's words."""
    site, device = subject.partition("/")[0], subject if "/" in subject else None
    lines = [x for x in field_sql.lines(conn, "inspection", site=site) if x.device == device and x.data.get("items")]
    if not lines:
        return None
    last = max(lines, key=lambda x: (x.at, x.id))
    readings = [
        Reading(device=v["device"], point=v["point"], index=v["index"], at=v["at"], value=v["value"])
        for item in last.data["items"]
        for v in item["values"]
    ]
    unique = {(r.device, r.point, r.index): r for r in readings}
    return last.at, list(unique.values()), {int(i["number"]): str(i["said"]) for i in last.data["items"]}


def filled(conn: sa.Connection, ticket: str, form: str) -> Filled | None:
    """The newest form of this kind that was filled in for a ticket."""
    found = [one for one in filing.listed(conn, ticket=ticket) if one.form == form]
    return max(found, key=lambda one: (one.at, one.id), default=None)
