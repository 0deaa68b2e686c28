"""What a Modbus profile means on the wire, worked out once: where each row stands, and which reads cover them.

A layout depends on the profile, the tier and the number of the UPS behind its card, not on the device: a thousand devices
of one family share it. Reads merge neighbours: as few as the profile's limits allow, no row torn apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from agent.address import DeviceUrl
from agent.drivers.exchange import ReadIdentity, ReadWords, Request
from agent.drivers.modbus_types import Decode, decoder, is_text, span_of
from agent.profiles.form import Condition, Flags, Profile, Tier, Value, Variant
from model.points import POINTS, Kind, Point

OBJECT, _EXTENDED, _REGULAR = "object ", 0x80, 3
_BIT_FUNCTIONS = (1, 2)
_MOST_BITS, _BITS_A_WORD = 2000, 16
_PLACES = {1: "coil", 2: "input", 3: "reg", 4: "reg"}
_LAYOUTS_KEPT = 256


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
    scale: Piece | None = None  #: where its scale stands
    unit: Piece | None = None  #: where its unit stands


class Bit(msgspec.Struct, frozen=True):
    """One place where a flag may be raised."""

    piece: Piece
    offset: int  #: of the word or bit within the piece
    mask: int  #: any of these bits raises it
    where: str
    missing: frozenset[int]
    inverted: int = 0  #: any of these raises it by being 0
    values: frozenset[int] = frozenset()  #: the word itself raises it
    words: int = 1

    def raised(self, word: int) -> bool:
        return bool(word & self.mask or ~word & self.inverted or word in self.values)


class Layout(msgspec.Struct, frozen=True):
    """A tier of a profile."""

    profile: Profile
    rows: tuple[Row | Value, ...]  #: a bare Value is an identification object
    flags: tuple[tuple[str, tuple[Bit, ...]], ...]
    conditions: dict[str, tuple[Piece, Condition]]
    proofs: tuple[Piece | None, ...]  #: where each variant of the profile is proven
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
    pieces |= {piece for row in rows if isinstance(row, Row) for piece in (row.scale, row.unit) if piece}
    proofs = tuple(_proof(profile, variant, values, ups) for variant in profile.variants)
    pieces |= {piece for piece in proofs if piece}
    return Layout(
        profile=profile,
        rows=rows,
        flags=tuple(_flags(profile, words, ups)),
        conditions=conditions,
        proofs=proofs,
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
    text = is_text(value)
    function, address = value.function or profile.function, int(value.at) + value.stride * ups
    piece = Piece(function, address, span_of(value))
    point = POINTS[value.point]
    coded = point.kind in (Kind.STATE, Kind.FLAG, Kind.TEXT) or bool(value.states or value.rule or value.least)
    scale = Piece(function, int(value.scale_from) + value.stride * ups, 1) if value.scale_from else None
    unit = Piece(function, int(value.unit_at) + value.stride * ups, 1) if value.unit_at else None
    return Row(
        value=value,
        piece=piece,
        where=_where(profile, function, address),
        decode=decoder(value),
        point=point,
        plain=not (text or coded or scale or unit or value.type in _DOUBTFUL or _special(value)),
        single=value.type == "u16" and value.order in ("ABCD", "CDAB"),
        scale=scale,
        unit=unit,
    )


#: Types whose registers may hold no number.
_DOUBTFUL = ("f32", "f64", "bcd16", "bcd32", "bcd64")


def _special(value: Value) -> bool:
    """Whether more is to be done with the number than scaling it."""
    looked_at = value.means or value.default is not None or value.low is not None or value.high is not None
    changed = value.offset or value.curve or value.mask or value.shift
    return bool(value.only_if or value.fallback or looked_at or changed)


def _proof(profile: Profile, variant: Variant, values: Iterable[Value], ups: int) -> Piece | None:
    """Where a variant is proven, if it changes anything of these rows."""
    changed = [value for value in values if value.point in variant.changes]
    if not variant.sees or not changed:
        return None
    stride = max(value.stride for value in changed)
    return Piece(profile.function, int(variant.sees.at) + stride * ups, 1)


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
    count = flags.words
    if function in _BIT_FUNCTIONS and flags.bits:
        count = max(bit if bit >= 0 else -1 - bit for bit in flags.bits) + 1
    return Piece(function, int(flags.at) + flags.stride * ups, count)


def _named(flags: Flags) -> dict[int, str]:
    return flags.bits or flags.values


def _flags(profile: Profile, words: list[Flags], ups: int) -> Iterator[tuple[str, tuple[Bit, ...]]]:
    """Each flag once, with every place that may raise it."""
    for flag in dict.fromkeys(flag for word in words for flag in _named(word).values()):
        yield (
            flag,
            tuple(bit for word in words if flag in _named(word).values() for bit in _bits(profile, word, flag, ups)),
        )


def _bits(profile: Profile, word: Flags, flag: str, ups: int) -> Iterator[Bit]:
    piece = _flags_piece(profile, word, ups)
    numbers = [number for number, named in _named(word).items() if named == flag]
    if piece.function in _BIT_FUNCTIONS:
        for number in numbers:
            bit = number if number >= 0 else -1 - number
            where = _where(profile, piece.function, piece.address + bit)
            yield Bit(piece, bit, int(number >= 0), where, frozenset(), int(number < 0))
        return
    where = _where(profile, piece.function, piece.address)
    if word.values:
        yield Bit(piece, 0, 0, where, word.missing, 0, frozenset(numbers), word.words)
        return
    mask = sum(1 << number for number in numbers if number >= 0)
    inverted = sum(1 << (-1 - number) for number in numbers if number < 0)
    yield Bit(piece, 0, mask, where, word.missing, inverted, frozenset(), word.words)


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
