"""Parts and machines on the database: each step a line of the book and an entry of its ticket, through the gate."""

from __future__ import annotations

import sqlalchemy as sa

import desk.store as desk
from desk import field_sql, parts
from desk.lines import Data, FieldRefused, Line, Subject, by_id, not_ahead, one_of
from desk.parts import Part, PartState
from desk.telling import tell
from desk.types import Draft, EntryKind
from model.text import Text

_KINDS = {
    PartState.NEEDED: EntryKind.PART_NEEDED,
    PartState.FITTED: EntryKind.PART_FITTED,
    PartState.LENT: EntryKind.LENT,
}


def need(
    conn: sa.Connection,
    ticket: str,
    item: str,
    who: str,
    at: int,
    now: int,
    *,
    device: str | None = None,
    expected_at: int | None = None,
) -> Part:
    """A part is needed: its clock starts. Tells the ticket whether one lies at the site. Raises FieldRefused."""
    not_ahead(at, now)
    if not item.strip():
        raise FieldRefused(NO_ITEM)
    held = desk.ticket(conn, ticket)
    data: Data = {"item": item, "expected_at": expected_at}
    of = Subject(customer=held.customer, site=held.site, device=device or held.device, ticket=ticket)
    name = parts.NAMES[PartState.NEEDED]
    line = field_sql.begin(conn, "part", "P", "needed", who, at, now, _said(item, name), of=of, data=data)
    made = parts.fold([line])
    drafts = [_draft(made, PartState.NEEDED, who, at)]
    here = at_site(conn, held.site, item)
    facts = {"hardware": 1, "spares_on_site": int(here > 0)}
    text = Text(f"{here} of {item} at the site", f"现场备有 {item} {here} 件")
    drafts.append(Draft(at=at, who=who, kind=EntryKind.FACTS, text=text, data={**facts, "part": made.id}))
    tell(conn, ticket, drafts, now)
    return made


def lend(
    conn: sa.Connection,
    ticket: str,
    item: str,
    serial: str,
    who: str,
    at: int,
    now: int,
    *,
    lender: str = "provider",
    device: str | None = None,
) -> Part:
    """A machine stands in. Raises FieldRefused; ActRefused when the change is not consented to."""
    not_ahead(at, now)
    one_of(Text("lender", "出借方"), lender, ("provider", "manufacturer"))
    if not item.strip() or not serial.strip():
        raise FieldRefused(NO_SERIAL)
    held = desk.ticket(conn, ticket)
    data: Data = {"item": item, "serial": serial, "lender": lender}
    of = Subject(customer=held.customer, site=held.site, device=device or held.device, ticket=ticket)
    name = parts.NAMES[PartState.LENT]
    with conn.begin_nested():  # a refusal leaves no machine behind
        line = field_sql.begin(conn, "part", "P", "lent", who, at, now, _said(item, name), of=of, data=data)
        made = parts.fold([line])
        tell(conn, ticket, [_draft(made, PartState.LENT, who, at)], now)
    return made


def step(
    conn: sa.Connection,
    part: str,
    state: str,
    who: str,
    at: int,
    now: int,
    *,
    serial: str | None = None,
    expected_at: int | None = None,
) -> Part:
    """It was promised, fitted, not needed, or the lent machine returned. Told twice it is one.

    Raises FieldRefused; ActRefused when the fitting is not consented to.
    """
    not_ahead(at, now)
    lines = _lines(conn, part)
    data: Data = {"serial": serial, "expected_at": expected_at}
    if any((line.event, line.who, line.at, line.data) == (state, who, at, data) for line in lines):
        return parts.fold(lines)
    held = parts.fold(lines)
    one_of(
        Text(f"{part} is {held.state.value}; next", f"{part} {parts.NAMES[held.state].zh}；下一步"),
        state,
        parts.NEXT[held.state],
    )
    told = PartState(state)
    if at < held.since:
        raise FieldRefused(TOO_EARLY.format(part=part))
    if held.ticket is not None:
        tell(conn, held.ticket, [_draft(held, told, who, at, serial, expected_at)], now)
    field_sql.add(conn, "part", part, state, who, at, now, _said(held.item, parts.NAMES[told]), data=data)
    if told is PartState.FITTED and held.site and at_site(conn, held.site, held.item):
        count(conn, held.site, held.item, -1, who, at, now, part=part)
    return parts.fold(_lines(conn, part))


