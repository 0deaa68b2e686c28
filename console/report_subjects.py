"""What a report over a time, or on a device, is made from: gathered from the desk, the field's book, alerts and readings."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from alerts.types import Alert
from collector import store as kept
from collector.history import HistoryError
from collector.store import recordings
from console import report_charts, report_planned
from console.report_room import Room, WishRefused, moment
from desk import documents, faq, recurrence, reports, warranty
from desk.calendars import zone
from desk.documents import Document
from desk.inspection import prefill
from desk.paper.case import Case, finding_name, minute
from desk.paper.inspection_paper import inspection_paper
from desk.paper.life_paper import Life, case_events, handbook_paper
from desk.paper.period import Event, Period
from desk.paper.types import Chart, Paper, same
from desk.policies import load
from desk.policy import Duty, Policy
from desk.types import WarrantyVerdict
from model.inventory import Device
from model.points import POINTS, Kind
from model.reading import Reading
from model.text import Text

#: Of the newest readings these are shown, in this order.
SHOWN = ("input.voltage", "output.voltage", "ups.load", "battery.charge", "battery.voltage", "battery.runtime", "battery.temperature")  # fmt: skip
#: Of a whole centre's reports and recordings, the newest.
_MOST_EVENTS = 20_000
_DEFAULT_TZ = "Asia/Shanghai"
DAY_MS = 86_400_000
#: Charts of a device look back so far.
CHART_MS = 7 * DAY_MS


def policy_of(room: Room, customer: str, at: int) -> Policy | None:
    """The policy of a customer's contract on a day; `default` when its file cannot serve."""
    day = datetime.fromtimestamp(at / 1000, zone(tz_of(room, customer))).date().isoformat()
    return load(room.inventory.policy(customer, day)) or load("default")


def tz_of(room: Room, customer: str | None) -> str:
    """Where a customer's clock hangs: at their first site; the house's own where there is none."""
    sites = sorted((s for s in room.inventory.sites.values() if customer in (None, s.customer)), key=lambda s: s.id)
    return sites[0].tz if sites else _DEFAULT_TZ


def known_customer(room: Room, customer: str) -> None:
    """Raises WishRefused for one who is not listed."""
    known = room.inventory.customers
    if customer not in known:
        options = ", ".join(sorted(known)) or "-"
        raise WishRefused(
            Text(f"expected a customer among {options}, got {customer}", f"客户应为 {options} 之一，实为 {customer}")
        )


def period(room: Room, customer: str | None, start: int, end: int, policy: Policy | None = None) -> Period:
    """Everything of [start, end) of one customer, or of a policy's customers, or of all."""
    tz = tz_of(room, customer)
    now = room.now(tz)
    if customer is not None:
        known_customer(room, customer)
    named = policy.id if policy and customer is None else None
    conn, inventory = room.conn, room.inventory
    cases = reports.cases(conn, inventory, now, start, end, customer=customer, policy=named)
    lines = report_planned.field_lines(conn, customer, start, end)
    found = documents.find(conn, customer=customer) if customer else []
    mine = {s.id for s in inventory.sites.values() if customer in (None, s.customer)}
    again = [r for r in reports.recurring(conn, inventory, now, None, end) if customer is None or _of(r, mine)]
    learned = [item for item in faq.listed(conn, faq.ACCEPTED, start) if item.at < end]
    return Period(
        start=start,
        end=end,
        tz=tz,
        now=now,
        inventory=inventory,
        policy=policy or (policy_of(room, customer, end) if customer else None),
        customer=customer,
        cases=tuple(cases),
        lines=tuple(lines),
        planned=tuple(report_planned.planned(conn, inventory, customer, None, now)),
        recurring=tuple(recurrence.line(r) for r in again),
        learned=tuple((item.question, _answer(item)) for item in learned),
        documents=tuple((d.name, d.at, d.hash) for d in found if start <= d.at < end),
    )


def _of(found: recurrence.Recurrence, sites: set[str]) -> bool:
    """Whether a customer may be told: of their own assets and sites only, never of a model across customers."""
    return found.by != "model" and found.of.partition("/")[0] in sites


def _answer(item: faq.Item) -> Text:
    steps = Text("; ".join(s.en for s in item.steps), "；".join(s.zh for s in item.steps))
    return Text(f"{item.cause.en}\n{steps.en}".strip(), f"{item.cause.zh}\n{steps.zh}".strip())


