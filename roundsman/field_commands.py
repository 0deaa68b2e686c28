"""`roundsman field …` as cyclopts reads it: consents, visits, engineers, parts. What they do is imported when one runs.

The paperwork (duties, forms, surveys, complaints, trainings) is in roundsman.field_office.
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
engineer = App(name="engineer", help="The roster, and who can go. 工程师。")
part = App(name="part", help="Spare parts, lent machines, stock. 备件与备机。")
for one in (consent, visit, engineer, part):
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


@engineer.command(name="put")
def engineer_put(
    id: str,
    name: str,
    /,
    *,
    name_zh: Annotated[str | None, Parameter(help="Else the same. 中文名。")] = None,
    grade: Annotated[str | None, Parameter(help="As in the contract: five_star … 等级。")] = None,
    skill: Annotated[tuple[str, ...], Parameter(help="Again for each. 技能。")] = (),
    base: Annotated[str, Parameter(help="Where they set out from. 驻地。")] = "",
    hours: Annotated[Literal["7x24", "5x8", "on_call"], Parameter(help="When they work. 工作时间。")] = "5x8",
    country: str = "CN",
    tz: str = "Asia/Shanghai",
    act: Act = USUAL,
) -> int:
    """List an engineer, or change what is known. 登记工程师。"""
    from desk import roster
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        line = roster.put(
            room.conn,
            id,
            Text(name, name_zh or name),
            room.who,
            room.now,
            grade=grade,
            skills=skill,
            base=base,
            hours=hours,
            country=country,
            tz=tz,
        )
        return [(field.plain(line), line.text)]

    return field.work(teller(act), do)


@engineer.command(name="window")
def engineer_window(id: str, what: Literal["on_call", "away"], since: str, until: str, /, *, act: Act = USUAL) -> int:
    """On call, or away, from one time to another (ISO 8601, the engineer's clock). 值守或不在的时段。"""
    from desk import roster
    from roundsman import field
    from roundsman.tickets import moment_of

    def do(room: field.Room) -> list[field.Shown]:
        tz = roster.engineer(room.conn, id).tz
        start, end = moment_of(since, tz), moment_of(until, tz)
        line = roster.window(room.conn, id, what, start, end, room.who, room.now)
        return [(field.plain(line), line.text)]

    return field.work(teller(act), do)


@engineer.command(name="leave")
def engineer_leave(id: str, /, *, act: Act = USUAL) -> int:
    """They work here no more. 离职。"""
    from desk import roster
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        line = roster.leave(room.conn, id, room.who, room.now)
        return [(field.plain(line), line.text)]

    return field.work(teller(act), do)


@engineer.command(name="way")
def engineer_way(base: str, site: str, minutes: float, /, *, act: Act = USUAL) -> int:
    """How long it takes from a base to a site. 登记路程。"""
    from desk import roster
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        line = roster.way(room.conn, base, site, minutes, room.who, room.now)
        return [(field.plain(line), line.text)]

    return field.work(teller(act), do)


@engineer.command(name="list")
def engineer_list(*, act: Act = USUAL) -> int:
    """The roster. 工程师名册。"""
    from desk import roster
    from roundsman import field, field_show

    return field.show(teller(act), lambda room: [field_show.engineer(one) for one in roster.everybody(room.conn)])


@engineer.command(name="suitable")
def engineer_suitable(
    ticket: str,
    /,
    *,
    skill: Annotated[tuple[str, ...], Parameter(help="Again for each that is needed. 所需技能。")] = (),
    act: Act = USUAL,
) -> int:
    """Who can go, best first, each with the reasons. 可派工程师。"""
    from desk import roster
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        site = room.subject(ticket, None).site
        found = roster.candidates(room.conn, ticket, room.now, skill)
        return [field_show.candidate(room, one, site) for one in found]

    return field.show(teller(act), do)


@part.command(name="list")
def part_list(
    *,
    ticket: Ticket = None,
    all: Annotated[bool, Parameter(name="--all", negative="", help="Fitted and returned ones too. 含已结束。")] = False,
    act: Act = USUAL,
) -> int:
    """Parts that are waited for, machines that are lent. 备件与备机列表。"""
    from desk import storeroom
    from roundsman import field, field_show

    return field.show(
        teller(act),
        lambda room: [field_show.part(room, p) for p in storeroom.listed(room.conn, ticket=ticket, open_only=not all)],
    )


@part.command(name="need")
def part_need(
    ticket: str,
    item: str,
    /,
    *,
    device: str | None = None,
    expected: Annotated[str | None, Parameter(help="When it is promised, ISO 8601. 承诺到货。")] = None,
    act: Act = USUAL,
) -> int:
    """A part is needed: its clock starts. 需要备件。"""
    from desk import storeroom
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        site = room.subject(ticket, None).site
        due = room.time(expected, site)
        made = storeroom.need(
            room.conn, ticket, item, room.who, room.at(site), room.now, device=device, expected_at=due
        )
        return [field_show.part(room, made)]

    return field.work(teller(act), do)


@part.command(name="lend")
def part_lend(
    ticket: str,
    item: str,
    serial: str,
    /,
    *,
    device: str | None = None,
    manufacturer: Annotated[bool, Parameter(negative="", help="The manufacturer's machine. 厂家备机。")] = False,
    act: Act = USUAL,
) -> int:
    """A spare machine stands in. 借出备机。"""
    from desk import storeroom
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        at = room.at(room.subject(ticket, None).site)
        lender = "manufacturer" if manufacturer else "provider"
        made = storeroom.lend(room.conn, ticket, item, serial, room.who, at, room.now, lender=lender, device=device)
        return [field_show.part(room, made)]

    return field.work(teller(act), do)


@part.command(name="step")
def part_step(
    id: str,
    state: Literal["promised", "fitted", "not_needed", "returned"],
    /,
    *,
    serial: str | None = None,
    expected: Annotated[str | None, Parameter(help="With promised: when, ISO 8601. 到货时间。")] = None,
    act: Act = USUAL,
) -> int:
    """It is promised, fitted, not needed after all, or returned. 备件进展。"""
    from desk import storeroom
    from roundsman import field, field_show

    def do(room: field.Room) -> list[field.Shown]:
        site = field_show.subject_of(room, "part", id).site
        due = room.time(expected, site)
        held = storeroom.step(room.conn, id, state, room.who, room.at(site), room.now, serial=serial, expected_at=due)
        return [field_show.part(room, held)]

    return field.work(teller(act), do)


@part.command(name="count")
def part_count(site: str, item: str, number: int, /, *, act: Act = USUAL) -> int:
    """So many lie at the site now. 盘点现场备件。"""
    from desk import storeroom
    from roundsman import field

    def do(room: field.Room) -> list[field.Shown]:
        at = room.at(room.subject(None, site).site)
        line = storeroom.count(room.conn, site, item, number, room.who, at, room.now)
        return [(field.plain(line), f"{site}  {item}  {number}")]

    return field.work(teller(act), do)


@part.command(name="stock")
def part_stock(*, site: str | None = None, act: Act = USUAL) -> int:
    """What lies at the sites. 现场库存。"""
    from desk import storeroom
    from roundsman import field

    return field.show(
        teller(act),
        lambda room: [
            ({"site": where, "item": item, "count": count}, f"{where}  {item}  {count}")
            for (where, item), count in sorted(storeroom.in_stock(room.conn, site).items())
        ],
    )
