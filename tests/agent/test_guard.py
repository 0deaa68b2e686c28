"""Nothing of a device is stored until it said who it is: two slaves of one bus, swapped, replaced, renewed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from agent import status
from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.backlog import Found
from agent.config import WatchedDevice
from agent.guard import PATIENCE, Guard
from agent.identity import SERIAL
from agent.links import Link, open_link
from agent.profiles import Profile, Tier
from agent.profiles.form import Value
from model.batch import Event
from model.reading import Gap, GapCause, Reading
from tests.agent.links.slaves import crc, on_pty, rtu_request

#: Registers 0 and 1: the serial number in letters; register 10: the load.
PROFILE = Profile(
    id="two",
    driver="modbus",
    title=("Test", "测试"),
    source="test",
    values=(
        Value(point="device.serial", at="0", tier=Tier.IDENTITY, type="string", length=2),
        Value(point="ups.load", at="10", tier=Tier.STATUS),
    ),
)


class Bus:
    """Units and who stands there: a serial number of four letters, and the load, or none for a deaf one."""

    def __init__(self, **units: tuple[str, int]) -> None:
        self.units = {int(name[1:]): who for name, who in units.items()}
        self.nameless = False

    def __call__(self, request: bytes) -> bytes:
        unit, address = request[0], request[3]
        if unit not in self.units:
            return b""
        serial, load = self.units[unit]
        if address < 10 and self.nameless:
            return crc(bytes([unit, 0x83, 2]))
        words = {0: serial[:2].encode(), 1: serial[2:].encode(), 10: load.to_bytes(2, "big")}
        said = b"".join(words.get(address + n, bytes(2)) for n in range(request[5]))
        return crc(bytes([unit, 3, len(said)]) + said)


class Desk:
    """An agent's way of asking two devices on one bus, through the guard."""

    def __init__(self, path: Path, file: Path | None) -> None:
        self.link: Link = open_link(DeviceUrl.parse(f"modbus+rtu://{path}?timeout=0.1&baud=115200"))
        self.at = 0
        self.devices = [
            WatchedDevice(id=f"sz/{name}", url=DeviceUrl.parse(f"modbus+rtu://{path}?unit={unit}"), profile=PROFILE)
            for unit, name in ((1, "a"), (2, "b"))
        ]
        self.guard = Guard(self.devices, file, self.now)
        self._ask = self.guard.watching(self._bare, self.link, self.devices)

    def now(self) -> int:
        self.at += 1
        return self.at

    async def _bare(self, device: WatchedDevice, tier: Tier) -> list[Found]:
        return await ask_device(self.link, device.id, device.url, device.profile, tier, self.now)

    async def asks(self, name: str, tier: Tier = Tier.STATUS) -> list[Found]:
        device = next(device for device in self.devices if device.id == f"sz/{name}")
        return await self._ask(device, tier)

    def close(self) -> None:
        self.link.close()


@contextmanager
def desk(bus: Bus, file: Path | None = None) -> Iterator[Desk]:
    with on_pty(bus, rtu_request) as path, closing(Desk(Path(path), file)) as one:
        yield one


def load_of(found: list[Found]) -> float | None:
    return next((one.value for one in found if isinstance(one, Reading) and one.point == "ups.load"), None)


def gap_of(found: list[Found]) -> Gap:
    (gap,) = (one for one in found if isinstance(one, Gap))
    return gap


def plate_in(found: list[Found]) -> dict[str, str | int | float]:
    return next((one.data for one in found if isinstance(one, Event)), {})


async def known(bus: Bus, file: Path) -> None:
    """An agent that heard both names, and ended."""
    with desk(bus, file) as before:
        assert plate_in(await before.asks("a", Tier.IDENTITY)) == {SERIAL: "AAAA"}
        assert plate_in(await before.asks("b", Tier.IDENTITY)) == {SERIAL: "BBBB"}


async def test_a_started_agent_asks_for_the_name_before_it_believes_a_reading(tmp_path: Path) -> None:
    bus = Bus(u1=("AAAA", 11), u2=("BBBB", 22))
    await known(bus, tmp_path / "names")
    with desk(bus, tmp_path / "names") as agent:
        found = await agent.asks("a")
        assert plate_in(found) == {SERIAL: "AAAA"}
        assert load_of(found) == 11
        assert plate_in(await agent.asks("a")) == {}  # once is enough


