"""What `probe` says of real devices: every recording served by one snmpsim, each probed once, judged sensor by sensor against
LibreNMS's expectations minus those that are physically wrong (corrections.tsv), and against NUT's reading of the same variables.
`FLOORS` is what was reached: it only rises. Recordings stay outside the repository; `python -m tests.agent.recordings` shows all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.probe import ProbeLine, probe
from model.points import POINTS, Kind
from tests.agent import recordings
from tests.agent.recordings import FULL_WALKS, Heard, Judged, Verdict
from tests.services import SHARED, shared
from tests.services.snmpsim import ordered, serving

pytestmark = [pytest.mark.shared, pytest.mark.service]

#: Delivered sensors of LibreNMS's, by recording.
FLOORS = {
    "adva_fsp150_ge114pro": 4,
    "apc_ap8959eu3": 30,
    "apc_ats": 29,
    "apc_smtl1000-nmc3": 15,
    "apc_smx750": 16,
    "apc_symmetralx": 15,
    "avtech_roomalert12e": 7,
    "comware_a5500": 6,
    "cyberpower_pr2200rt2uc": 19,
    "deltaups_mini-snmp": 17,
    "dlink_dgs-1510-28": 5,
    "eaton-mgeups_93ps": 58,
    "eatonups": 29,
    "eatonupsm2_9px+empg2": 21,
    "enexus_sp2touch": 28,
    "fortigate_60f": 38,
    "huawei-smu": 23,
    "huaweiups_ups2000": 12,
    "ios_c3560": 5,
    "jetstream_sg2218p": 32,
    "junos_qfx5100": 23,
    "liebert_apm": 24,
    "linux_ups-nut": 13,
    "moxa-etherdevice_edsg512epoe": 20,
    "netagent2": 23,
    "netmanplus_208": 46,
    "nxos_n3k-3064pq": 43,
    "poweralert_2": 16,
    "procurve_e2910": 10,
    "raritan-pdu_px2-temp": 8,
    "routeros_rb5009upr+s+": 41,
    "socomec-ups": 17,
    "vertiv-ita2": 18,
    "vrp_5720-32x-ei": 54,
}
#: Power and environment: of these every state that the device may send is judged, not only the one that it sent.
POWER = (
    "apc_ats",
    "apc_smtl1000-nmc3",
    "apc_smx750",
    "apc_symmetralx",
    "cyberpower_pr2200rt2uc",
    "deltaups_mini-snmp",
    "eaton-mgeups_93ps",
    "eatonups",
    "eatonupsm2_9px+empg2",
    "enexus_sp2touch",
    "huawei-smu",
    "huaweiups_ups2000",
    "liebert_apm",
    "linux_ups-nut",
    "netagent2",
    "netmanplus_208",
    "poweralert_2",
    "socomec-ups",
    "vertiv-ita2",
)
#: Delivered variables of NUT's view, by recording.
NUT_FLOORS = {
    "snmp/apc_smtl1000-nmc3": 14,
    "snmp/apc_smx750": 17,
    "snmp/apc_symmetralx": 17,
    "snmp/cyberpower_pr2200rt2uc": 67,
    "snmp/deltaups_mini-snmp": 21,
    "snmp/eaton-mgeups_93ps": 68,
    "snmp/eatonups": 50,
    "snmp/eatonupsm2_9px+empg2": 83,
    "snmp/huaweiups_ups2000": 19,
    "snmp/liebert_apm": 25,
    "snmp/netagent2": 12,
    "snmp/netmanplus_208": 54,
    "snmp/poweralert_2": 29,
    "snmp-fullwalk/eaton-93e-80": 155,
    "snmp-fullwalk/huawei-gse200m": 25,
    "snmp-fullwalk/phoenixtec-power": 54,
}
NAMES = tuple(sorted(path.stem for path in (SHARED / "devices" / "snmp").glob("*.snmprec"))) or tuple(sorted(FLOORS))
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
SENTINELS = {"4294967295", "2147483647", "-2147483648"}
#: Seconds of CPU that a whole device may cost.
MOST_CPU_S = 10.0
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


_APC = "1.3.6.1.4.1.318.1.1.1"
#: Recordings of healthy devices, changed by this test into what they would say in trouble.
EDITS: dict[str, tuple[str, dict[str, str]]] = {
    "apc-on-battery": (
        "apc_smx750",
        {
            f"{_APC}.4.1.1.0": "2|3",
            f"{_APC}.2.1.1.0": "2|3",
            f"{_APC}.2.2.4.0": "2|2",
            f"{_APC}.11.1.1.0": "4|" + "".join("1" if n in (2, 3, 5, 9) else "0" for n in range(1, 65)),
        },
    ),
    "apc-three-phases": (
        "apc_symmetralx",
        {
            f"{_APC}.9.3.3.1.{column}.1.1.{n}": f"2|{value + n}"
            for column, value in ((3, 228), (4, 100), (10, 40))
            for n in (1, 2, 3)
        }
        | {f"{_APC}.9.2.3.1.3.{table}.1.{n}": f"2|{table * 100 + n}" for table in (1, 2) for n in (1, 2, 3)}
        | {f"{_APC}.9.2.2.1.5.1": "2|2", f"{_APC}.9.2.2.1.5.2": "2|3", f"{_APC}.4.3.1.0": "66|-1"},
    ),
    "apc-rack-switch": (
        "apc_ats",
        {f"1.3.6.1.4.1.318.1.1.8.5.3.3.1.3.{n}.1.1": f"2|{229 + n}" for n in (1, 2)}
        | {"1.3.6.1.4.1.318.1.1.8.5.4.3.1.3.1.1.1": "2|231", "1.3.6.1.4.1.318.1.1.8.5.4.3.1.4.1.1.1": "2|27"}
        | {"1.3.6.1.4.1.318.1.1.8.5.1.3.0": "2|1"},
    ),
    "nut-on-battery": (
        "linux_ups-nut",
        {
            f"1.3.6.1.4.1.8072.1.3.2.4.1.2.7.117.112.115.45.110.117.116.{n}": f"4|{int(n in (10, 11, 15))}"
            for n in range(9, 23)
        },
    ),
    "eaton-bypass": ("eatonups", {"1.3.6.1.4.1.534.1.4.5.0": "2|11", "1.3.6.1.4.1.534.1.2.5.0": "2|8"}),
    "mge-faults": (
        "eaton-mgeups_93ps",
        {f"1.3.6.1.4.1.705.1.{place}.0": "2|1" for place in ("5.9", "5.11", "7.3", "7.10", "6.3")},
    ),
    "socomec-lost": (
        "socomec-ups",
        {"1.3.6.1.4.1.4555.1.1.7.1.2.4.0": "2|65535", "1.3.6.1.4.1.4555.1.1.7.1.2.1.0": "2|9"},
    ),
}


class Library:
    """Recordings, each probed when it is first asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._heard: dict[str, Heard] = {}

    async def __call__(self, name: str) -> Heard:
        if name not in self._heard:
            self._heard[name] = await recordings.heard(self.port, name)
        return self._heard[name]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    shared("devices", "snmp")
    edits = {name: recordings.edited(of, changes) for name, (of, changes) in EDITS.items()}
    with recordings.served(tmp_path_factory.mktemp("snmpsim"), edits=edits) as port:
        yield Library(port)


