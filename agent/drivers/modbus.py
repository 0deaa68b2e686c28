"""Modbus: registers and bits to points.

A row's address is where its profile says, plus its stride for each UPS behind the card (Huawei: data
register = base + 10000 x N, alarm word = base + 1024 x N). Neighbouring rows are read together: few reads,
no longer than the profile allows, bridging gaps no wider than it allows. A block that is refused is asked for in
halves, and those in halves, until what is refused is one row (`agent.learning` remembers the split).

    > 01 03 2A F8 00 01 ....   read register 11000 (0x2AF8) = 1000 + 10000 x 1, one word
    < 01 03 02 08 9D ....      0x089D = 2205, unit "0.1 V": 220.5 V
                               (Huawei UPS2000 Modbus guide, issue 02)

Functions 1 and 2 read single bits: a row of one bit is 0 or 1, and each bit of a `[[flags]]` is an input of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.derive import derived
from agent.drivers.exchange import Exchange, Failure, ReadWords, Request, Sample
from agent.drivers.modbus_layout import OBJECT, Bit, Layout, Piece, Row, layout_of, request_of
from agent.drivers.modbus_memory import Known, Memory
from agent.drivers.modbus_types import bytes_of, is_text
from agent.drivers.scales import with_scale, with_unit
from agent.profiles.form import FIRST_BIT, Profile, Tier, Value
from agent.profiles.layers import layered
from model.reading import GapCause

_NOT_THERE = (GapCause.NOT_SUPPORTED, GapCause.REFUSED)
_ABSENT = (GapCause.NOT_SUPPORTED, GapCause.NOT_PLAUSIBLE, GapCause.REFUSED)
_NO_SCALE = 0x8000
#: The key of `states` that means: none of the others.
_ELSE = -1


def plan(profile: Profile, url: DeviceUrl, tier: Tier) -> list[Request]:
    """Few reads for all rows of a tier."""
    return list(layout_of(profile, url, tier).requests(url.unit))


def narrow(profile: Profile, url: DeviceUrl, tier: Tier, refused: Request) -> list[Request]:
    """A refused block in two halves, no row torn apart: one hole must not hide its neighbours."""
    if not isinstance(refused, ReadWords):
        return []
    whole = Piece(refused.function, refused.address, refused.count)
    inside = [piece for piece in layout_of(profile, url, tier).pieces if _within(piece, whole)]
    if len(inside) < 2:
        return []
    half = (len(inside) + 1) // 2
    parts = [_hull(inside[:half]), _hull(inside[half:])]
    if whole in parts:  # rows that overlap: each by itself
        parts = [piece for piece in inside if piece != whole]
    return [request_of(refused.unit, part) for part in parts]


def read(profile: Profile, url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """Samples of a tier, in the profile's order."""
    memory = Memory(exchanges)
    layout = layout_of(profile, url, tier)
    if profile.variants:
        layout = layout_of(_fitted(profile, layout, memory), url, tier)
    out: list[Sample] = []
    add = out.append
    for row in layout.rows:
        if isinstance(row, Value):
            out.append(_object_sample(row, memory))
            continue
        known = memory.find(row.piece)
        if known is not None and row.plain:
            add(_plain(row, known))
        elif not row.value.only_if or _holds(layout, row.value.only_if, memory):
            _add(out, row.value, _sample(row, known, memory))
    out.extend(_flag(flag, bits, memory) for flag, bits in layout.flags)
    return derived(profile, tier, out) if profile.derived else out


#: A profile with the variants that apply laid over it: the same object each time, for layouts are kept by it.
_fits: dict[tuple[int, tuple[bool, ...]], tuple[Profile, Profile]] = {}
_MOST_FITS = 256


def _fitted(profile: Profile, layout: Layout, memory: Memory) -> Profile:
    """The profile as the numbers of the round prove it. What is not proven in a tier changes nothing there."""
    proven = tuple(
        (variant.sees is None and variant.match.asks_nothing)
        or (
            piece is not None and variant.sees is not None and memory.proves(piece, variant.sees.low, variant.sees.high)
        )
        for variant, piece in zip(profile.variants, layout.proofs, strict=True)
    )
    held = _fits.get((id(profile), proven))
    if held is None or held[0] is not profile:
        if len(_fits) >= _MOST_FITS:
            _fits.clear()
        by_variant = {id(variant): one for variant, one in zip(profile.variants, proven, strict=True)}
        held = _fits[id(profile), proven] = (profile, layered(profile, lambda variant: by_variant[id(variant)]))
    return held[1]


