"""Counters as they are meant: one rising total, across wraps, never across a reboot. Pure; state per device.

    32 bits at 1 Gbit/s wrap in 34 s, at 100 Mbit/s in 343 s; sysUpTime (hundredths of a second) in 497 days.

Rules.
- Whether a device rebooted is decided by its uptime, read behind the counters of its round: it stands at most as far
  from (last uptime + time passed) as clocks and lines jitter, else the device began anew at (now - uptime). An uptime
  that is one wrap (497 days) short of what is expected has wrapped, unless the engine's boots (SNMPv3) rose.
- A 32-bit counter that is lower than before, on a device that did not reboot, wrapped once if the port's speed
  allows that and does not allow twice: 2^32 is added. If it allows more, or the uptime is not known, the interval is
  `not_plausible`. If it allows none, the counter was cleared by hand, and so was what stands beside it on the port.
- After a reboot, a clearing or an uncertain interval the total begins anew *below* its last value: who reads it takes a
  fall for a restart and no rate for it.
- A total that is below 2^53 is exact; nobody's octets are lost before 9 petabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

import msgspec

from agent.drivers.exchange import Exchange, Variables
from agent.profiles.form import Profile, Tier
from model.batch import Event
from model.points import POINTS, Kind
from model.reading import Gap, GapCause, Reading

UPTIME, SPEED, BOOTS = "sysUpTime", "ifHighSpeed", "snmpEngineBoots"
UPTIME_WRAP_S = 2.0**32 / 100
WRAP = 2.0**32
#: How far an uptime may stand from where it is expected: seconds of the line, and a share of the time passed for clocks.
JITTER_S, DRIFT = 5.0, 0.01
#: Mbit/s of a port that does not tell: one without 64-bit counters is rarely faster.
UNTOLD_MBIT_S = 1000.0
#: Octets on the wire that one counted packet, error or discard takes at least, half of the shortest for safety.
_LEAST_FRAME = 32
_OCTETS = frozenset({"ifHCInOctets", "ifHCOutOctets"})
#: Of counters that are not of a port: events a second at most.
_MOST_EVENTS_S = 1000.0
_MARGIN = 1.1

#: What a round brings, and one of a device's profiles with what was answered for it.
Record = Reading | Gap | Event
Said = tuple[Profile, Sequence[Exchange]]


class Verdict(Enum):
    """What lies between two values of one counter."""

    ON = "on"  #: it went on
    WRAPPED = "wrapped"
    ANEW = "anew"  #: it began anew: reboot, cleared by hand
    UNSURE = "unsure"


class _Column(NamedTuple):
    place: str
    column: bool
    bits: int
    scale: float


class _Watched(NamedTuple):
    """What of a profile's tier is to be looked at."""

    counters: dict[str, tuple[_Column, ...]]
    points: frozenset[str]


class Series(msgspec.Struct, kw_only=True):
    """One counter. Its total is `raw + base`."""

    raw: float
    at: int
    place: str  #: the column that it came from: another one counts something else
    base: float = 0.0
    total: float = 0.0  #: the last one told
    unsure: bool = False  #: the last value was a gap
    shaky: bool = False  #: read in the very round in which the device rebooted, so perhaps before it


class Device(msgspec.Struct, kw_only=True):
    """One device. `booted_at`: when it last rebooted while we watched."""

    uptime_s: float | None = None
    uptime_at: int = 0
    uptime_base_s: float = 0.0  #: what its wraps amount to
    boots: int | None = None
    booted_at: int = 0
    speeds: dict[str, float] = {}
    series: dict[tuple[str, str | None], Series] = {}


