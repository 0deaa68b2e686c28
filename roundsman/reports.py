"""`roundsman report …`: the paperwork, as PDF or HTML, in Chinese or English.

Only the commands: what they do is in roundsman.reporting, loaded when one runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from desk.paper.types import Paper
    from roundsman.reporting import Wishes

app = App(name="report", help="Reports and documents: PDF or HTML, Chinese or English. 报告与文件。")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Print:
    """What all reports take."""

    lang: Annotated[Literal["en", "zh"] | None, Parameter(help="en or zh, else by $LANG. 语言。")] = None
    out: Annotated[Path | None, Parameter(help="Write here; - is stdout. 输出文件。")] = None
    html: Annotated[bool, Parameter(negative="", help="HTML instead of PDF. 输出 HTML。")] = False
    edits: Annotated[Path | None, Parameter(help="Paragraphs in your own words (TOML). 修改后的段落。")] = None
    draft: Annotated[
        Path | None, Parameter(help="Write the paragraphs you may reword here, and stop. 导出可改段落。")
    ] = None
    keep: Annotated[bool, Parameter(negative="", help="Keep it among the documents. 存入文件库。")] = False
    who: Annotated[str | None, Parameter(help="Who keeps or delivers it, else this login. 经手人。")] = None
    at: Annotated[str | None, Parameter(help="Seen from this moment, else now. 截至时间。")] = None
    collector: Annotated[Path | None, Parameter(help="The collector's file. 采集中心配置。")] = None
    json: Annotated[bool, Parameter(name="--json", negative="", help="The report as JSON, too. 同时输出 JSON。")] = (
        False
    )


Deliver = Annotated[
    bool, Parameter(negative="", help="Keep it, and write in the ledger that it was delivered. 存档并登记已交付。")
]
USUAL = Print()


Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[Path | None, Parameter(name="--collector", help="The collector's file. 采集中心配置。")]
Since = Annotated[str | None, Parameter(help="First day, ISO. 起始日期。")]
Until = Annotated[str | None, Parameter(help="Day after the last, ISO; else today. 截止日期（不含）。")]


def wishes(print: Print, *, deliver: bool = False) -> Wishes:
    """The options as roundsman.reporting takes them."""
    from dataclasses import asdict

    from roundsman.reporting import Wishes

    return Wishes(**asdict(print), deliver=deliver)


@app.command
def fault(ticket: str, /, *, deliver: Deliver = False, print: Print = USUAL) -> int:
    """The report after a fault, in the contract's parts, drafted from ledger and readings. 故障分析报告。"""
    from desk.paper.fault_paper import fault_paper
    from roundsman.reporting import make

    return make(wishes(print, deliver=deliver), lambda room: fault_paper(room.case(ticket)))


@app.command
def explain(ticket: str, /, *, deliver: Deliver = False, print: Print = USUAL) -> int:
    """Every clock taken apart, for a dispute: the sums can be checked by hand. 时限逐段说明。"""
    from desk.paper.explain_paper import explain_paper
    from roundsman.reporting import make

    return make(wishes(print, deliver=deliver), lambda room: explain_paper(room.case(ticket)))


@app.command
def handover(ticket: str, /, *, deliver: Deliver = False, print: Print = USUAL) -> int:
    """The pack for the manufacturer's support: user, fault, operations done and results. 厂家移交材料。"""
    from desk.paper.handover_paper import handover_paper
    from roundsman.reporting import make

    return make(wishes(print, deliver=deliver), lambda room: handover_paper(room.case(ticket)))


@app.command
def form(ticket: str, id: str = "", /, *, print: Print = USUAL) -> int:
    """A form of the contract: as it was filled in, or drafted from the ledger with room to write and sign. 合同表单。"""
    from console.report_planned import filled
    from desk.paper.form_paper import form_of, form_paper
    from roundsman.reporting import Room, make

    def draft(room: Room) -> Paper:
        case = room.case(ticket)
        rule = form_of(case, id)
        return form_paper(case, rule, filled(room.conn, ticket, rule.id))

    return make(wishes(print), draft)


@app.command
def weekly(
    *,
    policy: Annotated[str, Parameter(help="Whose contract names the parts. 按哪个政策。")] = "chengdu_xinguang",
    customer: Annotated[str | None, Parameter(help="Of one customer only. 仅此客户。")] = None,
    until: Until = None,
    print: Print = USUAL,
) -> int:
    """The six-part weekly report: the seven days before --until. 六部分周报。"""
    from console.report_subjects import span_before, under
    from desk.paper.weekly_paper import weekly_paper
    from roundsman.reporting import make

    return make(
        wishes(print), lambda room: weekly_paper(under(room, policy, customer, span_before(room, customer, until, 7)))
    )


@app.command
def bulletin(customer: str, /, *, until: Until = None, print: Print = USUAL) -> int:
    """Two weeks for a customer's technicians: news, what was learned, what is planned. 双周技术简报。"""
    from console.report_subjects import period, span_before
    from desk.paper.monthly_paper import bulletin_paper
    from roundsman.reporting import make

    return make(
        wishes(print), lambda room: bulletin_paper(period(room, customer, *span_before(room, customer, until, 14)))
    )


