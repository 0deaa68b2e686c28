"""SNMPv3's security header, read before the library reads the message: who says it, when, and whether it is signed.

    30 len  02 01 03                               version
            30 len  msgID  maxSize  flags  model   flags: 1 signed, 2 encrypted
            04 len  30 len  engineID boots time user signature salt
            30 … or 04 …                           plain or encrypted                (RFC 3412 6, RFC 3414 2.4)

The library compares ids but checks no signature of a reply (0.13.0), and takes any engine time. So it is done here: an
unsigned or wrongly signed reply is dropped, time of one engine goes forward only (150 s of play, RFC 3414 3.2). Reports
tell what is wrong; only they may be unsigned, and nothing but a failure or one resync comes of one.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import IntEnum
from typing import NamedTuple

import msgspec

from agent.links.snmp_session import Verdict

_SIGNED, _WINDOW_S = 1, 150
#: The version with the tag that follows it; the security model.
_VERSION_3, _USM_MODEL = b"\x02\x01\x03\x30", b"\x02\x01\x03"
#: 1.3.6.1.6.3.15.1.1, below which usmStats stand.
_USM_STATS = bytes((0x2B, 6, 1, 6, 3, 15, 1, 1))
#: Octets of the signature that are sent (RFC 3414, RFC 7860).
_SENT = {"md5": 12, "sha1": 12, "sha224": 16, "sha256": 24, "sha384": 32, "sha512": 48}


class Report(IntEnum):
    """What an engine refuses a message for: usmStats…"""

    SECURITY_LEVEL = 1
    TIME_WINDOW = 2
    USER = 3
    ENGINE = 4
    DIGEST = 5
    DECRYPTION = 6


WORDS = {
    Report.SECURITY_LEVEL: "security level refused: this user may not ask with this auth and priv",
    Report.TIME_WINDOW: "authentication refused: not in the engine's time window",
    Report.USER: "authentication refused: no such user",
    Report.ENGINE: "unknown engine id",
    Report.DIGEST: "authentication refused: auth_key or auth is wrong",
    Report.DECRYPTION: "encryption refused: priv_key or priv is wrong",
}

_REPORTS = {int(report): report for report in Report}


class EngineChanged(Exception):
    """The agent says that it is another engine than it was."""


class Engine(msgspec.Struct, kw_only=True):
    """What is known of one SNMP engine. `boots` and `time_s` rise; a fall is counted and found out by asking anew."""

    id: bytes = b""
    boots: int = 0
    time_s: int = 0
    resyncs: int = 0  #: silent ones: after a reboot, a change of id, a pause
    forged: int = 0  #: messages with a wrong signature or none
    fell: int = 0  #: signed messages with a time that had been


class Header(NamedTuple):
    """Of one message. `signature`: where it stands. `report`: what a plain Report complains of."""

    flags: int
    engine_id: bytes
    boots: int
    time_s: int
    signature: slice
    report: int


def parse(data: bytes) -> Header:
    """The header of a message. Raises ValueError or IndexError on anything else. Straight on: it runs for every reply."""
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    if data[0] != 0x30 or data[at : at + 4] != _VERSION_3 or data[at + 4] > 0x7F:
        raise ValueError("not SNMPv3")
    at += 5
    at += 2 + _length(data, at, 0x02)  # msgID
    at += 2 + _length(data, at, 0x02)  # msgMaxSize
    if data[at : at + 2] != b"\x04\x01" or data[at + 3 : at + 6] != _USM_MODEL:
        raise ValueError("not the user-based model")
    flags = data[at + 2]
    at, end = _open(data, at + 6, 0x04)
    at, _ = _open(data, at, 0x30)
    size = _length(data, at, 0x04)
    engine_id = data[at + 2 : at + 2 + size]
    at += 2 + size
    size = _length(data, at, 0x02)
    boots = int.from_bytes(data[at + 2 : at + 2 + size], "big", signed=True)
    at += 2 + size
    size = _length(data, at, 0x02)
    time_s = int.from_bytes(data[at + 2 : at + 2 + size], "big", signed=True)
    at += 2 + size
    at += 2 + _length(data, at, 0x04)  # user
    size = _length(data, at, 0x04)
    report = 0
    if data[end] == 0x30:
        found = data.find(_USM_STATS, end)
        report = data[found + len(_USM_STATS)] if found >= 0 else 0
    return Header(flags, engine_id, boots, time_s, slice(at + 2, at + 2 + size), report)


def _length(data: bytes, at: int, tag: int) -> int:
    """The length of a short element."""
    if data[at] != tag or data[at + 1] > 0x7F:
        raise ValueError("tag")
    return data[at + 1]


def _open(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """(start, end) of what the element at a place holds."""
    if data[at] != tag:
        raise ValueError("tag")
    length, at = data[at + 1], at + 2
    if length > 0x7F:
        many = length & 0x7F
        length, at = int.from_bytes(data[at : at + many], "big"), at + many
    return at, at + length


class Signer:
    """HMAC (RFC 2104) with one key. The two halves of the key are hashed once: half the cost of `hmac.digest` a message."""

    def __init__(self, hash_name: str, key: bytes) -> None:
        size = hashlib.new(hash_name).block_size
        key = key.ljust(size, b"\0")
        self._inner = hashlib.new(hash_name, bytes(octet ^ 0x36 for octet in key))
        self._outer = hashlib.new(hash_name, bytes(octet ^ 0x5C for octet in key))
        self._sent = _SENT[hash_name]
        self._blank = bytes(self._sent)

    def sign(self, data: bytes, place: slice) -> bytes:
        """The signature of a message in which it stands, or shall stand, at a place."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(data[: place.start] + self._blank + data[place.stop :])
        outer.update(inner.digest())
        return outer.digest()[: self._sent]


class Usm:
    """The guard of one session: judges what came, keeps the engine's clock. `discovering` until the engine is known."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.discovering = True
        self.report: Report | None = None  #: what the last message complained of
        self._signer: Signer | None = None

    def trust(self, hash_name: str, key: bytes) -> None:
        """From now on messages must be signed with this localized key; with no hash they need not."""
        self.discovering = False
        self._signer = Signer(hash_name, key) if hash_name else None

    def judge(self, data: bytes) -> Verdict:
        """Whether the library may have it. Raises `EngineChanged`."""
        try:
            header = parse(data)
        except (ValueError, IndexError):
            return Verdict.GARBAGE
        self.report = _REPORTS.get(header.report)
        if self.discovering:
            self._learn(header)
            return Verdict.TAKE
        if header.engine_id != self.engine.id:
            if self.report is Report.ENGINE:
                raise EngineChanged
            return Verdict.DROP
        return Verdict.TAKE if self._signer is None else self._signed(self._signer, data, header)

    def _signed(self, signer: Signer, data: bytes, header: Header) -> Verdict:
        if not header.flags & _SIGNED:
            if self.report is not None and self.report is not Report.TIME_WINDOW:
                return Verdict.TAKE
            self.engine.forged += 1
            return Verdict.DROP
        if not hmac.compare_digest(signer.sign(data, header.signature), data[header.signature]):
            self.engine.forged += 1
            return Verdict.DROP
        engine = self.engine
        fresh = header.boots > engine.boots or (
            header.boots == engine.boots and header.time_s >= engine.time_s - _WINDOW_S
        )
        if not fresh:
            engine.fell += 1
            return Verdict.DROP
        engine.boots, engine.time_s = header.boots, header.time_s
        return Verdict.TAKE

    def _learn(self, header: Header) -> None:
        self.engine.id, self.engine.boots, self.engine.time_s = header.engine_id, header.boots, header.time_s
