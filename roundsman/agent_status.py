"""`roundsman agent status`: how the running agent stands, for a technician at the site or a script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

import msgspec

from agent.config import AgentConfig, load
from agent.spool_reading import undelivered
from agent.status import AgentStatus, DeviceState, DeviceStatus, LinkState, LinkStatus, Share, Status
from agent.status_door import NoAgent, door_of, fetch
from model.text import Language, Text
from roundsman.speech import complain, put, tell_problems

_HOUR = 3600.0
_TIERS = {
    "status": Text("status", "状态"),
    "measure": Text("measurements", "测量"),
    "identity": Text("name plate", "铭牌"),
    "battery": Text("battery", "电池"),
}
_STATES = {
    DeviceState.STARTING: Text("not yet heard", "尚未应答"),
    DeviceState.ANSWERING: Text("answers", "应答正常"),
    DeviceState.SLOW: Text("slow", "应答慢"),
    DeviceState.ALARM: Text("in alarm or test", "告警或自检中"),
    DeviceState.ON_BATTERY: Text("on battery", "电池供电"),
    DeviceState.SILENT: Text("silent for {ago}", "失联 {ago}"),
    DeviceState.SILENT_ON_BATTERY: Text("silent for {ago}, was on battery", "电池供电中失联 {ago}"),
}
_NONE = Text("—", "—")
_LINKS = Text(
    "link state busy round requests retries timeouts CRC quarantined reopened",
    "线路 状态 忙时 一圈 请求 重试 超时 校验错 隔离 重开",
)
_DEVICES = Text(
    "device state answered busy round-trip requests retries timeouts CRC quarantined next",
    "设备 状态 上次应答 占用 用时 请求 重试 超时 校验错 隔离 下次",
)


def show(file: Path, said: Language, as_json: bool) -> int:
    """Print it; 1 when no agent runs with this file, or none can be asked."""
    config, problems = load(file)
    if config is None:
        return tell_problems(problems, as_json) or 1
    try:
        status = fetch(door_of(config.spool))
    except NoAgent:
        return _nobody(config, said, as_json)
    except (OSError, msgspec.DecodeError) as error:
        complain(Text(f"the agent cannot be asked: {error}", f"无法询问采集端：{error}")[said])
        return 1
    if as_json:
        for one in (status.agent, *status.links, *status.devices, *status.notes):
            put(msgspec.to_builtins(one))
    else:
        print("\n".join(rendered(status, said)))
    return 0


def _nobody(config: AgentConfig, said: Language, as_json: bool) -> int:
    """No agent runs: what its spool still holds."""
    held = undelivered(config.spool)
    if as_json:
        put({"kind": "agent", "site": config.site, "running": False, "waiting": held})
        return 1
    spool = Text(f"there is no spool at {config.spool}", f"{config.spool} 处没有缓存文件")
    if held is not None:
        spool = Text(f"its spool holds {held} rows not delivered", f"缓存中有 {held} 行待送")
    text = Text(
        f"no agent of site {config.site} runs; {spool.en}", f"站点 {config.site} 没有运行中的采集端；{spool.zh}"
    )
    complain(text[said])
    return 1


def rendered(status: Status, said: Language) -> list[str]:
    """The whole status as lines of text: the agent, its notes, its lines, its devices, the silent and slowest first."""
    lines = [*_agent(status.agent, said)]
    lines += [f"! {note.text[said]}" for note in status.notes]
    if status.links:
        lines += ["", *_table(_LINKS[said].split(), (_link(one, said) for one in status.links))]
    if status.devices:
        lines += ["", *_table(_DEVICES[said].split(), (_device(one, said) for one in status.devices))]
    return lines


def _agent(agent: AgentStatus, said: Language) -> list[str]:
    up = _ago(agent.uptime_s, said)
    time = Text("time known", "时间已校准") if agent.time == "known" else Text("TIME ESTIMATED", "时间为估计值")
    lines = [
        Text(
            f"agent {agent.site} {agent.version}, up {up}, {time.en}",
            f"采集端 {agent.site} {agent.version}，已运行 {up}，{time.zh}",
        )
    ]
    if agent.uplink_failures:
        tried = agent.uplink_failures
        lines.append(
            Text(
                f"NOT DELIVERING to {agent.collector} ({agent.uplink}), tried {tried} times",
                f"无法送达 {agent.collector}（{agent.uplink}），已试 {tried} 次",
            )
        )
    else:
        lines.append(Text(f"delivers to {agent.collector}", f"正常送达 {agent.collector}"))
    if agent.waiting is None:
        lines.append(
            Text(
                f"THE SPOOL REFUSES; {agent.in_memory} records in memory",
                f"缓存无法写入；内存中有 {agent.in_memory} 条",
            )
        )
    else:
        size = (agent.spool_bytes or 0) / 1e6
        lines.append(
            Text(
                f"spool {agent.waiting} rows waiting, {agent.rejected} rejected, {size:.1f} MB",
                f"缓存 {agent.waiting} 行待送，{agent.rejected} 行被拒，{size:.1f} MB",
            )
        )
    if agent.counts:
        counted = ", ".join(f"{name} {value:g}" for name, value in sorted(agent.counts.items()))
        lines.append(Text(f"counted: {counted}", f"计数：{counted}"))
    return [line[said] for line in lines]


def _link(link: LinkStatus, said: Language) -> list[str]:
    state = Text("open", "正常")
    if link.state is LinkState.GONE:
        ago = _ago(link.gone_s, said)
        state = Text(f"GONE for {ago}", f"端口消失 {ago}")
    return [
        link.link,
        state[said],
        _percent(link.cost),
        f"{link.round_s:.2f} s",
        *_counts(link.cost),
        str(link.reopened),
    ]


def _device(device: DeviceStatus, said: Language) -> list[str]:
    state = _STATES[device.state][said].format(ago=_ago(device.silent_s, said))
    took = _NONE[said] if device.round_trip_s is None else f"{device.round_trip_s:.3f} s"
    coming = f"{_TIERS[device.next][said]} {device.next_s:.1f} s"
    return [
        device.device,
        state,
        _ago(device.answered_s, said),
        _percent(device.cost),
        took,
        *_counts(device.cost),
        coming,
    ]


def _percent(share: Share) -> str:
    return f"{share.airtime:.1f}%"


def _counts(share: Share) -> list[str]:
    numbers = (share.requests, share.retries, share.timeouts, share.crc_errors, share.quarantined)
    return [str(number) for number in numbers]


def _ago(seconds: float | None, said: Language) -> str:
    """An age as a person says it."""
    if seconds is None:
        return _NONE[said]
    if seconds < 60:
        return Text(f"{seconds:.0f} s", f"{seconds:.0f} 秒")[said]
    if seconds < _HOUR:
        return Text(f"{seconds / 60:.0f} min", f"{seconds / 60:.0f} 分钟")[said]
    return Text(f"{seconds / _HOUR:.1f} h", f"{seconds / _HOUR:.1f} 小时")[said]


def _table(head: list[str], rows: Iterable[list[str]]) -> list[str]:
    """Columns as wide as their widest cell; a Chinese character takes two places."""
    cells = [head, *rows]
    widths = [max(_width(row[n]) for row in cells) for n in range(len(head))]
    return [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
