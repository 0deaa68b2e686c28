"""The recipe of docs/profiles.md: the profile that it shows, over a recording, by the commands that it names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent import config
from tests.services.snmpsim import serving

DOCS = Path(__file__).parents[3] / "docs" / "profiles.md"
BASE = "1.3.6.1.4.1.99999.1"
RECORDING = f"""1.3.6.1.2.1.1.1.0|4|Acme card
1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999.7
{BASE}.1.0|4|Acme 6000
{BASE}.2.0|4|A-0001
{BASE}.3.0|2|2
{BASE}.4.1.0|2|19412
{BASE}.4.2.0|2|87
{BASE}.4.3.0|2|65535
{BASE}.5.1.0|2|770
{BASE}.5.2.0|2|1
{BASE}.6.1.2.1|2|2301
{BASE}.6.1.2.2|2|2296
{BASE}.6.1.2.3|2|2310
{BASE}.6.1.3.1|2|712
{BASE}.7.0|4|011
"""
EXPECTED = {
    ("device.model", None): "Acme 6000", ("device.serial", None): "A-0001", ("ups.source", None): 5.0,
    ("battery.voltage", None): 194.12, ("battery.charge", None): 87.0, ("ups.temperature", None): 25.0,
    ("output.voltage", "1"): 230.1, ("output.voltage", "2"): 229.6, ("output.voltage", "3"): 231.0,
    ("output.current", "1"): 7.12, ("alarm.overload", None): 0.0, ("alarm.fan_failure", None): 1.0,
    ("alarm.replace_battery", None): 1.0,
}  # fmt: skip


def roundsman(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "roundsman", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """The file that the recipe shows."""
    recipe = DOCS.read_text(encoding="utf-8").partition("## Recipe")[2]
    shown = re.search(r"```toml\n(.*?)```", recipe, re.DOTALL)
    assert shown
    assert len(shown[1].splitlines()) < 60
    file = tmp_path / "acme_ups.toml"
    file.write_text(shown[1], encoding="utf-8")
    return file


def test_a_makers_table_becomes_readings_without_a_line_of_code(profile: Path, tmp_path: Path) -> None:
    (tmp_path / "acme_ups.snmprec").write_text(RECORDING, encoding="utf-8")
    checked = roundsman("profile", "lint", str(profile), "--recordings", str(tmp_path))
    assert checked.returncode == 0, checked.stderr
    with serving([], tmp_path, {"public": RECORDING.encode()}) as port:
        probed = roundsman("probe", f"snmp://127.0.0.1:{port}?community=public", "--profile", str(profile), "--json")
    lines = [json.loads(line) for line in probed.stdout.splitlines()]
    told = {(one["point"], one["index"]): one["value"] for one in lines if one.get("point") and "value" in one}
    assert told == EXPECTED, probed.stderr


def test_a_mistake_of_a_technician_is_told_with_its_line(profile: Path) -> None:
    profile.write_text(profile.read_text(encoding="utf-8").replace('"0.01 V"', '"0.01 A"'), encoding="utf-8")
    checked = roundsman("profile", "lint", str(profile), "--json")
    (problem,) = [json.loads(line) for line in checked.stdout.splitlines()]
    assert checked.returncode == 1
    assert problem["key"] == "value.3.unit"
    assert "0.01 A" in profile.read_text(encoding="utf-8").splitlines()[problem["line"] - 1]


def test_the_list_of_profiles_is_a_line_each() -> None:
    listed = [json.loads(line) for line in roundsman("profile", "list", "--json").stdout.splitlines()]
    assert {"rfc1628", "if_mib", "huawei_ups2000"} <= {one["id"] for one in listed}
    assert all(one["title"]["zh"] for one in listed)


def test_an_agents_file_may_name_the_file(profile: Path) -> None:
    agent = '[agent]\nsite = "s"\ncollector = "http://127.0.0.1:8620"\n[[device]]\nid = "u"\nurl = "snmp://192.0.2.5?community=public"\n'
    found, problems = config.parse(f'{agent}profile = "{profile}"\n', Path("/nowhere/agent.toml"))
    assert found, [one.render("en") for one in problems]
    assert found.devices[0].profile
    assert found.devices[0].profile.id == "acme_ups"
    broken = profile.with_name("broken.toml")
    broken.write_text(profile.read_text(encoding="utf-8").replace("acme_ups", "broken").replace('"0.01 V"', '"A"'))
    _, problems = config.parse(f'{agent}profile = "{broken}"\n', Path("/nowhere/agent.toml"))
    assert any(one.key == "device.0.profile" and "value.3.unit" in one.got for one in problems)
