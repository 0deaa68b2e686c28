"""What the documents claim is there: commands with their options, make targets, links, files, dependencies.

And what no tracked file may hold is not: a path of a developer's machine, the host of a package registry.
"""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from contextlib import redirect_stdout
from functools import lru_cache
from io import StringIO
from pathlib import Path

import pytest

from roundsman.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / name for name in ("README.md", "README.zh.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += sorted((ROOT / "docs").rglob("*.md")) + sorted((ROOT / "tests").rglob("*.md"))
UNITS = sorted((ROOT / "packaging").glob("*.service"))
GROUPS = ("ticket", "inventory", "recording", "profile", "report", "policy", "outbox", "analyze")
#: Its groups have commands of their own.
DEEP = ("field",)
#: A command that also has commands below it.
BOTH = {("agent", "status")}

_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CALL = re.compile(r"(?:^|[\s/(`;])roundsman ((?:[a-z]+ ?)+)([^\n`]*)")
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_FILE = re.compile(r"`([a-z]+(?:/[\w.-]+)+\.(?:py|toml|md|json|service|po|css|js|sh))`")


def code(text: str) -> list[str]:
    """Lines of code blocks, and what stands in `…`."""
    blocks = _FENCE.findall(text)
    indented = re.findall(r"^    (\S.*)$", text, re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()[1:-1]] + indented + re.findall(r"`([^`\n]+)`", text)


def calls(text: str) -> list[tuple[tuple[str, ...], list[str]]]:
    """(command, its --options) of every call of `roundsman` in a page's code."""
    found = []
    for line in code(text):
        for words, rest in _CALL.findall(line.partition("#")[0]):
            name, *more = words.split()
            options = re.findall(r"--[a-z-]+", rest)
            if name in DEEP:
                found.append(((name, *more[:2]), options))
            elif name not in GROUPS:
                below = (name, more[0]) if more else (name,)
                found.append((below if below in BOTH else (name,), options))
            # `ticket list · show ID · ack`: each stands for a call of its own
            each = [more[0], *re.findall(r"· ([a-z]+)", rest)] if more else []
            found += [((name, one), options) for one in each if name in GROUPS]
    return found


@lru_cache(maxsize=64)
def help_of(command: tuple[str, ...]) -> str:
    with redirect_stdout(StringIO()) as said:
        app([*command, "--help"], exit_on_error=False, result_action="return_value")
    return said.getvalue()


@pytest.mark.parametrize("page", [*PAGES, *UNITS], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    if page.suffix == ".service":
        text = "\n".join(f"`{line}`" for line in re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE))
        assert calls(text), "a unit starts roundsman"
    for command, options in calls(text):
        said = help_of(command)
        assert said.startswith(f"Usage: roundsman {' '.join(command)}"), command
        assert [option for option in options if option not in said] == [], command


def test_the_readme_names_every_command_of_a_site_and_a_centre() -> None:
    named = {command[0] for command, _ in calls((ROOT / "README.md").read_text("utf-8"))}
    assert named >= {"demo", "probe", "check", "run", "collector", "enrol", "agent", "inventory", "ticket"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_file_and_make_target_is_there(page: Path) -> None:
    text = page.read_text("utf-8")
    missing = [link for link in _LINK.findall(text) if not (page.parent / link).exists()]
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    missing += [
        name
        for name in _FILE.findall(text)
        if name.partition("/")[0] in folders and "NAME" not in name and not (ROOT / name).exists()
    ]
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    missing += [
        f"make {name}" for line in code(text) for name in re.findall(r"^make ([a-z]+)", line) if name not in targets
    ]
    assert missing == []


def test_every_page_is_reached_from_both_readmes() -> None:
    for name in ("README.md", "README.zh.md"):
        linked = {Path(link) for link in _LINK.findall((ROOT / name).read_text("utf-8"))}
        assert {path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md")} <= linked, name


def test_both_readmes_give_the_same_code() -> None:
    def blocks(name: str) -> list[list[str]]:
        text = (ROOT / name).read_text("utf-8")
        kept = [block.splitlines() for block in _FENCE.findall(text) if re.match(r"```\w", block)]
        return [[line.partition("#")[0].rstrip() for line in lines] for lines in kept]

    assert blocks("README.md") == blocks("README.zh.md")


def test_dependencies_are_those_of_the_project_each_with_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    def names(*lists: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9._-]", one)[0] for each in lists for one in each}

    extras = project["project"]["optional-dependencies"]
    groups = project["dependency-groups"]
    browser = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    table, _, tests = text.partition("Tests only:")
    rows = [
        row.split("|")[1:5] for row in table.splitlines() if row.startswith("| ") and not row.startswith("| library")
    ]
    listed = {name.strip() for row in rows for name in re.sub(r"\(.*?\)", "", row[0]).split(",")}
    assert listed == names(project["project"]["dependencies"], *extras.values(), groups["build"]) | browser.keys()
    assert all(cell.strip() for row in rows for cell in row), "licence, room and reason of each"
    assert set(re.findall(r"`([^`]+)`", tests)) == names(groups["test"])


def test_no_file_names_a_developers_machine_or_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: there is no list of tracked files")
    hosts = "|".join(re.escape(f"{name}.{end}") for name, end in (("pythonhosted", "org"), ("pypi", "org"), ("registry", "npmjs"), ("deb", "debian")))  # fmt: skip
    unwanted = re.compile(rf"(?:^|[^\w.])/(?:work|farm|root|home)/[A-Za-z]|{hosts}", re.MULTILINE)
    found = []
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (body := path.read_bytes()):
            found += [f"{name}: {hit.group()}" for hit in unwanted.finditer(body.decode("utf-8", "replace"))]
    assert found == []
