"""The service files name commands that there are, and the example of the manual is a sound file."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.config import parse
from agent.running import EXIT_CONFIG

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "packaging").glob("*.service"))


def service(unit: Path) -> configparser.SectionProxy:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read_string(unit.read_text())
    return read["Service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_each_service_starts_a_command_of_ours_and_never_restarts_a_bad_file(unit: Path) -> None:
    words = service(unit)["ExecStart"].split()
    assert words[0] == "/usr/local/bin/roundsman"
    assert words[2] == f"/etc/roundsman/{ {'run': 'roundsman'}.get(words[1], words[1]) }.toml"
    assert service(unit)["RestartPreventExitStatus"] == str(EXIT_CONFIG)
    shown = subprocess.run([sys.executable, "-m", "roundsman", words[1], "--help"], capture_output=True, check=False)
    assert shown.returncode == 0, shown.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_each_service_has_a_user_of_its_own_and_writes_only_its_state(unit: Path) -> None:
    section = service(unit)
    for key, value in {
        "DynamicUser": "yes",
        "StateDirectory": "roundsman",
        "ProtectSystem": "strict",
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
    }.items():
        assert section[key] == value
    if verify := shutil.which("systemd-analyze"):
        told = subprocess.run([verify, "verify", str(unit)], capture_output=True, text=True, check=False)
        assert "Unknown" not in told.stderr


def test_the_example_of_the_manual_is_a_sound_file() -> None:
    example = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "agent.md").read_text(), re.DOTALL)
    config, problems = parse(example[0], Path("/etc/roundsman/agent.toml"))
    assert problems == []
    assert config is not None
    told = ["ups-1", "ups-4", "sw-1", "io-1", "gate-1", "ups-5"]
    assert [device.id for device in config.devices] == [f"sz-futian/{id}" for id in told]