def _within(piece: Piece, whole: Piece) -> bool:
    return piece.function == whole.function and whole.address <= piece.address and piece.end <= whole.end


def _hull(pieces: Sequence[Piece]) -> Piece:
    first = pieces[0]
    return Piece(first.function, first.address, max(piece.end for piece in pieces) - first.address)


def _add(out: list[Sample], value: Value, sample: Sample) -> None:
    """A fallback stands in for what is absent or no value in the row before it, never for what failed."""
    if settle.silent(sample) or (value.optional and sample.cause in _NOT_THERE):
        return
    if value.fallback:
        before = [n for n, one in enumerate(out) if (one.point, one.index) == (value.point, value.index)]
        absent = all(out[n].cause in _ABSENT for n in before)
        if not absent or (before and sample.value is None):
            return
        for n in reversed(before):
            del out[n]
    out.append(sample)


def _holds(layout: Layout, name: str, memory: Memory) -> bool:
    piece, condition = layout.conditions[name]
    known = memory.find(piece)
    if known is None:
        return False
    word = known[0].words[known[1]]
    return word in condition.values if condition.values else word not in condition.unless


def _plain(row: Row, known: Known) -> Sample:
    """A number that is only scaled: the way of nearly all rows, the same as `settle.number`, shorter."""
    block, offset = known
    value, point = row.value, row.point
    if row.single:
        raw: float = block.words[offset]
        shown = f"{raw:04X} = {raw}"
    else:
        raw = row.decode(block.words, offset)
        shown = _shown(row, known, raw)
    number = round(raw * value.scale, 6)
    if raw in value.missing or not point.low <= number <= point.high:
        return settle.number(value, raw, index=value.index, at=block.at, where=row.where, shown=shown)
    return Sample(point=value.point, index=value.index, at=block.at, value=number, where=row.where, raw=shown)


def _sample(row: Row, known: Known | None, memory: Memory) -> Sample:
    value = row.value
    if known is None:
        failure, at = memory.failure(row.piece)
        return settle.gap(value.point, value.index, at, row.where, failure.raw, failure.cause)
    block, offset = known
    if is_text(value):
        return _text(row, known)
    raw = row.decode(block.words, offset)
    if raw != raw:  # a float register that holds NaN, digits that are none
        marked = value.type.startswith("f") or set(block.words[offset : offset + row.piece.count]) == {0xFFFF}
        cause = GapCause.NOT_SUPPORTED if marked else GapCause.NOT_PLAUSIBLE
        return settle.gap(value.point, value.index, block.at, row.where, _shown(row, known, raw), cause)
    if value.date:
        return settle.date(value, raw, _shown(row, known, raw), index=value.index, at=block.at, where=row.where)
    if value.mask or value.shift:
        if raw in value.missing:
            return settle.number(
                value, raw, index=value.index, at=block.at, where=row.where, shown=_shown(row, known, raw)
            )
        raw = settle.masked(value, raw)
    if value.names:
        name = value.names.get(int(raw), "") if isfinite(raw) else ""
        return settle.text(value, name, index=value.index, at=block.at, where=f"{row.where} = {raw:g}")
    if row.scale or row.unit:
        return _told(row, known, raw, memory)
    return _number(row, known, raw)


def _text(row: Row, known: Known) -> Sample:
    value, (block, offset) = row.value, known
    data = bytes_of(value, block.words[offset : offset + row.piece.count])
    if value.date:
        text = data.strip(b"\x00 ").decode("latin-1") if value.date.startswith("text") else data.hex(" ")
        return settle.date(value, data, text, index=value.index, at=block.at, where=row.where)
    text = data.rstrip(b"\x00 ").decode("latin-1")
    return settle.text(value, text, index=value.index, at=block.at, where=row.where)