@app.command
def monthly(
    customer: str,
    month: Annotated[str | None, Parameter(help="2026-11, else the last whole one. 月份。")] = None,
    /,
    *,
    print: Print = USUAL,
) -> int:
    """A customer's report over a month: cases, promises kept, planned work. 客户服务月报。"""
    from console.report_subjects import month_of, period
    from desk.paper.monthly_paper import monthly_paper
    from roundsman.reporting import make

    return make(wishes(print), lambda room: monthly_paper(period(room, customer, *month_of(room, customer, month))))


@app.command
def equipment(device: str, /, *, print: Print = USUAL) -> int:
    """A device's file: everything that ever happened to it. 设备档案。"""
    from console.report_subjects import life
    from desk.paper.life_paper import equipment_paper
    from roundsman.reporting import make

    return make(wishes(print), lambda room: equipment_paper(life(room, device)))


@app.command
def handbook(site: str, /, *, print: Print = USUAL) -> int:
    """The health handbook of a site: each device, its health, its faults. 站点健康手册。"""
    from console.report_subjects import handbook as draft
    from roundsman.reporting import make

    return make(wishes(print), lambda room: draft(room, site))


@app.command
def documents(
    *,
    customer: Annotated[str | None, Parameter(help="Only what belongs to them. 仅此客户。")] = None,
    ticket: Annotated[str | None, Parameter(help="Of this ticket. 某工单。")] = None,
    device: Annotated[str | None, Parameter(help="Of site/device. 某设备。")] = None,
    site: Annotated[str | None, Parameter(help="Of this site. 某站点。")] = None,
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """Documents that are kept, newest first. 已存文件。"""
    from roundsman.report_files import list_documents

    return list_documents(collector, json, customer=customer, ticket=ticket, device=device, site=site)


@app.command
def document(
    hash: str,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="Write it here, else by its name. 输出文件。")] = None,
    customer: Annotated[str | None, Parameter(help="Only if it is theirs. 仅限此客户的文件。")] = None,
    collector: CentreFile = None,
) -> int:
    """One document, by its hash or the first letters of it. 取出文件。"""
    from roundsman.report_files import save_document

    return save_document(hash, out, customer, collector)


@app.command
def keep(
    file: Path,
    /,
    *,
    ticket: Annotated[str | None, Parameter(help="It belongs to this ticket. 所属工单。")] = None,
    device: Annotated[str | None, Parameter(help="It belongs to site/device. 所属设备。")] = None,
    customer: Annotated[str | None, Parameter(help="It belongs to this customer. 所属客户。")] = None,
    who: Annotated[str | None, Parameter(help="Who brings it, else this login. 经手人。")] = None,
    collector: CentreFile = None,
) -> int:
    """Keep a file (drawing, test report, signed form) among the documents. 存入文件。"""
    from roundsman.report_files import keep_document

    return keep_document(file, collector, who, ticket=ticket, device=device, customer=customer)


@app.command
def verify(*, collector: CentreFile = None, json: Json = False) -> int:
    """Read every kept document again: damaged and missing ones. 校验全部文件。"""
    from roundsman.report_files import verify_documents

    return verify_documents(collector, json)


@app.command
def faq(
    what: Annotated[Literal["list", "find", "propose", "accept", "reject"], Parameter(help="What to do. 操作。")],
    words: Annotated[tuple[str, ...], Parameter(help="Words to find, a ticket or an entry. 词语、工单或条目。")] = (),
    /,
    *,
    who: Annotated[str | None, Parameter(help="Who decides, else this login. 经手人。")] = None,
    model: Annotated[str, Parameter(help="With find: this model first. 型号。")] = "",
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """What solved tickets teach: proposed, accepted by a person, found again. 故障知识库。"""
    from roundsman.report_files import faq_command

    return faq_command(what, words, who, model, collector, json)


@app.command
def similar(ticket: str, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Past cases like this ticket, from what was learned and accepted. 相似案例。"""
    from roundsman.report_files import list_similar

    return list_similar(ticket, collector, json)


@app.command
def recurring(*, since: Since = None, until: Until = None, collector: CentreFile = None, json: Json = False) -> int:
    """Failures that come back on an asset, model or site, and which more than chance would have it. 重复故障分析。"""
    from roundsman.report_files import list_recurring

    return list_recurring(since, until, collector, json)


@app.command
def inspection(
    subject: str,
    /,
    *,
    recorded: Annotated[
        bool, Parameter(negative="", help="The newest one that was recorded. 最近一次已登记的巡检。")
    ] = False,
    print: Print = USUAL,
) -> int:
    """The contract's list for a device or site, pre-filled from readings; what needs eyes is left open. 巡检报告。"""
    from console.report_subjects import inspection as draft
    from roundsman.reporting import make

    return make(wishes(print), lambda room: draft(room, subject, recorded))
