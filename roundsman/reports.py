"""`roundsman report …`: the paperwork, as PDF or HTML, in Chinese or English.

Only the commands: what they do is in roundsman.reporting, loaded when one runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

if TYPE_CHECKING:
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
