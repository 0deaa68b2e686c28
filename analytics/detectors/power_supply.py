"""A power supply of a switch is going: a voltage drifts, or its twin takes its share of the current, or its state flaps.

Sees, in medians of hours, each against what it was in its first 14 days: `entity.voltage` off by more than 3 % for 6 hours (supplies of 20 V to
100 V, which hang on batteries: 6 % for a day); among two to four `entity.current` that share a load, one whose share fell by more than 0.15
for 12 hours; `entity.power.status` that changes more than 3 times in 24 hours. With a second supply that is well it is major, else critical.

When it does not work: voltages above 100 V are the mains and are not judged; currents that do not share (ports, rails) are left out; supplies that
rest in turn by design share too unevenly to be judged. Bad input: a value that changed by a power of ten is another unit and is learned anew,
and so is a voltage that is 0 (absent, or off: `bad_state` tells); gaps stretch the hours; a sensor moved elsewhere is a drift: look.

State: {"tracks": {"v:index" | "i:index": track}, "flaps": {index: [ms]}, "last": {index: state}, "open": episodes}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts, track
from analytics.network.parts import Line
from analytics.network.track import Tracks
from analytics.slow.frames import Columns, Frame, columns, frames, together
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "power_supply"
VOLTAGE, CURRENT, STATUS = "entity.voltage", "entity.current", "entity.power.status"
_DAY_MS = 86_400_000
_WELL = 1
#: Absent, off, standby: such a supply is no spare.
_NOT_FED = (3.0, 5.0, 6.0, 7.0)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "PSU failing": output V drift > 3 %, share moves to the twin, state flaps. The rest are engineering defaults (tune)."""

    drift: float = 0.03
    hours: int = 6
    drift_fed: float = 0.06  #: 20 V to 100 V: fed by a DC plant, whose voltage follows its battery
    hours_fed: int = 24
    fed_v: tuple[float, float] = (20.0, 100.0)
    spreads: float = 4.0  #: a voltage that always strays must stray further
    share: float = 0.15
    share_hours: int = 12
    least_share: float = 0.15  #: a current below this share in its first days does not share
    most_twins: int = 4
    flaps: int = 3


LIMITS = Limits()
ADVICE = Text(
    "Check the feed of this supply and its plug first; then swap the supply while its twin is well, and look at the twin's age too. "
    "If the other supply's feed or a load moved at that time, or a meter shows the nominal voltage, this is disproved.",
    "先查该电源的输入和插头；趁另一电源正常时更换，并核对另一电源的使用年限。若同一时刻另一路供电或负载有变动，或万用表测得电压正常，则本结论不成立。",
)
OVER = Text("voltage, share and state are as they were at first", "电压、分担比例和状态均已恢复到初始水平")


