"""The inspection report: every item of the contract's list, pre-filled where readings say something, open where eyes are needed. Pure.

`Item` is what desk/inspection.py (the pre-fill) hands over: one for each item of the duty, in its order.
"""

from __future__ import annotations

import msgspec

from desk.paper.case import customer_name, place_and_name
from desk.paper.types import Block, Chart, Choice, Paper, Room, Section, Table, same
from desk.policy import Duty, Policy
from model.inventory import Device, Inventory
from model.text import Text

OK, ATTENTION, FAULT = "ok", "attention", "fault"
VERDICTS = {OK: Text("in order", "正常"), ATTENTION: Text("attention", "需关注"), FAULT: Text("fault", "异常")}
_ORDER = (OK, ATTENTION, FAULT)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the list. `filled` is what the readings say, `eyes` what only a person can see, `verdict` one of VERDICTS."""

    title: Text
    filled: tuple[Text, ...] = ()
    eyes: Text | None = None
    verdict: str | None = None
    remark: Text | None = None  #: what the engineer wrote


def inspection_paper(
    device: Device,
    duty: Duty,
    items: tuple[Item, ...],
    inventory: Inventory,
    policy: Policy,
    tz: str,
    now: int,
    charts: tuple[Chart, ...] = (),
) -> Paper:
    """The report on one device."""
    site = inventory.site(device.site)
    open_items = [item for item in items if item.verdict is None]
    sections = [
        Section(
            id="overview",
            title=Text("Overview", "总览"),
            blocks=(_overview(items),),
            note=Text(
                f"{len(open_items)} of {len(items)} points still need a person's verdict.",
                f"{len(items)} 项中有 {len(open_items)} 项待人员判断。",
            ),
        ),
        *(_section(n, item) for n, item in enumerate(items, start=1)),
    ]
    if charts:
        sections.append(Section(id="readings", title=Text("Readings", "遥测"), blocks=charts))
    signatures: tuple[Block, ...] = (
        Room(label=Text("Signature of the engineer, date", "工程师签字、日期"), lines=2),
        Room(label=Text("Signature of the customer, date", "客户签字、日期"), lines=2),
    )
    sections.append(Section(id="signatures", title=Text("Signatures", "签字"), blocks=signatures))
    return Paper(
        kind="inspection",
        title=Text("Inspection report", "巡检报告"),
        subtitle=place_and_name(inventory, device.id),
        head=(
            (Text("Customer", "客户"), customer_name(inventory, site.customer)),
            (Text("Site", "站点"), Text(f"{site.name.en} ({site.id})", f"{site.name.zh}（{site.id}）")),
            (Text("Equipment", "设备"), place_and_name(inventory, device.id)),
            (
                Text("By the contract", "合同依据"),
                Text(f"{policy.name.en} {duty.source}", f"{policy.name.zh} {duty.source}"),
            ),
            (Text("Task", "任务"), duty.title),
        ),
        sections=tuple(sections),
        as_of=now,
        tz=tz,
        about={"device": device.id, "site": site.id, "customer": site.customer},
    )


def _overview(items: tuple[Item, ...]) -> Table:
    rows = tuple(
        (
            same(n),
            item.title,
            Text("readings", "遥测") if item.filled and item.eyes is None else _by(item),
            VERDICTS[item.verdict] if item.verdict else Text("open", "待判断"),
        )
        for n, item in enumerate(items, start=1)
    )
    head = (same("#"), Text("Point", "检查项目"), Text("By", "依据"), Text("Verdict", "结论"))
    return Table(head=head, rows=rows, widths=(0.4, 5, 1.8, 1.2))


def _by(item: Item) -> Text:
    return Text("readings and eyes", "遥测与目视") if item.filled else Text("eyes", "目视")


def _section(n: int, item: Item) -> Section:
    blocks: list[Block] = []
    if item.filled:
        rows = tuple((line,) for line in item.filled)
        blocks.append(Table(head=(Text("What the readings say", "遥测结果"),), rows=rows, widths=(1,)))
    if item.eyes:
        blocks.append(Room(label=item.eyes, lines=2))
    if item.remark:
        blocks.append(Table(head=(Text("Engineer's remark", "工程师备注"),), rows=((item.remark,),), widths=(1,)))
    chosen = _ORDER.index(item.verdict) if item.verdict in _ORDER else None
    blocks.append(Choice(label=Text("Verdict", "结论"), options=tuple(VERDICTS[v] for v in _ORDER), chosen=chosen))
    return Section(id=f"item-{n}", title=Text(f"{n}. {item.title.en}", f"{n}. {item.title.zh}"), blocks=tuple(blocks))
