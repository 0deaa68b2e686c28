"""Modbus: registers to points.

A row's address is where its profile says, plus its stride for each UPS behind the card (Huawei: data
register = base + 10000 x N, alarm word = base + 1024 x N). Neighbouring rows are read together: few reads,
no longer than the profile allows, bridging gaps no wider than it allows.

    > 01 03 2A F8 00 01 ....   read register 11000 (0x2AF8) = 1000 + 10000 x 1, one word
    < 01 03 02 08 9D ....      0x089D = 2205, unit "0.1 V": 220.5 V
                               (Huawei UPS2000 Modbus guide, issue 02)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import msgspec

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.exchange import Exchange, Failure, Objects, ReadIdentity, ReadWords, Request, Sample, Words
from agent.profiles.form import Flags, Profile, Tier, Value
from model.reading import GapCause

_SPAN = {"u16": 1, "i16": 1, "u32": 2, "i32": 2, "u32le": 2, "i32le": 2, "f32": 2, "f32le": 2}
_OBJECT, _EXTENDED = "object ", 0x80
_FORMS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "f32": ">f"}


class _Piece(msgspec.Struct, frozen=True, order=True):
    """A stretch of registers that must not be torn apart."""

    address: int
    count: int


def plan(profile: Profile, url: DeviceUrl, tier: Tier) -> list[Request]:
    """Few reads for all rows of a tier."""
    merged: list[_Piece] = []
    for piece in sorted(_pieces(profile, url, tier)):
        last = merged[-1] if merged else None
        if last and piece.address <= last.address + last.count + profile.max_gap:
            count = max(last.address + last.count, piece.address + piece.count) - last.address
            if count <= profile.max_words:
                merged[-1] = _Piece(last.address, count)
                continue
        merged.append(piece)
    return [*(_request(profile, url, piece) for piece in merged), *_identity_requests(profile, url, tier)]


def narrow(profile: Profile, url: DeviceUrl, tier: Tier, refused: Request) -> list[Request]:
    """The rows of a refused block, each by itself: one hole must not hide its neighbours."""
    if not isinstance(refused, ReadWords):
        return []
    end = refused.address + refused.count
    inside = {p for p in _pieces(profile, url, tier) if refused.address <= p.address and p.address + p.count <= end}
    return [_request(profile, url, piece) for piece in sorted(inside)] if len(inside) > 1 else []


def read(profile: Profile, url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """Samples of a tier, in the profile's order."""
    memory = _Memory(exchanges)
    out: list[Sample] = []
    for row in profile.rows(tier):
        if row.only_if and not _holds(profile, url, row.only_if, memory):
            continue
        out.append(_sample(row, url, memory))
    out.extend(_flag_samples([f for f in profile.flags if f.tier == tier], url, memory))
    return out


def _pieces(profile: Profile, url: DeviceUrl, tier: Tier) -> set[_Piece]:
    rows = [row for row in profile.rows(tier) if not _object(row)]
    pieces = {_Piece(_address(row, url), _span(row)) for row in rows}
    pieces |= {_Piece(_address(flags, url), 1) for flags in profile.flags if flags.tier == tier}
    for name in {row.only_if for row in rows if row.only_if}:
        pieces.add(_Piece(_condition_address(profile, url, name), 1))
    return pieces


def _identity_requests(profile: Profile, url: DeviceUrl, tier: Tier) -> Iterator[ReadIdentity]:
    """After the registers: a device that is deaf to 0x2B must not pass for dead."""
    objects = [int(row.place.removeprefix(_OBJECT)) for row in profile.rows(tier) if _object(row)]
    if any(number < _EXTENDED for number in objects):
        yield ReadIdentity(unit=url.unit, code=1, first=0)
    if any(number >= _EXTENDED for number in objects):
        yield ReadIdentity(unit=url.unit, code=3, first=min(n for n in objects if n >= _EXTENDED) - 1)


def _object(row: Value) -> bool:
    return row.at.startswith(_OBJECT)


def _request(profile: Profile, url: DeviceUrl, piece: _Piece) -> ReadWords:
    return ReadWords(unit=url.unit, function=profile.function, address=piece.address, count=piece.count)


def _address(row: Value | Flags, url: DeviceUrl) -> int:
    return int(row.at) + row.stride * int(url.option("ups", "1"))


def _condition_address(profile: Profile, url: DeviceUrl, name: str) -> int:
    strides = [row.stride for row in profile.values if row.only_if == name]
    return int(profile.conditions[name].at) + max(strides, default=0) * int(url.option("ups", "1"))


def _span(row: Value) -> int:
    return row.length if row.type == "string" else _SPAN[row.type]


