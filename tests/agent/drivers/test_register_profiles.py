"""Profiles made of register facts only: hand-built registers behind a real slave, marks and impossible numbers among them."""

from __future__ import annotations

import pytest

from agent.profiles import Tier, load
from model.points import Source
from model.reading import GapCause
from tests.agent.drivers.modbus_device import Told, raised, told

pytestmark = pytest.mark.service
NONE = 0xFFFF


# ---- Generex CS141


def card(**changed: int) -> dict[int, list[int]]:
    """Registers 97 to 150 of a card before a machine of three phases on mains; `r105=0` puts a 0 at 105."""
    words = [
        230,
        231,
        229,
        30,
        31,
        32,
        100,
        228,
        229,
        230,
        31,
        25,
        0,
        540,
        50,
        50,
        50,
        7,
        *[0] * 24,
        1,
        0,
        0,
        0,
        *[0] * 8,
    ]
    for place, word in changed.items():
        words[int(place[1:]) - 97] = word
    return {97: words}


async def test_a_card_before_a_machine_on_mains() -> None:
    values = await told("generex_cs141", card())
    assert values["ups.source", None] == Source.NORMAL
    assert values["battery.runtime", None] == 1500
    assert [values["output.voltage", index] for index in "123"] == [230, 231, 229]
    assert [values["input.voltage", index] for index in "123"] == [228, 229, 230]
    assert (values["battery.voltage", None], values["ups.temperature", None]) == (540, 31)
    assert [values["contact.closed", index] for index in "1234"] == [1, 0, 0, 0]
    assert not raised(values)


@pytest.mark.parametrize("register", range(115, 139))
async def test_each_alarm_register_of_a_card_raises_the_alarm_of_its_number_in_rfc_1628(register: int) -> None:
    values = await told("generex_cs141", card(**{f"r{register}": 1}), Tier.STATUS)
    expected = load("rfc1628").alarms[0].flags[register - 114]
    assert raised(values) == {expected}


@pytest.mark.parametrize(
    ("alarms", "source"),
    [
        ((116,), Source.BATTERY),
        ((123,), Source.BYPASS),
        ((128,), Source.NONE),
        ((129, 116), Source.NONE),
        ((120,), Source.NORMAL),
    ],
)
async def test_the_alarms_of_a_card_tell_what_feeds_the_output(alarms: tuple[int, ...], source: Source) -> None:
    values = await told("generex_cs141", card(**{f"r{n}": 1 for n in alarms}), Tier.STATUS)
    assert values["ups.source", None] == source


async def test_a_card_that_lost_its_ups_decides_nothing() -> None:
    values = await told("generex_cs141", card(r134=1), Tier.STATUS)
    assert raised(values) == {"alarm.communication_lost"}
    assert not {("ups.source", None), ("battery.charge", None), ("battery.runtime", None)} & set(values)


async def test_one_phase_has_no_second_and_marks_are_no_numbers() -> None:
    values = await told("generex_cs141", card(r98=0, r99=0, r101=0, r108=NONE, r110=NONE, r116=NONE, r103=4041))
    assert values["output.voltage", "1"] == 230
    assert ("output.voltage", "2") not in values
    assert ("input.voltage", "3") not in values
    assert values["battery.runtime", None] is GapCause.NOT_SUPPORTED
    assert values["battery.voltage", None] is GapCause.NOT_SUPPORTED
    assert values["battery.charge", None] is GapCause.NOT_PLAUSIBLE
    assert values["alarm.on_battery", None] is GapCause.NOT_SUPPORTED
    assert values["ups.source", None] in (GapCause.NOT_SUPPORTED, GapCause.NOT_PLAUSIBLE)


# ---- Phoenix Contact, four maps of the same meanings


def quint4(on_battery: int = 0, alarms: tuple[int, int] = (0, 0), kelvin: int = 298) -> dict[int, list[int]]:
    first = [on_battery << 2 | 1 << 5, *[0] * 5, 24013, 3500, 0, 0, 26100, 0, 0, kelvin, 0, 97, 1200]
    return {0x2000: first, 0x3000: list(alarms)}


