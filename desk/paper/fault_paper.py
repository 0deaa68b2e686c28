"""The report after a fault, in the parts that the contract names, drafted from the ledger and the readings. Pure.

Guoyu wants type, cause, method and loss (L109), Wuhan a statement within three days (L31). A part that nobody knows how
to draft is left open for a person, and shown as open: nothing is made up.
"""

from __future__ import annotations

from collections.abc import Callable

from alerts.types import Impact
from desk import words
from desk.paper.case import Case, about, evidence, facts, finding_name, heading, minute, promises, span, timeline
from desk.paper.types import Block, Paper, Section, Words, same
from desk.policy import ReportRule
from desk.types import EntryKind
from model.text import Text

#: The parts when the contract names none.
USUAL = ("type", "cause", "method", "loss", "prevention")
#: Ids of the contract's reports that are this one.
_OURS = ("incident_report", "fault_report", "fault_analysis", "fault_statement")
#: Other words for a part that we know how to draft.
_ALIKE = {"fault_type": "type", "analysis": "cause", "treatment": "method", "solution": "method", "losses": "loss"}

_STEPS = (
    EntryKind.ACKNOWLEDGED,
    EntryKind.PLANNED,
    EntryKind.CONTINGENCY,
    EntryKind.REMOTE_FAILED,
    EntryKind.DISPATCHED,
    EntryKind.ONSITE,
    EntryKind.UNSOLVED_ONSITE,
    EntryKind.DIAGNOSED,
    EntryKind.PART_NEEDED,
    EntryKind.PART_FITTED,
    EntryKind.LENT,
    EntryKind.HANDOVER,
    EntryKind.RESTORED,
    EntryKind.RESOLVED,
)
_TITLES = {
    "type": Text("Type of fault", "故障种类"),
    "cause": Text("Cause", "故障原因"),
    "method": Text("How it was solved", "故障解决中使用的方法"),
    "loss": Text("Loss", "故障损失"),
    "prevention": Text("Prevention and advice", "预防与建议"),
    "summary": Text("Summary", "概述"),
}


def rule_of(case: Case) -> ReportRule | None:
    """The contract's rule for this report, if it has one."""
    return next((r for r in case.policy.reports if r.id in _OURS), None)


def fault_paper(case: Case) -> Paper:
    """The whole report; `paper.editable` are the parts a person may reword."""
    rule = rule_of(case)
    wanted = (rule.sections if rule else ()) or USUAL
    parts = [_part(case, "summary"), *(_part(case, id) for id in wanted)]
    if "prevention" not in {_ALIKE.get(id, id) for id in wanted}:
        parts.append(_part(case, "prevention"))
    shown = evidence(case)
    hidden = (EntryKind.NOTIFIED, EntryKind.NOTE, EntryKind.WARNED, EntryKind.ESCALATED)  # the house among itself
    return Paper(
        kind="fault",
        title=rule.title if rule else Text("Fault analysis report", "故障分析报告"),
        subtitle=Text(f"{case.ticket.id} · {case.ticket.title.en}", f"{case.ticket.id} · {case.ticket.title.zh}"),
        head=(*heading(case), *_readers(case, rule)),
        sections=(*parts, *([shown] if shown else []), timeline(case, hidden), promises(case)),
        as_of=case.now,
        tz=case.tz,
        about=about(case),
    )


def _readers(case: Case, rule: ReportRule | None) -> tuple[tuple[Text, Text], ...]:
    """To whom the contract says that it goes, and in which line."""
    if rule is None or not rule.to:
        return ()
    known = {"customer": Text("customer", "客户"), "manufacturer": Text("manufacturer", "厂家")}
    names = [known.get(to) or (case.policy.roles[to].name if to in case.policy.roles else same(to)) for to in rule.to]
    said = Text(
        f"{', '.join(n.en for n in names)} ({rule.source})", f"{'、'.join(n.zh for n in names)}（{rule.source}）"
    )
    return ((Text("Goes to", "送达"), said),)


def _part(case: Case, id: str) -> Section:
    known = _ALIKE.get(id, id)
    title = _TITLES.get(known, same(id.replace("_", " ")))
    draft = _DRAFTS.get(known)
    blocks = draft(case, id) if draft else (_open(id),)
    return Section(id=id, title=title, blocks=blocks)


def _open(id: str) -> Words:
    return Words(
        id=id, drafted=False, text=Text("To be written: the ledger does not say.", "待填写：记录中没有相关内容。")
    )


def _summary(case: Case, id: str) -> tuple[Block, ...]:
    t, tz = case.ticket, case.tz
    site = case.inventory.site(t.site).name
    began = minute(t.opened_at, tz)
    en = f"{t.title.en}. Known since {began} at {site.en}"
    zh = f"{t.title.zh}。{site.zh}，{began} 得知"
    if case.ended_at is not None:
        length, ended = span((case.ended_at - t.opened_at) / 1000), minute(case.ended_at, tz)
        proof = _proof(case)
        en += f"; normal again at {ended}, after {length.en}{proof.en}."
        zh += f"；{ended} 恢复正常，历时 {length.zh}{proof.zh}。"
    else:
        en, zh = f"{en}; not over yet.", f"{zh}；尚未结束。"
    return (Words(id=id, text=Text(en, zh)),)


