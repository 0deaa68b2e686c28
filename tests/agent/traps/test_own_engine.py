"""The file of our own engine id: rising boots, and nothing in it can stop the receiver."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.traps.own_engine import own_engine

TOLD: list[str] = []


def engine(file: Path) -> tuple[str, int]:
    return own_engine(file, lambda what, fix: TOLD.append(f"{what}; {fix}"))


def test_the_id_stays_and_the_boots_rise(tmp_path: Path) -> None:
    file = tmp_path / "spool.engine"
    first, again = engine(file), engine(file)
    assert (first[0], first[1] + 1) == again
    assert len(bytes.fromhex(first[0])) == 13


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"engine_id": "zz", "boots": 3}', '{"engine_id": 7, "boots": "x"}', '{"engine_id": "00"}', '{"engine_id": "00", "boots": 2147483646}'])  # fmt: skip
def test_a_damaged_file_is_replaced_by_a_sound_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "spool.engine"
    file.write_text(text)
    id, boots = engine(file)
    assert 5 <= len(bytes.fromhex(id)) <= 32
    assert 1 <= boots < 2**31 - 1
    assert json.loads(file.read_text()) == {"engine_id": id, "boots": boots}


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    TOLD.clear()
    engine(tmp_path / "nowhere" / "spool.engine")
    assert "cannot be written" in TOLD[0]
