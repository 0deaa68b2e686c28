"""`roundsman field engineer|part …` as cyclopts reads it. What they do is imported when one runs."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import App, Parameter

from model.text import Text
from roundsman.field_commands import USUAL, Act, Ticket, app, teller

engineer = App(name="engineer", help="The roster, and who can go. 工程师。")
part = App(name="part", help="Spare parts, lent machines, stock. 备件与备机。")
for one in (engineer, part):
    app.command(one)


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
