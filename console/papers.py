"""Reports for a browser: the same papers as `roundsman report`, in the reader's language, of what the reader may see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import structlog

from alerts.types import Alert
from collector.history import History, HistoryError
from console import report_charts, report_planned, report_subjects
from console.errors import NotThere, Refused
from console.reads import Reads
from console.report_room import WishRefused
from desk import reports
from desk.paper.case import Case
from desk.paper.explain_paper import explain_paper
from desk.paper.fault_paper import fault_paper
from desk.paper.form_paper import UnknownForm, form_of, form_paper
from desk.paper.handover_paper import handover_paper
from desk.paper.life_paper import equipment_paper
from desk.paper.monthly_paper import monthly_paper
from desk.paper.render import FontMissing
from desk.paper.types import Chart, Mark, Paper
from desk.reports import Report
from desk.types import Ticket
from model.text import Language, Text

log = structlog.get_logger()
#: By name in the address; what a customer may draw up, and what staff may.
FOR_ALL: dict[str, Callable[[Case], Paper]] = {"explain": explain_paper}
FOR_STAFF: dict[str, Callable[[Case], Paper]] = {**FOR_ALL, "fault": fault_paper, "handover": handover_paper}


def of_ticket(reads: Reads, ticket: Ticket, name: str, language: Language) -> Report:
    """A report on one ticket, ready to print. Raises NotThere."""
    known = FOR_STAFF if reads.viewer.staff else FOR_ALL
    if name not in known:
        raise NotThere(f"no report {name[:40]}")
    return Report(paper=known[name](case(reads, ticket)), language=language)


def form(reads: Reads, ticket: Ticket, id: str, language: Language) -> Report:
    """A form of the contract, drafted from the ledger, with room to write and sign. Raises NotThere."""
    held = case(reads, ticket)
    try:
        rule = form_of(held, id)
        return Report(
            paper=form_paper(held, rule, report_planned.filled(reads.conn, ticket.id, rule.id)), language=language
        )
    except UnknownForm as error:
        raise NotThere(f"no form {id[:40]}") from error


class Desk:
    """console.report_room.Room for one reader."""

    def __init__(self, reads: Reads) -> None:
        self.reads, self.conn, self.inventory = reads, reads.conn, reads.inventory

    def now(self, tz: str) -> int:  # noqa: ARG002  a page is always of now
        return self.reads.now

    @contextmanager
    def history(self) -> Iterator[History]:
        """The centre's own: it stays open."""
        yield self.reads.centre.history

    def complain(self, text: Text) -> None:
        log.warning("a report is made without a part", why=text.en)


def equipment(reads: Reads, device: str, language: Language) -> Report:
    """Everything that ever happened to a device. A customer does not hear how its model does elsewhere."""
    reads.device(device)
    with refused():
        life = report_subjects.life(Desk(reads), device)
    if not reads.viewer.staff:
        life = msgspec.structs.replace(life, recurring=())
    return Report(paper=equipment_paper(life), language=language)


def handbook(reads: Reads, site: str, language: Language) -> Report:
    """The health of a site's equipment. For staff: it compares models across customers."""
    if not reads.viewer.staff:
        raise NotThere(f"no handbook of {site}")
    with refused():
        return Report(paper=report_subjects.handbook(Desk(reads), site), language=language)


def monthly(reads: Reads, customer: str, month: str | None, language: Language) -> Report:
    """A customer's report over a month, the last whole one unless told: theirs to read."""
    if not reads.viewer.sees(customer):
        raise NotThere(f"no customer {customer}")
    with refused():
        room = Desk(reads)
        span = report_subjects.month_of(room, customer, month)
        return Report(paper=monthly_paper(report_subjects.period(room, customer, *span)), language=language)


@contextmanager
def refused() -> Iterator[None]:
    """What the gathering refuses, as the console says it."""
    try:
        yield
    except WishRefused as error:
        raise Refused(error.text) from error


def pdf(report: Report) -> bytes:
    """Raises Refused where the centre has no font to print with."""
    try:
        return report.pdf
    except FontMissing as error:
        raise Refused(error.text) from error


def case(reads: Reads, ticket: Ticket) -> Case:
    """A ticket with its alerts and the readings around it."""
    incident = reads.incident_of(ticket)
    alerts = reads.alerts(incident=incident.id) if incident else []
    alerts = sorted(alerts, key=lambda a: (a.raised_at, a.id))
    bare = reports.case_of(reads.conn, ticket.id, reads.inventory, reads.now, alerts)
    lines = reports.similar_lines(reads.conn, bare) if reads.viewer.staff else []
    return reports.case_of(
        reads.conn, ticket.id, reads.inventory, reads.now, alerts, _charts(reads, bare, alerts), lines
    )


def _charts(reads: Reads, held: Case, alerts: list[Alert]) -> list[Chart]:
    devices = [a.device for a in alerts] or ([held.device.id] if held.device else [])
    devices = devices or [d.id for d in reads.inventory.at_site(held.ticket.site) if d.kind == "ups"]
    began, ended = held.ticket.opened_at, held.ended_at
    marks = [Mark(at=began, text=Text("opened", "开单"))]
    marks += [Mark(at=ended, text=Text("normal again", "恢复正常"))] if ended else []
    around = report_charts.AROUND_MS
    start, end = began - around, min((ended or held.now) + around, held.now)
    try:
        return report_charts.around(
            reads.centre.history, devices, alerts, start, end, held.tz, marks, [(began, ended or held.now)]
        )
    except HistoryError as error:
        log.warning("a report is made without charts", ticket=held.ticket.id, why=str(error))
        return []