def delivered(judged: list[Judged]) -> int:
    return sum(one.verdict in (Verdict.RIGHT, Verdict.ELSEWHERE) for one in judged)


@pytest.mark.parametrize("name", NAMES)
async def test_no_expected_sensor_is_wrong_and_as_many_are_told_as_ever(name: str, library: Library) -> None:
    expected = [one for one in recordings.sensors()[name] if not recordings.corrected(one)]
    judged = recordings.judge(expected, (await library(name)).lines)
    lacking = "\n".join(recordings.details(judged))
    assert not [one for one in judged if one.verdict is Verdict.WRONG], lacking
    assert delivered(judged) >= FLOORS.get(name, 0), lacking


@pytest.mark.parametrize("key", sorted(NUT_FLOORS))
async def test_nut_reads_the_same_variables_and_none_otherwise(key: str, library: Library) -> None:
    judged = recordings.judge(recordings.nut_view()[key], (await library(key.partition("/")[2])).lines)
    lacking = "\n".join(recordings.details(judged))
    assert not [one for one in judged if one.verdict is Verdict.WRONG], lacking
    assert delivered(judged) >= NUT_FLOORS[key], lacking


@pytest.mark.parametrize("name", sorted({row["recording"] for row in recordings.corrections_here()}))
async def test_what_librenms_gets_wrong_is_the_physical_value_or_a_gap(name: str, library: Library) -> None:
    values = {line.where: line for line in (await library(name)).values}
    for row in recordings.corrections_here():
        line = values.get(row["oid"])
        if row["recording"] != name or line is None or isinstance(line.value, str):
            continue
        assert isinstance(line.value, float)
        physical = row["physical"]
        if ".." in physical:
            low, high = map(float, physical.split(".."))
            assert low <= line.value <= high, row["why"]
        elif physical.replace(".", "").isdigit():
            assert line.value == pytest.approx(float(physical)), row["why"]
        else:
            told = ("none or", "two active", "3 (battery", "16 mA")
            assert physical.startswith(told), f"{row['oid']} = {line.value}: {row['why']}"


