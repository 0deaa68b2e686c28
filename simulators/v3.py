"""SNMP v3 messages and the agent's side of their security: datagram, engine -> datagram. Pure (RFC 3412, RFC 3414).

    30 .. | 02 01 03 | 30 .. id, max size, flags, model 3 | 04 .. 30 .. engine, boots, time, user, signature, salt
          | 30 .. context engine, context name, PDU      or, encrypted,  04 .. of that

The checks in the order of RFC 3414 3.2; each that fails is a report with its counter, if the sender wants reports:
engine, user, level, signature, time window, decryption. A user that is addressed below its level is refused with
authorizationError. The agent is the authority: its boots and time count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from simulators import ber, envelope, usm
from simulators.envelope import Pdu
from simulators.objects import Objects, Oid, counter32, encoded, integer, objectid, raw_octets
from simulators.snmp import Answered
from simulators.usm import AUTH, PRIV, REPORTABLE, Clock, User

_VERSION, _USM = 3, 3
_MAX_SIZE = 65507
_WINDOW_S = 150
_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_LEVEL, _WINDOW, _USER, _ENGINE, _DIGEST, _DECRYPTION = (1, 2, 3, 4, 5, 6)
_UNKNOWN_HANDLER: Oid = (1, 3, 6, 1, 6, 3, 11, 2, 1, 3, 0)
_FRAMEWORK = (1, 3, 6, 1, 6, 3, 10, 2, 1)
_AUTHORIZATION_ERROR = 16
_BLANK_USER = User(name=b"")


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """An authoritative engine now."""

    id: bytes
    clock: Clock
    users: Mapping[bytes, User]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A datagram taken apart, nothing of it believed yet."""

    id: int
    flags: int
    engine_id: bytes
    clock: Clock
    user: bytes
    signature_at: int
    signature_octets: int
    salt: bytes
    secret: bool
    payload: bytes  #: the scoped PDU, or its ciphertext


def read(data: bytes) -> Message:
    """What stands in `data`. Raises ValueError."""
    at, end = ber.enter(data, 0, ber.SEQUENCE)
    version, at = ber.read_int(data, at)
    if version != _VERSION or end != len(data):
        raise ValueError("no message of version 3")
    head, at_security = ber.enter(data, at, ber.SEQUENCE)
    id, head = ber.read_int(data, head)
    _, head = ber.read_int(data, head)
    flags, head = ber.read(data, head, ber.OCTETS)
    model, _ = ber.read_int(data, head)
    if model != _USM or len(flags) != 1 or flags[0] & (AUTH | PRIV) == PRIV:
        raise ValueError("another security model, or privacy without authentication")
    at, at_payload = ber.enter(data, at_security, ber.OCTETS)
    at, _ = ber.enter(data, at, ber.SEQUENCE)
    engine_id, at = ber.read(data, at, ber.OCTETS)
    boots, at = ber.read_int(data, at)
    time_s, at = ber.read_int(data, at)
    user, at = ber.read(data, at, ber.OCTETS)
    signature_at, at = ber.enter(data, at, ber.OCTETS)
    salt, _ = ber.read(data, at, ber.OCTETS)
    if not (0 <= boots < 1 << 31 and 0 <= time_s < 1 << 31):
        raise ValueError("boots or time that cannot be")
    tag, start, _ = ber.element(data, at_payload)
    secret = bool(flags[0] & PRIV)
    if tag != (ber.OCTETS if secret else ber.SEQUENCE):
        raise ValueError("payload and flags do not fit")
    return Message(
        id=id,
        flags=flags[0],
        engine_id=engine_id,
        clock=Clock(boots, time_s),
        user=user,
        signature_at=signature_at,
        signature_octets=at - signature_at,
        salt=salt,
        secret=secret,
        payload=data[start:end] if secret else data[at_payload:end],
    )


def write(
    payload: bytes, *, id: int, flags: int, engine_id: bytes, clock: Clock, user: User, number: int, name: bytes = b""
) -> bytes:
    """The datagram around a scoped PDU, encrypted and signed as `flags` say; `number` is new for each."""
    salt = b""
    if flags & PRIV:
        secret, salt = usm.encrypt(user, clock, number, payload)
        payload = ber.octets(secret)
    signature = bytes(user.signature_octets) if flags & AUTH else b""
    behind = ber.octets(salt)
    parts = ber.octets(engine_id) + ber.integer(clock.boots) + ber.integer(clock.time_s) + ber.octets(user.name or name)
    security = ber.octets(ber.sequence(parts, ber.octets(signature), behind))
    head = ber.sequence(ber.integer(id), ber.integer(_MAX_SIZE), ber.octets(bytes((flags,))), ber.integer(_USM))
    message = ber.sequence(ber.integer(_VERSION), head, security, payload)
    if not flags & AUTH:
        return message
    return usm.sign(user, message, len(message) - len(payload) - len(behind) - len(signature))


