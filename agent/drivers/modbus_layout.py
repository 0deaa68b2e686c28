"""What a Modbus profile means on the wire, worked out once: where each row stands, and which reads cover them.

A layout depends on the profile, the tier and the number of the UPS behind its card, not on the device: a thousand devices
of one family share it. Reads merge neighbours: as few as the profile's limits allow, no row torn apart.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

import msgspec

from agent.address import DeviceUrl
from agent.drivers.exchange import ReadIdentity, ReadWords, Request
from agent.profiles.form import Condition, Flags, Profile, Tier, Value
from model.points import POINTS, Kind, Point

#: A number out of the words of a block, from an offset on.
Decode = Callable[[tuple[int, ...], int], float]
OBJECT, _EXTENDED, _REGULAR = "object ", 0x80, 3
_BIT_FUNCTIONS = (1, 2)
_MOST_BITS, _BITS_A_WORD = 2000, 16
_SPAN = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "u32le": 2, "i32le": 2, "f32": 2, "f32le": 2}
_PLACES = {1: "coil", 2: "input", 3: "reg", 4: "reg"}
_LAYOUTS_KEPT = 256


def _f32(high: int, low: int) -> float:
    return float(struct.unpack(">f", struct.pack(">HH", high, low))[0])


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


_DECODE: dict[str, Decode] = {
    "u16": lambda words, n: words[n],
    "i16": lambda words, n: _signed(words[n], 16),
    "u32": lambda words, n: words[n] << 16 | words[n + 1],
    "u32le": lambda words, n: words[n + 1] << 16 | words[n],
    "i32": lambda words, n: _signed(words[n] << 16 | words[n + 1], 32),
    "i32le": lambda words, n: _signed(words[n + 1] << 16 | words[n], 32),
    "f32": lambda words, n: _f32(words[n], words[n + 1]),
    "f32le": lambda words, n: _f32(words[n + 1], words[n]),
}


class Piece(msgspec.Struct, frozen=True, order=True):
    """A stretch of registers or bits that must not be torn apart."""

    function: int
    address: int
    count: int

    @property
    def end(self) -> int:
        return self.address + self.count


class Row(msgspec.Struct, frozen=True):
    """A row of the profile with its place on this device."""

    value: Value
    piece: Piece
    where: str
    decode: Decode
    point: Point
    plain: bool  #: nothing but a number, a scale and bounds
    single: bool  #: the number is one word as it stands


class Bit(msgspec.Struct, frozen=True):
    """One place where a flag may be raised."""

    piece: Piece
    offset: int  #: of the word or bit within the piece
    mask: int
    where: str
    missing: frozenset[int]


class Layout(msgspec.Struct, frozen=True):
    """A tier of a profile."""

    profile: Profile
    rows: tuple[Row | Value, ...]  #: a bare Value is an identification object
    flags: tuple[tuple[str, tuple[Bit, ...]], ...]
    conditions: dict[str, tuple[Piece, Condition]]
    pieces: tuple[Piece, ...]
    reads: tuple[Piece, ...]
    identity: tuple[tuple[int, int], ...]  #: (code, first object)
    by_unit: dict[int, tuple[Request, ...]]

    def requests(self, unit: int) -> tuple[Request, ...]:
        """The reads for one unit, then its identification: a device that is deaf to 0x2B must not pass for dead."""
        made = self.by_unit.get(unit)
        if made is None:
            reads = [request_of(unit, piece) for piece in self.reads]
            asks = [ReadIdentity(unit=unit, code=code, first=first) for code, first in self.identity]
            made = self.by_unit[unit] = (*reads, *asks)
        return made


_layouts: dict[tuple[int, int, Tier], Layout] = {}


def layout_of(profile: Profile, url: DeviceUrl, tier: Tier) -> Layout:
    """The layout of a tier, worked out when it is first wanted."""
    key = (id(profile), ups_of(url), tier)
    held = _layouts.get(key)
    if held is None or held.profile is not profile:
        while len(_layouts) >= _LAYOUTS_KEPT:
            del _layouts[next(iter(_layouts))]
        held = _layouts[key] = _laid_out(profile, ups_of(url), tier)
    return held


def ups_of(url: DeviceUrl) -> int:
    """The number of the UPS behind its card."""
    return int(url.option("ups", "1"))


def request_of(unit: int, piece: Piece) -> ReadWords:
    """The read of one piece."""
    return ReadWords(unit=unit, function=piece.function, address=piece.address, count=piece.count)


def _laid_out(profile: Profile, ups: int, tier: Tier) -> Layout:
    values = profile.rows(tier)
    rows = tuple(value if _object(value) else _row(profile, value, ups) for value in values)
    words = [flags for flags in profile.flags if flags.tier == tier]
    named = {value.only_if for value in values if value.only_if}
    conditions = {name: (_condition(profile, name, ups), profile.conditions[name]) for name in sorted(named)}
    pieces = {row.piece for row in rows if isinstance(row, Row)}
    pieces |= {_flags_piece(profile, flags, ups) for flags in words}
    pieces |= {piece for piece, _ in conditions.values()}
    return Layout(
        profile=profile,
        rows=rows,
        flags=tuple(_flags(profile, words, ups)),
        conditions=conditions,
        pieces=tuple(sorted(pieces)),
        reads=tuple(merged(profile, sorted(pieces))),
        identity=tuple(_identity(values)),
        by_unit={},
    )


def merged(profile: Profile, pieces: Iterable[Piece]) -> list[Piece]:
    """Sorted pieces in as few reads as the profile's limits allow."""
    reads: list[Piece] = []
    for piece in pieces:
        last = reads[-1] if reads else None
        if last and last.function == piece.function and piece.address <= last.end + profile.max_gap:
            count = max(last.end, piece.end) - last.address
            if count <= _most(profile, piece.function):
                reads[-1] = Piece(last.function, last.address, count)
                continue
        reads.append(piece)
    return reads