async def test_a_quint4_on_mains_and_on_battery() -> None:
    values = await told("phoenix_quint4", quint4())
    assert (values["ups.source", None], values["battery.charger.status", None]) == (Source.NORMAL, 3)
    assert (values["output.voltage", "1"], values["output.current", "1"]) == (24.013, 3.5)
    assert (values["battery.voltage", None], values["battery.temperature", None]) == (26.1, 25)
    assert values["battery.charge", None] == 97
    assert not raised(values)
    values = await told("phoenix_quint4", quint4(on_battery=1, alarms=(1 << 9, 1 << 5 | 1 << 8)), Tier.STATUS)
    assert values["ups.source", None] == Source.BATTERY
    assert raised(values) == {"alarm.on_battery", "alarm.replace_battery", "alarm.battery_low", "alarm.overload"}


@pytest.mark.parametrize("kelvin", [0, NONE])
async def test_a_sensor_that_is_not_there_is_no_temperature(kelvin: int) -> None:
    values = await told("phoenix_quint4", quint4(kelvin=kelvin), Tier.MEASURE)
    assert values["battery.temperature", None] is GapCause.NOT_SUPPORTED


async def test_the_older_quint_and_the_two_trios_keep_the_same_meanings_elsewhere() -> None:
    quint = {
        29697: [1, 0, 0],
        29745: [24000],
        29749: [80],
        29792: [25800, 300],
        29798: [2500],
        29840: [1 << 6 | 1 << 13],
    }
    values = await told("phoenix_quint", quint)
    assert values["ups.source", None] == Source.BATTERY
    assert (values["battery.charge", None], values["battery.temperature", None]) == (80, 27)
    assert raised(values) == {"alarm.replace_battery", "alarm.battery_low"}
    values = await told("phoenix_trio", {29697: [0, 0, 1, 27200, 0, 24100, 0, 0, 0, 1 << 1]})
    assert (values["ups.source", None], values["battery.charger.status", None]) == (Source.NORMAL, 3)
    assert (values["output.voltage", "1"], values["battery.voltage", None]) == (24.1, 27.2)
    assert raised(values) == {"alarm.battery_missing"}
    values = await told("phoenix_trio_2g", {0x2000: [0, 0, 1 << 2, 0, 0, 0, 23900, 1200], 0x3001: [1 << 2]})
    assert values["ups.source", None] == Source.BATTERY
    assert (values["output.voltage", "1"], values["output.current", "1"]) == (23.9, 1.2)
    assert raised(values) == {"alarm.on_battery", "alarm.battery_depleted"}


# ---- ADELSYSTEM


async def adel(**changed: int) -> Told:
    words = dict.fromkeys(range(40001, 40121), 0)
    words |= {40005: 4, 40006: 3, 40008: 27350, 40011: 24010, 40020: 1500, 40019: 91, 40021: 88, 40023: 995}
    words |= {40026: 298, 40028: 123, 40029: 303, 40030: 231, 40048: 12, 40057: 3, 40061: 805, 40064: 201, 40067: 2}
    words |= {int(place[1:]): word for place, word in changed.items()}
    return await told("adel_cbi", {0: [words[number] for number in sorted(words)]})


async def test_an_adel_tells_what_it_found_out_about_its_battery() -> None:
    values = await adel()
    assert (values["ups.source", None], values["battery.charger.status", None]) == (Source.NORMAL, 2)
    assert (values["battery.voltage", None], values["output.voltage", "1"], values["output.current", "1"]) == (
        27.35,
        24.01,
        1.5,
    )
    assert (values["battery.resistance", None], values["battery.health", None]) == (12.3, 88)
    assert (values["battery.cycles", None], values["battery.discharges", None]) == (12, 3)
    assert (values["battery.temperature", None], values["ups.temperature", None]) == (24.85, 29.85)
    assert (values["battery.depth.maximum", None], values["battery.charge", None]) == (80.5, 99.5)
    assert values["device.model", None] == "CBI2420A"
    assert not raised(values)


@pytest.mark.parametrize(
    ("register", "word", "flag"),
    [
        (40032, 1 << 3, "battery_bad"),
        (40032, 1 << 1, "battery_missing"),
        (40033, 1 << 2, "replace_battery"),
        (40035, 1, "battery_voltage_high"),
        (40044, 2, "sensor_fault"),
        (40045, 1 << 1, "input_bad"),
        (40046, 1, "on_battery"),
        (40047, 1, "temperature"),
    ],
)
async def test_an_adel_alarm(register: int, word: int, flag: str) -> None:
    assert raised(await adel(**{f"r{register}": word})) == {f"alarm.{flag}"}


