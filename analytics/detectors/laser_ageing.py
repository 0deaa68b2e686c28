"""The laser of an optic is ageing: it needs ever more current for the same light. Replace the optic before the light falls.

Sees `optics.bias` as it would be at one temperature (`optics.temperature`; the dependence is learned from the optic's own first weeks, between 0.2 % and 2.5 % a
degree), in medians of 24 hours against its first 14 days, while `optics.tx_power` is kept: 20 % more is a warning, 50 % more a job; light that falls by 1 dB
or more while the current is up by 20 % is major: the control is at its end. The date is when the current will be twice the first, or 50 % up as long as it is
not.

When it does not work: optics that tell no bias (many copper and short ones), or in steps of whole milliamperes (then 50 % only). Bad input: current and one more of light,
temperature or supply voltage stepping on the same day, or a current that falls by 15 %, is another optic: learned anew, and what stood is cleared; no current (port off) says nothing;
another unit (power of ten) is learned anew.

State: {"tracks": {"b:port" | "x:port" | "w:port" | "h:port": track}, "fits": {port: line while learning, then slope}, "open": parts}.
"""

from __future__ import annotations

from math import exp, log
from typing import Any

import msgspec

from analytics.cohort import witness
from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import parts, track
from analytics.network.parts import Line
from analytics.network.track import Track, Tracks
from analytics.slow import line
from analytics.slow.frames import Frame, columns, frames
from analytics.slow.trend import crossing, daily
from model.finding import Change, Evidence, Severity
from model.text import Text

KIND = "laser_ageing"
BIAS, TX, HEAT, SUPPLY = "optics.bias", "optics.tx_power", "optics.temperature", "optics.voltage"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Laser ageing": bias +20 % watch, +50 % replace. Telcordia GR-468 takes +50 % as end of life. The rest are engineering defaults (tune)."""

    watch: float = 0.20
    replace: float = 0.50
    end: float = 1.0
    light_db: float = 1.0
    hours: int = 24
    spreads: float = 4.0
    per_degree: tuple[float, float, float] = (0.002, 0.009, 0.025)  #: least, without knowledge, most
    least_swing: float = 1.0  #: °C (one standard deviation) needed to learn the dependence
    step_bias: float = 0.08
    step_tx_db: float = 0.5
    step_heat: float = 6.0
    step_supply: float = 0.05
    exchanged: float = 0.15  #: a fall of the current that only another optic explains
    trend_days: int = 30
    least_a: float = 1e-3
    drift_cohort: float = 5.0  #: % a month, from which siblings are asked


LIMITS = Limits()
_PLAIN = LIMITS.per_degree[1]
_BESIDE = {"x": TX, "h": HEAT, "w": SUPPLY}
_COOL = 40.0  #: °C to which currents are brought
ADVICE = Text(
    "Order this optic and exchange it on a planned day; keep the same type. Look at its temperature first: a hot cage ages lasers. "
    "If the current falls back when the module is cooled, or the reading jumped on the day of a software change, this is disproved.",
    "备好同型号光模块，择日更换。先查其温度：高温会加速激光器老化。若降温后电流恢复，或读数在软件变更当日跳变，则本结论不成立。",
)
OVER = Text("the current is as it was at first, or the optic is another one", "电流已恢复到初始水平，或光模块已更换")