@pytest.mark.parametrize("name", POWER)
def test_every_state_that_the_device_may_send_is_trouble_or_none_as_librenms_has_it(name: str) -> None:
    assert list(recordings.meanings(name)) == []


@pytest.mark.parametrize("name", FULL_WALKS)
async def test_a_whole_device_is_read_without_one_implausible_value_at_little_cost(name: str, library: Library) -> None:
    heard = await library(name)
    assert len(heard.values) > 20
    assert [(line.point, line.index, why) for line in heard.values if (why := recordings.implausible(line))] == []
    assert heard.cpu_s < MOST_CPU_S


@pytest.mark.parametrize("name", NAMES)
async def test_no_mark_for_not_available_passes_as_a_value(name: str, library: Library) -> None:
    lines = (await library(name)).lines
    assert lines[0].point is not None
    for line in lines:
        if line.cause is None and line.point and POINTS[line.point].kind not in (Kind.COUNTER, Kind.TEXT):
            assert line.raw not in SENTINELS, f"{line.point} at {line.where}"


async def test_two_alarms_that_the_standard_calls_alike_are_told_apart_by_the_makers_own_names(
    library: Library,
) -> None:
    lines = (await library("poweralert_2")).lines
    flags = {line.point: line.value for line in lines if (line.point or "").startswith("alarm.")}
    assert flags.pop("alarm.battery_bad") == 1.0
    assert flags.pop("alarm.replace_battery") == 1.0, "the age of the battery is above its threshold"
    assert len(flags) >= 23
    assert set(flags.values()) == {0.0}


async def test_flags_that_deny_each_other_are_known_of_none_and_the_others_are_told(library: Library) -> None:
    """linux_ups-nut says 1 to all fourteen of NUT's words."""
    lines = {line.point: line for line in (await library("linux_ups-nut")).lines}
    gaps = {point for point, line in lines.items() if line.cause == "not_plausible"}
    assert gaps == {
        *("ups.online", "alarm.on_battery", "alarm.output_off", "alarm.battery_low", "alarm.battery_voltage_high"),
        *("battery.charging", "battery.discharging", "ups.trimming", "ups.boosting"),
    }
    assert "at once" in lines["ups.online"].raw
    stand = {"alarm.replace_battery", "alarm.on_bypass", "alarm.overload", "ups.calibrating", "ups.shutdown_active"}
    assert {point for point in stand if lines[point].value == 1} == stand


