"""A recorded line of bytes as an answering machine: which reply a request gets, and when. Pure.

    recorded    > A      < a1         > A   (nothing)     > B   < b1
    replayed    A -> a1 after as long as then; A again -> silence; B -> b1; B again -> b1, for there is no other

Rules. A request gets the replies that the same bytes got then, one after the other, in recorded order and byte for
byte; of Modbus TCP the transaction number is left out when comparing and put in when answering. A reply older than the
place in the recording is passed over, so that requests asked often do not run ahead of those asked seldom; the last
one stays. The place moves with what is asked, or with a clock when there is one. Registers that were read in another
number have an answer put together from them (`replay_modbus`); what else was never asked has none.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from model.flight import SENT, Flight, Octets
from simulators.replay_modbus import Registers, words

RTU, RTU_OVER_TCP, TCP, MEGATEC, SNMP = "modbus+rtu", "modbus+rtuovertcp", "modbus+tcp", "megatec", "snmp"
#: Requests of one round may be asked in another order than they were recorded in: ms.
_SLACK_MS = 2_000.0
#: What is asked this much later than anything before is asked seldom: it does not move the place. ms.
_JUMP_MS = 15_000.0
#: How long what was put together lets wait, ms.
_SOON_MS = 20.0
_MBAP = 6
#: No request is longer.
_LONGEST = 4096
_Key = bytes | tuple[int, int, int]


class Piece(msgspec.Struct, frozen=True):
    """Bytes that came so long after their request."""

    after_ms: float
    data: bytes


class Said(msgspec.Struct, kw_only=True):
    """One recorded request with everything that came until the next."""

    t: float
    request: bytes
    pieces: list[Piece] = []


class Place:
    """Where in the recording we are, ms. With a clock it is told; without, what is served moves it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.clocked = False

    def tell(self, now: float) -> None:
        """A clock says so."""
        self.now, self.clocked = now, True

    def served(self, t: float) -> None:
        """Something recorded at `t` was given."""
        if not self.clocked and self.now < t <= self.now + _JUMP_MS:
            self.now = t

    def choose(self, times: list[float], after: int) -> int:
        """Which of an ascending list of times comes next; `after` is the one given last, -1 before the first."""
        least = self.now if self.clocked else self.now - _SLACK_MS
        first = 0 if self.clocked else after + 1
        for number in range(first, len(times)):
            if times[number] >= least:
                return number
        return len(times) - 1


class Tape:
    """The recorded exchanges of one line, by request; of registers by unit, function and first address."""

    def __init__(self, flight: Flight) -> None:
        scheme = flight.header.devices[0].scheme
        self.place = Place()
        self._tcp = scheme == TCP
        self._modbus = scheme != MEGATEC
        self._by_key: dict[_Key, list[Said]] = {}
        self._given: dict[_Key, int] = {}
        self._registers = Registers()
        self._whole: set[int] = set()  #: recorded requests whose reply held their registers
        for said in exchanges(flight, tcp=self._tcp):
            self._by_key.setdefault(self._key(said.request), []).append(said)
            self._learn(said)
        #: How long a request is that begins so (unit and function of RTU).
        self.lengths = {one.request[:2]: len(one.request) for known in self._by_key.values() for one in known}

    @property
    def over(self) -> bool:
        """Whether all that was asked of it has got the last that was recorded."""
        given = self._given.items()
        return bool(given) and all(number == len(self._by_key[key]) - 1 for key, number in given)

    def reply(self, request: bytes) -> list[Piece] | None:
        """What comes back, empty where there was silence; None for a request that the recording knows nothing of."""
        key = self._key(request)
        known = self._by_key.get(key)
        if known is None:
            made = self._made(request, self.place.now)
            return None if made is None else [Piece(_SOON_MS, made)]
        number = self.place.choose([said.t for said in known], self._given.get(key, -1))
        self._given[key] = number
        said = known[number]
        self.place.served(said.t)
        if self._same(said.request, request):
            return self._as_it_came(said, request)
        # The same registers in another number. Silence and garbage stay what they were.
        made = self._made(request, said.t) if id(said) in self._whole else None
        if made is not None:
            return [Piece(said.pieces[0].after_ms, made)]
        return next((self._as_it_came(one, request) for one in reversed(known) if self._same(one.request, request)), [])

    def _as_it_came(self, said: Said, request: bytes) -> list[Piece]:
        if not self._tcp:
            return said.pieces
        return [Piece(piece.after_ms, _renumbered(piece.data, said.request, request)) for piece in said.pieces]

    def _made(self, request: bytes, t: float) -> bytes | None:
        asked = words(request, tcp=self._tcp) if self._modbus else None
        if asked is None:
            return None
        return self._registers.answer(asked, t, int.from_bytes(request[:2], "big") if self._tcp else None)

    def _learn(self, said: Said) -> None:
        asked = words(said.request, tcp=self._tcp) if self._modbus else None
        reply = b"".join(piece.data for piece in said.pieces)
        if asked and self._registers.learn(asked, reply, said.t, tcp=self._tcp):
            self._whole.add(id(said))

    def _same(self, one: bytes, other: bytes) -> bool:
        return one[2:] == other[2:] if self._tcp else one == other

    def _key(self, request: bytes) -> _Key:
        asked = words(request, tcp=self._tcp) if self._modbus else None
        if asked is not None:
            return asked.family
        return request[2:] if self._tcp else request


