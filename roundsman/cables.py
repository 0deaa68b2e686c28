"""`roundsman inventory links`: who is reached through whom, as switches say (LLDP) and as the inventory says, and what does not fit."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from collector import inventory, topology
from collector.neighbours.memory import Memory
from collector.running import known_names
from model.inventory import Inventory, NetworkPath
from model.text import Text
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, put, say


def tell(collector: Path | None, as_json: bool) -> int:
    """Every cable with its dates, what the inventory says, and each contradiction."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            known, names = inventory.latest(conn), known_names(conn)
            memory = Memory(centre.config.data / "neighbours.sqlite")
            rows = memory.cables()
            memory.close()
    except NoCentreError as error:
        complain(error.text)
        return 1
    found, doubts = topology.paths(rows, names), topology.doubts(rows, names, known)
    if as_json:
        for path in found:
            put({"link": msgspec.to_builtins(path)})
        for device in _said(known):
            put({"via": {"device": device, "other": known.devices[device].via}})
        for doubt in doubts:
            put({"doubt": {"device": doubt.device, "en": doubt.text.en, "zh": doubt.text.zh}})
        return 0
    for path in found:
        say(_line(path))
    for device in _said(known):
        via = known.devices[device].via
        say(Text(f"{device} via {via} (inventory)", f"{device} 经由 {via}（清单）"))
    for doubt in doubts:
        say(Text(f"! {doubt.device}: {doubt.text.en}", f"! {doubt.device}：{doubt.text.zh}"))
    if not (found or _said(known)):
        say(
            Text(
                "nothing is known yet: no switch told of a neighbour that we ask",
                "尚无信息：没有交换机报告已接入的邻居",
            )
        )
    return 0


def _said(known: Inventory) -> list[str]:
    return sorted(device.id for device in known.devices.values() if device.via)


def _line(path: NetworkPath) -> Text:
    since, seen = _day(path.since), _day(path.seen)
    gone = Text(f", gone {_day(path.gone)}", f"，{_day(path.gone)} 起消失") if path.gone else Text("", "")
    return Text(
        f"{path.device} port {path.port} -- {path.other} (LLDP {path.by}, since {since}, seen {seen}{gone.en})",
        f"{path.device} 端口 {path.port} -- {path.other}（LLDP {path.by}，自 {since}，最近 {seen}{gone.zh}）",
    )


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
