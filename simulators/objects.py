"""SNMP values, and a device's objects in their order. Pure.

A value is a pysnmp type and what it holds; it is encoded (BER, by pyasn1) when someone asks for it, and
remembered: most of what a device shows does not change between two polls.
"""
# pyasn1 and pysnmp have no types of their own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from pyasn1.codec.ber import encoder
from pysnmp.proto import rfc1902

Oid = tuple[int, ...]
#: A pysnmp class and its content.
Value = tuple[type, int | bytes | Oid]
#: Instance -> value, in no particular order.
Objects = dict[Oid, Value]
_SYSTEM = (1, 3, 6, 1, 2, 1, 1)
_SERVICES_END_HOST = 72


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A device's objects and their lexicographic order, as GETNEXT walks it."""

    objects: Objects
    order: list[Oid]


def view(objects: Objects, before: View | None) -> View:
    """The objects with their order; the order of the view before serves while the instances are the same."""
    if before and before.objects.keys() == objects.keys():
        return View(objects=objects, order=before.order)
    return View(objects=objects, order=sorted(objects))


@lru_cache(maxsize=8192)
def encoded(value: Value) -> bytes:
    """The value as it stands on the wire."""
    type_, content = value
    return bytes(encoder.encode(type_(content)))


def octets(text: str) -> Value:
    return rfc1902.OctetString, text.encode()


def raw_octets(content: bytes) -> Value:
    return rfc1902.OctetString, content


def objectid(oid: Oid) -> Value:
    return rfc1902.ObjectIdentifier, oid


def integer(value: float) -> Value:
    """Integer32, rounded to the nearest."""
    return rfc1902.Integer32, round(value)


def gauge32(value: float) -> Value:
    return rfc1902.Gauge32, min(round(value), 0xFFFFFFFF)


def counter32(value: float) -> Value:
    """Wraps, as it must."""
    return rfc1902.Counter32, int(value) & 0xFFFFFFFF


def counter64(value: float) -> Value:
    return rfc1902.Counter64, int(value) & 0xFFFFFFFFFFFFFFFF


def timeticks(seconds: float) -> Value:
    """Hundredths of seconds, wrapping after 497 days."""
    return rfc1902.TimeTicks, int(seconds * 100) & 0xFFFFFFFF


def system_group(description: str, object_id: Oid, name: str, place: str, uptime_s: float) -> Objects:
    """sysDescr … sysServices (RFC 3418)."""
    values: Mapping[int, Value] = {
        1: octets(description),
        2: objectid(object_id),
        3: timeticks(max(uptime_s, 0.0)),
        4: octets("duty@example.com"),
        5: octets(name),
        6: octets(place),
        7: integer(_SERVICES_END_HOST),
    }
    return {(*_SYSTEM, number, 0): value for number, value in values.items()}
