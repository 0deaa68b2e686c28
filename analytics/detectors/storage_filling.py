"""A disk or flash is filling up: on that date it is full, and logs, updates or recordings stop.

Sees the lowest `storage.used` of each hour and day since it last fell by 5 points: a Theil-Sen slope over 7 days at least whose careful end (P5) rises, 2 points risen in
all, and 95 % reached within 60 days. Minor; major when that is less than 7 days away.

When it does not work: disks that are kept full by design (recorders that overwrite) stand still near the top and say nothing. Bad input: a share beyond
0..100 is left out; a volume that was enlarged falls and starts anew.

State: {"up": last up-time, "fills": {index: fill}, "paces": {index: points a day}, "open": parts}.
"""

from __future__ import annotations

import msgspec

from analytics.detector import Context, State
from analytics.hours import Hours
from analytics.network import filling
from analytics.slow.frames import frames
from model.finding import Change, Severity
from model.text import Text

KIND = "storage_filling"
USED = "storage.used"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """faults.md asks for the date; the numbers are engineering defaults (tune)."""

    days: int = 7
    full: float = 95.0
    risen: float = 2.0
    ahead_days: int = 60
    major_days: int = 7
    cohort: float = 0.2


LIMITS = Limits()
WORDS = filling.Words(
    kind=KIND,
    point=USED,
    quantity="storage_slope",
    what=Text("storage", "存储"),
    advice=Text(
        "Look what grows (logs, crash files, old images), delete or move it before the date, and set a limit to it. If a planned copy explains it and it has ended, this is disproved.",
        "查明增长的内容（日志、崩溃文件、旧版本镜像），在所列日期前清理或转移，并设置上限。若由已结束的计划拷贝所致，则本结论不成立。",
    ),
    over=Text("it no longer fills up", "存储已不再持续增长"),
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


class StorageFilling:
    kinds = frozenset({KIND})
    needs = frozenset({USED})

    def fresh(self) -> State:
        return {"up": 0.0, "fills": {}, "paces": {}, "open": {}}

    def step(self, state: State, hours: Hours, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if (quiet := filling.quiet(state, hours, WORDS, _RULE, context)) is not None:
            return quiet, []
        shares = (
            (frame, {i: hour.low for i, hour in frame.series.get(USED, {}).items() if 0 <= hour.low <= 100})
            for frame in frames(hours, (USED, filling.UPTIME))
        )
        return filling.follow(state, shares, WORDS, _RULE, context)

    def quantities(self, state: State) -> dict[str, float]:
        """For the cohort: the fastest climb, points a day."""
        return filling.quantities(state, WORDS, _RULE)
