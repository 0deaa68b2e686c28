"""SNMPv1 and v2c traps and informs: datagram in, what it says out; and the answer to an inform. Pure, with pysnmp's codecs.

A v1 trap is told as v2c names it (RFC 3584, 3.1): generic 0..5 -> 1.3.6.1.6.3.1.1.5.(n+1), else enterprise.0.specific.
"""
# pyasn1 and pysnmp have no types of their own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import api, rfc1902, rfc1905
from pysnmp.proto.api import v1, v2c

from agent.traps.message import MOST_BINDS, MOST_TEXT, Bind

_STANDARD = "1.3.6.1.6.3.1.1.5"
UPTIME, TRAP_OID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
#: snmpTrapAddress: whom a proxy speaks for.
TRAP_ADDRESS = "1.3.6.1.6.3.18.1.3.0"
_SPECIFIC = 6


class Undecoded(ValueError):
    """No trap or inform of SNMPv1 or v2c; the message says what it is instead."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one datagram says, whoever sent it."""

    version: str
    community: bytes = b""
    oid: str = ""
    uptime_s: float | None = None
    binds: tuple[Bind, ...] = ()
    agent: str = ""  #: the address that the message itself names
    inform: bool = False


def version_of(datagram: bytes) -> int:
    """The version field: 0 is v1, 1 is v2c, 3 is v3. Raises `Undecoded`."""
    try:
        return int(api.decodeMessageVersion(datagram))
    except Exception as error:  # the codec is fed hostile bytes, and raises what it likes
        raise Undecoded("not an SNMP message") from error


def said(datagram: bytes) -> Said:
    """What a v1 or v2c datagram says. Raises `Undecoded`."""
    try:
        version = version_of(datagram)
        module = api.PROTOCOL_MODULES[version]
        message, _ = decoder.decode(datagram, asn1Spec=module.Message())
        pdu = module.apiMessage.get_pdu(message)
        community = bytes(module.apiMessage.get_community(message))
        told = _v1(pdu) if version == api.SNMP_VERSION_1 else _v2(pdu)
        return msgspec.structs.replace(told, community=community)
    except Undecoded:
        raise
    except Exception as error:  # the codec is fed hostile bytes, and raises what it likes
        raise Undecoded(f"not a trap: {type(error).__name__}") from error


def acknowledgement(datagram: bytes) -> bytes:
    """The response to a v2c inform that `said` understood."""
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    response = v2c.apiMessage.get_response(message)
    asked = v2c.apiMessage.get_pdu(message)
    answer = v2c.apiMessage.get_pdu(response)
    v2c.apiPDU.set_varbinds(answer, v2c.apiPDU.get_varbinds(asked))
    return bytes(encoder.encode(response))


def _v1(pdu: Any) -> Said:
    if not isinstance(pdu, v1.TrapPDU):
        raise Undecoded(f"{type(pdu).__name__}, no trap")
    generic, specific = int(v1.apiTrapPDU.get_generic_trap(pdu)), int(v1.apiTrapPDU.get_specific_trap(pdu))
    enterprise = str(v1.apiTrapPDU.get_enterprise(pdu))
    return Said(
        version="1",
        oid=f"{enterprise}.0.{specific}" if generic >= _SPECIFIC else f"{_STANDARD}.{generic + 1}",
        uptime_s=int(v1.apiTrapPDU.get_timestamp(pdu)) / 100,
        binds=binds_of(v1.apiTrapPDU.get_varbinds(pdu)),
        agent=v1.apiTrapPDU.get_agent_address(pdu).prettyPrint(),
    )


def _v2(pdu: Any) -> Said:
    if not isinstance(pdu, v2c.SNMPv2TrapPDU | v2c.InformRequestPDU):
        raise Undecoded(f"{type(pdu).__name__}, no trap")
    return of_binds("2c", binds_of(v2c.apiPDU.get_varbinds(pdu)), inform=isinstance(pdu, v2c.InformRequestPDU))


def of_binds(version: str, all_binds: Iterable[Bind], *, inform: bool) -> Said:
    """What the variables of a v2c or v3 notification say: the first two name time and trap."""
    known = {UPTIME: "", TRAP_OID: "", TRAP_ADDRESS: ""}
    rest: list[Bind] = []
    for bind in all_binds:
        if bind.oid in known:
            known[bind.oid] = str(bind.value)
        else:
            rest.append(bind)
    ticks = known[UPTIME]
    return Said(
        version=version,
        oid=known[TRAP_OID],
        uptime_s=int(ticks) / 100 if ticks.isdigit() else None,
        binds=tuple(rest),
        agent=known[TRAP_ADDRESS],
        inform=inform,
    )


def binds_of(pairs: Iterable[tuple[Any, Any]]) -> tuple[Bind, ...]:
    """The variables, bounded in number and length."""
    out: list[Bind] = []
    for oid, value in pairs:
        if len(out) == MOST_BINDS:
            break
        out.append(_bind(str(oid), value))
    return tuple(out)


def _bind(oid: str, value: Any) -> Bind:
    if isinstance(value, rfc1905.UnSpecified | v1.Null | v2c.Null):
        return Bind(oid, "none", "")
    if isinstance(value, v1.ObjectIdentifier | rfc1902.ObjectIdentifier):
        return Bind(oid, "oid", str(value))
    if isinstance(value, v1.IpAddress | v1.NetworkAddress | rfc1902.IpAddress):
        return Bind(oid, "ip", value.prettyPrint())
    if isinstance(value, v1.Integer):
        return Bind(oid, "int", int(value))
    return Bind(oid, "text", _text(bytes(value)))


def _text(octets: bytes) -> str:
    """Octets as people can read them: UTF-8 or hex."""
    try:
        told = octets.rstrip(b"\x00").decode("utf-8")
    except UnicodeDecodeError:
        told = "0x" + octets[:MOST_TEXT].hex()
    return "".join(c if c.isprintable() else " " for c in told[:MOST_TEXT]).strip()
