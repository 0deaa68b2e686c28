"""A `[[connector]]` table of the collector's file as Settings; every mistake named at its line. Pure."""

from __future__ import annotations

from desk.connectors import KINDS, lint, settings
from desk.connectors.types import Audience, Settings
from model.text import Text
from model.toml_table import Table

_LISTS = ("kinds", "roles")


def read(table: Table) -> Settings:
    """Settings as written; usable only if the table has no errors."""
    kind = table.word("kind")
    to: Audience = "customer" if table.word("to", default="desk", among=("customer", "desk")) == "customer" else "desk"
    lists = {name: table.words(name, default=()) for name in _LISTS}
    found = settings(
        kind=kind,
        url=table.word("url"),
        secret=table.word("secret", default="", secret=True),
        customer=table.word("customer", default="*"),
        to=to,
        id=table.word("id", default=""),
        options=_options(table, kind),
        kinds=lists["kinds"] or _default_kinds(kind),
        roles=lists["roles"],
        person=table.word("person", default=""),
    )
    for key, expected, got in lint(found):
        if got != "nothing" or key not in ("kind", "url"):  # those are named by `word`
            table.problem(key, expected, got)
    return table.done(found)


def _default_kinds(kind: str) -> tuple[str, ...]:
    return KINDS[kind].hears if kind in KINDS else ()


def _options(table: Table, kind: str) -> dict[str, str]:
    """The kind's own settings; `state.closed` stands in a table below."""
    found: dict[str, str] = {}
    below: dict[str, Table] = {}
    for name in KINDS[kind].options if kind in KINDS else ():
        head, dot, rest = name.partition(".")
        place = below.setdefault(head, table.table(head, optional=True)) if dot else table
        value = place.get(rest or head, None)
        if value is None:
            continue
        if isinstance(value, bool | dict | list):
            place.problem(rest or head, Text("a word or a number", "文字或数字"), f"{value!r}"[:60])
            continue
        found[name] = f"{value:g}" if isinstance(value, float) else str(value)
    for each in below.values():
        each.done(None)
    return found
