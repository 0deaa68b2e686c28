"""What a report on one ticket is made from, and the parts that several reports share: heading, timeline, clocks. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from alerts.kinds import KINDS
from alerts.types import Alert
from desk import show, words
from desk.clocks import story
from desk.explain import Explained
from desk.paper.types import Block, Chart, Facts, Section, Table, same
from desk.policy import Policy
from desk.types import ClockState, Entry, EntryKind, Ticket
from model.inventory import Device, Inventory
from model.text import Text

UNKNOWN = Text("not known", "不详")


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket with all that is known of it at `now`, ms. `alerts` are its incident's, `charts` the readings around it."""

    ticket: Ticket
    ledger: tuple[Entry, ...]
    policy: Policy
    explained: Explained
    inventory: Inventory
    alerts: tuple[Alert, ...] = ()
    charts: tuple[Chart, ...] = ()
    similar: tuple[Text, ...] = ()  #: earlier cases like it, a line each
    now: int

    @property
    def tz(self) -> str:
        return self.explained.tz

    @property
    def device(self) -> Device | None:
        """The equipment it is about; None where it is about a site or line."""
        named = self.ticket.device or self.ticket.key.root.partition("#")[0]
        return self.inventory.device(named) if named in self.inventory.devices else None

    def of(self, *kinds: EntryKind) -> list[Entry]:
        """The entries of these kinds, in the order in which they happened."""
        return [e for e in story(list(self.ledger)) if e.kind in kinds]

    def last(self, *kinds: EntryKind) -> Entry | None:
        """The newest of them."""
        found = self.of(*kinds)
        return found[-1] if found else None

    @property
    def ended_at(self) -> int | None:
        """When the equipment ran again, or the fault was cleared: the earlier, and not undone since."""
        back = self.last(EntryKind.RELAPSED, EntryKind.REOPENED)
        kinds = (EntryKind.RESTORED, EntryKind.RESOLVED)
        good = [e.at for e in self.of(*kinds) if back is None or (e.at, e.seq) > (back.at, back.seq)]
        return min(good, default=None)


def minute(at: int | None, tz: str) -> str:
    """`2026-11-23 10:00:00` on the site's clock."""
    return UNKNOWN.en if at is None else show.moment(at, tz)[:19]


def when(at: int | None, tz: str) -> Text:
    """The same, or that it is not known."""
    return UNKNOWN if at is None else same(minute(at, tz))


def span(seconds: float) -> Text:
    """A length of time for people.

    >>> span(5400).en, span(93600).zh
    ('1 h 30 min', '1 天 2 小时')
    """
    total = round(seconds)
    days, hours, minutes = total // 86_400, total // 3600 % 24, total // 60 % 60
    en = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes and not days else ""]
    zh = [f"{days} 天" if days else "", f"{hours} 小时" if hours else ""]
    zh.append(f"{minutes} 分钟" if minutes and not days else "")
    if not any(en):
        return Text(f"{total} s", f"{total} 秒")
    return Text(" ".join(filter(None, en)), " ".join(filter(None, zh)))


def place_and_name(inventory: Inventory, id: str) -> Text:
    """A device by name and id, with its model and serial number where they are known."""
    device = inventory.device(id)
    more = " · ".join(filter(None, (device.model, device.serial)))
    tail = f" · {more}" if more else ""
    return Text(f"{device.name.en} ({id}){tail}", f"{device.name.zh}（{id}）{tail}")


def customer_name(inventory: Inventory, id: str) -> Text:
    """By name, or by id where nobody listed it."""
    known = inventory.customers.get(id)
    return known.name if known else same(id)


def about(case: Case) -> dict[str, str]:
    """What the document store links the report to."""
    t = case.ticket
    links = {"ticket": t.id, "site": t.site, "customer": t.customer}
    return {**links, "device": case.device.id} if case.device else links


