"""An RFC 1628 card on a loopback address of its own: a dictionary behind a real socket, which may fall silent.

Its alarm table is the only thing that moves: `alarms` are the numbers of upsWellKnownAlarms that stand.
"""

from __future__ import annotations

import socket
import threading
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import rfc1905
from pysnmp.proto.api import v2c

_UPS = "1.3.6.1.2.1.33.1"
Oid = tuple[int, ...]


def oid(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


class Card:
    """What it says. Safe to change from the test's thread."""

    def __init__(self) -> None:
        self.alarms: set[int] = set()
        self.silent = False
        self.asked = 0

    def objects(self) -> dict[Oid, object]:
        alarms = sorted(self.alarms)
        plain = {
            "1.3.6.1.2.1.1.1.0": v2c.OctetString("a card"),
            "1.3.6.1.2.1.1.2.0": v2c.ObjectIdentifier("1.3.6.1.4.1.99999.1"),
            f"{_UPS}.2.1.0": v2c.Integer(2),
            f"{_UPS}.4.1.0": v2c.Integer(5 if 2 in alarms else 3),
            f"{_UPS}.6.1.0": v2c.Gauge32(len(alarms)),
        }
        rows = {f"{_UPS}.6.2.1.2.{n}": v2c.ObjectIdentifier(f"{_UPS}.6.3.{n}") for n in alarms}
        return {oid(place): value for place, value in sorted((plain | rows).items(), key=lambda one: oid(one[0]))}

    def answer(self, datagram: bytes) -> bytes | None:
        message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
        pdu = v2c.apiMessage.get_pdu(message)
        self.asked += 1
        if self.silent:
            return None
        shown = self.objects()
        order = list(shown)
        bulk = isinstance(pdu, rfc1905.GetBulkRequestPDU)
        asked = [tuple(name) for name, _ in (v2c.apiBulkPDU if bulk else v2c.apiPDU).get_varbinds(pdu)]
        found: list[tuple[Oid, object]] = []
        if isinstance(pdu, rfc1905.GetRequestPDU):
            found = [(one, shown.get(one, rfc1905.noSuchObject)) for one in asked]
        for one in [] if found else asked:
            for _ in range(int(v2c.apiBulkPDU.get_max_repetitions(pdu)) if bulk else 1):
                place = bisect_right(order, one)
                found.append((order[place], shown[order[place]]) if place < len(order) else (one, rfc1905.endOfMibView))
                one = found[-1][0]
        reply = v2c.apiMessage.get_response(message)
        v2c.apiPDU.set_varbinds(v2c.apiMessage.get_pdu(reply), found)
        return bytes(encoder.encode(reply))


@contextmanager
def plugged_in(card: Card, host: str) -> Iterator[str]:
    """The card at `host`; gives HOST:PORT."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((host, 0))
        wire.settimeout(0.1)
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    datagram, sender = wire.recvfrom(65536)
                except TimeoutError:
                    continue
                reply = card.answer(datagram)
                if reply:
                    wire.sendto(reply, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"{host}:{wire.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()