class Counters:
    """The counters of the devices of one link. `story_speed`: how much faster the story runs than the wire."""

    def __init__(self, story_speed: float = 1.0) -> None:
        self.story_speed = story_speed
        self.devices: dict[str, Device] = {}
        self._watched: dict[tuple[Tier, int | tuple[int, ...]], tuple[list[Profile], _Watched]] = {}

    def concerned(self, device: str, tier: Tier, said: Sequence[Said], boots: int | None) -> bool:
        """Whether there is anything in this tier to settle."""
        if self._watch(tier, said).points:
            return True
        held = self.devices.get(device)
        return boots is not None and (tier is Tier.IDENTITY or held is None or boots != held.boots)

    def settle(
        self, device: str, tier: Tier, said: Sequence[Said], found: list[Record], boots: int | None = None
    ) -> dict[str, str | int | float] | None:
        """Put totals for raw counters into the records of one tier, in place. What is to be told of a reboot.

        `boots`: of the SNMPv3 engine. Nothing is done for a tier without counters, uptime and speeds.
        """
        watched = self._watch(tier, said)
        if not watched.points and boots is None:
            return None
        held = self.devices.get(device) or self.devices.setdefault(device, Device(speeds={}, series={}))
        times = [exchange.at for _, exchanges in said for exchange in exchanges]
        began, ended = min(times, default=0), max(times, default=0)
        uptime, counted = _sorted(held, watched, found)
        rose = held.boots is not None and boots is not None and boots > held.boots
        if boots is not None and (boots != held.boots or tier is Tier.IDENTITY):
            found.append(Reading(device=device, point=BOOTS, index=None, at=ended, value=float(boots)))
            held.boots = boots
        reboot = _uptime(held, found, uptime, JITTER_S * self.story_speed, rose=rose, began=began)
        if counted:
            fresh = held.booted_at > 0 and held.booted_at >= began - 1000 * JITTER_S * self.story_speed
            _count(held, watched, found, counted, _values(said), known=uptime is not None, shaky=fresh)
        return reboot

    def _watch(self, tier: Tier, said: Sequence[Said]) -> _Watched:
        key = (tier, id(said[0][0]) if len(said) == 1 else tuple([id(profile) for profile, _ in said]))
        known = self._watched.get(key)
        if known is None:
            profiles = [profile for profile, _ in said]  # held, so that their ids stay theirs
            known = self._watched[key] = (profiles, _watched(profiles, tier))
        return known[1]


def _sorted(held: Device, watched: _Watched, found: list[Record]) -> tuple[int | None, list[int]]:
    """Where the uptime and the counters stand among the records; speeds are noted."""
    uptime: int | None = None
    counted: list[int] = []
    for place, one in enumerate(found):
        if type(one) is Reading and one.point in watched.points:
            if one.point == UPTIME:
                uptime = place
            elif one.point == SPEED:
                held.speeds[str(one.index)] = one.value
            else:
                counted.append(place)
    return uptime, counted


def _uptime(
    held: Device, found: list[Record], place: int | None, jitter_s: float, *, rose: bool, began: int
) -> dict[str, str | int | float] | None:
    """Note the uptime, extended over its own wraps; tell of a reboot, and put its reading before the counters."""
    one = found[place] if place is not None else None
    if not isinstance(one, Reading) or place is None:
        if rose:
            held.booted_at = held.uptime_at + 1
            return {"reboot": "engine_boots"}
        return None
    uptime_s, before_s, before_at = one.value, held.uptime_s, held.uptime_at
    held.uptime_s, held.uptime_at = uptime_s, one.at
    told: dict[str, str | int | float] | None = None
    if before_s is not None:
        verdict = _lived(before_s, uptime_s, (one.at - before_at) / 1000, jitter_s)
        if verdict is Verdict.ANEW or rose:
            held.booted_at = min(max(one.at - round(uptime_s * 1000), before_at + 1), one.at)
            held.uptime_base_s = 0.0
            why = "uptime" if verdict is Verdict.ANEW else "engine_boots"
            told = {"reboot": why, "uptime_s": round(uptime_s, 2), "before_s": round(before_s, 2)}
        elif verdict is Verdict.WRAPPED:
            held.uptime_base_s += UPTIME_WRAP_S
        elif verdict is Verdict.UNSURE:  # an uptime from nowhere: another device stands here, or its clock was set
            held.booted_at = before_at + 1
    if held.uptime_base_s or told:
        # who reads on must see the fall before the counters that fell
        at = min(began, one.at) if told else one.at
        found[place] = msgspec.structs.replace(one, value=round(uptime_s + held.uptime_base_s, 2), at=at)
    return told


def _lived(before_s: float, now_s: float, passed_s: float, jitter_s: float) -> Verdict:
    """What lies between two uptimes: ON, WRAPPED, ANEW (a reboot), or UNSURE when it is ahead of all that can be.

    >>> _lived(100, 110, 10, 5), _lived(100, 4, 10, 5), _lived(42949670, 7.04, 10, 5), _lived(100, 9000, 10, 5)
    (<Verdict.ON: 'on'>, <Verdict.ANEW: 'anew'>, <Verdict.WRAPPED: 'wrapped'>, <Verdict.UNSURE: 'unsure'>)
    """
    expected_s, slack_s = before_s + passed_s, jitter_s + DRIFT * passed_s
    if now_s >= before_s - 0.5 and abs(now_s - expected_s) <= slack_s:
        return Verdict.ON
    if now_s < before_s and abs(now_s + UPTIME_WRAP_S - expected_s) <= slack_s:
        return Verdict.WRAPPED
    return Verdict.ANEW if now_s < expected_s else Verdict.UNSURE


