"""The same failure mode again: on the same asset, the same model, the same site. Pure.

The rule, so that anyone can check it: a failure mode's rate is taken from the *rest* of the fleet (all assets outside the
group, over the same time), the expected count is that rate times the group's own asset-days, and a group is flagged when
so many or more would come by chance less than once in a hundred (Poisson), with two cases at least. Where the rest of the
fleet never had the mode, its rate is taken as half a case in the rest's asset-days. An asset alone in its fleet has no
rest: two cases within `ALONE_DAYS` are flagged. A count is never flagged on a guess about dates that are not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from model.inventory import Inventory
from model.text import Text

DAY_MS = 86_400_000
#: One in a hundred by chance.
CHANCE = 0.01
ALONE_DAYS = 90
LEAST = 2


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One case of one failure mode on one asset."""

    ticket: str
    at: int
    mode: str
    device: str


class Recurrence(msgspec.Struct, frozen=True, kw_only=True):
    """One group: `by` is asset | model | site, `of` its id. Intervals in days between cases, in order."""

    mode: str
    by: str
    of: str
    count: int
    tickets: tuple[str, ...]
    days: tuple[float, ...]
    expected: float | None  #: cases that the rest of the fleet's rate makes likely; None: there is no rest
    chance: float | None  #: of so many or more
    flagged: bool
    why: Text


def recurrences(cases: Sequence[Happened], inventory: Inventory, start: int, end: int) -> list[Recurrence]:
    """Every group with at least two cases in [start, end), flagged ones first, then by count."""
    within = [c for c in cases if start <= c.at < end]
    fleet = set(inventory.devices) | {c.device for c in within}
    days = (end - start) / DAY_MS
    groups: dict[tuple[str, str, str], list[Happened]] = {}
    for case in sorted(within, key=lambda c: (c.at, c.ticket)):
        for by, of in _memberships(case.device, inventory):
            groups.setdefault((case.mode, by, of), []).append(case)
    totals = {mode: sum(c.mode == mode for c in within) for mode in {c.mode for c in within}}
    found = [
        _judge(mode, by, of, group, _members(by, of, fleet, inventory), len(fleet), totals[mode], days)
        for (mode, by, of), group in groups.items()
        if len(group) >= LEAST and not (by != "asset" and len({c.device for c in group}) == 1)
    ]
    return sorted(found, key=lambda r: (not r.flagged, -r.count, r.mode, r.by, r.of))


def survival(count: int, expected: float) -> float:
    """The chance of `count` or more where `expected` are likely (Poisson).

    >>> round(survival(2, 0.1), 5)
    0.00468
    """
    below = (
        sum(math.exp(n * math.log(expected) - expected - math.lgamma(n + 1)) for n in range(count)) if expected else 1.0
    )
    return min(max(1.0 - below, 0.0), 1.0)


def _memberships(device: str, inventory: Inventory) -> list[tuple[str, str]]:
    known = inventory.device(device)
    model = [("model", known.model)] if known.model else []
    return [("asset", device), *model, ("site", known.site)]


def _members(by: str, of: str, fleet: set[str], inventory: Inventory) -> int:
    if by == "asset":
        return 1
    if by == "model":
        return sum(inventory.device(d).model == of for d in fleet)
    return sum(inventory.device(d).site == of for d in fleet)


def _judge(
    mode: str, by: str, of: str, group: list[Happened], members: int, fleet: int, total: int, days: float
) -> Recurrence:
    count = len(group)
    apart = tuple(round((b.at - a.at) / DAY_MS, 1) for a, b in pairwise(group))
    rest = fleet - members
    expected = chance = None
    if rest > 0:
        rate = max(total - count, 0.5) / (rest * days)
        expected = rate * members * days
        chance = survival(count, expected)
        flagged = chance < CHANCE
        why = Text(
            f"{count} cases where the rest of the fleet makes {expected:.2f} likely; chance of so many {chance:.2%}",
            f"发生 {count} 次，按其余设备的频率应为 {expected:.2f} 次；偶然达到的概率 {chance:.2%}",
        )
    else:
        flagged = min(apart) <= ALONE_DAYS
        why = Text(
            f"{count} cases, {min(apart):g} days apart at the least; nothing to compare with",
            f"发生 {count} 次，最短间隔 {min(apart):g} 天；无可比设备",
        )
    return Recurrence(
        mode=mode,
        by=by,
        of=of,
        count=count,
        tickets=tuple(c.ticket for c in group),
        days=apart,
        expected=expected,
        chance=chance,
        flagged=flagged,
        why=why,
    )


NAMES = {"asset": Text("asset", "设备"), "model": Text("model", "型号"), "site": Text("site", "站点")}


def line(found: Recurrence) -> Text:
    """One group for a report."""
    name = NAMES[found.by]
    apart = ", ".join(f"{d:g}" for d in found.days)
    flag = Text("RECURRING: ", "重复故障：") if found.flagged else Text("", "")
    return Text(
        f"{flag.en}{found.mode} on {name.en} {found.of}: {found.why.en}; days between: {apart} ({', '.join(found.tickets)})",
        f"{flag.zh}{name.zh} {found.of} 的 {found.mode}：{found.why.zh}；间隔天数：{apart}（{'、'.join(found.tickets)}）",
    )