def exchanges(flight: Flight, *, tcp: bool) -> list[Said]:
    """Each request with what came after it. Bytes before the first request belong to none."""
    found: list[Said] = []
    for frame in flight.frames:
        if not isinstance(frame, Octets):
            continue
        if frame.way == SENT:
            found += [Said(t=frame.t, request=one, pieces=[]) for one in (mbap(frame.data) if tcp else [frame.data])]
        elif found:
            for data in mbap(frame.data) if tcp else [frame.data]:
                said = _asked_by(data, found) if tcp else found[-1]
                said.pieces.append(Piece(frame.t - said.t, data))
    return found


def _asked_by(reply: bytes, found: list[Said]) -> Said:
    """The request that a reply on TCP names by its transaction number, else the last."""
    recent = reversed(found[-16:])
    return next((said for said in recent if said.request[:2] == reply[:2]), found[-1])


def mbap(data: bytes) -> list[bytes]:
    """The frames of Modbus TCP in `data`; what is none stays as it is."""
    frames: list[bytes] = []
    while len(data) >= _MBAP:
        length = _MBAP + int.from_bytes(data[4:6], "big")
        frames.append(data[:length])
        data = data[length:]
    return frames + ([data] if data else [])


def _renumbered(reply: bytes, recorded: bytes, asked: bytes) -> bytes:
    """A reply with a transaction number as far from the request's as it was then: a late one stays late."""
    if len(reply) < 2:
        return reply
    off = int.from_bytes(reply[:2], "big") - int.from_bytes(recorded[:2], "big")
    number = (int.from_bytes(asked[:2], "big") + off) & 0xFFFF
    return number.to_bytes(2, "big") + reply[2:]


class Splitter:
    """Requests out of a stream of bytes, by the protocol's way of ending one."""

    def __init__(self, scheme: str, lengths: dict[bytes, int]) -> None:
        self._scheme, self._lengths = scheme, lengths
        self._rest = b""

    def feed(self, data: bytes) -> Iterable[bytes]:
        """Whole requests. A beginning that no end follows stays until `quiet`."""
        self._rest = (self._rest + data)[-_LONGEST:]
        while (length := self._length()) and length <= len(self._rest):
            request, self._rest = self._rest[:length], self._rest[length:]
            yield request

    def quiet(self) -> None:
        """The line was quiet for long: what was begun will not end."""
        self._rest = b""

    def _length(self) -> int:
        """Length of the request at the beginning, 0 while that cannot be said."""
        rest = self._rest
        if self._scheme == MEGATEC:
            return rest.find(b"\r") + 1
        if self._scheme == TCP:
            return _MBAP + int.from_bytes(rest[4:6], "big") if len(rest) >= _MBAP else 0
        if len(rest) < 2:
            return 0
        return self._lengths.get(rest[:2], 7 if rest[1] == 0x2B else 8)
