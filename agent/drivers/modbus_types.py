"""Numbers and texts out of Modbus registers: types, word order and byte order, each on its own. Pure.

ABCD  12 34 56 78   high word first, high byte first (the Modbus way)
CDAB  56 78 12 34   low word first
BADC  34 12 78 56   low byte first in each word
DCBA  78 56 34 12   both
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from agent.profiles.form import Value
from agent.profiles.rows import SPANS

#: A number out of the words of a block, from an offset on. NaN: no number of this type.
Decode = Callable[[tuple[int, ...], int], float]
_FLOATS = {"f32": ">f", "f64": ">d"}
_BY_BYTES = ("bytes", "bcd", "text")


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value


#: The types that nearly all rows have, short.
_QUICK: dict[tuple[str, str], Decode] = {
    ("u16", "ABCD"): lambda words, n: words[n],
    ("i16", "ABCD"): lambda words, n: _signed(words[n], 16),
    ("u32", "ABCD"): lambda words, n: words[n] << 16 | words[n + 1],
    ("u32", "CDAB"): lambda words, n: words[n + 1] << 16 | words[n],
    ("i32", "ABCD"): lambda words, n: _signed(words[n] << 16 | words[n + 1], 32),
    ("i32", "CDAB"): lambda words, n: _signed(words[n + 1] << 16 | words[n], 32),
}


def span_of(value: Value) -> int:
    """How many registers a row takes."""
    if is_text(value):
        return value.length
    return SPANS[value.type]


def is_text(value: Value) -> bool:
    """Whether its registers are taken as bytes."""
    return value.type.startswith("string") or value.date.startswith(_BY_BYTES)


def decoder(value: Value) -> Decode:
    """What makes a number of a row's registers."""
    if is_text(value):
        return _QUICK["u16", "ABCD"]
    order = "BADC" if value.order in ("BADC", "DCBA") and SPANS[value.type] == 1 else value.order
    order = "ABCD" if order == "CDAB" and SPANS[value.type] == 1 else order
    quick = _QUICK.get((value.type, order))
    return quick or _decode(value.type, order)


def _decode(kind: str, order: str) -> Decode:
    span = SPANS[kind]
    number = _number_of(kind)

    def decode(words: tuple[int, ...], n: int) -> float:
        return number(in_order(words[n : n + span], order))

    return decode


def in_order(words: tuple[int, ...], order: str) -> bytes:
    """Registers as bytes, the highest first.

    >>> in_order((0x1234, 0x5678), "DCBA").hex()
    '78563412'
    """
    if order in ("CDAB", "DCBA"):
        words = words[::-1]
    return struct.pack(f"{'<' if order in ('BADC', 'DCBA') else '>'}{len(words)}H", *words)


def _number_of(kind: str) -> Callable[[bytes], float]:
    if kind in _FLOATS:
        return lambda data: float(struct.unpack(_FLOATS[kind], data)[0])
    if kind.startswith("bcd"):
        return lambda data: int(data.hex()) if data.hex().isdecimal() else math.nan
    if kind.startswith("sm"):
        return _sign_magnitude
    if kind.endswith(("hi", "lo")):
        place = 0 if kind.endswith("hi") else 1
        return lambda data: _signed(data[place], 8) if kind.startswith("i") else data[place]
    return lambda data: int.from_bytes(data, "big", signed=kind.startswith("i"))


def _sign_magnitude(data: bytes) -> float:
    raw = int.from_bytes(data, "big")
    top = 1 << (8 * len(data) - 1)
    return -(raw - top) if raw & top else raw


def bytes_of(value: Value, words: tuple[int, ...]) -> bytes:
    """The bytes of a text or a packed date. Only the bytes of a word change places, never the words."""
    swapped = value.type == "stringle" or value.order in ("BADC", "DCBA")
    return in_order(words, "BADC" if swapped else "ABCD")
