"""A form that the contract names: filled in as far as the ledger knows, the rest as room to write, sign and tick. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from desk import words
from desk.paper.case import Case, about, heading, minute
from desk.paper.types import Block, Choice, Facts, Paper, Room, Section, same
from desk.policy import Form
from desk.types import EntryKind
from model.text import Text

GRADES = {
    "satisfied": Text("satisfied", "满意"),
    "fair": Text("fair", "一般"),
    "dissatisfied": Text("dissatisfied", "不满意"),
}
SIGNERS = {
    "purchaser_named_technician": Text("the purchaser's named technician", "采购方指定技术人员"),
    "customer": Text("the customer", "客户"),
    "supervisor": Text("the supervisor", "主管领导"),
}
FIELDS = {
    "advice": Text("Advice", "建议"),
    "analysis": Text("Analysis", "分析"),
    "answer": Text("Answer", "答复"),
    "cause": Text("Cause", "原因"),
    "change": Text("Change", "变更内容"),
    "class": Text("Class", "分类"),
    "configuration": Text("Configuration", "配置"),
    "confirmation": Text("Confirmation", "确认"),
    "confirmed_by_customer": Text("Confirmed by the customer", "客户确认"),
    "content": Text("Content of the service", "服务内容"),
    "contract_user": Text("Contract user", "合同用户"),
    "customer": Text("Customer", "客户"),
    "description": Text("Description", "描述"),
    "environment": Text("Environment", "环境"),
    "equipment": Text("Equipment", "设备"),
    "fault": Text("Fault", "故障"),
    "guarantee_period": Text("Guarantee period", "保修期"),
    "hardware": Text("Hardware", "硬件"),
    "measures": Text("Measures", "措施"),
    "method": Text("Method", "方法"),
    "opinion": Text("Opinion", "意见"),
    "passed_to": Text("Passed to", "转交"),
    "place": Text("Place", "地点"),
    "problem": Text("Problem", "问题"),
    "question": Text("Question", "问题"),
    "remarks": Text("Remarks", "备注"),
    "repair": Text("Repair", "维修"),
    "reporter": Text("Reporter", "申告人"),
    "request": Text("Request", "服务请求"),
    "result": Text("Result", "结果"),
    "service_items": Text("Service items", "服务项目"),
    "software": Text("Software", "软件"),
    "solution": Text("Solution", "解决方案"),
    "tested": Text("Tested", "测试"),
    "time": Text("Time", "时间"),
    "type": Text("Type", "类型"),
    "user": Text("User", "用户"),
    "verified": Text("Verified", "验证"),
}


class UnknownForm(LookupError):
    """The ticket's policy has no such form. `text` names those it has."""

    def __init__(self, case: Case, id: str) -> None:
        options = ", ".join(f.id for f in case.policy.forms) or "-"
        self.text = Text(
            f"policy {case.policy.id} has the forms {options}, got {id}",
            f"政策 {case.policy.id} 的表单为 {options}，实为 {id}",
        )
        super().__init__(self.text.en)


def form_of(case: Case, id: str) -> Form:
    """The form by its id; `` takes the first that is signed, else the first. Raises UnknownForm."""
    forms = case.policy.forms
    wanted = [f for f in forms if f.id == id] if id else sorted(forms, key=lambda f: not f.grades)
    if not wanted:
        raise UnknownForm(case, id)
    return wanted[0]


def form_paper(case: Case, form: Form, filled: Mapping[str, str] | None = None, grade: str | None = None) -> Paper:
    """The form on paper. `filled` are answers by field, `grade` what the customer ticked."""
    blocks: list[Block] = []
    for field in form.fields:
        label = FIELDS.get(field, same(field.replace("_", " ")))
        value = same(filled[field]) if filled and field in filled else _known(case, field)
        blocks.append(Facts(rows=((label, value),)) if value else Room(label=label, lines=3))
    if form.grades:
        options = tuple(GRADES.get(g, same(g)) for g in form.grades)
        chosen = form.grades.index(grade) if grade in form.grades else _surveyed(case, form)
        blocks.append(Choice(label=Text("Satisfaction", "满意度"), options=options, chosen=chosen))
    if form.signed_by:
        who = SIGNERS.get(form.signed_by, same(form.signed_by.replace("_", " ")))
        blocks.append(Room(label=Text(f"Signature of {who.en}, date", f"{who.zh}签字、日期"), lines=3))
    blocks.append(Room(label=Text("Signature of the engineer, date", "工程师签字、日期"), lines=2))
    return Paper(
        kind="form",
        title=form.title,
        subtitle=Text(f"{case.ticket.id} · {form.source}", f"{case.ticket.id} · {form.source}"),
        head=heading(case),
        sections=(Section(id=form.id, title=form.title, blocks=tuple(blocks)),),
        as_of=case.now,
        tz=case.tz,
        about=about(case),
    )


def _surveyed(case: Case, form: Form) -> int | None:
    said = case.last(EntryKind.SURVEYED)
    grade = str(said.data.get("grade")) if said else ""
    return form.grades.index(grade) if grade in form.grades else None


def _known(case: Case, field: str) -> Text | None:
    found = _SOURCES.get(field)
    return found(case) if found else None


def _last(*kinds: EntryKind) -> Callable[[Case], Text | None]:
    def say(case: Case) -> Text | None:
        entry = case.last(*kinds)
        return entry.text if entry else None

    return say


def _said(case: Case) -> Text | None:
    """What was done, step by step."""
    kinds = (EntryKind.PART_FITTED, EntryKind.LENT, EntryKind.RESTORED, EntryKind.RESOLVED)
    steps = case.of(*kinds)
    en = "\n".join(f"{minute(e.at, case.tz)} {words.ENTRIES[e.kind].en}: {e.text.en}" for e in steps)
    zh = "\n".join(f"{minute(e.at, case.tz)} {words.ENTRIES[e.kind].zh}：{e.text.zh}" for e in steps)
    return Text(en, zh) if steps else None


def _equipment(case: Case) -> Text | None:
    device = case.device
    return same(" ".join(filter(None, (device.name.zh, device.model, device.serial)))) if device else None


def _place(case: Case) -> Text:
    site = case.inventory.site(case.ticket.site)
    return Text(f"{site.name.en} {site.place}".strip(), f"{site.name.zh} {site.place}".strip())


def _customer(case: Case) -> Text:
    known = case.inventory.customers.get(case.ticket.customer)
    return known.name if known else same(case.ticket.customer)


def _title(case: Case) -> Text:
    return case.ticket.title


_cause, _solution = _last(EntryKind.DIAGNOSED), _last(EntryKind.PLANNED)
_SOURCES: dict[str, Callable[[Case], Text | None]] = {
    **dict.fromkeys(("cause", "analysis"), _cause),
    **dict.fromkeys(("measures", "solution"), _solution),
    **dict.fromkeys(("method", "repair", "content", "service_items", "change"), _said),
    **dict.fromkeys(("result", "verified", "tested"), _last(EntryKind.RESTORED, EntryKind.RESOLVED)),
    **dict.fromkeys(("problem", "fault", "description", "request", "question"), _title),
    **dict.fromkeys(("user", "customer"), _customer),
    "equipment": _equipment,
    "place": _place,
    "time": lambda case: same(minute(case.ticket.opened_at, case.tz)),
    "class": lambda case: case.policy.level(case.ticket.level).name,
    "reporter": lambda case: same(case.of(EntryKind.OPENED)[0].who),
}