async def test_a_profile_that_is_named_takes_the_place_of_recognition(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECORDING", "apc_smx750")
    own = await probe(
        f"snmp://127.0.0.1:{library.port}?version=2c&community=env:RECORDING&timeout=5", "if_mib", lambda: 1
    )
    assert {line.point for line in own if line.point and line.point.startswith(("battery.", "ups."))} == set()
    assert any(line.point == "ifOperStatus" and line.cause is None for line in own)


async def test_flags_that_fit_are_all_told(library: Library) -> None:
    values = await told(library, "nut-on-battery")
    assert (values["ups.online", None], values["alarm.on_battery", None], values["alarm.battery_low", None]) == (
        0,
        1,
        1,
    )
    assert (values["battery.charging", None], values["battery.discharging", None]) == (0, 1)


def test_of_all_sensors_but_the_corrected_ones_at_least_98_in_100_are_delivered() -> None:
    """The figure of the issue: 803 expected sensors minus the 23 corrections."""
    expected = sum(map(len, recordings.sensors().values()))
    assert expected == 803
    assert sum(FLOORS.values()) >= 0.98 * (expected - len(recordings.corrections_here()))


async def told(library: Library, name: str) -> dict[tuple[str | None, str | None], float | str | None]:
    return {(line.point, line.index): line.value for line in (await library(name)).values}


async def test_an_apc_on_battery_says_so_by_its_state_and_by_the_bits_of_it(library: Library) -> None:
    values = await told(library, "apc-on-battery")
    assert (values["ups.source", None], values["battery.status", None]) == (5.0, 3.0)
    raised = {point for (point, _), value in values.items() if (point or "").startswith("alarm.") and value}
    assert raised == {"alarm.on_battery", "alarm.battery_low", "alarm.overload", "alarm.replace_battery"}


async def test_three_phases_of_an_apc_go_before_its_single_values_and_the_bypass_is_told_apart(
    library: Library,
) -> None:
    values = await told(library, "apc-three-phases")
    assert [values["output.voltage", n] for n in "123"] == [229.0, 230.0, 231.0]
    assert [values["output.current", n] for n in "123"] == [10.1, 10.2, 10.3]
    assert [values["ups.load", n] for n in "123"] == [41.0, 42.0, 43.0]
    assert [values["input.bypass.voltage", n] for n in "123"] == [201.0, 202.0, 203.0]
    assert [values["input.voltage", n] for n in "123"] == [101.0, 102.0, 103.0]


async def test_a_rack_switch_that_lost_a_source_tells_both_and_what_it_gives(library: Library) -> None:
    values = await told(library, "apc-rack-switch")
    assert (values["ats.input.voltage", "1.1"], values["ats.input.voltage", "2.1"]) == (230.0, 231.0)
    assert (values["output.voltage", "1"], values["output.current", "1"]) == (231.0, 2.7)
    assert values["ats.redundancy", None] == 3.0


async def test_an_eaton_on_maintenance_bypass_that_wants_its_battery_checked(library: Library) -> None:
    values = await told(library, "eaton-bypass")
    assert (values["ups.source", None], values["battery.charger.status", None]) == (4.0, 8.0)


async def test_the_faults_that_an_mge_card_names_are_flags_and_no_other_is_raised(library: Library) -> None:
    values = await told(library, "mge-faults")
    raised = {point for (point, _), value in values.items() if (point or "").startswith("alarm.") and value}
    assert raised == {
        "alarm.battery_bad",
        "alarm.replace_battery",
        "alarm.on_battery",
        "alarm.overload",
        "alarm.input_bad",
    }


async def test_a_charge_of_65535_is_a_gap_and_a_battery_cut_off_is_told(library: Library) -> None:
    values = await told(library, "socomec-lost")
    assert ("battery.charge", None) not in values
    assert values["battery.status", None] == 10.0


async def test_a_sealed_string_of_cells_is_told_by_its_positive_and_negative_half(library: Library) -> None:
    values = {(line.point, line.index): line.value for line in (await library("vertiv-ita2")).values}
    assert values["battery.charging.current", "positive"] == 0.01
    assert ("output.voltage", "2") not in values, "the machine has one phase"


@pytest.mark.parametrize("name", PORTS)
async def test_ports_and_counters_are_those_of_the_recording(name: str, library: Library) -> None:
    path = shared("devices", "snmp", f"{name}.snmprec")
    recorded = {line.split(b"|")[0].decode() for line in ordered(path.read_bytes()).splitlines()}
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["ports"]["poller"]["ports"]
    values = {(line.point, line.index): line for line in (await library(name)).values}
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


async def test_a_switch_tells_the_names_of_its_ports(library: Library) -> None:
    named = {(line.point, line.index): line.value for line in (await library("ios_c3560")).lines}
    assert named["ifName", "10001"] == "Fa0/1"
    assert named["ifAlias", "10001"] == "Hotel-2-CPE-Lijn-B"
    assert named["ifDescr", "10001"] == "FastEthernet0/1"


async def test_a_device_whose_mib_nobody_knows_says_so_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited = (
        b"1.3.6.1.2.1.1.1.0|4|Something new\n1.3.6.1.2.1.1.2.0|6|1.3.6.1.4.1.99999.1\n1.3.6.1.4.1.99999.1.1.0|2|7\n"
    )
    with serving([], tmp_path, {"unknown": edited}) as port:
        monkeypatch.setenv("RECORDING", "unknown")
        lines: list[ProbeLine] = await probe(f"snmp://127.0.0.1:{port}?community=env:RECORDING", None, lambda: 1_000)
    assert [(line.point, line.cause) for line in lines] == [(None, "not_supported")]
    assert "1.3.6.1.4.1.99999.1" in lines[0].raw