class LaserAgeing:
    kinds = frozenset({KIND})
    needs = frozenset({BIAS, TX, HEAT, SUPPLY})

    def fresh(self) -> State:
        return {"tracks": {}, "fits": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if BIAS not in hours.columns:
            return state, []
        if (quiet := _quiet(state, hours)) is not None:
            return quiet, []
        tracks, fits, open = Tracks(state["tracks"]), dict(state["fits"]), dict(state["open"])
        changes: list[Change] = []
        for frame in frames(hours, self.needs):
            for index, hour in frame.series.get(BIAS, {}).items():
                if hour.mean < LIMITS.least_a:
                    continue
                told = _port(tracks, fits, frame, index, hour.mean, open, context)
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
        return {"tracks": tracks.held, "fits": fits, "open": open}, changes

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: the fastest gain of current among its optics, % a month."""
        gains = [
            gain for key, one in state["tracks"].items() if key[:2] == "b:" and (gain := _a_month(one)) is not None
        ]
        return {"bias_drift": max(gains)} if gains else {}


def _quiet(state: State, hours: Hours) -> State | None:
    """The state after hours in which no optic drew much more than at first, nor was exchanged; None: they must be gone through hour by hour."""
    if state["open"]:
        return None
    tracks = Tracks(state["tracks"])
    beside = {letter: columns(hours, point) for letter, point in _BESIDE.items()}
    for index, bias in columns(hours, BIAS).items():
        port = index or ""
        current = tracks.of(f"b:{port}")
        others = {letter: some[index] for letter, some in beside.items() if index in some}
        known, heat = track.base(current), others.get("h")
        if known is None or min(bias.mean) < LIMITS.least_a or any(bias.at != one.at for one in others.values()):
            return None
        slope = state["fits"].get(port, _PLAIN)
        warmth = heat.mean if heat else [_COOL] * len(bias.at)
        xs = [log(amps) - slope * (celsius - _COOL) for amps, celsius in zip(bias.mean, warmth, strict=True)]
        near = track.near(current, xs)
        if max(near) - min(near) >= LIMITS.step_bias / 2 or max(near) - known[0] >= log(1 + LIMITS.watch):
            return None
        track.extend(current, bias.at, xs)
        for letter in _BESIDE:
            one, column = tracks.of(f"{letter}:{port}"), others.get(letter)
            if column is not None and not track.settled(one, column.at):
                return None
            if column is not None:
                track.extend(one, column.at, column.mean)
    return {**state, "tracks": tracks.held}


def _port(
    tracks: Tracks,
    fits: dict[str, Any],
    frame: Frame,
    index: str | None,
    bias: float,
    open: parts.Open,
    context: Context,
) -> dict[str, Line | None]:
    """What is to be said of one optic: {"laser": line or None}, or nothing."""
    port = index or ""
    current, light, warmth, supply = (tracks.of(f"{letter}:{port}") for letter in "bxhw")
    beside = [(TX, light), (HEAT, warmth), (SUPPLY, supply)]
    values = {point: hour.mean for point, _ in beside if (hour := frame.series.get(point, {}).get(index)) is not None}
    learning = track.base(current) is None
    heat = values.get(HEAT, _COOL) - _COOL
    x = log(bias) - (_PLAIN if learning else fits.get(port, _PLAIN)) * heat
    if learning and HEAT in values:
        fits[port] = line.add(fits.get(port, line.fresh()), heat, log(bias))
    usual = current["recent"][-1][1] if current["recent"] else x
    if abs(x - usual) > log(8) and track.rescaled(exp(x), exp(usual)):
        return _exchange(fits, port, [current, light, warmth, supply])
    closed = track.add(current, frame.at, x)
    if closed and learning and "base" in current:
        fits[port] = _learned(current, fits.get(port))
    for point, one in beside:
        if point in values:
            track.add(one, frame.at, values[point])
    if _another(current, light, warmth, supply):
        return _exchange(fits, port, [current, light, warmth, supply])
    return _judge(current, light, frame.at, index, bias, None if closed else open, (index or "") in open, context)


def _learned(current: Track, sums: line.Sums | None) -> float:
    """How much more of current a degree takes; what was kept so far is brought to it."""
    least, _, most = LIMITS.per_degree
    fitted = line.fit(sums, least_spread_x=LIMITS.least_swing) if sums else None
    if fitted is None or fitted.slope == 0.0:
        return _PLAIN
    slope = max(least, min(most, fitted.slope))
    shift = (_PLAIN - slope) * fitted.mean_x
    current["base"] = [current["base"][0] + shift, current["base"][1]]
    current["rows"] = [[day, x + shift, half] for day, x, half in current["rows"]]
    current["recent"] = [[at, x + shift] for at, x in current["recent"]]
    return slope


def _another(current: Track, light: Track, warmth: Track, supply: Track) -> bool:
    """Whether the newest six hours differ from the twelve before like another optic, not like an older one."""
    recent = current["recent"]
    if len(recent) < 18 or abs(recent[-1][1] - recent[-12][1]) < LIMITS.step_bias / 2:
        return False
    bias = track.step(current)
    if bias is None:
        return False
    if bias < log(1 - LIMITS.exchanged):
        return True
    if abs(bias) < LIMITS.step_bias:
        return False
    steps = ((light, LIMITS.step_tx_db), (warmth, LIMITS.step_heat), (supply, LIMITS.step_supply))
    return any((step := track.step(one)) is not None and abs(step) > least for one, least in steps)


def _exchange(fits: dict[str, Any], port: str, all_: list[Track]) -> dict[str, Line | None]:
    fits.pop(port, None)
    for one in all_:
        track.relearn(one)
    return {"laser": None}


def _judge(
    current: Track,
    light: Track,
    at: int,
    index: str | None,
    bias: float,
    open: parts.Open | None,
    standing: bool,
    context: Context,
) -> dict[str, Line | None]:
    known = track.base(current)
    if known is None or (not standing and current["recent"][-1][1] - known[0] < LIMITS.watch / 2):
        return {}
    now = track.newest(current, LIMITS.hours)
    if now is None:
        return {}
    gained = exp(now - known[0]) - 1
    watch = max(LIMITS.watch, exp(LIMITS.spreads * known[1]) - 1)
    if gained < watch:
        return {"laser": None} if gained < watch / 2 else {}
    first_light, now_light = track.base(light), track.newest(light, LIMITS.hours)
    lost = first_light[0] - now_light if first_light is not None and now_light is not None else None
    if lost is not None and lost >= LIMITS.light_db:
        severity = Severity.MAJOR
    else:
        severity = Severity.MINOR if gained >= LIMITS.replace else Severity.WARNING
    if open is not None and parts.stands(open, index, "laser", severity):
        return {}
    text = Text(
        f"port {index or ''}: laser current {bias * 1000:.1f} mA, {gained:+.0%} at the same temperature since its first two weeks (watch {watch:.0%}, replace {LIMITS.replace:.0%})",
        f"端口 {index or ''}：激光器电流 {bias * 1000:.1f} mA，同温下较最初两周 {gained:+.0%}（关注 {watch:.0%}，更换 {LIMITS.replace:.0%}）",
    )
    lines = [Evidence(text=text, at=at, point=BIAS, index=index, value=bias, expected=bias / (1 + gained))]
    if lost is not None and now_light is not None and first_light is not None:
        kept = (
            Text("is kept by the control so far", "目前仍由控制环维持")
            if lost < LIMITS.light_db
            else Text("falls: the control is at its end", "下降：控制环已到极限")
        )
        words = Text(
            f"light sent {now_light:.1f} dBm, {first_light[0]:.1f} dBm at first: it {kept.en}",
            f"发光功率 {now_light:.1f} dBm，最初 {first_light[0]:.1f} dBm：{kept.zh}",
        )
        lines.append(Evidence(text=words, at=at, point=TX, index=index, value=now_light, expected=first_light[0]))
    drift = _a_month(current)
    if drift is not None and drift > 0:
        lines += witness(context.cohort, "bias_drift", LIMITS.drift_cohort, drift, at)
    limit = LIMITS.replace if gained < LIMITS.replace else LIMITS.end
    score = 0.9 if lost is not None else 0.75
    return {
        "laser": Line(
            tuple(lines),
            severity,
            track.since(current, known[0] + log(1 + watch), 1),
            _date(current, at, known[0] + log(1 + limit)),
            score,
        )
    }


def _date(current: Track, at: int, limit: float) -> int | None:
    rows = current["rows"][-LIMITS.trend_days :]
    slope = daily([int(row[0]) for row in rows], [row[1] for row in rows]) if len(rows) >= 10 else None
    reached = crossing(slope, at, limit) if slope is not None and slope.rises else None
    return None if reached is None else max(at, reached.at)


def _a_month(current: Track) -> float | None:
    rows = current["rows"][-LIMITS.trend_days :]
    slope = daily([int(row[0]) for row in rows], [row[1] for row in rows]) if len(rows) >= LIMITS.trend_days else None
    return None if slope is None else 100 * (exp(30 * slope.per_x) - 1)
