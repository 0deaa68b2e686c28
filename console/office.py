"""What a person does to a ticket, written down: the console's forms and the HTTP API come through here.

Everything happens on the caller's connection, in the caller's transaction. Parts, machines and opinions have books of
their own (desk.storeroom, desk.surveys), which write the ledger too; all the rest is desk.store.act. What the desk refuses
becomes `Refused` with its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from collector.centre import Centre
from console.deeds import SPEAKS
from console.errors import ConsoleError, NotAllowed, NotThere, Refused
from console.reads import Reads
from console.viewer import Viewer
from desk import store as desk
from desk import storeroom, surveys, words
from desk.calendars import zone
from desk.documents import DocumentDamaged, DocumentMissing, DocumentRefused
from desk.facts import facts_told
from desk.faq import FaqRefused
from desk.lines import FieldRefused, Subject
from desk.policy import FLAGS, Facts
from desk.refused import ActRefused
from desk.ticket import ENDED
from desk.types import Entry, EntryKind, Ticket, TicketKind
from model.text import Text

Value = str | int | float | None
K = EntryKind
#: A sentence or a page, not a book.
LONGEST_TEXT = 4000


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """An act as it was asked for. `at` ms, None: now; `seen`: the last entry that the person had before them."""

    kind: EntryKind
    text: str = ""
    at: int | None = None
    data: dict[str, Value] = {}
    seen: int | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody called or wrote: a ticket to open. `place` is a device (`site/device`) or a site."""

    kind: TicketKind
    place: str
    title: str
    at: int | None = None
    data: dict[str, Value] = {}
    facts: dict[str, Value] = {}


class Desk:
    """The desk as one viewer may use it, in one transaction."""

    def __init__(self, centre: Centre, conn: sa.Connection, viewer: Viewer) -> None:
        self.centre, self.conn, self.viewer = centre, conn, viewer
        self.now = centre.now()
        self.reads = Reads(centre, conn, viewer)

    def act(self, id: str, act: Act) -> list[Entry]:
        """The entries that the act made, none if it was told before. Raises NotThere, NotAllowed, Refused."""
        ticket = self.reads.ticket(id)
        if not self.viewer.may(act.kind):
            raise NotAllowed(f"role {self.viewer.role} may not write {act.kind}", NOT_YOURS.format(kind=act.kind.value))
        with refusals():
            before = len(desk.ledger(self.conn, id))
            at = self.now if act.at is None else act.at
            self._write(ticket, act, at)
            return desk.ledger(self.conn, id)[before:]

    def open(self, call: Call) -> Ticket:
        """The ticket that a call opens; the same call told twice is one. Raises NotThere, NotAllowed, Refused."""
        if not self.viewer.may(K.OPENED):
            raise NotAllowed(f"role {self.viewer.role} may not open tickets", NOT_YOURS.format(kind=K.OPENED.value))
        site = call.place.partition("/")[0]
        if site in self.reads.inventory.sites and not self.reads.may_see(site):
            raise NotThere(f"no site {site}")
        with refusals():
            id = desk.open_by_person(
                self.conn, call.kind, call.place, call.title, self.viewer.login,
                self.now if call.at is None else call.at, self.reads.inventory, self.now, call.data, facts_of(call.facts),
            )  # fmt: skip
        return self.reads.ticket(id)

    def subject(self, ticket: Ticket) -> Subject:
        return Subject(customer=ticket.customer, site=ticket.site, device=ticket.device, ticket=ticket.id)

    def time(self, said: str, tz: str) -> int | None:
        """A wall-clock time of the site, in ms; None when nothing was said. Raises Refused."""
        return moment(said, tz)

    def _write(self, ticket: Ticket, act: Act, at: int) -> None:
        special = _BOOKS.get(act.kind)
        if special is not None and special(self, ticket, act, at):
            return
        text: str | Text = act.text
        if not act.text and act.kind in SPEAKS:
            text = words.ENTRIES[act.kind]
        desk.act(self.conn, ticket.id, act.kind, self.viewer.login, text, at, self.now, act.data, seen=act.seen)


def _need(office: Desk, ticket: Ticket, act: Act, at: int) -> bool:
    if not act.data.get("item"):
        return False
    expected = moment(str(act.data.get("expected") or ""), office.reads.tz(ticket.site))
    item = str(act.data["item"])
    storeroom.need(office.conn, ticket.id, item, office.viewer.login, at, office.now, expected_at=expected)
    return True


def _fitted(office: Desk, ticket: Ticket, act: Act, at: int) -> bool:
    part = str(act.data.get("part") or "")
    if part not in {one.id for one in storeroom.listed(office.conn, ticket=ticket.id)}:
        return False
    serial = str(act.data.get("serial") or "") or None
    storeroom.step(office.conn, part, "fitted", office.viewer.login, at, office.now, serial=serial)
    return True


