"""An SNMP v2c agent's answers: request, view -> datagram. Pure, read only (RFC 1905, RFC 3416).

The envelope is `envelope`'s. GETBULK gives as many rows as fit; a GET that does not fit is tooBig; SET is
notWritable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from simulators.envelope import END_OF_VIEW, NO_INSTANCE, NO_OBJECT, SEQUENCE, Request, response, tlv
from simulators.objects import Oid, View, encoded, objectid

#: A reply is kept below one Ethernet frame, as real cards do.
_MOST_OCTETS = 1400
_TOO_BIG, _NOT_WRITABLE = 1, 17


def reply(asked: Request, shown: View) -> bytes:
    """The response datagram."""
    if asked.verb == "set":
        return response(asked, asked.raw, _NOT_WRITABLE, 1)
    if asked.verb == "bulk":
        return response(asked, tlv(SEQUENCE, _bulk(asked, shown)))
    if asked.verb == "get":
        packed = b"".join(_exact(oid, shown) for oid in asked.oids)
    else:
        packed = b"".join(binding for _, binding in _following(asked.oids, shown))
    if len(packed) > _MOST_OCTETS:
        return response(asked, asked.raw, _TOO_BIG)
    return response(asked, tlv(SEQUENCE, packed))


def _exact(oid: Oid, shown: View) -> bytes:
    value = shown.objects.get(oid)
    if value is not None:
        return _binding(oid, encoded(value))
    kin = oid[:-1]
    known = any(other[: len(kin)] == kin for other in shown.order)
    return _binding(oid, NO_INSTANCE if known else NO_OBJECT)


def _following(oids: Sequence[Oid], shown: View) -> list[tuple[Oid | None, bytes]]:
    """For each OID the next one and its binding; None and endOfMibView behind the last."""
    found: list[tuple[Oid | None, bytes]] = []
    for oid in oids:
        place = bisect_right(shown.order, oid)
        if place < len(shown.order):
            after = shown.order[place]
            found.append((after, _binding(after, encoded(shown.objects[after]))))
        else:
            found.append((None, _binding(oid, END_OF_VIEW)))
    return found


def _bulk(asked: Request, shown: View) -> bytes:
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
