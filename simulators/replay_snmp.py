"""A recorded SNMP device as an agent of v2c: request -> datagram, or silence. Pure.

What was recorded are requests and values, not datagrams, so the agent is built anew: it shows the values of the exchange
that a request belongs to, and moves on to the next one of its kind when the same is asked again. Requests that came in
several packets then (a walk, a long get) are one exchange. An integer is given back as Integer32, else as Gauge32, else
as Counter64: which it was then is not known.
"""
# pysnmp has no types of its own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from bisect import bisect_left

from pysnmp.proto import rfc1902

from model.flight import Asked, Flight
from model.flight import Value as Recorded
from simulators import snmp
from simulators.envelope import Request
from simulators.objects import Objects, Oid, Value, View, view
from simulators.replay import Place

_Kind = tuple[str, tuple[str, ...]]


class Kind:
    """Exchanges of the same request, and how far they were given."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.times: list[float] = []
        self.given = -1
        self.told: set[Oid] = set()  #: of the present exchange: asked again, it is the next one

    @property
    def present(self) -> Asked:
        return self.asked[max(self.given, 0)]


class SnmpTape:
    """One device."""

    def __init__(self, flight: Flight, device: str) -> None:
        self.place = Place()
        self._kinds: dict[_Kind, Kind] = {}
        for frame in flight.frames:
            if isinstance(frame, Asked) and frame.device == device:
                kind = self._kinds.setdefault((frame.verb, frame.oids), Kind())
                kind.asked.append(frame)
                kind.times.append(frame.t)
        self._objects: Objects = {}
        self._shown: View | None = None
        for kind in self._kinds.values():
            self._show(kind.asked[0])

    @property
    def over(self) -> bool:
        """Whether all that was asked of it has got the last that was recorded."""
        asked = [kind for kind in self._kinds.values() if kind.given >= 0]
        return bool(asked) and all(kind.given == len(kind.asked) - 1 for kind in asked)

    def answer(self, request: Request) -> bytes | None:
        """The datagram, or None where there was silence."""
        kind = self._kind(request)
        if kind is not None:
            self._move(kind, request)
            if kind.present.failure:
                return None
        self._shown = view(self._objects, self._shown)
        return snmp.reply(request, self._shown)

    def _kind(self, request: Request) -> Kind | None:
        """Which recorded request this one is, or a part of."""
        if not request.oids:
            return None
        if request.verb == "get":
            asked = {_text(oid) for oid in request.oids}
            return next((k for (verb, oids), k in self._kinds.items() if verb == "get" and asked <= set(oids)), None)
        first = request.oids[0]
        roots = [(_oid(oids[0]), kind) for (verb, oids), kind in self._kinds.items() if verb == "walk"]
        fitting = [(root, kind) for root, kind in roots if first[: len(root)] == root]
        return max(fitting, key=lambda one: len(one[0]), default=(None, None))[1]

    def _move(self, kind: Kind, request: Request) -> None:
        """On to the next exchange when this one is asked anew."""
        again = bool(kind.told & set(request.oids))
        if kind.given >= 0 and not again:
            kind.told.update(request.oids)
            return
        if request.verb != "get" and kind.given >= 0 and _text(request.oids[0]) != kind.present.oids[0]:
            return  # a packet of a walk that was lost and is asked for again
        kind.told = set(request.oids)
        kind.given = self.place.choose(kind.times, kind.given)
        self.place.served(kind.present.t)
        self._show(kind.present)

    def _show(self, asked: Asked) -> None:
        """The objects as this exchange saw them."""
        if asked.failure:
            return
        if asked.verb == "get":
            for text in asked.oids:
                self._objects.pop(_oid(text), None)
        elif not asked.limit:
            for oid in _below(_oid(asked.oids[0]), sorted(self._objects)):
                del self._objects[oid]
        for text, value in asked.values:
            made = _value(value)
            if made is not None:
                self._objects[_oid(text)] = made


def _below(root: Oid, order: list[Oid]) -> list[Oid]:
    start = bisect_left(order, root)
    return [oid for oid in order[start:] if oid[: len(root)] == root]


def _oid(text: str) -> Oid:
    return tuple(map(int, text.split(".")))


def _text(oid: Oid) -> str:
    return ".".join(map(str, oid))


def _value(value: Recorded) -> Value | None:
    """What it is on the wire; a NULL was an absent variable."""
    match value:
        case bytes():
            return rfc1902.OctetString, value
        case str():
            return rfc1902.ObjectIdentifier, _oid(value)
        case int():
            if -(2**31) <= value < 2**31:
                return rfc1902.Integer32, value
            return (rfc1902.Gauge32, value) if 0 <= value < 2**32 else (rfc1902.Counter64, value & (2**64 - 1))
        case float():
            return rfc1902.OctetString, f"{value:g}".encode()
    return None
