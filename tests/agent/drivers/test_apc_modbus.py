"""APC's own Modbus: two real Smart-UPS by their frames, and hand-built registers for what no one has recorded."""

from __future__ import annotations

import pytest

from agent.profiles import Tier
from model.points import Source
from model.reading import GapCause
from tests.agent.drivers.modbus_device import exchanges, raised, registers_of, told, words

pytestmark = pytest.mark.service
APC = "apc_smart_ups_modbus"
NONE = 0xFFFF


def machine(**blocks: list[int]) -> dict[int, list[int]]:
    """A Smart-UPS 1500 (980 W) on mains; blocks replace parts of it."""
    status = [0, 0x2002, 8, 0, 1, 0, 0, 1, 0, 0, 2, 0, 0, 0, *[0] * 4, 0, 0, 0, 0, 0, 4, 0, 0, 0]
    measures = [0, 3600, 50 * 512, 54 * 32, 0, 7066, 0, 25 * 128, 25 * 256, 0, 20 * 256, 0, 41, 0, 230 * 64, 0]
    measures += [50 * 128, 0x0032, 0x817D, 0, 0, 0, 1, 231 * 64, 0, 0, 95 * 128, NONE, NONE, NONE, NONE, 0]
    texts = {516: ("UPS 04.1", 8), 532: ("Smart-UPS 1500", 16), 564: ("AS1234567890 ", 8), 596: ("Rack 3", 8)}
    plate = [0] * 120
    for at, (text, size) in texts.items():
        plate[at - 516 : at - 516 + size] = [0x2020] * size
        plate[at - 516 : at - 516 + len(words(text))] = words(text)
    plate[588 - 516], plate[589 - 516], plate[595 - 516] = 1500, 980, 6701
    settings = [253, 207, 2, 180, 0, 0, 8]
    held = {"status": status, "measures": measures, "plate": plate, "settings": settings} | blocks
    return {at: held[name] for name, at in (("status", 0), ("measures", 128), ("plate", 516), ("settings", 1026))}


@pytest.mark.shared
async def test_a_real_smart_ups_decodes_to_what_stands_beside_its_frames() -> None:
    values = await told(APC, registers_of(exchanges("APC Smart-UPS over Modbus TCP")))
    assert values["ups.source", None] == Source.NORMAL
    assert values["battery.runtime", None] == 20561
    assert values["battery.charge", None] == 100
    assert values["battery.voltage", None] == 54.5
    assert values["battery.temperature", None] == pytest.approx(29.48, abs=0.005)
    assert values["ups.load", "1"] == pytest.approx(13.1, abs=0.05)
    assert values["ups.load.apparent", "1"] == pytest.approx(11.3, abs=0.05)
    assert values["output.current", "1"] == pytest.approx(1.28, abs=0.005)
    assert values["output.voltage", "1"] == 121.375
    assert values["output.frequency", None] == pytest.approx(60.02, abs=0.005)
    assert values["output.energy", None] == 0x0032817D / 1000
    assert (values["input.transfer.high", None], values["input.transfer.low", None]) == (127, 106)
    assert values["ups.test.result", None] == 1
    assert not raised(values), "0x2002 and 0x0044 raise nothing"
    assert ("input.transfer.reason", None) not in values, "8, input acceptable, is no reason to go to battery"
    assert [values["outlet.status", index] for index in "123"] == [1, 1, 1]
    assert ("outlet.status", "0") not in values, "a group without bits is not there"


@pytest.mark.shared
async def test_another_one_tells_its_settings() -> None:
    values = await told(APC, registers_of(exchanges("APC Smart-UPS X 750")), Tier.IDENTITY)
    assert (values["input.transfer.high", None], values["input.transfer.low", None]) == (268, 212)
    assert (values["ups.delay.shutdown", None], values["ups.delay.start", None]) == (180, 0)


async def test_watts_come_of_the_rating_and_dates_of_days() -> None:
    values = await told(APC, machine())
    assert values["output.realpower", "1"] == 245
    assert values["output.power", "1"] == 300
    assert values["device.model", None] == "Smart-UPS 1500"
    assert values["device.serial", None] == "AS1234567890"
    assert (values["battery.date.due", None], values["battery.date", None]) == ("2019-05-07", "2018-05-07")
    assert values["ups.efficiency", None] == 95
    assert values["input.voltage", "1"] == 231
    assert [values["outlet.status", index] for index in "012"] == [1, 1, 2]
    for timer in ("shutdown", "start", "reboot"):
        assert values[f"ups.timer.{timer}", None] is GapCause.NOT_SUPPORTED


@pytest.mark.parametrize("code", range(-8, 0))
async def test_codes_of_the_efficiency_are_no_efficiency(code: int) -> None:
    measures = machine()[128][:]
    measures[154 - 128], measures[151 - 128] = code & NONE, NONE
    values = await told(APC, machine(measures=measures), Tier.MEASURE)
    assert values["ups.efficiency", None] is GapCause.NOT_SUPPORTED
    assert values["input.voltage", "1"] is GapCause.NOT_SUPPORTED


async def test_on_battery_with_every_alarm() -> None:
    status = machine()[0][:]
    status[0:3] = [1 << 5, 1 << 2 | 1 << 6, 2]
    status[18], status[20:22], status[22], status[23] = 2, [0, 1 << 4 | 1 << 1], 1 << 2, 1 << 3
    measures = machine()[128][:]
    measures[150 - 128] = 1 << 2 | 1 << 12
    values = await told(APC, machine(status=status, measures=measures), Tier.STATUS)
    assert values["ups.source", None] == Source.BATTERY
    assert values["input.transfer.reason", None] == 2
    assert values["input.status", None] == 3
    assert values["ups.test.result", None] == 3
    names = "on_battery overload battery_low shutdown_imminent temperature short_circuit replace_battery test_failed input_bad"
    assert raised(values) == {f"alarm.{name}" for name in names.split()}


async def test_a_status_of_no_known_bit_is_no_source() -> None:
    values = await told(APC, machine(status=[0] * 27), Tier.STATUS)
    assert values["ups.source", None] is GapCause.NOT_PLAUSIBLE
