"""Reports on tickets, sites and customers: gathered from the desk's database, drafted (desk.paper), printed, delivered.

What lies outside the desk (alerts, readings) is handed in by the caller: the desk does not know the collector.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec
import sqlalchemy as sa

from alerts.types import Alert
from desk import documents, faq, paper_sql, recurrence, store
from desk.paper import render
from desk.paper.case import Case
from desk.paper.fault_paper import fault_paper
from desk.paper.period import over_at
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


def cases(
    conn: sa.Connection,
    inventory: Inventory,
    now: int,
    start: int,
    end: int,
    *,
    customer: str | None = None,
    site: str | None = None,
    device: str | None = None,
    incidents: Collection[str] = (),
    policy: str | None = None,
) -> list[Case]:
    """The tickets on which there was work in [start, end), oldest first; merged ones are in those that took them over.

    `device` finds those whose root or ledger names it, or that had one of its `incidents`; `policy` those under this
    contract.
    """
    found = []
    for id in paper_sql.worked_on(conn, start, end, customer=customer, site=site, policy=policy):
        case = case_of(conn, id, inventory, now)
        known = {str(e.data["incident"]) for e in case.ledger if e.data.get("incident")}
        if device is not None and device not in touched(case) and known.isdisjoint(incidents):
            continue
        ended = over_at(case)
        if ended is None or ended >= start:
            found.append(case)
    return found


def touched(case: Case) -> set[str]:
    """The devices that a ticket is about, or that its ledger names."""
    named = {str(e.data["device"]) for e in case.ledger if e.data.get("device")}
    return named | {case.device.id} if case.device else named


def happened(told: Sequence[paper_sql.Told], inventory: Inventory) -> list[recurrence.Happened]:
    """One for each failure mode that was diagnosed in each episode of each ticket, on the device that it was found on.

    A relapse or reopening begins another episode: it came back, whatever ticket it came back into.
    """
    found: dict[tuple[str, int, str, str], recurrence.Happened] = {}
    began: dict[str, int] = {}
    for entry in told:
        if entry.kind is not EntryKind.DIAGNOSED:
            began[entry.ticket] = entry.at
            continue
        mode, device = str(entry.data.get("failure_mode") or ""), str(entry.data.get("device") or entry.about)
        if mode and device in inventory.devices:
            one = recurrence.Happened(ticket=entry.ticket, at=began[entry.ticket], mode=mode, device=device)
            found.setdefault((one.ticket, one.at, mode, device), one)
    return list(found.values())


#: How far back a failure that comes back is looked for.
LOOK_BACK_MS = 365 * recurrence.DAY_MS


def recurring(
    conn: sa.Connection, inventory: Inventory, now: int, start: int | None = None, end: int | None = None
) -> list[recurrence.Recurrence]:
    """What came back, over the whole fleet, in the last year unless told otherwise."""
    last = now if end is None else end
    first = last - LOOK_BACK_MS if start is None else start
    return recurrence.recurrences(happened(paper_sql.episodes(conn, last), inventory), inventory, first, last)


def similar(conn: sa.Connection, case: Case, limit: int = 3) -> list[faq.Hit]:
    """Accepted FAQ entries that fit a ticket: by its failure mode or findings, its model, and its words."""
    modes = [str(e.data["failure_mode"]) for e in case.of(EntryKind.DIAGNOSED) if e.data.get("failure_mode")]
    modes += [a.kind for a in case.alerts] + [case.ticket.key.cause]
    said = [case.ticket.title, *(e.text for a in case.alerts for e in a.finding.evidence)]
    text = " ".join(f"{t.en} {t.zh}" for t in said)
    found = faq.find(conn, text, modes, case.device.model if case.device else "", limit + 1)
    return [hit for hit in found if hit.item.ticket != case.ticket.id][:limit]


def similar_lines(conn: sa.Connection, case: Case) -> list[Text]:
    """The same, a line each, for a report."""
    return [faq.line(hit) for hit in similar(conn, case)]


def propose(conn: sa.Connection, inventory: Inventory, id: str, now: int) -> faq.Item | None:
    """Make and keep the FAQ entry that a solved ticket teaches; None when it teaches none, or did already."""
    case = case_of(conn, id, inventory, now)
    item = faq.propose(case.ticket, case.ledger, case.device.model if case.device else "", now)
    return item if item is not None and faq.put(conn, item) else None


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
