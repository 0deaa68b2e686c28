"""A centre's files with an inventory, and the command run in this process on them: what the tests of commands share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from collector import inventory
from collector.store import open_engine, writing
from roundsman.cli import app
from tests.desk.stage import T0


def made(folder: Path, text: str, policies: list[str], also: Callable[[sa.Connection], None] | None = None) -> Path:
    """`folder` with a collector's file and a database that holds the inventory `text` since T0, and what `also` writes."""
    (folder / "collector.toml").write_text('[collector]\ndata = "var/"\n')
    (folder / "var").mkdir()
    engine = open_engine(folder / "var" / "centre.sqlite")
    found, problems = inventory.read(text, "inventory.toml", policies)
    assert not [p for p in problems if p.severity == "error"], problems
    with writing(engine) as conn:
        inventory.put(conn, found, text, T0)
        if also is not None:
            also(conn)
    engine.dispose()
    return folder


def answer(words: Iterable[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, list[dict[str, Any]], str]:
    """Exit status, the JSON objects it printed, and all that it said."""
    status = app(list(words), exit_on_error=False, result_action="return_value")
    out, err = capsys.readouterr()
    return status, [json.loads(row) for row in out.splitlines() if row.startswith("{")], out + err
