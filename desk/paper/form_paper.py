"""A form that the contract names: filled in as far as the ledger knows, the rest as room to write, sign and tick. Pure."""

from __future__ import annotations

from collections.abc import Callable

from desk import words
from desk.forms import FIELDS, GRADES, Filled
from desk.paper.case import Case, about, heading, minute
from desk.paper.types import Block, Choice, Facts, Paper, Room, Section, same
from desk.policy import Form
from desk.types import EntryKind
from model.text import Text

SIGNERS = {
    "purchaser_named_technician": Text("the purchaser's named technician", "采购方指定技术人员"),
    "customer": Text("the customer", "客户"),
    "supervisor": Text("the supervisor", "主管领导"),
}


class UnknownForm(LookupError):
    """The ticket's policy has no such form. `text` names those it has."""

    def __init__(self, case: Case, id: str) -> None:
        options = ", ".join(f.id for f in case.policy.forms) or "-"
        self.text = Text(
            f"policy {case.policy.id} has the forms {options}, got {id}",
            f"政策 {case.policy.id} 的表单为 {options}，实为 {id}",
        )
        super().__init__(self.text.en)


def form_of(case: Case, id: str) -> Form:
    """The form by its id; `` takes the first that is signed, else the first. Raises UnknownForm."""
    forms = case.policy.forms
    wanted = [f for f in forms if f.id == id] if id else sorted(forms, key=lambda f: not f.grades)
    if not wanted:
        raise UnknownForm(case, id)
    return wanted[0]


def form_paper(case: Case, form: Form, filled: Filled | None = None) -> Paper:
    """The form on paper: as it was filled in, or drafted from the ledger with room for the rest."""
    blocks: list[Block] = []
    said = _said_in(filled) if filled else {}
    grade = filled.satisfaction if filled else None
    for field in form.fields:
        label = FIELDS.get(field, same(field.replace("_", " ")))
        value = same(said[field]) if field in said else _known(case, field)
        blocks.append(Facts(rows=((label, value),)) if value else Room(label=label, lines=3))
    if form.grades:
        options = tuple(GRADES.get(g, same(g)) for g in form.grades)
        chosen = form.grades.index(grade) if grade in form.grades else _surveyed(case, form)
        blocks.append(Choice(label=Text("Satisfaction", "满意度"), options=options, chosen=chosen))
    if form.signed_by:
        who = SIGNERS.get(form.signed_by, same(form.signed_by.replace("_", " ")))
        name = filled.signer if filled and filled.signer else ""
        label = Text(f"Signature of {who.en}, date  {name}", f"{who.zh}签字、日期  {name}")
        blocks.append(Room(label=label, lines=3))
    blocks.append(Room(label=Text("Signature of the engineer, date", "工程师签字、日期"), lines=2))
    return Paper(
        kind="form",
        title=form.title,
        subtitle=Text(f"{case.ticket.id} · {form.source}", f"{case.ticket.id} · {form.source}"),
        head=heading(case),
        sections=(Section(id=form.id, title=form.title, blocks=tuple(blocks)),),
        as_of=case.now,
        tz=case.tz,
        about=about(case),
    )


def _said_in(filled: Filled) -> dict[str, str]:
    """The values, each with its later corrections beneath."""
    said = dict(filled.values)
    for words_of in filled.corrections:
        said.update({field: f"{said.get(field, '')}\n→ {value}" for field, value in words_of.items()})
    return said


def _surveyed(case: Case, form: Form) -> int | None:
    said = case.last(EntryKind.SURVEYED)
    grade = str(said.data.get("grade")) if said else ""
    return form.grades.index(grade) if grade in form.grades else None


def _known(case: Case, field: str) -> Text | None:
    found = _SOURCES.get(field)
    return found(case) if found else None


def _last(*kinds: EntryKind) -> Callable[[Case], Text | None]:
    def say(case: Case) -> Text | None:
        entry = case.last(*kinds)
        return entry.text if entry else None

    return say


def _said(case: Case) -> Text | None:
    """What was done, step by step."""
    kinds = (EntryKind.PART_FITTED, EntryKind.LENT, EntryKind.RESTORED, EntryKind.RESOLVED)
    steps = case.of(*kinds)
    en = "\n".join(f"{minute(e.at, case.tz)} {words.ENTRIES[e.kind].en}: {e.text.en}" for e in steps)
    zh = "\n".join(f"{minute(e.at, case.tz)} {words.ENTRIES[e.kind].zh}：{e.text.zh}" for e in steps)
    return Text(en, zh) if steps else None


def _equipment(case: Case) -> Text | None:
    device = case.device
    return same(" ".join(filter(None, (device.name.zh, device.model, device.serial)))) if device else None


def _place(case: Case) -> Text:
    site = case.inventory.site(case.ticket.site)
    return Text(f"{site.name.en} {site.place}".strip(), f"{site.name.zh} {site.place}".strip())


def _customer(case: Case) -> Text:
    known = case.inventory.customers.get(case.ticket.customer)
    return known.name if known else same(case.ticket.customer)


def _title(case: Case) -> Text:
    return case.ticket.title


_cause, _solution = _last(EntryKind.DIAGNOSED), _last(EntryKind.PLANNED)
_SOURCES: dict[str, Callable[[Case], Text | None]] = {
    **dict.fromkeys(("cause", "analysis"), _cause),
    **dict.fromkeys(("measures", "solution"), _solution),
    **dict.fromkeys(("method", "repair", "content", "service_items", "change"), _said),
    **dict.fromkeys(("result", "verified", "tested"), _last(EntryKind.RESTORED, EntryKind.RESOLVED)),
    **dict.fromkeys(("problem", "fault", "description", "request", "question"), _title),
    **dict.fromkeys(("user", "customer"), _customer),
    "equipment": _equipment,
    "place": _place,
    "time": lambda case: same(minute(case.ticket.opened_at, case.tz)),
    "class": lambda case: case.policy.level(case.ticket.level).name,
    "reporter": lambda case: same(case.of(EntryKind.OPENED)[0].who),
}
