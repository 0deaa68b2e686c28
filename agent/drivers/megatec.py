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
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.address import DeviceUrl
from agent.drivers import settle
from agent.drivers.exchange import Command, Exchange, Failure, Line, Request, Sample
from agent.profiles.form import Flags, Profile, Tier, Value
from model.points import POINTS, Kind, Source
from model.reading import GapCause

_NUMBER = re.compile(r"\d{1,4}(\.\d{1,2})?")
_FILLER = re.compile(r"[@\-.\s]*")
_CELL = re.compile(r"[12]\.\d\d")
_CELL_V = 2.0
_STATUS = re.compile(r"[01]{8}")


def plan(profile: Profile, _url: DeviceUrl, tier: Tier) -> list[Request]:
    """The commands that the tier's rows need, the status reply first."""
    names = {_place(row.at)[0] for row in profile.rows(tier)}
    names |= {_place(flags.at)[0] for flags in profile.flags if flags.tier == tier}
    if any(row.rule == "bank" for row in profile.rows(tier)):
        names.add("F")
    ordered = [name for name in profile.commands if name in names]
    shapes = profile.commands
    return [Command(text=name, starts=shapes[name].starts, length=shapes[name].length) for name in ordered]


def narrow(_profile: Profile, _url: DeviceUrl, _tier: Tier, _refused: Request) -> list[Request]:
    """A line cannot be asked for in parts."""
    return []


def read(profile: Profile, _url: DeviceUrl, tier: Tier, exchanges: Sequence[Exchange]) -> list[Sample]:
    """Samples of a tier. A reply with a field out of shape is garbled in that field only."""
    replies = {e.request.text: e for e in exchanges if isinstance(e.request, Command)}
    out = [_sample(row, replies) for row in profile.rows(tier)]
    for flags in profile.flags:
        if flags.tier == tier:
            out.extend(_flags(flags, replies))
    return out


def _place(at: str) -> tuple[str, int, int]:
    name, start, end = re.split(r"[\[:\]]", at)[:3]
    return name, int(start), int(end)


def _field(at: str, replies: dict[str, Exchange]) -> tuple[str | Failure, int]:
    name, start, end = _place(at)
    exchange = replies.get(name)
    if exchange is None:
        return Failure(cause=GapCause.NO_ANSWER, raw="not asked"), 0
    if isinstance(exchange.answer, Line):
        return exchange.answer.text[start:end], exchange.at
    if isinstance(exchange.answer, Failure):
        return exchange.answer, exchange.at
    return Failure(cause=GapCause.GARBLED, raw="not a line"), exchange.at


def _sample(row: Value, replies: dict[str, Exchange]) -> Sample:
    field, at = _field(row.at, replies)
    if isinstance(field, Failure):
        return settle.gap(row.point, row.index, at, row.at, field.raw, field.cause)
    if row.rule == "source":
        return _source(row, field, at, replies)
    if POINTS[row.point].kind == Kind.TEXT:
        return settle.text(row, field, index=row.index, at=at, where=row.at)
    if _FILLER.fullmatch(field):
        return settle.gap(row.point, row.index, at, row.at, field, GapCause.NOT_SUPPORTED)
    if not _NUMBER.fullmatch(field.strip()):
        return settle.gap(row.point, row.index, at, row.at, field, GapCause.GARBLED)
    raw = float(field)
    shown = field
    if row.rule == "bank" and _CELL.fullmatch(field.strip()):
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


def _source(row: Value, field: str, at: int, replies: dict[str, Exchange]) -> Sample:
    """What feeds the output: b7 battery; nothing when the output is at 0 V; b5 by output against input."""
    if not _STATUS.fullmatch(field):
        return settle.gap(row.point, row.index, at, row.at, field, GapCause.GARBLED)
    volts = [_field(place, replies)[0] for place in ("Q1[1:6]", "Q1[13:18]")]
    known = [float(v) for v in volts if isinstance(v, str) and _NUMBER.fullmatch(v)]
    source = Source.NORMAL
    if len(known) == 2 and known[1] == 0:
        source = Source.NONE
    elif field[0] == "1":
        source = Source.BATTERY
    elif field[2] == "1" and len(known) == 2 and known[0] > 0:
        ratio = known[1] / known[0]
        source = Source.REDUCER if ratio < 0.95 else Source.BOOSTER if ratio > 1.05 else Source.BYPASS
    elif field[2] == "1":
        source = Source.BYPASS
    return Sample(point=row.point, index=row.index, at=at, value=float(source), where=row.at, raw=field)


def _flags(flags: Flags, replies: dict[str, Exchange]) -> list[Sample]:
    """Bit n is the n-th character from the left, as the reply prints it."""
    field, at = _field(flags.at, replies)
    out: list[Sample] = []
    for position, flag in flags.bits.items():
        if isinstance(field, Failure):
            out.append(settle.gap(flag, None, at, flags.at, field.raw, field.cause))
        elif position >= len(field) or field[position] not in "01":
            out.append(settle.gap(flag, None, at, flags.at, field, GapCause.GARBLED))
        else:
            out.append(Sample(point=flag, index=None, at=at, value=float(field[position]), where=flags.at, raw=field))
    return out
