"""Flags of SNMP devices: words of bits, texts of 0 and 1, numbers that stand for an alarm, and alarm tables. Pure.

    upsBasicStateOutputState = "0101000000000000001000000…"    characters count from 1: 2 = on battery, 4 = on line
    upsAlarmDescr.5          = OID 1.3.6.1.2.1.33.1.6.3.2      a row stands while its alarm stands

All flags of a word or table are told each time, 0 and 1. What cannot be read is a gap of each flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isfinite

from agent.drivers import settle
from agent.drivers.exchange import Sample, Variable, printable
from agent.drivers.snmp_rows import column_beside, held_beside
from agent.drivers.snmp_tree import Tree, meets, oid_of, raw_number, shown, text_of
from agent.profiles.form import Alarms, Flags
from model.reading import GapCause

ABSENT = "no such variable"
_CHARS = re.compile(r"[01]+")


def word_flags(words: tuple[Flags, ...], tree: Tree) -> Iterator[Sample]:
    """Each flag once for each index: raised when any of its places is."""
    found: dict[tuple[str, str | None], Sample] = {}
    for word in words:
        for sample in _word(word, tree):
            key = (sample.point, sample.index)
            held = found.get(key)
            if held is None or sample.value == 1.0 or (held.value == 0.0 and sample.value is None):
                found[key] = sample
    yield from found.values()


def _word(word: Flags, tree: Tree) -> Iterator[Sample]:
    named = word.bits or word.chars or word.values
    flags = tuple(dict.fromkeys(named.values()))
    places = list(_places(word, tree))
    for index, oid in places:
        raised = _raised(word, tree.values[oid])
        raw = printable(shown(tree.values[oid]))
        for flag in flags:
            if raised is None:
                yield settle.gap(flag, index, tree.at(oid), oid, raw, GapCause.NOT_PLAUSIBLE)
            else:
                value = float(flag in raised)
                yield Sample(point=flag, index=index, at=tree.at(oid), value=value, where=oid, raw=raw)
    if places:
        return
    place = word.at.partition(".*")[0]
    failed = tree.failure(place)
    for flag in flags:
        if failed:
            yield settle.gap(flag, None, failed[1], place, failed[0].raw, failed[0].cause)
        elif not word.optional:
            yield settle.gap(flag, None, tree.last_at, place, ABSENT, GapCause.NOT_SUPPORTED)


def _places(word: Flags, tree: Tree) -> Iterator[tuple[str | None, str]]:
    if not word.at.endswith(".*"):
        oid = tree.scalar_oid(word.at)
        if oid:
            yield None, oid
        return
    for oid, rest, _ in tree.under(word.at.removesuffix(".*")):
        yield rest.removesuffix(".0") if "." in rest else rest, oid


def _raised(word: Flags, value: Variable) -> set[str] | None:
    """The flags that stand, or None when the value is nothing of the kind."""
    if word.chars:
        text = text_of(value).strip().strip('"') if isinstance(value, bytes) else ""
        if not _CHARS.fullmatch(text):
            return None
        return {
            flag
            for n, flag in word.chars.items()
            if (text[n - 1 : n] == "1" if n > 0 else text[-2 - n : -1 - n] == "0")
        }
    number = _bits_of(value) if word.bits else raw_number(value)
    if number is None or number[0] in word.missing:
        return None
    raw = number[0]
    if word.values:
        return {flag for n, flag in word.values.items() if raw == n}
    if not isfinite(raw) or raw != int(raw) or raw < 0:
        return None
    whole = int(raw)
    return {flag for n, flag in word.bits.items() if (whole >> n & 1 if n >= 0 else not whole >> (-1 - n) & 1)}


def _bits_of(value: Variable) -> tuple[float, bool] | None:
    """A number; of BITS, bit 0 is the highest of the first octet (RFC 2578)."""
    if isinstance(value, bytes) and not re.fullmatch(rb"\s*\d{1,18}\s*", value):
        return (float(sum(1 << n for n in range(min(8 * len(value), 52)) if value[n // 8] >> (7 - n % 8) & 1)), True) if value else None  # fmt: skip
    return raw_number(value)


# ---- tables


def alarm_flags(alarms: Alarms, tree: Tree) -> Iterator[Sample]:
    """All flags, 0 and 1, when the table was seen; a gap each when it was not."""
    counted = (raw_number(tree.values.get(f"{alarms.count}.0")) or raw_number(tree.values.get(alarms.count))) if alarms.count else None  # fmt: skip
    rows = [(oid, rest, value) for oid, rest, value in tree.under(alarms.at)]
    raised: dict[str, tuple[str, str]] = {}
    unnamed = bool(counted and counted[0] > 0)
    for oid, rest, value in rows:
        name = _name(alarms, rest, value)
        if name is None:
            continue
        unnamed = False
        flag = _flag(alarms, name)
        if flag and _stands(alarms, rest, tree):
            raised.setdefault(flag, (oid, name))
    places = (alarms.at, *map(column_beside, alarms.where))
    failed = next((found for place in places if (found := tree.failure(place))), None)
    unseen = bool(alarms.count) and counted is None and not rows
    for flag in alarms.told:
        if flag in raised:
            oid, name = raised[flag]
            raw = f"{alarms.names}.{name}" if alarms.names else name
            yield Sample(point=flag, index=None, at=tree.at(oid), value=1.0, where=oid, raw=printable(raw))
        elif failed:
            yield settle.gap(flag, None, failed[1], alarms.at, failed[0].raw, failed[0].cause)
        elif unseen or unnamed:
            raw = "alarms present, but none is named" if unnamed else ABSENT
            yield settle.gap(flag, None, tree.last_at, alarms.at, raw, GapCause.NOT_SUPPORTED)
        else:
            yield Sample(point=flag, index=None, at=tree.last_at, value=0.0, where=alarms.at, raw="no such row")


def _name(alarms: Alarms, rest: str, value: Variable) -> str | None:
    """What a row says that its alarm is; None when it says nothing (rows that cards keep ready hold 0.0 or nothing)."""
    if alarms.by_index:
        return rest.rpartition(".")[2]
    if alarms.names:
        name = oid_of(value)
        if not name or name == "0.0":
            return None
        return name[len(alarms.names) + 1 :].partition(".")[0] if name.startswith(alarms.names + ".") else name
    text = shown(value).strip()
    return None if not text.strip("\x00-") or text in ("0", "0.0") else text


def _flag(alarms: Alarms, name: str) -> str:
    if name.isdecimal() and int(name) in alarms.flags:
        return alarms.flags[int(name)]
    for pattern, flag in alarms.texts.items():
        if re.search(pattern, name):
            return flag
    return alarms.other


def _stands(alarms: Alarms, rest: str, tree: Tree) -> bool:
    parts = (rest.removesuffix(".0") if "." in rest else rest).split(".")
    return all(meets(held_beside(place, parts, tree), wanted) for place, wanted in alarms.where.items())
