"""Thermal runaway begins: the battery heats itself, and more charging makes it hotter. Act at once.

Sees: `battery.temperature` on mains, against the room (`ambient.temperature`, else the device's own median of the days before) and
its own rise. Warm by 5 °C over that and rising 1 °C or more in the last 10 minutes, or 10 °C over a room that is measured: major. Over 40 °C
as well, or rising 5 °C in 10 minutes, or over 55 °C and still rising: critical. Float current (`battery.current`, on float) at three
times its own baseline is the second witness and makes it critical. Two samples in a row; the rise is taken from at most the
last 10 minutes. A slow one rises by less than that for a day and a half, but faster and faster: 8 °C over its reference, in the last four spans of one hour or of four
it rose each time more, by 2 °C at least in the last, and half of all it is over came in the last three: major; over 55 °C critical, and over 40 °C where the room is told or
the float current is high, too. What a hot room or a discharge heats slows down as it gets there. Well again when it is within 3 °C of its reference.

When it does not work: devices that tell no battery temperature, or a constant one, or the charger's in its place. A battery that is
warm after a discharge, or in a room that grew hot with it, is not accused: for two hours after a discharge only the critical limits count.

State: {"supply", "since_out", "usual": daily medians…, "today", "room", "past": [[at, °C]…], "climb": {key: [[at, °C] each half hour of the last sixteen…]},
"amps", "float": baseline, "bad": row, "told"}.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from analytics import supply
from analytics.detector import Block, Context, State
from analytics.walk import Sample, newest, walk
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

KIND = "battery_runaway"
TEMPERATURE, ROOM, AMPS = "battery.temperature", "ambient.temperature", "battery.current"
_POINTS = (*supply.POINTS, ROOM, AMPS, TEMPERATURE)

WARM_C, HOT_C, WELL_C = 5.0, 10.0, 3.0
RISE_C, FAST_C, WINDOW_MS = 1.0, 5.0, 600_000
LIMIT_C, END_C = 40.0, 55.0
FLOAT_TIMES = 3.0
AFTER_MS = 7_200_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
#: A climb that speeds up: °C over the reference, °C in the newest span at least and in the third oldest, how much more in the newest, and which part of all (tune).
SLOW_C, LAST_C, FIRST_C, MORE, PART = 8.0, 2.0, 0.2, 1.1, 0.5
SPANS_H, STEP_MS = (1, 4), 1_800_000
#: What grows by itself gains as much each time; what set in at once, amid the morning, gained most at that moment: within this factor.
STEADY = 2.0
MOST_DAYS, MOST_SAMPLES = 7, 24

ADVICE = Text(
    "Switch off or reduce the charging now, ventilate, keep people away from the cabinet; measure each block's voltage and temperature. "
    "A shorted cell or a charger set too high is the usual cause. It is false if the block itself is cool to the touch.",
    "立即停止或减小充电，通风，人员远离电池柜；测量每节电池的电压和温度。常见原因是单格短路或充电电压过高。若电池本体不热，则为误报。",
)
OVER = Text("the battery is as cool as its surroundings again", "电池温度已恢复到环境水平")


class BatteryRunaway:
    kinds = frozenset({KIND})
    needs = frozenset({TEMPERATURE, *supply.POINTS})

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if TEMPERATURE not in block.columns and not state.get("past"):
            return state, []
        quiet = _cool(state, block)
        state = {**state, "past": list(state.get("past", []))}
        changes: list[Change] = []
        if quiet:
            _remember(state, block)
            return state, changes
        for sample in walk(block, _POINTS):
            change = _take(state, sample, block.device)
            if change:
                changes.append(change)
        return state, changes


def _cool(state: State, block: Block) -> bool:
    """On mains and nowhere near a limit: nothing can be judged, whatever the order of the samples."""
    if state.get("told") or state.get("supply") or supply.mentions_battery(block):
        return False
    days, today = state.get("usual"), state.get("today")
    if today is None:
        return False
    series = block.columns.get(TEMPERATURE, {}).values()
    if block.last_at - today[0] > (DAY_MS if days else DAY_MS / 24):
        # What is usual changes within this block; it comes out no lower than the coolest day and the coolest sample.
        if not days:
            return False
        coolest = min([day[1] for day in days] + [today[1]] + [min(column.value) for column in series])
        limit = min(coolest + WARM_C, END_C)
    elif days:
        limit = min(_middle(days) + WARM_C, END_C)
    elif "room" in state or ROOM in block.columns:
        return False
    else:
        limit = END_C
    return all(max(column.value) < limit for column in series)


def _middle(days: list[list[float]]) -> float:
    """The median of the days' means, as `statistics.median` has it, without its price: live it is asked every few seconds."""
    if len(days) == 1:
        return days[0][1]
    celsius = sorted([c for _, c in days])
    half = len(celsius) // 2
    return celsius[half] if len(celsius) % 2 else (celsius[half - 1] + celsius[half]) / 2


