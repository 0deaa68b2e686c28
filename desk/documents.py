"""Files that belong to tickets, equipment, sites and customers: by content hash, beside the database.

`FOLDER/ab/abcdef…` holds the bytes, the tables say what they are and whose. The same bytes are kept once. A file is written
under another name, flushed, then renamed: whoever sees it sees all of it, and a row is only written after that, so a kill
leaves at most a file that nobody names. Names and types that people bring are never used as paths.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path, PurePosixPath, PureWindowsPath

import msgspec
import sqlalchemy as sa

from alerts.types import identity
from desk.paper_tables import document_links as links_table
from desk.paper_tables import documents as table
from model.text import Text

#: One file; a scanned plan of many pages fits, a disk image does not.
MOST_BYTES = 32 * 1024 * 1024
_MOST_NAME = 200

#: What the first bytes say. Order matters: the first that fits.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
)
#: Types that are a zip within.
_ZIPPED = ("application/zip", "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")
#: Types that have no magic, and must then be text.
_TEXTS = ("text/plain", "text/html", "text/csv", "text/markdown", "application/json", "image/svg+xml", "message/rfc822")


class DocumentRefused(ValueError):
    """The file cannot be kept as told; `text` says what was expected, what came and what to do."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class DocumentMissing(LookupError):
    """No such document, or not this customer's: the two are not told apart on purpose."""


class DocumentDamaged(RuntimeError):
    """The bytes on the disk are not those that were kept, or are gone."""


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """To what it belongs; what is None is not said."""

    ticket: str | None = None
    device: str | None = None
    site: str | None = None
    customer: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One file under one name."""

    hash: str
    name: str
    media_type: str
    size: int
    who: str
    at: int
    links: Links


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` found: `what` is missing | damaged | unnamed (a file that no row names: harmless)."""

    hash: str
    what: str
    path: Path


def hash_of(body: bytes) -> str:
    """The document's id."""
    return blake2b(body, digest_size=32).hexdigest()


def put(
    conn: sa.Connection, folder: Path, name: str, media_type: str, body: bytes, who: str, at: int, links: Links
) -> str:
    """Keep the bytes; the hash. The same again changes nothing. Raises DocumentRefused, OSError."""
    plain = _name(name)
    kind = _kind(plain, media_type, body)
    hash = hash_of(body)
    _write(path_of(folder, hash), body)
    once(conn, table.insert().values(hash=hash, media_type=kind, size=len(body), first_at=at))
    id = identity(hash, plain, who, at, *msgspec.structs.astuple(links))
    row = {"id": id, "hash": hash, "name": plain, "who": who, "at": at, **msgspec.structs.asdict(links)}
    once(conn, links_table.insert().values(row))
    return hash


def get(conn: sa.Connection, folder: Path, hash: str, customer: str | None = None) -> tuple[Document, bytes]:
    """A document and its bytes; `customer` limits it to their own. Raises DocumentMissing, DocumentDamaged."""
    found = find(conn, hash=hash, customer=customer)
    if not found:
        raise DocumentMissing(hash)
    path = path_of(folder, hash)
    try:
        body = path.read_bytes()
    except OSError as error:
        raise DocumentDamaged(f"{hash}: {error}; `roundsman report verify` lists all") from error
    if hash_of(body) != hash:
        raise DocumentDamaged(f"{path}: its bytes changed since it was kept; `roundsman report verify` lists all")
    return found[0], body


def find(
    conn: sa.Connection,
    *,
    hash: str | None = None,
    ticket: str | None = None,
    device: str | None = None,
    site: str | None = None,
    customer: str | None = None,
) -> list[Document]:
    """Documents by what they belong to, newest first; a customer sees only what is linked to them."""
    query = sa.select(table.c.media_type, table.c.size, links_table).join(
        links_table, links_table.c.hash == table.c.hash
    )
    wanted = {"hash": hash, "ticket": ticket, "device": device, "site": site, "customer": customer}
    for column, value in wanted.items():
        if value is not None:
            query = query.where(links_table.c[column] == value)
    rows = conn.execute(query.order_by(links_table.c.at.desc(), links_table.c.id))
    return [
        Document(
            hash=row.hash,
            name=row.name,
            media_type=row.media_type,
            size=row.size,
            who=row.who,
            at=row.at,
            links=Links(ticket=row.ticket, device=row.device, site=row.site, customer=row.customer),
        )
        for row in rows
    ]


def verify(conn: sa.Connection, folder: Path) -> Iterator[Damage]:
    """Read every file again: those that are missing or damaged, then those that nobody names."""
    known = set(conn.execute(sa.select(table.c.hash)).scalars())
    for hash in sorted(known):
        path = path_of(folder, hash)
        if not path.is_file():
            yield Damage(hash=hash, what="missing", path=path)
        elif _hash_of_file(path) != hash:
            yield Damage(hash=hash, what="damaged", path=path)
    for path in sorted(folder.glob("??/*")):
        if path.name not in known:
            yield Damage(hash=path.name, what="unnamed", path=path)


def path_of(folder: Path, hash: str) -> Path:
    """Where a document's bytes are. Raises DocumentMissing for what is no hash: nothing else ever becomes a path."""
    if len(hash) != 64 or set(hash) - set("0123456789abcdef"):
        raise DocumentMissing(hash[:80])
    return folder / hash[:2] / hash


def once(conn: sa.Connection, insert: sa.Insert) -> bool:
    """Insert a row whose key says what it is; False when it is there, also when another writer was faster by a hair."""
    try:
        with conn.begin_nested():
            conn.execute(insert)
    except sa.exc.IntegrityError:
        return False
    return True


def _name(name: str) -> str:
    """The last part of what somebody called it, for people to read."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    clean = "".join(c for c in last if c.isprintable()).strip(". ")[:_MOST_NAME]
    if not clean:
        raise DocumentRefused(
            Text(f"expected a file name, got {name[:80]!r}: give one", f"应有文件名，实为 {name[:80]!r}：请给出文件名")
        )
    return clean


def _kind(name: str, told: str, body: bytes) -> str:
    """The media type, which must be what the bytes say."""
    if not 0 < len(body) <= MOST_BYTES:
        raise DocumentRefused(
            Text(
                f"{name}: expected 1 to {MOST_BYTES} bytes, got {len(body)}; fix: split or shrink it",
                f"{name}：大小应为 1 到 {MOST_BYTES} 字节，实为 {len(body)}；改法：拆分或压缩",
            )
        )
    seen = next((kind for magic, kind in _MAGIC if body.startswith(magic)), None)
    if seen == "application/zip" and told.startswith(_ZIPPED):
        return told
    if seen is None and told in _TEXTS and _is_text(body):
        return told
    if seen is not None and seen == told:
        return told
    got = seen or ("text" if _is_text(body) else "unknown bytes")
    raise DocumentRefused(
        Text(
            f"{name}: expected {told}, got {got} by its first bytes; fix: name the type that it is",
            f"{name}：应为 {told}，按文件内容实为 {got}；改法：按实际类型提交",
        )
    )


def _is_text(body: bytes) -> bool:
    try:
        return "\0" not in body.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _write(path: Path, body: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(body) and _hash_of_file(path) == path.name:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name[:16]}.{secrets.token_hex(4)}")
    try:
        with made.open("xb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        made.replace(path)
    except OSError:
        made.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _hash_of_file(path: Path) -> str:
    digest = blake2b(digest_size=32)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
