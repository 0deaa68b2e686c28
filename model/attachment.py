"""A recording on its way to the centre: packed into the flat data of one event, and taken out again. Pure.

    name sha256 bytes content     of the file: content is base64 over zlib, sha256 and bytes are of the unpacked file
    why kind point index before after count        why it was made, so that a list needs not open it

Rules. The content is at most `MOST_CONTENT` long: a longer recording loses its oldest frames, and its header tells how
many. Whoever takes one out checks the length before unpacking and the sum after: a sender may be broken or hostile.
"""

from __future__ import annotations

import binascii
import re
import zlib
from base64 import b64decode, b64encode
from hashlib import sha256

import msgspec

from model.flight import SUFFIX, Flight, Header, dump_line

Data = dict[str, str | int | float]
#: Characters of base64 that one event may carry.
MOST_CONTENT = 48 * 1024
#: Bytes that a file may have when unpacked.
MOST_UNPACKED = 4 * 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9._-]{1,150}\Z")


class AttachmentError(ValueError):
    """The event holds no attachment. The message says what was expected and what came."""


def pack(flight: Flight, most: int = MOST_CONTENT) -> Data:
    """The event's data for a recording, without its oldest frames where it would be too long."""
    lines = [dump_line(frame) for frame in flight.frames]
    size = sum(map(len, lines))
    first = 0
    while size > MOST_UNPACKED - 64 * 1024:
        size -= len(lines[first])
        first += 1
    while True:
        body = dump_line(_cut(flight, first)) + b"".join(_moved(flight, lines, first))
        content = b64encode(zlib.compress(body, 9)).decode()
        if len(content) <= most or first >= len(lines):
            break
        # Frames pack about alike: what is too much of the length is too much of the frames.
        first += max(1, int((len(lines) - first) * (1 - most / len(content))))
    header, why = flight.header, flight.header.why
    told = {key: value for key, value in msgspec.structs.asdict(why).items() if value is not None and key != "device"}
    name = f"{why.device.replace('/', '-')}-{header.at}{SUFFIX}"
    return {
        **told,
        "name": name,
        "why": why.told(),
        "sha256": sha256(body).hexdigest(),
        "bytes": len(body),
        "content": content,
    }


def _cut(flight: Flight, first: int) -> Header:
    """The header of what is left from frame `first` on."""
    if not first:
        return flight.header
    begin = flight.frames[first].t if first < len(flight.frames) else flight.frames[-1].t
    event = max(round(flight.header.event - begin, 3), 0.0)
    return msgspec.structs.replace(flight.header, cut=flight.header.cut + first, event=event)


def _moved(flight: Flight, lines: list[bytes], first: int) -> list[bytes]:
    """The lines from frame `first` on, which is now at 0."""
    if not first or first >= len(lines):
        return lines[first:]
    begin = flight.frames[first].t
    return [dump_line(msgspec.structs.replace(one, t=round(one.t - begin, 3))) for one in flight.frames[first:]]


def unpack(data: Data) -> bytes:
    """The file in an event's data. Raises `AttachmentError`."""
    content, name, length = data.get("content"), data.get("name"), data.get("bytes")
    if not isinstance(content, str) or len(content) > MOST_CONTENT:
        raise AttachmentError(f"expected content of at most {MOST_CONTENT} characters")
    if not isinstance(name, str) or not _NAME.match(name):
        raise AttachmentError(f"expected a plain file name, got {str(name)[:80]!r}")
    unzip = zlib.decompressobj()
    try:
        body = unzip.decompress(b64decode(content, validate=True), MOST_UNPACKED)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise AttachmentError(f"expected base64 over zlib, got {content[:16]!r}: {error}") from error
    if not unzip.eof or unzip.unused_data:
        raise AttachmentError(f"expected one whole zlib stream of at most {MOST_UNPACKED} bytes unpacked")
    got = sha256(body).hexdigest()
    if got != data.get("sha256") or len(body) != length:
        raise AttachmentError(f"expected {length} bytes of sha256 {data.get('sha256')}, got {len(body)} of {got}")
    return body
