"""How each thing of the field reads: one JSON object, one line for a person."""

from __future__ import annotations

from datetime import date
from typing import Any

from desk import complaints, field_sql, forms, parts, visits
from desk.agreement import PARTS, Consent, scope_name
from desk.complaints import Complaint
from desk.consent import Permit, Refusal
from desk.duties import NAMES as STATES
from desk.duties import Standing
from desk.engineers import Candidate, Engineer
from desk.forms import Filled
from desk.inspection import NAMES as FOUND
from desk.inspection import Item
from desk.lines import FieldRefused, Line, Subject
from desk.parts import Part
from desk.policy import Form, Gate
from desk.surveys import Survey
from desk.training import Training
from desk.visits import Visit
from model.text import Text
from roundsman.field import Room, Shown, plain


def subject_of(room: Room, kind: str, id: str) -> Subject:
    """What a thing of the book belongs to. Raises FieldRefused."""
    lines = field_sql.lines(room.conn, kind, id=id)
    if not lines:
        raise FieldRefused(
            Text(
                f"no {kind} {id}: `roundsman field {kind} list` shows them",
                f"没有 {id}：用 `roundsman field {kind} list` 查看",
            )
        )
    first = lines[0]
    return Subject(customer=first.customer, site=first.site, device=first.device, ticket=first.ticket)


def consent(room: Room, held: Consent, asked: Line) -> Shown:
    needs = str(asked.data.get("needs") or "").split(",")
    state = "ended" if held.ended else "refused" if held.refused else "asked"
    if state == "asked" and held.expires_at is not None and held.expires_at <= room.now:
        state = "ended"
    if state == "asked" and all(part in held.given for part in needs):
        state = "given"
    names = {
        "ended": Text("over", "已终止"),
        "refused": Text("refused", "被拒绝"),
        "asked": Text("asked for", "申请中"),
        "given": Text("given", "已授权"),
    }
    open_ = [PARTS[p] for p in needs if p in PARTS and p not in held.given]
    lacks = Text(
        f", missing {', '.join(t.en for t in open_)}" if open_ and state != "ended" else "",
        f"，缺少{'、'.join(t.zh for t in open_)}" if open_ and state != "ended" else "",
    )
    until = room.wall(held.expires_at, asked.site)
    scope = scope_name(held.scope)
    what = f"{held.id}  {held.ticket or '–'}  {', '.join(held.devices)}"
    line = Text(
        f"{what}  {scope.en}: {names[state].en}{lacks.en}, until {until}",
        f"{what}  {scope.zh}：{names[state].zh}{lacks.zh}，至 {until}",
    )
    return {**plain(held), "state": state, "needs": needs, "customer": asked.customer}, line


def gate(one: Gate) -> Shown:
    needs = [PARTS.get(part, Text(part, part)) for part in one.needs]
    valid = one.valid.iso if one.valid else None
    json: dict[str, Any] = {
        "gate": one.id,
        "scope": one.scope,
        "title": plain(one.title),
        "needs": list(one.needs),
        "valid": valid,
        "source": one.source,
    }
    line = Text(
        f"{one.title.en} ({one.source}): {', '.join(t.en for t in needs)}",
        f"{one.title.zh}（{one.source}）：{'、'.join(t.zh for t in needs)}",
    )
    return json, line


def answer(room: Room, held: Permit | Refusal, site: str | None) -> Shown:
    if isinstance(held, Refusal):
        return {"permitted": False, **plain(held)}, held.text
    told = {
        name: plain(getattr(held, name)) for name in ("device", "scope", "ticket", "consents", "documents", "until")
    }
    until = room.wall(held.until, site)
    line = Text(
        f"permitted on {held.device} by {', '.join(held.consents)}, until {until}",
        f"允许：{held.device}，依据 {'、'.join(held.consents)}，至 {until}",
    )
    return {"permitted": True, **told}, line


def visit(room: Room, one: Visit) -> Shown:
    name = visits.NAMES[one.state]
    when = " ".join(
        f"{label} {room.wall(at, one.site)}"
        for label, at in (("→", one.dispatched_at), ("⚑", one.arrived_at), ("✓", one.done_at))
        if at is not None
    )
    where = f"{one.id}  {one.ticket or one.site}  {one.engineer}"
    planned = room.wall(one.starts_at, one.site)
    line = Text(f"{where}  {name.en}  {planned}  {when}".rstrip(), f"{where}  {name.zh}  {planned}  {when}".rstrip())
    return plain(one), line


def engineer(one: Engineer) -> Shown:
    grade = one.grade or "–"
    line = f"{one.id}  {{}}  {grade}  {one.hours}  {one.base or '–'}  {', '.join(one.skills)}".rstrip()
    return plain(one), Text(line.format(one.name.en), line.format(one.name.zh))


