"""SNMPv3 notifications: who claims to send one, and what pysnmp's engine makes of it.

The header is read first, by itself, so that the engine sees only messages of users and engines that the file names (and
the two that open an inform: discovery). Known engines are a fixed set, so nothing here grows.

Replay. The engine takes over boots and time of each message that it could authenticate, so by itself it would take a
recorded one for ever. `Times` is the check of RFC 3414 3.2.7b that it leaves out: boots may not fall, nor time by more than 150 s.
"""
# pyasn1 and pysnmp have no types of their own.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from pyasn1.codec.ber import decoder
from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.carrier.base import AbstractTransportDispatcher
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import ntfrcv
from pysnmp.error import PySnmpError
from pysnmp.proto.api import v2c
from pysnmp.proto.mpmod.rfc3412 import SNMPv3Message
from pysnmp.proto.rfc1902 import OctetString
from pysnmp.proto.secmod.rfc3414.service import UsmSecurityParameters

from agent.traps.community import Said, Undecoded, binds_of, of_binds
from agent.traps.message import Level

_AUTH = {
    "": config.USM_AUTH_NONE,
    "md5": config.USM_AUTH_HMAC96_MD5,
    "sha1": config.USM_AUTH_HMAC96_SHA,
    "sha224": config.USM_AUTH_HMAC128_SHA224,
    "sha256": config.USM_AUTH_HMAC192_SHA256,
    "sha384": config.USM_AUTH_HMAC256_SHA384,
    "sha512": config.USM_AUTH_HMAC384_SHA512,
}
#: The keys of AES-192 and -256 are grown as draft-blumenthal says, or (`…c`) as Cisco and others do.
_PRIV = {
    "": config.USM_PRIV_NONE,
    "des": config.USM_PRIV_CBC56_DES,
    "aes128": config.USM_PRIV_CFB128_AES,
    "aes192": config.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "aes256": config.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "aes192c": config.USM_PRIV_CFB192_AES,
    "aes256c": config.USM_PRIV_CFB256_AES,
}
_LEVELS = (Level.NONE, Level.AUTH, Level.NONE, Level.AUTH_PRIV)
_RANK = {Level.NONE: 0, Level.AUTH: 1, Level.AUTH_PRIV: 2}
_MODEL = 3
_INFORM = v2c.InformRequestPDU.tagSet
_WINDOW_S = 150


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A user with the secrets themselves; lives in the receiver's memory only."""

    name: str
    auth: str = ""
    auth_key: str = ""
    priv: str = ""
    priv_key: str = ""
    engine_ids: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """The least that a message of this user must bring."""
        return Level.AUTH_PRIV if self.priv else Level.AUTH if self.auth else Level.NONE


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a v3 message says of itself before anything is proved."""

    user: str
    engine_id: str
    level: Level
    boots: int
    time: int


def header_of(datagram: bytes) -> Header:
    """The header of a v3 message. Raises `Undecoded`."""
    try:
        message, _ = decoder.decode(datagram, asn1Spec=SNMPv3Message())
        told, _ = decoder.decode(bytes(message["msgSecurityParameters"]), asn1Spec=UsmSecurityParameters())
        flags = bytes(message["msgGlobalData"]["msgFlags"])
        if int(message["msgGlobalData"]["msgSecurityModel"]) != _MODEL:
            raise Undecoded("a security model other than USM")
        return Header(
            user=bytes(told["msgUserName"]).decode("utf-8", "replace"),
            engine_id=bytes(told["msgAuthoritativeEngineId"]).hex(),
            level=_LEVELS[(flags[0] if flags else 0) & 3],
            boots=int(told["msgAuthoritativeEngineBoots"]),
            time=int(told["msgAuthoritativeEngineTime"]),
        )
    except Undecoded:
        raise
    except Exception as error:  # the codec is fed hostile bytes, and raises what it likes
        raise Undecoded(f"not SNMPv3: {type(error).__name__}") from error


class Times:
    """The newest boots and time of each engine that authenticated messages gave, and when."""

    def __init__(self) -> None:
        self._newest: dict[str, tuple[int, int, float]] = {}

    def fresh(self, header: Header, now: float) -> bool:
        """Whether a message may be new. Seconds are monotonic."""
        boots, time, at = self._newest.get(header.engine_id, (0, 0, now))
        if header.boots != boots:
            return header.boots > boots
        return header.time >= time + (now - at) - _WINDOW_S

    def saw(self, header: Header, now: float) -> None:
        """An authenticated message came."""
        boots, time, _ = self._newest.get(header.engine_id, (0, 0, now))
        if (header.boots, header.time) >= (boots, time):
            self._newest[header.engine_id] = (header.boots, header.time, now)


class _Dispatcher(AbstractTransportDispatcher):
    """The engine's way out: it answers by the socket on which the question came."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: Callable[[bytes], None] = lambda _: None

    def send_message(self, outgoingMessage: Any, transportDomain: Any, transportAddress: Any) -> None:  # noqa: ARG002, N803 - pysnmp's names
        self.answer(bytes(outgoingMessage))