def _told(row: Row, known: Known, raw: float, memory: Memory) -> Sample:
    """A number whose unit or scale the device tells in other registers."""
    value, lack = row.value, ""
    if row.unit:
        found = memory.find(row.unit)
        value, lack = with_unit(value, None if found is None else str(found[0].words[found[1]]))
    if row.scale and not lack:
        value, lack = with_scale(value, _scale(row, memory))
    shown = _shown(row, known, raw)
    if lack and raw not in value.missing:
        raw_text = f"{shown}; {lack}"[:200]
        return settle.gap(value.point, value.index, known[0].at, row.where, raw_text, GapCause.NOT_SUPPORTED)
    return settle.number(value, raw, index=value.index, at=known[0].at, where=row.where, shown=shown)


def _scale(row: Row, memory: Memory) -> float | None:
    """What the scale's register holds: signed where it is a power of ten, 0x8000 where there is none (SunSpec)."""
    found = memory.find(row.scale) if row.scale else None
    if found is None:
        return None
    word = found[0].words[found[1]]
    if row.value.scale_by != "power":
        return float(word)
    return None if word == _NO_SCALE else float(word - 0x10000 if word > 0x7FFF else word)


def _number(row: Row, known: Known, raw: float) -> Sample:
    value, shown = row.value, _shown(row, known, raw)
    if value.rule == FIRST_BIT:
        return settle.first_bit(value, raw, index=value.index, at=known[0].at, where=row.where, shown=shown)
    if _ELSE in value.states and not (raw in value.missing or raw in value.means or raw in value.states):
        raw = _ELSE if isfinite(raw) else raw
    return settle.number(value, raw, index=value.index, at=known[0].at, where=row.where, shown=shown)


def _shown(row: Row, known: Known, raw: float) -> str:
    """The words as they came, and the number that they make."""
    block, offset = known
    if row.piece.count == 1:
        return f"{block.words[offset]:04X} = {raw:g}"
    words = block.words[offset : offset + row.piece.count]
    return f"{' '.join(f'{word:04X}' for word in words)} = {raw:g}"


def _object_sample(row: Value, memory: Memory) -> Sample:
    number = int(row.at.removeprefix(OBJECT))
    if number in memory.objects:
        data, at = memory.objects[number]
        return settle.text(row, data.decode("latin-1"), index=row.index, at=at, where=row.at)
    failure, at = memory.deaf or (Failure(cause=GapCause.NOT_SUPPORTED, raw="no such object"), memory.last_at)
    return settle.gap(row.point, row.index, at, row.at, failure.raw, failure.cause)


def _flag(flag: str, bits: tuple[Bit, ...], memory: Memory) -> Sample:
    """Raised when any of its bits is; unknown when none is and one of its words is not known."""
    unknown: Sample | None = None
    absent: Sample | None = None
    seen: list[tuple[str, int, int]] = []
    for bit in bits:
        known = memory.find(bit.piece)
        if known is None:
            failure, at = memory.failure(bit.piece)
            unknown = settle.gap(flag, None, at, bit.where, failure.raw, failure.cause)
            continue
        block, start = known
        word = block.words[start + bit.offset]
        for more in block.words[start + bit.offset + 1 : start + bit.offset + bit.words]:
            word = word << 16 | more
        if word in bit.missing:
            absent = settle.gap(flag, None, block.at, bit.where, f"{word:04X}", GapCause.NOT_SUPPORTED)
        elif bit.raised(word):
            return Sample(point=flag, index=None, at=block.at, value=1.0, where=bit.where, raw=f"{word:04X}")
        else:
            seen.append((bit.where, word, block.at))
    if unknown or not seen:
        return unknown or absent or settle.gap(flag, None, memory.last_at, "", "not asked", GapCause.NO_ANSWER)
    return Sample(
        point=flag,
        index=None,
        at=seen[-1][2],
        value=0.0,
        where=",".join(_once(where for where, _, _ in seen)),
        raw=" ".join(f"{word:04X}" for _, word, _ in seen),
    )


def _once(places: Iterator[str]) -> Iterator[str]:
    """`reg 5,reg 6` as it is shown: `reg 5,6`."""
    for n, place in enumerate(places):
        yield place if n == 0 else place.partition(" ")[2]
