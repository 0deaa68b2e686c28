"""What a person may do to a ticket now, each with the fields to fill in. Pure.

Only what could stand is offered: the state, the contract and the role say so. The desk has the last word, always: a form
that is offered may still be refused (a consent is missing, somebody was faster), and the API takes the same acts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from alerts.kinds import KINDS
from console.viewer import Viewer
from desk import parts as stock
from desk import words
from desk.acts import waiting
from desk.forms import GRADES
from desk.parts import Part, PartState
from desk.policy import FLAGS, Policy
from desk.surveys import grades
from desk.ticket import reopens
from desk.types import Entry, EntryKind, Ticket, TicketKind, TicketState
from model.text import Text

K = EntryKind
Option = tuple[str, Text]


class Ask(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    CHOICE = "choice"
    WHEN = "when"  #: wall clock of the site
    NUMBER = "number"


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that an act asks for; `name` is its key in the entry's data."""

    name: str
    title: Text
    ask: Ask = Ask.LINE
    options: tuple[Option, ...] = ()
    required: bool = False
    value: str = ""


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    """One act that is offered. `needs_words`: it says nothing without words."""

    kind: EntryKind
    title: Text
    fields: tuple[Field, ...] = ()
    needs_words: bool = False
    danger: bool = False


TITLES: dict[EntryKind, Text] = {
    K.PLANNED: Text("Propose a solution", "提出方案"),
    K.CONTINGENCY: Text("Deliver the contingency plan", "提交应急方案"),
    K.REMOTE_FAILED: Text("Cannot be solved remotely", "远程无法解决"),
    K.DISPATCHED: Text("Dispatch an engineer", "派出工程师"),
    K.UNSOLVED_ONSITE: Text("Not solved on site", "现场未解决"),
    K.DIAGNOSED: Text("The cause is known", "已定位原因"),
    K.PART_NEEDED: Text("A part is needed", "需要备件"),
    K.PART_FITTED: Text("The part was fitted", "备件已更换"),
    K.LENT: Text("Lend a spare machine", "借出备机"),
    K.PAUSED: Text("Wait for the customer", "等待客户（暂停计时）"),
    K.RESUMED: Text("Go on", "恢复计时"),
    K.LEVEL: Text("Change the level", "重新定级"),
    K.CONVERTED: Text("Convert", "转类"),
    K.FACTS: Text("What is known of the case", "补充情况"),
    K.RESTORED: Text("It runs again", "设备已恢复运行"),
    K.RESOLVED: Text("The fault is cleared", "故障已排除"),
    K.HANDOVER: Text("Hand over to the manufacturer", "移交厂家"),
    K.DISSATISFIED: Text("Not satisfied: the next person, please", "不满意：请求升级"),
    K.SURVEYED: Text("Record the customer's opinion", "登记满意度"),
    K.REOPENED: Text("Open again", "重新打开"),
    K.MERGED: Text("Merge into another ticket", "并入其他工单"),
}
#: An act that speaks for itself; the ledger gets the house's words where the person gives none.
SPEAKS = (K.ACKNOWLEDGED, K.ONSITE, K.DISPATCHED, K.REMOTE_FAILED, K.UNSOLVED_ONSITE, K.RESUMED, K.PART_FITTED)
_WORDY = (K.PLANNED, K.CONTINGENCY, K.PAUSED, K.CONVERTED, K.DISSATISFIED, K.REOPENED, K.MERGED, K.RESOLVED)
_OVER = (K.SURVEYED, K.REOPENED)
_YES_NO: tuple[Option, ...] = (("", words.UNKNOWN), ("yes", words.YES), ("no", words.NO))


def offered(
    policy: Policy, ticket: Ticket, ledger: Sequence[Entry], parts: Sequence[Part], viewer: Viewer, now: int
) -> list[Deed]:
    """The acts beyond acknowledge, on site, note and close that could stand at `now`."""
    if ticket.state is TicketState.MERGED:
        return []
    over = ticket.state is TicketState.CLOSED
    found = []
    for kind in TITLES:
        if not viewer.may(kind) or (over and kind not in _OVER) or not _stands(kind, policy, ticket, ledger, now):
            continue
        found.append(
            Deed(
                kind=kind,
                title=TITLES[kind],
                fields=tuple(_fields(kind, policy, ticket, parts)),
                needs_words=kind in _WORDY,
                danger=kind in (K.MERGED, K.REOPENED),
            )
        )
    return found