def scoped(engine_id: bytes, pdu: bytes) -> bytes:
    """A PDU in the one context there is."""
    return ber.sequence(ber.octets(engine_id), ber.octets(b""), pdu)


def read_scoped(payload: bytes) -> tuple[bytes, Pdu]:
    """Context engine and PDU; padding may follow. Raises ValueError."""
    at, _ = ber.enter(payload, 0, ber.SEQUENCE)
    engine_id, at = ber.read(payload, at, ber.OCTETS)
    _, at = ber.read(payload, at, ber.OCTETS)
    return engine_id, envelope.read_pdu(payload, at)[0]


class Agent:
    """One engine's side of the talk: the counters of what was wrong, and numbers for salts."""

    def __init__(self) -> None:
        self.wrong = dict.fromkeys(range(1, 7), 0)
        self._number = 0

    def number(self) -> int:
        """One that was not used before."""
        self._number += 1
        return self._number

    def reply(self, data: bytes, engine: Engine, answer: Callable[[Pdu], Answered]) -> bytes | None:
        """The datagram that answers `data`; None when there is nothing to say."""
        try:
            asked = read(data)
        except ValueError:
            return None
        user = engine.users.get(asked.user)
        fault = self._fault(asked, data, engine, user)
        if fault:
            return self._report(asked, engine, (*_STATS, fault, 0), user if fault == _WINDOW else None)
        assert user
        try:
            payload = usm.decrypt(user, asked.clock, asked.salt, asked.payload) if asked.secret else asked.payload
            context, pdu = read_scoped(payload)
        except ValueError:
            if not asked.secret:
                return None
            self.wrong[_DECRYPTION] += 1
            return self._report(asked, engine, (*_STATS, _DECRYPTION, 0), user)
        if pdu.verb not in ("get", "next", "bulk", "set"):
            return None
        if context != engine.id:
            return self._report(asked, engine, _UNKNOWN_HANDLER, user)
        level = asked.flags & (AUTH | PRIV)
        found = answer(pdu) if level == user.flags else Answered(pdu.raw, _AUTHORIZATION_ERROR)
        return self._write(asked, engine, level, user, envelope.pdu("response", pdu.id, *found))

    def _fault(self, asked: Message, data: bytes, engine: Engine, user: User | None) -> int:
        """The first check that fails, counted; 0 when all is well."""
        fault = 0
        if asked.engine_id != engine.id:
            fault = _ENGINE
        elif user is None:
            fault = _USER
        elif asked.flags & (AUTH | PRIV) & ~user.flags:
            fault = _LEVEL
        elif asked.flags & AUTH:
            if not usm.signed(user, data, asked.signature_at, asked.signature_octets):
                fault = _DIGEST
            elif asked.clock.boots != engine.clock.boots or abs(asked.clock.time_s - engine.clock.time_s) > _WINDOW_S:
                fault = _WINDOW
        if fault:
            self.wrong[fault] += 1
        return fault

    def _report(self, asked: Message, engine: Engine, counter: Oid, user: User | None) -> bytes | None:
        """A report, signed when the sender is known; None when it wants none."""
        if not asked.flags & REPORTABLE:
            return None
        id = 0
        if not asked.secret:
            try:
                id = read_scoped(asked.payload)[1].id
            except ValueError:
                return None
        count = self.wrong.get(counter[-2], 1) if counter[:-2] == _STATS else 1
        binding = ber.sequence(encoded(objectid(counter)), encoded(counter32(count)))
        pdu = envelope.pdu("report", id, ber.sequence(binding))
        flags = AUTH if user and user.flags & AUTH else 0
        return self._write(asked, engine, flags, user or _BLANK_USER, pdu)

    def _write(self, asked: Message, engine: Engine, flags: int, user: User, pdu: bytes) -> bytes:
        return write(
            scoped(engine.id, pdu),
            id=asked.id,
            flags=flags,
            engine_id=engine.id,
            clock=engine.clock,
            user=user,
            number=self.number(),
            name=asked.user,
        )

    def objects(self, engine: Engine) -> Objects:
        """snmpEngine… and usmStats, as a v3 agent shows them."""
        found: Objects = {
            (*_FRAMEWORK, 1, 0): raw_octets(engine.id),
            (*_FRAMEWORK, 2, 0): integer(engine.clock.boots),
            (*_FRAMEWORK, 3, 0): integer(engine.clock.time_s),
            (*_FRAMEWORK, 4, 0): integer(_MAX_SIZE),
        }
        return found | {(*_STATS, number, 0): counter32(count) for number, count in self.wrong.items()}