def heading(case: Case) -> tuple[tuple[Text, Text], ...]:
    """The ticket's facts, for the head of a report."""
    t, tz = case.ticket, case.tz
    site = case.inventory.site(t.site)
    level = case.policy.level(t.level)
    rows: list[tuple[Text, Text]] = [
        (Text("Ticket", "工单"), same(t.id)),
        (Text("Customer", "客户"), customer_name(case.inventory, t.customer)),
        (Text("Site", "站点"), Text(f"{site.name.en} ({t.site})", f"{site.name.zh}（{t.site}）")),
    ]
    if case.device:
        rows.append((Text("Equipment", "设备"), place_and_name(case.inventory, case.device.id)))
    rows += [
        (Text("Level", "级别"), level.name),
        (Text("Opened", "开单"), when(t.opened_at, tz)),
        (Text("Ended", "恢复"), Text("goes on", "尚未结束") if case.ended_at is None else when(case.ended_at, tz)),
        (Text("State", "状态"), words.STATES[t.state]),
        (
            Text("Contract", "合同政策"),
            Text(f"{case.policy.name.en} ({t.policy})", f"{case.policy.name.zh}（{t.policy}）"),
        ),
    ]
    return tuple(rows)


def timeline(case: Case, without: Sequence[EntryKind] = ()) -> Section:
    """Everything that happened, in order; what was recorded late says so."""
    rows = []
    for e in story(list(case.ledger)):
        if e.kind in without:
            continue
        kind, late = words.ENTRIES[e.kind], e.recorded_at - e.at >= 60_000
        text = Text(f"{kind.en}: {e.text.en}", f"{kind.zh}：{e.text.zh}")
        if late:
            at = minute(e.recorded_at, case.tz)
            text = Text(f"{text.en} (recorded {at})", f"{text.zh}（补记于 {at}）")
        rows.append((same(f"#{e.seq}"), when(e.at, case.tz), same(e.who), text))
    table = Table(
        head=(same("#"), Text("Time", "时间"), Text("Who", "何人"), Text("What", "事项")),
        rows=tuple(rows),
        widths=(0.6, 2.1, 1.4, 6),
    )
    return Section(
        id="timeline",
        title=Text("What happened", "处理经过"),
        blocks=(table,),
        note=Text(f"Times of the site ({case.tz}).", f"时间为站点当地时间（{case.tz}）。"),
    )


def promises(case: Case) -> Section:
    """Each promised time: how long was promised, how long it took, whether it was kept, where it is written."""
    rows = []
    for item in case.explained.clocks:
        c = item.clock
        promise = item.breaks_after or c.text or Text("no number", "无时限")
        took = span(c.counted_s)
        state = words.CLOCK_STATES[c.state]
        if c.state is ClockState.STOPPED and item.breaks_after is not None:
            state = Text("kept", "按时")
        rows.append((c.title, promise, took, state, when(c.due_at, case.tz), same(f"{c.calendar} {c.source}".strip())))
    table = Table(
        head=(
            Text("Promise", "承诺"),
            Text("Within", "时限"),
            Text("Took", "用时"),
            Text("Result", "结果"),
            Text("Due", "应于"),
            Text("Hours, line", "工时、条款"),
        ),
        rows=tuple(rows),
        widths=(2.2, 1.5, 1.5, 1.1, 2.1, 1.6),
    )
    return Section(id="promises", title=Text("Promised times", "承诺时限"), blocks=(table,))


def evidence(case: Case) -> Section | None:
    """What the readings showed: each alert with its evidence, then the charts. None when there is neither."""
    rows: list[tuple[Text, ...]] = []
    for alert in sorted(case.alerts, key=lambda a: (a.raised_at, a.id)):
        name = case.inventory.device(alert.device).name
        seen = [e.text for e in alert.finding.evidence]
        said = Text("\n".join(t.en for t in seen), "\n".join(t.zh for t in seen))
        until = minute(alert.cleared_at, case.tz) if alert.cleared_at else "…"
        rows.append((name, same(f"{minute(alert.raised_at, case.tz)}\n→ {until}"), finding_name(alert.kind), said))
    blocks: list[Block] = []
    if rows:
        head = (Text("Equipment", "设备"), Text("When", "时间"), Text("Finding", "发现"), Text("Evidence", "证据"))
        blocks.append(Table(head=head, rows=tuple(rows), widths=(1.8, 2.3, 1.8, 5)))
    blocks += case.charts
    if not blocks:
        return None
    return Section(id="evidence", title=Text("Evidence from readings", "遥测证据"), blocks=tuple(blocks))


def finding_name(kind: str) -> Text:
    """A finding's title, or its id where it is not known any more."""
    known = KINDS.get(kind)
    return known.title if known else same(kind)


def facts(*rows: tuple[Text, Text | str | None]) -> Facts:
    """Rows whose value is known."""
    return Facts(rows=tuple((a, b if isinstance(b, Text) else same(b)) for a, b in rows if b not in (None, "")))
