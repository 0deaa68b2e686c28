"""A file of readings, CSV or JSON lines, into the columns that detectors see.

    device,point,index,at,value                   sz-futian/ups-1,battery.voltage,,1790000000000,218.4
    {"device": …, "point": …, "index": null, "at": …, "value": …}                a reading
    {"device": …, "point": null, "at": …, "cause": "no_answer"}                  a gap: asked, and no answer

`at` is ms since 1970 UTC, or ISO 8601 with its zone. Values are in the point's unit; what cannot be in that unit (millivolts, a share of one) is
no reading. Lines in any order; of two of one instant the later line counts. A line that is none of these is told with its number and left out.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analytics.detector import Column
from collector.history.days import DAY_MS, Day
from model.points import POINTS, plausible
from model.problem import Problem, unreadable
from model.reading import Gap, GapCause
from model.text import Text

#: Of one file so many mistakes are told; the rest is counted.
MOST_PROBLEMS = 20
#: Nobody's history is longer: twenty years.
MOST_DAYS = 7305
_A_LINE = Text(
    "device, point, index, at, value as in docs/backtest.md", "device、point、index、at、value（见 docs/backtest.md）"
)
_FIX = Text("correct or delete the line; it is left out", "更正或删除该行；该行已忽略")
_COLUMNS = Text(
    "a first line with device, point, at and value, by commas", "首行应有 device、point、at、value 各列，以逗号分隔"
)
_FIX_COLUMNS = Text(
    "write the header as in docs/backtest.md; a spreadsheet may have put semicolons",
    "按 docs/backtest.md 写表头；表格软件可能用了分号",
)
#: The last ms that a date can be written of: year 9999.
_LATEST = 253_402_300_799_999

Days = dict[str, dict[int, tuple[Day, list[Gap]]]]


def read(path: Path) -> tuple[Days, list[Problem]]:
    """By device and begin of day (ms): columns and gaps."""
    days: Days = {}
    problems: list[Problem] = []
    wrong = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets put a mark before the first column
            for number, row in _rows(path, file):
                why = _take(days, row)
                if why is not None:
                    wrong += 1
                    if wrong <= MOST_PROBLEMS:
                        problems.append(_problem(path, number, *why))
    except (OSError, UnicodeDecodeError) as error:
        return {}, [unreadable(str(path), error)]
    except csv.Error as error:
        problems.append(_problem(path, 0, "", str(error)))
    except _NoHeader as error:
        return {}, [Problem(file=str(path), line=1, key="", expected=_COLUMNS, got=str(error), fix=_FIX_COLUMNS)]
    if wrong > MOST_PROBLEMS:
        problems.append(_problem(path, 0, "", f"{wrong - MOST_PROBLEMS} more lines like these"))
    for each in days.values():
        for day, gaps in each.values():
            gaps.sort(key=lambda gap: gap.at)
            for series in day.values():
                for column in series.values():
                    _in_order(column)
    return days, problems


class _NoHeader(Exception):
    """The first line of a CSV names no columns."""


def _rows(path: Path, file: Iterable[str]) -> Iterator[tuple[int, object]]:
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(file)
        if not {"device", "point", "at"} <= {*(reader.fieldnames or ())}:
            raise _NoHeader(",".join(reader.fieldnames or ())[:200] or "-")
        for row in reader:
            yield reader.line_num, row
        return
    for number, line in enumerate(file, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, error


def _take(days: Days, row: object) -> tuple[str, str] | None:
    """Take in one row; (key, what came) when it is none."""
    if not isinstance(row, dict):
        return "", str(row)[:200]
    device, point, index = row.get("device"), row.get("point") or None, row.get("index") or None
    if not isinstance(device, str) or "/" not in device:
        return "device", repr(device)
    at = moment(row.get("at"))
    if at is None:
        return "at", repr(row.get("at"))
    if not isinstance(index, str | int | None):
        return "index", repr(index)
    known = POINTS.get(point) if isinstance(point, str) else None
    if point is not None and known is None:
        return "point", repr(point)
    index = None if index is None else str(index)
    if row.get("cause"):
        try:
            gap = Gap(device=device, point=point, index=index, at=at, cause=GapCause(row["cause"]))
        except ValueError:
            return "cause", repr(row["cause"])
        _of(days, device, at)[1].append(gap)
        return None
    if known is None:
        return "point", repr(point)
    try:
        value = float(row["value"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return "value", repr(row.get("value"))
    if not plausible(known, value):
        return "value", f"{value:g}: {known.id} is {known.low:g} to {known.high:g} {known.unit}".rstrip()
    column = _of(days, device, at)[0].setdefault(known.id, {}).setdefault(index, Column([], []))
    column.at.append(at)
    column.value.append(value)
    return None


def _of(days: Days, device: str, at: int) -> tuple[Day, list[Gap]]:
    return days.setdefault(device, {}).setdefault(at - at % DAY_MS, ({}, []))


def moment(told: Any) -> int | None:
    """ms since 1970 of a number, or of a date or time as ISO 8601 writes it (UTC where no zone stands); None: it is neither."""
    if isinstance(told, int | float) and not isinstance(told, bool):
        return int(told) if 0 <= told <= _LATEST else None  # no number at all is neither
    if not isinstance(told, str):
        return None
    if told.isascii() and told.isdigit():
        return moment(int(told)) if len(told) <= len(str(_LATEST)) else None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        return None
    return moment(round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000))


def wrong_days(days: int) -> Text | None:
    """Why so many days cannot be looked back; None: they can."""
    if 1 <= days <= MOST_DAYS:
        return None
    return Text(f"--days: expected 1 to {MOST_DAYS}, got {days}", f"--days：应为 1 至 {MOST_DAYS}，实为 {days}")


def nobody(wanted: str, heard: Iterable[str]) -> Text:
    """What to say of a device or site of which history has nothing."""
    some = ", ".join(sorted(heard)[:8]) or "—"
    return Text(
        f"expected a device or site that history knows ({some}), got {wanted}; fix: write it as site/device",
        f"应为历史中已有的设备或站点（{some}），实为 {wanted}；改法：写成 站点/设备",
    )


def _in_order(column: Column) -> None:
    if all(a < b for a, b in zip(column.at, column.at[1:], strict=False)):
        return
    rows = dict(zip(column.at, column.value, strict=True))
    column.at[:] = sorted(rows)
    column.value[:] = [rows[at] for at in column.at]


def _problem(path: Path, line: int, key: str, got: str) -> Problem:
    return Problem(file=str(path), line=line, key=key, expected=_A_LINE, got=got, fix=_FIX, severity="warning")
