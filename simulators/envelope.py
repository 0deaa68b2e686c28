"""The envelope of SNMP v1 and v2c, and the PDU of every version: datagram <-> request. Pure.

    30 .. | 02 01 01 | 04 06 "public" | a0 .. | 02 04 id | 02 01 status | 02 01 index | 30 .. bindings
            version    community        PDU     GETBULK: non-repeaters, max-repetitions

`ber` takes message and PDU apart and leaves the variable bindings as they are: a poller asks the same list again
and again, so each list is decoded once and remembered; replies are put together from encoded parts.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from simulators import ber
from simulators.ber import SEQUENCE, tlv
from simulators.objects import Oid

V1, V2C = 0, 1
NO_OBJECT, NO_INSTANCE, END_OF_VIEW = (bytes((tag, 0)) for tag in (0x80, 0x81, 0x82))
_VERBS = {0xA0: "get", 0xA1: "next", 0xA2: "response", 0xA3: "set", 0xA5: "bulk", 0xA6: "inform", 0xA8: "report"}
_TAGS = {verb: tag for tag, verb in _VERBS.items()} | {"trap": 0xA7}
_ASKED = frozenset({"get", "next", "set", "bulk"})
_MOST_BINDINGS = 512

__all__ = ["SEQUENCE", "tlv"]


class Pdu(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked, or answered; `second` and `third` are error status and index, or GETBULK's numbers."""

    verb: str
    id: int
    second: int
    third: int
    raw: bytes  #: the bindings as they came, a SEQUENCE

    @property
    def oids(self) -> tuple[Oid, ...]:
        return names(self.raw)

    @property
    def non_repeaters(self) -> int:
        return max(self.second, 0)

    @property
    def max_repetitions(self) -> int:
        return max(self.third, 0)


class Request(Pdu, frozen=True, kw_only=True):
    """One datagram of SNMP v1 or v2c understood."""

    version: int
    community: bytes


def read_pdu(data: bytes, at: int = 0) -> tuple[Pdu, int]:
    """The PDU at `at` and where it ends. Raises ValueError."""
    tag, start, end = ber.element(data, at)
    verb = _VERBS.get(tag)
    if verb is None:
        raise ValueError(f"no PDU that is answered: {tag:#x}")
    id, start = ber.read_int(data, start)
    second, start = ber.read_int(data, start)
    third, start = ber.read_int(data, start)
    _, last = ber.enter(data, start, SEQUENCE)
    if last != end:
        raise ValueError("something behind the bindings")
    raw = data[start:last]
    names(raw)
    return Pdu(verb=verb, id=id, second=second, third=third, raw=raw), end


def read(datagram: bytes) -> Request | None:
    """The message in `datagram`, whatever it asks or answers; None when it is none of SNMP v1 or v2c."""
    try:
        start, end = ber.enter(datagram, 0, SEQUENCE)
        version, start = ber.read_int(datagram, start)
        community, start = ber.read(datagram, start, ber.OCTETS)
        pdu, last = read_pdu(datagram, start)
    except ValueError:
        return None
    if version not in (V1, V2C) or not end == last == len(datagram) or (version == V1 and pdu.verb == "bulk"):
        return None
    return Request(version=version, community=community, **{name: getattr(pdu, name) for name in Pdu.__struct_fields__})


def request(datagram: bytes) -> Request | None:
    """The request in `datagram`; None when it is not one of SNMP v1 or v2c."""
    found = read(datagram)
    return found if found and found.verb in _ASKED else None


@lru_cache(maxsize=1024)
def names(bindings: bytes) -> tuple[Oid, ...]:
    """The names in a SEQUENCE of bindings. Raises ValueError."""
    at, end = ber.enter(bindings, 0, SEQUENCE)
    found: list[Oid] = []
    while at < end:
        start, after = ber.enter(bindings, at, SEQUENCE)
        name, value = ber.read(bindings, start, ber.OID)
        if ber.element(bindings, value)[2] != after or len(found) == _MOST_BINDINGS:
            raise ValueError("a binding that is none, or too many")
        found.append(ber.oid(name))
        at = after
    if at != end or end != len(bindings):
        raise ValueError("a binding beyond the end")
    return tuple(found)


def pdu(verb: str, id: int, bindings: bytes, status: int = 0, index: int = 0) -> bytes:
    """A PDU around an encoded list of bindings."""
    return tlv(_TAGS[verb], ber.integer(id) + ber.integer(status) + ber.integer(index) + bindings)


def message(version: int, community: bytes, content: bytes) -> bytes:
    """The datagram around a PDU."""
    return tlv(SEQUENCE, ber.integer(version) + ber.octets(community) + content)


def response(asked: Request, bindings: bytes, status: int = 0, index: int = 0) -> bytes:
    """The datagram that answers `asked` with an encoded list of bindings."""
    return message(asked.version, asked.community, pdu("response", asked.id, bindings, status, index))
