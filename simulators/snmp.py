"""An SNMP v2c agent's answers: request, objects -> datagram. Pure, read only (RFC 1905, RFC 3416).

Values come encoded from `objects`, the envelope is `envelope`'s. GETBULK gives as many rows as fit; a GET
that does not fit is tooBig; SET is notWritable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from simulators.envelope import END_OF_VIEW, NO_INSTANCE, NO_OBJECT, Request, response
from simulators.objects import Objects, Oid, objectid

#: A reply is kept below one Ethernet frame, as real cards do.
_MOST_OCTETS = 1400
_TOO_BIG, _NOT_WRITABLE = 1, 17


def reply(asked: Request, objects: Objects) -> bytes:
    """The response datagram."""
    if asked.verb == "set":
        return response(asked, asked.raw, _NOT_WRITABLE, 1)
    if asked.verb == "get":
        found = [(oid, objects.get(oid) or _missing(oid, objects)) for oid in asked.oids]
    elif asked.verb == "next":
        found = _following(asked.oids, sorted(objects), objects)
    else:
        return response(asked, _sequence(_bulk(asked, objects)))
    packed = b"".join(_binding(oid, value) for oid, value in found)
    if len(packed) > _MOST_OCTETS:
        return response(asked, asked.raw, _TOO_BIG)
    return response(asked, _sequence(packed))


def _missing(oid: Oid, objects: Objects) -> bytes:
    """noSuchInstance where the column or scalar exists, else noSuchObject."""
    kin = oid[:-1]
    return NO_INSTANCE if any(known[: len(kin)] == kin for known in objects) else NO_OBJECT


def _following(oids: Sequence[Oid], order: list[Oid], objects: Objects) -> list[tuple[Oid, bytes]]:
    found = []
    for oid in oids:
        place = bisect_right(order, oid)
        found.append((order[place], objects[order[place]]) if place < len(order) else (oid, END_OF_VIEW))
    return found


def _bulk(asked: Request, objects: Objects) -> bytes:
    order = sorted(objects)
    single, repeated = asked.oids[: asked.non_repeaters], asked.oids[asked.non_repeaters :]
    parts = [_binding(*pair) for pair in _following(single, order, objects)]
    size = sum(map(len, parts))
    for _ in range(asked.max_repetitions if repeated else 0):
        row = _following(repeated, order, objects)
        for pair in row:
            part = _binding(*pair)
            size += len(part)
            if size > _MOST_OCTETS:
                return b"".join(parts)
            parts.append(part)
        if all(value == END_OF_VIEW for _, value in row):
            break
        repeated = tuple(oid for oid, _ in row)
    return b"".join(parts)


@lru_cache(maxsize=8192)
def _binding(oid: Oid, value: bytes) -> bytes:
    return _sequence(objectid(oid) + value)


def _sequence(content: bytes) -> bytes:
    """BER SEQUENCE of what is encoded already."""
    size = len(content)
    if size < 128:
        return bytes((0x30, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((0x30, 0x80 | len(octets))) + octets + content
