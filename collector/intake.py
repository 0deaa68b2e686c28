"""What comes in at the door: what is kept, what detectors may see, what is refused, and why (pure).

- A reading is refused into quarantine, never dropped silently: another site's device, a point nobody
  knows, a number that cannot be, a time far in the future. The rest of its batch is kept.
- History gets what the agent said, with the agent's own times. Detectors get the same with the
  boot's clock offset added, so that a clock an hour wrong opens no ticket an hour wrong.
- A device's watermark is the newest time that detectors have seen of it. What is older completes
  history and goes no further; what is ahead of the centre's clock waits for no detector either.
"""

from __future__ import annotations

import re
from enum import StrEnum
from math import isfinite

import msgspec

from model.batch import Batch, Event
from model.points import POINTS, Kind
from model.reading import Gap, Reading

#: Readings of one device may come this much out of order (two tiers of one round) and still be seen.
DISORDER_MS = 5_000
#: A time so far ahead of the centre's clock (offset applied) is nonsense, not a fast clock.
FAR_MS = 24 * 3_600_000
_DEVICE = re.compile(r"[A-Za-z0-9._-]{1,64}/[A-Za-z0-9._:-]{1,64}\Z")
_INDEX = re.compile(r"[A-Za-z0-9._:/-]{1,64}\Z")


class Reason(StrEnum):
    """Why something was refused."""

    OTHER_SITE = "other_site"
    BAD_DEVICE = "bad_device"
    UNKNOWN_POINT = "unknown_point"
    NOT_A_READING = "not_a_reading"
    BAD_INDEX = "bad_index"
    NOT_FINITE = "not_finite"
    NOT_PLAUSIBLE = "not_plausible"
    BAD_TIME = "bad_time"


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was not kept as a reading, gap or event."""

    reason: Reason
    what: Reading | Gap | Event


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """A batch after the door. `kept` goes to history; `readings` and `gaps` to detectors, in the centre's time."""

    kept: Batch
    readings: list[Reading]
    gaps: list[Gap]
    events: list[Event]
    refused: list[Refused]
    marks: dict[str, int]  #: the watermarks after this batch
    late: dict[str, int]  #: device -> oldest time that completed its past


#: What may be at all, by point: (low, high), or why not.
_BOUNDS: dict[str, tuple[float, float]] = {p.id: (p.low, p.high) for p in POINTS.values() if p.kind != Kind.TEXT}


def admit(batch: Batch, site: str, offset_ms: int, marks: dict[str, int], now: int) -> Admitted:
    """Sort a batch of the agent of `site`. `marks` are the watermarks before it; it is not changed."""
    kept, refused = _sieve(batch, site, offset_ms, now)
    gaps, events = _sieve_rest(batch, site, offset_ms, now, refused)
    after: dict[str, int] = {}
    late: dict[str, int] = {}
    live = _live(kept, offset_ms, marks, after, late, now)
    live_gaps = [
        msgspec.structs.replace(gap, at=gap.at + offset_ms) if offset_ms else gap
        for gap in gaps
        if marks.get(gap.device, 0) - DISORDER_MS <= gap.at + offset_ms <= now + DISORDER_MS
    ]
    whole = len(kept) == len(batch.readings) and len(gaps) == len(batch.gaps) and len(events) == len(batch.events)
    return Admitted(
        kept=batch if whole else msgspec.structs.replace(batch, readings=kept, gaps=gaps, events=events),
        readings=live,
        gaps=live_gaps,
        events=[msgspec.structs.replace(e, at=e.at + offset_ms) for e in events],
        refused=refused,
        marks=after,
        late=late,
    )


def _sieve(batch: Batch, site: str, offset_ms: int, now: int) -> tuple[list[Reading], list[Refused]]:
    kept: list[Reading] = []
    refused: list[Refused] = []
    latest = now + FAR_MS - offset_ms
    good_device = good_index = None  # neighbours mostly share both: ask the pattern once
    for reading in batch.readings:
        bounds = _BOUNDS.get(reading.point)
        if (
            bounds is not None
            and bounds[0] <= reading.value <= bounds[1]
            and 0 < reading.at <= latest
            and (reading.device == good_device or _device_fault(reading.device, site) is None)
            and (reading.index is None or reading.index == good_index or _INDEX.match(reading.index))
        ):
            good_device = reading.device
            good_index = reading.index
            kept.append(reading)
        else:
            refused.append(Refused(reason=_why(reading, site, latest), what=reading))
    return kept, refused


def _why(reading: Reading, site: str, latest: int) -> Reason:
    """The reason why `_sieve` refused it, in the order a technician would ask."""
    fault = _device_fault(reading.device, site)
    if fault:
        return fault
    if reading.point not in _BOUNDS:
        return Reason.NOT_A_READING if reading.point in POINTS else Reason.UNKNOWN_POINT
    if not isfinite(reading.value):
        return Reason.NOT_FINITE
    if not 0 < reading.at <= latest:
        return Reason.BAD_TIME
    low, high = _BOUNDS[reading.point]
    return Reason.BAD_INDEX if low <= reading.value <= high else Reason.NOT_PLAUSIBLE


def _sieve_rest(
    batch: Batch, site: str, offset_ms: int, now: int, refused: list[Refused]
) -> tuple[list[Gap], list[Event]]:
    """Gaps and events pass by the same rules of place and time; a gap may name a point we do not know."""
    latest = now + FAR_MS - offset_ms
    gaps: list[Gap] = []
    events: list[Event] = []
    for gap in batch.gaps:
        fault = _device_fault(gap.device, site) or (None if 0 < gap.at <= latest else Reason.BAD_TIME)
        if fault:
            refused.append(Refused(reason=fault, what=gap))
        else:
            gaps.append(gap)
    for event in batch.events:
        fault = _device_fault(event.device, site) if event.device else None
        fault = fault or (None if 0 < event.at <= latest else Reason.BAD_TIME)
        if fault:
            refused.append(Refused(reason=fault, what=event))
        else:
            events.append(event)
    return gaps, events


def _device_fault(device: str, site: str) -> Reason | None:
    if not _DEVICE.match(device):
        return Reason.BAD_DEVICE
    return None if device.partition("/")[0] == site else Reason.OTHER_SITE


def _live(
    kept: list[Reading], offset_ms: int, marks: dict[str, int], after: dict[str, int], late: dict[str, int], now: int
) -> list[Reading]:
    """Those that detectors may see, in the centre's time; fills the new marks and what came late."""
    live: list[Reading] = []
    newest_allowed = now + DISORDER_MS
    device, mark = "", 0
    for reading in kept:
        if reading.device != device:  # neighbours mostly share it, and comparing is cheaper than hashing
            device = reading.device
            mark = marks.get(device, 0)
        at = reading.at + offset_ms
        if at < mark - DISORDER_MS:
            late[device] = min(at, late.get(device, at))
        elif at <= newest_allowed:
            live.append(_moved(reading, at) if offset_ms else reading)
            if at > after.get(device, mark):
                after[device] = at
    return live


def _moved(reading: Reading, at: int) -> Reading:
    return Reading(
        device=reading.device,
        point=reading.point,
        index=reading.index,
        at=at,
        value=reading.value,
        quality=reading.quality,
    )
