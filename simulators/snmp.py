"""An SNMP agent's answers: request, view -> bindings or an error. Pure, read only (RFC 1157, RFC 3416, RFC 3584).

The envelopes are `envelope`'s and `v3`'s. GETBULK gives as many rows as fit; a GET that does not fit is tooBig; SET is
notWritable. Version 1 knows no GETBULK and no exceptions: what is missing, or behind the end, or 64 bits wide, is
noSuchName with its place in the list, and GETNEXT steps over 64-bit counters.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pysnmp.proto import rfc1902

from simulators.envelope import END_OF_VIEW, NO_INSTANCE, NO_OBJECT, SEQUENCE, V1, Pdu, Request, response, tlv
from simulators.objects import Oid, View, encoded, objectid

#: A reply is kept below one Ethernet frame, as real cards do.
_MOST_OCTETS = 1400
_TOO_BIG, _NO_SUCH_NAME, _NOT_WRITABLE = 1, 2, 17


class Answered(NamedTuple):
    """The bindings, encoded, and what was wrong with which (1-based) of them."""

    bindings: bytes
    status: int = 0
    place: int = 0


def reply(asked: Request, shown: View) -> bytes:
    """The response datagram of v1 or v2c."""
    return response(asked, *answer(asked, shown, old=asked.version == V1))


def answer(asked: Pdu, shown: View, *, old: bool = False) -> Answered:
    """What the view has of what is asked; `old`: in the way of version 1."""
    if asked.verb == "set":
        return Answered(asked.raw, _NO_SUCH_NAME if old else _NOT_WRITABLE, 1)
    if asked.verb == "bulk":
        return Answered(tlv(SEQUENCE, _bulk(asked, shown)))
    if asked.verb == "get":
        parts = [_exact(oid, shown, old=old) for oid in asked.oids]
    else:
        parts = [binding for _, binding in _following(asked.oids, shown, old=old)]
    if old and b"" in parts:
        return Answered(asked.raw, _NO_SUCH_NAME, parts.index(b"") + 1)
    packed = b"".join(parts)
    if len(packed) > _MOST_OCTETS:
        return Answered(asked.raw, _TOO_BIG)
    return Answered(tlv(SEQUENCE, packed))


def _exact(oid: Oid, shown: View, *, old: bool) -> bytes:
    """The binding; for version 1 nothing where it has none."""
    value = shown.objects.get(oid)
    if value is not None and not (old and value[0] is rfc1902.Counter64):
        return _binding(oid, encoded(value))
    if old:
        return b""
    place = bisect_left(shown.order, oid[:-1])
    known = place < len(shown.order) and shown.order[place][: len(oid) - 1] == oid[:-1]
    return _binding(oid, NO_INSTANCE if known else NO_OBJECT)


def _following(oids: Sequence[Oid], shown: View, *, old: bool = False) -> list[tuple[Oid | None, bytes]]:
    """For each OID the next one and its binding; behind the last None and endOfMibView (version 1: nothing)."""
    found: list[tuple[Oid | None, bytes]] = []
    for oid in oids:
        place = bisect_right(shown.order, oid)
        while old and place < len(shown.order) and shown.objects[shown.order[place]][0] is rfc1902.Counter64:
            place += 1
        if place < len(shown.order):
            after = shown.order[place]
            found.append((after, _binding(after, encoded(shown.objects[after]))))
        else:
            found.append((None, b"" if old else _binding(oid, END_OF_VIEW)))
    return found


def _bulk(asked: Pdu, shown: View) -> bytes:
    single, repeated = asked.oids[: asked.non_repeaters], asked.oids[asked.non_repeaters :]
    parts = [binding for _, binding in _following(single, shown)]
    size = sum(map(len, parts))
    for _ in range(asked.max_repetitions if repeated else 0):
        row = _following(repeated, shown)
        for _, binding in row:
            size += len(binding)
            if size > _MOST_OCTETS:
                return b"".join(parts)
            parts.append(binding)
        if all(after is None for after, _ in row):
            break
        repeated = tuple(after or before for (after, _), before in zip(row, repeated, strict=True))
    return b"".join(parts)


def _binding(oid: Oid, value: bytes) -> bytes:
    return tlv(SEQUENCE, encoded(objectid(oid)) + value)
