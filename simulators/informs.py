"""The sender's side of one trap or inform over v3, where the *receiver* of an inform is the authority. Pure.

inform ->  nobody known there yet:  discovery ->  <- report: engine id, boots, time     inform ->  <- response
"""

from __future__ import annotations

import msgspec

from simulators import engine, envelope, v3
from simulators.ber import SEQUENCE, tlv
from simulators.scenario import UserEntry
from simulators.usm import AUTH, PRIV, REPORTABLE, Clock, User, decrypt
from simulators.v3 import Engine

_NOTHING = tlv(SEQUENCE, b"")
_BLANK = User(name=b"")


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """The receiver's engine, as it said itself."""

    id: bytes
    clock: Clock


def trap(own: Engine, user: User, pdu: bytes, id: int) -> bytes:
    """The datagram of a trap: the sender is the authority."""
    flags = user.flags
    scoped = v3.scoped(own.id, pdu)
    return v3.write(scoped, id=id, flags=flags, engine_id=own.id, clock=own.clock, user=user, number=id)


def discovery(id: int) -> bytes:
    """Who are you?"""
    scoped = v3.scoped(b"", envelope.pdu("get", id, _NOTHING))
    return v3.write(scoped, id=id, flags=REPORTABLE, engine_id=b"", clock=Clock(0, 0), user=_BLANK, number=id)


def inform(own: Engine, peer: Peer, entry: UserEntry, pdu: bytes, id: int) -> bytes:
    """The datagram of an inform, with the user's keys at the receiver's engine."""
    user = engine.user(entry, peer.id)
    scoped = v3.scoped(own.id, pdu)
    flags = user.flags | REPORTABLE
    return v3.write(scoped, id=id, flags=flags, engine_id=peer.id, clock=peer.clock, user=user, number=id)


def heard(data: bytes, entry: UserEntry) -> Peer | int | None:
    """What came back: a report's engine, the id of the request that a response answers, or nothing of use."""
    try:
        message = v3.read(data)
        payload = message.payload
        if message.flags & PRIV and message.flags & AUTH:
            payload = decrypt(engine.user(entry, message.engine_id), message.clock, message.salt, payload)
        _, pdu = v3.read_scoped(payload)
    except ValueError:
        return None
    if pdu.verb == "report":
        return Peer(id=message.engine_id, clock=message.clock)
    return pdu.id if pdu.verb == "response" else None
