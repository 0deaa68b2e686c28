"""An inspection's list of items, filled in from telemetry as far as it reaches; what needs eyes stays open. Pure.

A value is shown with its age and never judged by a guess: only what the dictionary of points calls trouble is trouble.
What is older than a day, or was never told, leaves the item open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import msgspec

from desk.duration import HOUR_MS
from desk.lines import FieldRefused
from desk.policy import Duty
from model.points import POINTS, Kind, Source
from model.reading import Quality, Reading
from model.text import Text

#: A reading older than this says nothing of today.
FRESH_MS = 24 * HOUR_MS
#: On mains the charge hardly moves: a reading this much before a discharge tells where it began.
BEFORE_MS = HOUR_MS // 4


#: Decided: what must be left of the runtime after a discharge, and the load under which none is begun.
LEAST_LEFT_S = 600
MOST_LOAD = 80.0


class Found(StrEnum):
    """How an item stands before a person looked."""

    GOOD = "good"  #: everything that telemetry tells of it is well
    TROUBLE = "trouble"  #: a state or flag among it is trouble
    MEASURED = "measured"  #: values without a verdict of their own
    EYES = "eyes"  #: nobody but a person can tell


NAMES: dict[Found, Text] = {
    Found.GOOD: Text("well by telemetry", "遥测正常"),
    Found.TROUBLE: Text("trouble by telemetry", "遥测异常"),
    Found.MEASURED: Text("measured, to be judged", "已测量，待判断"),
    Found.EYES: Text("to be looked at", "需现场查看"),
}


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One reading behind an item. `said` is the state's name where the value is a code."""

    device: str
    point: str
    index: str | None
    value: float
    unit: str
    at: int
    trouble: bool
    said: Text | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of the contract's list, numbered from 1. `absent` are points that nothing fresh was heard of."""

    number: int
    text: Text
    found: Found
    values: tuple[Value, ...] = ()
    absent: tuple[str, ...] = ()


def prefill(duty: Duty, readings: Iterable[Reading], now: int) -> list[Item]:
    """The items in the contract's order; `readings` are the newest of each series of the devices inspected."""
    fresh = [r for r in readings if now - FRESH_MS <= r.at <= now]
    points = [*duty.prefill, *[()] * (len(duty.items) - len(duty.prefill))]
    return [_item(n, text, wanted, fresh) for n, (text, wanted) in enumerate(zip(duty.items, points, strict=True), 1)]


def answered(items: Sequence[Item], answers: Mapping[int, str]) -> dict[int, str]:
    """The record's words for each item; what needs eyes, is trouble or unjudged must be answered by a person.

    Raises FieldRefused naming the numbers that are open or unknown.
    """
    numbers = {item.number for item in items}
    unknown = sorted(set(answers) - numbers)
    open_ = [i.number for i in items if i.found is not Found.GOOD and not answers.get(i.number, "").strip()]
    if unknown or open_:
        raise FieldRefused(
            Text(
                f"items still open: {open_ or 'none'}; not on the list: {unknown or 'none'}; answer each open item",
                f"未填项目：{open_ or '无'}；清单外项目：{unknown or '无'}；请逐项填写",
            )
        )
    return {item.number: answers.get(item.number, "").strip() or NAMES[item.found].zh for item in items}


def depth(charge: Sequence[tuple[int, float]], since: int, until: int) -> float | None:
    """How deep one discharge went, as a share of the capacity, from `battery.charge` (ms, %) while on battery.

    None without a reading shortly before it began, or none while it ran: it is not guessed.
    """
    before = [value for at, value in charge if since - BEFORE_MS <= at <= since]
    during = [value for at, value in charge if since < at <= until]
    if not before or not during:
        return None
    return max(0.0, round((before[-1] - min(during)) / 100, 4))


def against_discharge(
    depth: float, readings: Iterable[Reading], now: int, consent: Text | None, fresh_ms: int = BEFORE_MS
) -> list[Text]:
    """Everything that speaks against a discharge of one UPS to `depth` now; [] is leave to ask a person to begin it.

    `consent` are the words of a refusal, None when permitted. What is not known speaks against it, too.
    """
    newest = {r.point: r.value for r in readings if now - fresh_ms <= r.at <= now}
    source, runtime, load = (newest.get(p) for p in ("ups.source", "battery.runtime", "ups.load"))
    why = [] if consent is None else [consent]
    if source is None or round(source) != Source.NORMAL:
        why.append(Text("it is not known to run on mains now", "未确认当前由市电供电"))
    if runtime is None:
        why.append(Text("its runtime is not known", "剩余续航未知"))
    elif runtime * (1 - depth) < LEAST_LEFT_S:
        left = round(runtime * (1 - depth) / 60)
        why.append(
            Text(
                f"{left} min would be left after it; expected at least {LEAST_LEFT_S // 60} min",
                f"放电后仅剩 {left} 分钟；应至少剩 {LEAST_LEFT_S // 60} 分钟",
            )
        )
    if load is None or load > MOST_LOAD:
        got = Text("not known", "未知") if load is None else Text(f"{load:g} %", f"{load:g} %")
        why.append(Text(f"load {got.en}; expected at most {MOST_LOAD:g} %", f"负载{got.zh}；应不超过 {MOST_LOAD:g} %"))
    return why


def on_battery(source: Sequence[tuple[int, float]], now: int) -> list[tuple[int, int]]:
    """The spans that began and ended in `ups.source` (ms, code): on battery, then fed again by something else."""
    spans: list[tuple[int, int]] = []
    since: int | None = None
    for at, value in source:
        if at > now:
            break
        battery = round(value) == Source.BATTERY
        if battery and since is None:
            since = at
        elif not battery and since is not None:
            spans.append((since, at))
            since = None
    return spans


def _item(number: int, text: Text, wanted: Sequence[str], fresh: Sequence[Reading]) -> Item:
    if not wanted:
        return Item(number=number, text=text, found=Found.EYES)
    values = tuple(_value(r) for point in wanted for r in sorted(fresh, key=_place) if r.point == point)
    absent = tuple(point for point in wanted if not any(v.point == point for v in values))
    if not values:
        return Item(number=number, text=text, found=Found.EYES, absent=absent)
    found = Found.MEASURED
    if any(v.trouble for v in values):
        found = Found.TROUBLE
    elif not absent and all(v.said is not None for v in values):
        found = Found.GOOD
    return Item(number=number, text=text, found=found, values=values, absent=absent)


def _value(reading: Reading) -> Value:
    point = POINTS[reading.point]
    code = round(reading.value)
    said, trouble = None, False
    if point.kind is Kind.FLAG:
        said = Text("alarm", "告警") if code else Text("no alarm", "无告警")
        trouble = bool(code)
    elif point.kind is Kind.STATE and code not in point.unknown:
        said, trouble = point.states.get(code), code in point.severities
    if reading.quality == Quality.SUSPECT:
        said = None  # a person judges what the device or line may have got wrong
    return Value(
        device=reading.device,
        point=reading.point,
        index=reading.index,
        value=reading.value,
        unit=point.unit,
        at=reading.at,
        trouble=trouble,
        said=said,
    )


def _place(reading: Reading) -> tuple[str, str]:
    return reading.device, reading.index or ""
