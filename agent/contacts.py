"""What a dry contact means at this site: a contact is a wire, and only whoever ran the wire knows what it says. Pure.

    [[device]]
    id = "io-1"
    url = "modbus+tcp://192.0.2.7?unit=1"
    profile = "dry_contacts"
    contacts = { 1 = "alarm.on_battery", 2 = "!alarm.general_fault" }

Rules. Each contact that is named is told twice: as `contact.closed` of its number, and as the alarm that it means. `!`:
the alarm stands while the contact is open (closed-circuit wiring, where a cut wire is an alarm too). Contacts that
are not named are not asked for. Each alarm comes from one contact: which of two it was, nobody could tell afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agent.profiles.form import Profile, Value
from model.points import POINTS, Kind
from model.text import Text
from model.toml_table import MISSING, Table

CONTACT = "contact.closed"
_OPEN = "!"


def meant(table: Table, profile: Profile | None) -> Profile | None:
    """The profile of a device with what its file says of its contacts; notes what cannot be meant."""
    named = table.get("contacts", None)
    if named is None or named is MISSING:
        return profile
    if not isinstance(named, dict) or not named:
        table.problem("contacts", _CONTACTS, repr(named), _FIX)
        return profile
    if profile is None:
        table.problem("contacts", _A_PROFILE, "a device without profile", _FIX_PROFILE)
        return profile
    rows = {row.index: row for row in profile.values if row.point == CONTACT and row.index is not None}
    kept: list[Value] = []
    for number, meaning in named.items():
        row = rows.get(number)
        if row is None:
            expected = Text(f"a contact of {profile.id}: {_range(rows)}", f"{profile.id} 的触点：{_range(rows)}")
            table.problem("contacts", expected, f"`{number}`", _FIX)
        elif alarm := _alarm(table, number, meaning, [one.point for one in kept]):
            kept += [row, alarm_row(row, alarm, when_open=str(meaning).startswith(_OPEN))]
    others = [row for row in profile.values if row.point != CONTACT]
    return msgspec.structs.replace(profile, values=(*kept, *others))


def alarm_row(row: Value, alarm: str, *, when_open: bool) -> Value:
    """The row that reads a contact as an alarm."""
    states = {0: 1, 1: 0} if when_open else {0: 0, 1: 1}
    return msgspec.structs.replace(row, point=alarm, index=None, states=states)


def _alarm(table: Table, number: str, meaning: object, taken: list[str]) -> str:
    """The alarm that a contact means, or ""."""
    alarm = meaning.removeprefix(_OPEN) if isinstance(meaning, str) else ""
    point = POINTS.get(alarm)
    if point is None or point.kind is not Kind.FLAG or alarm == CONTACT:
        near = [id for id, one in POINTS.items() if one.kind is Kind.FLAG and alarm and alarm in id][:3]
        fix = Text("write " + " or ".join(near), "写成 " + " 或 ".join(near)) if near else _FIX
        table.problem("contacts", _AN_ALARM, f"{number} = {meaning!r}", fix)
        return ""
    if alarm in taken:
        table.problem("contacts", _ONCE, f"`{alarm}` twice", Text("name another alarm", "改用另一告警"))
        return ""
    return alarm


def _range(rows: Mapping[str, Value]) -> str:
    numbers = [str(number) for number in rows]
    return f"{numbers[0]} … {numbers[-1]}" if numbers else "none"


_CONTACTS = Text("contacts and what they mean", "触点及其含义")
_FIX = Text(
    'write contacts = { 1 = "alarm.on_battery", 2 = "!alarm.general_fault" }',
    '写成 contacts = { 1 = "alarm.on_battery", 2 = "!alarm.general_fault" }',
)
_A_PROFILE = Text("a profile that reads contacts", "读取触点的 profile")
_FIX_PROFILE = Text('write profile = "dry_contacts"', '写 profile = "dry_contacts"')
_AN_ALARM = Text(
    "an alarm of the dictionary, with ! before it where open means alarm", "字典中的告警；断开表示告警时前加 !"
)
_ONCE = Text("each alarm from one contact", "每个告警只来自一个触点")
