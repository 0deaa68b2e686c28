"""At the door of the agent: what is wrong does not pass, a new firmware is noticed, and an outage is not taken for a slip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent import status
from agent.address import DeviceUrl
from agent.backlog import Found
from agent.commissioner import Commissioner, read_records, write_records
from agent.commissioning import Record, Verdict, sign
from agent.config import WatchedDevice
from agent.links import open_link
from agent.links.owner import Link
from agent.profiles import Tier, load
from model.batch import Event, EventKind
from model.reading import Gap, GapCause, Reading

ID, KEY = "sz/ups-1", "5ec3e7" * 10
_SOUND = {
    "ups.source": 3.0,
    "input.voltage": 231.0,
    "output.voltage": 230.0,
    "output.frequency": 50.0,
    "battery.voltage": 218.4,
    "battery.voltage.nominal": 192.0,
    "battery.charge": 100.0,
    "ups.temperature": 31.0,
}
_STATUS = ("ups.source", "alarm.on_battery")


class Ups:
    """What a device says, tier by tier, without a wire."""

    def __init__(self) -> None:
        self.values = dict(_SOUND)
        self.firmware: str | None = "V1"
        self.asked: list[Tier] = []
        self.at = 0

    async def __call__(self, device: Any, tier: Tier) -> list[Found]:
        self.asked.append(tier)
        self.at += 1
        if tier is Tier.IDENTITY:
            if self.firmware is None:
                return [Gap(device=ID, point=None, index=None, at=self.at, cause=GapCause.NO_ANSWER)]
            data: dict[str, str | int | float] = {"device.serial": "S1", "device.firmware": self.firmware}
            return [Event(kind=EventKind.IDENTITY, device=ID, at=self.at, data=data)]
        return [
            Reading(device=ID, point=point, index=None, at=self.at, value=value)
            for point, value in self.values.items()
            if (point in _STATUS) == (tier is Tier.STATUS)
        ]


class Desk:
    """An agent's door with one device behind it; begun anew with each call of `start`."""

    def __init__(self, ups: Ups, file: Path, link: Link) -> None:
        self.ups, self.file, self._link = ups, file, link
        self.device = WatchedDevice(id=ID, url=DeviceUrl.parse("icmp://127.0.0.1"), profile=load("huawei_ups2000"))
        self.start()

    def start(self) -> None:
        self.ask = Commissioner([self.device], self.file, lambda: KEY, lambda: self.ups.at).watching(
            self.ups, self._link
        )

    async def round(self, *tiers: Tier) -> list[Found]:
        found: list[Found] = []
        for tier in tiers or (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY, Tier.STATUS):
            found += await self.ask(self.device, tier)
        return found

    @property
    def kept(self) -> Record:
        return read_records(self.file)[ID]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    link = open_link(DeviceUrl.parse("icmp://127.0.0.1"))
    yield Desk(Ups(), tmp_path / "spool.commissioned", link)
    link.close()
    status.notes.pop(f"commissioned.{ID}", None)


def values(found: list[Found]) -> dict[str, float]:
    return {one.point: one.value for one in found if isinstance(one, Reading)}


def withheld(found: list[Found]) -> dict[str, str]:
    return {one.point or "": one.raw for one in found if isinstance(one, Gap) and one.where == "commissioning"}


def told(found: list[Found]) -> list[Any]:
    return [one.data["commissioned"] for one in found if isinstance(one, Event) and "commissioned" in one.data]


async def test_a_sound_device_is_commissioned_once_and_told_with_its_profile_and_firmware(desk: Desk) -> None:
    found = await desk.round()
    assert values(found) == _SOUND
    event = next(one for one in found if isinstance(one, Event) and "commissioned" in one.data)
    assert event.kind is EventKind.IDENTITY
    assert event.data["commissioned"] == "fits"
    assert event.data["commissioned.profile"] == "huawei_ups2000"
    assert event.data["commissioned.firmware"] == "V1"
    assert str(event.data["commissioned.signature"]).startswith("hmac-sha256:")
    assert desk.kept.stable["battery.voltage"] == 218.4
    desk.start()
    assert told(await desk.round()) == [], "not again after a start"


