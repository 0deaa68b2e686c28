"""What incidents are called, and why each alert joined, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.kinds import Root, kind_of
from alerts.types import Alert, CauseKey
from model.inventory import Inventory
from model.text import Text


def title(key: CauseKey, members: Sequence[Alert], inventory: Inventory) -> Text:
    """The incident's name: the site for a mains failure, else its worst member (the first of equals)."""
    if key.cause == "mains":
        name = inventory.site(key.root).name
        return Text(f"Mains failure: {name.en}", f"市电中断：{name.zh}")
    if key.cause == "agent":
        name = inventory.site(key.root).name
        return Text(f"No data from the site: {name.en}", f"站点无数据：{name.zh}")
    shared = [alert for alert in members if kind_of(alert.kind).root is Root.SITE]
    if shared and len({alert.device for alert in members}) > 1:
        site, alert = inventory.site(key.root).name, min(shared, key=lambda a: (a.severity.rank, a.raised_at))
        what = kind_of(alert.kind).title
        return Text(f"{what.en}: {site.en}", f"{what.zh}：{site.zh}")
    root = key.root.partition("#")[0]  # what stands behind a silent switch does not give the name
    alert = min(members, key=lambda a: (a.device != root, a.severity.rank, a.raised_at))
    kind, name = kind_of(alert.kind), _name(alert, inventory)
    return Text(f"{kind.title.en}: {name.en}", f"{kind.title.zh}：{name.zh}")


def joined(alert: Alert, others: Sequence[Alert], inventory: Inventory, *, mains_out: bool = False) -> Text:
    """Why the alert belongs with the others (none: it is the first)."""
    kind, name = kind_of(alert.kind), _name(alert, inventory)
    if alert.kind == "on_battery":
        return _on_battery(alert, others, name)
    if alert.kind == "mains_failed":
        return Text(f"{name.en} reports that its mains is out", f"{name.zh} 报告市电中断")
    if alert.kind == "battery_low":
        return Text(
            f"{name.en}: the battery is nearly empty, the mains is still out", f"{name.zh}：市电未恢复，电池即将耗尽"
        )
    if alert.kind == "output_off" and others and any(a.kind == "on_battery" for a in others):
        return Text(
            f"{name.en}: its output went off while the mains was out, its load has no power",
            f"{name.zh}：市电中断期间输出关闭，负载已断电",
        )
    if alert.kind == "agent_silent":
        return _agent(len(inventory.at_site(alert.device.partition("/")[0])), mains_out=mains_out)
    if kind.cause == "supply" and others:
        return _supply(alert, others, kind.title, name)
    if kind.id != "room_warm" and any(a.kind == "room_warm" for a in others):
        return Text(
            f"{name.en}: {kind.title.en}, in a room that is warm itself", f"{name.zh}：{kind.title.zh}，而机房本身偏热"
        )
    if not others:
        return Text(f"{name.en}: {kind.title.en}", f"{name.zh}：{kind.title.zh}")
    if any(a.kind == "agent_silent" for a in others):
        return Text(f"{name.en} is silent together with the site's agent", f"{name.zh} 与站点采集端同时失联")
    if kind.root is Root.PORT:
        return Text(f"{kind.title.en} on the same port", f"同一端口：{kind.title.zh}")
    if kind.cause == "battery":
        return Text(f"{kind.title.en}: a further witness for the same battery", f"{kind.title.zh}：同一电池的又一证据")
    return Text(f"{kind.title.en} on the same device", f"同一设备：{kind.title.zh}")


def _supply(alert: Alert, others: Sequence[Alert], what: Text, name: Text) -> Text:
    if any(a.device != alert.device for a in others):
        return Text(
            f"{name.en}: {what.en}; it is seen by more than one: the utility or the main board, not one feed",
            f"{name.zh}：{what.zh}；多台同时出现：供电部门或总配电问题，而非单一支路",
        )
    return Text(f"{name.en}: {what.en}, of the same supply", f"{name.zh}：{what.zh}，属同一供电问题")


def _on_battery(alert: Alert, others: Sequence[Alert], name: Text) -> Text:
    before = [a for a in others if a.kind == "on_battery"]
    if any(a.device == alert.device for a in before):
        return Text(f"{name.en} went on battery again in the same outage", f"{name.zh} 在同一次停电中再次转电池供电")
    if not before:
        return Text(
            f"{name.en} went on battery first; until a second UPS of the site does, it may be its own feeder",
            f"{name.zh} 首先转电池供电；在第二台 UPS 转电池之前，也可能只是其自身支路断电",
        )
    if len({a.device for a in before}) == 1:
        return Text(
            f"{name.en} went on battery too: it is the site's mains, not one feeder",
            f"{name.zh} 也转电池供电：是站点市电中断，而非单一支路",
        )
    return Text(f"{name.en} went on battery at the same site", f"同站点 {name.zh} 也转电池供电")


def _agent(devices: int, *, mains_out: bool) -> Text:
    if mains_out:
        return Text(
            f"the agent and its {devices} devices fell silent while the mains was out: the site is probably dark",
            f"市电中断期间采集端及其下 {devices} 台设备失联：站点很可能已全部断电",
        )
    return Text(
        f"the agent is silent, and its {devices} devices with it: "
        "site dark, line cut or agent dead cannot be told apart yet",
        f"采集端失联，其下 {devices} 台设备随之无数据：尚无法区分站点断电、线路中断或采集端故障",
    )


def _name(alert: Alert, inventory: Inventory) -> Text:
    name = inventory.device(alert.device).name
    if kind_of(alert.kind).root is Root.PORT:
        return Text(f"{name.en} port {alert.index}", f"{name.zh} 端口 {alert.index}")
    return name
