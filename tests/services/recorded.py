"""A recording as a link: what a device once said is said again, without a wire between. For tests of what profiles make of it;
that the wire carries it is proven with snmpsim (tests/services/snmpsim.py)."""

from __future__ import annotations

import re
from bisect import bisect_left

from agent.address import DeviceUrl
from agent.asking import ask_samples
from agent.drivers.exchange import Answer, Failure, GetVariables, Request, Sample, Variable, Variables, WalkVariables
from agent.links.owner import Link
from agent.probe import ProbeLine, line_of
from agent.profiles import Tier
from model.reading import GapCause
from tests.services.snmpsim import ordered

URL = DeviceUrl.parse("snmp://192.0.2.1?community=env:NONE")


class Recorded(Link):
    """Answers out of a .snmprec."""

    def __init__(self, recording: bytes) -> None:
        super().__init__()
        self.asked: list[Request] = []
        self._values = dict(_lines(ordered(recording)))
        self._keys = [_key(oid) for oid in self._values]
        self._oids = list(self._values)

    async def _once(self, request: Request) -> Answer | Failure:
        self.asked.append(request)
        if isinstance(request, GetVariables):
            return Variables({oid: self._values[oid] for oid in request.oids if oid in self._values})
        assert isinstance(request, WalkVariables)
        found: dict[str, Variable] = {}
        at = bisect_left(self._keys, _key(request.root))
        while at < len(self._oids) and self._oids[at].startswith(request.root + "."):
            found[self._oids[at]] = self._values[self._oids[at]]
            at += 1
            if request.limit and len(found) == request.limit:
                break
        return Variables(found)

    def close(self) -> None:
        """Nothing is open."""


def _key(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


def _lines(recording: bytes) -> list[tuple[str, Variable]]:
    found: list[tuple[str, Variable]] = []
    for line in recording.split(b"\n"):
        oid, _, rest = line.partition(b"|")
        tag, _, value = rest.partition(b"|")
        if oid:
            found.append((oid.decode().strip("."), _variable(tag.decode(), value)))
    return found


def _variable(tag: str, value: bytes) -> Variable:
    kind = tag.split(":")[0].rstrip("x")
    if tag.endswith("x"):
        text = value.decode()
        if not re.fullmatch("([0-9A-Fa-f]{2})*", text):
            return None  # one recording has an octet string cut in half
        value = bytes.fromhex(text)
        return value if kind == "4" else ".".join(map(str, value))
    if kind == "4":
        return value
    if kind in ("6", "64"):
        return value.decode().strip(".")
    return int(value) if value.lstrip(b"-").isdigit() else None


async def read(recording: bytes) -> list[ProbeLine]:
    """Every tier, as `probe` shows it."""
    link = Recorded(recording)
    lines: list[ProbeLine] = []
    given: set[tuple[str, str | None]] = set()
    for tier in (Tier.IDENTITY, Tier.STATUS, Tier.MEASURE):
        round = await ask_samples(link, URL, None, tier, lambda: 1_000)
        assert round.failure is None or round.failure.cause is GapCause.NOT_SUPPORTED
        lines += [line_of(sample) for sample in _fresh(round.samples, given)]
    return lines


def _fresh(samples: tuple[Sample, ...], given: set[tuple[str, str | None]]) -> list[Sample]:
    found = []
    for sample in samples:
        if (sample.point, sample.index) not in given:
            given.add((sample.point, sample.index))
            found.append(sample)
    return found
