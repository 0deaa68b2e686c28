"""SNMP values as they stand on the wire: the pysnmp types encoded once, and the system group. Pure.

A value is kept encoded (BER), so that a device with a few hundred objects answers a walk in a fraction of
the time that building pysnmp's objects anew would take.
"""
# pyasn1 and pysnmp have no types of their own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from functools import lru_cache

from pyasn1.codec.ber import encoder
from pyasn1.type import univ
from pysnmp.proto import rfc1902

Oid = tuple[int, ...]
#: Instance -> its encoded value.
Objects = dict[Oid, bytes]
_SYSTEM = (1, 3, 6, 1, 2, 1, 1)
_SERVICES_END_HOST = 72


@lru_cache(maxsize=8192)
def _encoded(type_: type[univ.Integer], value: int) -> bytes:
    return bytes(encoder.encode(type_(value)))


@lru_cache(maxsize=2048)
def octets(text: str) -> bytes:
    return bytes(encoder.encode(rfc1902.OctetString(text.encode())))


@lru_cache(maxsize=2048)
def objectid(oid: Oid) -> bytes:
    return bytes(encoder.encode(rfc1902.ObjectIdentifier(oid)))


def integer(value: float) -> bytes:
    """Integer32, rounded to the nearest."""
    return _encoded(rfc1902.Integer32, round(value))


def gauge32(value: float) -> bytes:
    return _encoded(rfc1902.Gauge32, min(round(value), 0xFFFFFFFF))


def counter32(value: float) -> bytes:
    """Wraps, as it must."""
    return _encoded(rfc1902.Counter32, int(value) & 0xFFFFFFFF)


def counter64(value: float) -> bytes:
    return _encoded(rfc1902.Counter64, int(value) & 0xFFFFFFFFFFFFFFFF)


def timeticks(seconds: float) -> bytes:
    """Hundredths of seconds, wrapping after 497 days."""
    return _encoded(rfc1902.TimeTicks, int(seconds * 100) & 0xFFFFFFFF)


def system_group(description: str, object_id: Oid, name: str, place: str, uptime_s: float) -> Objects:
    """sysDescr … sysServices (RFC 3418)."""
    return {
        (*_SYSTEM, 1, 0): octets(description),
        (*_SYSTEM, 2, 0): objectid(object_id),
        (*_SYSTEM, 3, 0): timeticks(max(uptime_s, 0.0)),
        (*_SYSTEM, 4, 0): octets("duty@example.com"),
        (*_SYSTEM, 5, 0): octets(name),
        (*_SYSTEM, 6, 0): octets(place),
        (*_SYSTEM, 7, 0): integer(_SERVICES_END_HOST),
    }
