"""`roundsman check` looks at the machine too: the key, the ports, the spool's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.check import check

TEXT = """\
[agent]
site = "sz"
collector = "http://127.0.0.1:8620"
spool = "{spool}"
[[device]]
id = "bad"
url = "nonsense"
[[device]]
id = "ups-1"
url = "megatec://{port}"
"""


def write(folder: Path, *, port: str = "/dev/null", spool: str = "spool.sqlite", mode: int | None = 0o600) -> Path:
    path = folder / "agent.toml"
    path.write_text(TEXT.format(port=port, spool=spool))
    if mode is not None:
        (folder / "agent.key").write_text("ab" * 32)
        (folder / "agent.key").chmod(mode)
    return path


def found(path: Path) -> list[tuple[str, int, str]]:
    return [(p.severity, p.line, p.key) for p in check(path)]


BAD = ("error", 7, "device.0.url")


def test_a_machine_that_has_all_leaves_only_the_mistakes_of_the_file(tmp_path: Path) -> None:
    assert found(write(tmp_path)) == [BAD]


def test_a_missing_port_is_warned_of_at_the_line_of_its_url(tmp_path: Path) -> None:
    assert found(write(tmp_path, port="/dev/ttyNONE")) == [BAD, ("warning", 10, "device.1.url")]


def test_a_missing_key_is_warned_of_with_the_way_to_get_one(tmp_path: Path) -> None:
    problems = check(write(tmp_path, mode=None))
    assert (problems[-1].severity, problems[-1].key) == ("warning", "agent.key")
    assert "--enrol" in problems[-1].fix.en


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path, mode: int) -> None:
    problems = check(write(tmp_path, mode=mode))
    assert (problems[-1].severity, problems[-1].key) == ("warning", "agent.key")
    assert "chmod 600" in problems[-1].fix.en
    assert "abab" not in problems[-1].render("en")


def test_a_missing_folder_for_the_spool_is_warned_of(tmp_path: Path) -> None:
    assert ("warning", 4, "agent.spool") in found(write(tmp_path, spool="nowhere/spool.sqlite"))


def test_what_a_machine_lacks_to_take_traps_is_told_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    text = path.read_text().replace('[[device]]\nid = "bad"\nurl = "nonsense"\n', "")
    traps = '[traps]\nlisten = ["127.0.0.1:0", "192.0.2.77:0"]\ncommunity = ["env:TRAP_C", "env:TRAP_NONE"]\n'
    users = '[[traps.user]]\nname = "u"\nauth = "sha"\nauth_key = "file:no-such-file"\n'
    path.write_text(text + traps + users)
    monkeypatch.setenv("TRAP_C", "s3cret")
    told = [problem for problem in check(path) if problem.key.startswith("traps")]
    first = text.count("\n") + 1
    assert [(p.severity, p.line, p.key) for p in told] == [
        ("warning", first + 1, "traps.listen"),
        ("warning", first + 2, "traps.community"),
        ("warning", first + 6, "traps.user.0.auth_key"),
    ]
    assert "TRAP_NONE is not set" in told[1].got
    assert "s3cret" not in "".join(p.render("en") + p.render("zh") for p in told)
