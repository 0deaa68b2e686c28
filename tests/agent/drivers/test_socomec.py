"""A Socomec JBUS machine behind libmodbus: what we read of it, and what NUT's own driver reads of the same registers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.links import open_link
from agent.profiles import Tier, load
from model.batch import Event
from model.points import Source
from model.reading import Gap, GapCause, Reading
from tests.services import libmodbus, nut

pytestmark = pytest.mark.service
NONE = 0xFFFF
Registers = Mapping[int, list[int]]


def machine(three_phases: bool = True, on_battery: bool = False, **blocks: list[int]) -> Registers:
    """Registers as the register list has them."""
    plate = [515, 800, 0, *(ord("P") | ord("1") << 8, *(ord("2") | ord("3") << 8,) * 4), *[0] * 4]
    status = [1 << 5 if on_battery else 0b1111, 1 | 1 << 10, 1, 0, 1 << 6, 0]
    others = 50 if three_phases else NONE
    measures = [40, others, others, 45, 97, 800, 231, 232, 233, 230, 229, 228, NONE, NONE, NONE, 60, 61, 62]
    measures += [500, 501, 4320, NONE, 24, 12 if on_battery else NONE, 105, *[0] * 23]
    nominal = [400, 400, 50, 50, 0, 0, 0, 0, 800, 32, *[0] * 22]
    held = {"plate": plate, "status": status, "alarms": [0, 0, 0, 0], "measures": measures, "nominal": nominal}
    held |= blocks
    places = {"plate": 0x1000, "status": 0x1020, "alarms": 0x1040, "measures": 0x1060, "nominal": 0x10E0}
    return {places[name]: words for name, words in held.items()} | {0x1360: [0, 0, 0, 0]}


async def said(registers: Registers, tier: Tier) -> dict[tuple[str, str | None], float | GapCause | str]:
    out: dict[tuple[str, str | None], float | GapCause | str] = {}
    with libmodbus.serving("tcp", registers=registers) as place:
        url = DeviceUrl.parse(f"modbus+tcp://{place}?timeout=3")
        with closing(open_link(url)) as link:
            for one in await ask_device(link, "a/ups-1", url, load("socomec_jbus"), tier, lambda: 5):
                if isinstance(one, Reading):
                    out[one.point, one.index] = one.value
                elif isinstance(one, Gap):
                    out[str(one.point), one.index] = one.cause
                elif isinstance(one, Event):
                    out.update({(name, None): str(value) for name, value in one.data.items()})
    return out


async def test_three_phases_on_mains() -> None:
    values = await said(machine(), Tier.MEASURE)
    assert [values["ups.load", index] for index in "123"] == [40, 50, 50]
    assert [values["output.voltage", index] for index in "123"] == [230, 229, 228]
    assert (values["output.frequency", None], values["battery.voltage", None]) == (50.1, 432.0)
    assert values["battery.current", None] == 10.5
    assert values["ambient.temperature", None] == 24


async def test_one_phase_has_no_second() -> None:
    values = await said(machine(three_phases=False), Tier.MEASURE)
    assert values["ups.load", "1"] == 40
    assert not {("ups.load", "2"), ("output.voltage", "3"), ("output.current", "2")} & set(values)


@pytest.mark.parametrize(("on_battery", "source"), [(False, Source.NORMAL), (True, Source.BATTERY)])
async def test_the_runtime_is_there_on_battery_and_its_mark_is_no_value(on_battery: bool, source: Source) -> None:
    values = await said(machine(on_battery=on_battery), Tier.STATUS)
    assert values["ups.source", None] == source
    assert values["alarm.on_battery", None] == float(on_battery)
    assert values["battery.runtime", None] == (720 if on_battery else GapCause.NOT_SUPPORTED)


@pytest.mark.parametrize(("on_battery", "source"), [(False, Source.NORMAL), (True, Source.BATTERY)])
async def test_the_mark_of_the_runtime_tells_the_source_where_the_status_word_is_absent(
    on_battery: bool, source: Source
) -> None:
    values = await said(machine(on_battery=on_battery, status=[NONE] * 6), Tier.STATUS)
    assert values["ups.source", None] == source
    assert values["alarm.on_battery", None] == GapCause.NOT_SUPPORTED, "0xFFFF raises nothing"


async def test_an_alarm_bit_raises_its_flag_and_no_other() -> None:
    values = await said(machine(alarms=[1 << 2, 1 << 15, 0, 1 << 1]), Tier.STATUS)
    raised = {point for (point, _), value in values.items() if point.startswith("alarm.") and value == 1}
    assert raised == {"alarm.overload", "alarm.shutdown_imminent", "alarm.battery_depleted"}


async def test_service_that_is_due_is_told() -> None:
    assert (await said(machine(alarms=[0, 0, 1 << 12, 0]), Tier.STATUS))["alarm.service", None] == 1


async def test_the_name_plate_turns_the_bytes_of_the_serial_number() -> None:
    values = await said(machine(), Tier.IDENTITY)
    assert values["device.model", None] == "Delphys MX"
    assert values["device.serial", None] == "P123232323"
    assert values["ups.power.nominal", None] == 80_000
    assert values["input.voltage.nominal", None] == 400


async def test_a_model_that_nobody_knows_and_a_plate_without_data_are_no_values() -> None:
    values = await said(machine(nominal=[0] * 32, plate=[999, *[0] * 11]), Tier.IDENTITY)
    assert ("device.model", None) not in values
    assert values["input.voltage.nominal", None] == GapCause.NOT_SUPPORTED


async def test_nut_reads_the_same_machine(tmp_path: Path) -> None:
    ours = await said(machine(), Tier.MEASURE)
    plate = await said(machine(), Tier.IDENTITY)
    with libmodbus.serving("rtu", registers=machine()) as place:
        theirs = nut.read("socomec_jbus", place, tmp_path)
    for index in "123":
        assert float(theirs[f"output.L{index}-N.voltage"]) == ours["output.voltage", index]
        assert float(theirs[f"output.L{index}.current"]) == ours["output.current", index]
    assert float(theirs["battery.voltage"]) == ours["battery.voltage", None]
    assert theirs["ups.serial"] == plate["device.serial", None]
    assert theirs["ups.model"].lower() == str(plate["device.model", None]).lower()
    assert theirs["ups.status"].split()[-1] == "OL"
