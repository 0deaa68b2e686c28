"""Reports on tickets, sites and customers: gathered from the desk's database, drafted (desk.paper), printed, delivered.

What lies outside the desk (alerts, readings) is handed in by the caller: the desk does not know the collector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa

from alerts.types import Alert
from desk import documents, store
from desk.paper import render
from desk.paper.case import Case
from desk.paper.fault_paper import fault_paper
from desk.paper.types import Chart, Paper, edited
from desk.types import Draft, EntryKind
from model.inventory import Inventory
from model.text import Language, Text


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report and its two prints in one language. `pdf` raises desk.paper.render.FontMissing where it is asked for."""

    paper: Paper
    language: Language

    @property
    def html(self) -> str:
        """One file without scripts, fonts or addresses."""
        return render.html(self.paper, self.language)

    @property
    def pdf(self) -> bytes:
        """PDF/A-2a."""
        return render.pdf(self.paper, self.language)

    @property
    def name(self) -> str:
        """A file name without its ending."""
        subject = self.paper.about.get("ticket") or self.paper.about.get("device") or self.paper.about.get("site")
        subject = subject or self.paper.about.get("customer") or "all"
        return f"{self.paper.kind}-{subject.replace('/', '-')}-{self.language}"


def case_of(
    conn: sa.Connection,
    id: str,
    inventory: Inventory,
    now: int,
    alerts: Sequence[Alert] = (),
    charts: Sequence[Chart] = (),
    similar: Sequence[Text] = (),
) -> Case:
    """A ticket with all that its reports need. Raises UnknownTicket."""
    return Case(
        ticket=store.ticket(conn, id),
        ledger=tuple(store.ledger(conn, id)),
        policy=store.policy(conn, store.ticket(conn, id)),
        explained=store.explain(conn, id, now),
        inventory=inventory,
        alerts=tuple(alerts),
        charts=tuple(charts),
        similar=tuple(similar),
        now=now,
    )


def fault_analysis(case: Case, language: Language, edits: Mapping[str, Text] | None = None) -> Report:
    """The report after a fault, in the contract's parts. Raises desk.paper.types.EditRefused."""
    return Report(paper=edited(fault_paper(case), edits or {}), language=language)


def similar_lines(conn: sa.Connection, case: Case) -> list[Text]:  # noqa: ARG001
    """Earlier cases like this one, a line each."""
    return []


def deliver(conn: sa.Connection, folder: Path, report: Report, ticket: str, who: str, at: int, now: int) -> str:
    """Keep the PDF among the documents and say in the ledger that it was delivered: stops `incident_report`.

    The document's hash. Delivered twice it is one document and one entry. In the caller's transaction.
    """
    body = report.pdf
    links = documents.Links(**report.paper.about)
    hash = documents.put(conn, folder, f"{report.name}.pdf", "application/pdf", body, who, at, links)
    said = [e for e in store.ledger(conn, ticket) if e.kind is EntryKind.REPORTED]
    if not any(e.data.get("document") == hash for e in said):
        title = report.paper.title
        draft = Draft(
            at=at,
            who=who,
            kind=EntryKind.REPORTED,
            text=Text(f"{title.en} ({report.language})", f"{title.zh}（{report.language}）"),
            data={"report": report.paper.kind, "document": hash},
        )
        store.append(conn, ticket, [draft], now)
    return hash
