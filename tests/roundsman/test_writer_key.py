"""`roundsman enrol SITE --key`: a key for a program that writes lines, shown once."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from collector import enrol
from collector.store import fleet, open_engine

ROOT = Path(__file__).resolve().parents[2]


def enrolled(folder: Path, site: str) -> subprocess.CompletedProcess[str]:
    (folder / "collector.toml").write_text('[collector]\ndata = "var/"\n')
    command = [
        sys.executable,
        "-m",
        "roundsman",
        "enrol",
        site,
        "--key",
        "--json",
        "--collector",
        str(folder / "collector.toml"),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_a_key_is_made_for_one_site_and_the_centre_knows_only_its_hash(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    open_engine(tmp_path / "var" / "centre.sqlite").dispose()
    done = enrolled(tmp_path, "sz-futian")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    engine = open_engine(tmp_path / "var" / "centre.sqlite")
    with engine.connect() as conn:
        assert fleet.agent_of_key(conn, sha256(told["key"].encode()).hexdigest())[:2] == (told["agent"], "sz-futian")
    with engine.begin() as conn, pytest.raises(enrol.EnrolError):
        enrol.register(conn, "no site!", "key", 0)
    engine.dispose()