async def test_swapped_devices_are_withheld_and_named_until_they_are_put_right(tmp_path: Path) -> None:
    bus = Bus(u1=("AAAA", 11), u2=("BBBB", 22))
    await known(bus, tmp_path / "names")
    bus.units = {1: ("BBBB", 22), 2: ("AAAA", 11)}
    with desk(bus, tmp_path / "names") as agent:
        for name, serial, other in (("a", "BBBB", "sz/b"), ("b", "AAAA", "sz/a")):
            found = await agent.asks(name)
            assert gap_of(found).cause is GapCause.STALE
            assert gap_of(found).raw == f"{other} answers here (serial {serial}); this is serial {name.upper() * 4}"
            assert plate_in(found) == {"conflict": other}
            assert plate_in(await agent.asks(name)) == {}  # told once
            assert load_of(await agent.asks(name, Tier.MEASURE)) is None
        assert "sz/b answers where sz/a should" in status.notes["swapped.sz/a"].en
        bus.units = {1: ("AAAA", 12), 2: ("BBBB", 23)}
        found = await agent.asks("a")
        assert plate_in(found) == {SERIAL: "AAAA", "conflict": ""}
        assert load_of(found) == 12
        assert "swapped.sz/a" not in status.notes


async def test_a_new_device_is_told_as_replaced_and_then_believed(tmp_path: Path) -> None:
    bus = Bus(u1=("AAAA", 11), u2=("BBBB", 22))
    await known(bus, tmp_path / "names")
    bus.units[1] = ("CCCC", 33)
    with desk(bus, tmp_path / "names") as agent:
        found = await agent.asks("a")
        assert plate_in(found) == {SERIAL: "CCCC", "replaced": "serial AAAA"}
        assert load_of(found) == 33
    with desk(bus, tmp_path / "names") as agent:
        assert plate_in(await agent.asks("a")) == {SERIAL: "CCCC"}


async def test_devices_swapped_while_the_adapter_was_out_are_noticed_before_a_reading_passes(tmp_path: Path) -> None:
    port = tmp_path / "bus"
    bus = Bus(u1=("AAAA", 11), u2=("BBBB", 22))
    with ExitStack() as stack:
        with on_pty(bus, rtu_request) as first:
            port.symlink_to(first)
            agent = stack.enter_context(closing(Desk(port, None)))
            for name in "ab":
                await agent.asks(name, Tier.IDENTITY)
            assert load_of(await agent.asks("a")) == 11
        port.unlink()
        assert gap_of(await agent.asks("a")).cause is GapCause.NO_ANSWER  # the port went
        bus.units = {1: ("BBBB", 22), 2: ("AAAA", 11)}
        port.symlink_to(stack.enter_context(on_pty(bus, rtu_request)))
        for _ in range(3):
            assert load_of(found := await agent.asks("a")) is None
        assert "sz/b answers here" in gap_of(found).raw


async def test_a_silent_device_costs_one_time_out_and_not_two(tmp_path: Path) -> None:
    bus = Bus(u1=("AAAA", 11), u2=("BBBB", 22))
    await known(bus, tmp_path / "names")
    del bus.units[1]
    with desk(bus, tmp_path / "names") as agent:
        agent.link.probing = True
        for turns in (1, 2, 3):
            assert gap_of(await agent.asks("a")).cause is GapCause.NO_ANSWER
            assert agent.link.account.of("sz/a").requests == turns
        bus.units[1] = ("AAAA", 11)
        assert load_of(await agent.asks("a")) == 11


async def test_who_no_longer_says_its_name_is_believed_after_some_turns(tmp_path: Path) -> None:
    bus = Bus(u1=("AAAA", 11), u2=("BBBB", 22))
    await known(bus, tmp_path / "names")
    bus.nameless = True
    with desk(bus, tmp_path / "names") as agent:
        for _ in range(PATIENCE - 1):
            assert gap_of(await agent.asks("a")).cause is GapCause.STALE
        assert load_of(await agent.asks("a")) == 11


@pytest.mark.parametrize("left", ["", "not json", '{"sz/a": 7}'])
async def test_a_file_of_names_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, left: str) -> None:
    (tmp_path / "names").write_text(left)
    with desk(Bus(u1=("AAAA", 11), u2=("BBBB", 22)), tmp_path / "names") as agent:
        assert load_of(await agent.asks("a")) == 11
