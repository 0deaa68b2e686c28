"""Types, orders, scales, marks and proofs of Modbus profiles on hand-built registers."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.profiles.rows import ORDERS
from model.points import POINTS, plausible
from model.reading import GapCause, Quality
from tests.agent.drivers.made import of_modbus, profile_of, values


def row(more: str, point: str = "output.realpower", at: int | str = 10) -> str:
    return f'[[value]]\ntier = "status"\npoint = "{point}"\nat = {at}\n{more}\n'


def one(more: str, *words: int, point: str = "output.realpower", head: str = "") -> float | str | None:
    found = of_modbus(profile_of(row(more, point), "modbus", head), dict(enumerate(words, 10)))
    return found[point, None].value


@pytest.mark.parametrize(
    ("type", "words", "value"),
    [
        ("u16", [0xFFF0], 65520), ("i16", [100], 100), ("u32", [1, 2], 65538), ("i32", [0, 7], 7), ("u64", [0, 0, 1, 2], 65538),
        ("i64", [0, 0, 0, 9], 9), ("f32", [0x4366, 0x8000], 230.5), ("f64", [0x406C, 0xD000, 0, 0], 230.5), ("u8hi", [0x1234], 0x12),
        ("u8lo", [0x1234], 0x34), ("bcd16", [0x2305], 2305), ("bcd32", [0x0012, 0x3456], 123456), ("sm16", [0x0007], 7),
        ("u32le", [2, 1], 65538), ("bcd16", [0x23AF], None), ("f32", [0x7FC0, 0], None),
    ],
)  # fmt: skip
def test_each_type_is_read(type: str, words: list[int], value: float | None) -> None:
    assert one(f'unit = "W"\ntype = "{type}"', *words) == value


@pytest.mark.parametrize(("type", "words", "value"), [("i8hi", [0xFE00], -2), ("i8lo", [0x00FE], -2), ("sm16", [0x8007], -7), ("sm32", [0x8000, 7], -7), ("i64", [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFE], -2)])  # fmt: skip
def test_each_signed_type_goes_below_nought(type: str, words: list[int], value: float) -> None:
    assert one(f'unit = "A"\ntype = "{type}"', *words, point="battery.current") == value


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("type", "form"), [("u32", ">I"), ("f32", ">f"), ("u64", ">Q"), ("f64", ">d")])
def test_word_order_and_byte_order_are_each_their_own(order: str, type: str, form: str) -> None:
    data = struct.pack(form, 3010)
    words = struct.unpack(f">{len(data) // 2}H", data)
    if order in ("CDAB", "DCBA"):
        words = words[::-1]
    if order in ("BADC", "DCBA"):
        words = tuple(word >> 8 | (word & 0xFF) << 8 for word in words)
    assert one(f'unit = "W"\ntype = "{type}"\norder = "{order}"', *words) == 3010
    assert one(f'unit = "W"\ntype = "{type}"', *words, head=f'order = "{order}"') == 3010


def test_bytes_of_one_register_may_stand_the_other_way_round() -> None:
    assert one('unit = "W"\norder = "BADC"', 0x3412) == 0x1234
    assert one('unit = "W"\norder = "CDAB"', 0x1234) == 0x1234


def test_texts_come_high_or_low_byte_first() -> None:
    assert one('type = "string"\nlength = 2', 0x4142, 0x4300, point="device.serial") == "ABC"
    assert one('type = "stringle"\nlength = 2', 0x4241, 0x0043, point="device.serial") == "ABC"
    assert one('type = "string"\nlength = 2\norder = "BADC"', 0x4241, 0x0043, point="device.serial") == "ABC"
    assert one('type = "string"\nlength = 3', 0, 0x4142, 0x2020, point="device.serial") == "AB"


def test_dates_are_packed_in_many_ways() -> None:
    for form, words in (
        ("days 2000-01-01", [7066]),
        ("bytes YY MM DD X", [0x1305, 0x0700]),
        ("bcd YYYY MM DD", [0x2019, 0x0507]),
        ("bits y7+1980 m4 d5", [20135]),
    ):
        assert one(f'date = "{form}"\nlength = {len(words)}', *words, point="device.description") == "2019-05-07", form
    assert one('date = "seconds 1970-01-01"\ntype = "u32"', 0x5CD1, 0x7B80, point="device.description") == "2019-05-07T12:35:12"  # fmt: skip
    assert one('date = "days 2000-01-01"\nmissing = [65535]', 65535, point="device.description") is None


def test_steps_may_be_powers_of_two_and_noughts_may_differ() -> None:
    assert of_modbus(profile_of(row('unit = "2^-5 V"', "battery.voltage"), "modbus"), {10: 1728})["battery.voltage", None].value == 54.0  # fmt: skip
    assert one('unit = "0.1 K"', 2982, point="battery.temperature") == pytest.approx(25.05)
    assert one('unit = "°C"\noffset = -40', 65, point="battery.temperature") == 25.0


def test_a_scale_stands_in_another_register() -> None:
    power = profile_of(row('unit = "W"\nscale_from = 20'), "modbus")
    for sf, value in ((1, 5000.0), (0xFFFF, 50.0), (0x8000, None), (77, None)):
        assert of_modbus(power, {10: 500, 20: sf})["output.realpower", None].value == value
    assert of_modbus(power, {10: 500})["output.realpower", None].value is None
    gain = profile_of(row('unit = "W"\nscale_from = 20\nscale_by = "divide"'), "modbus")
    assert of_modbus(gain, {10: 500, 20: 10})["output.realpower", None].value == 50.0
    assert of_modbus(gain, {10: 500, 20: 0})["output.realpower", None].value is None


def test_a_unit_stands_in_another_register() -> None:
    profile = profile_of(row('unit_at = 20\nunits = { 0 = "0.1 °C", 1 = "0.1 °F" }', "ambient.temperature"), "modbus")
    assert of_modbus(profile, {10: 215, 20: 0})["ambient.temperature", None].value == 21.5
    assert of_modbus(profile, {10: 707, 20: 1})["ambient.temperature", None].value == 21.5
    assert of_modbus(profile, {10: 707, 20: 2})["ambient.temperature", None].value is None


def test_a_field_of_a_word_is_masked_and_shifted() -> None:
    body = row('unit = "W"\nmask = 0x0FF0\nshift = 4') + row('unit = "W"\nmask = 0x000F', "output.power")
    body = body.replace('"W"\nmask = 0x000F', '"VA"\nmask = 0x000F')
    assert values(of_modbus(profile_of(body, "modbus"), {10: 0xA12B})) == {
        ("output.realpower", None): 0x12, ("output.power", None): 0xB,
    }  # fmt: skip


def test_marks_by_type_are_marks_when_the_profile_says_so() -> None:
    for type, words in (("u16", [0xFFFF]), ("i16", [0x8000]), ("u32", [0xFFFF, 0xFFFF]), ("u64", [0xFFFF] * 4)):
        found = of_modbus(profile_of(row(f'unit = "W"\ntype = "{type}"'), "modbus", "missing_by_type = true"), dict(enumerate(words, 10)))  # fmt: skip
        assert found["output.realpower", None].cause is GapCause.NOT_SUPPORTED, type
    assert one('unit = "W"', 0xFFFF) == 65535


def test_a_mark_may_mean_that_the_mains_is_there() -> None:
    more = 'unit = "min"\nmeans = { 65535 = { point = "ups.source", state = 3 }, 65534 = "absent" }'
    profile = profile_of(row(more, "battery.runtime"), "modbus")
    assert values(of_modbus(profile, {10: 65535})) == {("ups.source", None): 3.0}
    assert values(of_modbus(profile, {10: 65534})) == {}
    assert values(of_modbus(profile, {10: 5})) == {("battery.runtime", None): 300.0}


def test_what_a_make_cannot_give_is_in_doubt() -> None:
    profile = profile_of(row('unit = "W"\nhigh = 3000\nimplausible = "suspect"'), "modbus")
    assert of_modbus(profile, {10: 4000})["output.realpower", None].quality == Quality.SUSPECT


def test_bits_over_two_words_upside_down_and_numbers_raise_flags() -> None:
    body = (
        '[[flags]]\ntier = "status"\nat = 10\nwords = 2\nbits = { 17 = "alarm.overload", "!1" = "alarm.output_off" }\n'
    )
    body += '[[flags]]\ntier = "status"\nat = 12\nvalues = { 2 = "alarm.on_battery" }\nmissing = [255]\n'
    profile = profile_of(body, "modbus")
    assert values(of_modbus(profile, {10: 2, 11: 2, 12: 2})) == {
        ("alarm.overload", None): 1.0, ("alarm.output_off", None): 0.0, ("alarm.on_battery", None): 1.0,
    }  # fmt: skip
    found = of_modbus(profile, {10: 0, 11: 0, 12: 255})
    assert [found[flag, None].value for flag in ("alarm.overload", "alarm.output_off", "alarm.on_battery")] == [
        0,
        1,
        None,
    ]


def test_inputs_may_be_closed_when_all_is_well() -> None:
    body = '[[flags]]\ntier = "status"\nat = 10\nfunction = 2\nbits = { "!1" = "alarm.on_battery" }\n'
    assert values(of_modbus(profile_of(body, "modbus"), {10: 0, 11: 1})) == {("alarm.on_battery", None): 0.0}
    assert values(of_modbus(profile_of(body, "modbus"), {10: 0, 11: 0})) == {("alarm.on_battery", None): 1.0}


def test_a_scale_is_proven_by_a_number_that_can_be_nothing_else() -> None:
    body = row('unit = "V"\nindex = "1"', "output.voltage")
    body += '[[variant]]\nwhy = "0.1 V"\nsees = { at = 10, low = 850, high = 7200 }\nchange."output.voltage".unit = "0.1 V"\n'
    profile = profile_of(body, "modbus")
    for word, value in ((2302, 230.2), (230, 230.0), (2310, 231.0)):
        assert of_modbus(profile, {10: word})["output.voltage", "1"].value == value


def test_an_optional_register_that_is_refused_is_not_told_of() -> None:
    profile = profile_of(row('unit = "W"\noptional = true') + row('unit = "V"', "battery.voltage", 50), "modbus")
    assert values(of_modbus(profile, {50: 54})) == {("battery.voltage", None): 54.0}


_ALL = profile_of(
    "".join(
        row(f'unit = "W"\ntype = "{type}"\norder = "{order}"\nindex = "{n}.{order}"', at=20 * n)
        for n, type in enumerate(["u16", "i32", "u64", "f32", "f64", "bcd32", "sm16", "u8hi", "i8lo"])
        for order in ORDERS
    )
    + row('unit = "A"\nscale_from = 1\nmissing = [7]', "battery.current", 300)
    + row('unit = "V"\nscale_from = 2\nscale_by = "divide"', "battery.voltage", 302)
    + row('date = "bcd YY MM DD"\nlength = 2', "device.description", 310)
    + row('date = "bits y7 m4 d5"', "device.name", 312)
    + row("names = { 1 = \"x\" }\nmask = 15", "device.model", 313)
    + row('rule = "first_bit"\nstates = { 1 = 3, -1 = 5 }\nmask = 0xFFFE', "ups.source", 314),
    "modbus",
    "missing_by_type = true\nmax_gap = 0",
)  # fmt: skip


@given(st.lists(st.one_of(st.integers(0, 0xFFFF), st.sampled_from([0, 0x7FC0, 0x7F80, 0x8000, 0xFFFF])), min_size=1, max_size=40))  # fmt: skip
@settings(max_examples=100)
def test_any_registers_are_samples(words: list[int]) -> None:
    for sample in of_modbus(_ALL, {n: words[n % len(words)] for n in range(330)}).values():
        assert not isinstance(sample.value, float) or plausible(POINTS[sample.point], sample.value)
        assert len(sample.raw) <= 200
