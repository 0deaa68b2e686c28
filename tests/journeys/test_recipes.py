"""CONTRIBUTING's recipes, followed literally, from a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.simulated import simulated

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"```sh recipe=(\w+)\n(.*?)```", re.DOTALL)


def recipe(name: str) -> list[str]:
    """The commands of one recipe, as they stand in CONTRIBUTING.md."""
    blocks = dict(_BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    return [line for line in blocks[name].splitlines() if line.strip()]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree as git knows it, in a repository of its own."""
    tree = tmp_path / "tree"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        subprocess.run(["git", *words], cwd=tree, check=True, env=surroundings(tree))
    return tree


def surroundings(tree: Path, **more: str) -> dict[str, str]:
    """As after `. .venv/bin/activate` in the copy: its packages come before those of this tree."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    author = {f"GIT_{who}_{what}": "recipe@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {**os.environ, **author, "PATH": path, "PYTHONPATH": str(tree), **more}


def follow(name: str, tree: Path, **more: str) -> str:
    """Run the recipe line by line; the output of all of it."""
    said = ""
    lines = recipe(name)
    assert len(lines) == 8, "a recipe has eight lines"
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line], cwd=tree, env=surroundings(tree, **more), capture_output=True, text=True
        )
        said += done.stdout + done.stderr
        assert done.returncode == 0, f"{line}\n{said}"
    return said


@pytest.mark.slow
def test_the_recipe_for_a_profile_works_as_it_stands(copy: Path, tmp_path: Path) -> None:
    with simulated(tmp_path / "wires") as devices:
        said = follow("profile", copy, DEVICE_URL=devices.urls["sz-futian/ups-3"])
    # Line 5 made one step of the charge a tenth of a percent, and the device says 100.
    assert re.search(r"battery\.charge +10 %", said), said
    assert re.search(r"input\.voltage#1 +2[0-9.]+ V", said), said


@pytest.mark.slow
def test_the_recipe_for_a_detector_works_as_it_stands(copy: Path) -> None:
    said = follow("detector", copy)
    assert "failed" not in said
    chapters = (copy / "docs" / "detectors.md").read_text(encoding="utf-8")
    assert "emergency" in chapters.lower()
