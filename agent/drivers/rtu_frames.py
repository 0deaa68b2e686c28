"""Modbus RTU on the wire, sans I/O: where in a heap of bytes a sound frame stands, and whether it answers a request.

    > 01 03 2A F8 00 01 0D E3      unit, function, register, count, check sum
    < 01 03 02 08 9D 7E 2D         unit, function, byte count, data, check sum
    < 01 83 02 C0 F1               unit, function + 0x80, exception, check sum

A reply carries no address and no number: it fits when unit, function and byte count are those of the request and the
check sum is right; an identification also repeats the kind that was asked for. What stands before it is skipped: noise
byte by byte, sound frames of others whole, so that nothing inside them is ever taken for a frame. The two usual
functions, 3 and 4, are unpacked here; all else goes through pymodbus.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import msgspec
from pymodbus.framer import FramerRTU

from agent.drivers.exchange import Answer, Failure, ReadWords, Words
from agent.drivers.modbus_frames import Ask, byte_count, decoded, function_of, rtu

_MEI, _IDENTIFY = 0x2B, 0x0E
_EXCEPTION = 0x80
_SHORTEST, _LONGEST = 4, 256
_EXCEPTION_SIZE = 5


class RtuShape(msgspec.Struct, frozen=True):
    """What does not change when a request is asked again."""

    said: bytes
    head: bytes  #: how the reply begins: unit, function and, of a read, its byte count
    size: int  #: the whole length of a reply that is no exception; 0: only the reply itself tells
    words: struct.Struct | None  #: how the registers are unpacked; None: pymodbus does it


@lru_cache(maxsize=8192)
def rtu_shape(request: Ask) -> RtuShape:
    """The shape of a request and of its reply."""
    said, function = rtu(request), function_of(request)
    if not isinstance(request, ReadWords):
        return RtuShape(said, bytes((request.unit, function, _IDENTIFY, request.code)), 0, None)
    octets = byte_count(request)
    words = struct.Struct(f">{request.count}H") if function in (3, 4) else None
    return RtuShape(said, bytes((request.unit, function, octets)), octets + 5, words)


class Sifted(msgspec.Struct, frozen=True):
    """What a heap of bytes held. `frame` is the reply, check sum included, or empty: wait for more."""

    frame: bytes = b""
    strays: tuple[bytes, ...] = ()  #: sound frames that are not the reply
    noise: bool = False  #: bytes before the reply that are no frame
    rest: bytes = b""  #: what stands behind the last frame


def sift(data: bytes, request: Ask | None) -> Sifted:
    """The reply to `request` in `data`, and what else is there. None: everything sound is a stray."""
    shape = rtu_shape(request) if request is not None else None
    if shape and len(data) == shape.size and data.startswith(shape.head) and sound(data):
        return Sifted(data)
    strays: list[bytes] = []
    start = done = 0
    while start <= len(data) - _SHORTEST:
        size = frame_size(data, start)
        frame = data[start : start + size]
        if not size or len(frame) < size or not sound(frame):
            start += 1
            continue
        if shape and fits(frame, shape):
            return Sifted(frame, tuple(strays), noise=start > done, rest=data[start + size :])
        strays.append(frame)
        start += size
        done = start
    return Sifted(strays=tuple(strays), rest=data[done:])


def fits(frame: bytes, shape: RtuShape) -> bool:
    """Whether a sound frame is a reply of that shape, or the refusal of such a request."""
    if frame[0] != shape.head[0]:
        return False
    if frame[1] == shape.head[1] | _EXCEPTION:
        return len(frame) == _EXCEPTION_SIZE
    return frame.startswith(shape.head) and (not shape.size or len(frame) == shape.size)


def is_exception(frame: bytes) -> bool:
    """Whether a sound frame is a refusal: it says nothing of what was refused, but for the function."""
    return bool(frame[1] & _EXCEPTION)


def answer_in(frame: bytes, request: Ask) -> Answer | Failure:
    """What a frame that fits says."""
    shape = rtu_shape(request)
    if shape.words is not None and not is_exception(frame):
        return Words(shape.words.unpack_from(frame, 3))
    return decoded(frame[1:-2], request)


def sound(frame: bytes) -> bool:
    """Whether the check sum is right."""
    return FramerRTU.compute_CRC(frame[:-2]) == frame[-2] << 8 | frame[-1]


def frame_size(data: bytes, start: int) -> int:
    """The whole length of the reply that seems to begin at `start`; 0: none begins here, or that cannot be said yet."""
    function = data[start + 1]
    if function & _EXCEPTION:
        return _EXCEPTION_SIZE
    if 1 <= function <= 4:
        return data[start + 2] + 5
    if function in (5, 6, 15, 16):
        return 8
    if function == _MEI and data[start + 2] == _IDENTIFY:
        return _identification_size(data, start)
    return 0


def _identification_size(data: bytes, start: int) -> int:
    """unit 2B 0E kind conformity more next count, then number, length and text of each object, then the check sum."""
    at = start + 8
    if len(data) < at:
        return 0
    for _ in range(data[at - 1]):
        if len(data) < at + 2:
            return 0
        at += 2 + data[at + 1]
    return at + 2 - start if at + 2 - start <= _LONGEST else 0


def find_rtu(data: bytes, request: Ask) -> tuple[Answer | Failure, bytes] | None:
    """(answer, bytes before it), as soon as a whole reply that fits stands in `data`; None: wait for more."""
    found = sift(data, request)
    if not found.frame:
        return None
    return answer_in(found.frame, request), data[: len(data) - len(found.rest) - len(found.frame)]
