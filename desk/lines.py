"""A line of the field's book, and the one mistake that people can make with it. Pure; desk.field_sql keeps the lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from desk.refused import wall
from model.text import Text

Data = dict[str, Any]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one thing (`kind`, `id`); `seq` counts from 1. `data` holds JSON values."""

    kind: str
    id: str
    seq: int
    at: int  #: when it happened, ms
    recorded_at: int  #: when the desk learned of it, ms
    who: str
    event: str
    customer: str | None = None
    site: str | None = None
    device: str | None = None
    ticket: str | None = None
    text: Text
    data: Data = {}


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What a thing of the field belongs to; it is given with its first line and kept on all."""

    customer: str | None = None
    site: str | None = None
    device: str | None = None
    ticket: str | None = None


class FieldRefused(ValueError):
    """It cannot stand; `text` says what was expected, what came and what to do. Asking again is no help."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def by_id(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """The lines of each thing, in the order of recording."""
    found: dict[str, list[Line]] = {}
    for line in sorted(lines, key=lambda line: (line.id, line.seq)):
        found.setdefault(line.id, []).append(line)
    return found


def not_ahead(at: int, now: int) -> None:
    """Nothing has happened in the future. Raises FieldRefused."""
    if at > now:
        raise FieldRefused(IN_FUTURE.format(at=wall(at), now=wall(now)))


def one_of(what: Text, got: str, options: Iterable[str]) -> None:
    """Raises FieldRefused when `got` is none of the options."""
    known = list(options)
    if got not in known:
        told = ", ".join(known) or "–"
        raise FieldRefused(
            Text(
                f"{what.en}: expected one of {told}, got {got!r}; name one of these",
                f"{what.zh}：应为 {told} 之一，实为 {got!r}；请改用其中之一",
            )
        )


def required(what: Text, values: Mapping[str, object], names: Iterable[str]) -> None:
    """Raises FieldRefused naming every one that is missing or blank."""
    missing = [name for name in names if values.get(name) in (None, "")]
    if missing:
        told = ", ".join(missing)
        raise FieldRefused(Text(f"{what.en}: missing {told}; give each a value", f"{what.zh}：缺少 {told}；请逐项填写"))


IN_FUTURE = Text(
    "it cannot have happened in the future (at {at}, now {now}); expected a time up to now",
    "不能记录尚未发生的事（发生 {at}，现在 {now}）；时间应不晚于现在",
)
