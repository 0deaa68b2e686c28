"""What to look at when a device as a whole gave nothing: a sentence for the person in front of it."""

from __future__ import annotations

from collections.abc import Sequence

from agent import address
from agent.probe import ProbeLine
from model.reading import GapCause
from model.text import Text

#: The causes as a person reads them.
CAUSES = {
    GapCause.NO_ANSWER: Text("no answer", "无应答"),
    GapCause.GARBLED: Text("garbled", "数据损坏"),
    GapCause.REFUSED: Text("refused", "被拒绝"),
    GapCause.NOT_PLAUSIBLE: Text("not plausible", "数值不可信"),
    GapCause.STALE: Text("stale", "数据过期"),
    GapCause.NOT_SUPPORTED: Text("not supported", "不支持"),
}
_SNMP_SILENT = Text(
    "nothing answered; check address, port and version, and the community: an SNMP agent answers nothing at all to a "
    "wrong one, or to an address that is not on its access list; a slow card needs timeout=5 in the URL",
    "没有任何应答；请检查地址、端口、版本和团体名：团体名错误或本机地址不在其访问列表中时，SNMP 设备完全不应答；"
    "较慢的网卡请在 URL 中加 timeout=5",
)
_BUS_SILENT = Text(
    "nothing answered; check the unit number, baud and parity of the device against the URL, and the wires A and B",
    "没有任何应答；请核对设备的站号、波特率和校验位与 URL 是否一致，以及 A、B 线",
)
_LINE_SILENT = Text(
    "nothing answered; check that the cable is a data cable and leads to this port, and the baud rate in the URL",
    "没有任何应答；请检查线缆是否为数据线、是否接在此端口，以及 URL 中的波特率",
)
_TCP_SILENT = Text(
    "nothing answered; check address, port and unit number, and that no other master holds the only connection",
    "没有任何应答；请检查地址、端口和站号，以及是否有其他主站占用了唯一的连接",
)
_REACH_SILENT = Text(
    "nothing answered; check the address, and whether a firewall on the way drops echo requests or this port: then watch another port, tcp://HOST:PORT",
    "没有任何应答；请检查地址，以及途中防火墙是否丢弃回显请求或该端口：可改为监视其他端口 tcp://主机:端口",
)
_GARBLED = Text(
    "what came is no valid answer; check baud and parity, and that no two devices have one number",
    "收到的不是有效应答；请检查波特率和校验位，以及是否有两台设备使用同一站号",
)
_UNREACHED = Text("the port could not be opened or reached: see the reason above", "端口无法打开或到达：原因见上")
_PROFILE = Text(
    "no profile fits what the device says of itself; name one with --profile (docs/profiles.md tells how to write one)",
    "没有配置与设备自述相符；请用 --profile 指定（编写方法见 docs/profiles.md）",
)
_OTHER = Text(
    "the device answers, but has nothing that this profile knows; without --profile the one that fits is chosen",
    "设备有应答，但没有此配置所知的任何数据；不写 --profile 时会自动选择相符的配置",
)
_SILENT = {
    address.SNMP: _SNMP_SILENT,
    address.TCP: _TCP_SILENT,
    address.MEGATEC: _LINE_SILENT,
    address.ICMP: _REACH_SILENT,
    address.CONNECT: _REACH_SILENT,
}


def hint(scheme: str, lines: Sequence[ProbeLine]) -> Text | None:
    """What to look at, or None when something was read."""
    if any(line.cause is None for line in lines) or not lines:
        return None
    first = lines[0]
    if any(line.cause == GapCause.GARBLED for line in lines):
        return _GARBLED
    if first.point is not None:
        return _OTHER
    if first.cause == GapCause.NOT_SUPPORTED:
        return _PROFILE
    return _UNREACHED if first.raw else _SILENT.get(scheme, _BUS_SILENT)