def _lent(office: Desk, ticket: Ticket, act: Act, at: int) -> bool:
    if not act.data.get("item"):
        return False
    item, serial = str(act.data["item"]), str(act.data.get("serial") or "")
    storeroom.lend(office.conn, ticket.id, item, serial, office.viewer.login, at, office.now)
    return True


def _surveyed(office: Desk, ticket: Ticket, act: Act, at: int) -> bool:
    grade, by = str(act.data.get("grade") or ""), str(act.data.get("by") or "") or None
    policy, of = office.reads.policy(ticket), office.subject(ticket)
    surveys.record(office.conn, policy, grade, act.text, office.viewer.login, at, office.now, of=of, by=by)
    return True


def _merged(office: Desk, ticket: Ticket, act: Act, at: int) -> bool:
    into = str(act.data.get("into") or "")
    theirs = office.reads.ticket(into)
    if theirs.state in ENDED or theirs.customer != ticket.customer:
        raise ActRefused(NOT_INTO.format(customer=ticket.customer, into=into, state=theirs.state.value))
    who = office.viewer.login
    desk.act(office.conn, ticket.id, K.MERGED, who, act.text, at, office.now, act.data, seen=act.seen)
    note = Text(f"{ticket.id} was merged into this: {act.text}", f"{ticket.id} 并入本单：{act.text}")
    desk.act(office.conn, into, K.NOTE, who, note, at, office.now, {"merged": ticket.id})
    return True


#: Acts that stand in another book, too. They answer False where the act does not say enough for it: a plain entry then.
_BOOKS: dict[EntryKind, Callable[[Desk, Ticket, Act, int], bool]] = {
    K.PART_NEEDED: _need,
    K.PART_FITTED: _fitted,
    K.LENT: _lent,
    K.SURVEYED: _surveyed,
    K.MERGED: _merged,
}


@contextmanager
def refusals() -> Iterator[None]:
    """What the rooms of the desk refuse, as the console says it."""
    try:
        yield
    except (ActRefused, FieldRefused, DocumentRefused, FaqRefused) as error:
        raise Refused(error.text) from error
    except desk.UnknownTicket as error:
        raise NotThere(f"no ticket {error}") from error
    except DocumentMissing as error:
        raise NotThere(f"no document {error}") from error
    except DocumentDamaged as error:
        raise Refused(Text(str(error), str(error))) from error


def kind_of(said: str) -> EntryKind:
    """Raises ConsoleError for a word that is no kind."""
    try:
        return EntryKind(said)
    except ValueError as error:
        raise ConsoleError(f"no such act: {said[:40]}") from error


def checked(kind: EntryKind, text: str) -> str:
    """The words, stripped. Raises ConsoleError where there are too many, or none for a note or a close."""
    text = text.strip()
    if len(text) > LONGEST_TEXT or (not text and kind in (K.NOTE, K.CLOSED)):
        raise ConsoleError(
            f"expected 1 to {LONGEST_TEXT} characters, got {len(text)}",
            Text(
                f"expected 1 to {LONGEST_TEXT} characters, got {len(text)}; say it in a few words",
                f"应为 1 到 {LONGEST_TEXT} 个字符，实为 {len(text)}；请简要写明",
            ),
        )
    return text


def facts_of(given: Mapping[str, Value]) -> Facts:
    """`hardware: yes` and the like; what is blank is not known. Raises ActRefused."""
    told = {name: value for name, value in given.items() if value not in (None, "")}
    found = facts_told(told) if told else {}
    flags = {name: None if value is None else bool(value) for name, value in found.items() if name in FLAGS}
    kva = found.get("kva")
    return msgspec.structs.replace(Facts(kva=None if kva is None else float(kva)), **flags)


def moment(said: str, tz: str) -> int | None:
    """An ISO 8601 time in ms, on the clock of `tz` unless it has an offset. Raises Refused."""
    if not said.strip():
        return None
    try:
        told = datetime.fromisoformat(said.strip())
    except ValueError:
        raise Refused(
            Text(
                f"expected a time like 2026-11-23T10:00, got {said[:40]!r}",
                f"时间应如 2026-11-23T10:00，实为 {said[:40]!r}",
            )
        ) from None
    aware = told if told.tzinfo else told.replace(tzinfo=zone(tz))
    return round(aware.timestamp() * 1000)


def folder(centre: Centre) -> Path:
    """Where documents stand, beside the database."""
    return centre.documents


NOT_YOURS = Text(
    "your role may not do this ({kind}); ask the service desk", "您的角色不能执行此操作（{kind}）；请联系服务台"
)
NOT_INTO = Text(
    "expected an open ticket of {customer}, got {into} ({state})",
    "应为 {customer} 的未关闭工单，实为 {into}（{state}）",
)
