"""Documents by content: kept once, found by what they belong to, damage seen, nobody else's shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from desk import documents
from desk.documents import DocumentDamaged, DocumentMissing, DocumentRefused, Links

PDF = b"%PDF-1.7 body"
HARBOUR = Links(ticket="T-000001", device="sz/ups-1", site="sz", customer="harbour")
LAKESIDE = Links(customer="lakeside")


def put(conn: sa.Connection, folder: Path, body: bytes = PDF, **more: object) -> str:
    told = {"name": "report.pdf", "media_type": "application/pdf", "who": "ann", "at": 5, "links": HARBOUR, **more}
    return documents.put(conn, folder, body=body, **told)  # type: ignore[arg-type]


def test_the_same_bytes_are_one_file_under_several_names(conn: sa.Connection, tmp_path: Path) -> None:
    hash = put(conn, tmp_path)
    assert put(conn, tmp_path) == hash
    assert put(conn, tmp_path, name="copy.pdf", links=LAKESIDE) == hash
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [hash]
    named = {(d.name, d.links.customer) for d in documents.find(conn, hash=hash)}
    assert named == {("report.pdf", "harbour"), ("copy.pdf", "lakeside")}
    found, body = documents.get(conn, tmp_path, hash)
    assert (body, found.size, found.media_type, found.who, found.at) == (PDF, len(PDF), "application/pdf", "ann", 5)


def test_it_is_found_by_each_of_its_links(conn: sa.Connection, tmp_path: Path) -> None:
    put(conn, tmp_path)
    for name in ("ticket", "device", "site", "customer"):
        assert len(documents.find(conn, **{name: getattr(HARBOUR, name)})) == 1
        assert documents.find(conn, **{name: "other"}) == []


def test_a_customer_gets_only_their_own(conn: sa.Connection, tmp_path: Path) -> None:
    hash = put(conn, tmp_path)
    assert documents.get(conn, tmp_path, hash, customer="harbour")[1] == PDF
    with pytest.raises(DocumentMissing):
        documents.get(conn, tmp_path, hash, customer="lakeside")
    assert documents.find(conn, customer="lakeside") == []


def test_damaged_missing_and_unnamed_files_are_told(conn: sa.Connection, tmp_path: Path) -> None:
    good, bad, gone = put(conn, tmp_path), put(conn, tmp_path, b"%PDF-bad"), put(conn, tmp_path, b"%PDF-gone")
    documents.path_of(tmp_path, bad).write_bytes(b"%PDF-BAD")
    documents.path_of(tmp_path, gone).unlink()
    (tmp_path / good[:2] / ("0" * 64)).write_bytes(b"left by a crash")
    assert {(d.hash, d.what) for d in documents.verify(conn, tmp_path)} == {
        (bad, "damaged"),
        (gone, "missing"),
        ("0" * 64, "unnamed"),
    }
    for hash in (bad, gone):
        with pytest.raises(DocumentDamaged):
            documents.get(conn, tmp_path, hash)
    put(conn, tmp_path, b"%PDF-bad")  # the same file brought again mends it
    put(conn, tmp_path, b"%PDF-gone")
    assert [d.what for d in documents.verify(conn, tmp_path)] == ["unnamed"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\li\\报告 1.pdf", "报告 1.pdf"),
        ("a\nb\x00.pdf", "ab.pdf"),
        ("x" * 300, "x" * 200),
    ],
)
def test_a_name_is_for_people_and_never_a_path(conn: sa.Connection, tmp_path: Path, name: str, kept: str) -> None:
    hash = put(conn, tmp_path / "documents", name=name)
    assert documents.find(conn, hash=hash)[0].name == kept
    assert [p.relative_to(tmp_path).parts[0] for p in tmp_path.iterdir()] == ["documents"]


@pytest.mark.parametrize("hash", ["../../secret", "", "g" * 64, "A" * 64, "ab" * 31])
def test_what_is_no_hash_is_no_path(tmp_path: Path, hash: str) -> None:
    with pytest.raises(DocumentMissing):
        documents.path_of(tmp_path, hash)


@pytest.mark.parametrize(
    ("media_type", "body", "word"),
    [
        ("application/pdf", b"<html>", "text"),
        ("text/plain", b"%PDF-1.7", "application/pdf"),
        ("text/plain", b"a\0b", "unknown bytes"),
        ("application/x-executable", b"\x7fELF\xff", "unknown bytes"),
        ("application/zip", b"", "0"),
    ],
)
def test_a_type_must_be_what_the_bytes_say(
    conn: sa.Connection, tmp_path: Path, media_type: str, body: bytes, word: str
) -> None:
    with pytest.raises(DocumentRefused) as refused:
        put(conn, tmp_path, body, media_type=media_type)
    assert word in refused.value.text.en
    assert word in refused.value.text.zh or word in ("text", "unknown bytes")
    assert not list(tmp_path.iterdir())


def test_office_files_are_zips_and_texts_are_utf8(conn: sa.Connection, tmp_path: Path) -> None:
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert put(conn, tmp_path, b"PK\x03\x04..", name="list.xlsx", media_type=sheet)
    assert put(conn, tmp_path, "记录".encode(), name="note.txt", media_type="text/plain")


def test_a_file_too_large_is_refused_before_it_is_written(
    conn: sa.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_BYTES", 10)
    with pytest.raises(DocumentRefused, match="1 to 10 bytes"):
        put(conn, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_file(conn: sa.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        put(conn, tmp_path)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]
    assert documents.find(conn) == []


_KILLED = """
import os, sys
from pathlib import Path
from desk import documents
at, folder = sys.argv[1:]
def end(*_):
    os._exit(9)
if at == "written":
    documents.os.fsync = end
elif at == "flushed":
    Path.replace = end
elif at == "renamed":
    documents.os.open = end
documents._write(documents.path_of(Path(folder), documents.hash_of(b"%PDF-x")), b"%PDF-x")
"""


@pytest.mark.parametrize("at", ["written", "flushed", "renamed"])
def test_killed_at_any_step_it_leaves_no_half_document(conn: sa.Connection, tmp_path: Path, at: str) -> None:
    assert subprocess.run([sys.executable, "-c", _KILLED, at, str(tmp_path)], check=False).returncode == 9
    left = list(documents.verify(conn, tmp_path))
    assert [d.what for d in left] == ["unnamed"]
    for damage in left:
        assert damage.path.name.startswith(".") or damage.path.read_bytes() == b"%PDF-x"
    hash = put(conn, tmp_path, b"%PDF-x")  # said again after the restart
    assert documents.get(conn, tmp_path, hash)[1] == b"%PDF-x"


def test_two_who_bring_the_same_file_at_once_both_succeed(conn: sa.Connection, tmp_path: Path) -> None:
    hash = put(conn, tmp_path)
    row = documents.table.insert().values(hash=hash, media_type="application/pdf", size=1, first_at=1)
    assert documents.once(conn, row) is False
    assert put(conn, tmp_path, who="ben") == hash
    assert {d.who for d in documents.find(conn)} == {"ann", "ben"}
