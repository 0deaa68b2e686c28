"""Contradictions and gaps of one policy beyond its promised times: ladder, warranty, reports, duties, scales. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from alerts.types import Impact
from desk.calendars import target_ms
from desk.policy import Duty, Step, WarrantyClass
from desk.policy_look import DECIDED, Look, Said, names, on_the_wall
from model.text import Text

#: What a key that the text leaves open is called.
_OPEN = {
    "calendar": Text("by which hours it counts", "按哪些时间计时"),
    "start": Text("from when it counts", "从何时起算"),
    "after": Text("from when it counts", "从何时起算"),
    "overdue": Text("when it is overdue", "何时算逾期"),
}


def no_ladder(look: Look) -> Iterator[Said]:
    """Nobody is told by time alone."""
    if not look.wrong("ladder") and not any(_timed(step) for step in look.ladder):
        yield "ladder", Text("no step of the ladder has a time", "升级阶梯没有任何时限")


def ladder_ends(look: Look) -> Iterator[Said]:
    """After the last rung nobody is told any more, and the text does not say that it should be so."""
    if look.wrong("ladder"):
        return
    last: dict[int, list[str]] = {}
    for level in look.policy.levels:
        mine = [s for s in look.ladder if _timed(s) and level.id in s.levels]
        if mine:
            end = max(mine, key=_wait_ms)
            if end.repeat is None and not end.ends:
                last.setdefault(end.index, []).append(level.id)
    again = look.policy.repeat_last
    rungs = {step.index: step for step in look.ladder}
    for index, levels in last.items():
        step = rungs[index]
        wait, role = step.wait, look.policy.roles[step.to].name
        if wait is None:
            continue
        more = Text("", "")
        if again:
            more = Text(f"; decided: again every {again.words().en}", f"；本方决定：每{again.words().zh}再报")
        yield (
            f"ladder.{index}",
            Text(
                f"level {', '.join(levels)}: the ladder ends at {wait.words().en} with {role.en}{more.en}",
                f"级别 {', '.join(levels)}：阶梯在{wait.words().zh}止于{role.zh}{more.zh}",
            ),
        )


def ladder_order(look: Look) -> Iterator[Said]:
    """A rung that is due sooner than one above it in the file: it would never be reached."""
    below_of: dict[tuple[int, int], list[str]] = {}
    for level in look.policy.levels:
        mine = [s for s in look.ladder if _timed(s) and level.id in s.levels]
        for above, below in pairwise(mine):
            if above.after == below.after and _wait_ms(below) < _wait_ms(above):
                below_of.setdefault((above.index, below.index), []).append(level.id)
    rungs = {step.index: step for step in look.ladder}
    for (upper, lower), levels in below_of.items():
        first, second = (rungs[index].wait for index in (upper, lower))
        if first and second:
            yield (
                f"ladder.{lower}",
                Text(
                    f"level {', '.join(levels)}: {second.words().en} stands after {first.words().en}",
                    f"级别 {', '.join(levels)}：{second.words().zh}排在{first.words().zh}之后",
                ),
            )


def customers_ladder_ends(look: Look) -> Iterator[Said]:
    """The customer's own ladder without a word that its last rung is the last."""
    rungs = [step for step in look.ladder if step.customer]
    if rungs and not look.wrong("ladder") and not rungs[-1].ends and rungs[-1].repeat is None:
        role = look.policy.roles[rungs[-1].to].name
        yield (
            f"ladder.{rungs[-1].index}",
            Text(f"the customer's ladder ends with {role.en}", f"客户的升级阶梯止于{role.zh}"),
        )


def _timed(step: Step) -> bool:
    return step.wait is not None and not step.customer and bool(step.wait.ms or step.wait.days)


def _wait_ms(step: Step) -> int:
    return on_the_wall(step.calendar, target_ms(step.calendar, step.wait)) if step.wait else 0


