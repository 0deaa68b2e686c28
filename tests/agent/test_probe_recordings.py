"""What `probe` says of real devices: their recordings served by snmpsim, judged against LibreNMS's expectations
minus those that are physically wrong (corrections.tsv). Recordings stay outside the repository."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.probe import ProbeLine, probe
from model.points import POINTS, Kind
from tests.services import shared
from tests.services.snmpsim import ordered, serving

pytestmark = [pytest.mark.shared, pytest.mark.service]

RFC1628 = (
    "cyberpower_pr2200rt2uc",
    "deltaups_mini-snmp",
    "eaton-mgeups_93ps",
    "eatonupsm2_9px+empg2",
    "huaweiups_ups2000",
    "liebert_apm",
    "netagent2",
    "netmanplus_208",
    "poweralert_2",
)
PORTS = (
    "apc_smx750",
    "comware_a5500",
    "dlink_dgs-1510-28",
    "eatonupsm2_9px+empg2",
    "ios_c3560",
    "jetstream_sg2218p",
    "junos_qfx5100",
    "moxa-etherdevice_edsg512epoe",
    "nxos_n3k-3064pq",
    "procurve_e2910",
    "ruijie",
    "vrp_5720-32x-ei",
    "zxr10_5950",
)
BRANCHES = ("1.3.6.1.2.1.33.", "1.3.6.1.2.1.2.", "1.3.6.1.2.1.31.")
SENTINELS = {"4294967295", "2147483647", "-2147483648"}
_STATUS = {"up": 1, "down": 2, "testing": 3, "unknown": 4, "dormant": 5, "notPresent": 6, "lowerLayerDown": 7}
#: LibreNMS's name -> ours, and the columns it may come from, the better first.
_COLUMNS = {
    "ifOperStatus": ("ifOperStatus", ("2.2.1.8",)),
    "ifAdminStatus": ("ifAdminStatus", ("2.2.1.7",)),
    "ifInOctets": ("ifHCInOctets", ("31.1.1.1.6", "2.2.1.10")),
    "ifOutOctets": ("ifHCOutOctets", ("31.1.1.1.10", "2.2.1.16")),
    "ifInUcastPkts": ("ifInUcastPkts", ("31.1.1.1.7", "2.2.1.11")),
    "ifOutUcastPkts": ("ifOutUcastPkts", ("31.1.1.1.11", "2.2.1.17")),
    "ifInErrors": ("ifInErrors", ("2.2.1.14",)),
    "ifOutErrors": ("ifOutErrors", ("2.2.1.20",)),
    "ifInDiscards": ("ifInDiscards", ("2.2.1.13",)),
    "ifOutDiscards": ("ifOutDiscards", ("2.2.1.19",)),
}


def rows(name: str) -> list[dict[str, str]]:
    with shared("devices", "snmp", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = shared("devices", "snmp")
    paths = [folder / f"{name}.snmprec" for name in sorted({*RFC1628, *PORTS})]
    with serving(paths, tmp_path_factory.mktemp("snmpsim")) as found:
        yield found


@pytest.fixture
def probed(port: int, monkeypatch: pytest.MonkeyPatch) -> Probed:
    return Probed(port, monkeypatch)


class Probed:
    """Probes a recording by its name, through the community."""

    def __init__(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self._port = port
        self._monkeypatch = monkeypatch

    async def __call__(self, name: str, profile: str | None = None) -> list[ProbeLine]:
        self._monkeypatch.setenv("RECORDING", name)
        url = f"snmp://127.0.0.1:{self._port}?version=2c&community=env:RECORDING&timeout=5"
        return await probe(url, profile, lambda: 1_000)


@pytest.mark.parametrize("name", RFC1628)
async def test_every_expected_sensor_of_a_ups_card_is_right(name: str, probed: Probed) -> None:
    wrong = {row["oid"] for row in rows("corrections.tsv") if row["recording"] == name}
    values = {line.where: line for line in await probed(name) if line.cause is None}
    for row in rows("sensors.tsv"):
        if row["recording"] != name or not row["oid"].startswith(BRANCHES) or row["oid"] in wrong:
            continue
        to_seconds = 60 if row["class"] == "runtime" else 1
        line = values.get(row["oid"])
        assert line, f"{row['oid']} ({row['descr']}) is not read"
        assert line.value == pytest.approx(float(row["expected"]) * to_seconds), f"{row['oid']} ({row['descr']})"


@pytest.mark.parametrize("name", RFC1628)
async def test_what_librenms_gets_wrong_is_the_physical_value_or_a_gap(name: str, probed: Probed) -> None:
    values = {line.where: line for line in await probed(name) if line.cause is None}
    assert values
    for row in rows("corrections.tsv"):
        line = values.get(row["oid"])
        if row["recording"] != name or not row["oid"].startswith(BRANCHES) or line is None:
            continue
        assert isinstance(line.value, float)
        physical = row["physical"]
        if ".." in physical:
            low, high = map(float, physical.split(".."))
            assert low <= line.value <= high, row["why"]
        elif physical.replace(".", "").isdigit():
            assert line.value == pytest.approx(float(physical)), row["why"]
        else:
            assert physical.startswith(("none or", "two active")), f"{row['oid']} = {line.value}: {row['why']}"


async def test_two_active_alarms_of_one_kind_raise_that_flag_and_no_other(probed: Probed) -> None:
    flags = {line.point: line.value for line in await probed("poweralert_2") if (line.point or "").startswith("alarm.")}
    assert flags.pop("alarm.battery_bad") == 1.0
    assert len(flags) == 23
    assert set(flags.values()) == {0.0}


@pytest.mark.parametrize("name", sorted({*RFC1628, *PORTS}))
async def test_no_mark_for_not_available_passes_as_a_value(name: str, probed: Probed) -> None:
    lines = await probed(name)
    assert lines[0].point is not None
    for line in lines:
        if line.cause is None and line.point and POINTS[line.point].kind not in (Kind.COUNTER, Kind.TEXT):
            assert line.raw not in SENTINELS, f"{line.point} at {line.where}"


@pytest.mark.parametrize("name", PORTS)
async def test_ports_and_counters_are_those_of_the_recording(name: str, probed: Probed) -> None:
    path = shared("devices", "snmp", f"{name}.snmprec")
    recorded = {line.split(b"|")[0].decode() for line in ordered(path.read_bytes()).splitlines()}
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["ports"]["poller"]["ports"]
    values = {(line.point, line.index): line for line in await probed(name) if line.cause is None}
    compared = 0
    for port in expected:
        index = str(port["ifIndex"])
        for key, (point, columns) in _COLUMNS.items():
            there = [f"1.3.6.1.2.1.{column}.{index}" for column in columns]
            if key not in port or not any(oid in recorded for oid in there):
                continue
            compared += 1
            wanted = _STATUS.get(port[key]) if isinstance(port[key], str) else port[key]
            assert values[point, index].value == wanted, f"{point}[{index}] of {name}"
            assert values[point, index].where == next(oid for oid in there if oid in recorded)
    assert compared >= len(expected)


async def test_a_switch_tells_the_names_of_its_ports(probed: Probed) -> None:
    named = {(line.point, line.index): line.value for line in await probed("ios_c3560")}
    assert named["ifName", "10001"] == "Fa0/1"
    assert named["ifAlias", "10001"] == "Hotel-2-CPE-Lijn-B"
    assert named["ifDescr", "10001"] == "FastEthernet0/1"


async def test_a_device_whose_mib_nobody_knows_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving([shared("devices", "snmp", "enexus_sp2touch.snmprec")], tmp_path) as port:
        monkeypatch.setenv("RECORDING", "enexus_sp2touch")
        lines = await probe(f"snmp://127.0.0.1:{port}?community=env:RECORDING", None, lambda: 1_000)
    assert [(line.point, line.cause) for line in lines] == [(None, "not_supported")]
    assert "1.3.6.1.4.1.12148.10" in lines[0].raw
