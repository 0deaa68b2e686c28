"""The inspection report: every item of the contract's list, filled in from readings, open where eyes are needed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from desk.inspection import NAMES, Found, Item, Value
from desk.paper.case import customer_name, minute, place_and_name
from desk.paper.types import Block, Chart, Choice, Paper, Room, Section, Table, same
from desk.policy import Duty, Policy
from model.inventory import Inventory
from model.points import POINTS
from model.text import Text

_VERDICTS = (Text("in order", "正常"), Text("attention", "需关注"), Text("fault", "异常"))
#: What telemetry alone settles; a person may tick another box.
_SETTLED = {Found.GOOD: 0, Found.TROUBLE: 2}


def inspection_paper(
    subject: str,
    duty: Duty,
    items: Sequence[Item],
    inventory: Inventory,
    policy: Policy,
    now: int,
    answers: Mapping[int, str] | None = None,
    charts: tuple[Chart, ...] = (),
) -> Paper:
    """The report on one device (`site/device`) or one site; `answers` are a person's words by the item's number."""
    site = inventory.site(subject.partition("/")[0])
    where = Text(f"{site.name.en} ({site.id})", f"{site.name.zh}（{site.id}）")
    what = place_and_name(inventory, subject) if "/" in subject else where
    said = answers or {}
    still_open = [i for i in items if i.found not in _SETTLED and not said.get(i.number)]
    note = Text(
        f"{len(still_open)} of {len(items)} points still need a person's verdict.",
        f"{len(items)} 项中有 {len(still_open)} 项待人员判断。",
    )
    about = {"site": site.id, "customer": site.customer}
    return Paper(
        kind="inspection",
        title=Text("Inspection report", "巡检报告"),
        subtitle=what,
        head=(
            (Text("Customer", "客户"), customer_name(inventory, site.customer)),
            (Text("Site", "站点"), where),
            (Text("Inspected", "巡检对象"), what),
            (
                Text("By the contract", "合同依据"),
                Text(f"{policy.name.en} {duty.source}", f"{policy.name.zh} {duty.source}"),
            ),
            (Text("Task", "任务"), duty.title),
        ),
        sections=(
            Section(id="overview", title=Text("Overview", "总览"), blocks=(_overview(items),), note=note),
            *(_section(item, said.get(item.number), site.tz, inventory) for item in items),
            *([Section(id="readings", title=Text("Readings", "遥测"), blocks=charts)] if charts else []),
            Section(id="signatures", title=Text("Signatures", "签字"), blocks=_SIGNATURES),
        ),
        as_of=now,
        tz=site.tz,
        about={**about, "device": subject} if "/" in subject else about,
    )


_SIGNATURES: tuple[Block, ...] = (
    Room(label=Text("Signature of the engineer, date", "工程师签字、日期"), lines=2),
    Room(label=Text("Signature of the customer, date", "客户签字、日期"), lines=2),
)


def _overview(items: Sequence[Item]) -> Table:
    rows = tuple((same(item.number), item.text, NAMES[item.found]) for item in items)
    head = (same("#"), Text("Point", "检查项目"), Text("Before anybody looked", "预填结果"))
    return Table(head=head, rows=rows, widths=(0.4, 6, 2))


def _section(item: Item, answer: str | None, tz: str, inventory: Inventory) -> Section:
    blocks: list[Block] = []
    if item.values:
        rows = tuple(_row(value, tz, inventory) for value in item.values)
        head = (Text("Reading", "遥测量"), Text("Value", "数值"), Text("Device", "设备"), Text("Time", "时间"))
        blocks.append(Table(head=head, rows=rows, widths=(3, 2, 2, 2)))
    if item.absent:
        names = [POINTS[p].meaning if p in POINTS else same(p) for p in item.absent]
        label = Text("not told by the equipment, to be looked at", "设备未提供，需现场查看")
        row = (Text(", ".join(n.en for n in names), "、".join(n.zh for n in names)), label)
        blocks.append(Table(head=(Text("Absent", "缺少"), same("")), rows=(row,), widths=(3, 3)))
    if answer:
        blocks.append(Table(head=(Text("Engineer", "工程师"),), rows=((same(answer),),), widths=(1,)))
    elif item.found is not Found.GOOD:
        blocks.append(Room(label=Text("What was seen and done", "现场所见与处理"), lines=2))
    blocks.append(Choice(label=Text("Verdict", "结论"), options=_VERDICTS, chosen=_SETTLED.get(item.found)))
    n = item.number
    return Section(id=f"item-{n}", title=Text(f"{n}. {item.text.en}", f"{n}. {item.text.zh}"), blocks=tuple(blocks))


def _row(value: Value, tz: str, inventory: Inventory) -> tuple[Text, ...]:
    name = POINTS[value.point].meaning if value.point in POINTS else same(value.point)
    index = f" {value.index}" if value.index else ""
    shown = value.said or same(f"{value.value:g} {value.unit}".strip())
    bad = Text(f"{shown.en} (!)", f"{shown.zh}（!）") if value.trouble else shown
    where = inventory.device(value.device).name
    return Text(f"{name.en}{index}", f"{name.zh}{index}"), bad, where, same(minute(value.at, tz))
