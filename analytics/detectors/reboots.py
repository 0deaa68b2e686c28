"""A device restarts again and again: a failing power supply, memory, or a program that crashes.

Sees: `sysUpTime`. A restart is counted when the device says that it started after it last spoke to us: so a counter that wraps (2^32 ticks, 497
days), an agent behind another clock, two controllers that answer in turn, and a clock that was put right are no restarts. Restarts within two
hours of each other are one occasion (an upgrade restarts more than once), but three in 24 hours are a loop. Raised at the second occasion within 30
days, or at a loop. An occasion between 22:00 and 06:00 of the site's night counts half, since planned work is done then: two nights are shown
as a warning, and no job. Well again after 14 days without one.

When it does not work: `sysUpTime` is the management agent's: on some gear that restarts alone. Nothing tells that a restart was planned, or that the mains
was out: look whether the neighbours restarted too. Bad input: an uptime that falls but claims a start before the last sample counts as nothing;
one sample of nonsense is forgotten when the next one contradicts it.

State: {"at", "uptime": last sample, "boots": [[started at ms, uptime before it s, evidence at ms], …within 30 days], "told": [restarts, severity]}.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from analytics.cohort import witness
from analytics.detector import Block, Context, State
from analytics.lasting import lasting
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

KIND = "reboots"
UPTIME = "sysUpTime"
#: RFC 3418: TimeTicks, hundredths of a second in 32 bits.
WRAP_S = 2**32 / 100


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Reboot/crash loop": > 1 unplanned in 30 days. The rest are engineering defaults (tune)."""

    days_ms: int = 30 * 86_400_000
    occasion_ms: int = 2 * 3_600_000
    loop: int = 3
    loop_ms: int = 86_400_000
    quiet_ms: int = 14 * 86_400_000
    night: tuple[int, int] = (22, 6)
    night_weight: float = 0.5
    slack_s: float = 60.0  #: clocks of agent and device do not agree better than this
    drift: float = 0.01  #: nor run alike better than this
    kept: int = 20
    cohort: float = 2.0  #: restarts in 30 days from which siblings are asked


LIMITS = Limits()
ADVICE = Text(
    "Read the device's log and crash files of these times, and its power supply and memory error counts; did its neighbours restart too (then the feed)? "
    "Planned work or a power cut at these times disproves this. Same software on others restarting as well: upgrade it.",
    "查看设备在这些时刻的日志和崩溃记录、电源及内存错误计数；相邻设备是否同时重启（若是则查供电）。"
    "若这些时刻有计划作业或停电，则本结论不成立。若同版本软件的其他设备也重启，请升级软件。",
)
OVER = Text("no restart in the last 14 days, or what looked like one was none", "近 14 天未再重启，或先前所见并非重启")


class Reboots:
    kinds = frozenset({KIND})
    needs = frozenset({UPTIME})

    def fresh(self) -> State:
        return {"boots": []}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        state = {**state, "boots": list(state["boots"])}
        changes: list[Change] = []
        series = block.columns.get(UPTIME, {})
        column = series.get(None) or next(iter(series.values()), None)
        if column is None:
            return state, changes
        for at, uptime_s in zip(column.at, column.value, strict=True):
            moved = "at" in state and _restarted(state, at, uptime_s)
            state["at"], state["uptime"] = at, uptime_s
            if moved or ("told" in state and at - state["boots"][-1][0] > LIMITS.quiet_ms):
                change = _judge(state, at, context)
                if change:
                    changes.append(change)
        return state, changes

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: restarts in its last 30 days."""
        if "at" not in state:
            return {}
        return {"restarts_a_month": float(sum(state["at"] - boot[0] <= LIMITS.days_ms for boot in state["boots"]))}


def _restarted(state: State, at: int, uptime_s: float) -> bool:
    """Note a restart since the last sample, or take a nonsense one back; whether anything was noted. `state` is the caller's own."""
    before_at, before_s = state["at"], state["uptime"]
    elapsed_s = (at - before_at) / 1000
    slack_s = LIMITS.slack_s + LIMITS.drift * elapsed_s
    boots = state["boots"]
    if (
        boots
        and boots[-1][2] == before_at
        and abs(uptime_s - (boots[-1][1] + (at - boots[-1][3]) / 1000)) < slack_s
        and uptime_s > elapsed_s + slack_s
    ):
        boots.pop()
        return True
    if uptime_s >= before_s + elapsed_s - slack_s:
        return False
    if abs(before_s + elapsed_s - WRAP_S - uptime_s) < slack_s:
        return False
    if uptime_s > elapsed_s + slack_s:
        return False
    boots.append([round(at - uptime_s * 1000), before_s, at, before_at])
    del boots[: -LIMITS.kept]
    return True


