"""What is read of network gear, rack PDUs and sensors: recordings of real devices, and parts of them that were made to fail."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from agent.asking import ask_samples
from agent.drivers import snmp
from agent.drivers.exchange import GetVariables, WalkVariables
from agent.probe import ProbeLine
from agent.profiles import Tier
from agent.profiles.form import under
from agent.recognising import by_object_id
from tests.agent.recordings import Verdict, corrected, details, implausible, judge, sensors
from tests.services import recorded, shared

pytestmark = pytest.mark.shared

NETWORK = (
    "adva_fsp150_ge114pro", "comware_a5500", "dlink_dgs-1510-28", "fortigate_60f", "ios_c3560", "jetstream_sg2218p",
    "junos_qfx5100", "moxa-etherdevice_edsg512epoe", "nxos_n3k-3064pq", "procurve_e2910", "routeros_rb5009upr+s+", "ruijie",
    "vrp_5720-32x-ei", "zxr10_5950", "raritan-pdu_px2-temp", "avtech_roomalert12e", "apc_ap8959eu3",
)  # fmt: skip
WALKS = ("h3c-e528-2", "dlink-des3038", "dcs-3726c", "apc-8932")
#: A port of the Nexus without light says exactly 0 dBm, above its own high alarm: a gap.
GAPS = {"nxos_n3k-3064pq": 6}
#: (recording) -> what its name plate says.
PLATES = {
    "comware_a5500": ("HP", "JD377A", "CN50A1Z4BN", "5.20.99 Release 2222P08"),
    "dlink_dgs-1510-28": ("D-Link Corporation", "DGS-1510-28", "RZC52H3000029", "1.50.021"),
    "ios_c3560": (None, "WS-C3560-48TS-S", "CAT0912N0CU", "12.2(55)SE12"),
    "junos_qfx5100": (None, "Juniper QFX5100-48S-6Q Switch", "TA3716123456", "14.1X53-D40.8"),
    "procurve_e2910": ("Hewlett-Packard", "J9146A", "AB123CD45E", "W.15.08.0012"),
    "vrp_5720-32x-ei": ("Huawei", "S5720-32X-EI-24S-AC", "2102359579DMHC000288", "Version 5.170 V200R010C00SPC600"),
    "dcs-3726c": (None, "DCS-3726S Intelligent Switch", "A308023010", "2.2.3.44"),
    "apc-8932": (None, "AP8932", "3F503A169043", "v6.7.2"),
}


def _with(name: str, *lines: str) -> bytes:
    """A recording in which some OIDs say something else."""
    told = {line.partition("|")[0]: line for line in lines}
    text = shared("devices", "snmp", f"{name}.snmprec").read_text(encoding="utf-8").splitlines()
    kept = [told.pop(line.partition("|")[0], line) for line in text]
    return "\n".join([*kept, *told.values()]).encode() + b"\n"


def _sensors() -> bytes:
    column = "1.3.6.1.2.1.99.1.1.1"
    table = {  # type, scale, precision, value, status
        21: (4, 8, 1, 33127, 1),  # 3312.7 mV DC
        22: (8, 9, 1, 415, 1),
        23: (8, 9, 0, 31, 3),  # does not work
        24: (6, 10, 2, 123, 1),  # 1.23 kW
        25: (10, 9, 0, 4294967295, 1),
        26: (5, 9, 0, 77, 2),  # unavailable
    }
    rows = [f"{column}.{n + 1}.{index}|2|{cell}" for index, row in table.items() for n, cell in enumerate(row)]
    return _with("procurve_e2910", *rows)


def _nexus() -> bytes:
    unit = "1.3.6.1.4.1.9.9.117.1"
    return _with("nxos_n3k-3064pq", f"{unit}.1.2.1.2.470|2|8", f"{unit}.4.1.1.1.534|2|4", f"{unit}.4.1.1.1.539|2|99")


def _junos() -> bytes:
    chassis = "1.3.6.1.4.1.2636.3"
    return _with("junos_qfx5100", f"{chassis}.1.15.1.8.4.1.2.0|2|8", f"{chassis}.4.2.3.1.0|2|3")


#: Faults that no recording shows: healthy ones in which some variables say something else.
MADE: dict[str, Callable[[], bytes]] = {"sensors": _sensors, "nexus": _nexus, "junos": _junos}


@cache
def recording(name: str) -> bytes:
    """What a device said, by its recording's name."""
    if name in MADE:
        return MADE[name]()
    return shared("devices", "snmp-fullwalk" if name in WALKS else "snmp", f"{name}.snmprec").read_bytes()


