"""A PDF read back with poppler: what a person can select, how many pages, which fonts."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.services import need


def _run(program: str, *args: str) -> str:
    command = [need(program, "poppler-utils"), *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def text(body: bytes, folder: Path) -> str:
    """All that can be selected, without spaces: Chinese and wrapped lines compare as they read."""
    file = folder / "read.pdf"
    file.write_bytes(body)
    return re.sub(r"\s+", "", _run("pdftotext", "-layout", str(file), "-"))


def count(body: bytes, folder: Path) -> int:
    file = folder / "count.pdf"
    file.write_bytes(body)
    found = re.search(r"^Pages:\s+(\d+)", _run("pdfinfo", str(file)), re.MULTILINE)
    assert found
    return int(found[1])


def fonts(body: bytes, folder: Path) -> str:
    file = folder / "fonts.pdf"
    file.write_bytes(body)
    return _run("pdffonts", str(file))
