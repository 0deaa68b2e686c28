"""The forms that contracts name: what belongs in them, what is known already, which are still missing. Pure.

A form's fields come from the policy. Each must be filled; a form with grades needs one, a form that a person of the
customer signs needs the name. What is filled in is never changed: a correction is a line of its own beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from desk.calendars import zone
from desk.lines import FieldRefused, Line
from desk.policy import Form, Policy
from desk.types import Entry, EntryKind, Ticket, TicketKind
from model.inventory import Inventory
from model.text import Text

FIELDS: dict[str, Text] = {
    "advice": Text("Advice and prevention", "建议与预防措施"),
    "analysis": Text("Analysis", "分析"),
    "answer": Text("Answer", "答复"),
    "cause": Text("Cause", "原因"),
    "change": Text("Change (or none)", "变更内容（或“无”）"),
    "class": Text("Class", "类别"),
    "configuration": Text("Configuration", "配置"),
    "confirmation": Text("Confirmation", "确认"),
    "confirmed_by_customer": Text("Confirmed by the customer", "客户确认"),
    "content": Text("Content of the service", "服务内容"),
    "contract_user": Text("Contract user", "是否合同用户"),
    "customer": Text("Customer", "客户"),
    "description": Text("Description", "故障描述"),
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
    "question": Text("Question", "咨询内容"),
    "remarks": Text("Remarks", "意见与建议"),
    "repair": Text("Repair", "维修内容"),
    "reporter": Text("Reported by", "报告人"),
    "request": Text("Request", "服务请求"),
    "result": Text("Result", "结果"),
    "service_items": Text("Service items", "服务项目"),
    "software": Text("Software", "软件"),
    "solution": Text("Solution", "解决方案"),
    "tested": Text("Tested", "测试情况"),
    "time": Text("Time", "时间"),
    "type": Text("Type", "类型"),
    "user": Text("User", "用户"),
    "verified": Text("Verified", "验证结果"),
}
GRADES: dict[str, Text] = {
    "satisfied": Text("satisfied", "满意"),
    "fair": Text("fair", "一般"),
    "dissatisfied": Text("dissatisfied", "不满意"),
}
#: How "nothing was changed" is written in the field `change`.
NO_CHANGE = ("none", "no", "-", "无", "没有", "未变更")


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A form as it was filled in; `corrections` are later words, in order."""

    id: str
    form: str
    ticket: str | None
    customer: str | None
    site: str | None
    device: str | None
    at: int
    recorded_at: int
    who: str
    values: dict[str, str]
    satisfaction: str | None
    signer: str | None
    document: str | None
    signed_document: str | None
    corrections: tuple[dict[str, str], ...] = ()


def named(policy: Policy, id: str) -> Form:
    """The contract's form. Raises FieldRefused."""
    for form in policy.forms:
        if form.id == id:
            return form
    told = ", ".join(form.id for form in policy.forms) or "–"
    raise FieldRefused(
        Text(
            f"the contract {policy.id} has no form {id!r}: expected one of {told}",
            f"合同 {policy.id} 没有表单 {id!r}：应为 {told} 之一",
        )
    )


def checked(form: Form, values: Mapping[str, str], satisfaction: str | None, signer: str | None) -> dict[str, str]:
    """The values in the form's order. Raises FieldRefused naming all that is wrong at once."""
    wrong: list[Text] = []
    unknown = sorted(set(values) - set(form.fields))
    missing = [name for name in form.fields if not values.get(name, "").strip()]
    if unknown:
        wrong.append(Text(f"unknown {', '.join(unknown)}", f"未知字段 {'、'.join(unknown)}"))
    if missing:
        wrong.append(
            Text(f"missing {', '.join(missing)}", f"缺少 {'、'.join(FIELDS.get(n, Text(n, n)).zh for n in missing)}")
        )
    if form.grades and satisfaction not in form.grades:
        told = ", ".join(f"{g} ({GRADES[g].zh})" if g in GRADES else g for g in form.grades)
        wrong.append(
            Text(f"satisfaction: one of {told}, got {satisfaction}", f"满意度应为 {told} 之一，实为 {satisfaction}")
        )
    if not form.grades and satisfaction is not None:
        wrong.append(Text("this form asks for no satisfaction", "此表单不含满意度"))
    if form.signed_by and not (signer or "").strip():
        wrong.append(
            Text(f"it must be signed by {form.signed_by}: name the signer", f"须由 {form.signed_by} 签字：请写明签字人")
        )
    if wrong:
        raise FieldRefused(
            Text(
                f"{form.title.en} ({form.source}): {'; '.join(w.en for w in wrong)}",
                f"{form.title.zh}（{form.source}）：{'；'.join(w.zh for w in wrong)}",
            )
        )
    return {name: values[name].strip() for name in form.fields}