def _remember(state: State, block: Block) -> None:
    state["row"] = 0
    if ROOM in block.columns:
        state["room"] = [newest(block, ROOM), max(column.at[-1] for column in block.columns[ROOM].values())]
    for at, amps in _in_time(block, AMPS):
        _float_current(state, at, amps)
    for at, celsius in _in_time(block, TEMPERATURE):
        _past(state, at, celsius)
        _usual(state, at, celsius)
    for key, column in block.columns.get(TEMPERATURE, {}).items():
        for at, celsius in zip(column.at, column.value, strict=True):
            _climb(state, key or "", at, celsius)


def _in_time(block: Block, point: str) -> Iterable[tuple[int, float]]:
    """(at, value) in the order that `walk` gives them; one series is in order as it is."""
    columns = block.columns.get(point)
    if columns is None:
        return ()
    if len(columns) == 1:
        [column] = columns.values()
        return zip(column.at, column.value, strict=True)
    return [(sample.at, sample.value) for sample in walk(block, (point,))]


def _take(state: State, sample: Sample, device: str) -> Change | None:
    if sample.point in supply.POINTS:
        state["supply"] = supply.heard(state.get("supply", []), sample.point, sample.value)
        if state["supply"]:
            state["out"] = sample.at
    elif sample.point == ROOM:
        state["room"] = [sample.value, sample.at]
    elif sample.point == AMPS:
        _float_current(state, sample.at, sample.value)
    else:
        return _judge(state, sample, device)
    return None


def _float_current(state: State, at: int, value: float) -> None:
    """The baseline is the slow mean of what floats, and learns nothing from what is three times of it."""
    if state.get("supply") or at - state.get("out", -AFTER_MS) < AFTER_MS:
        return
    amps, base = abs(value), state.get("float")
    state["amps"] = amps
    if base is None:
        state["float"] = [amps, 1]
    elif amps < FLOAT_TIMES * max(base[0], 0.05):
        count = min(base[1] + 1, 2000)
        state["float"] = [base[0] + (amps - base[0]) / count, count]


def _judge(state: State, sample: Sample, device: str) -> Change | None:
    _past(state, sample.at, sample.value)
    _climb(state, sample.key, sample.at, sample.value)
    rise = sample.value - min(c for _, c in state["past"])
    against = _reference(state, sample)
    if against is None:
        bad, over, spans = (Severity.CRITICAL if sample.value > END_C and rise >= RISE_C else None), 0.0, None
    else:
        over = sample.value - against
        spans = _speeding(state, sample, over) if over >= SLOW_C else None
        bad = _severity(state, sample, over, rise, speeding=spans is not None)
    if bad is None:
        _usual(state, sample.at, sample.value)
    state["row"] = state.get("row", 0) + 1 if bad else 0
    told = state.get("told")
    if told and against is not None and over < WELL_C:
        state["told"] = None
        return Cleared(device=device, kind=KIND, index=None, at=sample.at, why=OVER)
    floats = _floats_high(state)
    if bad is None or state["row"] < 2:
        return None
    if told and bad.rank >= Severity(told["severity"]).rank and (told["floats"] or not floats):
        return None
    since = told["since"] if told else sample.at
    state["told"] = {"since": since, "severity": str(bad), "floats": floats}
    finding = _finding(state, device, sample, over, rise, bad, spans)
    return Changed(finding=finding) if told else Raised(finding=finding)


def _past(state: State, at: int, celsius: float) -> None:
    """The last ten minutes, ever coarser where samples come fast."""
    past = state["past"]
    while past and at - past[0][0] > WINDOW_MS:
        past.pop(0)
    if len(past) >= MOST_SAMPLES:
        del past[1::2]
    past.append([at, celsius])


def _climb(state: State, key: str, at: int, celsius: float) -> None:
    """The last sixteen hours, one sample each half hour."""
    kept: list[list[float]] = state.setdefault("climb", {}).get(key, [])
    if kept and at - kept[-1][0] < STEP_MS:
        return
    oldest = at - (4 * SPANS_H[-1] * HOUR_MS + STEP_MS)
    state["climb"] = {**state["climb"], key: [*(row for row in kept if row[0] >= oldest), [at, celsius]]}