class _Memory:
    """What is known of the device's registers after a round."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._words: dict[int, tuple[int, int]] = {}
        self._failures: dict[int, tuple[Failure, int]] = {}
        self.objects: dict[int, tuple[bytes, int]] = {}
        self.deaf: tuple[Failure, int] | None = None
        self.last_at = max((exchange.at for exchange in exchanges), default=0)
        for exchange in exchanges:
            if isinstance(exchange.request, ReadIdentity):
                self._identified(exchange)
            if not isinstance(exchange.request, ReadWords):
                continue
            start, answer = exchange.request.address, exchange.answer
            if isinstance(answer, Words):
                self._words.update({start + n: (word, exchange.at) for n, word in enumerate(answer.values)})
            elif isinstance(answer, Failure):
                for n in range(exchange.request.count):
                    self._failures[start + n] = (answer, exchange.at)

    def _identified(self, exchange: Exchange) -> None:
        if isinstance(exchange.answer, Objects):
            self.objects.update({number: (data, exchange.at) for number, data in exchange.answer.values.items()})
        elif isinstance(exchange.answer, Failure):
            self.deaf = (exchange.answer, exchange.at)

    def words(self, address: int, count: int) -> tuple[tuple[int, ...], int] | None:
        """(words, at), or None when one of them is not known."""
        found = [self._words.get(address + n) for n in range(count)]
        if any(one is None for one in found):
            return None
        known = [one for one in found if one]
        return tuple(word for word, _ in known), max(at for _, at in known)

    def failure(self, address: int) -> tuple[Failure, int]:
        """Why a register is not known."""
        return self._failures.get(address, (Failure(cause=GapCause.NO_ANSWER, raw="not asked"), 0))


def _holds(profile: Profile, url: DeviceUrl, name: str, memory: _Memory) -> bool:
    known = memory.words(_condition_address(profile, url, name), 1)
    return known is not None and known[0][0] in profile.conditions[name].values


def _sample(row: Value, url: DeviceUrl, memory: _Memory) -> Sample:
    if _object(row):
        return _object_sample(row, memory)
    address = _address(row, url)
    where = f"reg {address}"
    known = memory.words(address, _span(row))
    if known is None:
        failure, at = memory.failure(address)
        return settle.gap(row.point, row.index, at, where, failure.raw, failure.cause)
    words, at = known
    shown = " ".join(f"{word:04X}" for word in words)
    if row.type == "string":
        data = b"".join(struct.pack(">H", word) for word in words)
        return settle.text(row, data.rstrip(b"\x00 ").decode("latin-1"), index=row.index, at=at, where=where)
    raw = _number(row.type, words)
    if raw != raw:  # a float register that holds NaN
        return settle.gap(row.point, row.index, at, where, shown, GapCause.NOT_SUPPORTED)
    return settle.number(row, raw, index=row.index, at=at, where=where, shown=f"{shown} = {raw:g}")


def _object_sample(row: Value, memory: _Memory) -> Sample:
    number = int(row.at.removeprefix(_OBJECT))
    if number in memory.objects:
        data, at = memory.objects[number]
        return settle.text(row, data.decode("latin-1"), index=row.index, at=at, where=row.at)
    failure, at = memory.deaf or (Failure(cause=GapCause.NOT_SUPPORTED, raw="no such object"), memory.last_at)
    return settle.gap(row.point, row.index, at, row.at, failure.raw, failure.cause)


def _number(type: str, words: tuple[int, ...]) -> float:
    form = type.removesuffix("le")
    ordered = reversed(words) if type.endswith("le") else words
    return float(struct.unpack(_FORMS[form], b"".join(struct.pack(">H", word) for word in ordered))[0])


def _flag_samples(words: list[Flags], url: DeviceUrl, memory: _Memory) -> Iterator[Sample]:
    """Each flag once: raised when any of its bits is; unknown when none is and one of its words is not known."""
    order = dict.fromkeys(flag for word in words for flag in word.bits.values())
    for flag in order:
        yield _flag(flag, [word for word in words if flag in word.bits.values()], url, memory)


def _flag(flag: str, words: list[Flags], url: DeviceUrl, memory: _Memory) -> Sample:
    unknown: Sample | None = None
    seen: list[tuple[int, int, int]] = []
    for word in words:
        address = _address(word, url)
        known = memory.words(address, 1)
        if known is None:
            failure, at = memory.failure(address)
            unknown = settle.gap(flag, None, at, f"reg {address}", failure.raw, failure.cause)
            continue
        value, at = known[0][0], known[1]
        raised = any(value >> bit & 1 for bit, named in word.bits.items() if named == flag)
        if raised:
            return Sample(point=flag, index=None, at=at, value=1.0, where=f"reg {address}", raw=f"{value:04X}")
        seen.append((address, value, at))
    if unknown or not seen:
        return unknown or settle.gap(flag, None, 0, "", "not asked", GapCause.NO_ANSWER)
    where = "reg " + ",".join(str(address) for address, _, _ in seen)
    raw = " ".join(f"{value:04X}" for _, value, _ in seen)
    return Sample(point=flag, index=None, at=seen[-1][2], value=0.0, where=where, raw=raw)
