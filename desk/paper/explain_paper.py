"""Every clock of a ticket taken apart, for a dispute: each interval with its start, end, seconds, entry and line. Pure.

The sums can be checked with a pencil: on working hours every stretch that counts has a line of its own.
"""

from __future__ import annotations

from desk import words
from desk.explain import Counted, ExplainedClock
from desk.paper.case import Case, about, facts, heading, timeline, when
from desk.paper.types import Paper, Section, Table, same
from desk.show import hms, moment
from model.text import Text

_RULE = Text(
    "A clock counts from its start to its stop, on the hours that the contract's line names. Each line below is one "
    "stretch; the seconds of all lines add up to the sum. Entries count at the time they happened, whenever recorded.",
    "时限自起点计至终点，按合同条款所列工时计算。下列每行为一段；各行秒数相加即为合计。各记录按其发生时间计算，与补记时间无关。",
)


def explain_paper(case: Case) -> Paper:
    """The whole explanation with the ledger behind it, as of `case.now`."""
    t = case.ticket
    return Paper(
        kind="explain",
        title=Text("Promised times, explained", "时限逐段说明"),
        subtitle=Text(f"{t.id} · {t.title.en}", f"{t.id} · {t.title.zh}"),
        head=(*heading(case), (Text("As of", "截至"), same(moment(case.explained.now, case.tz)))),
        sections=(
            Section(
                id="rule", title=Text("How it is counted", "计算规则"), blocks=(facts((Text("Rule", "规则"), _RULE)),)
            ),
            *(_clock(case, item, n) for n, item in enumerate(case.explained.clocks, start=1)),
            timeline(case),
        ),
        as_of=case.now,
        tz=case.tz,
        about=about(case),
    )


def _clock(case: Case, item: ExplainedClock, number: int) -> Section:
    c, tz = item.clock, case.tz
    promise = Text(
        " · ".join(filter(None, (item.breaks_after.en if item.breaks_after else "", c.text.en if c.text else ""))),
        " · ".join(filter(None, (item.breaks_after.zh if item.breaks_after else "", c.text.zh if c.text else ""))),
    )
    also = Text("; ".join(a.en for a in c.also), "；".join(a.zh for a in c.also))
    doubts = Text("; ".join(p.en for p in c.problems), "；".join(p.zh for p in c.problems))
    told = facts(
        (Text("Promise", "承诺"), promise if promise.en else Text("no number", "无时限")),
        (Text("Line of the contract", "合同条款"), f"{case.ticket.policy} {c.source}"),
        (Text("Hours", "工时"), c.calendar),
        (Text("Also says", "另载"), also if also.en else None),
        (Text("Doubtful", "存疑"), doubts if doubts.en else None),
        (Text("Due", "应于"), None if c.due_at is None else same(moment(c.due_at, tz))),
        (Text("Result", "结果"), words.CLOCK_STATES[c.state]),
    )
    rows = [row for counted in item.counted for row in _interval(case, counted)]
    total = Text("Sum", "合计")
    rows.append((same(""), total, same(f"{c.counted_s:.3f} s"), same(hms(c.counted_s)), same("")))
    table = Table(
        head=(
            Text("From", "自"),
            Text("To", "至"),
            Text("Seconds", "秒"),
            Text("State", "状态"),
            Text("Began with", "由何而起"),
        ),
        rows=tuple(rows),
        widths=(2.9, 2.9, 1.8, 1.3, 2.6),
    )
    title = Text(f"{number}. {c.title.en} [{c.name}]", f"{number}. {c.title.zh} [{c.name}]")
    return Section(id=f"clock-{number}", title=title, blocks=(told, table))


def _interval(case: Case, counted: Counted) -> list[tuple[Text, ...]]:
    i, tz = counted.interval, case.tz
    end = i.until if i.until is not None else case.explained.now
    state = words.CLOCK_STATES[i.state]
    kind = words.ENTRIES[counted.began_with]
    line = f" {i.source}" if i.source else ""
    began = Text(f"#{i.by} {kind.en}{line}", f"#{i.by} {kind.zh}{line}")
    whole = len(counted.windows) == 1 and counted.windows[0] == (i.since, end)
    if whole or not counted.windows:
        return [(same(moment(i.since, tz)), same(moment(end, tz)), same(f"{i.counted_s:.3f}"), state, began)]
    hours = same(i.calendar)
    rows: list[tuple[Text, ...]] = [(when(i.since, tz), when(end, tz), Text("of these", "其中"), state, began)]
    rows += [
        (same(f"+ {moment(a, tz)}"), same(moment(b, tz)), same(f"{(b - a) / 1000:.3f}"), state, hours)
        for a, b in counted.windows
    ]
    return rows