def left_open(look: Look) -> Iterator[tuple[str, Said]]:
    """Keys that this house decided because the text is silent: (rule, finding), one for each clock, ladder or duty."""
    policy = look.policy
    groups: list[tuple[str, Text, Sequence[tuple[str, tuple[str, ...]]]]] = [
        (f"clock.{n}", rule.title, [("", rule.decided), *((f".promise.{m}", p.decided) for m, p in enumerate(rule.promises))])
        for n, rule in enumerate(policy.clocks)
    ]  # fmt: skip
    ladder = [(f".{step.index}", step.decided) for step in look.ladder]
    groups.append(("ladder", Text("Ladder", "升级阶梯"), ladder))
    groups += [(f"duty.{n}", duty.title, [("", duty.decided)]) for n, duty in enumerate(policy.duties)]
    groups += [(f"cover.{n}", Text(c.what, c.what), [("", c.decided)]) for n, c in enumerate(policy.cover)]
    for key, title, parts in groups:
        for open_key, rule in _RULE_OF.items():
            places = [place for place, keys in parts if open_key in keys]
            if places:
                what = _OPEN[open_key]
                yield (
                    rule,
                    (
                        f"{key}{places[0]}",
                        Text(f"{title.en}: the text does not say {what.en}", f"{title.zh}：原文未写明{what.zh}"),
                    ),
                )


_RULE_OF = {
    "calendar": "clock-without-calendar",
    "start": "start-undefined",
    "after": "start-undefined",
    "overdue": "overdue-undefined",
}


def arrival_or_departure(look: Look) -> Iterator[Said]:
    """A time on site that does not say whether somebody has left or is there."""
    for number, rule in enumerate(look.policy.clocks):
        if rule.name in ("dispatch", "onsite") and "stop" in rule.decided:
            yield (
                f"clock.{number}",
                Text(
                    f"{rule.title.en}: the text does not say whether arrival or departure is meant",
                    f"{rule.title.zh}：原文未写明指到场还是出发",
                ),
            )


def battery_gap(look: Look) -> Iterator[Said]:
    """Capacities between, below or above the classes, which none covers."""
    if look.wrong("warranty"):
        return
    classes = [(n, c) for n, c in enumerate(look.policy.warranty) if c.item == "battery"]
    for volts in sorted({c.block_v or 0 for _, c in classes}):
        mine = sorted(((n, c) for n, c in classes if (c.block_v or 0) == volts), key=lambda nc: nc[1].min_ah or 0)
        yield from _gaps(mine)


def _gaps(classes: list[tuple[int, WarrantyClass]]) -> Iterator[Said]:
    first, last = classes[0], classes[-1]
    if first[1].min_ah:
        yield _no_class(first[0], Text(f"below {first[1].min_ah:g} Ah", f"低于 {first[1].min_ah:g} Ah"))
    for (_, low), (number, high) in pairwise(classes):
        if low.max_ah is None or high.min_ah is None or low.max_ah == high.min_ah or low.max_ah > high.min_ah:
            continue
        span = f"{low.max_ah:g} < Ah < {high.min_ah:g}"
        yield _no_class(number, Text(span, span))
    if last[1].max_ah is not None:
        yield _no_class(last[0], Text(f"above {last[1].max_ah:g} Ah", f"高于 {last[1].max_ah:g} Ah"))


def _no_class(number: int, span: Text) -> Said:
    return f"warranty.{number}", Text(f"no battery class for {span.en}", f"{span.zh} 的电池没有保修等级")


def battery_twice(look: Look) -> Iterator[Said]:
    """One capacity in two classes."""
    if look.wrong("warranty"):
        return
    classes = [(n, c) for n, c in enumerate(look.policy.warranty) if c.item == "battery"]
    ordered = sorted(classes, key=lambda nc: nc[1].min_ah or 0)
    for (_, low), (number, high) in pairwise(ordered):
        if low.block_v == high.block_v and (low.max_ah is None or low.max_ah >= (high.min_ah or 0)):
            at = high.min_ah or 0
            yield f"warranty.{number}", Text(f"{at:g} Ah is in two battery classes", f"{at:g} Ah 同属两个保修等级")


def no_warranty(look: Look) -> Iterator[Said]:
    """No term at all."""
    if not look.policy.warranty and not look.wrong("warranty"):
        yield "warranty", Text("no warranty term is stated", "未写明保修年限")