def life(room: Room, id: str, whole: bool = True) -> Life:
    """One device, all of it; `whole` False leaves the chronology out (for a handbook). Raises WishRefused."""
    inventory, conn = room.inventory, room.conn
    heard = {row.id for row in kept.devices(conn)}
    if id not in inventory.devices and id not in heard:
        raise WishRefused(
            Text(
                f"no device {id}: expected `site/device` as in the inventory",
                f"没有设备 {id}：应为台账中的“站点/设备”",
            )
        )
    device = inventory.device(id)
    tz = inventory.site(device.site).tz
    now = room.now(tz)
    customer = inventory.site(device.site).customer
    alerts = [a for a in kept.alerts(conn, device=id) if a.raised_at <= now]
    behind = {a.incident for a in alerts if a.incident}
    cases = reports.cases(conn, inventory, now, 0, now + 1, site=device.site, device=id, incidents=behind)
    files = [d for d in documents.find(conn, device=id) if d.at <= now]
    again = [recurrence.line(r) for r in reports.recurring(conn, inventory, now) if _touches(r, device)]
    reads, charts = _readings(room, device, tz, now)
    return Life(
        device=device,
        inventory=inventory,
        tz=tz,
        now=now,
        cases=tuple(cases),
        events=tuple(_events(room, device, alerts, files, cases, now)) if whole else (),
        warranty=tuple(_warranty(room, device, customer, now)),
        identity=tuple((k, str(v)) for k, v in kept.identity(conn, id).items() if k.startswith("device.")),
        now_reads=tuple(reads),
        open_alerts=tuple(_finding(a) for a in alerts if a.cleared_at is None),
        planned=tuple(report_planned.planned(conn, inventory, customer, device.site, now, id)),
        documents=tuple((d.name, d.at, d.hash) for d in files),
        recurring=tuple(again),
        charts=tuple(charts),
    )


def _touches(found: recurrence.Recurrence, device: Device) -> bool:
    return (found.by, found.of) in (("asset", device.id), ("model", device.model))


def _warranty(room: Room, device: Device, customer: str, now: int) -> list[WarrantyVerdict]:
    policy = policy_of(room, customer, now)
    day = minute(now, room.inventory.site(device.site).tz)[:10]
    return list(warranty.of_device(policy, device, day)) if policy else []


def _events(
    room: Room, device: Device, alerts: list[Alert], files: list[Document], cases: list[Case], now: int
) -> list[Event]:
    """From every book there is."""
    found = [event for case in cases for event in case_events(case) if event.at <= now]
    for alert in alerts:
        found.append(
            Event(at=alert.raised_at, who="", what=Text("found", "发现"), text=_finding(alert), ref=alert.id[:8])
        )
        if alert.cleared_at is not None and alert.cleared_at <= now:
            over = Text("cleared", "消除")
            found.append(Event(at=alert.cleared_at, who="", what=over, text=_finding(alert), ref=alert.id[:8]))
    kept_as = Text("document", "文件")
    found += [Event(at=f.at, who=f.who, what=kept_as, text=same(f.name), ref=f.hash[:8]) for f in files]
    found += [
        Event(at=line.at, who=line.who, what=same(f"{line.kind} {line.event}"), text=line.text, ref=line.id)
        for line in report_planned.field_lines(room.conn, None, 0, now + 1, device=device.id)
    ]
    found += _told_by_itself(room, device, now)
    if device.installed:
        at = moment(device.installed, room.inventory.site(device.site).tz)
        found.append(Event(at=at, who="", what=Text("installed", "安装"), text=device.name))
    return found


def _told_by_itself(room: Room, device: Device, now: int) -> list[Event]:
    """What the device reported beside readings (traps, state changes), and what the flight recorder kept of its line."""
    said = Text("reported", "设备上报")
    found = [
        Event(
            at=e.at, who="", what=said, text=same(" ".join([e.kind, *(f"{k}={v}" for k, v in sorted(e.data.items()))]))
        )
        for e in kept.events(room.conn, limit=_MOST_EVENTS)
        if e.device == device.id and e.at <= now
    ]
    recorded = Text("line recorded", "线路录波")
    found += [
        Event(at=row.at, who="", what=recorded, text=same(row.why), ref=row.id[:8])
        for row in recordings.listed(room.conn, device.id, _MOST_EVENTS)
        if row.at <= now
    ]
    return found


def _finding(alert: Alert) -> Text:
    name = finding_name(alert.kind)
    seen = alert.finding.evidence[0].text if alert.finding.evidence else None
    return Text(f"{name.en}: {seen.en}", f"{name.zh}：{seen.zh}") if seen else name


def _readings(room: Room, device: Device, tz: str, now: int) -> tuple[list[tuple[Text, str]], list[Chart]]:
    """The newest values, and charts of the last week."""
    try:
        with room.history() as history:
            newest = {r.point: r for r in history.latest(device.id) if r.at <= now}
            charts = report_charts.around(history, [device.id], [], now - CHART_MS, now, tz)
    except HistoryError as error:
        room.complain(Text(f"no readings: {error}", f"没有遥测：{error}"))
        return [], []
    shown = [(p, newest[p]) for p in SHOWN if p in newest and POINTS[p].kind is Kind.GAUGE]
    return [(POINTS[p].meaning, f"{r.value:g} {POINTS[p].unit} ({minute(r.at, tz)})") for p, r in shown], charts


