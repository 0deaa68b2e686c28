"""What other people's programs read on our wires is what the model holds, to the protocol's resolution."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import mbpoll, need, nut
from tests.services.simulated import Simulated, simulated

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("wires")) as running:
        yield running


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """Lines at their baud rate, and SNMP v3."""
    with simulated(tmp_path_factory.mktemp("lab"), scenario=Path(__file__).with_name("wires.toml")) as running:
        yield running


def near(truth: dict[str, float], read: dict[str, str], pairs: dict[str, tuple[str, float]]) -> None:
    """Each NUT variable equals its point within half a step of the protocol (and of NUT's own printing)."""
    for name, (point, step) in pairs.items():
        assert float(read[name]) == pytest.approx(truth[point], abs=step / 2 + 1e-6), name


def test_nut_reads_the_q1_line_as_the_model_has_it(sites: Simulated, tmp_path: Path) -> None:
    device = "sz-futian/ups-4"
    read = nut.read("nutdrv_qx", sites.place(device), tmp_path, protocol="megatec")
    near(
        sites.truth()[device],
        read,
        {
            "input.voltage": ("input.voltage#1", 0.1),
            "output.voltage": ("output.voltage#1", 0.1),
            "input.frequency": ("input.frequency#1", 0.1),
            "battery.voltage": ("battery.voltage", 0.1),
            "ups.load": ("ups.load#1", 1),
            "ups.temperature": ("ups.temperature", 0.1),
            "battery.voltage.nominal": ("battery.voltage.nominal", 0.1),
        },
    )
    assert read["ups.status"] == "OL"
    assert (read["device.mfr"], read["device.model"], read["ups.type"]) == ("SANTAK", "C3K", "online")


def test_nut_reads_the_rfc_1628_card_as_the_model_has_it(sites: Simulated, tmp_path: Path) -> None:
    device = "sz-futian/ups-5"
    read = nut.read("snmp-ups", sites.place(device), tmp_path, mibs="ietf", snmp_version="v2c", community="public")
    near(
        sites.truth()[device],
        read,
        {
            "battery.charge": ("battery.charge", 1),
            "battery.voltage": ("battery.voltage", 0.1),
            "battery.temperature": ("battery.temperature", 1),
            "input.voltage": ("input.voltage#1", 1),
            "input.current": ("input.current#1", 0.1),
            "input.realpower": ("input.realpower#1", 1),
            "output.voltage": ("output.voltage#1", 1),
            "output.current": ("output.current#1", 0.1),
            "output.realpower": ("output.realpower#1", 1),
            "ups.load": ("ups.load#1", 1),
            "output.power.nominal": ("ups.power.nominal", 1),
        },
    )
    assert read["ups.status"] == "OL"
    assert float(read["battery.runtime"]) == pytest.approx(sites.truth()[device]["battery.runtime"], abs=60)


def test_nuts_huawei_driver_takes_our_bus_for_a_ups2000(sites: Simulated, tmp_path: Path) -> None:
    device = "sz-futian/ups-1"
    read = nut.read("huawei-ups2000", sites.place(device), tmp_path)
    near(
        sites.truth()[device],
        read,
        {
            "battery.charge": ("battery.charge", 1),
            "battery.voltage": ("battery.voltage", 0.1),
            "battery.runtime": ("battery.runtime", 1),
            "input.voltage": ("input.voltage#1", 0.1),
            "input.bypass.voltage": ("input.bypass.voltage#1", 0.1),
            "input.frequency": ("input.frequency#1", 0.1),
            "output.voltage": ("output.voltage#1", 0.1),
            "output.current": ("output.current#1", 0.1),
            "output.realpower": ("output.realpower#1", 100),
            "output.power": ("output.power#1", 100),
            "ups.load": ("ups.load#1", 0.1),
            "ups.temperature": ("ups.temperature", 0.1),
            "ups.power.nominal": ("ups.power.nominal", 100),
        },
    )
    assert read["ups.status"].startswith("OL")
    assert read["device.model"] == "UPS2000"


def test_nuts_huawei_driver_bears_a_line_at_9600_baud(lab: Simulated, tmp_path: Path) -> None:
    read = nut.read("huawei-ups2000", lab.place("lab/rtu-1"), tmp_path)
    near(lab.truth()["lab/rtu-1"], read, {"battery.charge": ("battery.charge", 1)})
    assert read["ups.status"].startswith("OL")


def test_mbpoll_reads_a_line_at_9600_baud_and_is_never_early_alone(lab: Simulated) -> None:
    battery = mbpoll.registers(lab.place("lab/rtu-2"), 2, 12000, 6)
    assert isinstance(battery, list), battery
    assert battery[3] == 100
    lab.order(cmd="truth")
    assert lab.heard("truth")["wires"]["lab/bus"]["nobody"] == 0


def test_nut_reads_q1_at_2400_baud(lab: Simulated, tmp_path: Path) -> None:
    read = nut.read("nutdrv_qx", lab.place("lab/q1"), tmp_path, protocol="megatec")
    assert read["ups.status"] == "OL"
    assert float(read["input.voltage"]) == 220.0


def test_nut_reads_the_card_over_snmp_v3_signed_and_encrypted(lab: Simulated, tmp_path: Path) -> None:
    secrets = {"authPassword": "auth-words-for-tests", "privPassword": "priv-words-for-tests"}
    who = {"secLevel": "authPriv", "secName": "old", "authProtocol": "MD5", "privProtocol": "DES"}
    read = nut.read("snmp-ups", lab.place("lab/v3-ups"), tmp_path, mibs="ietf", snmp_version="v3", **who, **secrets)
    near(lab.truth()["lab/v3-ups"], read, {"battery.charge": ("battery.charge", 1)})
    assert read["ups.status"] == "OL"


@pytest.mark.parametrize(("device", "unit"), [("sz-nanshan/ups-2", 2), ("sz-nanshan/ups-3", 1)])
def test_mbpoll_reads_rtu_and_tcp_alike(sites: Simulated, device: str, unit: int) -> None:
    battery = mbpoll.registers(sites.place(device), unit, 12000, 6)
    assert isinstance(battery, list), battery
    truth = sites.truth()[device]
    assert battery[0] / 10 == pytest.approx(truth["battery.voltage"], abs=0.05)
    assert battery[3] == pytest.approx(truth["battery.charge"], abs=0.5)
    assert battery[4] << 16 | battery[5] == pytest.approx(truth["battery.runtime"], abs=0.5)


def test_a_unit_that_is_not_on_the_bus_answers_nothing_and_the_bus_goes_on(sites: Simulated) -> None:
    bus = sites.place("sz-nanshan/ups-1")
    assert "timed out" in str(mbpoll.registers(bus, 3, 12000, 6))
    assert isinstance(mbpoll.registers(bus, 1, 12000, 6), list)


def test_a_register_outside_the_blocks_is_refused(sites: Simulated) -> None:
    assert "Illegal data address" in str(mbpoll.registers(sites.place("sz-nanshan/ups-3"), 1, 300, 2))


def snmp(tool: str, sites: Simulated, device: str, *oids: str) -> list[str]:
    command = [need(tool, "snmp"), "-v2c", "-c", "public", "-On", "-Oe", "-t", "2", sites.place(device), *oids]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_bulk_walk_and_get_next_walk_find_the_same_objects(sites: Simulated) -> None:
    def names(tool: str) -> list[str]:
        lines = snmp(tool, sites, "sz-nanshan/sw-1", ".1.3.6.1.2.1")
        return [line.split(" = ")[0] for line in lines if "No more variables" not in line]

    walked = names("snmpwalk")
    assert walked == names("snmpbulkwalk")
    assert len(walked) > 200
    assert walked == sorted(walked, key=lambda oid: [int(part) for part in oid.strip(".").split(".")])


def test_snmpget_reads_a_port_as_the_model_has_it(sites: Simulated) -> None:
    device = "sz-nanshan/sw-1"
    octets, status, absent, foreign = snmp(
        "snmpget",
        sites,
        device,
        ".1.3.6.1.2.1.31.1.1.1.6.3",
        ".1.3.6.1.2.1.2.2.1.8.3",
        ".1.3.6.1.2.1.2.2.1.8.99",
        ".1.3.6.1.4.1.9.9.1.0",
    )
    assert octets.endswith(f"Counter64: {sites.truth()[device]['ifHCInOctets#3']:.0f}")
    assert status.endswith("INTEGER: 1")
    assert "No Such Instance" in absent
    assert "No Such Object" in foreign