def _judge(state: State, at: int, context: Context) -> Change | None:
    boots = state["boots"] = [boot for boot in state["boots"] if at - boot[0] <= LIMITS.days_ms]
    occasions: list[list[int]] = []
    for started, *_ in boots:
        if occasions and started - occasions[-1][-1] <= LIMITS.occasion_ms:
            occasions[-1].append(started)
        else:
            occasions.append([started])
    loop = any(
        later[0] - first[0] <= LIMITS.loop_ms for first, later in zip(boots, boots[LIMITS.loop - 1 :], strict=False)
    )
    weight = sum(LIMITS.night_weight if _at_night(one[0], context.site.tz) else 1.0 for one in occasions)
    if (not loop and len(occasions) < 2) or at - boots[-1][0] > LIMITS.quiet_ms:
        if state.pop("told", None) is None:
            return None
        return Cleared(device=context.device.id, kind=KIND, index=None, at=at, why=OVER)
    if not loop and len(occasions) == 2 and weight <= 1 and "told" in state:
        severity = Severity(state["told"][1])
    else:
        severity = Severity.MAJOR if loop or weight > 1 else Severity.WARNING
    told = state.get("told")
    last = int(boots[-1][2])
    if told is not None and told[2] >= last and told[1] == severity.value:
        return None
    state["told"] = [len(boots), severity.value, last]
    finding = _finding(boots, occasions, loop, severity, context)
    return Raised(finding=finding) if told is None else Changed(finding=finding)


def _at_night(at: int, tz: str) -> bool:
    try:
        zone = ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    hour = datetime.fromtimestamp(at / 1000, zone).hour
    return hour >= LIMITS.night[0] or hour < LIMITS.night[1]


def _finding(
    boots: list[list[float]], occasions: list[list[int]], loop: bool, severity: Severity, context: Context
) -> Finding:
    span = lasting((boots[-1][0] - boots[0][0]) / 1000)
    at = int(boots[-1][2])
    held = (
        " · ".join(lasting(boot[1]).en for boot in boots[-5:]),
        " · ".join(lasting(boot[1]).zh for boot in boots[-5:]),
    )
    lines: tuple[Evidence, ...] = (
        Evidence(
            text=Text(
                f"{len(boots)} restarts on {len(occasions)} occasions within {span.en}; one in 30 days at most is expected",
                f"{span.zh}内重启 {len(boots)} 次（{len(occasions)} 起）；预期 30 天内最多一次",
            ),
            at=at,
            point=UPTIME,
            value=len(boots),
            expected=1,
        ),
        Evidence(text=Text(f"had run before each: {held[0]}", f"每次重启前已运行：{held[1]}"), at=at, point=UPTIME),
    )
    lines += tuple(witness(context.cohort, "restarts_a_month", LIMITS.cohort, len(boots), at))
    return Finding(
        device=context.device.id,
        kind=KIND,
        index=None,
        severity=severity,
        since=int(boots[0][0]),
        score=0.95 if loop else 0.85 if severity is Severity.MAJOR else 0.5,
        evidence=lines,
        advice=ADVICE,
    )
