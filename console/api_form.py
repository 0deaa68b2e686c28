"""What the HTTP API takes and gives, as types; OpenAPI is made from these."""

from __future__ import annotations

from typing import Any

import msgspec

Value = str | int | float | None
REF = "#/components/schemas/{name}"


class NewTicket(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody told of something. `kind`: defect | consultation | planned. `place`: a device (`site/device`) or a site.

    `at`: when the call came, ms since 1970; now if left out. `data`: what the contract asks a caller for (serial,
    fault_information, debug_information, not_known: names that the caller does not know, level, customer_word, caller).
    `facts`: what conditions ask about (hardware, spares_on_site …: yes, no; kva).
    """

    kind: str
    place: str
    title: str
    at: int | None = None
    data: dict[str, Value] = {}
    facts: dict[str, Value] = {}


class NewAct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person did to a ticket. `kind`: a kind of entry (docs/desk.md); `data`: what it needs; `at`: when it
    happened, ms; `seen`: the last entry (seq) that the person had before them, to be told if somebody was faster."""

    kind: str
    text: str = ""
    at: int | None = None
    data: dict[str, Value] = {}
    seen: int | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of tickets (fields as in `roundsman ticket list --json`, and `due_at`); `next` goes into `after`."""

    tickets: list[dict[str, Any]]
    next: str | None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence in both languages."""

    en: str
    zh: str


class Error(msgspec.Struct, frozen=True, kw_only=True):
    """Every answer from 400 on. `code` is for programs: NotLoggedIn, NotAllowed, NotThere, Refused, Unclear …"""

    error: str
    said: Said
    code: str


_BOTH = {"Idempotency-Key": "at most 200 characters; the same request with the same key acts once"}
_ERRORS = {
    "400": "no such act",
    "401": "no valid key",
    "403": "the role may not do this",
    "404": "no such ticket, or not yours",
    "409": "the desk does not take it, and says why",
    "413": "too large",
    "422": "not understood, or the idempotency key was used for another request",
}


def described(body: type | None = None, answer: type | None = None) -> dict[str, Any]:
    """`openapi_extra` of a route: its body, its answer, its errors, and that it wants a key."""
    extra: dict[str, Any] = {"security": [{"key": []}], "responses": {}}
    for status, why in _ERRORS.items():
        extra["responses"][status] = {"description": why, **_content(Error)}
    if body is not None:
        extra["requestBody"] = {"required": True, **_content(body)}
        extra["parameters"] = [
            {"name": name, "in": "header", "required": False, "description": why, "schema": {"type": "string"}}
            for name, why in _BOTH.items()
        ]
    if answer is not None:
        extra["responses"]["200"] = {"description": "a page", **_content(answer)}
    return extra


def _content(of: type) -> dict[str, Any]:
    """The schema written out where it is used: nothing has to be registered elsewhere."""
    (schema,), parts = msgspec.json.schema_components([of], ref_template=REF)
    return {"content": {"application/json": {"schema": _inlined(schema, parts)}}}


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(parts[str(schema["$ref"]).rpartition("/")[2]], parts)
        return {key: _inlined(value, parts) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    return schema