def _stands(kind: EntryKind, policy: Policy, ticket: Ticket, ledger: Sequence[Entry], now: int) -> bool:
    if kind is K.PAUSED:
        return any(rule.pauses for rule in policy.clocks) and waiting(ledger) is None
    if kind is K.RESUMED:
        return waiting(ledger) is not None
    if kind is K.CONVERTED:
        return ticket.kind in (TicketKind.DEFECT, TicketKind.CONSULTATION)
    if kind is K.REOPENED:
        return ticket.state is TicketState.CLOSED and reopens(policy, ticket, now)
    if kind is K.SURVEYED:
        return bool(grades(policy))
    return True


def _fields(kind: EntryKind, policy: Policy, ticket: Ticket, parts: Sequence[Part]) -> list[Field]:
    if kind is K.LEVEL:
        levels = tuple((level.id, level.name) for level in policy.levels)
        return [Field(name="level", title=LEVEL, ask=Ask.CHOICE, options=levels, required=True, value=ticket.level)]
    if kind is K.CONVERTED:
        pair = (TicketKind.DEFECT, TicketKind.CONSULTATION)
        other = tuple((k.value, words.KINDS[k]) for k in pair if k is not ticket.kind)
        return [Field(name="kind", title=INTO, ask=Ask.CHOICE, options=other, required=True)]
    if kind is K.FACTS:
        asked = [Field(name=name, title=words.FACTS[name], ask=Ask.CHOICE, options=_KEEP) for name in FLAGS]
        return [*asked, Field(name="kva", title=words.FACTS["kva"], ask=Ask.NUMBER)]
    if kind is K.DIAGNOSED:
        return [Field(name="failure_mode", title=MODE, required=True), Field(name="part", title=PART)]
    if kind is K.PART_NEEDED:
        return [Field(name="item", title=PART, required=True), Field(name="expected", title=EXPECTED, ask=Ask.WHEN)]
    if kind is K.PART_FITTED:
        waits = [p for p in parts if PartState.FITTED in stock.NEXT.get(p.state, ())]
        known = tuple((p.id, Text(f"{p.item} ({p.id})", f"{p.item}（{p.id}）")) for p in waits)
        one = Field(name="part", title=PART, required=True)
        return [
            msgspec.structs.replace(one, ask=Ask.CHOICE, options=known) if known else one,
            Field(name="serial", title=SERIAL),
        ]
    if kind is K.LENT:
        return [Field(name="item", title=MACHINE, required=True), Field(name="serial", title=SERIAL, required=True)]
    if kind is K.DISPATCHED:
        return [Field(name="engineer", title=ENGINEER)]
    if kind is K.HANDOVER:
        return [Field(name="to", title=TO_WHOM, required=True)]
    if kind is K.SURVEYED:
        told = tuple((grade, GRADES.get(grade, Text(grade, grade))) for grade in grades(policy))
        return [Field(name="grade", title=GRADE, ask=Ask.CHOICE, options=told, required=True)]
    if kind is K.MERGED:
        return [Field(name="into", title=INTO_TICKET, required=True)]
    return []


def data_of(form: Mapping[str, object]) -> dict[str, str]:
    """What a form says beyond kind, words and time: `data.NAME` fields that were filled in, each at most 400 characters."""
    told = {}
    for name, value in form.items():
        if name.startswith("data.") and isinstance(value, str) and value.strip():
            told[name.removeprefix("data.")[:60]] = value.strip()[:400]
    return told


def modes() -> list[Option]:
    """Failure modes that detectors know, to choose from; a person may write another."""
    return sorted((id, kind.title) for id, kind in KINDS.items())


_KEEP: tuple[Option, ...] = (("", Text("as it is", "不变")), ("yes", words.YES), ("no", words.NO), ("?", words.UNKNOWN))
LEVEL = Text("Level", "级别")
INTO = Text("Into", "转为")
MODE = Text("Failure mode", "故障模式")
PART = Text("Part", "备件")
EXPECTED = Text("Expected at (site time)", "预计到货（站点时间）")
SERIAL = Text("Serial number", "序列号")
MACHINE = Text("Machine", "备机")
ENGINEER = Text("Engineer", "工程师")
TO_WHOM = Text("To whom", "移交给")
GRADE = Text("Grade", "满意度")
INTO_TICKET = Text("Into ticket (T-…)", "并入工单（T-…）")
