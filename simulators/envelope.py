"""The envelope of SNMP v2c: datagram <-> request, with pyasn1. Pure.

pyasn1 takes message and PDU apart and leaves the variable bindings as they are (`Any`): a poller asks the
same list again and again, so each list is decoded once and remembered. With that a request of twenty
objects costs a third of a millisecond instead of five; replies are put together from encoded parts.
"""
# pyasn1 and pysnmp have no types of their own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from functools import lru_cache

import msgspec
from pyasn1.codec.ber import decoder, encoder
from pyasn1.error import PyAsn1Error
from pyasn1.type import namedtype, tag, univ
from pysnmp.proto import rfc1905

from simulators.objects import Oid

_V2C = 1
SEQUENCE, _RESPONSE = 0x30, 0xA2
NO_INSTANCE = bytes(encoder.encode(rfc1905.noSuchInstance))
NO_OBJECT = bytes(encoder.encode(rfc1905.noSuchObject))
END_OF_VIEW = bytes(encoder.encode(rfc1905.endOfMibView))


class _Pdu(univ.Sequence):
    """Any PDU; the second and third field mean different things in GETBULK."""

    componentType = namedtype.NamedTypes(  # noqa: N815 - pyasn1's name
        namedtype.NamedType("id", univ.Integer()),
        namedtype.NamedType("second", univ.Integer()),
        namedtype.NamedType("third", univ.Integer()),
        namedtype.NamedType("bindings", univ.Any()),
    )


def _tagged(number: int) -> univ.Sequence:
    tagged: univ.Sequence = _Pdu().subtype(implicitTag=tag.Tag(tag.tagClassContext, tag.tagFormatConstructed, number))
    return tagged


class _Pdus(univ.Choice):
    componentType = namedtype.NamedTypes(  # noqa: N815 - pyasn1's name
        *(namedtype.NamedType(name, _tagged(number)) for number, name in enumerate(("get", "next", "response", "set"))),
        namedtype.NamedType("bulk", _tagged(5)),
    )


class _Message(univ.Sequence):
    componentType = namedtype.NamedTypes(  # noqa: N815 - pyasn1's name
        namedtype.NamedType("version", univ.Integer()),
        namedtype.NamedType("community", univ.OctetString()),
        namedtype.NamedType("data", _Pdus()),
    )


_MESSAGE = _Message()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One datagram understood."""

    verb: str  #: get, next, bulk, set
    id: int
    non_repeaters: int
    max_repetitions: int
    raw: bytes  #: the bindings as they came
    community: bytes

    @property
    def oids(self) -> tuple[Oid, ...]:
        return _names(self.raw)


def request(datagram: bytes) -> Request | None:
    """The request in `datagram`; None when it is not one of SNMP v2c."""
    try:
        message, rest = decoder.decode(datagram, asn1Spec=_MESSAGE)
        verb = message["data"].getName()
        body = message["data"].getComponent()
        if rest or int(message["version"]) != _V2C or verb == "response":
            return None
        asked = Request(
            verb=verb,
            id=int(body["id"]),
            non_repeaters=max(int(body["second"]), 0),
            max_repetitions=max(int(body["third"]), 0),
            raw=bytes(body["bindings"]),
            community=bytes(message["community"]),
        )
        _names(asked.raw)
    except (PyAsn1Error, ValueError, IndexError):
        return None
    return asked


@lru_cache(maxsize=1024)
def _names(bindings: bytes) -> tuple[Oid, ...]:
    found, _ = decoder.decode(bindings, asn1Spec=rfc1905.VarBindList())
    return tuple(tuple(binding[0]) for binding in found)


def tlv(tag_octet: int, content: bytes) -> bytes:
    """BER: what is encoded already, under a tag and its length."""
    size = len(content)
    if size < 128:
        return bytes((tag_octet, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag_octet, 0x80 | len(octets))) + octets + content


def response(asked: Request, bindings: bytes, status: int = 0, index: int = 0) -> bytes:
    """The datagram that answers `asked` with an encoded list of bindings."""
    numbers = b"".join(bytes(encoder.encode(univ.Integer(number))) for number in (asked.id, status, index))
    return tlv(SEQUENCE, _head(asked.community) + tlv(_RESPONSE, numbers + bindings))


@lru_cache(maxsize=16)
def _head(community: bytes) -> bytes:
    return bytes(encoder.encode(univ.Integer(_V2C)) + encoder.encode(univ.OctetString(community)))
