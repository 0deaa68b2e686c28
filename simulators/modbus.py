"""A Modbus card's answer to one request: pymodbus PDUs in, PDU out. Pure.

Reads holding registers (0x03) and its identity (0x2B/0x0E), and nothing else: every other function is
exception 1, so that a poller that tries to write is found out. Requests for another unit get no answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from pymodbus.constants import ExcCodes
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationRequest, ReadDeviceInformationResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersRequest, ReadHoldingRegistersResponse

from simulators import huawei
from simulators.scenario import Device, UpsModel

#: What the card says of itself: basic or extended objects, each as a stream. Ours fit one reply.
_CONFORMITY = {1: 0x01, 3: 0x03}
_DECODER = DecodePDU(is_server=True)


def answer(device: Device, meters: Mapping[str, float], pdu: bytes) -> bytes:
    """The reply PDU (function code first) to a request PDU."""
    reply = _answer(device, meters, pdu)
    return bytes((reply.function_code,)) + reply.encode()


def reads(pdu: bytes) -> bool:
    """Whether a request only reads; anything else is worth telling the person who runs the simulators."""
    return pdu[0] in (0x03, 0x2B)


def _answer(device: Device, meters: Mapping[str, float], pdu: bytes) -> ModbusPDU:
    request = _DECODER.decode(pdu) if reads(pdu) else None
    if type(request) is ReadHoldingRegistersRequest:
        return _registers(device, meters, request)
    if isinstance(request, ReadDeviceInformationRequest):
        return _identity(device, request)
    known_function = reads(pdu) and request is None  # pymodbus could not make sense of the rest
    return ExceptionResponse(pdu[0] & 0x7F, ExcCodes.ILLEGAL_VALUE if known_function else ExcCodes.ILLEGAL_FUNCTION)


def _registers(device: Device, meters: Mapping[str, float], request: ModbusPDU) -> ModbusPDU:
    words = huawei.read(meters, device.model.firmware, request.address, request.count)
    if words is None:
        return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_ADDRESS)
    return ReadHoldingRegistersResponse(registers=words)


def _identity(device: Device, request: ReadDeviceInformationRequest) -> ModbusPDU:
    model = device.model
    assert isinstance(model, UpsModel)
    objects = huawei.identity(model.mfr, model.model, model.firmware, device.serial, request.read_code)
    if objects is None:
        return ExceptionResponse(request.function_code, ExcCodes.ILLEGAL_VALUE)
    wanted = {id: value for id, value in objects.items() if id >= request.object_id}
    reply = ReadDeviceInformationResponse(request.read_code, wanted)
    reply.conformity = _CONFORMITY[request.read_code]
    return reply
