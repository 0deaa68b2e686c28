"""The six-part weekly report (Xinguang L83-90). Pure.

1 all problems of the week; 2 solved ones: tested, confirmed, documented; 3 time and engineer of each; 4 unsolved ones with
the promised date; 5 whether each has a plan; 6 contact with the customer. Nothing that the ledger does not say is said.
"""

from __future__ import annotations

from collections.abc import Callable

from desk import words
from desk.paper.case import Case, minute, span, when
from desk.paper.period import Event, Period, engineers, events_table, head_of, next_clock, over_at, problems
from desk.paper.types import Block, Paper, Section, Table, Words, same
from desk.types import EntryKind
from model.text import Text

PARTS = (
    "all_problems",
    "solved_tested_confirmed_documented",
    "time_and_engineer_per_solved",
    "unsolved_with_promised_date",
    "plan_per_unsolved",
    "customer_contact",
)
_TITLES = {
    "all_problems": Text("All problems of the week", "本周全部问题"),
    "solved_tested_confirmed_documented": Text(
        "Solved: tested, confirmed by the customer, documented", "已解决问题：是否测试、客户确认、归档"
    ),
    "time_and_engineer_per_solved": Text("Time used and engineer for each solved one", "各已解决问题的用时与工程师"),
    "unsolved_with_promised_date": Text("Unsolved, with promised or planned date", "未解决问题及承诺或计划日期"),
    "plan_per_unsolved": Text("A specific plan for each unsolved one", "各未解决问题是否有具体方案"),
    "customer_contact": Text("Contact with the customer this week", "本周与客户的联系"),
}
_NO = Text("not recorded", "无记录")
_CONTACT = (EntryKind.ACKNOWLEDGED, EntryKind.MESSAGE, EntryKind.PLANNED, EntryKind.SURVEYED, EntryKind.DISSATISFIED)
#: Lines of the field's book that are contact with the customer.
_SPOKEN = {"survey": Text("survey", "回访"), "complaint": Text("complaint or suggestion", "投诉与建议")}
#: Duties that are contact with the customer, once they are done.
_MEETING = ("call", "exchange", "visit", "survey", "training")


def weekly_paper(period: Period) -> Paper:
    """The report over `period`; its parts in the order of the contract, where it names them."""
    rule = next((r for r in period.policy.reports if r.id == "weekly_report"), None) if period.policy else None
    wanted = (rule.sections if rule else ()) or PARTS
    sections = tuple(
        Section(
            id=id,
            title=Text(f"{n}. {_title(id).en}", f"{n}. {_title(id).zh}"),
            blocks=_PARTS[id](period) if id in _PARTS else (_open(id),),
        )
        for n, id in enumerate(wanted, start=1)
    )
    return Paper(
        kind="weekly",
        title=rule.title if rule else Text("Weekly report", "周报"),
        subtitle=period.dates,
        head=head_of(period),
        sections=sections,
        as_of=period.now,
        tz=period.tz,
        about=period.about,
    )


def _title(id: str) -> Text:
    return _TITLES.get(id, same(id.replace("_", " ")))


def _open(id: str) -> Words:
    return Words(id=id, drafted=False, text=Text("To be written.", "待填写。"))


def _all(period: Period) -> tuple[Block, ...]:
    return (problems(list(period.cases)),)


def _solved(period: Period) -> tuple[Block, ...]:
    rows = tuple((same(c.ticket.id), c.ticket.title, tested(c), confirmed(c), documented(c)) for c in period.solved)
    head = (
        Text("Ticket", "工单"),
        Text("Problem", "问题"),
        Text("Tested", "已测试"),
        Text("Confirmed", "客户确认"),
        Text("Documented", "已归档"),
    )
    return (Table(head=head, rows=rows, widths=(1.3, 3, 2.2, 2.2, 2.2)),)


def tested(case: Case) -> Text:
    """Readings after the repair are a test; a person's word is told as such."""
    restored = case.last(EntryKind.RESTORED)
    if restored is None:
        return _NO
    if restored.data.get("proof") == "telemetry":
        return Text("yes, by readings", "是，由遥测证明")
    return Text(f"{restored.who} says so", f"{restored.who} 报告")


def confirmed(case: Case) -> Text:
    """The customer's own word: a survey, or a form that they signed."""
    surveyed = case.last(EntryKind.SURVEYED)
    if surveyed:
        return Text(f"survey: {surveyed.text.en}", f"回访：{surveyed.text.zh}")
    signed = [e for e in case.of(EntryKind.FORM) if e.data.get("signed_by") or e.data.get("signer")]
    if signed:
        return Text(
            f"signed form {minute(signed[-1].at, case.tz)[:10]}", f"已签表单 {minute(signed[-1].at, case.tz)[:10]}"
        )
    return _NO


