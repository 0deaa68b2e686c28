"""Whether the device that answers is the one that its name says. Pure.

Rules. A device is known by what it said of itself last: serial number, model, firmware. When its port was gone, or the
agent starts anew, it has to say it again before anything of it is stored:

    confirmed   the same serial number; without one, the same model (firmware may have been renewed)
    swapped     what another device of the file is known by: cables or unit numbers were mixed up. Nothing is stored
    replaced    nobody's: a new device stands there. That is told, and then it is the one that is known
    nameless    it says nothing of itself that could be compared: it is taken as it is, unconfirmed

Two devices without serial numbers, of one model and firmware, cannot be told apart by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

SERIAL, MODEL, FIRMWARE = "device.serial", "device.model", "device.firmware"
_KEYS = (SERIAL, MODEL, FIRMWARE)
#: What a device is known by: those of the three keys that it gave.
Plate = dict[str, str]


class Verdict(StrEnum):
    """What became of a question for a device's name."""

    CONFIRMED = "confirmed"
    SWAPPED = "swapped"
    REPLACED = "replaced"
    NAMELESS = "nameless"


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict; `other` is the device whose name plate it is, `before` what was known."""

    verdict: Verdict
    other: str = ""
    before: Plate = {}


def plate_of(data: Mapping[str, str | int | float]) -> Plate:
    """What an identity event says of the device itself."""
    return {key: str(data[key]).strip() for key in _KEYS if str(data.get(key, "")).strip()}


def words(plate: Plate) -> str:
    """A name plate in a few words, for people.

    >>> words({"device.serial": "A1", "device.model": "UPS2000"})
    'serial A1, model UPS2000'
    """
    return ", ".join(f"{key.removeprefix('device.')} {plate[key]}" for key in _KEYS if key in plate)


def judge(device: str, seen: Plate, known: Mapping[str, Plate]) -> Judged:
    """What it means that `device` says `seen`."""
    before = known.get(device, {})
    if not seen:
        return Judged(verdict=Verdict.NAMELESS, before=before)
    if not before or _exactly(seen, before):
        # Heard for the first time it is taken at its word: some makers give all their devices one serial number.
        return Judged(verdict=Verdict.CONFIRMED, before=before)
    for other, plate in known.items():
        if other != device and _exactly(seen, plate) and not _exactly(plate, before):
            return Judged(verdict=Verdict.SWAPPED, other=other, before=before)
    return Judged(verdict=Verdict.CONFIRMED if _same(seen, before) else Verdict.REPLACED, before=before)


def _exactly(seen: Plate, plate: Plate) -> bool:
    """The same serial number, or, where neither has one, the same in all that both say."""
    if SERIAL in seen and SERIAL in plate:
        return seen[SERIAL] == plate[SERIAL]
    return SERIAL not in seen and SERIAL not in plate and bool(plate) and seen == plate


def _same(seen: Plate, plate: Plate) -> bool:
    """The same device as far as both say: a serial number decides, else the model."""
    for key in (SERIAL, MODEL):
        if key in seen and key in plate:
            return seen[key] == plate[key]
    return True
