"""Whether an event fits the scenario: asked when a file is read and when a person types a command. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from model.text import Text
from simulators.faults import WHOLE, possible_on
from simulators.scenario import Device, Event, SiteEntry, SwitchModel, on_wire

_EFFECTS = ("mains", "fault", "load", "wire", "port")
_WHERE = {"fault": "ups", "load": "ups", "port": "switch"}


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with an event; `key` is empty when it is the whole of it."""

    key: str
    expected: Text
    got: str
    fix: Text


def misfit(event: Event, sites: Mapping[str, SiteEntry], devices: Mapping[str, Device]) -> Misfit | None:
    """The first thing wrong with `event`, or None."""
    effects = [name for name in _EFFECTS if getattr(event, name) is not None]
    if len(effects) != 1:
        expected = Text("exactly one of " + ", ".join(_EFFECTS), "只能有一个：" + "、".join(_EFFECTS))
        fix = Text("split the event", "拆分事件")
        return Misfit(key="", expected=expected, got=", ".join(effects) or "-", fix=fix)
    if effects == ["mains"]:
        return None if event.site in sites else unknown("site", str(event.site), list(sites))
    named = on_wire(devices, event.device or "")
    if effects == ["wire"] and named:
        return next((found for device in named if (found := _of_wire(event, device))), None)
    device = devices.get(event.device or "")
    if device is None:
        return unknown("device", str(event.device), list(devices))
    return _of_device(event, device, _WHERE.get(effects[0]))


def _of_wire(event: Event, device: Device) -> Misfit | None:
    kind, wire = event.wire or "none", device.entry.wire
    can = possible_on(wire)
    got = f"{kind}, on a {wire} wire"
    fix = Text("choose another fault or device", "换一种故障或设备")
    if kind not in can:
        names = ", ".join(can)
        expected = Text(f"one of {names}", f"以下之一：{names}")
        return Misfit(key="wire", expected=expected, got=got, fix=fix)
    if kind == "engine_id" and device.entry.snmp != "v3":
        expected = Text('a device with snmp = "v3"', 'snmp = "v3" 的设备')
        return Misfit(key="wire", expected=expected, got=f"{device.id} with {device.entry.snmp}", fix=fix)
    return _of_details(event, kind)


def _of_details(event: Event, kind: str) -> Misfit | None:
    """Fields that belong to one kind only."""
    remove = Text("remove it", "删除")
    if event.part < 1 and kind in WHOLE:
        expected = Text(f"no part: {kind} is no fault of single replies", f"{kind} 不针对单个应答，不能写 part")
        return Misfit(key="part", expected=expected, got=f"{event.part:g}", fix=remove)
    if event.unit is not None and kind != "wrong_unit":
        expected = Text("unit only with wrong_unit", "unit 只用于 wrong_unit")
        return Misfit(key="unit", expected=expected, got=f"{event.unit} with {kind}", fix=remove)
    if event.node is not None and (kind != "unplugged" or event.on):
        expected = Text("node only with unplugged and on = false", "node 只用于 unplugged 且 on = false")
        return Misfit(key="node", expected=expected, got=f"{event.node} with {kind}", fix=remove)
    return None


def _of_device(event: Event, device: Device, needed: str | None) -> Misfit | None:
    if needed and device.kind != needed:
        expected, fix = Text(f"a {needed}", f"{needed} 设备"), Text("name another", "换一台设备")
        return Misfit(key="device", expected=expected, got=f"{device.id}, a {device.kind}", fix=fix)
    ports = device.model.ports if isinstance(device.model, SwitchModel) else 0
    if event.port is not None and not 1 <= event.port <= ports:
        span = f"1..{ports}"
        fix = Text("name a port it has", "使用存在的端口")
        return Misfit(key="port", expected=Text(span, span), got=str(event.port), fix=fix)
    if event.port is not None and event.link is None and event.errors is None:
        expected, fix = Text("link or errors", "link 或 errors"), Text("say what happens", "写明发生什么")
        return Misfit(key="port", expected=expected, got="neither", fix=fix)
    if event.errors is not None and not 0 <= event.errors <= 1:
        expected, fix = Text("a share, 0..1", "比例 0..1"), Text("50 of 10,000 is 0.005", "万分之五十写 0.005")
        return Misfit(key="errors", expected=expected, got=str(event.errors), fix=fix)
    return None


def unknown(key: str, got: str, known: list[str]) -> Misfit:
    """A name that is not one of `known`."""
    names = ", ".join(known[:12]) + (" …" if len(known) > 12 else "") or "-"
    fix = Text("mend the name", "修正名称")
    return Misfit(key=key, expected=Text(f"one of {names}", f"以下之一：{names}"), got=got, fix=fix)