def count(
    conn: sa.Connection, site: str, item: str, number: int, who: str, at: int, now: int, *, part: str | None = None
) -> Line:
    """So many lie at the site now, or, for a `part` that was taken from there, so many fewer. Raises FieldRefused."""
    not_ahead(at, now)
    if part is None and number < 0:
        raise FieldRefused(NEGATIVE)
    event = "counted" if part is None else "moved"
    text = Text(f"{item} at {site}: {number:+d}", f"{site} {item}：{number:+d}")
    data: Data = {"item": item, "count": number, "part": part}
    return field_sql.add(conn, "stock", f"{site}:{item}", event, who, at, now, text, of=Subject(site=site), data=data)


def at_site(conn: sa.Connection, site: str, item: str) -> int:
    """How many of an item lie at a site."""
    return parts.stock(field_sql.lines(conn, "stock", site=site)).get((site, item), 0)


def in_stock(conn: sa.Connection, site: str | None = None) -> dict[tuple[str, str], int]:
    """By (site, item)."""
    return parts.stock(field_sql.lines(conn, "stock", site=site))


def listed(conn: sa.Connection, *, ticket: str | None = None, open_only: bool = False) -> list[Part]:
    """In the order in which they were needed."""
    found = [parts.fold(lines) for lines in by_id(field_sql.lines(conn, "part", ticket=ticket)).values()]
    return [one for one in found if not (open_only and one.ended_at is not None)]


def expected_at(conn: sa.Connection, ticket: str) -> int | None:
    """When the last of the parts that are waited for is promised; None when one has no promise, or none is needed."""
    waiting = [p for p in listed(conn, ticket=ticket, open_only=True) if not p.machine]
    moments = [p.expected_at for p in waiting]
    return max((m for m in moments if m is not None), default=None) if None not in moments else None


def _draft(
    part: Part, state: PartState, who: str, at: int, serial: str | None = None, expected_at: int | None = None
) -> Draft:
    data: dict[str, str | int | float | None] = {
        "part": part.id,
        "item": part.item,
        "state": state.value,
        "device": part.device,
        "serial": serial or part.serial,
        "expected_at": expected_at or part.expected_at,
    }
    kind = _KINDS.get(state, EntryKind.NOTE)
    if state is PartState.RETURNED:
        data["change"] = 1  # the machines are swapped back
    said = _said(part.item, parts.NAMES[state])
    text = Text(f"{part.id}, {said.en}", f"{part.id}，{said.zh}")
    return Draft(at=at, who=who, kind=kind, text=text, data={k: v for k, v in data.items() if v is not None})


def _said(item: str, name: Text) -> Text:
    return Text(f"{item}: {name.en}", f"{item}：{name.zh}")


def _lines(conn: sa.Connection, part: str) -> list[Line]:
    lines = field_sql.lines(conn, "part", id=part)
    if not lines:
        raise FieldRefused(NO_PART.format(part=part))
    return lines


NO_ITEM = Text("which part? name the item", "哪个备件？请写明品名")
NO_SERIAL = Text("which machine? name item and serial number", "哪台备机？请写明型号与序列号")
NEGATIVE = Text("a count cannot be below 0; expected what lies there now", "盘点数不能为负；请填写现有数量")
TOO_EARLY = Text("{part} was needed or lent later than that; check the time", "{part} 的需求或借出晚于该时间；请核对")
NO_PART = Text(
    "no part {part}: `roundsman field part list` shows them", "没有备件 {part}：用 `roundsman field part list` 查看"
)
