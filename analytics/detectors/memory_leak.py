"""Memory is taken and never given back: in so many days the device runs out, and restarts or stalls.

Sees the lowest `memory.used` of each hour and day (where it is not told, `memory.taken` over itself and `memory.free`, or over `memory.size`), since the last restart or
fall: a Theil-Sen slope over 7 days at least whose careful end (P5) rises, 2 points risen in all, and 5 % free reached within 90 days. Minor; major when that is less than
7 days away. The date is that of 5 % free. A saw-tooth that climbs alike after each restart is told, and what the model and its firmware do elsewhere.

When it does not work: caches that fill all memory by design climb, too, but flatten: a slope of the newer half below half of the older says nothing. Bad
input: a fall of 5 points starts anew; a share beyond 0..100 is left out; another unit changes no share; gaps only lengthen the days.

State: {"up": last up-time, "fills": {index: fill}, "paces": {index: points a day}, "open": parts}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import filling
from analytics.slow.frames import Frame, frames
from model.finding import Change, Severity
from model.text import Text

KIND = "memory_leak"
USED, TAKEN, FREE, SIZE, UPTIME = "memory.used", "memory.taken", "memory.free", "memory.size", "sysUpTime"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md, "Memory leak": Theil-Sen over >= 7 days after the daily cycle, time to 5 % free, major below 7 days. The rest are engineering defaults (tune)."""

    days: int = 7
    full: float = 95.0
    risen: float = 2.0
    ahead_days: int = 90
    major_days: int = 7
    cohort: float = 0.2  #: points a day from which siblings are asked


LIMITS = Limits()
WORDS = filling.Words(
    kind=KIND,
    point=USED,
    quantity="memory_slope",
    what=Text("memory", "内存"),
    advice=Text(
        "Find the process whose memory grows (the maker's command shows it); plan a restart before the date, and ask the maker for a release without the leak. "
        "If it stops growing by itself, or a table that is meant to grow (routes, addresses, sessions) explains it, this is disproved.",
        "用厂家命令找出内存持续增长的进程；在所列日期前安排重启，并向厂家索取修复版本。若增长自行停止，或由正常增长的表项（路由、地址、会话）所致，则本结论不成立。",
    ),
    over=Text("memory is given back again", "内存已不再持续增长"),
)
_RULE = filling.Rule(
    days=LIMITS.days,
    full=LIMITS.full,
    risen=LIMITS.risen,
    ahead_days=LIMITS.ahead_days,
    major_days=LIMITS.major_days,
    cohort=LIMITS.cohort,
    mild=Severity.MINOR,
)


class MemoryLeak:
    kinds = frozenset({KIND})
    needs = frozenset({USED, TAKEN, FREE, SIZE, UPTIME})

    def fresh(self) -> State:
        return {"up": 0.0, "fills": {}, "paces": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if TAKEN not in hours.columns:
            quiet = filling.quiet(state, hours, WORDS, _RULE, context)
            if quiet is not None:
                return quiet, []
        return filling.follow(
            state, ((frame, _shares(frame)) for frame in frames(hours, self.needs)), WORDS, _RULE, context
        )

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: the fastest climb, points a day."""
        return filling.quantities(state, WORDS, _RULE)


def _shares(frame: Frame) -> dict[str | None, float]:
    """By index the share in use, %; the device's own word first."""
    used = {index: hour.low for index, hour in frame.series.get(USED, {}).items()}
    for index, taken in frame.series.get(TAKEN, {}).items():
        if used and index not in used:
            continue
        free, size = frame.series.get(FREE, {}).get(index), frame.series.get(SIZE, {}).get(index)
        whole = taken.mean + free.mean if free else size.mean if size else 0.0
        if index not in used and whole > 0:
            used[index] = 100 * taken.low / whole
    return {index: share for index, share in used.items() if 0 <= share <= 100}
