"""A recording of one line around an event: what was on the wire, frame by frame, as a file of JSON lines. Pure.

    {"flight":1,"agent":"0.1.0","site":"sz","link":"ttyUSB0","devices":[{"id":"sz/ups-1","scheme":"modbus+rtu",…}],
     "why":{"kind":"changed","device":"sz/ups-1","point":"ups.source","before":3,"after":5},"at":…,"event":60012.5}
    {"t":0,"way":">","device":"sz/ups-1","hex":"0103…"}
    {"t":31.2,"way":"<","device":"sz/ups-1","hex":"0103…"}
    {"t":35,"way":"=","device":"sz/sw-1","get":["1.3.6.1.2.1.1.3.0"],"values":[["1.3.6.1.2.1.1.3.0","int",7021]]}

Rules. No secret is in it: no host of a device, no community, no key. SNMP stands as requests and values, because
datagrams hold the community or are encrypted; an integer has lost its ASN.1 type, and an IP address stands as an OID.
`t` is in ms since the first frame and never falls. Keys that a reader does not know are skipped. docs/flight-recorder.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite
from typing import Final, Literal

import msgspec

from model.problem import Problem
from model.text import Text

VERSION = 1
SUFFIX = ".flight.jsonl"
SENT: Final = ">"
CAME: Final = "<"
EXCHANGED: Final = "="
#: A file longer than this is none of ours.
MOST_BYTES = 16 * 1024 * 1024
_LONGEST_MS = 7 * 86_400_000.0
_OID = re.compile(r"\d{1,10}(\.\d{1,10}){1,127}\Z")
_HEX = re.compile(r"([0-9a-f]{2})*\Z")

#: An SNMP value as it was answered: octets as bytes, an OID as text, NULL as None.
Value = int | float | bytes | str | None


class Wired(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A device on the recorded line: how it is spoken to, without where it stands."""

    id: str
    scheme: str
    options: dict[str, str] = {}  #: of its URL: unit, baud, parity …
    profiles: tuple[str, ...] = ()  #: ids; empty: it said itself what it is


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What made the recorder save: a state or flag that changed, a burst of gaps, or somebody's wish."""

    kind: Literal["changed", "gaps", "asked"]
    device: str
    point: str | None = None
    index: str | None = None
    before: float | None = None
    after: float | None = None
    count: int = 0  #: of gaps

    def told(self) -> str:
        """In a few signs, for a list: `ups.source 3 -> 5`."""
        if self.kind == "changed":
            place = f"{self.point}{'' if self.index is None else f'#{self.index}'}"
            return f"{place} {self.before:g} -> {self.after:g}"
        return f"{self.count} gaps" if self.kind == "gaps" else "asked for"


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a file."""

    flight: int
    agent: str  #: the version that recorded
    site: str
    link: str
    devices: tuple[Wired, ...]
    why: Why
    at: int  #: of the event, ms on the agent's time line
    event: float  #: of the event, ms since the first frame
    also: tuple[Why, ...] = ()  #: what else changed before the recording was closed
    cut: int = 0  #: frames that were left out at the beginning, to keep the file small
    suppressed: int = 0  #: recordings of this line that were not made since the last, because of a limit


class Octets(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of the wire. `way` is `>` sent to the device or `<` come from the line."""

    t: float
    way: Literal[">", "<"]
    device: str
    data: bytes


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """An SNMP exchange: a get of `oids`, or a walk of the one OID in it. `failure` is a gap's cause, else ""."""

    t: float
    device: str
    verb: Literal["get", "walk"]
    oids: tuple[str, ...]
    limit: int = 0
    values: tuple[tuple[str, Value], ...] = ()
    failure: str = ""
    raw: str = ""


