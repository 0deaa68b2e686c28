"""What one round of a device looks like to the commissioning rules: numbers by point, raw words beside, and what is noted. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

import msgspec

from agent.drivers.exchange import Sample
from model.points import POINTS, Kind, Source
from model.reading import GapCause
from model.text import Text


class Verdict(StrEnum):
    """How a point, or a device, stands beside everything else that is known."""

    FITS = "fits"
    UNTESTED = "untested"  #: nothing there that it could be compared with
    DOUBTFUL = "doubtful"  #: does not fit, and no witness tells why
    WRONG = "wrong"  #: cannot be, and it is known what would make it fit


class Slip(StrEnum):
    """What kind of mistake would explain it."""

    SCALE = "scale"
    UNIT = "unit"
    WORDS = "word_order"
    BYTES = "byte_order"
    SENTINEL = "sentinel"
    INDEX = "swapped_index"
    DEVICE = "swapped_device"
    FIRMWARE = "firmware_scale"
    COUNT = "block_count"


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """What would make it fit, and the value that it would give."""

    slip: Slip
    words: Text
    value: float | None = None
    factor: float | None = None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not fit."""

    point: str
    index: str | None
    verdict: Verdict
    expected: Text
    got: str
    raw: str = ""
    where: str = ""
    remedies: tuple[Remedy, ...] = ()


class Plate(msgspec.Struct, frozen=True, kw_only=True):
    """What a person reads on the device itself. Empty fields: not looked at."""

    va: float = 0.0
    w: float = 0.0
    volts: float = 0.0
    blocks: int = 0  #: 12 V blocks in one string
    ah: float = 0.0  #: of all strings together
    serial: str = ""
    model: str = ""


Key = tuple[str, str | None]
Scale = Callable[[str, str | None], float]
_NUMBER = re.compile(r"(?:^|= )(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$")
_WORDS = re.compile(r"((?:[0-9A-F]{4} ?)+)=")
_POWERED = (Source.NORMAL, Source.BOOSTER, Source.REDUCER)


class View:
    """The samples of a device, and the notes of the rules."""

    def __init__(self, samples: Iterable[Sample], plate: Plate, scale: Scale) -> None:
        self.plate = plate
        self._scale = scale
        self.samples: dict[Key, Sample] = {}
        for sample in samples:
            if sample.point in POINTS:
                self.samples.setdefault((sample.point, sample.index), sample)
        self.values: dict[Key, float] = {
            key: one.value
            for key, one in self.samples.items()
            if isinstance(one.value, float) and POINTS[one.point].kind is Kind.GAUGE
        }
        self.findings: list[Finding] = []
        self.fit: set[Key] = set()
        self.blamed: set[Key] = set()

    # --- looking

    def of(self, point: str) -> dict[str | None, float]:
        """The values of a point by index."""
        return {index: value for (name, index), value in self.values.items() if name == point}

    def one(self, point: str) -> float | None:
        """The value without index, or the only one."""
        found = self.of(point)
        return found.get(None) if None in found else next(iter(found.values())) if len(found) == 1 else None

    def total(self, point: str) -> float | None:
        """The value without index, or the sum of the phases."""
        found = self.of(point)
        return found[None] if None in found else sum(found.values()) if found else None

    def mean(self, point: str) -> float | None:
        found = self.of(point)
        return found[None] if None in found else sum(found.values()) / len(found) if found else None

    def state(self, point: str) -> float | None:
        sample = self.samples.get((point, None))
        return sample.value if sample is not None and isinstance(sample.value, float) else None

    def text(self, point: str) -> str:
        sample = self.samples.get((point, None))
        return sample.value if sample is not None and isinstance(sample.value, str) else ""

    @property
    def online(self) -> bool | None:
        """Whether the mains feed it; None: it does not say."""
        source, battery = self.state("ups.source"), self.state("alarm.on_battery")
        if source is not None:
            return source in _POWERED
        return None if battery is None else not battery

    def refused(self) -> Iterator[tuple[Sample, float]]:
        """What was read and could not be, with the value that it would have had."""
        for sample in self.samples.values():
            raw = number(sample.raw)
            if sample.cause is GapCause.NOT_PLAUSIBLE and raw is not None and POINTS[sample.point].kind is Kind.GAUGE:
                yield sample, raw * self.scale(sample, raw)

    def scale(self, sample: Sample, raw: float) -> float:
        """How a raw number becomes a value, as far as that is a factor."""
        if isinstance(sample.value, float) and raw:
            return sample.value / raw
        return self._scale(sample.point, sample.index)

    def step(self, point: str, index: str | None) -> float:
        """The least difference that the device can tell."""
        sample = self.samples.get((point, index))
        raw = number(sample.raw) if sample is not None else None
        return abs(self.scale(sample, raw)) if sample is not None and raw else 0.0

    def reordered(self, sample: Sample) -> Iterator[tuple[Slip, float]]:
        """The value in other orders of words and bytes."""
        words, raw = words_of(sample.raw), number(sample.raw)
        if not words or raw is None:
            return
        scale = self.scale(sample, raw)
        width = 16 * len(words)
        for slip, order in ((Slip.WORDS, words[::-1]), (Slip.BYTES, [_turned(word) for word in words])):
            if order != words:
                value = sum(word << 16 * n for n, word in enumerate(reversed(order)))
                yield slip, (value - (1 << width) if raw < 0 and value >> width - 1 else value) * scale

    # --- noting

    def fits(self, *keys: Key) -> None:
        self.fit.update(key for key in keys if key in self.samples)

    def note(self, key: Key, verdict: Verdict, expected: Text, remedies: Iterable[Remedy] = ()) -> None:
        """Something does not fit. A point is blamed once, by the first rule that sees it."""
        sample = self.samples.get(key)
        if key in self.blamed or sample is None:
            return
        self.blamed.add(key)
        value, unit = sample.value, POINTS[sample.point].unit
        got = f"{value:g} {unit}".strip() if isinstance(value, float) else str(value or "").strip()
        self.findings.append(
            Finding(
                point=key[0],
                index=key[1],
                verdict=verdict,
                expected=expected,
                got=got or (str(sample.cause) if sample.cause else ""),
                raw=sample.raw,
                where=sample.where,
                remedies=tuple(remedies),
            )
        )


def number(raw: str) -> float | None:
    """The number in a raw text: `2302`, `08FE = 2302`.

    >>> number("08FE = 2302"), number("2302"), number("(NAK")
    (2302.0, 2302.0, None)
    """
    found = _NUMBER.search(raw.strip())
    return float(found[1]) if found else None


def words_of(raw: str) -> list[int]:
    """The 16-bit words of a raw text.

    >>> words_of("0000 0708 = 1800")
    [0, 1800]
    """
    found = _WORDS.match(raw)
    return [int(word, 16) for word in found[1].split()] if found else []


def _turned(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8