def _most(profile: Profile, function: int) -> int:
    bits = function in _BIT_FUNCTIONS
    return min(_MOST_BITS, profile.max_words * _BITS_A_WORD) if bits else profile.max_words


def _object(value: Value) -> bool:
    return value.at.startswith(OBJECT)


def _row(profile: Profile, value: Value, ups: int) -> Row:
    text = value.type.startswith("string")
    function, address = value.function or profile.function, int(value.at) + value.stride * ups
    piece = Piece(function, address, value.length if text else _SPAN[value.type])
    point = POINTS[value.point]
    coded = point.kind in (Kind.STATE, Kind.FLAG, Kind.TEXT) or bool(value.states or value.rule or value.least)
    return Row(
        value=value,
        piece=piece,
        where=_where(profile, function, address),
        decode=_DECODE["u16" if text else value.type],
        point=point,
        plain=not (text or coded or value.only_if or value.fallback or value.type.startswith("f32")),
        single=value.type == "u16",
    )


def _where(profile: Profile, function: int, address: int) -> str:
    """`reg 30`; `reg 4:30` where the profile's other rows mean another kind of register; `input 5`, `coil 5`."""
    if function not in _BIT_FUNCTIONS and function != profile.function:
        return f"reg {function}:{address}"
    return f"{_PLACES[function]} {address}"


def _condition(profile: Profile, name: str, ups: int) -> Piece:
    condition = profile.conditions[name]
    strides = [value.stride for value in profile.values if value.only_if == name]
    return Piece(condition.function or profile.function, int(condition.at) + max(strides, default=0) * ups, 1)


def _flags_piece(profile: Profile, flags: Flags, ups: int) -> Piece:
    function = flags.function or profile.function
    count = max(flags.bits) + 1 if function in _BIT_FUNCTIONS and flags.bits else 1
    return Piece(function, int(flags.at) + flags.stride * ups, count)


def _flags(profile: Profile, words: list[Flags], ups: int) -> Iterator[tuple[str, tuple[Bit, ...]]]:
    """Each flag once, with every place that may raise it."""
    for flag in dict.fromkeys(flag for word in words for flag in word.bits.values()):
        yield (
            flag,
            tuple(bit for word in words if flag in word.bits.values() for bit in _bits(profile, word, flag, ups)),
        )


def _bits(profile: Profile, word: Flags, flag: str, ups: int) -> Iterator[Bit]:
    piece = _flags_piece(profile, word, ups)
    numbers = [number for number, named in word.bits.items() if named == flag]
    if piece.function in _BIT_FUNCTIONS:
        for number in numbers:
            yield Bit(piece, number, 1, _where(profile, piece.function, piece.address + number), frozenset())
    else:
        mask = sum(1 << number for number in numbers)
        yield Bit(piece, 0, mask, _where(profile, piece.function, piece.address), word.missing)


def _identity(values: Iterable[Value]) -> Iterator[tuple[int, int]]:
    """(code, first object): 1 basic 0 to 2, 2 regular 3 to 0x7F, 3 extended."""
    objects = [int(value.place.removeprefix(OBJECT)) for value in values if _object(value)]
    if any(number < _REGULAR for number in objects):
        yield 1, 0
    if any(_REGULAR <= number < _EXTENDED for number in objects):
        yield 2, _REGULAR
    if any(number >= _EXTENDED for number in objects):
        # One before the first wanted: some cards leave out the object that they are asked to begin with.
        yield 3, min(number for number in objects if number >= _EXTENDED) - 1
