"""A switch: ports whose counters rise with traffic, state, dt -> state. Pure.

Counters are exact sums of rate x time, kept as floats and shown as whole numbers; a share of the packets
in can be errors. Without power it is dark; when power returns it boots for `BOOT_S` and starts from zero.
"""

from __future__ import annotations

import msgspec

from model.points import OperStatus

BOOT_S = 30.0
_OCTETS_A_PACKET_IN = 620.0
_OCTETS_A_PACKET_OUT = 540.0


class PortMake(msgspec.Struct, frozen=True, kw_only=True):
    """A port as it was built and is used."""

    name: str
    alias: str = ""
    mbit: int = 1000
    packets_in: float = 200.0  #: a second, on average
    packets_out: float = 160.0
    enabled: bool = True


class SwitchMake(msgspec.Struct, frozen=True, kw_only=True):
    """A switch as it was built."""

    ports: tuple[PortMake, ...]


class PortState(msgspec.Struct, frozen=True, kw_only=True):
    """A port now; packets and errors have been counted since the switch came up."""

    oper: OperStatus
    error_share: float = 0.0  #: of the packets in
    packets_in: float = 0.0
    packets_out: float = 0.0
    errors_in: float = 0.0
    changed_s: float = 0.0  #: sysUpTime of the last change of `oper`


class SwitchState(msgspec.Struct, frozen=True, kw_only=True):
    """A switch now."""

    uptime_s: float  #: below zero: still booting
    powered: bool
    ports: tuple[PortState, ...]
    boots: int = 1  #: how often it has started

    @property
    def answering(self) -> bool:
        return self.powered and self.uptime_s >= 0


def fresh(make: SwitchMake, uptime_s: float, octets: int | None = None) -> SwitchState:
    """Long since up, with the counters that its average traffic would have left, or `octets` each way on each port."""
    ports = tuple(_port(port, uptime_s, octets) for port in make.ports)
    return SwitchState(uptime_s=uptime_s, powered=True, ports=ports)


def rebooted(state: SwitchState, seconds: float) -> SwitchState:
    """It starts anew: silent for `seconds`, then with every counter at zero."""
    links = tuple(PortState(oper=old.oper, error_share=old.error_share) for old in state.ports)
    return SwitchState(uptime_s=-seconds, powered=True, ports=links, boots=state.boots + 1)


def _port(make: PortMake, uptime_s: float, octets: int | None) -> PortState:
    if not make.enabled:
        return PortState(oper=OperStatus.DOWN)
    if octets is not None:
        into, out = octets / _OCTETS_A_PACKET_IN, octets / _OCTETS_A_PACKET_OUT
        return PortState(oper=OperStatus.UP, packets_in=into, packets_out=out)
    return PortState(oper=OperStatus.UP, packets_in=make.packets_in * uptime_s, packets_out=make.packets_out * uptime_s)


def step(make: SwitchMake, state: SwitchState, *, powered: bool, traffic: float, dt_s: float) -> SwitchState:
    """`dt_s` later; `traffic` scales every port's average rate."""
    if not powered:
        return msgspec.structs.replace(state, powered=False)
    if not state.powered:
        return rebooted(state, BOOT_S - dt_s)
    uptime_s = state.uptime_s + dt_s
    if uptime_s < 0:
        return msgspec.structs.replace(state, uptime_s=uptime_s)
    ports = tuple(_carry(of, port, traffic, dt_s) for of, port in zip(make.ports, state.ports, strict=True))
    return msgspec.structs.replace(state, uptime_s=uptime_s, ports=ports)


def _carry(make: PortMake, port: PortState, traffic: float, dt_s: float) -> PortState:
    if port.oper != OperStatus.UP:
        return port
    arrived = make.packets_in * traffic * dt_s
    return PortState(
        oper=port.oper,
        error_share=port.error_share,
        packets_in=port.packets_in + arrived * (1 - port.error_share),
        packets_out=port.packets_out + make.packets_out * traffic * dt_s,
        errors_in=port.errors_in + arrived * port.error_share,
        changed_s=port.changed_s,
    )


def with_port(
    state: SwitchState, index: int, *, oper: OperStatus | None = None, error_share: float | None = None
) -> SwitchState:
    """The switch with port `index` (1-based, as ifIndex) linked up or down, or with another share of errors."""
    port = state.ports[index - 1]
    if oper is not None and oper != port.oper:
        port = msgspec.structs.replace(port, oper=oper, changed_s=max(state.uptime_s, 0.0))
    if error_share is not None:
        port = msgspec.structs.replace(port, error_share=error_share)
    return msgspec.structs.replace(state, ports=(*state.ports[: index - 1], port, *state.ports[index:]))


def meters(make: SwitchMake, state: SwitchState) -> dict[str, float]:
    """Every point that the switch could show, `point#ifIndex`."""
    values: dict[str, float] = {"sysUpTime": max(state.uptime_s, 0.0), "ifNumber": float(len(make.ports))}
    for index, (of, port) in enumerate(zip(make.ports, state.ports, strict=True), start=1):
        up = port.oper == OperStatus.UP
        values |= {
            f"ifAdminStatus#{index}": float(OperStatus.UP if of.enabled else OperStatus.DOWN),
            f"ifOperStatus#{index}": float(port.oper),
            f"ifHighSpeed#{index}": float(of.mbit if up else 0),
            f"ifMtu#{index}": 1500.0,
            f"ifLastChange#{index}": port.changed_s,
            f"ifHCInOctets#{index}": float(int(port.packets_in * _OCTETS_A_PACKET_IN)),
            f"ifHCOutOctets#{index}": float(int(port.packets_out * _OCTETS_A_PACKET_OUT)),
            f"ifInUcastPkts#{index}": float(int(port.packets_in)),
            f"ifOutUcastPkts#{index}": float(int(port.packets_out)),
            f"ifInErrors#{index}": float(int(port.errors_in)),
            f"ifOutErrors#{index}": 0.0,
            f"ifInDiscards#{index}": 0.0,
            f"ifOutDiscards#{index}": 0.0,
        }
    return values
