"""What stands in the desk's other books for one viewer: visits, consents, parts, forms, documents, similar cases, duties.

The same rule as console.reads: nothing leaves this file that the viewer may not see.
"""

from __future__ import annotations

import msgspec

from console.errors import NotThere
from console.reads import Reads
from desk import agreement, complaints, consenting, documents, duty_book, faq, filing, reports, storeroom, visiting
from desk.agreement import PARTS, Consent
from desk.complaints import Complaint
from desk.documents import Document
from desk.duties import Standing
from desk.forms import Filled
from desk.lines import Line
from desk.parts import Part
from desk.policy import Form, Gate, Policy
from desk.types import Ticket
from desk.visits import Visit
from model.text import Text


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """One gate of the contract on one ticket: open, or what is missing."""

    gate: Gate
    needs: tuple[tuple[str, Text], ...]
    open: bool
    missing: Text | None


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a ticket that is not its ledger."""

    visits: list[Visit]
    parts: list[Part]
    gates: list[GateView]
    consents: list[Consent]
    forms_due: list[Form]
    filled: list[Filled]
    documents: list[Document]
    similar: list[Text]


def field_of(reads: Reads, ticket: Ticket) -> Field:
    """The other books' pages on one ticket."""
    conn = reads.conn
    policy = reads.policy(ticket)
    ledger = reads.ledger(ticket)
    held = agreement.standing(ledger, reads.now)
    return Field(
        visits=visiting.listed(conn, ticket=ticket.id),
        parts=storeroom.listed(conn, ticket=ticket.id),
        gates=[gate_view(gate, held, ticket, reads.now) for gate in policy.gates],
        consents=held,
        forms_due=filing.missing(conn, ticket.id) if reads.viewer.staff else [],
        filled=filing.listed(conn, ticket=ticket.id),
        documents=documents.find(conn, ticket=ticket.id, customer=reads.only),
        similar=similar(reads, ticket) if reads.viewer.staff else [],
    )


def gate_view(gate: Gate, held: list[Consent], ticket: Ticket, now: int) -> GateView:
    """How one gate stands. Pure."""
    opening, missing = agreement.lacking([gate], held, ticket.device, now)
    needs = tuple((part, PARTS.get(part, Text(part, part))) for part in gate.needs)
    return GateView(gate=gate, needs=needs, open=bool(opening), missing=missing[0] if missing else None)


def similar(reads: Reads, ticket: Ticket) -> list[Text]:
    """Accepted cases like this one, a line each. Other customers' cases among them: for staff only."""
    case = reports.case_of(reads.conn, ticket.id, reads.inventory, reads.now)
    return [faq.line(hit) for hit in reports.similar(reads.conn, case)]


def form_of(policy: Policy, id: str) -> Form:
    found = next((form for form in policy.forms if form.id == id), None)
    if found is None:
        raise NotThere(f"no form {id}")
    return found


def document(reads: Reads, hash: str) -> tuple[Document, bytes]:
    """Raises NotThere, for another customer's too."""
    try:
        return documents.get(reads.conn, reads.centre.documents, hash, reads.only)
    except documents.DocumentMissing as error:
        raise NotThere(f"no document {hash[:80]}") from error


def visits(reads: Reads, open_only: bool = True) -> list[Visit]:
    """Of the viewer's sites, the next one first."""
    found = [v for v in visiting.listed(reads.conn, open_only=open_only) if reads.may_see(v.site)]
    return sorted(found, key=lambda v: (v.starts_at is None, v.starts_at or 0, v.id))


def consents(reads: Reads) -> list[tuple[Consent, Line]]:
    """Of the viewer's customer."""
    found = consenting.consents(reads.conn, reads.now)
    return [(held, asked) for held, asked in found if reads.viewer.sees(asked.customer or "")]


def complaints_of(reads: Reads, open_only: bool) -> list[Complaint]:
    """A customer's own, or all; the oldest first."""
    return sorted(complaints.listed(reads.conn, customer=reads.only, open_only=open_only), key=lambda c: c.at)


def duties(reads: Reads) -> list[Standing]:
    """Work that falls due; the company's own rules are no customer's."""
    found = duty_book.standings(reads.conn, reads.inventory, reads.now, customer=reads.only)
    return (
        found if reads.viewer.staff else [s for s in found if not s.job.duty.internal and s.job.duty.scope != "house"]
    )