def _speeding(state: State, sample: Sample, over: float) -> list[float] | None:
    """[span in hours, °C that it rose in each of the last three, the oldest first], if it rose more each time; None: it did not."""
    kept = state["climb"][sample.key]
    for hours in SPANS_H:
        at = [_stood(kept, kept[-1][0] - back * hours * HOUR_MS) for back in (4, 3, 2, 1, 0.5, 0)]
        known = [row for row in at if row is not None]
        if len(known) < len(at):
            continue
        before, first, middle, half, rest = (c - b for (_, b), (_, c) in pairwise(known))
        last = half + rest
        if not (0 <= before <= first and FIRST_C <= first <= middle and last >= max(LAST_C, MORE * middle)):
            continue
        gain = (last / middle) / (middle / first)
        if rest >= half and 1 / STEADY <= gain <= STEADY and first + middle + last >= PART * over:
            return [hours, first, middle, last]
    return None


def _stood(kept: list[list[float]], at: float) -> list[float] | None:
    """[at, °C] of what was kept last by an instant, less than an hour before it."""
    return next((row for row in reversed(kept) if at - 2 * STEP_MS < row[0] <= at), None)


def _severity(state: State, sample: Sample, over: float, rise: float, *, speeding: bool) -> Severity | None:
    if sample.value > END_C and (rise >= RISE_C or speeding):
        return Severity.CRITICAL
    if over < WARM_C or (rise < RISE_C and not speeding and (over < HOT_C or not _room(state, sample))):
        return None
    floats = _floats_high(state)
    grave = rise >= RISE_C or (speeding and (floats or _room(state, sample) is not None))
    if (sample.value > LIMIT_C and grave) or rise >= FAST_C or (rise >= RISE_C and floats):
        return Severity.CRITICAL
    return None if sample.at - state.get("out", -AFTER_MS) < AFTER_MS else Severity.MAJOR


def _floats_high(state: State) -> bool:
    base = state.get("float")
    return bool(base and base[1] >= 20 and state.get("amps", 0.0) >= FLOAT_TIMES * max(base[0], 0.05))


def _room(state: State, sample: Sample) -> list[float] | None:
    room: list[float] | None = state.get("room")
    return room if room and sample.at - room[1] < AFTER_MS else None


def _reference(state: State, sample: Sample) -> float | None:
    """The room where it is told and fresh, else what this battery was in the days before."""
    room = _room(state, sample)
    days = state.get("usual")
    usual = _middle(days) if days else None
    if room:
        return max(float(room[0]), usual) if usual is not None else float(room[0]) + WELL_C
    return usual


def _usual(state: State, at: int, celsius: float) -> None:
    """One value a day: the mean of what was no fault. The first counts from its first hour on."""
    today = state.get("today")
    if today is None or at - today[0] > DAY_MS:
        if today:
            state["usual"] = [*state.get("usual", []), [today[0], today[1]]][-MOST_DAYS:]
        state["today"] = [at, celsius, 1]
        return
    count = today[2] + 1
    state["today"] = [today[0], today[1] + (celsius - today[1]) / count, count]
    if not state.get("usual") and at - today[0] > DAY_MS / 24:
        state["usual"] = [[today[0], state["today"][1]]]


def _finding(
    state: State, device: str, sample: Sample, over: float, rise: float, severity: Severity, spans: list[float] | None
) -> Finding:
    minutes = (sample.at - state["past"][0][0]) / 60_000
    lines = [
        Evidence(
            text=Text(
                f"battery at {sample.value:.1f} °C, {over:.1f} °C over what is usual, {rise:.1f} °C more than {minutes:.0f} min ago",
                f"电池温度 {sample.value:.1f}°C，高于常态 {over:.1f}°C，{minutes:.0f} 分钟内上升 {rise:.1f}°C",
            ),
            at=sample.at,
            point=TEMPERATURE,
            index=sample.key or None,
            value=sample.value,
            expected=sample.value - over,
        )
    ]
    if spans:
        hours, *rose = spans
        each = [f"{celsius:.1f}" for celsius in rose]
        text = Text(
            f"faster and faster: {', '.join(each)} °C in the last three spans of {hours:.0f} h; what a warm room heats slows down",
            f"升温越来越快：最近三个 {hours:.0f} 小时分别上升 {'、'.join(each)}°C；受热环境所致的升温会逐渐变慢",
        )
        lines.append(Evidence(text=text, at=sample.at, point=TEMPERATURE, index=sample.key or None, value=rose[-1]))
    if _floats_high(state):
        base = state["float"][0]
        text = Text(
            f"float current {state['amps']:.2f} A, three times its baseline of {base:.2f} A or more",
            f"浮充电流 {state['amps']:.2f} A，达到自身基线 {base:.2f} A 的三倍以上",
        )
        lines.append(Evidence(text=text, at=sample.at, point=AMPS, value=state["amps"], expected=base))
    score = 0.9 if severity is Severity.CRITICAL else 0.7
    return Finding(
        device=device,
        kind=KIND,
        index=None,
        severity=severity,
        since=state["told"]["since"],
        score=score,
        evidence=tuple(lines),
        advice=ADVICE,
    )
