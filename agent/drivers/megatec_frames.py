"""Megatec and Voltronic lines on the wire, sans I/O: what to say, and whether bytes are the reply to it.

    Q1      > Q1<CR>              < (229.4 229.4 229.4 013 49.9 13.1 25.0 00001001<CR>
    Axpert  > QPIGS B7 A9 <CR>    < (238.0 49.9 … 101 hi lo <CR>       CRC-16/XMODEM before the CR

Without a check sum shape is all: a reply that is short, long or starts wrong is not taken. A sound reply behind the rest
of an older one (a bridge that keeps 8 bytes) is found by its exact length. The echo of the command, `NAK`, `ACK` and
`#-1` are refusals.
"""

from __future__ import annotations

import binascii

from agent.drivers.exchange import Command, Failure, Line, printable
from model.reading import GapCause

END = b"\r"
_REFUSALS = frozenset({"NAK", "ACK", "#-1"})
#: Bytes that would end or start a line: a check sum that holds one sends it plus one.
_RESERVED = frozenset(b"(\r\n")


def crc16(data: bytes) -> bytes:
    """CRC-16/XMODEM, high byte first, as Axpert inverters send it.

    >>> crc16(b"QPIGS").hex(), crc16(b"QMOD").hex(), crc16(b"(NAK").hex()
    ('b7a9', '49c1', '7373')
    """
    return bytes(byte + (byte in _RESERVED) for byte in binascii.crc_hqx(data, 0).to_bytes(2, "big"))


def said(request: Command) -> bytes:
    """The bytes of a command."""
    data = request.text.encode("ascii")
    return data + (crc16(data) if request.crc else b"") + END


def longest(request: Command) -> int:
    """Bytes of the longest reply, its end included."""
    return max(request.length, request.most) + (2 if request.crc else 0) + len(END)


def shaped(data: bytes, request: Command) -> Line | Failure:
    """The reply in `data` if it has the command's shape. Anything after the CR is not its."""
    line, _, _ = data.partition(END)
    if request.crc:
        bare = line.lstrip(b"\x00\n")
        whole, sum_ = bare[:-2], bare[-2:]
        if _refused(bare, request) or _refused(whole, request):
            return Failure(cause=GapCause.REFUSED, raw=printable(bare))
        if len(bare) < 3 or crc16(whole) != sum_:
            return Failure(cause=GapCause.GARBLED, raw=printable(line))
        line = whole
    text = line.decode("latin-1").lstrip("\x00\n")
    if _refused(text.encode("latin-1"), request):
        return Failure(cause=GapCause.REFUSED, raw=printable(line))
    if not request.most and len(text) > request.length:
        text = _behind_a_rest(text, request)
    plain = all(" " <= c <= "~" for c in text)
    fits = request.length <= len(text) <= max(request.length, request.most)
    if not plain or not text.startswith(request.starts) or not fits:
        return Failure(cause=GapCause.GARBLED, raw=printable(line))
    return Line(text)


def whole_without_end(data: bytes, request: Command) -> bool:
    """Whether the line holds exactly the reply but for its CR: some units never send that of `F`."""
    return (
        not request.most and not request.crc and len(data) == request.length and isinstance(shaped(data, request), Line)
    )


def _refused(line: bytes, request: Command) -> bool:
    text = line.decode("latin-1")
    return text.strip("( ") in _REFUSALS or text == request.text


def _behind_a_rest(text: str, request: Command) -> str:
    tail = text[-request.length :]
    return tail if request.starts in ("(", "#") and text.count(request.starts) == 1 else text
