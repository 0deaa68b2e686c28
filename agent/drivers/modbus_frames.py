"""Modbus on the wire, sans I/O: pymodbus builds and decodes, this says whether bytes fit a request.

RTU   unit fn data… crc-lo crc-hi            > 01 03 2A F8 00 01 0D E3   < 01 03 02 08 9D 7E 2D
TCP   tid tid 00 00 len len unit fn data…    > 00 64 00 00 00 06 01 03 04 02 00 07

Where a sound RTU frame stands in what came is told in `rtu_frames`.

A TCP request is built once and then only numbered; the usual reply, registers in one piece, is told by its first
nine bytes and unpacked at once (`TcpShape`). Whatever is not that goes the long way through pymodbus.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import msgspec
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadInputRegistersRequest

from agent.drivers.exchange import Answer, Failure, Objects, ReadIdentity, ReadWords, Words, printable
from model.reading import GapCause

Ask = ReadWords | ReadIdentity
_MEI, _MORE = 0x2B, 0xFF
_REQUESTS: dict[int, type[ModbusPDU]] = {
    1: ReadCoilsRequest,
    2: ReadDiscreteInputsRequest,
    3: ReadHoldingRegistersRequest,
    4: ReadInputRegistersRequest,
}
_decoder = DecodePDU(False)
_rtu, _tcp = FramerRTU(_decoder), FramerSocket(_decoder)
_EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failed",
    5: "acknowledged",
    6: "busy",
    10: "gateway has no path",
    11: "device behind the gateway is silent",
}
_TCP_HEAD = 7
_NO_WORDS = struct.Struct("")
_TCP_LONGEST = 260


class Stray(msgspec.Struct, frozen=True):
    """Bytes that are not the answer: noise, another unit, a late reply."""

    raw: str


def function_of(request: Ask) -> int:
    return request.function if isinstance(request, ReadWords) else _MEI


def rtu(request: Ask) -> bytes:
    """The request as an RTU frame."""
    return bytes(_rtu.buildFrame(_pdu(request)))


def tcp(request: Ask, transaction: int) -> bytes:
    """The request as a TCP frame."""
    return transaction.to_bytes(2, "big") + tcp_shape(request).said


class TcpShape(msgspec.Struct, frozen=True):
    """What does not change when a request is asked again over TCP: both without their transaction number."""

    said: bytes
    head: bytes  #: how a reply with the right registers begins; empty for all but functions 3 and 4
    size: int  #: its whole length, number included
    words: struct.Struct


@lru_cache(maxsize=8192)
def tcp_shape(request: Ask) -> TcpShape:
    """The shape of a request and of its usual reply."""
    said = bytes(_tcp.buildFrame(_pdu(request)))[2:]
    if not isinstance(request, ReadWords) or request.function not in (3, 4):
        return TcpShape(said, b"", 0, _NO_WORDS)
    size = 2 * request.count
    head = struct.pack(">HHBBB", 0, size + 3, request.unit, request.function, size)
    return TcpShape(said, head, _TCP_HEAD + 2 + size, struct.Struct(f">{request.count}H"))


def _pdu(request: Ask) -> ModbusPDU:
    if isinstance(request, ReadIdentity):
        return ReadDeviceInformationRequest(read_code=request.code, object_id=request.first, dev_id=request.unit)
    return _REQUESTS[request.function](address=request.address, count=request.count, dev_id=request.unit)


def byte_count(request: ReadWords) -> int:
    """How many bytes of data the reply holds: on RTU all that tells it from replies to other requests to that unit."""
    return (request.count + 7) // 8 if request.function in (1, 2) else request.count * 2


def take_tcp(data: bytes) -> tuple[bytes, bytes] | Failure | None:
    """(the first frame, the bytes after it); None: wait for more; a Failure: no Modbus, the stream is out of step."""
    if len(data) < _TCP_HEAD + 1:
        return None
    length = int.from_bytes(data[4:6], "big")
    if data[2:4] != b"\x00\x00" or not 2 <= length <= _TCP_LONGEST:
        return Failure(cause=GapCause.GARBLED, raw=printable(data))
    end = 6 + length
    return (data[:end], data[end:]) if len(data) >= end else None


def answer_tcp(frame: bytes, request: Ask) -> Answer | Failure:
    """What a whole frame with the transaction number of the request says."""
    if frame[6] != request.unit or frame[7] & 0x7F != function_of(request):
        return Failure(cause=GapCause.GARBLED, raw=printable(frame))
    return decoded(frame[7:], request)


def find_tcp(data: bytes, request: Ask, transaction: int) -> tuple[Answer | Failure | Stray, bytes] | None:
    """(what it is, the bytes after it) for the first frame in `data`; None: wait for more."""
    taken = take_tcp(data)
    if taken is None:
        return None
    if isinstance(taken, Failure):
        return taken, b""
    frame, rest = taken
    if int.from_bytes(frame[:2], "big") != transaction:
        return Stray(printable(frame)), rest
    return answer_tcp(frame, request), rest


def decoded(pdu: bytes, request: Ask) -> Answer | Failure:
    """The answer in a PDU whose function is that of the request."""
    garbled = Failure(cause=GapCause.GARBLED, raw=printable(pdu))
    if isinstance(request, ReadWords) and not pdu[0] & 0x80 and (len(pdu) < 2 or pdu[1] != byte_count(request) or len(pdu) != pdu[1] + 2):  # fmt: skip
        return garbled
    if isinstance(request, ReadWords) and pdu[0] in (3, 4):
        return Words(struct.unpack_from(f">{request.count}H", pdu, 2))
    try:
        message = _decoder.decode(pdu)
    except ModbusException:
        return garbled
    if isinstance(message, ExceptionResponse):
        code = message.exception_code
        silent = code in (10, 11)
        words = f"exception {code} {_EXCEPTIONS.get(code, '')}".rstrip()
        return Failure(cause=GapCause.NO_ANSWER if silent else GapCause.REFUSED, raw=words)
    if isinstance(message, ReadDeviceInformationResponse):
        more = message.next_object_id if message.more_follows == _MORE else 0
        return Objects({int(n): _joined(text) for n, text in message.information.items()}, more)
    if message is None or not isinstance(request, ReadWords):
        return garbled
    return Words(tuple(int(bit) for bit in message.bits[: request.count]))


def _joined(text: bytes | list[bytes]) -> bytes:
    return text if isinstance(text, bytes) else b";".join(text)
