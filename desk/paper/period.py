"""What a report over a time is made from, and the rows that several of them share. Pure."""

from __future__ import annotations

import msgspec

from desk import words
from desk.lines import Line
from desk.paper.case import Case, customer_name, minute, place_and_name, when
from desk.paper.types import Chart, Table, same
from desk.policy import Policy
from desk.ticket import ENDED
from desk.types import Clock, ClockState, EntryKind
from model.inventory import Inventory
from model.text import Text


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, wherever it was kept: a ledger, the field's book, an alert, a document."""

    at: int
    who: str
    what: Text
    text: Text
    ref: str = ""


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """[start, end) ms of one customer, or of all (`customer` None), seen at `now`."""

    start: int
    end: int
    tz: str
    now: int
    inventory: Inventory
    policy: Policy | None = None
    customer: str | None = None
    cases: tuple[Case, ...] = ()  #: tickets that were open at any time in it
    lines: tuple[Line, ...] = ()  #: of the field's book, in it
    planned: tuple[tuple[Text, Text, Text], ...] = ()  #: planned work: what, when, how it stands
    recurring: tuple[Text, ...] = ()
    learned: tuple[tuple[Text, Text], ...] = ()  #: accepted FAQ entries: question, answer
    documents: tuple[tuple[str, int, str], ...] = ()  #: name, kept at, hash
    charts: tuple[Chart, ...] = ()

    def within(self, at: int | None) -> bool:
        return at is not None and self.start <= at < self.end

    @property
    def solved(self) -> list[Case]:
        """Cases whose fault ended, or that were closed, within it."""
        return [c for c in self.cases if self.within(over_at(c))]

    @property
    def unsolved(self) -> list[Case]:
        """Cases that were still open at its end."""
        return [c for c in self.cases if (ended := over_at(c)) is None or ended >= self.end]

    @property
    def dates(self) -> Text:
        """`2026-11-16 – 2026-11-22`: both days included."""
        return same(f"{minute(self.start, self.tz)[:10]} – {minute(self.end - 1, self.tz)[:10]}")

    @property
    def about(self) -> dict[str, str]:
        return {"customer": self.customer} if self.customer else {}


def over_at(case: Case) -> int | None:
    """When the work on it was over: the fault ended, or the ticket was closed; None while it goes on."""
    found = [at for at in (case.ended_at, case.ticket.closed_at) if at is not None]
    return min(found, default=None)


def head_of(period: Period) -> tuple[tuple[Text, Text], ...]:
    """Whom it is about, and which time."""
    rows = [(Text("Period", "周期"), period.dates)]
    if period.customer:
        rows.insert(0, (Text("Customer", "客户"), customer_name(period.inventory, period.customer)))
    if period.policy:
        rows.append((Text("Contract", "合同政策"), period.policy.name))
    return tuple(rows)


def problems(cases: list[Case]) -> Table:
    """One row a ticket."""
    rows = tuple(
        (
            same(c.ticket.id),
            c.ticket.title,
            place_and_name(c.inventory, c.device.id) if c.device else c.inventory.site(c.ticket.site).name,
            c.policy.level(c.ticket.level).name,
            when(c.ticket.opened_at, c.tz),
            words.STATES[c.ticket.state],
        )
        for c in cases
    )
    head = (
        Text("Ticket", "工单"),
        Text("Problem", "问题"),
        Text("Where", "位置"),
        Text("Level", "级别"),
        Text("Opened", "开单"),
        Text("State", "状态"),
    )
    return Table(head=head, rows=rows, widths=(1.3, 3, 2.6, 1.4, 2, 1.1))


def engineers(case: Case) -> Text:
    """Who worked on it, in the order of appearance."""
    kinds = (EntryKind.ACKNOWLEDGED, EntryKind.DISPATCHED, EntryKind.ONSITE, EntryKind.PART_FITTED, EntryKind.RESOLVED)
    names = [str(e.data.get("engineer") or e.who) for e in case.of(*kinds)]
    found = [name for name in dict.fromkeys(names) if name != words.SELF]
    return same(", ".join(found)) if found else Text("nobody recorded", "未记录")


def next_clock(case: Case) -> Clock | None:
    """The running promise that ends next."""
    running = [
        i.clock
        for i in case.explained.clocks
        if i.clock.state in (ClockState.RUNNING, ClockState.PAUSED, ClockState.BROKEN)
        and i.clock.stopped_at is None
        and i.clock.due_at is not None
    ]
    return min(running, key=lambda c: c.due_at or 0, default=None)


def is_open(case: Case) -> bool:
    return case.ticket.state not in ENDED


def events_table(events: list[Event], tz: str, empty: Text) -> Table:
    """Anything that happened, oldest first."""
    rows = tuple(
        (when(e.at, tz), same(e.who), Text(f"{e.what.en}: {e.text.en}", f"{e.what.zh}：{e.text.zh}"), same(e.ref))
        for e in sorted(events, key=lambda e: (e.at, e.ref))
    )
    head = (Text("Time", "时间"), Text("Who", "何人"), Text("What", "事项"), Text("Belongs to", "出处"))
    return Table(head=head, rows=rows, widths=(2, 1.3, 5.4, 1.6), empty=empty)