Frame = Octets | Asked


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """A whole recording."""

    header: Header
    frames: tuple[Frame, ...]


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A frame as it stands in the file."""

    t: float
    way: Literal[">", "<", "="]
    device: str
    hex: str | None = None
    get: tuple[str, ...] | None = None
    walk: str | None = None
    limit: int = 0
    values: tuple[tuple[str, Literal["int", "real", "octets", "oid", "null"], int | float | str | None], ...] | None = (
        None
    )
    failure: str = ""
    raw: str = ""


_encoder = msgspec.json.Encoder()
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(_Line)


def dump(flight: Flight) -> bytes:
    """The file."""
    return b"".join(dump_line(one) for one in (flight.header, *flight.frames))


def dump_line(one: Header | Frame) -> bytes:
    """One line of the file, with its end."""
    if isinstance(one, Header):
        return _encoder.encode(one) + b"\n"
    if isinstance(one, Octets):
        line = _Line(t=one.t, way=one.way, device=one.device, hex=one.data.hex())
        return _encoder.encode(line) + b"\n"
    line = _Line(t=one.t, way="=", device=one.device, limit=one.limit, failure=one.failure, raw=one.raw)
    if one.verb == "get":
        line.get = one.oids
    else:
        line.walk = one.oids[0]
    if not one.failure:
        line.values = tuple((oid, *_typed(value)) for oid, value in one.values)
    return _encoder.encode(line) + b"\n"


def _typed(value: Value) -> tuple[Literal["int", "real", "octets", "oid", "null"], int | float | str | None]:
    if value is None:
        return "null", None
    if isinstance(value, bytes):
        return "octets", value.hex()
    if isinstance(value, str):
        return ("oid", value) if _OID.match(value) else ("octets", value.encode().hex())
    if isinstance(value, int):
        return "int", int(value)
    return ("real", value) if isfinite(value) else ("null", None)


def read(body: bytes, file: str = "") -> tuple[Flight | None, list[Problem]]:
    """The recording in `body`; None when there is a problem. The first wrong line ends the reading."""
    try:
        return _read(body), []
    except _WrongError as wrong:
        problem = Problem(
            file=file, line=wrong.line, key=wrong.key, expected=wrong.expected, got=wrong.got[:200], fix=_FIX
        )
        return None, [problem]


def header_of(body: bytes) -> Header | None:
    """The header alone, without a look at the frames; None when the first line is none."""
    try:
        return _read_header(body.partition(b"\n")[0])
    except _WrongError:
        return None


class _WrongError(Exception):
    def __init__(self, line: int, key: str, expected: Text, got: str) -> None:
        super().__init__(got)
        self.line, self.key, self.expected, self.got = line, key, expected, got


def _read(body: bytes) -> Flight:
    if len(body) > MOST_BYTES:
        raise _WrongError(0, "", _A_FILE, f"{len(body)} bytes")
    lines = body.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        raise _WrongError(1, "", _A_HEADER, "an empty file")
    header = _read_header(lines[0])
    known = {device.id for device in header.devices}
    return Flight(header=header, frames=tuple(_frames(lines[1:], known)))


def _read_header(line: bytes) -> Header:
    try:
        header = _header.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _WrongError(1, "", _A_HEADER, str(error)) from error
    if header.flight != VERSION:
        raise _WrongError(1, "flight", Text(f"version {VERSION}", f"版本 {VERSION}"), str(header.flight))
    if not header.devices:
        raise _WrongError(1, "devices", Text("at least one device", "至少一台设备"), "none")
    schemes = {device.scheme for device in header.devices}
    if len(schemes) > 1:
        raise _WrongError(1, "devices", Text("devices of one line: one scheme", "同一线路的设备：同一协议"), ", ".join(sorted(schemes)))  # fmt: skip
    return header


def _frames(lines: list[bytes], known: set[str]) -> Iterator[Frame]:
    before = 0.0
    for number, line in enumerate(lines, start=2):
        try:
            found = _line.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _WrongError(number, "", _A_FRAME, str(error)) from error
        if not isfinite(found.t) or not before <= found.t <= _LONGEST_MS:
            expected = Text(f"ms from {before:g} up, for time never falls", f"不小于 {before:g} 的毫秒数（时间不倒退）")
            raise _WrongError(number, "t", expected, f"{found.t:g}")
        before = found.t
        if found.device and found.device not in known:
            raise _WrongError(number, "device", Text("a device of the header", "文件头中的设备"), repr(found.device))
        yield _octets(found, number) if found.way != EXCHANGED else _asked(found, number)


def _octets(line: _Line, number: int) -> Octets:
    if line.hex is None or not _HEX.match(line.hex):
        raise _WrongError(number, "hex", _SOME_HEX, repr(line.hex))
    return Octets(t=line.t, way=SENT if line.way == SENT else CAME, device=line.device, data=bytes.fromhex(line.hex))


def _asked(line: _Line, number: int) -> Asked:
    if (line.get is None) == (line.walk is None):
        raise _WrongError(number, "get", Text("either get or walk", "get 或 walk 之一"), "both" if line.get else "none")
    oids = (line.walk,) if line.walk is not None else line.get or ()
    if (line.values is None) == (not line.failure):
        expected = Text("either values or a failure", "values 或 failure 之一")
        raise _WrongError(number, "values", expected, "none" if line.values is None else "both")
    for oid in (*oids, *(one[0] for one in line.values or ())):
        if not is_oid(oid):
            raise _WrongError(number, "oid", _AN_OID, repr(oid))
    values = tuple((oid, _value(kind, value, number)) for oid, kind, value in line.values or ())
    return Asked(
        t=line.t,
        device=line.device,
        verb="get" if line.walk is None else "walk",
        oids=oids,
        limit=line.limit,
        values=values,
        failure=line.failure,
        raw=line.raw,
    )


def is_oid(text: str) -> bool:
    """Whether `text` is an object identifier that BER can hold.

    >>> is_oid("1.3.6.1"), is_oid("9.9"), is_oid("1.3.4294967296")
    (True, False, False)
    """
    if not _OID.match(text) or not text.isascii():
        return False
    first, second, *rest = map(int, text.split("."))
    return first <= 2 and (second < 40 or first == 2) and all(arc < 2**32 for arc in (second, *rest))


def _value(kind: str, value: int | float | str | None, number: int) -> Value:
    """A value by its type; anything that does not fit its type is an error of the line."""
    match kind, value:
        case "null", None:
            return None
        case "int", int() if -(2**63) <= value < 2**64:
            return value
        case "real", int() | float() if isfinite(value):
            return float(value)
        case "octets", str() if _HEX.match(value):
            return bytes.fromhex(value)
        case "oid", str() if is_oid(value):
            return value
    raise _WrongError(number, "values", Text(f"a value of type {kind}", f"类型 {kind} 的值"), repr(value))


_A_FILE = Text(f"at most {MOST_BYTES} bytes", f"至多 {MOST_BYTES} 字节")
_A_HEADER = Text("the header of a recording: flight, site, link, devices, why, at", "录波文件头：flight、site、link、devices、why、at")  # fmt: skip
_A_FRAME = Text("a frame: t, way, device, and hex or get or walk", "一帧：t、way、device，及 hex、get 或 walk")
_SOME_HEX = Text("an even number of small hex digits", "偶数个小写十六进制数字")
_AN_OID = Text("an OID: numbers with dots", "OID：以点分隔的数字")
_FIX = Text("save the recording again: roundsman recording save ID", "重新保存录波：roundsman recording save ID")