def candidate(room: Room, one: Candidate, site: str | None) -> Shown:
    arrives = room.wall(one.arrives_at, site)
    fits = Text("fits", "合适") if one.fits else Text("does not fit", "不合适")
    line = Text(
        f"{one.engineer.id}  {fits.en}  arrives {arrives}  {'; '.join(t.en for t in one.reasons)}",
        f"{one.engineer.id}  {fits.zh}  {arrives} 到场  {'；'.join(t.zh for t in one.reasons)}",
    )
    return plain(one), line


def part(room: Room, one: Part) -> Shown:
    name = parts.NAMES[one.state]
    what = f"{one.id}  {one.ticket or '–'}  {one.item}  {one.serial or ''}".rstrip()
    times = f"{room.wall(one.since, one.site)} … {room.wall(one.ended_at or one.expected_at, one.site)}"
    return plain(one), Text(f"{what}  {name.en}  {times}", f"{what}  {name.zh}  {times}")


def duty(one: Standing) -> Shown:
    job, name = one.job, STATES[one.state]
    told: Text | date = one.due_on or job.duty.text or Text("–", "–")
    en, zh = (told.en, told.zh) if isinstance(told, Text) else (str(told), str(told))
    times = f"  {one.done_in_period}/{job.duty.times}" if job.duty.times > 1 else ""
    missed = Text(f"  missed {one.missed}", f"  漏做 {one.missed} 次") if one.missed else Text("", "")
    line = Text(
        f"{name.en:<10} {en}  {job.key}  {job.duty.title.en}{times}{missed.en}  [{job.duty.source}]",
        f"{name.zh}  {zh}  {job.key}  {job.duty.title.zh}{times}{missed.zh}  ［{job.duty.source}］",
    )
    return plain(one), line


def item(one: Item) -> Shown:
    found = FOUND[one.found]

    def values(zh: bool) -> str:
        told = []
        for v in one.values:
            read = (v.said.zh if zh else v.said.en) if v.said else f"{v.value:g} {v.unit}".rstrip()
            index = f"[{v.index}]" if v.index else ""
            told.append(f"{v.device} {v.point}{index} {read}")
        return "; ".join(told)

    line = Text(
        f"{one.number}. {one.text.en}: {found.en}" + (f" ({values(False)})" if one.values else ""),
        f"{one.number}. {one.text.zh}：{found.zh}" + (f"（{values(True)}）" if one.values else ""),
    )
    return plain(one), line


def form(room: Room, one: Filled) -> Shown:
    graded = forms.GRADES.get(one.satisfaction or "", Text(one.satisfaction or "", one.satisfaction or ""))
    head = (
        f"{one.id}  {one.ticket or one.customer or '–'}  {one.form}  {room.wall(one.at, one.site)}  {one.signer or ''}"
    )
    return plain(one), Text(f"{head} {graded.en}".rstrip(), f"{head} {graded.zh}".rstrip())


def blank(rule: Form, known: dict[str, str]) -> list[Shown]:
    """The fields of a form, one a line, with what is known."""
    shown: list[Shown] = []
    for name in rule.fields:
        title = forms.FIELDS.get(name, Text(name, name))
        value = known.get(name, "")
        json = {"form": rule.id, "field": name, "title": plain(title), "value": value or None}
        shown.append((json, Text(f"{name} ({title.en}): {value}", f"{name}（{title.zh}）：{value}")))
    return shown


def rule(one: Form) -> Shown:
    json: dict[str, Any] = {
        "form": one.id,
        "title": plain(one.title),
        "fields": list(one.fields),
        "signed_by": one.signed_by,
        "grades": list(one.grades),
        "source": one.source,
    }
    return json, Text(f"{one.id}  {one.title.en}  ({one.source})", f"{one.id}  {one.title.zh}（{one.source}）")


def survey(room: Room, one: Survey) -> Shown:
    name = forms.GRADES.get(one.grade, Text(one.grade, one.grade))
    head = f"{one.id}  {room.wall(one.at, None)}  {one.customer or '–'}  {one.ticket or ''}".rstrip()
    return plain(one), Text(f"{head}  {name.en}  {one.words}".rstrip(), f"{head}  {name.zh}  {one.words}".rstrip())


def complaint(room: Room, one: Complaint) -> Shown:
    kind, state = complaints.NAMES[one.kind], complaints.NAMES[one.state]
    head = f"{one.id}  {room.wall(one.at, one.site)}  {one.customer or '–'}  {one.ticket or ''}".rstrip()
    days = (room.now - one.at) // 86_400_000
    line = Text(
        f"{head}  {kind.en}, {state.en}, {days} days old: {one.words}",
        f"{head}  {kind.zh}，{state.zh}，已 {days} 天：{one.words}",
    )
    return plain(one), line


def training(room: Room, one: Training) -> Shown:
    passed = sum(a.passed for a in one.newest().values())
    head = f"{one.id}  {room.wall(one.at, one.site)}  {one.title}  {one.trainer}"
    line = Text(
        f"{head}: {len(one.people)} people, {passed} passed, {len(one.open())} not assessed",
        f"{head}：学员 {len(one.people)} 人，合格 {passed} 项，未考核 {len(one.open())} 项",
    )
    json = plain(one)
    json["open"] = plain(one.open())
    return json, line
