"""What belongs to a thing for good: the equipment file (all that ever happened to it) and the site's health handbook. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from desk import words
from desk.paper.case import Case, customer_name, facts, place_and_name, when
from desk.paper.period import Event, events_table, over_at, problems
from desk.paper.types import Block, Chart, Facts, Paper, Section, Table, Words, same
from desk.types import WarrantyVerdict
from model.inventory import Device, Inventory
from model.text import Text


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One device: everything that is known of it, as of `now` ms."""

    device: Device
    inventory: Inventory
    tz: str
    now: int
    cases: tuple[Case, ...] = ()
    events: tuple[Event, ...] = ()
    warranty: tuple[WarrantyVerdict, ...] = ()
    identity: tuple[tuple[str, str], ...] = ()  #: as the device itself says
    now_reads: tuple[tuple[Text, str], ...] = ()  #: its newest readings
    open_alerts: tuple[Text, ...] = ()
    planned: tuple[tuple[Text, Text, Text], ...] = ()
    documents: tuple[tuple[str, int, str], ...] = ()
    recurring: tuple[Text, ...] = ()
    charts: tuple[Chart, ...] = ()


def equipment_paper(life: Life) -> Paper:
    """The equipment file."""
    d, tz = life.device, life.tz
    sections = [
        Section(id="plate", title=Text("Equipment", "设备资料"), blocks=tuple(_plate(life))),
        Section(id="cases", title=Text("Cases", "工单"), blocks=(problems(list(life.cases)),)),
        *_again(life),
        Section(
            id="life",
            title=Text("Everything that happened", "全部历史"),
            blocks=(events_table(list(life.events), tz, Text("nothing is recorded", "无记录")),),
        ),
        Section(id="planned", title=Text("Planned work", "计划工作"), blocks=(_planned(life.planned),)),
        Section(id="documents", title=Text("Documents", "文件"), blocks=(_documents(life),)),
    ]
    if life.charts:
        sections.append(Section(id="readings", title=Text("Readings", "遥测"), blocks=life.charts))
    site = life.inventory.site(d.site)
    return Paper(
        kind="equipment",
        title=Text("Equipment file", "设备档案"),
        subtitle=place_and_name(life.inventory, d.id),
        head=(
            (Text("Customer", "客户"), customer_name(life.inventory, site.customer)),
            (Text("Site", "站点"), Text(f"{site.name.en} ({d.site})", f"{site.name.zh}（{d.site}）")),
        ),
        sections=tuple(sections),
        as_of=life.now,
        tz=tz,
        about={"device": d.id, "site": d.site, "customer": site.customer},
    )


def handbook_paper(site: str, lives: Sequence[Life], inventory: Inventory, tz: str, now: int) -> Paper:
    """The site's health handbook (Wuhan L49-63): each device's health, changes, faults, and what is advised."""
    known = inventory.site(site)
    rows = tuple(
        (
            place_and_name(inventory, life.device.id),
            _health(life),
            same(sum(over_at(c) is None for c in life.cases)),
            same(len(life.cases)),
        )
        for life in lives
    )
    head = (Text("Device", "设备"), Text("Health", "健康状况"), Text("Open", "未结"), Text("Cases", "工单数"))
    overview = Table(head=head, rows=rows, widths=(4, 4, 0.8, 0.8))
    return Paper(
        kind="handbook",
        title=Text("Health handbook", "健康手册"),
        subtitle=Text(f"{known.name.en} ({site})", f"{known.name.zh}（{site}）"),
        head=(
            (Text("Customer", "客户"), customer_name(inventory, known.customer)),
            (Text("Place", "地址"), same(known.place or "–")),
            (Text("Devices", "设备数"), same(len(lives))),
        ),
        sections=(
            Section(id="overview", title=Text("Overview", "总览"), blocks=(overview,)),
            *(_chapter(life, n) for n, life in enumerate(lives, start=1)),
            Section(
                id="advice",
                title=Text("Upgrades and advice", "升级与建议"),
                blocks=(Words(id="advice", drafted=False, text=Text("To be written.", "待填写。")),),
            ),
        ),
        as_of=now,
        tz=tz,
        about={"site": site, "customer": known.customer},
    )


def _chapter(life: Life, n: int) -> Section:
    blocks: list[Block] = [*_plate(life)]
    if life.now_reads:
        blocks.append(Facts(rows=tuple((name, same(value)) for name, value in life.now_reads)))
    if life.cases:
        blocks.append(problems(list(life.cases)))
    for again in _again(life):
        blocks += again.blocks
    name = life.device.name
    return Section(
        id=f"device-{n}", title=Text(f"{n}. {name.en}", f"{n}. {name.zh}"), blocks=(*blocks, *life.charts[:2])
    )


def _health(life: Life) -> Text:
    if life.open_alerts:
        return Text("\n".join(t.en for t in life.open_alerts), "\n".join(t.zh for t in life.open_alerts))
    if not life.now_reads:
        return Text("nothing is heard of it", "没有遥测")
    return Text("no finding is open", "无未消除的发现")


def _plate(life: Life) -> list[Block]:
    d, battery = life.device, life.device.battery
    rows = facts(
        (Text("Device", "设备"), place_and_name(life.inventory, d.id)),
        (Text("Installed", "安装日期"), d.installed),
        (Text("Rating", "额定容量"), f"{d.rated_va / 1000:g} kVA" if d.rated_va else None),
        (
            Text("Battery", "电池"),
            f"{battery.strings} × {battery.blocks} × {battery.block_v:g} V {battery.block_ah:g} Ah"
            if battery
            else None,
        ),
        (Text("Battery installed", "电池安装日期"), battery.installed if battery else None),
        *((words.ITEMS.get(v.item, same(v.item)), v.text) for v in life.warranty),
        *((same(key), value) for key, value in life.identity),
    )
    return [rows]


def _again(life: Life) -> list[Section]:
    if not life.recurring:
        return []
    text = Text("\n".join(t.en for t in life.recurring), "\n".join(t.zh for t in life.recurring))
    return [Section(id="recurring", title=Text("Coming back", "重复出现"), blocks=(Words(id="recurring", text=text),))]


def _planned(rows: tuple[tuple[Text, Text, Text], ...]) -> Table:
    head = (Text("What", "事项"), Text("When", "时间"), Text("State", "状态"))
    return Table(head=head, rows=rows, widths=(4, 2.4, 1.6))


def _documents(life: Life) -> Table:
    rows = tuple((when(at, life.tz), same(name), same(hash[:16])) for name, at, hash in life.documents)
    head = (Text("Kept", "存档"), Text("Document", "文件"), same("hash"))
    return Table(head=head, rows=rows, widths=(2, 4, 2))


def case_events(case: Case) -> list[Event]:
    """A ticket's ledger as events of what it is about."""
    return [
        Event(at=e.at, who=e.who, what=words.ENTRIES[e.kind], text=e.text, ref=f"{case.ticket.id} #{e.seq}")
        for e in case.ledger
    ]