def _count(
    held: Device,
    watched: _Watched,
    found: list[Record],
    counted: list[int],
    answered: set[str],
    *,
    known: bool,
    shaky: bool,
) -> None:
    """Each counter of a round: judged by itself first, then by its neighbours on the port."""
    judged: list[tuple[int, Series, _Column, Verdict]] = []
    cleared: set[str | None] = set()
    for n in counted:
        one = found[n]
        assert isinstance(one, Reading)
        point, index = one.point, one.index
        column = _column(watched.counters[point], index, answered)
        series = held.series.get((point, index))
        raw = one.value
        if series is None:
            held.series[point, index] = Series(raw=raw, at=one.at, place=column.place, total=raw)
            continue
        verdict = _judge(series, held, point, index, raw, one.at, column, known=known)
        if verdict is Verdict.ANEW and held.booted_at <= series.at:
            cleared.add(index)
        judged.append((n, series, column, verdict))
    for n, series, column, verdict in judged:
        one = found[n]
        assert isinstance(one, Reading)
        if verdict is Verdict.WRAPPED and (one.index in cleared or series.shaky):
            verdict = Verdict.ANEW
        raw = one.value
        if verdict is Verdict.UNSURE:
            found[n] = _gap(one, series)
        else:
            _go_on(series, raw, column, verdict)
            if series.total != raw:
                found[n] = msgspec.structs.replace(one, value=series.total)
        series.raw, series.at, series.place, series.shaky = raw, one.at, column.place, shaky
        series.unsure = verdict is Verdict.UNSURE


def _judge(
    series: Series, held: Device, point: str, index: str | None, raw: float, at: int, column: _Column, *, known: bool
) -> Verdict:
    if series.at < held.booted_at <= at:
        return Verdict.ANEW
    if column.place != series.place:
        return Verdict.UNSURE
    rise, wrap = raw - series.raw, WRAP * column.scale
    if column.bits == 64:
        return Verdict.ON if rise >= 0 else Verdict.ANEW
    most = _most(point, held.speeds.get(str(index), 0.0), (at - series.at) / 1000) * column.scale
    if rise >= 0:
        return Verdict.ON if rise + wrap > most else Verdict.UNSURE
    if not known:
        return Verdict.UNSURE
    rise += wrap
    if rise > most:
        return Verdict.ANEW
    return Verdict.WRAPPED if rise + wrap > most else Verdict.UNSURE


def _go_on(series: Series, raw: float, column: _Column, verdict: Verdict) -> None:
    if verdict is Verdict.ANEW:
        series.base = 0.0
    elif series.unsure:  # begin at the value that was not told, which is below the last total
        series.base = -series.raw
    if verdict is Verdict.WRAPPED:
        series.base += WRAP * column.scale
    series.total = raw + series.base


def _most(point: str, mbit_s: float, passed_s: float) -> float:
    """What a counter can have counted at the most."""
    if not point.startswith("if"):
        return _MOST_EVENTS_S * passed_s
    octets = (mbit_s or UNTOLD_MBIT_S) * 125_000 * passed_s * _MARGIN
    return octets if point in _OCTETS else octets / _LEAST_FRAME


def _gap(one: Reading, series: Series) -> Gap:
    fell = "lower than" if one.value < series.raw else "after"
    passed_s = (one.at - series.at) / 1000
    said = f"{one.value:.0f} {fell} {series.raw:.0f} {passed_s:g} s before: how often it wrapped is not known"
    return Gap(
        device=one.device, point=one.point, index=one.index, at=one.at, cause=GapCause.NOT_PLAUSIBLE,
        where=series.place, raw=said,
    )  # fmt: skip


def _column(columns: tuple[_Column, ...], index: str | None, answered: set[str]) -> _Column:
    """The column that a reading came from: the first that has its row."""
    if len(columns) > 1:
        for one in columns:
            if f"{one.place}.{index if one.column else 0}" in answered:
                return one
    return columns[-1]


def _values(said: Sequence[Said]) -> set[str]:
    """The OIDs that were answered."""
    return {
        oid
        for _, exchanges in said
        for exchange in exchanges
        if isinstance(exchange.answer, Variables)
        for oid in exchange.answer.values
    }


def _watched(profiles: Sequence[Profile], tier: Tier) -> _Watched:
    counters: dict[str, list[_Column]] = {}
    points: set[str] = set()
    for profile in profiles:
        for row in profile.rows(tier):
            if POINTS[row.point].kind is Kind.COUNTER:
                counters.setdefault(row.point, []).append(_Column(row.place, row.column, row.bits or 64, row.scale))
                points.add(row.point)
            elif row.point in (UPTIME, SPEED):
                points.add(row.point)
    return _Watched({point: tuple(columns) for point, columns in counters.items()}, frozenset(points))
