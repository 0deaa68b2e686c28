"""How makers pack dates, and the one way in which they are told: ISO, `2019-05-07` or `2019-05-07T12:30:00`. Pure.

days 2000-01-01            days since that day (APC: 7066 = 2019-05-07)
seconds 1970-01-01         seconds since then
bytes YYYY MM DD hh mm ss  binary bytes; YYYY takes two, X is one that means nothing (SNMP DateAndTime, packed clocks)
bcd YY MM DD               the same, two decimal digits a byte
bits y7+1980 m4 d5         fields of one number from its highest bit down
text MM/DD/YYYY            text; everything but the letters stands as it is
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

FORMS = ("days", "seconds", "bytes", "bcd", "bits", "text")
_FIELDS = {"YYYY": "year", "YY": "year", "MM": "month", "DD": "day", "hh": "hour", "mm": "minute", "ss": "second"}
_BITS = {"y": "year", "m": "month", "d": "day", "h": "hour", "n": "minute", "s": "second"}
_BIT = re.compile(r"([ymdhns])(\d{1,2})(?:\+(\d{1,4}))?")
_FIELD = re.compile(r"YYYY|YY|MM|DD|hh|mm|ss")
#: Two digits of a year: from 70 on the last century.
_CENTURY = 70


def problem_of(written: str) -> str:
    """What is wrong with a layout; "" when nothing is.

    >>> problem_of("days 2000-01-01"), problem_of("bytes YY MM"), problem_of("weeks 2000-01-01")
    ('', 'no DD', 'unknown form weeks')
    """
    form, _, layout = written.partition(" ")
    if form not in FORMS:
        return f"unknown form {form}"
    if form in ("days", "seconds"):
        return "" if _day(layout) else "no date"
    if form == "bits":
        names = [found[1] for word in layout.split() if (found := _BIT.fullmatch(word))]
        return "" if len(names) == len(layout.split()) and {"y", "m", "d"} <= set(names) else "fields y, m and d needed"
    fields_ = _FIELD.findall(layout) if form == "text" else layout.split()
    if form != "text" and any(field not in _FIELDS and field != "X" for field in fields_):
        return "unknown field"
    lacking = [name for name, field in (("YYYY", "year"), ("MM", "month"), ("DD", "day")) if field not in {_FIELDS.get(t) for t in fields_}]  # fmt: skip
    return f"no {lacking[0]}" if lacking else ""


def from_number(written: str, raw: float) -> str:
    """The date in a number, or "" when it is none.

    >>> from_number("days 2000-01-01", 7066), from_number("bits y7+1980 m4 d5", 20135)
    ('2019-05-07', '2019-05-07')
    """
    form, _, layout = written.partition(" ")
    start = _day(layout)
    if raw != raw or raw <= 0 or raw >= 2**53 or raw != int(raw):
        return ""
    try:
        if form == "days" and start:
            return (start + timedelta(days=int(raw))).isoformat()
        if form == "seconds" and start:
            return (datetime(start.year, start.month, start.day) + timedelta(seconds=int(raw))).isoformat()
    except (OverflowError, ValueError):
        return ""
    return _from_bits(layout, int(raw)) if form == "bits" else ""


def from_bytes(written: str, data: bytes) -> str:
    """The date in some bytes, or "" when it is none.

    >>> from_bytes("bytes YYYY MM DD hh mm ss", bytes.fromhex("07e305070c1e00"))
    '2019-05-07T12:30:00'
    >>> from_bytes("bcd YY MM DD", bytes.fromhex("190507"))
    '2019-05-07'
    """
    form, _, layout = written.partition(" ")
    if form not in ("bytes", "bcd"):
        return ""
    found: dict[str, int] = {}
    at = 0
    for field in layout.split():
        width = 2 if field == "YYYY" else 1
        piece = data[at : at + width]
        at += width
        if len(piece) < width:
            return ""
        if field == "X":
            continue
        digits = piece.hex()
        if form == "bcd" and not digits.isdigit():
            return ""
        number = int(digits) if form == "bcd" else int.from_bytes(piece, "big")
        found[_FIELDS[field]] = _year(field, number)
    return _iso(found)


def from_text(written: str, text: str) -> str:
    """The date in a text, or "" when it is none. More may follow it.

    >>> from_text("text MM/DD/YYYY", "05/07/2019"), from_text("text MM/DD/YY", "05/07/19"), from_text("text MM/DD/YY", "n/a")
    ('2019-05-07', '2019-05-07', '')
    """
    form, _, layout = written.partition(" ")
    if form != "text":
        return ""
    fields_ = _FIELD.findall(layout)
    shape = "".join(rf"(\d{{{len(part)}}})" if part in _FIELDS else re.escape(part) for part in re.split(f"({_FIELD.pattern})", layout))  # fmt: skip
    found = re.match(shape, text.strip(), re.ASCII)
    if not found:
        return ""
    return _iso({_FIELDS[field]: _year(field, int(part)) for field, part in zip(fields_, found.groups(), strict=True)})


def _from_bits(layout: str, raw: int) -> str:
    fields: dict[str, int] = {}
    for word in reversed(layout.split()):
        found = _BIT.fullmatch(word)
        if not found:
            return ""
        width = int(found[2])
        fields[_BITS[found[1]]] = (raw & ((1 << width) - 1)) + int(found[3] or 0)
        raw >>= width
    return _iso(fields)


def _year(field: str, number: int) -> int:
    return number + (1900 if number >= _CENTURY else 2000) if field == "YY" else number


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        return None


def _iso(fields: dict[str, int]) -> str:
    try:
        day = date(fields["year"], fields["month"], fields["day"])
        if "hour" not in fields:
            return day.isoformat()
        return datetime(
            day.year, day.month, day.day, fields["hour"], fields.get("minute", 0), fields.get("second", 0)
        ).isoformat()
    except (KeyError, ValueError, OverflowError):
        return ""
