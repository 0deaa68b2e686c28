"""`roundsman ticket …` as cyclopts reads it; what it does is in roundsman.tickets, imported only when asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from model.timescale import REAL, TimeScale

if TYPE_CHECKING:
    from roundsman.tickets import Teller

app = App(name="ticket", help="Tickets, their ledgers and clocks. 工单、记录与时限。")

Clock = Annotated[
    str | None, Parameter(name="--clock", help="T0:REAL0:SPEED, the injected clock of a demo. 演示用的注入时钟。")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[
    Path | None,
    Parameter(
        name="--collector", help="The collector's file (else $ROUNDSMAN_COLLECTOR, ./collector.toml). 采集中心配置。"
    ),
]
Why = Annotated[str, Parameter(help="In a few words. 原因。")]
Yes = Parameter(negative="")


def _scale(clock: str | None) -> TimeScale:
    return TimeScale.parse(clock) if clock else REAL


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Act:
    """What all acts take."""

    who: Annotated[str | None, Parameter(help="Who did it, else this login. 经手人。")] = None
    text: Annotated[str, Parameter(help="What is to be said about it. 说明。")] = ""
    at: Annotated[
        str | None, Parameter(help="When it happened, ISO 8601, by the site's clock; else now. 发生时间。")
    ] = None
    seen: Annotated[
        int | None, Parameter(help="The last entry you saw: refused if somebody acted since. 所见的最后一条。")
    ] = None
    collector: CentreFile = None
    clock: Clock = None
    json: Json = False


USUAL = Act()


def _teller(act: Act) -> Teller:
    from roundsman.tickets import Teller

    return Teller(
        who=act.who, at=act.at, seen=act.seen, collector=act.collector, scale=_scale(act.clock), as_json=act.json
    )


def _act(id: str, kind: str, act: Act, text: str | None = None, /, **data: str | None) -> int:
    from roundsman.tickets import do

    return do(id, kind, act.text if text is None else text, {k: v for k, v in data.items() if v}, _teller(act))


@app.command(name="list")
def ticket_list(
    *,
    all: Annotated[bool, Parameter(name="--all", negative="", help="Closed ones too. 含已关闭。")] = False,
    collector: CentreFile = None,
    clock: Clock = None,
    json: Json = False,
) -> int:
    """Open tickets with their nearest clock. 未关闭工单与最近时限。"""
    from roundsman.tickets import list_tickets

    return list_tickets(collector, _scale(clock), everything=all, as_json=json)


@app.command
def show(id: str, /, *, collector: CentreFile = None, clock: Clock = None, json: Json = False) -> int:
    """One ticket: state, clocks, next call, ledger. 一张工单的全部内容。"""
    from roundsman.tickets import show_ticket

    return show_ticket(id, collector, _scale(clock), as_json=json)


@app.command
def explain(id: str, /, *, collector: CentreFile = None, clock: Clock = None, json: Json = False) -> int:
    """Every interval of every clock, and what began it. 逐段解释每个时限。"""
    from roundsman.tickets import explain_ticket

    return explain_ticket(id, collector, _scale(clock), as_json=json)


@app.command
def new(
    *,
    text: Annotated[str, Parameter(help="What the caller says; the first line is the title. 来电内容。")],
    kind: Annotated[
        Literal["defect", "consultation"], Parameter(help="A fault, or a question. 故障或咨询。")
    ] = "defect",
    site: Annotated[str | None, Parameter(help="The site, where the device is not listed. 站点。")] = None,
    device: Annotated[str | None, Parameter(help="site/device. 设备。")] = None,
    level: Annotated[str | None, Parameter(help="A level of the contract, as you grade it. 级别。")] = None,
    customer_word: Annotated[
        str | None, Parameter(help="The level that the customer asks for. 客户要求的级别。")
    ] = None,
    impact: Annotated[
        Literal["outage", "unprotected", "degraded", "advisory", "request"] | None,
        Parameter(help="What it means for the load. 对负载的影响。"),
    ] = None,
    serial: Annotated[str | None, Parameter(help="The serial number, if not in the inventory. 序列号。")] = None,
    fault: Annotated[str | None, Parameter(help="Fault information: alarms, codes. 故障信息。")] = None,
    debug: Annotated[str | None, Parameter(help="Debug information. 调试信息。")] = None,
    not_known: Annotated[
        tuple[str, ...], Parameter(help="What the contract asks and the caller cannot say. 来电人不详的项目。")
    ] = (),
    fact: Annotated[
        tuple[str, ...], Parameter(help="NAME=yes|no: hardware, spares_on_site, disaster … 已知情况。")
    ] = (),
    caller: Annotated[str | None, Parameter(help="Who called. 来电人。")] = None,
    channel: Annotated[str | None, Parameter(help="telephone, email … 来电渠道。")] = None,
    who: Annotated[str | None, Parameter(help="Who took the call, else this login. 受理人。")] = None,
    at: Annotated[str | None, Parameter(help="When they called, ISO 8601; else now. 来电时间。")] = None,
    collector: CentreFile = None,
    clock: Clock = None,
    json: Json = False,
) -> int:
    """Open a ticket for somebody who called or wrote. 为来电或来信开单。"""
    from roundsman.ticket_new import open_ticket

    told = {
        "level": level,
        "customer_word": customer_word,
        "impact": impact,
        "serial": serial,
        "fault_information": fault,
        "debug_information": debug,
        "not_known": ",".join(not_known) or None,
        "caller": caller,
        "channel": channel,
    }
    teller = _teller(Act(who=who, at=at, collector=collector, clock=clock, json=json))
    return open_ticket(kind, device, site, text, {k: v for k, v in told.items() if v}, fact, teller)


@app.command
def act(
    id: str,
    kind: Annotated[str, Parameter(help="dispatched, diagnosed, restored, resolved, facts … 记录类型。")],
    /,
    *,
    data: Annotated[tuple[str, ...], Parameter(help="KEY=VALUE, as the kind needs it. 所需数据。")] = (),
    options: Act = USUAL,
) -> int:
    """Enter any act of a person; a wrong kind lists them all. 记录任意人工操作。"""
    from roundsman.tickets import do, pairs

    return do(id, kind, options.text, pairs(data), _teller(options))


@app.command
def ack(id: str, /, *, options: Act = USUAL) -> int:
    """Acknowledge: the first human contact. 确认受理。"""
    return _act(id, "acknowledged", options)


@app.command
def note(id: str, text: str, /, *, options: Act = USUAL) -> int:
    """Add a note. 添加备注。"""
    return _act(id, "note", options, text)


@app.command
def onsite(id: str, /, *, options: Act = USUAL) -> int:
    """An engineer has arrived. 工程师已到场。"""
    return _act(id, "onsite", options)


@app.command
def level(id: str, level: str, /, *, options: Act = USUAL) -> int:
    """Re-grade. 重新定级。"""
    return _act(id, "level", options, level=level)


@app.command
def facts(
    id: str,
    /,
    *pairs: Annotated[str, Parameter(help="hardware=yes spares_on_site=unknown kva=10 … 已知情况。")],
    options: Act = USUAL,
) -> int:
    """What was learned, and promises depend on. 补充影响承诺的情况。"""
    from roundsman.tickets import do
    from roundsman.tickets import pairs as split

    return do(id, "facts", options.text, split(pairs), _teller(options))


@app.command
def convert(id: str, kind: Literal["defect", "consultation"], /, *, why: Why, options: Act = USUAL) -> int:
    """A defect becomes a consultation, or the other way round. 故障与咨询互转。"""
    return _act(id, "converted", options, options.text or why, kind=kind, why=why)


@app.command
def pause(id: str, /, *, why: Why = "", options: Act = USUAL) -> int:
    """Wait for the customer, where the contract allows it. 等待客户，暂停计时。"""
    return _act(id, "paused", options, options.text or why, why=why)


@app.command
def resume(id: str, /, *, options: Act = USUAL) -> int:
    """Count again. 恢复计时。"""
    return _act(id, "resumed", options)


@app.command
def dissatisfied(id: str, /, *, why: Why, options: Act = USUAL) -> int:
    """The customer asks for the next person. 客户要求升级。"""
    return _act(id, "dissatisfied", options, options.text or why, why=why)


@app.command
def reopen(id: str, /, *, why: Why, options: Act = USUAL) -> int:
    """Closed too early: within the contract's window. 在期限内重新打开。"""
    return _act(id, "reopened", options, options.text or why, why=why)


@app.command
def merge(id: str, into: str, /, *, why: Why, options: Act = USUAL) -> int:
    """Two tickets with one cause: this one goes into the other. 同因工单合并。"""
    from roundsman.tickets import merge as do_merge

    return do_merge(id, into, why, _teller(options))


@app.command
def close(id: str, /, *, options: Act = USUAL) -> int:
    """Close the ticket. 关闭工单。"""
    return _act(id, "closed", options)
