"""`discover` at what does not name itself: programs that read a UPS, and a Modbus device without identification."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.address import DeviceUrl
from agent.check import check
from agent.config import load
from agent.discover import Found, discover
from agent.discover_file import write
from agent.discover_targets import parse
from model.text import Text
from tests.services import free_port, libmodbus
from tests.services.nut import upsd

DUMP = """battery.charge: 97
battery.runtime: 1260
battery.voltage: 27.1
ups.mfr: Acme
ups.model: {model}
device.serial: {serial}
input.voltage: 231.0
output.voltage: 230.0
ups.load: 34
ups.status: OL
"""
STATUS = (
    *("APC      : 001,027,0643\n", "VERSION  : 3.14.14 debian\n", "UPSNAME  : rack-3\n", "STATUS   : ONLINE \n"),
    *("MODEL    : Smart-UPS 1500\n", "SERIALNO : AS0001\n", "LINEV    : 231.0 Volts\n", "LOADPCT  : 21.0 Percent\n"),
    *("BCHARGE  : 100.0 Percent\n", "TIMELEFT : 52.0 Minutes\n", "BATTV    : 27.3 Volts\n", "END APC  : x\n"),
)


@asynccontextmanager
async def nis(*records: str) -> AsyncIterator[int]:
    """apcupsd's network information server: every `status` is answered with these records, each behind its length."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readexactly(8) == b"\0\6status":
                body = b"".join(len(one).to_bytes(2) + one.encode() for one in records)
                writer.write(body + b"\0\0")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def search(*targets: str) -> tuple[list[Found], list[Text]]:
    told: list[Text] = []
    wanted = [one for target in targets for one in parse(target)]
    return await discover(wanted, told.append, lambda: 1_000), told


def checked(found: list[Found], folder: Path) -> list[DeviceUrl]:
    """The addresses in the file that is written of them; `check` has nothing against it."""
    file = folder / "agent.toml"
    file.write_text(write(found, "en"), encoding="utf-8")
    assert [problem.render("en") for problem in check(file) if problem.severity == "error"] == []
    config, _ = load(file)
    assert config is not None
    return [device.url for device in config.devices]


async def test_every_ups_of_an_upsd_is_found_and_one_whose_driver_is_dead_is_told(tmp_path: Path) -> None:
    dumps = {}
    for n, name in enumerate(("ups-a", "ups-b")):
        dumps[name] = tmp_path / f"{name}.dev"
        dumps[name].write_text(DUMP.format(model=f"AC{n}000", serial=f"S{n}"))
    with upsd(tmp_path / "nut", dumps, dead=("ups-dead",)) as port:
        for _ in range(40):  # dummy-ups says WAIT until it has read its file
            found, told = await search(f"nut://127.0.0.1:{port}")
            if sum(bool(one.said("device.serial")) for one in found) == 2:
                break
            await asyncio.sleep(0.25)
    by_name = {DeviceUrl.parse(one.url).name: one for one in found}
    assert by_name.keys() == {"ups-a", "ups-b", "ups-dead"}
    assert [one.said("device.serial") for one in (by_name["ups-a"], by_name["ups-b"])] == ["S0", "S1"]
    values = {(s.point, s.index): s.value for s in by_name["ups-a"].samples}
    assert (values["battery.charge", None], values["battery.runtime", None]) == (97.0, 1260.0)
    assert by_name["ups-dead"].why
    assert any("Acme AC1000 S1" in line.en for line in told)
    assert len(checked(found, tmp_path)) == 2, "the dead one stands there commented out"


async def test_an_apcupsd_is_found_and_read(tmp_path: Path) -> None:
    async with nis(*STATUS) as port:
        found, _ = await search(f"apcupsd://127.0.0.1:{port}")
    [one] = found
    assert (one.said("device.model"), one.said("device.serial"), one.why) == ("Smart-UPS 1500", "AS0001", "")
    values = {s.point: s.value for s in one.samples}
    assert (values["battery.charge"], values["battery.runtime"], values["ups.load"]) == (100.0, 3120.0, 21.0)
    assert [url.scheme for url in checked(found, tmp_path)] == ["apcupsd"]


async def test_hosts_on_which_neither_runs_are_passed_over() -> None:
    found, _ = await search(f"nut://127.0.0.1:{free_port()}", f"apcupsd://127.0.0.1:{free_port()}")
    assert found == []


#: A Huawei UPS2000 as its guide has it: registers from 11000, and from 12000.
HUAWEI = {0: 2301, 3: 500, 4: 2298, 7: 500, 8: 2302, 11: 41, 14: 500, 15: 9, 16: 9, 17: 21, 24: 2, 25: 0, 26: 0}
BATTERY = {0: 1093, 1: 0, 2: 3, 3: 96, 4: 0, 5: 3600}


async def test_a_modbus_device_without_identification_is_guessed_by_its_registers_and_the_guess_is_told(
    tmp_path: Path,
) -> None:
    registers = [0] * 30300  # the alarm words stand at 41179 and after
    for at, value in HUAWEI.items():
        registers[at] = value
    for at, value in BATTERY.items():
        registers[1000 + at] = value
    with libmodbus.serving("tcp", registers={11000: registers}) as place:
        [one], _ = await search(f"modbus+tcp://{place}")
    assert (one.profile, one.guessed) == ("huawei_ups2000", True)
    values = {(s.point, s.index): s.value for s in one.samples}
    assert (values["input.voltage", "1"], values["battery.charge", None]) == (230.1, 96.0)
    text = write([one], "en")
    assert "profile guessed from what its registers hold; compare with its display" in text
    assert "按寄存器内容推测的配置" in write([one], "zh")
    assert 'profile = "huawei_ups2000"' in text
    assert len(checked([one], tmp_path)) == 1


async def test_a_modbus_device_that_nothing_explains_is_told_and_stands_commented_out(tmp_path: Path) -> None:
    with libmodbus.serving("tcp", registers={0: [7, 7, 7]}) as place:
        [one], _ = await search(f"modbus+tcp://{place}")
    assert (one.profile, one.guessed) == ("", False)
    assert one.why
    assert "# [[device]]" in write([one], "en")
