"""Megatec / Q1 family: one line asked, one line answered, fields at fixed characters, no checksum.

    > Q1
    < (238.6 000.0 220.2 019 49.9 2.23 43.0 00000001
      0         1         2         3         4
      0123456789012345678901234567890123456789012345
      input fault output load Hz batt degC  b7…b0       (VulTech GS-1KVAS-RK, nut issue 2151)
    > F
    < #220.0 013 72.00 50.0        rated: voltage, current, battery, frequency

Because there is no checksum, a reply counts only with its exact length and with digits where digits are
due. Battery voltage is the whole bank (`13.1`) or one cell (`2.23`, digits tell); one cell is multiplied by
the number of cells, which only the rating (F: battery / 2 V) tells.

A place is characters (`Q1[1:6]`) or, where the widths differ between firmwares, a word of the line behind its first
character (`QPIGS{8}`, from 0). Letters (`QMOD`) have states of their own. Rules: `bank` and `cell` as above, `source`:
what feeds the output, from the status bits of Q1, QS and QGS and, where it is asked, from the mode letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.derive import derived
from agent.drivers.exchange import Command, Exchange, Failure, Line, Request, Sample, printable
from agent.profiles.form import Flags, Profile, Serial, Tier, Value
from model.points import POINTS, Kind, Source
from model.reading import GapCause

_NUMBER = re.compile(r"\d{1,7}(\.\d{1,2})?")
_FILLER = re.compile(r"[@\-.\s#]*")
_CELL = re.compile(r"[12]\.\d\d")
_CELL_V = 2.0
_LEAST_BANK_V = 6.0
_STATUS = re.compile(r"[01]{8}|[01]{12}")


class _Layout(NamedTuple):
    """Where a status line tells what feeds the output: voltages, and characters of its status bits."""

    input_v: str
    output_v: str
    battery: int
    bypass: int  #: or boost or buck: the voltages tell


_LAYOUTS = {
    "Q1": _Layout("Q1[1:6]", "Q1[13:18]", battery=0, bypass=2),
    "QS": _Layout("QS[1:6]", "QS[13:18]", battery=0, bypass=2),
    "QGS": _Layout("QGS[1:6]", "QGS[12:17]", battery=2, bypass=4),
}
_MODE = "QMOD[1:2]"
#: Bypass by order of nobody: in ECO the mains feeds the load through the bypass because its owner wants it so.
_MODES = {"Y": Source.BYPASS, "E": Source.NORMAL, "C": Source.NORMAL}


def plan(profile: Profile, _url: DeviceUrl, tier: Tier) -> list[Request]:
    """The commands that the tier's rows need, the status reply first."""
    rows = profile.rows(tier)
    names = {_place(row.at)[0] for row in rows}
    names |= {_place(flags.at)[0] for flags in profile.flags if flags.tier == tier}
    if any(row.rule == "bank" for row in rows):
        names.add("F")
    if any(row.rule == "source" for row in rows) and "QMOD" in profile.commands:
        names.add("QMOD")
    return [_command(name, shape) for name, shape in profile.commands.items() if name in names]


def _command(name: str, shape: Serial) -> Command:
    return Command(
        text=name, starts=shape.starts, length=shape.length, most=shape.most, crc=shape.crc, constant=shape.constant
    )


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """A line cannot be asked for in parts."""
    return []