def _proof(case: Case) -> Text:
    restored = case.last(EntryKind.RESTORED)
    if restored is None:
        return Text("", "")
    if restored.data.get("proof") == "telemetry":
        return Text(", proven by readings", "，由遥测证明")
    return Text(", as a person says (not proven by readings)", "，由人员报告（未经遥测证明）")


def _type(case: Case, id: str) -> tuple[Block, ...]:
    diagnosed = case.last(EntryKind.DIAGNOSED)
    mode = diagnosed.data.get("failure_mode") if diagnosed else None
    hardware = next(
        (e.data["hardware"] for e in reversed(case.ledger) if e.data.get("hardware") is not None),
        None,
    )
    side = None if hardware is None else (Text("hardware", "硬件") if hardware else Text("software", "软件"))
    kinds = [finding_name(kind) for kind in sorted({a.kind for a in case.alerts})]
    found = Text(", ".join(k.en for k in kinds), "、".join(k.zh for k in kinds))
    table = facts(
        (Text("Kind of cause", "原因类别"), same(case.ticket.key.cause)),
        (Text("Failure mode", "故障模式"), None if mode is None else same(mode)),
        (Text("Hardware or software", "硬件或软件"), side),
        (Text("Impact on the load", "对负载的影响"), words.IMPACTS[_worst(case)]),
        (Text("Level", "级别"), case.policy.level(case.ticket.level).means),
        (Text("Findings", "检测发现"), found if kinds else None),
    )
    name = case.ticket.title
    return (Words(id=id, text=Text(f"{name.en}.", f"{name.zh}。")), table)


def _worst(case: Case) -> Impact:
    said = [Impact(str(e.data["worst"])) for e in case.ledger if e.data.get("worst")]
    return min([case.ticket.impact, *said], key=lambda i: i.rank)


def _cause(case: Case, id: str) -> tuple[Block, ...]:
    diagnosed = case.of(EntryKind.DIAGNOSED)
    if diagnosed:
        return (Words(id=id, text=_joined([e.text for e in diagnosed])),)
    likely = sorted(case.alerts, key=lambda a: (-a.finding.score, a.raised_at, a.id))
    if not likely:
        return (_open(id),)
    finding = likely[0].finding
    seen = finding.evidence[0].text if finding.evidence else same(finding.kind)
    text = Text(
        f"Likely, by the readings ({finding.score:.0%} sure): {seen.en}. No engineer has recorded a diagnosis.",
        f"据遥测推断（把握 {finding.score:.0%}）：{seen.zh}。尚无工程师记录的诊断。",
    )
    return (Words(id=id, text=text, drafted=False),)


def _method(case: Case, id: str) -> tuple[Block, ...]:
    steps = [
        e
        for e in case.of(*_STEPS, EntryKind.NOTE)
        if e.kind is not EntryKind.NOTE or (e.who != words.SELF and not e.data)
    ]
    if not steps:
        return (_open(id),)
    lines = []
    for n, e in enumerate(steps, start=1):
        kind, at = words.ENTRIES[e.kind], minute(e.at, case.tz)[5:16]
        lines.append(Text(f"{n}. {at} {kind.en}: {e.text.en}", f"{n}. {at} {kind.zh}：{e.text.zh}"))
    return (Words(id=id, text=_joined(lines)),)


def _loss(case: Case, id: str) -> tuple[Block, ...]:
    rows = []
    for impact in (Impact.OUTAGE, Impact.UNPROTECTED, Impact.DEGRADED):
        seconds = _time_in(case, impact)
        if seconds:
            rows.append((words.IMPACTS[impact], span(seconds)))
    parts = [e.data.get("part") for e in case.of(EntryKind.PART_FITTED)]
    rows += [(Text("Part replaced", "更换备件"), same(part)) for part in parts if part]
    open_words = Text(
        "Business loss: to be confirmed with the customer; the desk knows only how long the load was touched.",
        "业务损失：待与客户确认；系统只知道负载受影响的时长。",
    )
    return (
        (facts(*rows), Words(id=id, text=open_words, drafted=False))
        if rows
        else (Words(id=id, text=open_words, drafted=False),)
    )


def _time_in(case: Case, impact: Impact) -> float:
    """Seconds for which the incident had this impact, until it ended or `now`."""
    end = case.ended_at if case.ended_at is not None else case.now
    told = [(e.at, str(e.data["impact"])) for e in case.of(*EntryKind) if e.data.get("impact")]
    total = 0
    for n, (at, name) in enumerate(told):
        until = told[n + 1][0] if n + 1 < len(told) else end
        if name == impact.value:
            total += max(min(until, end) - at, 0)
    return total / 1000


def _prevention(case: Case, id: str) -> tuple[Block, ...]:
    advice = list(dict.fromkeys(a.finding.advice for a in case.alerts if a.finding.advice.en))
    lines = [*advice, *case.similar]
    if not lines:
        return (_open(id),)
    return (Words(id=id, text=_joined(lines)),)


def _joined(lines: list[Text]) -> Text:
    return Text("\n".join(t.en for t in lines), "\n".join(t.zh for t in lines))


_DRAFTS: dict[str, Callable[[Case, str], tuple[Block, ...]]] = {
    "summary": _summary,
    "type": _type,
    "cause": _cause,
    "method": _method,
    "loss": _loss,
    "prevention": _prevention,
}
