r"""InfluxDB's line protocol, read line by line. Pure.

    upsd,ups_name=ups1,host=gw battery_charge=97,status="OL \"x\"",n=12i,ok=true 1700000000000000000
    measurement  tags           fields: float, string, integer (i, u), boolean     time in `precision`

Rules. A line that is none is told with its number and why, and the next one is read. Escapes: a backslash before a comma,
a space, an equals sign; in strings before a quote or itself. A string may hold line ends. A time before 2000 is told:
it is a wrong `precision`, not history.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

Field = float | int | str | bool
#: What one unit of a time stamp is in milliseconds.
PRECISIONS = {
    "ns": 1e-6,
    "n": 1e-6,
    "us": 1e-3,
    "u": 1e-3,
    "µ": 1e-3,
    "ms": 1.0,
    "s": 1000.0,
    "m": 60_000.0,
    "h": 3_600_000.0,
}
_EARLIEST_MS = 946_684_800_000
_LATEST_MS = 32_503_680_000_000  # the year 3000
_MEASUREMENT = re.compile(r"(?:\\.|[^\\, \n])+")
_KEY = re.compile(r"(?:\\.|[^\\,= \n])+")
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_PLAIN = re.compile(r"[^, \n]+")
_TIME = re.compile(r"-?\d+")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WHOLE = re.compile(r"[+-]?\d{1,20}[iu]")
_TRUE, _FALSE = ("t", "T", "true", "True", "TRUE"), ("f", "F", "false", "False", "FALSE")
_ESCAPED = re.compile(r"\\([,= \\])")
_QUOTED = re.compile(r'\\(["\\])')


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One point in time. `at`: ms since 1970 UTC, None when the line has no time."""

    number: int
    measurement: str
    tags: dict[str, str]
    fields: dict[str, Field]
    at: int | None = None


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """A line that was not read, and why."""

    number: int
    why: str


class _WrongError(ValueError):
    """Why a line is none."""


def lines(body: str, precision: str) -> Iterator[Line | Bad]:
    """Every line of a body that is neither empty nor a comment. `precision`: a key of `PRECISIONS`."""
    at, number = 0, 1
    while at < len(body):
        begin = at
        if body[at] in "\n\r":
            at += 1
        elif body[at] == "#":
            at = _end(body, at)
        else:
            try:
                line, at = _line(body, at, number, PRECISIONS[precision])
                yield line
            except _WrongError as wrong:
                yield Bad(number=number, why=str(wrong))
                at = _end(body, at)
        number += body.count("\n", begin, at)


def _end(body: str, at: int) -> int:
    found = body.find("\n", at)
    return len(body) if found < 0 else found


def _line(body: str, at: int, number: int, unit: float) -> tuple[Line, int]:
    measurement, at = _take(_MEASUREMENT, body, at, "a measurement")
    tags: dict[str, str] = {}
    while body[at : at + 1] == ",":
        key, at = _take(_KEY, body, at + 1, "a tag")
        at = _sign(body, at, "=", f"= after the tag {key}")
        tags[_plain(key)], at = _take(_KEY, body, at, f"a value of the tag {key}")
        tags[_plain(key)] = _plain(tags[_plain(key)])
    at = _spaces(body, _sign(body, at, " ", "a space before the fields"))
    fields: dict[str, Field] = {}
    while True:
        key, at = _take(_KEY, body, at, "a field")
        at = _sign(body, at, "=", f"= after the field {key}")
        fields[_plain(key)], at = _field(body, at, key)
        if body[at : at + 1] != ",":
            break
        at += 1
    at = _spaces(body, at)
    when: int | None = None
    if at < len(body) and body[at] not in "\r\n":
        text, at = _take(_TIME, body, at, "a time stamp")
        when = _time(int(text), unit)
        at = _spaces(body, at)
    if at < len(body) and body[at] not in "\r\n":
        raise _WrongError(f"expected the end of the line, got {body[at : at + 20]!r}")
    return Line(number=number, measurement=_plain(measurement), tags=tags, fields=fields, at=when), at


def _take(pattern: re.Pattern[str], body: str, at: int, what: str) -> tuple[str, int]:
    found = pattern.match(body, at)
    if found is None:
        raise _WrongError(f"expected {what}, got {body[at : at + 20].partition(chr(10))[0]!r}")
    return found[0], found.end()


def _sign(body: str, at: int, sign: str, what: str) -> int:
    if body[at : at + 1] != sign:
        raise _WrongError(f"expected {what}, got {body[at : at + 20].partition(chr(10))[0]!r}")
    return at + 1


def _spaces(body: str, at: int) -> int:
    while body[at : at + 1] == " ":
        at += 1
    return at


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _field(body: str, at: int, key: str) -> tuple[Field, int]:
    if body[at : at + 1] == '"':
        found = _STRING.match(body, at)
        if found is None:
            raise _WrongError(f"expected the end of the string of {key}")
        return _QUOTED.sub(r"\1", found[1]), found.end()
    text, at = _take(_PLAIN, body, at, f"a value of {key}")
    text = text.rstrip("\r")
    if _FLOAT.fullmatch(text):
        return float(text), at
    if _WHOLE.fullmatch(text):
        return int(text[:-1]), at
    if text in _TRUE or text in _FALSE:
        return text in _TRUE, at
    raise _WrongError(f"expected a number, a boolean or a string in quotes as {key}, got {text[:20]!r}")


def _time(stamp: int, unit: float) -> int:
    at = stamp // 1_000_000 if unit == PRECISIONS["ns"] else int(stamp * unit)
    if not _EARLIEST_MS <= at <= _LATEST_MS:
        raise _WrongError(f"expected a time of this century, got {stamp}: is `precision` right?")
    return at
