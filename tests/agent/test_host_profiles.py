"""What the standard MIBs of hosts make of this very machine: net-snmp's daemon beside what the kernel says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.probe import ProbeLine, probe
from tests.services.snmpd import Snmpd, snmpd

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    with snmpd(tmp_path_factory.mktemp("snmpd")) as one:
        yield one


async def test_memory_and_load_are_those_of_the_machine(daemon: Snmpd) -> None:
    lines = await probe(
        daemon.url("community=public&version=2c").replace("timeout=0.7", "timeout=5"), None, lambda: 1_000
    )
    told = {(line.point, line.index): line for line in lines if line.cause is None}
    total = int(Path("/proc/meminfo").read_text(encoding="ascii").split()[1]) * 1024
    assert told["memory.size", "Physical memory"].value == pytest.approx(total, rel=0.01)
    assert told["memory.size", "real"].value == pytest.approx(total, rel=0.01)
    assert 0 < _number(told["memory.used", "Physical memory"]) <= 100
    assert {index for point, index in told if point == "load.average"} == {"1", "5", "15"}
    assert _number(told["load.average", "15"]) == pytest.approx(os.getloadavg()[2], abs=5)
    assert not [
        index
        for point, index in told
        if point == "storage.used" and str(index).startswith(("/proc", "/sys", "/dev/shm"))
    ]


def _number(line: ProbeLine) -> float:
    assert isinstance(line.value, float)
    return line.value