async def test_a_value_that_cannot_be_is_a_gap_from_its_very_first_turn(desk: Desk) -> None:
    desk.ups.values["input.voltage"] = 23.1
    found = await desk.round()
    assert "input.voltage" not in values(found)
    assert values(found)["output.voltage"] == 230.0
    assert "×10 gives 231" in withheld(found)["input.voltage"]
    assert set(told(found)) == {"wrong"}
    assert "×10" in status.notes[f"commissioned.{ID}"].zh
    desk.start()
    assert "input.voltage" in withheld(await desk.round()), "nor after a start"
    desk.ups.values["input.voltage"] = 231.0
    again = [values(await desk.round()) for _ in range(4)]
    assert "input.voltage" not in again[0]
    assert again[-1]["input.voltage"] == 231.0


async def test_what_a_person_confirmed_passes_and_an_altered_file_is_not_believed(desk: Desk) -> None:
    desk.ups.values["input.voltage"] = 23.1
    await desk.round()
    kept = desk.kept
    write_records(desk.file, {ID: sign(msgspec.structs.replace(kept, confirmed=("input.voltage",)), KEY)})
    assert values(await desk.round())["input.voltage"] == 23.1
    write_records(desk.file, {ID: msgspec.structs.replace(kept, verdict=Verdict.FITS)})
    desk.start()
    assert "input.voltage" in withheld(await desk.round())


async def test_a_new_firmware_that_moves_a_scale_is_noticed_at_once_and_never_stored(desk: Desk) -> None:
    await desk.round()
    desk.ups.firmware = "V2"
    desk.ups.values["battery.voltage"] = 21.84
    del desk.ups.values["battery.voltage.nominal"]  # nothing but its own past speaks against it
    found = await desk.round(Tier.MEASURE)
    assert desk.ups.asked[-2:] == [Tier.MEASURE, Tier.IDENTITY]
    assert "V2" in withheld(found)["battery.voltage"]
    assert values(found)["output.voltage"] == 230.0
    assert "wrong" in told(await desk.round())
    for _ in range(5):
        assert "battery.voltage" in withheld(await desk.round())
    desk.start()
    for _ in range(5):
        assert "battery.voltage" in withheld(await desk.round()), "the reason outlives a start"
    desk.ups.values["battery.voltage"] = 217.9
    assert [values(await desk.round()) for _ in range(4)][-1]["battery.voltage"] == 217.9


async def test_the_same_firmware_means_that_it_is_true(desk: Desk) -> None:
    await desk.round()
    desk.ups.values["battery.voltage"] = 21.84  # a string is open
    found = await desk.round(Tier.MEASURE)
    assert values(found)["battery.voltage"] == 21.84
    asked = len(desk.ups.asked)
    await desk.round(Tier.MEASURE)
    assert desk.ups.asked[asked:] == [Tier.MEASURE], "asked once who it is"


async def test_while_it_does_not_say_who_it_is_a_jump_is_no_reading(desk: Desk) -> None:
    await desk.round()
    desk.ups.values["battery.voltage"], desk.ups.firmware = 21.84, None
    assert "does not say" in withheld(await desk.round(Tier.MEASURE))["battery.voltage"]
    desk.ups.firmware = "V1"
    assert values(await desk.round(Tier.MEASURE))["battery.voltage"] == 21.84


async def test_a_start_in_an_outage_withholds_nothing_and_waits_for_the_mains(desk: Desk) -> None:
    desk.ups.values |= {"ups.source": 5.0, "input.voltage": 23.0, "battery.voltage": 181.0}
    found = await desk.round()
    assert withheld(found) == {}
    assert values(found)["input.voltage"] == 23.0
    assert told(found) == []
    desk.ups.values = dict(_SOUND)
    assert told(await desk.round()) == ["fits"]


async def test_another_device_in_its_place_is_judged_by_itself(desk: Desk) -> None:
    await desk.round()
    kept = desk.kept
    write_records(desk.file, {ID: sign(msgspec.structs.replace(kept, serial="S0", firmware="V0"), KEY)})
    desk.start()
    desk.ups.values |= {"battery.voltage": 21.9, "battery.voltage.nominal": 19.2}
    del desk.ups.values["battery.voltage.nominal"]
    found = await desk.round(Tier.IDENTITY, Tier.STATUS, Tier.MEASURE)
    assert values(found)["battery.voltage"] == 21.9
