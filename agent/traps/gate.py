"""Who is worth the decoder's time. Pure: seconds come in, a verdict comes out, before a byte is understood.

A datagram costs milliseconds to decode and microseconds to drop. Each device may send a burst and then a few a second; all
that are no device share one small allowance (a proxy or NAT may speak for a device); and everything together has a limit, so
that no flood takes more than a small part of one processor. The state is one bucket a device: it does not grow.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

import msgspec

#: Octets. Less is no SNMP message; more is none that a device sends as a trap.
LEAST_OCTETS, MOST_OCTETS = 20, 16_384
_SEQUENCE = 0x30


class Rate(msgspec.Struct, frozen=True):
    """So many at once, then so many a second."""

    burst: float
    per_s: float


DEVICE = Rate(20, 2.0)
STRANGERS = Rate(10, 1.0)
EVERYONE = Rate(100, 20.0)


class Verdict(StrEnum):
    """Why a datagram is decoded or not."""

    DECODE = "decode"
    DECODE_STRANGER = "decode_stranger"
    NOT_SNMP = "not_snmp"
    TOO_MANY = "too_many"
    TOO_MANY_STRANGERS = "too_many_strangers"


class Bucket:
    """A token bucket."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._left = rate.burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Whether one more may pass now."""
        if self._at is not None:
            self._left = min(self._rate.burst, self._left + (now - self._at) * self._rate.per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Gate:
    """The buckets. `known` are the addresses of the devices; they may be replaced when names move."""

    def __init__(self, known: Collection[str] = ()) -> None:
        self._devices: dict[str, Bucket] = {}
        self._strangers = Bucket(STRANGERS)
        self._everyone = Bucket(EVERYONE)
        self.know(known)

    def know(self, addresses: Collection[str]) -> None:
        """The devices' addresses from now on; a bucket that is there stays as full as it is."""
        self._devices = {one: self._devices.get(one) or Bucket(DEVICE) for one in addresses}

    def judge(self, source: str, datagram: bytes, now: float) -> Verdict:
        """What to do with a datagram. Its own bucket is asked first, so that one sender cannot use up what is for all."""
        if not LEAST_OCTETS <= len(datagram) <= MOST_OCTETS or datagram[0] != _SEQUENCE:
            return Verdict.NOT_SNMP
        own = self._devices.get(source)
        if own is None:
            passes = self._strangers.take(now) and self._everyone.take(now)
            return Verdict.DECODE_STRANGER if passes else Verdict.TOO_MANY_STRANGERS
        return Verdict.DECODE if own.take(now) and self._everyone.take(now) else Verdict.TOO_MANY
