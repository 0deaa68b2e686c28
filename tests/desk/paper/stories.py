"""One outage in Shenzhen, from mains failure to restoration, as the desk's database has it; and readings around it."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from alerts.types import Alert, Impact
from desk import store
from desk.paper.case import Case
from desk.paper.types import Chart, Mark
from desk.reports import case_of
from desk.types import Draft, EntryKind
from model.finding import Evidence, Finding, Severity
from model.inventory import Contract, Inventory
from model.text import Text
from tests.desk.stage import HOUR, MINUTE, T0, ended, incident, inventory

END = T0 + 95 * MINUTE


def entry(minutes: float, kind: EntryKind, en: str, zh: str, **data: str | float | None) -> Draft:
    return Draft(at=T0 + round(minutes * MINUTE), who="li.wei", kind=kind, text=Text(en, zh), data=dict(data))


def under(policy: str) -> Inventory:
    """The stage's inventory, its customer `harbour` under another contract."""
    contract = Contract(customer="harbour", policy=policy, since="2020-01-01")
    return msgspec.structs.replace(inventory(), contracts=(contract,))


def outage(
    conn: sa.Connection,
    root: str = "sz/ups-1",
    since: int = T0,
    cause: str = "battery",
    policy: str = "powerstar",
    customer: str = "harbour",
    close: bool = False,
) -> str:
    """A ticket that was opened, diagnosed, mended and resolved; its id. Where a consent is asked for, no part is fitted."""
    told = incident(root, cause, customer, impact=Impact.OUTAGE, opened=since)
    [id] = store.apply(conn, [told], under(policy), since)
    steps = [
        entry(4, EntryKind.ACKNOWLEDGED, "called back", "已回电"),
        entry(20, EntryKind.DISPATCHED, "engineer left", "工程师出发", engineer="li.wei"),
        entry(45, EntryKind.ONSITE, "at the battery room", "已到电池室", engineer="li.wei"),
        entry(60, EntryKind.DIAGNOSED, "block 7 is open", "第 7 节电池开路", failure_mode="battery.open_block", part="12V18Ah"),
        entry(80, EntryKind.PART_FITTED, "block 7 replaced", "更换第 7 节电池", part="12V18Ah"),
    ]  # fmt: skip
    if policy in ("heilongjiang_guoyu", "chengdu_xinguang"):
        steps.pop()
    moved = [Draft(at=d.at - T0 + since, who=d.who, kind=d.kind, text=d.text, data=d.data) for d in steps]
    store.append(conn, id, moved, since + 90 * MINUTE)
    end = since + END - T0
    store.apply(conn, [ended(told, end)], inventory(), end)
    solved = Draft(at=end, who="li.wei", kind=EntryKind.RESOLVED, text=Text("fault cleared", "故障已排除"))
    closed = Draft(at=end + MINUTE, who="li.wei", kind=EntryKind.CLOSED, text=Text("done", "完成"))
    store.append(conn, id, [solved, closed] if close else [solved], end + MINUTE)
    return id


def alert() -> Alert:
    seen = Evidence(
        text=Text("battery fell to 161 V at 40 % load", "负载 40% 时电池降至 161 V"), at=T0, point="battery.voltage"
    )
    advice = Text("Measure every block, replace the open one", "逐节测量，更换开路电池")
    finding = Finding(
        device="sz/ups-1",
        kind="battery_flag",
        index=None,
        severity=Severity.CRITICAL,
        since=T0,
        score=0.9,
        evidence=(seen,),
        advice=advice,
    )
    return Alert(
        id="a1",
        device="sz/ups-1",
        kind="battery_flag",
        index=None,
        severity=Severity.CRITICAL,
        impact=Impact.OUTAGE,
        raised_at=T0,
        changed_at=T0,
        cleared_at=END,
        finding=finding,
    )


def chart() -> Chart:
    at = tuple(range(T0 - HOUR, END + HOUR, MINUTE))
    value = tuple(
        None if n in (30, 31, 32) else 218.0 if t < T0 else 161.0 if t < END else 219.5 for n, t in enumerate(at)
    )
    return Chart(
        title=Text("Battery voltage", "电池电压"),
        unit="V",
        tz="Asia/Shanghai",
        start=at[0],
        end=at[-1],
        at=at,
        value=value,
        marks=(Mark(at=T0, text=Text("opened", "开单")), Mark(at=END, text=Text("restored", "恢复"))),
        bands=((T0, END),),
    )


def case(conn: sa.Connection, id: str, now: int = END + HOUR) -> Case:
    return case_of(conn, id, inventory(), now, alerts=[alert()], charts=[chart()])
