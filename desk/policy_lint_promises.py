"""Contradictions and gaps among the promised times of one policy, by rule. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from desk.policy import Conditions, Facts
from desk.policy_look import Look, Said, Stated, branches, names, scenarios, together
from model.text import Text

#: Clocks on which a graver level should be served faster.
URGENT = ("first_response", "plan", "dispatch", "onsite", "restore", "resolve")


def inversion(look: Look) -> Iterator[Said]:
    """A graver level that is served slower than a milder one."""
    for name in URGENT:
        for rank, level in enumerate(look.published):
            found = _slower(look, name, level.id, [lv.id for lv in look.published[rank + 1 :]])
            if found:
                worse, milder, other = found
                yield (
                    worse.key,
                    Text(
                        f"{worse.rule.title.en}: level {level.id}: {worse.words.en} is slower than "
                        f"the milder level {other}: {milder.words.en}",
                        f"{worse.rule.title.zh}：级别 {level.id}：{worse.words.zh}慢于较轻的级别 {other}：{milder.words.zh}",
                    ),
                )


def _slower(look: Look, name: str, level: str, milder: list[str]) -> tuple[Stated, Stated, str] | None:
    for facts in scenarios(look.of(name)):
        mine = look.binding(name, level, facts)
        for other in milder:
            theirs = look.binding(name, other, facts)
            if mine and theirs and (mine.wall_ms or 0) > (theirs.wall_ms or 0):
                return mine, theirs, other
    return None


def equal_times(look: Look) -> Iterator[Said]:
    """One number for every level: urgency makes no difference."""
    if len(look.published) < 2:
        return
    for name in URGENT:
        rows = [
            [look.binding(name, level.id, facts) for level in look.published] for facts, _ in branches(look.of(name))
        ]
        full = [[s for s in row if s and s.number()] for row in rows]
        full = [row for row in full if len(row) == len(look.published)]
        if full and all(len({s.wall_ms for s in row}) == 1 for row in full):
            first = full[0][0]
            yield (
                first.key,
                Text(
                    f"{first.rule.title.en}: {first.words.en} for every level ({names(look.published)})",
                    f"{first.rule.title.zh}：所有级别（{names(look.published)}）均为{first.words.zh}",
                ),
            )


def two_values(look: Look) -> Iterator[Said]:
    """Two different numbers for one promise, where both may hold at once. A range in one line is no contradiction."""
    for stated in look.clocks.values():
        for number, later in enumerate(stated):
            others = [s for s in stated[:number] if _differ(s, later)]
            if others:
                en = "; ".join(f"{s.words.en} for level {names_of(s, later)}" for s in others)
                zh = "；".join(f"级别 {names_of(s, later)} 为{s.words.zh}" for s in others)
                yield (
                    later.key,
                    Text(
                        f"{later.rule.title.en}: {later.words.en}, but elsewhere {en}",
                        f"{later.rule.title.zh}：{later.words.zh}，别处却写 {zh}",
                    ),
                )


def names_of(one: Stated, other: Stated) -> str:
    """The levels that two promises share."""
    return ", ".join(level for level in one.promise.levels if level in other.promise.levels)


def _differ(one: Stated, other: Stated) -> bool:
    if one.wall_ms is None or other.wall_ms is None or not set(one.promise.levels) & set(other.promise.levels):
        return False
    if one.promise.source == other.promise.source and one.promise.binds != other.promise.binds:
        return False
    same = one.wall_ms == other.wall_ms and one.promise.immediate == other.promise.immediate
    return not same and together(one.promise.when, other.promise.when) is not None


def no_response(look: Look) -> Iterator[Said]:
    """A level that nobody promises to answer."""
    yield from _missing(look, ("first_response",), Text("no first response is promised", "没有承诺首次响应时间"))


def no_restore(look: Look) -> Iterator[Said]:
    """A level at which nothing is promised to be mended."""
    yield from _missing(
        look, ("restore", "resolve"), Text("no time to restore or resolve is promised", "没有承诺恢复或解决时间")
    )


def no_onsite(look: Look) -> Iterator[Said]:
    """A level at which nobody is promised to come."""
    yield from _missing(
        look, ("dispatch", "onsite"), Text("no time on site or of departure is promised", "没有承诺到场或出发时间")
    )


def _missing(look: Look, clocks: tuple[str, ...], what: Text) -> Iterator[Said]:
    missing = look.without(*clocks)
    if missing and look.whole(*clocks):
        yield (
            look.key(missing[0]),
            Text(f"level {names(missing)}: {what.en}", f"级别 {names(missing)}：{what.zh}"),
        )


def departure_only(look: Look) -> Iterator[Said]:
    """Somebody sets out; when they arrive is not said."""
    if not look.whole("onsite"):
        return
    arriving = {level for s in look.of("onsite") if s.wall_ms is not None for level in s.promise.levels}
    for stated in look.of("dispatch"):
        without = [level for level in stated.promise.levels if level not in arriving]
        if without and stated.wall_ms is not None:
            levels = ", ".join(without)
            yield (
                stated.key,
                Text(
                    f"level {levels}: a departure {stated.words.en}, and no time of arrival",
                    f"级别 {levels}：只承诺出发 {stated.words.zh}，没有到场时间",
                ),
            )


def arrival_before_departure(look: Look) -> Iterator[Said]:
    """An arrival promised sooner than the departure."""
    for arrival in look.of("onsite"):
        for departure in look.of("dispatch"):
            shared = names_of(arrival, departure)
            if not shared or arrival.wall_ms is None or departure.wall_ms is None:
                continue
            if arrival.wall_ms < departure.wall_ms and together(arrival.promise.when, departure.promise.when):
                yield (
                    arrival.key,
                    Text(
                        f"level {shared}: on site {arrival.words.en}, yet sent {departure.words.en}",
                        f"级别 {shared}：到场 {arrival.words.zh}，派出却为 {departure.words.zh}",
                    ),
                )


def contingency_late(look: Look) -> Iterator[Said]:
    """An emergency plan that comes after the fault should have been resolved."""
    for plan in look.of("contingency_plan"):
        for resolve in look.of("resolve", "restore"):
            shared = names_of(plan, resolve)
            if shared and plan.wall_ms and resolve.wall_ms and plan.wall_ms > resolve.wall_ms:
                yield (
                    plan.key,
                    Text(
                        f"level {shared}: the emergency plan {plan.words.en} comes after the breach of "
                        f"{resolve.words.en}",
                        f"级别 {shared}：应急方案 {plan.words.zh}晚于已违约的 {resolve.words.zh}",
                    ),
                )


def spare_slower(look: Look) -> Iterator[Said]:
    """A part that comes after the equipment should run again."""
    for part in look.of("spare_part"):
        for restore in look.of("restore", "resolve"):
            shared = names_of(part, restore)
            if not (shared and part.number() and restore.number()):
                continue
            if (part.wall_ms or 0) > (restore.wall_ms or 0) and together(part.promise.when, restore.promise.when):
                yield (
                    part.key,
                    Text(
                        f"level {shared}: a part {part.words.en} cannot restore in {restore.words.en}; "
                        "only a spare machine can",
                        f"级别 {shared}：备件 {part.words.zh}，无法在 {restore.words.zh}内恢复，只能靠备机",
                    ),
                )
                break


def branch_missing(look: Look) -> Iterator[Said]:
    """A promise made to some sites or ratings, and nothing to the others."""
    for name, stated in look.clocks.items():
        timed = [s for s in stated if s.wall_ms is not None and s.promise.binds] if look.whole(name) else []
        levels = [lv.id for lv in look.published if any(lv.id in s.promise.levels for s in timed)]
        gaps: dict[Text, list[str]] = {}
        for level in levels:
            mine = [s for s in timed if level in s.promise.levels]
            for facts, branch in branches(mine):
                if not any(_holds_on(s, facts) for s in mine):
                    gaps.setdefault(branch, []).append(level)
        for branch, missing in gaps.items():
            yield (
                f"{timed[0].key.rpartition('.promise')[0]}",
                Text(
                    f"{timed[0].rule.title.en}: nothing is promised for {branch.en} (level {', '.join(missing)})",
                    f"{timed[0].rule.title.zh}：{branch.zh}没有承诺（级别 {', '.join(missing)}）",
                ),
            )


def _holds_on(stated: Stated, facts: Facts) -> bool:
    """Whether site and rating meet the promise, whatever else it asks."""
    when = stated.promise.when
    return Conditions(local=when.local, min_kva=when.min_kva, max_kva=when.max_kva).hold(facts)
