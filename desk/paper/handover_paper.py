"""What the manufacturer's support gets: whose equipment, what was done to it, with what result (Wuhan L81, CEE's TAC). Pure."""

from __future__ import annotations

from desk import words
from desk.paper.case import Case, about, evidence, facts, heading, when
from desk.paper.types import Paper, Section, Table, Words, same
from desk.types import EntryKind
from model.text import Text

#: What somebody did; the rest is the desk's own housekeeping.
DONE = (
    EntryKind.ACKNOWLEDGED,
    EntryKind.PLANNED,
    EntryKind.CONTINGENCY,
    EntryKind.REMOTE_FAILED,
    EntryKind.DISPATCHED,
    EntryKind.ONSITE,
    EntryKind.VISIT,
    EntryKind.UNSOLVED_ONSITE,
    EntryKind.DIAGNOSED,
    EntryKind.PART_NEEDED,
    EntryKind.PART_FITTED,
    EntryKind.LENT,
    EntryKind.RESTORED,
    EntryKind.RELAPSED,
    EntryKind.RESOLVED,
)

#: Of those, what could have mended it: what followed is its result.
_TRIED = (
    EntryKind.PLANNED,
    EntryKind.CONTINGENCY,
    EntryKind.PART_FITTED,
    EntryKind.LENT,
    EntryKind.RESTORED,
    EntryKind.RESOLVED,
)


def handover_paper(case: Case) -> Paper:
    """The pack: user data, the fault, operations done and their results, the question."""
    device = case.device
    battery = device.battery if device else None
    user = facts(
        (Text("Model", "型号"), device.model if device else None),
        (Text("Serial number", "序列号"), device.serial if device else None),
        (Text("Installed", "安装日期"), device.installed if device else None),
        (Text("Rating", "额定容量"), f"{device.rated_va / 1000:g} kVA" if device and device.rated_va else None),
        (
            Text("Battery", "电池"),
            f"{battery.strings} × {battery.blocks} × {battery.block_v:g} V {battery.block_ah:g} Ah"
            if battery
            else None,
        ),
        *((words.ENTRIES[e.kind], e.text) for e in case.of(EntryKind.WARRANTY)),
    )
    known = {(EntryKind.DIAGNOSED): Text("Diagnosis so far", "目前诊断")}
    diagnosed = case.last(EntryKind.DIAGNOSED)
    fault = facts(
        (Text("Reported as", "报修内容"), case.ticket.title),
        (known[EntryKind.DIAGNOSED], diagnosed.text if diagnosed else Text("not located", "未定位")),
    )
    rows = tuple(
        (when(e.at, case.tz), same(e.who), words.ENTRIES[e.kind], e.text, _result(case, n))
        for n, e in enumerate(case.of(*DONE))
    )
    done = Table(
        head=(
            Text("Time", "时间"),
            Text("Who", "何人"),
            Text("Operation", "操作"),
            Text("Words", "内容"),
            Text("Result", "结果"),
        ),
        rows=rows,
        widths=(2, 1.3, 1.6, 3.6, 2),
    )
    ask = Words(
        id="question",
        drafted=False,
        text=Text("What we ask of the manufacturer: to be written.", "请厂家协助的事项：待填写。"),
    )
    shown = evidence(case)
    return Paper(
        kind="handover",
        title=Text("Hand-over pack for the manufacturer", "厂家支持移交材料"),
        subtitle=Text(f"{case.ticket.id} · {case.ticket.title.en}", f"{case.ticket.id} · {case.ticket.title.zh}"),
        head=heading(case),
        sections=(
            Section(id="user", title=Text("User and equipment", "用户与设备资料"), blocks=(user,)),
            Section(id="fault", title=Text("The fault", "故障信息"), blocks=(fault,)),
            *([shown] if shown else []),
            Section(id="done", title=Text("Operations done and their results", "已做操作及结果"), blocks=(done,)),
            Section(id="ask", title=Text("Our question", "请求协助"), blocks=(ask,)),
        ),
        as_of=case.now,
        tz=case.tz,
        about=about(case),
    )


def _result(case: Case, n: int) -> Text:
    """What followed: restored or relapsed next, or that it went on."""
    entries = case.of(*DONE)
    if entries[n].kind in (EntryKind.REMOTE_FAILED, EntryKind.UNSOLVED_ONSITE):
        return Text("not solved by it", "未因此解决")
    if entries[n].kind not in _TRIED:
        return same("–")
    after = entries[n + 1] if n + 1 < len(entries) else None
    if entries[n].kind in (EntryKind.RESTORED, EntryKind.RESOLVED):
        return Text("it ran again", "恢复运行")
    if after is None:
        return Text("no result recorded yet", "尚无结果记录")
    if after.kind in (EntryKind.RESTORED, EntryKind.RESOLVED):
        return Text("then it ran again", "之后恢复运行")
    if after.kind is EntryKind.RELAPSED:
        return Text("it came back", "故障复发")
    return Text("not solved by it", "未因此解决")
