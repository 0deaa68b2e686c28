"""A switch on a real UDP port whose clock the test turns: counters of 32 and 64 bits that rise by rates, reboots, 497 days.

Nothing of the agent's code is in it: requests are decoded and answered with pysnmp.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api

_V2C = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C]
_WRAP = 2**32
Oid = tuple[int, ...]
_MIB2: Oid = (1, 3, 6, 1, 2, 1)
#: Column below ifTable or ifXTable -> what it counts.
_NARROW = {10: "in_octets", 11: "in_packets", 13: "none", 14: "in_errors", 16: "out_octets", 17: "out_packets", 19: "none", 20: "out_errors"}  # fmt: skip
_WIDE = {6: "in_octets", 7: "in_packets", 10: "out_octets", 11: "out_packets"}


@dataclass
class Port:
    """One port. `rates`: what each counter gains a second; `counts`: since the last reboot, as the device keeps them."""

    mbit_s: int
    wide: bool = False
    rates: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)


@dataclass
class TurnedSwitch(asyncio.DatagramProtocol):
    """`uptime_s` and the counters stand still until `pass_time`."""

    ports: list[Port]
    uptime_s: float = 3600.0
    silent: bool = False
    #: Seconds that pass, or that a reboot takes, when the n-th request comes: {n: seconds}; a negative number is a reboot.
    during: dict[int, float] = field(default_factory=dict)
    requests: int = 0
    _seen: tuple[dict[Oid, object], list[Oid]] | None = None

    def pass_time(self, seconds: float) -> None:
        self.uptime_s += seconds
        self._seen = None
        for port in self.ports:
            for name, rate in port.rates.items():
                port.counts[name] = port.counts.get(name, 0.0) + rate * seconds

    def reboot(self, away_s: float = 60.0) -> None:
        """It comes back with everything at zero, `away_s` after it began to count again."""
        self.uptime_s = 0.0
        for port in self.ports:
            port.counts.clear()
        self.pass_time(away_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.requests += 1
        turned = self.during.pop(self.requests, 0.0)
        if turned < 0:
            self.reboot(-turned)
        elif turned:
            self.pass_time(turned)
        if self.silent:
            return
        message, _ = decoder.decode(data, asn1Spec=_V2C.Message())
        pdu = _V2C.apiMessage.get_pdu(message)
        kind = type(pdu).__name__
        bulk = kind.startswith("GetBulk")
        oids = [tuple(oid) for oid, _ in (_V2C.apiBulkPDU if bulk else _V2C.apiPDU).get_varbinds(pdu)]
        tree, order = self._now()
        if kind == "GetRequestPDU":
            found = [(oid, tree.get(oid, _V2C.NoSuchInstance(""))) for oid in oids]
        else:
            found = self._after(tree, order, oids[0], int(_V2C.apiBulkPDU.get_max_repetitions(pdu)) if bulk else 1)
        reply = _V2C.apiMessage.get_response(message)
        _V2C.apiPDU.set_varbinds(_V2C.apiMessage.get_pdu(reply), found)
        self._transport.sendto(encoder.encode(reply), addr)  # type: ignore[attr-defined]

    @staticmethod
    def _after(tree: dict[Oid, object], order: list[Oid], oid: Oid, count: int) -> list[tuple[Oid, object]]:
        start = bisect.bisect_right(order, oid)
        found: list[tuple[Oid, object]] = [(one, tree[one]) for one in order[start : start + count]]
        return found or [(oid, _V2C.EndOfMibView(""))]

    def _now(self) -> tuple[dict[Oid, object], list[Oid]]:
        """What it holds now, and its OIDs in order; made once for each instant."""
        if self._seen is None:
            tree = self.tree()
            self._seen = tree, sorted(tree)
        return self._seen

    def tree(self) -> dict[Oid, object]:
        tree: dict[Oid, object] = {
            (*_MIB2, 1, 1, 0): _V2C.OctetString("a switch whose clock is turned"),
            (*_MIB2, 1, 2, 0): _V2C.ObjectIdentifier("1.3.6.1.4.1.99999.1"),
            (*_MIB2, 1, 3, 0): _V2C.TimeTicks(int(self.uptime_s * 100) % _WRAP),
            (*_MIB2, 1, 5, 0): _V2C.OctetString("turned"),
            (*_MIB2, 2, 1, 0): _V2C.Integer(len(self.ports)),
        }
        for n, port in enumerate(self.ports, 1):
            entry, more = (*_MIB2, 2, 2, 1), (*_MIB2, 31, 1, 1, 1)
            tree[*entry, 5, n] = _V2C.Gauge32(port.mbit_s * 1_000_000)
            tree[*entry, 7, n] = tree[*entry, 8, n] = _V2C.Integer(1)
            tree[*more, 15, n] = _V2C.Gauge32(port.mbit_s)
            for column, name in _NARROW.items():
                tree[*entry, column, n] = _V2C.Counter32(int(port.counts.get(name, 0)) % _WRAP)
            for column, name in _WIDE.items() if port.wide else ():
                tree[*more, column, n] = _V2C.Counter64(int(port.counts.get(name, 0)))
        return tree


@asynccontextmanager
async def served(switch: TurnedSwitch) -> AsyncIterator[int]:
    """The UDP port on 127.0.0.1 at which it answers."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: switch, local_addr=("127.0.0.1", 0))
    try:
        yield int(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()