def grade_of(said: str | None) -> str | None:
    """A grade's id, also from its words: 满意 is `satisfied`."""
    for id, name in GRADES.items():
        if said is not None and said.strip().lower() in (id, name.en, name.zh):
            return id
    return said


def changes(values: Mapping[str, str]) -> bool:
    """Whether a form says that something was changed on the equipment."""
    return "change" in values and values["change"].strip().lower() not in NO_CHANGE


def prefilled(
    form: Form, policy: Policy, ticket: Ticket, ledger: Sequence[Entry], inventory: Inventory
) -> dict[str, str]:
    """What the ledger and the inventory know of the fields; people check it and fill in the rest."""
    device = inventory.device(ticket.device) if ticket.device else None
    site = inventory.site(ticket.site)
    customer = inventory.customers.get(ticket.customer)
    name = customer.name.zh if customer else ticket.customer
    opened = next((e for e in ledger if e.kind is EntryKind.OPENED), None)
    told = {entry.kind: entry.text.zh for entry in ledger}
    plate = [] if device is None else [device.name.zh, device.model, device.serial]
    equipment = " ".join(part for part in plate if part)
    wall = datetime.fromtimestamp(ticket.opened_at / 1000, zone(site.tz)).strftime("%Y-%m-%d %H:%M")
    known: dict[str, str | None] = {
        "user": name,
        "customer": name,
        "contract_user": None if policy.id == "default" else policy.id,
        "equipment": equipment,
        "problem": ticket.title.zh,
        "fault": ticket.title.zh,
        "description": ticket.title.zh,
        "question": ticket.title.zh,
        "request": ticket.title.zh,
        "time": wall,
        "place": " ".join(p for p in (site.name.zh, site.place) if p),
        "reporter": None if opened is None else str(opened.data.get("reporter") or opened.who),
        "class": policy.level(ticket.level).name.zh,
        "cause": told.get(EntryKind.DIAGNOSED),
        "solution": told.get(EntryKind.PLANNED),
        "measures": told.get(EntryKind.PLANNED),
        "result": told.get(EntryKind.RESOLVED) or told.get(EntryKind.RESTORED),
    }
    return {field: value for field in form.fields if (value := known.get(field))}


def missing(policy: Policy, ticket: Ticket, ledger: Sequence[Entry]) -> list[Form]:
    """The forms that are due by what happened and not filled in; after each service on site a new one."""
    found = []
    for form in policy.forms:
        if form.when is None or (form.id == "defect" and ticket.kind is not TicketKind.DEFECT):
            continue
        happened = sum(e.kind.value == form.when for e in ledger)
        wanted = happened if form.when == EntryKind.ONSITE.value else min(happened, 1)
        if sum(e.kind is EntryKind.FORM and e.data.get("form") == form.id for e in ledger) < wanted:
            found.append(form)
    return found


def fold(lines: Sequence[Line]) -> Filled:
    """The form that these lines make."""
    first = lines[0]
    return Filled(
        id=first.id,
        form=str(first.data["form"]),
        ticket=first.ticket,
        customer=first.customer,
        site=first.site,
        device=first.device,
        at=first.at,
        recorded_at=first.recorded_at,
        who=first.who,
        values=dict(first.data["values"]),
        satisfaction=first.data.get("satisfaction"),
        signer=first.data.get("signer"),
        document=first.data.get("document"),
        signed_document=first.data.get("signed_document"),
        corrections=tuple(dict(line.data["values"]) for line in lines[1:] if line.event == "corrected"),
    )
