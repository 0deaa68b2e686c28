"""`commission` and the end of `probe`: the verdict as a technician and a script read it, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.commissioner import read_records, write_records
from agent.commissioning import Judgement, Plate, Record, Verdict, judge, record, sign, sound
from agent.drivers.exchange import Sample
from roundsman.commission import commission
from roundsman.looking import probe_once
from roundsman.verdicts import plate_of, verdict_lines
from tests.agent.megatec_pty import Ups, plugged_in

KEY = "5ec3e7" * 10


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(
        '[agent]\nsite = "sz"\ncollector = "http://127.0.0.1:1"\n[[device]]\nid = "ups-1"\nurl = "icmp://127.0.0.1"\n'
    )
    (tmp_path / "agent.key").write_text(KEY)
    return path


@pytest.fixture
def ups() -> Iterator[Ups]:
    with plugged_in() as one:
        yield one


def kept(file: Path) -> Path:
    return file.with_name("spool.sqlite.commissioned")


def slipped() -> tuple[Judgement, Record]:
    said = {"input.voltage": 23.1, "output.voltage": 230.0, "ups.source": 3.0, "output.frequency": 50.0}
    samples = [Sample(point=p, index=None, at=1, value=v, where=p, raw=f"{v:g}") for p, v in said.items()]
    judged = judge(samples)
    return judged, record("sz/ups-1", 1, judged, samples, [], KEY)


def test_what_is_withheld_is_shown_and_confirmed_under_the_agents_key(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROUNDSMAN_LANG", "zh")
    assert commission(file, "", confirm=False, as_json=False) == 1
    write_records(kept(file), {"sz/ups-1": slipped()[1]})
    assert commission(file, "", confirm=False, as_json=False) == 0
    assert "错误: input.voltage" in capsys.readouterr().out
    assert commission(file, "", confirm=True, as_json=False) == 2
    assert commission(file, "ups-1", confirm=True, as_json=False) == 0
    one = read_records(kept(file))["sz/ups-1"]
    assert one.confirmed == ("input.voltage",)
    assert sound(one, KEY)
    assert commission(file, "sz/ups-1", confirm=False, as_json=True) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["verdict"], line["signed"], line["confirmed"]) == ("wrong", True, ["input.voltage"])


def test_a_verdict_that_is_not_signed_by_the_agent_is_not_confirmed(file: Path) -> None:
    write_records(kept(file), {"sz/ups-1": sign(slipped()[1], "another" * 9)})
    assert commission(file, "ups-1", confirm=True, as_json=False) == 1
    assert read_records(kept(file))["sz/ups-1"].confirmed == ()


def test_the_verdict_names_point_expectation_raw_and_what_would_fit_in_both_languages() -> None:
    judged, made = slipped()
    english, chinese = ("\n".join(verdict_lines(judged, made, said)) for said in ("en", "zh"))  # type: ignore[arg-type]
    assert "wrong input.voltage: expected mains" in english
    assert "×10 gives 231" in english
    assert "错误 input.voltage：应为" in chinese.replace(": 应为", "：应为")
    assert "×10 得 231" in chinese


@pytest.mark.parametrize(("text", "plate"), [("", Plate()), ("va=6000,blocks=16", Plate(va=6000, blocks=16))])
def test_a_plate_is_written_as_it_stands_on_the_device(text: str, plate: Plate) -> None:
    assert plate_of(text) == plate
    assert plate_of("watts=3") is None
    assert plate_of("blocks=many") is None
    assert plate_of("6000") is None


async def test_probe_ends_with_the_verdict_and_its_other_lines_are_as_before(
    ups: Ups, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await probe_once(f"megatec://{ups.port}?timeout=0.3", None, True, "blocks=2") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all("commissioning" not in line and line["point"] for line in lines[:-1])
    last = lines[-1]["commissioning"]
    assert lines[-1]["point"] is None
    assert last["verdict"] == Verdict.FITS
    assert last["profile"] == "megatec_q1"
    assert {one["verdict"] for one in last["points"] if one["point"] == "battery.voltage"} == {"fits"}
    assert await probe_once(f"megatec://{ups.port}?timeout=0.3", None, False, "blocks=8") == 0
    assert "block" in capsys.readouterr().out
    assert await probe_once(f"megatec://{ups.port}", None, False, "what=8") == 2
