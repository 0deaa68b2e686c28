"""What a policy says beyond levels, clocks and ladder: who is there when, consents, forms, reports, periodic work,
spare machines, engineers' grades, a second scale of faults, warranty, and what only people act on.

Pure; every reader takes one table and hands back one of desk.policy's words. `Known` is what the tables name.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from desk.calendars import BUILT_IN, Calendar
from desk.policy import (
    Conditions,
    Cover,
    Duty,
    FaultKind,
    Flow,
    Form,
    Gate,
    Grade,
    Note,
    ReportRule,
    Spare,
    Term,
    WarrantyClass,
)
from desk.policy_table import PolicyTable
from desk.types import EntryKind
from model.points import POINTS
from model.text import Text

#: After what something may begin or fall due.
AFTER = tuple(k.value for k in EntryKind if k is not EntryKind.MERGED)
ITEMS = ("host", "battery", "software", "third_party_software")
COVERED = ("calls", "remote", "onsite", "emergency", "mobile_hotline")
SCOPES = ("remote_access", "implementation", "onsite_change", "equipment")
NEEDS = (
    "customer_authorization",
    "supervisor_signature",
    "plan_drafted",
    "plan_tested",
    "customer_written",
    "provider_written",
)
DUTIES = (
    *("inspection", "discharge", "survey", "visit", "call", "report", "bulletin", "exchange"),
    *("training", "upgrade", "check", "manual", "remote", "advice", "support"),
)
DUTY_SCOPES = ("customer", "site", "device", "house")
CHANNELS = ("phone", "remote", "onsite", "onsite_if_needed")
FLOWS = ("consultation", "defect", "complaint", "service")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The ids that the file has, for what names them."""

    levels: tuple[str, ...]
    roles: tuple[str, ...]
    calendars: Mapping[str, Calendar]


