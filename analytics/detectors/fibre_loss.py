"""Less light comes in than at first, and it is not the laser at this end: a dirty or bent fibre, a connector, or the far end's laser.

Sees `optics.rx_power` (and `optics.power`, where the sensor's name alone tells which way) in medians of 6 hours against its first 14 days: 1 dB less is a warning, 2 dB
less a job; with the slope of the last weeks the date on which 6 dB will be gone. A step within hours says a hand, a bend or a plug; a slow fall says dirt, or
the far end's laser (compare its TX). The light sent from here (`optics.tx_power`) staying as it was says that it is one direction only.

When it does not work: the receiver's limit is not told, so nobody knows how much margin 2 dB leave; the far end's light is another device's.
Bad input: no light at all (below -35 dBm, or a gap) says nothing here, `port_down` does; after it comes back, another level is another patch and is learned
anew, and so is light that rose by 3 dB for a day (another optic, attenuator or unit), or that stepped in the same hours as the light sent from here (another optic, or ports that changed places under their numbers); sensors that repeat one value are judged the same.

State: {"tracks": {"r:port" | "p:port" | "x:port": track}, "dark": {"r:port": 1}, "open": parts}.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec

from analytics.cohort import witness
from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts, track
from analytics.network.parts import Line
from analytics.network.track import Track, Tracks
from analytics.slow.frames import Frame, columns, frames
from analytics.slow.trend import Slope, crossing, daily
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "fibre_loss"
RX, ANY, TX = "optics.rx_power", "optics.power", "optics.tx_power"
_LETTERS = {RX: "r", ANY: "p"}


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Dirty/bent fibre, connector": > 1 dB watch, > 2 dB warn, far-end TX steady, one direction only. The rest are engineering defaults (tune)."""

    watch_db: float = 1.0
    warn_db: float = 2.0
    grave_db: float = 6.0
    hours: int = 6
    spreads: float = 4.0
    dark_dbm: float = -35.0
    other_db: float = 3.0  #: more light than at first for a day: another path
    other_hours: int = 24
    same_tx_db: float = 0.5
    back_db: float = 0.5  #: another level after darkness is another patch
    back_hours: int = 3
    step_db: float = 0.7
    trend_days: int = 30
    drift_cohort: float = 0.5  #: dB a month from which siblings are asked


LIMITS = Limits()
ADVICE = Text(
    "Clean and look at both connectors first, then the patch cord and its bends; measure the light at both ends. "
    "If the far end sends as much less as is missing here, its laser is the cause, and this is disproved for the fibre.",
    "先清洁并检查两端接头，再查跳纤和弯折；两端实测光功率。若对端发光下降量与此处缺失量相同，则原因为对端激光器，光纤结论不成立。",
)
OVER = Text("as much light as at first, or another path now", "收光已恢复到初始水平，或光路已变更")