class Read:
    """Each recording read once."""

    def __init__(self) -> None:
        self._known: dict[str, list[ProbeLine]] = {}

    async def __call__(self, name: str) -> list[ProbeLine]:
        if name not in self._known:
            self._known[name] = await recorded.read(recording(name))
        return self._known[name]

    async def values(self, name: str) -> dict[tuple[str | None, str | None], float | str | None]:
        return {(line.point, line.index): line.value for line in await self(name) if line.cause is None}


@pytest.fixture(scope="module")
def read() -> Read:
    return Read()


@pytest.mark.parametrize("name", NETWORK)
async def test_every_expected_sensor_is_read_right(name: str, read: Read) -> None:
    judged = judge([one for one in sensors()[name] if not corrected(one)], await read(name))
    assert [line for line in details(judged) if line.split()[0] != "gap"] == []
    assert sum(one.verdict is Verdict.GAP for one in judged) == GAPS.get(name, 0)


@pytest.mark.parametrize("name", [*NETWORK, *WALKS])
async def test_no_reading_is_implausible(name: str, read: Read) -> None:
    lines = await read(name)
    assert lines[0].point is not None
    found = [f"{line.point} {why}" for line in lines if line.cause is None and (why := implausible(line))]
    assert [one for one in found if not one.startswith("ifMtu")] == []


@pytest.mark.parametrize("name", PLATES)
async def test_the_chassis_tells_its_name_plate_once(name: str, read: Read) -> None:
    told = await read.values(name)
    keys = ("device.mfr", "device.model", "device.serial", "device.firmware")
    assert tuple(told.get((key, None)) for key in keys) == PLATES[name]
    assert not [key for key in told if key[0] in keys and key[1] is not None]


async def test_neighbours_are_told_by_the_local_port_with_their_addresses_spelt_out(read: Read) -> None:
    told = await read.values("dlink_dgs-1510-28")
    assert told["neighbour.chassis", "24"] == "10:be:f5:ac:87:a0"
    assert told["neighbour.name", "24"] == "Kos16c"
    assert told["neighbour.port", "24"] == "eth1/0/24"
    assert told["port.name", "24"] == "1/24"
    assert ("neighbour.chassis", "23") not in told


async def test_parts_of_a_maker_with_numbers_of_four_are_told_apart_by_what_they_are(read: Read) -> None:
    told = await read.values("junos_qfx5100")
    assert {index for point, index in told if point == "entity.fan.status"} == {f"4.1.{n}" for n in range(1, 6)}
    assert {index for point, index in told if point == "entity.power.status"} == {"2.1.1", "2.1.2"}
    assert {index for point, index in told if point == "cpu.load"} == {"7.1.0", "9.1.0"}


async def test_memory_is_a_percentage_of_what_the_device_has(read: Read) -> None:
    cisco, dlink = await read.values("ios_c3560"), await read.values("dlink_dgs-1510-28")
    assert cisco["memory.used", "Processor"] == pytest.approx(100 * 20103300 / (20103300 + 55248600), abs=1e-5)
    assert dlink["memory.used", "1.1"] == pytest.approx(100 * 72997 / 262144, abs=1e-5)


async def test_a_sensor_is_read_by_its_type_scale_and_precision_and_only_while_it_works(read: Read) -> None:
    lines = [line for line in await read("sensors") if line.where.startswith("1.3.6.1.2.1.99.")]
    told = {(line.point, line.index): line.value if line.cause is None else line.cause for line in lines}
    assert told["entity.voltage", "21"] == pytest.approx(3.3127)
    assert told["entity.temperature", "22"] == pytest.approx(41.5)
    assert told["entity.power", "24"] == pytest.approx(1230)
    assert told["entity.temperature", "11"] == 31
    assert isinstance(told.get(("entity.temperature", "23"), "absent"), str)
    assert not [line for line in lines if line.index in ("23", "25", "26") and line.cause is None]