async def test_an_adel_with_marks_and_what_cannot_be() -> None:
    values = await adel(r40006=9, r40026=0, r40028=NONE, r40021=180, r40032=NONE, r40067=99)
    assert values["ups.source", None] is GapCause.NOT_PLAUSIBLE
    assert values["battery.temperature", None] is GapCause.NOT_SUPPORTED
    assert values["battery.resistance", None] is GapCause.NOT_SUPPORTED
    assert values["battery.health", None] is GapCause.NOT_PLAUSIBLE
    assert values["alarm.battery_missing", None] is GapCause.NOT_SUPPORTED
    assert ("device.model", None) not in values


# ---- Huawei UPS2000


def huawei(three_phases: bool = False, **changed: int) -> dict[int, list[int]]:
    """UPS 1 behind a card; `r1000=…` puts a word at a base of the guide's table, `a40164=…` at an alarm's."""
    words = dict.fromkeys([*range(11000, 11044), *range(12000, 12034), *range(19004, 19021), *range(41179, 41208)], 0)
    three = int(three_phases)
    for base, word in {
        1000: 2205,
        1003: 500,
        1008: 2301,
        1014: 499,
        1015: 21,
        1018: 23,
        1021: 305,
        1024: 2,
        1025: three,
    }.items():
        words[base + 10000] = word
    for base, word in {
        1001: 2210,
        1002: 2220,
        1026: three,
        1027: 312,
        2000: 2184,
        2002: 3,
        2003: 97,
        2005: 1500,
    }.items():
        words[base + 10000] = word
    for place, word in changed.items():
        words[int(place[1:]) + (1024 if place[0] == "a" else 10000)] = word
    blocks: dict[int, list[int]] = {}
    start = last = -2
    for address in sorted(words):
        start = start if address == last + 1 else address
        blocks.setdefault(start, []).append(words[address])
        last = address
    return blocks


@pytest.mark.parametrize("three_phases", [False, True])
async def test_a_huawei_of_one_and_of_three_phases(three_phases: bool) -> None:
    values = await told("huawei_ups2000", huawei(three_phases), Tier.STATUS, Tier.MEASURE)
    assert (values["ups.source", None], values["battery.charger.status", None]) == (Source.NORMAL, 2)
    assert (values["input.voltage", "1"], values["output.voltage", "1"]) == (220.5, 230.1)
    assert (values["battery.voltage", None], values["battery.runtime", None]) == (218.4, 1500)
    assert (values.get(("input.voltage", "2")), values.get(("input.voltage", "3"))) == (
        (221, 222) if three_phases else (None, None)
    )
    assert not raised(values)


async def test_each_mark_of_a_huawei_is_a_gap() -> None:
    marks = {
        "r1000": 0x7FFF,
        "r1008": 0x7FFF,
        "r1027": 0x7FFF,
        "r2000": 0x7FFF,
        "r2003": NONE,
        "r2004": NONE,
        "r2005": NONE,
    }
    values = await told("huawei_ups2000", huawei(**marks, r1003=5000, r1024=4), Tier.STATUS, Tier.MEASURE)
    names = [
        "input.voltage",
        "output.voltage",
        "ups.temperature",
        "battery.voltage",
        "battery.charge",
        "battery.runtime",
    ]
    for name in names:
        index = "1" if name in ("input.voltage", "output.voltage") else None
        assert values[name, index] is GapCause.NOT_SUPPORTED, name
    assert values["input.frequency", "1"] is GapCause.NOT_PLAUSIBLE, "500 Hz: a slip of ten"
    assert values["ups.source", None] is GapCause.NOT_PLAUSIBLE, "4 is no state of the guide"


@pytest.mark.parametrize(
    ("word", "bit", "flag"),
    [
        ("a40164", 3, "battery_voltage_low"),
        ("a40164", 2, "service"),
        ("a40171", 8, "on_battery"),
        ("a40182", 5, "emergency_power_off"),
    ],
)
async def test_an_alarm_bit_of_a_huawei(word: str, bit: int, flag: str) -> None:
    assert raised(await told("huawei_ups2000", huawei(**{word: 1 << bit}), Tier.STATUS)) == {f"alarm.{flag}"}
