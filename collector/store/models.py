"""Trained models by name and version. Bytes are handed out only when they have the digest under which they were kept."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import sqlalchemy as sa

from collector.store import tables as t

_M = t.models.c
#: Of each name so many versions stay.
MOST_VERSIONS = 8


class DamagedModel(ValueError):
    """The bytes are not those that were kept. Says where, expected, got, fix."""


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `first_at` to `last_at`: the data it was made of (ms), `rows` of them; `note`: its figures, as JSON."""

    name: str
    version: int
    made: int
    first_at: int
    last_at: int
    rows: int
    digest: str
    note: str

    @property
    def id(self) -> str:
        """As forecasts name it."""
        return f"{self.name}@{self.version}"


_SHOWN = [_M[name] for name in ModelRow.__struct_fields__]


def put_model(
    conn: sa.Connection, name: str, body: bytes, made: int, span: tuple[int, int], rows: int, note: str = "{}"
) -> ModelRow:
    """Keep a new version; the oldest beyond `MOST_VERSIONS` goes."""
    last = conn.scalar(sa.select(sa.func.max(_M.version)).where(_M.name == name)) or 0
    row = ModelRow(
        name=name, version=last + 1, made=made, first_at=span[0], last_at=span[1], rows=rows, digest=sha256(body).hexdigest(), note=note,
    )  # fmt: skip
    conn.execute(t.models.insert().values(**msgspec.structs.asdict(row), body=body))
    conn.execute(t.models.delete().where(_M.name == name, _M.version <= row.version - MOST_VERSIONS))
    return row


def listed(conn: sa.Connection, prefix: str = "") -> list[ModelRow]:
    """The newest version of each name that begins with `prefix`."""
    newest = sa.select(_M.name, sa.func.max(_M.version).label("version")).group_by(_M.name).subquery()
    query = sa.select(*_SHOWN).join(newest, sa.and_(_M.name == newest.c.name, _M.version == newest.c.version))
    rows = conn.execute(query.where(_M.name.startswith(prefix, autoescape=True)).order_by(_M.name))
    return [ModelRow(**row._asdict()) for row in rows]


def body_of(conn: sa.Connection, row: ModelRow) -> bytes:
    """The bytes of a version. Raises `DamagedModel`."""
    body = conn.scalar(sa.select(_M["body"]).where(_M.name == row.name, _M.version == row.version))
    got = sha256(body or b"").hexdigest()
    if got != row.digest:
        raise DamagedModel(
            f"models {row.id}: expected bytes with sha256 {row.digest[:12]}, got {got[:12]}; fix: roundsman analyze train makes a new version"
        )
    return bytes(body or b"")