def under(room: Room, id: str, customer: str | None, span: tuple[int, int]) -> Period:
    """A time under one policy: all its customers' tickets, or one customer's. Raises WishRefused."""
    policy = load(id)
    if policy is None:
        raise WishRefused(Text(f"no policy {id}, or it has errors", f"没有政策 {id}，或其有错误"))
    return period(room, customer, *span, policy)


def span_before(room: Room, customer: str | None, until: str | None, days: int) -> tuple[int, int]:
    """So many whole days before `until` (today when not given), on the customer's clock."""
    tz = tz_of(room, customer)
    last = datetime.fromtimestamp((moment(until, tz) if until else room.now(tz)) / 1000, zone(tz)).date()
    return _midnight(last - timedelta(days=days), tz), _midnight(last, tz)


def month_of(room: Room, customer: str, month: str | None) -> tuple[int, int]:
    """A month like 2026-11, or the last whole one. Raises WishRefused."""
    tz = tz_of(room, customer)
    now = date.fromisoformat(minute(room.now(tz), tz)[:10])
    try:
        first = date.fromisoformat(f"{month}-01") if month else (now.replace(day=1) - timedelta(days=1)).replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    except (ValueError, OverflowError) as error:
        raise WishRefused(
            Text(f"expected a month like 2026-11, got {month}", f"应为 2026-11 之类的月份，实为 {month}")
        ) from error
    return _midnight(first, tz), _midnight(after, tz)


def _midnight(day: date, tz: str) -> int:
    return moment(day.isoformat(), tz)


def handbook(room: Room, site: str) -> Paper:
    """The site's handbook: its UPS first, then the rest. Raises WishRefused."""
    known = room.inventory.sites
    if site not in known:
        raise WishRefused(
            Text(
                f"expected a site among {', '.join(sorted(known))}, got {site}",
                f"站点应为 {'、'.join(sorted(known))}，实为 {site}",
            )
        )
    devices = sorted(room.inventory.at_site(site), key=lambda d: (d.kind != "ups", d.id))
    tz = known[site].tz
    return handbook_paper(site, [life(room, d.id, whole=False) for d in devices], room.inventory, tz, room.now(tz))


def inspection(room: Room, subject: str, recorded: bool = False) -> Paper:
    """The contract's inspection of a device or of a site's UPS: the newest one that was recorded, or pre-filled from the
    newest readings for the next one. Raises WishRefused."""
    site = subject.partition("/")[0]
    devices = [subject] if "/" in subject else [d.id for d in room.inventory.at_site(site) if d.kind == "ups"]
    if not devices or not set(devices) <= set(room.inventory.devices):
        raise WishRefused(
            Text(f"expected a listed device or site, got {subject}", f"应为台账中的设备或站点，实为 {subject}")
        )
    known = room.inventory.site(site)
    now = room.now(known.tz)
    policy = policy_of(room, known.customer, now)
    duty = next((d for d in policy.duties if d.kind == "inspection" and d.items), None) if policy else None
    if policy is None or duty is None:
        name = policy.id if policy else "-"
        raise WishRefused(
            Text(
                f"policy {name} lists nothing to inspect; expected a duty with items",
                f"政策 {name} 未列出巡检项目；应有带项目的任务",
            )
        )
    if recorded:
        return _recorded(room, subject, duty, policy, now)
    readings: list[Reading] = []
    charts: list[Chart] = []
    try:
        with room.history() as history:
            for device in devices:
                readings += history.latest(device)
            charts = report_charts.around(history, devices, [], now - CHART_MS, now, known.tz)
    except HistoryError as error:
        room.complain(Text(f"no readings: {error}", f"没有遥测：{error}"))
    items = prefill(duty, readings, now)
    return inspection_paper(subject, duty, items, room.inventory, policy, now, charts=tuple(charts))


def _recorded(room: Room, subject: str, duty: Duty, policy: Policy, now: int) -> Paper:
    kept_one = report_planned.recorded(room.conn, subject)
    if kept_one is None:
        raise WishRefused(
            Text(
                f"no inspection of {subject} is recorded; without --recorded the form for the next one is made",
                f"{subject} 没有已登记的巡检；不加 --recorded 则生成下次巡检表",
            )
        )
    at, readings, answers = kept_one
    return inspection_paper(subject, duty, prefill(duty, readings, at), room.inventory, policy, now, answers)
