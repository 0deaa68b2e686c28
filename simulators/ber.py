"""As much BER as an SNMP envelope needs: lengths that are definite, integers, the pieces of a sequence. Pure.

    30 29 | 02 01 01 | 04 06 "public" | a1 1c …        tag, length, content; long lengths 81 nn, 82 nn nn …

Values are pysnmp's and pyasn1's business (`objects`); a poller's envelopes are many and alike, and taken apart
here they cost some microseconds instead of milliseconds. Whatever is wrong raises `ValueError`.
"""

from __future__ import annotations

SEQUENCE, INTEGER, OCTETS, NULL, OID = 0x30, 0x02, 0x04, 0x05, 0x06
_LONGEST_INTEGER = 9
_DEEPEST_OID = 128


def element(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag of the element at `at`, and where its content begins and ends. Raises ValueError."""
    if at + 2 > len(data):
        raise ValueError("ends before a length")
    tag, size, start = data[at], data[at + 1], at + 2
    if size & 0x80:
        octets = size & 0x7F
        if not 1 <= octets <= 4 or start + octets > len(data):
            raise ValueError("a length that is none")
        size, start = int.from_bytes(data[start : start + octets], "big"), start + octets
    if start + size > len(data):
        raise ValueError("ends before its end")
    return tag, start, start + size


def enter(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of an element begins and ends that must have `tag`. Raises ValueError."""
    found, start, end = element(data, at)
    if found != tag:
        raise ValueError(f"tag {found:#x} instead of {tag:#x}")
    return start, end


def read(data: bytes, at: int, tag: int) -> tuple[bytes, int]:
    """Content and end of an element that must have `tag`. Raises ValueError."""
    start, end = enter(data, at, tag)
    return data[start:end], end


def read_int(data: bytes, at: int) -> tuple[int, int]:
    """An INTEGER and where it ends. Raises ValueError."""
    content, end = read(data, at, INTEGER)
    if not 1 <= len(content) <= _LONGEST_INTEGER:
        raise ValueError("an integer of no use here")
    return int.from_bytes(content, "big", signed=True), end


def oid(content: bytes) -> tuple[int, ...]:
    """The object identifier in `content`. Raises ValueError."""
    if not content or content[-1] & 0x80:
        raise ValueError("an object identifier that ends early")
    parts, value = [], 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if value > 0xFFFFFFFF:
            raise ValueError("a part beyond 32 bits")
        if not octet & 0x80:
            parts.append(value)
            value = 0
    if len(parts) > _DEEPEST_OID:
        raise ValueError("more parts than an object identifier may have")
    first = min(parts[0] // 40, 2)
    return (first, parts[0] - 40 * first, *parts[1:])


def tlv(tag: int, content: bytes) -> bytes:
    """What is encoded already, under a tag and its length."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(value: int) -> bytes:
    """An INTEGER."""
    return tlv(INTEGER, value.to_bytes((value + (value < 0)).bit_length() // 8 + 1, "big", signed=True))


def octets(content: bytes) -> bytes:
    """An OCTET STRING."""
    return tlv(OCTETS, content)


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE of what is encoded already."""
    return tlv(SEQUENCE, b"".join(parts))