async def test_what_fails_is_told_as_failed(read: Read) -> None:
    nexus, junos = await read("nexus"), await read("junos")
    states = {(line.point, line.index): line.state for line in (*nexus, *junos) if line.cause is None}
    assert states["entity.power.status", "470"] == "failed"
    assert states["entity.fan.status", "534"] == "warning"
    assert states["entity.fan.status", "539"] == "unknown"
    assert states["entity.fan.status", "4.1.2"] == "off"
    assert states["alarm.major", None] == "on"


@pytest.mark.parametrize("name", [*NETWORK, *WALKS])
async def test_no_column_is_walked_twice_in_a_round(name: str) -> None:
    profiles = await by_object_id(recorded.Recorded(recording(name)))
    assert isinstance(profiles, tuple)
    for tier in (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY):
        plans = [request for profile in profiles for request in snmp.plan(profile, recorded.URL, tier)]
        roots = sorted(request.root for request in plans if isinstance(request, WalkVariables))
        again = [(a, b) for n, a in enumerate(roots) for b in roots[n + 1 :] if under(b, a)]
        assert again == [], f"{[profile.id for profile in profiles]}"


async def test_a_profile_that_has_nothing_to_ask_in_a_tier_costs_no_request() -> None:
    link = recorded.Recorded(recording("nxos_n3k-3064pq"))
    await ask_samples(link, recorded.URL, None, Tier.IDENTITY, lambda: 1_000)
    link.asked.clear()
    await ask_samples(link, recorded.URL, None, Tier.STATUS, lambda: 1_000)
    assert [type(request) for request in link.asked] == [GetVariables, WalkVariables, WalkVariables]
    bare = recorded.Recorded(recording("adva_fsp150_ge114pro"))
    await ask_samples(bare, recorded.URL, None, Tier.IDENTITY, lambda: 1_000)
    bare.asked.clear()
    round = await ask_samples(bare, recorded.URL, None, Tier.STATUS, lambda: 1_000)
    assert bare.asked == [snmp.WHO]
    assert round.failure is None


async def test_light_told_as_text_in_milliwatts_is_told_in_dbm_and_no_light_is_no_number() -> None:
    table = "1.3.6.1.4.1.11863.6.96.1.7.1.1"
    rows = ("2.49153|4|45.5", "4.49153|4|6.0", "5.49153|4|0.5", "6.49153|4|0.0", "2.49154|4|N/A", "5.49154|4|N/A")
    lines = await recorded.read(_with("jetstream_sg2218p", *(f"{table}.{row}" for row in rows)))
    told = {(line.point, line.index): line.value for line in lines if (line.point or "").startswith("optics.")}
    assert told["optics.temperature", "49153"] == 45.5
    assert told["optics.bias", "49153"] == pytest.approx(0.006)
    assert told["optics.tx_power", "49153"] == pytest.approx(-3.0103, abs=1e-4)
    assert told["optics.rx_power", "49153"] is None
    assert told["optics.temperature", "49154"] is None
    assert told["optics.tx_power", "49154"] is None


async def test_a_supply_of_poe_is_not_taken_for_a_power_supply_of_the_same_number() -> None:
    group = "1.3.6.1.2.1.105.1"
    rows = (
        f"{group}.3.1.1.2.1|66|370",
        f"{group}.3.1.1.3.1|2|3",
        f"{group}.3.1.1.4.1|66|121",
        f"{group}.1.1.6.1.7|2|3",
    )
    lines = await recorded.read(_with("comware_a5500", *rows))
    told = {(line.point, line.index): line.state or line.value for line in lines if line.cause is None}
    assert told["entity.power.status", "1"] == "ok"
    assert told["entity.power.status", "poe 1"] == "failed"
    assert (told["poe.budget", "1"], told["poe.total", "1"]) == (370, 121)
    assert told["poe.status", "1.7"] == "delivering"