def report_deadline(look: Look) -> Iterator[Said]:
    """A report that may come at any time."""
    for number, report in enumerate(look.policy.reports):
        promised = look.of("incident_report") or not look.whole("incident_report")
        if report.due_by is None or (report.due_by == "incident_report" and not promised):
            yield (
                f"report.{number}",
                Text(f"{report.title.en}: no deadline", f"{report.title.zh}：没有期限"),
            )


def duty_period(look: Look) -> Iterator[Said]:
    """Work without a cadence."""
    for number, duty in enumerate(look.policy.duties):
        if duty.every is None and duty.after is None:
            words = duty.text or Text("", "")
            yield (
                f"duty.{number}",
                Text(f"{duty.title.en}: no period, only “{words.en}”", f"{duty.title.zh}：没有周期，只写“{words.zh}”"),
            )


def two_cadences(look: Look) -> Iterator[Said]:
    """The same work at two different paces."""
    duties = look.policy.duties
    for number, later in enumerate(duties):
        for other in duties[:number]:
            if _same_work(other, later) and later.every and other.every and not look.wrong("duty"):
                if (later.every.iso, later.times) == (other.every.iso, other.times):
                    continue
                yield (
                    f"duty.{number}",
                    Text(
                        f"{later.title.en}: every {_pace(later).en}, but {other.title.en}: every {_pace(other).en}",
                        f"{later.title.zh}：每{_pace(later).zh}，而{other.title.zh}：每{_pace(other).zh}",
                    ),
                )


def _same_work(one: Duty, other: Duty) -> bool:
    by = {one.by, other.by} - {None}
    return (one.kind, one.scope) == (other.kind, other.scope) and len(by) < 2


def _pace(duty: Duty) -> Text:
    words = duty.every.words() if duty.every else Text("", "")
    times = Text("", "") if duty.times == 1 else Text(f", {duty.times} times", f"{duty.times} 次")
    return Text(f"{words.en}{times.en} ({duty.source})", f"{words.zh}{times.zh}（{duty.source}）")


def no_items(look: Look) -> Iterator[Said]:
    """A check that does not say what is checked."""
    for number, duty in enumerate(look.policy.duties):
        if duty.kind in ("inspection", "check") and not duty.items:
            yield (
                f"duty.{number}",
                Text(f"{duty.title.en}: what is checked is not listed", f"{duty.title.zh}：未列检查项目"),
            )


def no_survey(look: Look) -> Iterator[Said]:
    """Nobody asks the customer."""
    asked = any(duty.kind == "survey" for duty in look.policy.duties) or look.wrong("duty", "form")
    if not asked and not any(form.grades for form in look.policy.forms):
        yield "duty", Text("no satisfaction survey is stated", "未写明满意度调查")


def second_scale(look: Look) -> Iterator[Said]:
    """Another scale beside the levels, which the text does not map to them."""
    kinds = look.policy.fault_kinds
    if look.wrong("fault_kind") or not any("levels" in kind.decided for kind in kinds):
        return
    mapped = {level for kind in kinds for level in kind.levels}
    rest = [level for level in look.published if level.id not in mapped]
    more = Text("", "")
    if rest:
        more = Text(f"; without one: level {names(rest)}", f"；没有对应的级别：{names(rest)}")
    ids = ", ".join(kind.id for kind in kinds)
    yield (
        "fault_kind.0",
        Text(
            f"a second scale of {len(kinds)} ({ids}) beside {len(look.published)} levels, not mapped by the text{more.en}",
            f"在 {len(look.published)} 个级别之外另有 {len(kinds)} 类（{ids}），原文没有对应关系{more.zh}",
        ),
    )


def no_level(look: Look) -> Iterator[Said]:
    """What can happen and has no level in the text."""
    own = {level.id for level in look.policy.levels if level.source == DECIDED and not look.wrong("impact", "level")}
    found = [impact for impact in Impact if look.policy.impacts[impact] in own]
    if found:
        ids = ", ".join(impact.value for impact in found)
        yield f"impact.{found[0].value}", Text(f"no published level for {ids}", f"{ids} 没有公布的级别")
