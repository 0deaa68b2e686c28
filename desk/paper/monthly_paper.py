"""What a customer gets each month: what happened, whether the promises were kept, what is planned. And the bulletin. Pure."""

from __future__ import annotations

from collections import Counter

from desk.paper.case import Case, span
from desk.paper.period import Period, head_of, over_at, problems
from desk.paper.types import Block, Paper, Section, Table, Words, same
from desk.types import ClockState
from model.text import Text

_WORK = Text("Planned work", "计划工作")


def monthly_paper(period: Period) -> Paper:
    """The customer's report over a month (or any period)."""
    blocks: list[Section] = [
        Section(id="summary", title=Text("Summary", "概述"), blocks=(_summary(period),)),
        Section(id="cases", title=Text("Cases", "工单"), blocks=(problems(list(period.cases)),)),
        Section(
            id="kept",
            title=Text("Promises kept", "承诺履行情况"),
            blocks=(_kept(period),),
            note=Text(
                "Counted: promises that ended in the period. A promise without a number is not counted.",
                "统计本周期内结束的承诺；没有数字的承诺不计。",
            ),
        ),
        Section(id="planned", title=_WORK, blocks=(planned(period),)),
    ]
    if period.recurring:
        lines = Text("\n".join(t.en for t in period.recurring), "\n".join(t.zh for t in period.recurring))
        again = Section(
            id="recurring", title=Text("Coming back", "重复出现"), blocks=(Words(id="recurring", text=lines),)
        )
        blocks.append(again)
    if period.charts:
        blocks.append(Section(id="readings", title=Text("Readings", "遥测"), blocks=period.charts))
    if period.documents:
        rows = tuple((same(name), same(hash[:16])) for name, _, hash in period.documents)
        table = Table(head=(Text("Document", "文件"), same("hash")), rows=rows, widths=(4, 2))
        blocks.append(Section(id="documents", title=Text("Documents of the month", "本月文件"), blocks=(table,)))
    advice = Words(id="advice", drafted=False, text=Text("Our advice: to be written.", "建议：待填写。"))
    blocks.append(Section(id="advice", title=Text("Advice", "建议"), blocks=(advice,)))
    return Paper(
        kind="monthly",
        title=Text("Service report", "服务月报"),
        subtitle=period.dates,
        head=head_of(period),
        sections=tuple(blocks),
        as_of=period.now,
        tz=period.tz,
        about=period.about,
    )


def bulletin_paper(period: Period) -> Paper:
    """Two weeks for a customer's technicians (Xinguang L108): what was learned, what is planned, what to look at.

    It never names another customer: what was learned elsewhere comes from accepted FAQ entries only.
    """
    rows = tuple((question, answer) for question, answer in period.learned)
    learned = Table(
        head=(Text("Question", "问题"), Text("Answer", "解答")),
        rows=rows,
        widths=(3, 5),
        empty=Text("nothing new", "无新增"),
    )
    news = {
        "software": (Text("Software", "软件"), Text("News on software: to be written.", "软件通报：待填写。")),
        "hardware": (Text("Hardware", "硬件"), Text("News on hardware: to be written.", "硬件通报：待填写。")),
    }
    return Paper(
        kind="bulletin",
        title=Text("Bulletin", "技术简报"),
        subtitle=period.dates,
        head=head_of(period),
        sections=(
            *(Section(id=id, title=t, blocks=(Words(id=id, drafted=False, text=w),)) for id, (t, w) in news.items()),
            Section(
                id="cases",
                title=Text("Your cases in these weeks", "本期贵方工单"),
                blocks=(problems(list(period.cases)),),
            ),
            Section(id="learned", title=Text("Learned from solved faults", "故障解答"), blocks=(learned,)),
            Section(id="planned", title=_WORK, blocks=(planned(period),)),
        ),
        as_of=period.now,
        tz=period.tz,
        about=period.about,
    )


def planned(period: Period) -> Table:
    """Inspections, visits and other duties: when, and how they stand."""
    head = (Text("What", "事项"), Text("When", "时间"), Text("State", "状态"))
    return Table(head=head, rows=period.planned, widths=(4, 2.4, 1.6))


def _summary(period: Period) -> Words:
    opened = [c for c in period.cases if period.within(c.ticket.opened_at)]
    kept, broken = _score(period.cases, period)
    down = sum(_length(c, period) for c in period.cases)
    share = f"{kept / (kept + broken):.0%}" if kept + broken else "–"
    en = (
        f"{len(opened)} cases opened, {len(period.solved)} ended, {len(period.unsolved)} open at the end. "
        f"{kept} of {kept + broken} promises kept ({share}). Time with an open fault: {span(down).en}."
    )
    zh = (
        f"新增工单 {len(opened)} 张，结束 {len(period.solved)} 张，期末未结 {len(period.unsolved)} 张。"
        f"承诺共 {kept + broken} 项，按时 {kept} 项（{share}）。故障持续时间合计 {span(down).zh}。"
    )
    return Words(id="summary", text=Text(en, zh))


def _length(case: Case, period: Period) -> float:
    """Seconds of the period in which it went on."""
    ended = over_at(case)
    until = min(period.end, period.now) if ended is None else ended
    return max(min(until, period.end) - max(case.ticket.opened_at, period.start), 0) / 1000


def _score(cases: tuple[Case, ...], period: Period) -> tuple[int, int]:
    found = [state for case in cases for _, state in _ended(case, period)]
    return found.count(ClockState.STOPPED), found.count(ClockState.BROKEN)


def _ended(case: Case, period: Period) -> list[tuple[Text, ClockState]]:
    """The promises with a number that ended in the period: kept when stopped in time, broken at the moment it was due."""
    found = []
    for item in case.explained.clocks:
        clock = item.clock
        if clock.due_at is None:
            continue
        if clock.state is ClockState.BROKEN and period.within(clock.due_at):
            found.append((clock.title, ClockState.BROKEN))
        elif clock.state is ClockState.STOPPED and period.within(clock.stopped_at):
            found.append((clock.title, ClockState.STOPPED))
    return found


def _kept(period: Period) -> Block:
    kept: Counter[Text] = Counter()
    broken: Counter[Text] = Counter()
    for case in period.cases:
        for title, state in _ended(case, period):
            (kept if state is ClockState.STOPPED else broken)[title] += 1
    rows = tuple(
        (title, same(kept[title]), same(broken[title]), same(f"{kept[title] / (kept[title] + broken[title]):.0%}"))
        for title in sorted({*kept, *broken}, key=lambda t: t.en)
    )
    head = (Text("Promise", "承诺"), Text("Kept", "按时"), Text("Broken", "超时"), Text("Share", "比例"))
    return Table(head=head, rows=rows, widths=(4, 1, 1, 1))