class PowerSupply:
    kinds = frozenset({KIND})
    needs = frozenset({VOLTAGE, CURRENT, STATUS})

    def fresh(self) -> State:
        return {"tracks": {}, "flaps": {}, "last": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        tracks = Tracks(state["tracks"])
        state = {"flaps": dict(state["flaps"]), "last": dict(state["last"]), "open": dict(state["open"])}
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            _flaps(state, frame)
            told = {**_voltages(tracks, frame, bool(state["open"])), **_shares(tracks, frame, bool(state["open"]))}
            changes += _tell(state, frame, told, context)
        return {"tracks": tracks.held, **state}, changes


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in which no supply did anything unusual; None: they must be gone through hour by hour."""
    last = dict(state["last"])
    for index, column in columns(hours, STATUS).items():
        before = last.get(index or "", column.first[0])
        if [before] * len(column.at) != column.last or any(column.moves):
            return None
        last[index or ""] = before
    if state["open"] or state["flaps"]:
        return None
    tracks = Tracks(state["tracks"])
    for index, column in columns(hours, VOLTAGE).items():
        one = tracks.of(f"v:{index or ''}")
        known = track.base(one)
        if min(map(abs, column.mean)) == 0 or not track.settled(one, column.at):
            return None
        if known is not None:
            limit = LIMITS.drift if abs(known[0]) <= LIMITS.fed_v[1] else 1.0
            if any(abs(volts / known[0] - 1) >= limit for volts in track.near(one, column.mean)):
                return None
        track.extend(one, column.at, column.mean)
    currents = columns(hours, CURRENT)
    if currents and not _shared(tracks, currents):
        return None
    return {**state, "tracks": tracks.held, "last": last}


def _shared(tracks: Tracks, currents: Columns) -> bool:
    """Take in the currents of many hours; whether all carry their usual share, or do not share."""
    at = together(currents)
    if at is None:
        return False
    if not 2 <= len(currents) <= LIMITS.most_twins:
        return True
    wholes = [sum(some) for some in zip(*(column.mean for column in currents.values()), strict=True)]
    if min(wholes) <= 0 or min(min(column.mean) for column in currents.values()) < 0:
        return False
    for index, column in currents.items():
        one = tracks.of(f"i:{index or ''}")
        known = track.base(one)
        xs = [ampere / whole for ampere, whole in zip(column.mean, wholes, strict=True)]
        if not track.settled(one, at):
            return False
        if known is not None and known[0] - min(track.near(one, xs)) >= max(LIMITS.share, LIMITS.spreads * known[1]):
            return False
        track.extend(one, at, xs)
    return True


def _voltages(tracks: Tracks, frame: Frame, standing: bool) -> dict[str, Line | None]:
    """By index: what is wrong with a voltage; None: it is well. Absent: nothing can be said, or it lies between."""
    told: dict[str, Line | None] = {}
    for index, hour in frame.series.get(VOLTAGE, {}).items():
        key = f"v:{index or ''}"
        if hour.mean == 0:
            continue
        one = tracks.of(key)
        known = track.base(one)
        if known and track.rescaled(hour.mean, known[0]):
            track.relearn(one)
            known = None
            told[key] = None
        track.add(one, frame.at, hour.mean)
        if known is None or abs(known[0]) > LIMITS.fed_v[1]:
            continue
        fed = abs(known[0]) >= LIMITS.fed_v[0]
        limit = max(LIMITS.drift_fed if fed else LIMITS.drift, LIMITS.spreads * known[1] / abs(known[0]))
        if not standing and abs(hour.mean / known[0] - 1) < limit / 2:
            continue
        value = track.newest(one, LIMITS.hours_fed if fed else LIMITS.hours)
        if value is None:
            continue
        off = value / known[0] - 1
        if abs(off) > limit:
            evidence = Evidence(
                text=Text(
                    f"voltage {index or ''}: {value:.2f} V, {off:+.1%} from the {known[0]:.2f} V of its first two weeks (limit {limit:.0%})",
                    f"电压 {index or ''}：{value:.2f} V，较最初两周的 {known[0]:.2f} V 偏移 {off:+.1%}（上限 {limit:.0%}）",
                ),
                at=frame.at,
                point=VOLTAGE,
                index=index,
                value=value,
                expected=known[0],
            )
            sign = 1 if off > 0 else -1
            told[key] = Line((evidence,), Severity.MAJOR, track.since(one, known[0] * (1 + sign * limit), sign))
        elif abs(off) < limit / 2:
            told[key] = None
    return told


def _shares(tracks: Tracks, frame: Frame, standing: bool) -> dict[str, Line | None]:
    """The same for the shares of currents that feed one load."""
    currents = {index: hour.mean for index, hour in frame.series.get(CURRENT, {}).items()}
    whole = sum(currents.values())
    if not 2 <= len(currents) <= LIMITS.most_twins or whole <= 0 or min(currents.values()) < 0:
        return {}
    told: dict[str, Line | None] = {}
    bases = {}
    for index, ampere in currents.items():
        one = tracks.of(f"i:{index or ''}")
        track.add(one, frame.at, ampere / whole)
        bases[index] = track.base(one)
    if any(known is None or known[0] < LIMITS.least_share for known in bases.values()):
        return told
    for index, known in bases.items():
        key = f"i:{index or ''}"
        if known is None:
            continue
        limit = max(LIMITS.share, LIMITS.spreads * known[1])
        if not standing and known[0] - currents[index] / whole < limit / 2:
            continue
        share = track.newest(tracks.held[key], LIMITS.share_hours)
        if share is None:
            continue
        if known[0] - share > limit:
            evidence = Evidence(
                text=Text(
                    f"supply {index or ''} carries {share:.0%} of the current, {known[0]:.0%} in its first two weeks: its twin took the rest",
                    f"电源 {index or ''} 承担电流的 {share:.0%}，最初两周为 {known[0]:.0%}：其余由另一电源承担",
                ),
                at=frame.at,
                point=CURRENT,
                index=index,
                value=share,
                expected=known[0],
            )
            began = track.since(tracks.held[key], known[0] - limit, -1)
            told[key] = Line((evidence,), Severity.MAJOR, began)
        elif abs(known[0] - share) < limit / 2:
            told[key] = None
    return told


def _flaps(state: State, frame: Frame) -> None:
    """Note every change of a supply's state (the caller's own state)."""
    for index, hour in frame.series.get(STATUS, {}).items():
        key = index or ""
        moves = hour.moves + (state["last"].get(key, hour.first) != hour.first)
        state["last"][key] = hour.last
        if moves or key in state["flaps"]:
            kept = [at for at in state["flaps"].get(key, []) if frame.at - at < _DAY_MS]
            state["flaps"][key] = (kept + [frame.at] * moves)[-20:]
            if not state["flaps"][key]:
                del state["flaps"][key]


def _tell(state: State, frame: Frame, told: dict[str, Line | None], context: Context) -> list[Change]:
    for index, hour in frame.series.get(STATUS, {}).items():
        flaps = state["flaps"].get(index or "", [])
        key = f"s:{index or ''}"
        told[key] = _flapping(index, flaps, hour.last, frame.at) if len(flaps) > LIMITS.flaps else None
    single = bool(state["last"]) and sum(value not in _NOT_FED for value in state["last"].values()) < 2
    if single:
        told = {key: line and line._replace(severity=Severity.CRITICAL) for key, line in told.items()}
    return parts.settle(
        state["open"],
        told,
        device=context.device.id,
        kind=KIND,
        index=None,
        at=frame.at,
        advice=ADVICE,
        over=OVER,
    )


def _flapping(index: str | None, flaps: list[int], last: float, at: int) -> Line:
    times = len(flaps)
    evidence = Evidence(
        text=Text(
            f"supply {index or ''}: its state changed {times} times in 24 hours; none is expected",
            f"电源 {index or ''}：24 小时内状态变化 {times} 次；预期为零",
        ),
        at=at,
        point=STATUS,
        index=index,
        value=last,
        expected=_WELL,
    )
    return Line((evidence,), Severity.MAJOR, flaps[0])
