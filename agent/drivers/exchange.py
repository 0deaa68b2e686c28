"""What passes between a driver and a link: plain values, no bytes of a protocol and no I/O.

A driver's `plan` makes requests; a link carries each out and hands back an answer or a `Failure`; a
driver's `read` turns a tier's exchanges into samples. A sample holds what was read, from where, and the
raw text beside it, so that `probe` can show a technician how a number came about.
"""

from __future__ import annotations

import msgspec

from model.reading import GapCause

#: What an SNMP variable may hold: a number, octets, an OID as text, or NULL.
Variable = int | float | bytes | str | None
RAW_LIMIT = 200


class ReadWords(msgspec.Struct, frozen=True, kw_only=True, tag="read"):
    """Modbus function 1 to 4. `address` counts from 0, as on the wire."""

    unit: int
    function: int
    address: int
    count: int


class ReadIdentity(msgspec.Struct, frozen=True, kw_only=True, tag="identity"):
    """Modbus 0x2B/0x0E: 1 basic, 2 regular, 3 extended, from object `first` on."""

    unit: int
    code: int = 1
    first: int = 0


class Command(msgspec.Struct, frozen=True, kw_only=True, tag="command"):
    """One line to say; the reply starts with `starts` and has `length` characters without its CR (and check sum), or
    `length` to `most` where firmwares differ. `crc`: both carry a CRC-16/XMODEM (Axpert). `constant`: name plate,
    the same answer each time, so that the link need not ask again and again."""

    text: str
    starts: str
    length: int
    most: int = 0
    crc: bool = False
    constant: bool = False


class GetVariables(msgspec.Struct, frozen=True, kw_only=True, tag="get"):
    """SNMP variables by their full OIDs, no leading dots. One that is absent is absent from the answer."""

    oids: tuple[str, ...]


class WalkVariables(msgspec.Struct, frozen=True, kw_only=True, tag="walk"):
    """Every SNMP variable below `root`, or the first `limit` of them when that is not 0."""

    root: str
    limit: int = 0


class Reach(msgspec.Struct, frozen=True, tag="reach"):
    """Whether the host is there."""


class AskNamed(msgspec.Struct, frozen=True, kw_only=True, tag="ask_named"):
    """Every variable that a neighbour (NUT, apcupsd) holds of one UPS. `name`: as it calls that UPS, "" for its only one."""

    name: str = ""


Request = Reach | AskNamed | ReadWords | ReadIdentity | Command | GetVariables | WalkVariables


class Words(msgspec.Struct, frozen=True, tag="words"):
    """Registers, or coils as 0 and 1: exactly as many as were asked for."""

    values: tuple[int, ...]


class Objects(msgspec.Struct, frozen=True, tag="objects"):
    """Device identification objects by number. `more`: the object to go on with, 0 when these are all."""

    values: dict[int, bytes]
    more: int = 0


class Line(msgspec.Struct, frozen=True, tag="line"):
    """One reply without its CR."""

    text: str


class Variables(msgspec.Struct, frozen=True, tag="variables"):
    """SNMP variables by OID, in the order of the answer. `cut`: why the rest of what was asked is not among them."""

    values: dict[str, Variable]
    cut: Failure | None = None


class Reached(msgspec.Struct, frozen=True, kw_only=True, tag="reached"):
    """It is, and this long it took."""

    round_trip_s: float


class Named(msgspec.Struct, frozen=True, tag="named"):
    """Variables as text by their names, as the neighbour tells them."""

    values: dict[str, str]


Answer = Reached | Named | Words | Objects | Line | Variables


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag="failure"):
    """No valid answer. `raw` says what came instead, printable, at most 200 characters."""

    cause: GapCause
    raw: str = ""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came of it. `at` is when the answer was complete."""

    request: Request
    answer: Answer | Failure
    at: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One value of one point, or why there is none. Text points hold text; `cause` is set when `value` is None (neither:
    there is nothing to tell)."""

    point: str
    index: str | None
    at: int
    value: float | str | None
    where: str
    raw: str
    cause: GapCause | None = None
    quality: int = 0  #: `model.reading.Quality`


def printable(data: bytes | str, limit: int = RAW_LIMIT) -> str:
    """Bytes as text where they are text, else as hex; never more than `limit` characters.

    >>> printable(b"(NAK"), printable(bytes([0x20, 0x47, 0x82]))
    ('(NAK', '20 47 82')
    """
    if isinstance(data, bytes):
        plain = all(32 <= byte < 127 for byte in data)
        data = data.decode("ascii") if plain else data.hex(" ")
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in data)
    return text if len(text) <= limit else text[: limit - 1] + "…"
