"""Forms on the database: checked, kept as a document and a line of the book, and entered into the ticket."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import sqlalchemy as sa

import desk.store as desk
from desk import documents, field_sql, forms
from desk.forms import Filled
from desk.lines import Data, FieldRefused, Subject, by_id, not_ahead
from desk.policy import Form, Policy
from desk.telling import tell
from desk.types import Draft, EntryKind
from model.text import Text


def fill(
    conn: sa.Connection,
    folder: Path | None,
    policy: Policy,
    form: str,
    values: Mapping[str, str],
    who: str,
    at: int,
    now: int,
    *,
    of: Subject,
    satisfaction: str | None = None,
    signer: str | None = None,
    signed_document: str | None = None,
) -> Filled:
    """Fill in one of the contract's forms; with `of.ticket` it goes into the ledger, a satisfaction as a survey, too.

    Raises FieldRefused; ActRefused when the form says that a change was carried out that nobody consented to.
    """
    not_ahead(at, now)
    rule = forms.named(policy, form)
    grade = forms.grade_of(satisfaction)
    clean = forms.checked(rule, values, grade, signer)
    if signed_document and not documents.find(conn, hash=signed_document, customer=of.customer):
        raise FieldRefused(NO_PAPER.format(document=signed_document))
    body = msgspec.json.encode(
        {
            "form": form,
            "title": rule.title,
            "source": rule.source,
            "policy": policy.pin,
            **msgspec.structs.asdict(of),
            "at": at,
            "who": who,
            "values": clean,
            "satisfaction": grade,
            "signer": signer,
        },
        order="deterministic",
    )
    document = documents.hash_of(body)
    if folder is not None:
        links = documents.Links(ticket=of.ticket, device=of.device, site=of.site, customer=of.customer)
        documents.put(conn, folder, f"{form}.json", "application/json", body, who, at, links)
    data: Data = {
        "form": form,
        "values": clean,
        "satisfaction": grade,
        "signer": signer,
        "document": document,
        "signed_document": signed_document,
        "policy": policy.pin,
    }
    with conn.begin_nested():  # a refusal leaves no form behind
        line = field_sql.begin(conn, "form", "F", "filled", who, at, now, rule.title, of=of, data=data)
        if of.ticket is not None:
            tell(conn, of.ticket, _drafts(rule, line.id, data, who, at), now)
    return forms.fold([line])


def correct(conn: sa.Connection, id: str, values: Mapping[str, str], why: str, who: str, now: int) -> Filled:
    """Other words for some fields, beside the first ones. Raises FieldRefused."""
    lines = field_sql.lines(conn, "form", id=id)
    if not lines:
        raise FieldRefused(NO_FORM.format(form=id))
    known = forms.fold(lines).values
    unknown = sorted(set(values) - set(known))
    if unknown or not values or not why.strip():
        raise FieldRefused(BAD_CORRECTION.format(fields=", ".join(known)))
    text = Text(f"corrected: {why}", f"更正：{why}")
    field_sql.add(conn, "form", id, "corrected", who, now, now, text, data={"values": dict(values), "why": why})
    return forms.fold(field_sql.lines(conn, "form", id=id))


def listed(conn: sa.Connection, *, ticket: str | None = None, customer: str | None = None) -> list[Filled]:
    """In the order in which they were filled in."""
    found = by_id(field_sql.lines(conn, "form", ticket=ticket, customer=customer))
    return [forms.fold(lines) for lines in found.values()]


def missing(conn: sa.Connection, ticket: str) -> list[Form]:
    """What the contract asks for and nobody filled in yet."""
    held = desk.ticket(conn, ticket)
    return forms.missing(desk.policy(conn, held), held, desk.ledger(conn, ticket))


def _drafts(rule: Form, id: str, data: Data, who: str, at: int) -> list[Draft]:
    grade = data["satisfaction"]
    text = rule.title
    if data["signer"]:
        text = Text(f"{text.en}, signed by {data['signer']}", f"{text.zh}，{data['signer']} 签字")
    entry: dict[str, str | int | float | None] = {"form": rule.id, "id": id, "document": data["document"]}
    if forms.changes(data["values"]):
        entry["change"] = 1
    drafts = [Draft(at=at, who=who, kind=EntryKind.FORM, text=text, data=entry)]
    if grade:
        said = forms.GRADES.get(grade, Text(grade, grade))
        told: dict[str, str | int | float | None] = {"grade": grade, "form": id}
        drafts.append(Draft(at=at, who=who, kind=EntryKind.SURVEYED, text=said, data=told))
    return drafts


NO_FORM = Text(
    "no form {form}: `roundsman field form list` shows them", "没有表单 {form}：用 `roundsman field form list` 查看"
)
NO_PAPER = Text(
    "document {document} is not kept here, or not this customer's: put the signed paper in first",
    "文件 {document} 未存档，或不属于该客户：请先存入签署文件",
)
BAD_CORRECTION = Text(
    "a correction names fields of this form ({fields}) and the reason", "更正须写明本表单字段（{fields}）及原因"
)
