"""`roundsman field …` as cyclopts reads it: consents and visits. What they do is imported when one runs.

Engineers and parts are in roundsman.field_staff, planned work in field_planned, the paperwork in field_office.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from model.text import Text
from model.timescale import REAL, TimeScale

if TYPE_CHECKING:
    from roundsman.field import Teller

app = App(name="field", help="Field service: consents, visits, parts, planned work. 现场服务。")
consent = App(name="consent", help="What customers and supervisors agreed to. 授权。")
visit = App(name="visit", help="Who goes where, and when they were there. 上门。")
for one in (consent, visit):
    app.command(one)

Flag = Parameter(negative="")
Place = Annotated[str | None, Parameter(help="A site, or site/device. 站点或设备。")]
Ticket = Annotated[str | None, Parameter(help="The ticket. 工单。")]
Paper = Annotated[Path | None, Parameter(help="The signed paper: it is kept among the documents. 签署文件。")]
Scope = Literal["remote_access", "implementation", "onsite_change", "equipment"]
Change = Annotated[bool, Parameter(negative="", help="It changes something on the equipment. 涉及设备变更。")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Act:
    """What all of them take."""

    who: Annotated[str | None, Parameter(help="Who enters it, else this login. 登记人。")] = None
    at: Annotated[
        str | None, Parameter(help="When it happened, ISO 8601, by the site's clock; else now. 发生时间。")
    ] = None
    text: Annotated[str, Parameter(help="What is to be said about it. 说明。")] = ""
    collector: Annotated[
        Path | None,
        Parameter(help="The collector's file (else $ROUNDSMAN_COLLECTOR, ./collector.toml). 采集中心配置。"),
    ] = None
    clock: Annotated[str | None, Parameter(help="T0:REAL0:SPEED, the injected clock of a demo. 演示时钟。")] = None
    json: Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON。")] = (
        False
    )


USUAL = Act()


def teller(act: Act) -> Teller:
    """The options as roundsman.field takes them."""
    from roundsman.field import Teller

    scale = TimeScale.parse(act.clock) if act.clock else REAL
    return Teller(who=act.who, at=act.at, collector=act.collector, scale=scale, as_json=act.json)


@consent.command(name="list")
def consent_list(*, ticket: Ticket = None, device: str | None = None, act: Act = USUAL) -> int:
    """Every consent and how it stands now. 授权列表。"""
    from desk import consenting
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [
            field_show.consent(room, held, asked)
            for held, asked in consenting.consents(room.conn, room.now, ticket=ticket, device=device)
        ],
    )


@consent.command(name="needs")
def consent_needs(scope: Scope, /, *, ticket: Ticket = None, place: Place = None, act: Act = USUAL) -> int:
    """What the contract asks for before this may be done. 合同要求的授权。"""
    from desk import consenting
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [
            field_show.gate(gate) for gate in consenting.gate_of(room.policy(room.subject(ticket, place)), scope)
        ],
    )


@consent.command(name="ask")
def consent_ask(
    scope: Scope,
    *device: str,
    ticket: Ticket = None,
    expires: Annotated[str | None, Parameter(help="When it ends, ISO 8601. 到期时间。")] = None,
    act: Act = USUAL,
) -> int:
    """Begin a consent for these devices. 申请授权。"""
    from desk import consenting
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(ticket, device[0] if device else None)
        line = consenting.ask(
            room.conn,
            room.policy(of),
            room.inventory,
            scope,
            device,
            room.who,
            room.at(of.site),
            room.now,
            ticket=ticket,
            expires_at=room.time(expires, of.site),
            text=act.text,
        )
        return [(field.plain(line), Text(f"{line.id}: {line.text.en}", f"{line.id}：{line.text.zh}"))]

    return field.work(teller(act), do)


@consent.command(name="sign")
def consent_sign(
    id: str,
    part: str,
    signer: str,
    /,
    *,
    file: Paper = None,
    document: Annotated[str | None, Parameter(help="Hash of a document that is kept already. 已存档文件摘要。")] = None,
    refused: Annotated[bool, Parameter(negative="", help="The signer said no. 对方拒绝。")] = False,
    act: Act = USUAL,
) -> int:
    """One part was given: the plan, its test, a signature. 登记授权的一个部分。"""
    from desk import consenting
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = field_show.subject_of(room, "consent", id)
        at = room.at(of.site)
        state = "refused" if refused else "given"
        paper = room.keep(file, of, at) or document
        line = consenting.sign(
            room.conn, id, part, signer, room.who, at, room.now, document=paper, state=state, text=act.text
        )
        return [(field.plain(line), Text(f"{id}: {line.text.en}", f"{id}：{line.text.zh}"))]

    return field.work(teller(act), do)


@consent.command(name="withdraw")
def consent_withdraw(id: str, signer: str, /, *, act: Act = USUAL) -> int:
    """It holds no longer, for good. 撤回授权。"""
    from desk import consenting
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = field_show.subject_of(room, "consent", id)
        line = consenting.withdraw(room.conn, id, signer, room.who, room.at(of.site), room.now, act.text)
        return [(field.plain(line), Text(f"{id}: {line.text.en}", f"{id}：{line.text.zh}"))]

    return field.work(teller(act), do)


@consent.command(name="check")
def consent_check(scope: Scope, /, *, ticket: Ticket = None, device: str | None = None, act: Act = USUAL) -> int:
    """Ask the gate: may this be done now? Exit status 3 when not. 询问是否允许。"""
    from desk.consent import Permit, permitted
    from roundsman import field, field_show

    answer: list[bool] = []

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(ticket, device)
        policy = None if ticket else room.policy(of)
        held = permitted(room.conn, ticket or device or "", scope, room.now, device=device, policy=policy)
        answer.append(isinstance(held, Permit))
        return [field_show.answer(room, held, of.site)]

    return field.show(teller(act), do) or (0 if answer[0] else 3)


@visit.command(name="list")
def visit_list(
    *,
    ticket: Ticket = None,
    site: str | None = None,
    all: Annotated[bool, Parameter(name="--all", negative="", help="Past ones too. 含已结束。")] = False,
    act: Act = USUAL,
) -> int:
    """Visits that are planned or under way. 上门列表。"""
    from desk import visiting
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [
            field_show.visit(room, v) for v in visiting.listed(room.conn, ticket=ticket, site=site, open_only=not all)
        ],
    )


@visit.command(name="plan")
def visit_plan(
    engineer: str,
    /,
    *,
    ticket: Ticket = None,
    place: Place = None,
    starts: Annotated[str | None, Parameter(help="ISO 8601. 开始。")] = None,
    ends: Annotated[str | None, Parameter(help="ISO 8601. 结束。")] = None,
    purpose: Annotated[str, Parameter(help="service, inspection, manager_visit … 目的。")] = "service",
    remote: Annotated[bool, Parameter(negative="", help="A session from afar. 远程。")] = False,
    change: Change = False,
    anyway: Annotated[str, Parameter(help="Why this engineer, though the grade does not reach. 破例原因。")] = "",
    act: Act = USUAL,
) -> int:
    """Arrange a visit or a remote session. 安排上门或远程。"""
    from desk import visiting
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        of = room.subject(ticket, place)
        made = visiting.plan(
            room.conn,
            engineer,
            room.who,
            room.at(of.site),
            room.now,
            ticket=ticket,
            site=of.site,
            customer=of.customer,
            device=of.device,
            purpose=purpose,
            channel="remote" if remote else "onsite",
            change=change,
            starts_at=room.time(starts, of.site),
            ends_at=room.time(ends, of.site),
            anyway=anyway,
        )
        return [field_show.visit(room, made)]

    return field.work(teller(act), do)


@visit.command(name="step")
def visit_step(
    id: str,
    state: Literal["dispatched", "arrived", "done", "called_off"],
    /,
    *,
    solved: Annotated[bool | None, Parameter(help="With done: whether it is solved. 是否解决。")] = None,
    change: Change = False,
    act: Act = USUAL,
) -> int:
    """The engineer left, arrived or is done; --at for what was noted offline. 出发、到场、完成、取消。"""
    from desk import visiting
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        at = room.at(visiting.visit(room.conn, id).site)
        held = visiting.step(room.conn, id, state, room.who, at, room.now, text=act.text, solved=solved, change=change)
        return [field_show.visit(room, held)]

    return field.work(teller(act), do)


@visit.command(name="move")
def visit_move(
    id: str,
    /,
    *,
    engineer: str | None = None,
    starts: str | None = None,
    ends: str | None = None,
    act: Act = USUAL,
) -> int:
    """Another engineer or time. 改派或改期。"""
    from desk import visiting
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        site = visiting.visit(room.conn, id).site
        held = visiting.move(
            room.conn,
            id,
            room.who,
            room.now,
            engineer=engineer,
            starts_at=room.time(starts, site),
            ends_at=room.time(ends, site),
        )
        return [field_show.visit(room, held)]

    return field.work(teller(act), do)