def decided(table: PolicyTable, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Which of this table's values are this house's own, because the text is silent."""
    return table.words("decided", default=(), among=keys)


def conditions(table: PolicyTable) -> Conditions:
    """`when = { … }`: all that are given must hold."""
    low, high = (table.number(key, default=None, low=0, high=100_000) for key in ("min_kva", "max_kva"))
    if low is not None and high is not None and high <= low:
        table.problem("max_kva", Text("more than `min_kva`", "大于 `min_kva`"), f"{high:g}, {low:g}")
    return table.done(
        Conditions(
            min_kva=low,
            max_kva=high,
            local=table.flag("local", default=None),
            contract=table.flag("contract", default=None),
            in_warranty=table.flag("in_warranty", default=None),
            hardware=table.flag("hardware", default=None),
            spares_on_site=table.flag("spares_on_site", default=None),
            remote_solvable=table.flag("remote_solvable", default=None),
            cause_known=table.flag("cause_known", default=None),
            non_stop=table.flag("non_stop", default=None),
            disaster=table.flag("disaster", default=None),
            customer_request=table.flag("customer_request", default=None),
        )
    )


def _when(table: PolicyTable) -> Conditions:
    return conditions(table.table("when", optional=True))


def cover(table: PolicyTable, known: Known) -> Cover:
    """`[[cover]]`: hours in which somebody is there."""
    calendar = table.word("calendar", among=tuple(known.calendars))
    return table.done(
        Cover(
            what=table.word("what", among=COVERED),
            calendar=known.calendars.get(calendar, BUILT_IN["7x24"]),
            when=_when(table),
            text=table.text("text", default=None),
            decided=decided(table, ("calendar",)),
            source=table.source(),
        )
    )


def gate(table: PolicyTable) -> Gate:
    """`[[gate]]`: a consent without which something must not be done."""
    return table.done(
        Gate(
            id=table.word("id"),
            scope=table.word("scope", among=SCOPES),
            title=table.text("title"),
            needs=table.words("needs", among=NEEDS),
            valid=table.duration("valid", default=None),
            source=table.source(),
        )
    )


def form(table: PolicyTable) -> Form:
    """`[[form]]`: a form that the contract names."""
    return table.done(
        Form(
            id=table.word("id"),
            title=table.text("title"),
            fields=table.words("fields", default=()),
            when=table.word("when", default="", among=("", *AFTER)) or None,
            signed_by=table.word("signed_by", default="") or None,
            grades=table.words("grades", default=()),
            source=table.source(),
        )
    )


def report(table: PolicyTable, known: Known, duties: tuple[str, ...]) -> ReportRule:
    """`[[report]]`: a written report, its parts and its readers."""
    return table.done(
        ReportRule(
            id=table.word("id"),
            title=table.text("title"),
            sections=table.words("sections", default=()),
            to=table.words("to", among=("customer", "manufacturer", *known.roles)),
            due_by=table.word("due_by", default="", among=("", "incident_report", *duties)) or None,
            source=table.source(),
        )
    )


def duty(table: PolicyTable, known: Known) -> Duty:
    """`[[duty]]`: work that falls due by the calendar, or after an entry."""
    every, overdue = table.duration("every", default=None), table.duration("overdue", default=None)
    after = table.word("after", default="", among=("", *AFTER)) or None
    words = table.text("text", default=None)
    if every is None and after is None and words is None:
        expected = Text(
            "`every`, `after`, or the contract's words as `text`", "`every`、`after`，或以 `text` 写合同原话"
        )
        table.problem("every", expected, "neither")
    if every is not None and every.iso == table.tree.get("every") and not (every.months or every.days):
        table.problem("every", Text("days, weeks, months or years", "天、周、月或年"), every.iso)
    items = [_item(t) for t in table.tables("item")]
    return table.done(
        Duty(
            id=table.word("id"),
            kind=table.word("kind", among=DUTIES),
            title=table.text("title"),
            every=every,
            times=round(table.number("times", default=1, low=1, high=1000)),
            overdue=overdue,
            after=after,
            scope=table.word("scope", default="customer", among=DUTY_SCOPES),
            items=tuple(text for text, _ in items),
            prefill=tuple(points for _, points in items),
            min_depth=table.number("min_depth", default=None, low=0.01, high=1.0),
            free=table.flag("free", default=False),
            text=words,
            by=table.word("by", default="", among=("", *known.roles)) or None,
            internal=table.flag("internal", default=False),
            decided=decided(table, ("every", "overdue", "scope", "free")),
            source=table.source(),
        )
    )


def _item(table: PolicyTable) -> tuple[Text, tuple[str, ...]]:
    return table.done((table.text("text"), table.words("points", default=(), among=tuple(POINTS))))


def spare(table: PolicyTable) -> Spare:
    """`[[spare]]`: a machine that is lent."""
    return table.done(
        Spare(
            when=_when(table),
            after=table.word("after", default="", among=("", *AFTER)) or None,
            lender=table.word("lender", among=("provider", "manufacturer")),
            text=table.text("text"),
            source=table.source(),
        )
    )


def grade(table: PolicyTable, rank: int, known: Known) -> Grade:
    """`[[grade]]`: engineers, the best first."""
    return table.done(
        Grade(
            id=table.word("id"),
            name=table.text("name"),
            rank=rank,
            levels=table.words("levels", default=(), among=known.levels),
            count=round(table.number("count", default=0, low=0, high=100_000)),
            source=table.source(),
        )
    )


def fault_kind(table: PolicyTable, known: Known) -> FaultKind:
    """`[[fault_kind]]`: a step of a second scale, and the levels it means."""
    return table.done(
        FaultKind(
            id=table.word("id"),
            name=table.text("name"),
            levels=table.words("levels", among=known.levels),
            channels=table.words("channels", default=(), among=CHANNELS),
            decided=decided(table, ("levels",)),
            source=table.source(),
        )
    )


def flow(table: PolicyTable, forms: tuple[str, ...], flows: tuple[str, ...]) -> Flow:
    """`[[flow]]`: the way of one kind of request."""
    return table.done(
        Flow(
            id=table.word("id", among=FLOWS),
            title=table.text("title"),
            steps=tuple(t.done(t.text("text")) for t in table.tables("step")),
            form=table.word("form", default="", among=("", *forms)) or None,
            converts_to=table.word("converts_to", default="", among=("", *flows)) or None,
            text=table.text("text", default=None),
            source=table.source(),
        )
    )


def term(table: PolicyTable) -> Term:
    """`[[term]]`: what else the contract says."""
    return table.done(
        Term(
            id=table.word("id"),
            text=table.text("text"),
            items=table.words("items", default=()),
            source=table.source(),
        )
    )


def warranty(table: PolicyTable) -> WarrantyClass:
    """`[[warranty]]`: a term for an item, for batteries by Ah."""
    low = table.number("min_ah", default=None, low=0, high=100_000)
    high = table.number("max_ah", default=None, low=0, high=100_000)
    if low is not None and high is not None and high < low:
        table.problem("max_ah", Text("at least `min_ah`", "不小于 `min_ah`"), f"{high:g} < {low:g}")
    return table.done(
        WarrantyClass(
            item=table.word("item", among=ITEMS),
            term=table.duration("term"),
            min_ah=low,
            max_ah=high,
            block_v=table.number("block_v", default=None, low=1, high=1000),
            source=table.source(),
        )
    )


def note(table: PolicyTable) -> Note:
    """`[[note]]`: prose, as published."""
    return table.done(Note(text=table.text("text"), source=table.source()))
