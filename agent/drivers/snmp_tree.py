"""The variables of an SNMP round, and what one variable says: a number, a text, an OID."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from agent.drivers.exchange import Exchange, Failure, GetVariables, Variable, Variables, WalkVariables
from agent.profiles.form import Condition, Evidence, Match, Variant, Wanted, under
from agent.profiles.layers import says, within

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
_TEXT_NUMBER = re.compile(r"\s*([+-]?\d{1,18})(\.\d{1,9})?\s*([A-Za-z%°µ][A-Za-z%°µ. ]{0,15})?\s*", re.ASCII)
_OID = re.compile(r"\d+(\.\d+)*", re.ASCII)


class Tree:
    """The variables of a round, and the failures of the requests that should have brought more."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self.values: dict[str, Variable] = {}
        self._at: dict[str, int] = {}
        self._failed: list[tuple[tuple[str, ...], Failure, int]] = []
        self.last_at = max((exchange.at for exchange in exchanges), default=0)
        for exchange in exchanges:
            answer, request = exchange.answer, exchange.request
            if isinstance(answer, Variables):
                self.values.update(answer.values)
                self._at.update(dict.fromkeys(answer.values, exchange.at))
            failure = answer.cut if isinstance(answer, Variables) else answer
            if isinstance(failure, Failure):
                asked = request.oids if isinstance(request, GetVariables) else ()
                roots = (request.root,) if isinstance(request, WalkVariables) else asked
                lacking = tuple(root for root in roots if root not in self.values)
                self._failed.append((lacking, failure, exchange.at))

    def at(self, oid: str) -> int:
        return self._at.get(oid, self.last_at)

    def under(self, place: str) -> Iterator[tuple[str, str, Variable]]:
        """(OID, rest of the OID, value) of everything below a place that has a value."""
        prefix = place + "."
        for oid, value in self.values.items():
            if oid.startswith(prefix) and value is not None:
                yield oid, oid[len(prefix) :], value

    def scalar(self, place: str) -> Variable:
        """A scalar at its .0, or where a careless card puts it."""
        oid = self.scalar_oid(place)
        return self.values[oid] if oid else None

    def scalar_oid(self, place: str) -> str:
        """Where a scalar is; "" when it is nowhere."""
        for oid in (f"{place}.0", place, f"{place}.0.0"):
            if self.values.get(oid) is not None:
                return oid
        return ""

    def failure(self, place: str) -> tuple[Failure, int] | None:
        """Why nothing is known at a place: a request failed that would have brought it."""
        for roots, failure, at in self._failed:
            if any(under(place, root) or under(root, place) for root in roots):
                return failure, at
        return None

    def applies(self) -> Callable[[Variant], bool]:
        """Whether a variant is what this device is, by what it says and by what its numbers prove."""
        object_id, descr = identity(self.values)

        def applies(variant: Variant) -> bool:
            told = says(variant.match, object_id, descr) and said(variant.match, self.values)
            return told and (variant.sees is None or self.sees(variant.sees))

        return applies

    def sees(self, evidence: Evidence) -> bool:
        """Whether some raw number at or below a place lies within the evidence's bounds."""
        found: Iterable[Variable] = [value for _, _, value in self.under(evidence.at)]
        numbers = (raw_number(value) for value in found)
        return any(number is not None and evidence.low <= number[0] <= evidence.high for number in numbers)

    def holds(self, condition: Condition) -> bool:
        """Whether a condition is known to hold."""
        found = raw_number(self.scalar(condition.at))
        if found is None:
            return False
        return found[0] in condition.values if condition.values else found[0] not in condition.unless


def identity(values: Mapping[str, Variable]) -> tuple[str, str]:
    """(sysObjectID without a leading dot, sysDescr) as the device gave them."""
    object_id, descr = values.get(SYS_OBJECT_ID), values.get(SYS_DESCR)
    return oid_of(object_id) or "", text_of(descr) if isinstance(descr, bytes) else ""


def said(match: Match, values: Mapping[str, Variable]) -> bool:
    """Whether every scalar that a match names holds what it wants."""
    for place, pattern in match.said.items():
        value = values.get(f"{place}.0")
        if value is None or not re.search(pattern, shown(value)):
            return False
    if match.version:
        value = values.get(f"{match.version.at}.0")
        return value is not None and within(match.version, shown(value))
    return True


def meets(value: Variable, wanted: Wanted) -> bool:
    """Whether a variable holds what is wanted; one that is absent holds nothing."""
    if value is None:
        return False
    if wanted.pattern:
        return re.search(wanted.pattern, shown(value)) is not None
    number = raw_number(value)
    return number is not None and number[0] in wanted.numbers


def raw_number(value: Variable) -> tuple[float, bool] | None:
    """(number, whether it is in the MIB's raw steps). Text with a decimal point is in the unit already."""
    found = number_of(value)
    return found and found[:2]


def number_of(value: Variable) -> tuple[float, bool, str] | None:
    """(number, whether it is in the MIB's raw steps, the unit that stands behind it in a text)."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value), True, ""
    if isinstance(value, bytes):
        found = _TEXT_NUMBER.fullmatch(text_of(value))
        if found:
            return float(found[1] + (found[2] or "")), found[2] is None, (found[3] or "").strip()
    return None


def shown(value: Variable) -> str:
    """A variable as text."""
    return text_of(value) if isinstance(value, bytes) else str(value)


def oid_of(value: Variable) -> str | None:
    """An OID as dotted numbers, or None."""
    text = value if isinstance(value, str) else text_of(value) if isinstance(value, bytes) else ""
    text = text.strip().lstrip(".")
    return text if _OID.fullmatch(text) else None


def text_of(data: bytes) -> str:
    """Octets as text."""
    try:
        return data.decode("utf-8").rstrip("\x00")
    except UnicodeDecodeError:
        return data.decode("latin-1").rstrip("\x00")
