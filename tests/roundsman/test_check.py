"""`roundsman check FILE` finds out by itself what a file is, and says so when it is nothing of ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk.policies import POLICIES
from roundsman.looking import check_file

ROOT = Path(__file__).resolve().parents[2]
COLLECTOR = '[collector]\nlisten = "127.0.0.1:8620"\n'
AGENT = '[agent]\nsite = "s"\ncollector = "http://127.0.0.1:8620"\n[[device]]\nid = "u"\nurl = "megatec:///dev/null"\n'


@pytest.mark.parametrize(
    "path",
    [*POLICIES.values(), ROOT / "roundsman/demo/inventory.toml", ROOT / "simulators/scenarios/demo.toml"],
    ids=lambda path: path.name,
)
def test_every_shipped_file_is_sound(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_file(path, as_json=True) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (POLICIES["default"].read_text("utf-8").replace("[impact]", "[impact]\nspeed = 3"), "impact.speed"),
        (COLLECTOR.replace("listen", "lisen"), "collector.lisen"),
        (AGENT + COLLECTOR.replace("listen", "lisen"), "collector.lisen"),
        (AGENT.replace("megatec:", "megatek:") + COLLECTOR, "device.0.url"),
        ('[[site]]\nid = "s"\nname = "S"\n', "site.0.customer"),
        ("length_s = 3\n[make.x]\nkind = 'boat'\n", "make.x.kind"),
    ],
)
def test_the_reader_of_its_tables_finds_the_mistake(
    body: str, key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.toml"
    file.write_text(body, "utf-8")
    assert check_file(file, as_json=True) == 1
    assert f'"key":"{key}"' in capsys.readouterr().out


@pytest.mark.parametrize("body", ["", "[project]\nname = 'x'\n"])
def test_a_file_that_is_nothing_of_ours_is_not_called_sound(body: str, tmp_path: Path) -> None:
    file = tmp_path / "some.toml"
    file.write_text(body)
    assert check_file(file, as_json=False) == 1