class FibreLoss:
    kinds = frozenset({KIND})
    needs = frozenset({RX, ANY, TX})

    def fresh(self) -> State:
        return {"tracks": {}, "dark": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if hours.columns.keys().isdisjoint(_LETTERS):
            return state, []
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        tracks, dark, open = Tracks(state["tracks"]), dict(state["dark"]), dict(state["open"])
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            for index, hour in frame.series.get(TX, {}).items():
                if hour.mean > LIMITS.dark_dbm:
                    track.add(tracks.of(f"x:{index or ''}"), frame.at, hour.mean)
            for point, letter in _LETTERS.items():
                for index, hour in frame.series.get(point, {}).items():
                    key = f"{letter}:{index or ''}"
                    if hour.low <= LIMITS.dark_dbm:
                        dark[key] = 1
                        continue
                    told = _light(tracks, dark, open, frame, point, index, key, hour.mean, context)
                    if told:
                        changes += parts.settle(
                            open,
                            told,
                            device=context.device.id,
                            kind=KIND,
                            index=index,
                            at=frame.at,
                            advice=ADVICE,
                            over=OVER,
                        )
        return {"tracks": tracks.held, "dark": dark, "open": open}, changes

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: the median loss of its ports, dB a month."""
        found = [
            -30 * slope.per_x
            for key, one in state["tracks"].items()
            if key[0] == "r" and (slope := _slope(one)) is not None and slope.n >= LIMITS.trend_days
        ]
        return {"rx_drift": sorted(found)[len(found) // 2]} if found else {}


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in which all light was as at first; None: they must be gone through hour by hour."""
    if state["open"] or state["dark"]:
        return None
    tracks = Tracks(state["tracks"])
    for index, column in columns(hours, TX).items():
        one = tracks.of(f"x:{index or ''}")
        strays = _strays(track.near(one, column.mean))
        if strays or min(column.mean) <= LIMITS.dark_dbm or not track.settled(one, column.at):
            return None
        track.extend(one, column.at, column.mean)
    for point, letter in _LETTERS.items():
        for index, column in columns(hours, point).items():
            one, sent = tracks.of(f"{letter}:{index or ''}"), tracks.held.get(f"x:{index or ''}")
            known = track.base(one)
            if sent is not None and _strays(track.near(sent, ())):
                return None
            if min(column.low) <= LIMITS.dark_dbm or not track.settled(one, column.at):
                return None
            near = track.near(one, column.mean)
            if known is not None and not (
                known[0] - LIMITS.watch_db < min(near) and max(near) < known[0] + LIMITS.other_db
            ):
                return None
            track.extend(one, column.at, column.mean)
    return {**state, "tracks": tracks.held}


def _strays(sent: list[float]) -> bool:
    return bool(sent) and max(sent) - min(sent) > LIMITS.same_tx_db / 2


def _light(
    tracks: Tracks,
    dark: dict[str, Any],
    open: parts.Open,
    frame: Frame,
    point: str,
    index: str | None,
    key: str,
    light: float,
    context: Context,
) -> dict[str, Line | None]:
    """What is to be said of the light of one port: {key: line or None}, or nothing."""
    one = tracks.of(key)
    if key in dark:
        dark[key] += 1
        if not _back(one, key, dark, light):
            return {}
        if "base" not in one:
            return {key: None}
    closed = track.add(one, frame.at, light)
    known = track.base(one)
    if known is None:
        return {}
    sent = tracks.held.get(f"x:{index or ''}")
    if sent is not None and _moves(sent):
        if _exchanged(one, sent):
            track.relearn(one)
            return {key: None}
        if (index or "") not in open:
            return {}
    near = -LIMITS.other_db < known[0] - light < LIMITS.watch_db / 2
    now = None if near and (index or "") not in open else track.newest(one, LIMITS.hours)
    if now is None:
        return {}
    risen = track.newest(one, LIMITS.other_hours)
    if risen is not None and risen > known[0] + LIMITS.other_db:
        track.relearn(one)
        return {key: None}
    lost, watch = known[0] - now, max(LIMITS.watch_db, LIMITS.spreads * known[1])
    if lost < watch:
        return {key: None} if lost < watch / 2 else {}
    severity = Severity.MINOR if lost >= max(LIMITS.warn_db, LIMITS.spreads * known[1]) else Severity.WARNING
    if not closed and parts.stands(open, index, key, severity):
        return {}
    return {key: _line(tracks, one, frame.at, point, index, (known[0], now, watch), severity, context)}


def _moves(sent: Track) -> bool:
    """Whether the light sent from here stepped within the last hours: first see what else did."""
    recent = sent["recent"][-12:]
    return len(recent) == 12 and abs(recent[-1][1] - recent[0][1]) > LIMITS.same_tx_db / 2


def _exchanged(one: Track, sent: Track) -> bool:
    """Whether both stepped in the same hours: another optic, or another port under this index."""
    came, went = track.step(one), track.step(sent)
    return came is not None and went is not None and abs(came) > LIMITS.back_db and abs(went) > LIMITS.same_tx_db


def _back(one: Track, key: str, dark: dict[str, Any], light: float) -> bool:
    """After darkness: wait some hours, and learn anew when the level is another one. Whether the hour counts."""
    if dark[key] <= LIMITS.back_hours:
        return False
    del dark[key]
    known = track.base(one)
    if known is None or abs(light - known[0]) > max(LIMITS.back_db, LIMITS.spreads * known[1]):
        track.relearn(one)
    return True


def _line(
    tracks: Tracks,
    one: Track,
    at: int,
    point: str,
    index: str | None,
    levels: tuple[float, float, float],
    severity: Severity,
    context: Context,
) -> Line:
    first, now, watch = levels
    port = index or ""
    text = Text(
        f"port {port}: {now:.1f} dBm comes in, {first:.1f} dBm in its first two weeks: {first - now:.1f} dB less (watch {watch:.1f}, warn {LIMITS.warn_db:.0f})",
        f"端口 {port}：收光 {now:.1f} dBm，最初两周 {first:.1f} dBm，减少 {first - now:.1f} dB（关注 {watch:.1f}，告警 {LIMITS.warn_db:.0f}）",
    )
    lines = [Evidence(text=text, at=at, point=point, index=index, value=now, expected=first)]
    slope = _slope(one)
    sudden = _sudden(one)
    if sudden:
        lines.append(
            Evidence(
                text=Text("it fell in a step: a hand, a bend or a plug", "呈阶跃下降：多为人为触碰、弯折或接头问题"),
                at=at,
            )
        )
    elif slope is not None and slope.falls:
        a_month = -30 * slope.per_x
        words = Text(
            f"it falls by {a_month:.1f} dB a month: dirt, or the far end's laser",
            f"每月下降 {a_month:.1f} dB：多为污染或对端激光器",
        )
        lines.append(Evidence(text=words, at=at, point=point, index=index))
        lines += witness(context.cohort, "rx_drift", LIMITS.drift_cohort, a_month, at)
    lines += _sent(tracks.held.get(f"x:{port}"), index, at)
    forecast = (
        crossing(slope, at, first - LIMITS.grave_db) if slope is not None and slope.falls and not sudden else None
    )
    began = track.since(one, first - watch, -1)
    return Line(tuple(lines), severity, began, None if forecast is None else max(at, forecast.at), 0.85)


def _sent(light: Track | None, index: str | None, at: int) -> list[Evidence]:
    known = track.base(light) if light else None
    now = track.newest(light, LIMITS.hours) if light else None
    if known is None or now is None or abs(now - known[0]) > LIMITS.same_tx_db:
        return []
    text = Text(
        f"the light sent from here is as it was ({now:.1f} dBm): one direction only",
        f"本端发光未变（{now:.1f} dBm）：仅单方向受影响",
    )
    return [Evidence(text=text, at=at, point=TX, index=index, value=now, expected=known[0])]


def _slope(one: Track) -> Slope | None:
    rows = one["rows"][-LIMITS.trend_days :]
    return daily([int(row[0]) for row in rows], [row[1] for row in rows]) if len(rows) >= 10 else None


def _sudden(one: Track) -> bool:
    """Whether most of the loss came between two neighbouring values, of hours or of days."""
    hours = [x for _, x in one["recent"]]
    days = [row[1] for row in one["rows"][-LIMITS.trend_days :]]
    return any(before - after >= LIMITS.step_db for some in (hours, days) for before, after in pairwise(some))