class Usm:
    """One engine with the users of the file. Raises `PySnmpError` when a user cannot be."""

    def __init__(self, users: tuple[Keys, ...], engine_id: str, boots: int) -> None:
        self.users = {user.name: user for user in users}
        self.engine_id = engine_id
        self.times = Times()
        self._engine = SnmpEngine(OctetString(hexValue=engine_id))
        self._set_boots(boots)
        self._dispatcher = _Dispatcher()
        self._engine.register_transport_dispatcher(self._dispatcher)
        self._heard: list[Said] = []
        self._receiver = ntfrcv.NotificationReceiver(self._engine, self._take)
        self._inform = False
        self._engine.observer.register_observer(self._looked, "rfc3412.receiveMessage:request")
        for user in users:
            for own in (engine_id, *user.engine_ids):
                config.add_v3_user(
                    self._engine,
                    user.name,
                    _AUTH[user.auth],
                    user.auth_key or None,
                    _PRIV[user.priv],
                    user.priv_key or None,
                    securityEngineId=OctetString(hexValue=own),
                )

    def refusal(self, header: Header, now: float) -> str:
        """Why a message is not even tried; "" when it may be. The words are for the log and hold the fix."""
        user = self.users.get(header.user)
        if not header.engine_id or (header.engine_id == self.engine_id and not header.user):
            return ""  # discovery: whoever sends informs asks for our engine id first
        if user is None:
            return f'user {header.user!r} is not in the file: add [[traps.user]] name = "{header.user}"'
        if header.engine_id != self.engine_id and header.engine_id not in user.engine_ids:
            return f'engine {header.engine_id} is not in the file: add engine_id = "{header.engine_id}" to user {user.name}'
        discovering = header.engine_id == self.engine_id and not header.boots
        if _RANK[header.level] < _RANK[user.level] and not discovering:
            return f"level {header.level} of user {user.name} is less than the file's {user.level}"
        if header.engine_id != self.engine_id and not self.times.fresh(header, now):
            return "an old message, sent again: its boots or time have passed"
        return ""

    def take(self, datagram: bytes, header: Header, source: tuple[str, int], now: float, answer: Callable[[bytes], None]) -> list[Said]:  # fmt: skip
        """What the message says when it is authentic; empty when it is not, or is a step of discovery."""
        self._heard = []
        self._dispatcher.answer = answer
        v6 = ":" in source[0]
        address = udp6.Udp6TransportAddress(source) if v6 else udp.UdpTransportAddress(source)
        domain = udp6.DOMAIN_NAME if v6 else udp.DOMAIN_NAME
        try:
            self._engine.message_dispatcher.receive_message(self._engine, domain, address, datagram)
        except Exception as error:  # the library is fed hostile bytes, and raises what it likes
            raise Undecoded(f"not SNMPv3: {type(error).__name__}") from error
        if self._heard and header.level is not Level.NONE:
            self.times.saw(header, now)
        return self._heard

    def tick(self, now: float) -> None:
        """Let the engine forget what is too old; once a second or so."""
        self._dispatcher.handle_timer_tick(now)

    def _looked(self, _engine: Any, _point: Any, variables: Any, _context: Any) -> None:
        self._inform = variables["pdu"].tagSet == _INFORM

    def _take(self, _engine: Any, _state: Any, _context_engine: Any, _context: Any, binds: Any, _extra: Any) -> None:
        self._heard.append(of_binds("3", binds_of(binds), inform=self._inform))

    def _set_boots(self, boots: int) -> None:
        (known,) = self._engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineBoots")
        known.syntax = known.syntax.clone(boots)


def problem_of(error: PySnmpError) -> str:
    """What pysnmp says of a user that it will not have, on one line and without a key."""
    return " ".join(str(error).split())[:200]
