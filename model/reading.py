"""What a device said, and what it failed to say.

A reading is one value of one point at one instant, always in the point's unit. A failure is never a
number: it is a `Gap` with a cause. Times are integers, milliseconds since 1970 UTC.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec


class Quality(IntEnum):
    """How far to trust a reading. Stored as an integer beside the value."""

    GOOD = 0
    TIME_ESTIMATED = 1  #: the agent's clock was not known to be right
    SUSPECT = 2  #: plausible, but something about the device or line is not


class GapCause(StrEnum):
    """Why there is no value."""

    NO_ANSWER = "no_answer"
    GARBLED = "garbled"
    REFUSED = "refused"
    NOT_PLAUSIBLE = "not_plausible"
    STALE = "stale"
    NOT_SUPPORTED = "not_supported"


class Reading(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One value. `device` is `site/device`; `index` is the phase ("1".."3"), port, string … or None."""

    device: str
    point: str  #: an id of `model.points.POINTS`
    index: str | None
    at: int  #: ms since 1970 UTC, rising per series
    value: float  #: in the point's unit; finite
    quality: int = 0


class Gap(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Asked, and no valid answer. `point` None: the whole device did not answer."""

    device: str
    point: str | None
    index: str | None
    at: int
    cause: GapCause
    where: str = ""  #: OID, register or reply position
    raw: str = ""  #: the bytes or value as they came, printable, at most 200 characters


#: A series is one point (and index) of one device.
Series = tuple[str, str, str | None]
