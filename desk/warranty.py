"""In or out of warranty, or `undefined, ask`: never guessed.

`until` is the first day that is out; before `since` nothing has begun. A battery needs a class that covers its Ah (and its block voltage, where the
class names one); a gap between two classes is a gap.
"""

from __future__ import annotations

from datetime import date

from desk import words
from desk.policy import Policy, WarrantyClass
from desk.types import WarrantyVerdict
from model.inventory import Device
from model.text import Text


def verdict(
    policy: Policy, item: str, since: str | None, at: str, ah: float | None = None, block_v: float | None = 12.0
) -> WarrantyVerdict:
    """`since` and `at` are ISO dates; `ah` and `block_v` matter for a battery only."""
    covering = _class(policy, item, ah, block_v)
    if covering is None:
        stated = ", ".join(sorted({c.source for c in policy.warranty if c.item == item}))
        return _undefined(item, stated or policy.id, _no_class(item, ah, block_v))
    start = _day(since)
    if start is None:
        return _undefined(item, covering.source, words.WARRANTY_NO_DATE)
    asked = _day(at)
    if asked is None or asked < start:
        return _undefined(item, covering.source, words.WARRANTY_NOT_BEGUN.format(since=start.isoformat()))
    end = covering.term.after(start)
    until, inside = end.isoformat(), asked < end
    sentence = words.WARRANTY_IN if inside else words.WARRANTY_OUT
    term = covering.term.words()
    return WarrantyVerdict(
        item=item,
        verdict="in" if inside else "out",
        until=until,
        source=covering.source,
        text=Text(
            sentence.en.format(until=until, term=term.en, source=covering.source),
            sentence.zh.format(until=until, term=term.zh, source=covering.source),
        ),
    )


def of_device(policy: Policy, device: Device, at: str) -> list[WarrantyVerdict]:
    """The verdicts of a device and its battery. Contracts speak of UPS hosts: anything else has no class."""
    item = "host" if device.kind == "ups" else "device"
    found = [verdict(policy, item, device.installed, at)]
    if device.battery:
        since = device.battery.installed or device.installed
        found.append(verdict(policy, "battery", since, at, device.battery.block_ah, device.battery.block_v))
    return found


def _class(policy: Policy, item: str, ah: float | None, block_v: float | None) -> WarrantyClass | None:
    for candidate in policy.warranty:
        if candidate.item == item and (item != "battery" or _covers(candidate, ah, block_v)):
            return candidate
    return None


def _covers(candidate: WarrantyClass, ah: float | None, block_v: float | None) -> bool:
    if candidate.block_v is not None and block_v != candidate.block_v:
        return False
    if candidate.min_ah is None and candidate.max_ah is None:
        return True
    if ah is None:
        return False
    return (candidate.min_ah is None or ah >= candidate.min_ah) and (candidate.max_ah is None or ah <= candidate.max_ah)


def _undefined(item: str, source: str, text: Text) -> WarrantyVerdict:
    return WarrantyVerdict(item=item, verdict="undefined", until=None, source=source, text=text)


def _no_class(item: str, ah: float | None, block_v: float | None) -> Text:
    name = words.ITEMS.get(item, Text(item, item))
    size = "" if item != "battery" else f" {block_v or 0:g} V {ah:g} Ah" if ah is not None else " ? Ah"
    return Text(
        words.WARRANTY_NO_CLASS.en.format(what=name.en + size),
        words.WARRANTY_NO_CLASS.zh.format(what=name.zh + size),
    )


def _day(iso: str | None) -> date | None:
    try:
        return date.fromisoformat(iso) if iso else None
    except ValueError:
        return None