def read(profile: Profile, _url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """Samples of a tier. A reply with a field out of shape is garbled in that field only."""
    replies = {e.request.text: e for e in exchanges if isinstance(e.request, Command)}
    found = [_sample(row, replies) for row in profile.rows(tier)]
    out = [sample for sample in found if not settle.silent(sample)]
    out.extend(_flags([flags for flags in profile.flags if flags.tier == tier], replies))
    return derived(profile, tier, out)


def _place(at: str) -> tuple[str, int, int | None]:
    """(command, from, to), or (command, word, None)."""
    name, start, *end = re.split(r"[\[\]{}:]", at)[:3]
    return name, int(start), int(end[0]) if "[" in at else None


def _field(at: str, replies: dict[str, Exchange]) -> tuple[str | Failure, int]:
    name, start, end = _place(at)
    exchange = replies.get(name)
    if exchange is None:
        return Failure(cause=GapCause.NO_ANSWER, raw="not asked"), 0
    if isinstance(exchange.answer, Line):
        return _part(exchange.answer.text, start, end), exchange.at
    if isinstance(exchange.answer, Failure):
        return exchange.answer, exchange.at
    return Failure(cause=GapCause.GARBLED, raw="not a line"), exchange.at


def _part(text: str, start: int, end: int | None) -> str | Failure:
    if end is not None:
        return text[start:end]
    words = text[1:].split()
    if start < len(words):
        return words[start]
    return Failure(cause=GapCause.GARBLED, raw=f"{len(words)} words, word {start} wanted")


def _sample(row: Value, replies: dict[str, Exchange]) -> Sample:
    field, at = _field(row.at, replies)
    if isinstance(field, Failure):
        return settle.gap(row.point, row.index, at, row.at, field.raw, field.cause)
    if row.rule == "source":
        return _source(row, field, at, replies)
    if row.letters:
        return _letter(row, field, at)
    if row.rule == "charge" and not _battery_there(replies):
        return settle.gap(row.point, row.index, at, row.at, f"{field}; no battery voltage", GapCause.NOT_SUPPORTED)
    if POINTS[row.point].kind == Kind.TEXT:
        return settle.text(row, field, index=row.index, at=at, where=row.at)
    if _FILLER.fullmatch(field) or field.strip().casefold() in row.missing_text:
        return settle.gap(row.point, row.index, at, row.at, field, GapCause.NOT_SUPPORTED)
    # A name plate fills its fields up with # (`###3000`). Elsewhere that is a 3 with one bit lost.
    digits = field.strip(" ").lstrip("#" if row.tier is Tier.IDENTITY else "")
    if not _NUMBER.fullmatch(digits):
        return settle.gap(row.point, row.index, at, row.at, printable(field), GapCause.GARBLED)
    raw = float(digits)
    shown = field
    if row.rule == "bank" and _CELL.fullmatch(digits):
        cells = _cells(replies)
        if isinstance(cells, Failure):
            return settle.gap(row.point, row.index, at, row.at, f"{field} a cell; {cells.raw}"[:200], cells.cause)
        raw, shown = raw * cells, f"{field} x {cells} cells"
    return settle.number(row, raw, index=row.index, at=at, where=row.at, shown=shown)


def _cells(replies: dict[str, Exchange]) -> int | Failure:
    """Cells in the bank, from the rated battery voltage."""
    field, _ = _field("F[11:16]", replies)
    if isinstance(field, Failure):
        return Failure(cause=field.cause, raw=f"F (rating): {field.raw}")
    if not _NUMBER.fullmatch(field) or not 1 <= float(field) / _CELL_V <= 400:
        return Failure(cause=GapCause.GARBLED, raw=f"F (rating): {field}")
    return round(float(field) / _CELL_V)


def _battery_there(replies: dict[str, Exchange]) -> bool:
    """An Axpert without a battery says 0 % of some 0.1 V."""
    volts, _ = _field("QPIGS{8}", replies)
    return isinstance(volts, str) and bool(_NUMBER.fullmatch(volts)) and float(volts) >= _LEAST_BANK_V


def _letter(row: Value, field: str, at: int) -> Sample:
    state = row.letters.get(field, row.default)
    if state is None:
        return settle.gap(row.point, row.index, at, row.at, field, GapCause.NOT_PLAUSIBLE)
    return Sample(point=row.point, index=row.index, at=at, value=float(state), where=row.at, raw=field)


def _source(row: Value, field: str, at: int, replies: dict[str, Exchange]) -> Sample:
    """What feeds the output: nothing when it is at 0 V; battery; bypass, boost or buck by output against input."""
    layout = _LAYOUTS.get(_place(row.at)[0])
    if not _STATUS.fullmatch(field) or layout is None or max(layout.battery, layout.bypass) >= len(field):
        return settle.gap(row.point, row.index, at, row.at, field, GapCause.GARBLED)
    volts = [_field(place, replies)[0] for place in (layout.input_v, layout.output_v)]
    known = [float(v) for v in volts if isinstance(v, str) and _NUMBER.fullmatch(v)]
    mode = _field(_MODE, replies)[0]
    source = Source.NORMAL
    if len(known) == 2 and known[1] == 0:
        source = Source.NONE
    elif field[layout.battery] == "1":
        source = Source.BATTERY
    elif isinstance(mode, str) and mode in _MODES:
        source = _MODES[mode]
    elif field[layout.bypass] == "1" and len(known) == 2 and known[0] > 0:
        ratio = known[1] / known[0]
        source = Source.REDUCER if ratio < 0.95 else Source.BOOSTER if ratio > 1.05 else Source.BYPASS
    elif field[layout.bypass] == "1":
        source = Source.BYPASS
    return Sample(point=row.point, index=row.index, at=at, value=float(source), where=row.at, raw=field)


def _flags(words: Sequence[Flags], replies: dict[str, Exchange]) -> list[Sample]:
    """Each flag once: raised when any of its characters is. Character n counts from the left, as the reply prints it."""
    out: dict[str, Sample] = {}
    for word in words:
        field, at = _field(word.at, replies)
        for position, flag in word.bits.items():
            one = _flag(flag, position, field, at, word.at)
            held = out.get(flag)
            if held is None or one.value == 1.0 or (held.value == 0.0 and one.value is None):
                out[flag] = one
    return list(out.values())


def _flag(flag: str, position: int, field: str | Failure, at: int, where: str) -> Sample:
    if isinstance(field, Failure):
        return settle.gap(flag, None, at, where, field.raw, field.cause)
    if position >= len(field) or field[position] not in "01":
        return settle.gap(flag, None, at, where, field, GapCause.GARBLED)
    return Sample(point=flag, index=None, at=at, value=float(field[position]), where=where, raw=field)
