"""`discover` as a technician uses it: simulated devices on real ports and sockets, found, written down, and asked at once."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.address import AddressError
from agent.check import check
from agent.config import load
from agent.discover import Found, discover, named_twice
from agent.discover_file import names, write
from agent.discover_serial import ways
from agent.discover_targets import NetTarget, SerialTarget, hosts_of, parse
from agent.drivers.exchange import Sample
from model.batch import decode
from model.text import Text
from tests.agent.test_running import running
from tests.services import wait_for
from tests.services.simulated import Simulated, simulated

TWENTY = Path(__file__).with_name("twenty.toml")


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Simulated]:
    with simulated(tmp_path / "wires", scenario=TWENTY) as running_:
        yield running_


def target(url: str) -> str:
    """What a technician knows of a device: its port or its address, the community's place; no speed, no unit."""
    scheme, rest = url.split("://")
    place = rest.partition("?")[0]
    if place.startswith("/"):
        return place
    community = next((one for one in rest.partition("?")[2].split("&") if one.startswith("community=")), "")
    return f"{scheme}://{place}?{community}".rstrip("?")


@pytest.mark.slow
async def test_twenty_devices_are_found_and_their_file_works_at_once(plant: Simulated, tmp_path: Path) -> None:
    wanted = [one for url in plant.urls.values() for one in parse(target(url))]
    wanted += parse("snmp://127.0.78.0/28?community=public")  # a network in which nobody is
    told: list[Text] = []
    began = time.monotonic()
    found = await discover(wanted, told.append, lambda: 1_000)
    spent_s = time.monotonic() - began
    assert spent_s < 120
    assert {_bare(one.url) for one in found} == {_bare(url) for url in plant.urls.values()}
    assert not [one.url for one in found if one.why or one.same_as]
    assert [one.findings for one in found if one.findings] == [], "sound devices are called nothing else"
    assert len([line for line in told if "values" in line.en]) == 20
    plant.order(cmd="truth")
    assert [line for line in _until_truth(plant) if line.get("event") == "refused"] == [], "nothing but questions"

    file = tmp_path / "agent.toml"
    file.write_text(write(found, "zh"), encoding="utf-8")
    assert [problem for problem in check(file) if problem.severity == "error"] == []
    config, _ = load(file)
    assert config is not None
    (tmp_path / "agent.key").write_text("ab" * 32)
    ids = {device.id for device in config.devices}
    assert len(ids) == 20
    with running(file):
        await asyncio.to_thread(
            wait_for, lambda: ids <= _spooled(tmp_path / "spool.sqlite"), 30, "readings of all twenty"
        )


def _until_truth(plant: Simulated) -> list[dict[str, object]]:
    """Everything that the simulators said up to the truth."""
    lines: list[dict[str, object]] = []
    while not lines or "truth" not in lines[-1]:
        lines.append(json.loads(plant._lines.get(timeout=20)))
    return lines


def _bare(url: str) -> tuple[str, ...]:
    """A URL without the order of its options, and without what is usual."""
    place, _, options = url.partition("?")
    kept = {one for one in options.split("&") if one and not one.startswith("community") and one != "unit=1"}
    return place, *sorted(kept)


def _spooled(file: Path) -> set[str]:
    """The devices that the spool has readings of."""
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            batches = [decode(packed) for (packed,) in db.execute("SELECT packed FROM rows")]
    except sqlite3.OperationalError:
        return set()
    return {one.device for batch in batches for one in batch.readings if not one.point.startswith(("device.", "link."))}


def test_the_command_says_who_is_there_and_writes_no_file_over_another(tmp_path: Path) -> None:
    out = tmp_path / "agent.toml"
    command = [
        sys.executable,
        "-m",
        "roundsman",
        "discover",
        "modbus+tcp://127.0.0.1:9",
        "/dev/nothing-here",
        "--out",
        str(out),
    ]
    environment = {**os.environ, "ROUNDSMAN_LANG": "zh"}
    first = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (first.returncode, "没有此串口" in first.stderr) == (1, True)
    assert "[agent]" in out.read_text()
    again = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert again.returncode == 2
    literal = subprocess.run(
        [*command[:4], "snmp://127.0.0.1?community=hunter2"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert literal.returncode == 2
    assert "hunter2" not in literal.stderr


@pytest.mark.parametrize(
    ("text", "count"),
    [("192.0.2.0/24", 254), ("192.0.2.7", 1), ("192.0.2.10-40", 31), ("[2001:db8::]/126", 3), ("ups-1.example", 1)],
)
def test_hosts_are_networks_ranges_or_names(text: str, count: int) -> None:
    assert len(hosts_of(text)) == count


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8", "192.0.2.9-3", "a b", "ftp://x", "modbus+rtu://dev/ttyS0", "snmp://h?version=4"]
)
def test_a_target_that_is_none_is_told(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)


def test_every_community_is_tried_with_every_version() -> None:
    (one,) = parse("snmp://192.0.2.0/30?community=env:A&community=env:B&version=2c&version=1")
    assert isinstance(one, NetTarget)
    assert [url.partition("?")[2] for url in one.urls] == [
        "version=2c&community=env:A",
        "version=2c&community=env:B",
        "version=1&community=env:A",
        "version=1&community=env:B",
    ]


def test_what_is_known_of_a_line_narrows_the_search() -> None:
    (one,) = parse("modbus+rtu:///dev/ttyUSB*?baud=19200")
    assert isinstance(one, SerialTarget)
    assert list(ways(one)) == [("modbus+rtu", 19200, "N"), ("modbus+rtu", 19200, "E")]


def _found(url: str, serial: str = "", name: str = "", engine: str = "", why: str = "") -> Found:
    samples = [
        Sample(point=point, index=None, at=0, value=text, where="", raw=text)
        for point, text in (("device.model", "UPS 1"), ("device.serial", serial))
        if text
    ]
    return Found(url=url, name=name, engine=engine, samples=() if why else tuple(samples), why=why)


def test_a_device_at_two_addresses_is_named_and_asked_once(tmp_path: Path) -> None:
    found = named_twice(
        [
            _found("modbus+tcp://192.0.2.1?unit=1", serial="A1"),
            _found("snmp://192.0.2.2?version=2c&community=env:C", serial="A1"),
            _found("snmp://192.0.2.3?version=2c&community=env:C", name="core", engine="80001f"),
            _found("snmp://192.0.2.4?version=2c&community=env:C", name="core", engine="80001f"),
            _found("snmp://192.0.2.5?version=2c&community=env:C", name="clone", engine="80001f"),
            _found("snmp://192.0.2.6?version=2c&community=env:C", why="no profile fits"),
        ]
    )
    assert [one.same_by for one in found] == ["", "serial number", "", "engine id", "", ""]
    assert names(found) == ["ups-1-1", "ups-1-2", "core", "core-2", "clone", "device-6"]
    file = tmp_path / "agent.toml"
    for language in ("en", "zh"):
        file.write_text(write(found, language), encoding="utf-8")  # type: ignore[arg-type]
        config, problems = load(file)
        assert config is not None
        assert [device.id for device in config.devices] == ["site-1/ups-1-1", "site-1/core", "site-1/clone"], problems
        assert "ups-1-1 (modbus+tcp://192.0.2.1?unit=1)" in file.read_text().replace("（", " (").replace("）", ")")
