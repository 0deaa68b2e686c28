"""Links: open wires, one owner each. The only rooms of the agent that wait for a device."""

from __future__ import annotations

from agent import address
from agent.address import SNMP_AUTH, SNMP_PRIV, DeviceUrl
from agent.drivers.exchange import Failure
from agent.links.adapters import AtPath, OfAdapter
from agent.links.apcupsd import ApcupsdLink
from agent.links.megatec_line import MegatecLink
from agent.links.modbus_rtu import ModbusRtuLink
from agent.links.modbus_tcp import ModbusTcpLink
from agent.links.nut import NutLink
from agent.links.owner import Link
from agent.links.port import TcpPort
from agent.links.reach import ConnectLink, IcmpLink
from agent.links.rs485 import Direction
from agent.links.secrets import community_of, keys_of
from agent.links.serial_port import SerialPort
from agent.links.snmp import SnmpLink
from agent.links.snmp_engines import Engines
from agent.links.snmp_user import Credentials

__all__ = ["Failure", "Link", "open_link"]

#: The SNMPv3 engines that this process has met.
ENGINES = Engines()
_BAUD = {address.RTU: "9600", address.MEGATEC: "2400"}


def open_link(url: DeviceUrl) -> Link:
    """The owner of the line behind a URL. It opens the port when it is first asked."""
    timeout_s = url.timeout_s
    match url.scheme:
        case address.TCP:
            return ModbusTcpLink(url.host, url.port, timeout_s)
        case address.RTU_OVER_TCP:
            return ModbusRtuLink(TcpPort(url.host, url.port, timeout_s), timeout_s)
        case address.RTU:
            return ModbusRtuLink(_serial(url), timeout_s)
        case address.MEGATEC:
            return MegatecLink(_serial(url), timeout_s)
        case address.ICMP:
            return IcmpLink(url.host, timeout_s)
        case address.CONNECT:
            return ConnectLink(url.host, url.port, timeout_s)
        case address.NUT:
            return NutLink(url.host, url.port, timeout_s)
        case address.APCUPSD:
            return ApcupsdLink(url.host, url.port, timeout_s)
        case _:
            return _snmp(url, timeout_s)


def _snmp(url: DeviceUrl, timeout_s: float) -> SnmpLink:
    user = None
    version = url.option("version", "2c")
    if version == "3":
        user = Credentials(
            user=url.option("user"),
            auth=SNMP_AUTH.get(url.option("auth"), ""),
            priv=SNMP_PRIV.get(url.option("priv"), ""),
            keys=lambda: keys_of(url),
        )
    budget_s = float(url.option("budget", "0"))
    return SnmpLink(
        url.host, url.port, version, lambda: community_of(url), timeout_s, user=user, budget_s=budget_s, engines=ENGINES
    )


def _serial(url: DeviceUrl) -> SerialPort:
    adapter, way = url.option("adapter"), url.option("rs485")
    before_s, after_s = (float(url.option(name, "0")) / 1000 for name in ("rts_before_ms", "rts_after_ms"))
    return SerialPort(
        OfAdapter(adapter) if adapter else AtPath(url.path),
        baud=int(url.option("baud", _BAUD[url.scheme])),
        bits=int(url.option("bits", "8")),
        parity=url.option("parity", "N"),
        stop=int(url.option("stop", "1")),
        direction=Direction(way, before_s, after_s) if way else None,
    )