def documented(case: Case) -> Text:
    """Which papers there are of it."""
    kinds = list(dict.fromkeys(e.kind for e in case.of(EntryKind.FORM, EntryKind.REPORTED, EntryKind.DOCUMENT)))
    if not kinds:
        return _NO
    return Text(", ".join(words.ENTRIES[k].en for k in kinds), "、".join(words.ENTRIES[k].zh for k in kinds))


def _times(period: Period) -> tuple[Block, ...]:
    rows = []
    for c in period.solved:
        ended = over_at(c) or c.now
        rows.append((same(c.ticket.id), span((ended - c.ticket.opened_at) / 1000), engineers(c), when(ended, c.tz)))
    head = (Text("Ticket", "工单"), Text("Time used", "用时"), Text("Engineer", "工程师"), Text("Ended", "完成"))
    return (Table(head=head, rows=tuple(rows), widths=(1.3, 2, 3, 2)),)


def _unsolved(period: Period) -> tuple[Block, ...]:
    rows = []
    for c in period.unsolved:
        clock = next_clock(c)
        due = Text("no date in the contract", "合同无日期")
        if clock and clock.due_at is not None:
            at = minute(clock.due_at, c.tz)
            due = Text(f"{at} ({clock.title.en})", f"{at}（{clock.title.zh}）")
        visits = [e.data.get("starts_at") for e in c.of(EntryKind.VISIT) if e.data.get("starts_at")]
        planned = when(int(visits[-1]), c.tz) if visits and visits[-1] is not None else _NO
        rows.append((same(c.ticket.id), c.ticket.title, due, planned))
    head = (
        Text("Ticket", "工单"),
        Text("Problem", "问题"),
        Text("Promised", "承诺日期"),
        Text("Planned visit", "计划上门"),
    )
    return (Table(head=head, rows=tuple(rows), widths=(1.3, 3, 3.2, 2)),)


def _plans(period: Period) -> tuple[Block, ...]:
    rows = []
    for c in period.unsolved:
        plan = c.last(EntryKind.PLANNED, EntryKind.CONTINGENCY)
        said = plan.text if plan else Text("no plan recorded", "无方案记录")
        rows.append((same(c.ticket.id), c.ticket.title, Text("yes", "有") if plan else Text("no", "无"), said))
    head = (Text("Ticket", "工单"), Text("Problem", "问题"), Text("Plan", "方案"), Text("What it says", "内容"))
    return (Table(head=head, rows=tuple(rows), widths=(1.3, 3, 0.8, 4)),)


def contacts(period: Period) -> list[Event]:
    """Every contact with the customer in the period: from the ledgers, and from the field's book."""
    found = []
    for c in period.cases:
        told = [e for e in c.of(EntryKind.NOTIFIED) if e.data.get("to") == "customer"]
        found += [
            Event(at=e.at, who=e.who, what=words.ENTRIES[e.kind], text=e.text, ref=c.ticket.id)
            for e in [*c.of(*_CONTACT), *told]
            if period.within(e.at)
        ]
    duties = {d.id: d for d in period.policy.duties} if period.policy else {}
    for line in period.lines:
        duty = duties.get(line.id.partition(":")[0]) if line.kind == "duty" and line.event == "done" else None
        spoken = line.kind in _SPOKEN and not (line.kind == "survey" and line.ticket)  # its ticket says so already
        if (spoken or (duty is not None and duty.kind in _MEETING)) and period.within(line.at):
            what = duty.title if duty else _SPOKEN[line.kind]
            found.append(Event(at=line.at, who=line.who, what=what, text=line.text, ref=line.id))
    return found


def _contact(period: Period) -> tuple[Block, ...]:
    none = Text("No contact is recorded: the contract asks for one each week.", "本周没有联系记录：合同要求每周联系。")
    return (
        events_table(contacts(period), period.tz, none),
        Words(id="contact_notes", drafted=False, text=Text("Other contact: to be written.", "其他联系：待填写。")),
    )


_PARTS: dict[str, Callable[[Period], tuple[Block, ...]]] = {
    "all_problems": _all,
    "solved_tested_confirmed_documented": _solved,
    "time_and_engineer_per_solved": _times,
    "unsolved_with_promised_date": _unsolved,
    "plan_per_unsolved": _plans,
    "customer_contact": _contact,
}
