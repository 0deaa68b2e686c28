"""What makers do with tables, and what a profile says of it: each a made-up answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drivers import snmp
from agent.drivers.exchange import Exchange, Failure, Sample, Variable, WalkVariables
from agent.profiles import Tier
from model.points import POINTS, plausible
from model.reading import GapCause, Quality
from tests.agent.drivers.made import SNMP, answer_of, of_snmp, profile_of, values


def row(point: str, at: str, more: str = "", tier: str = "status") -> str:
    return f'[[value]]\ntier = "{tier}"\npoint = "{point}"\nat = "{at}"\n{more}\n'


BASE = 'base = "1.3.6.1.4.1.9"'
B = "1.3.6.1.4.1.9."


def test_a_star_between_fixed_numbers_is_the_index() -> None:
    """Raritan: measurement . pdu . inlet . sensor type; 4 is the voltage, 1 the current."""
    profile = profile_of(row("input.voltage", "5.4.1.*.4", 'unit = "V"') + row("input.current", "5.4.1.*.1"), head=BASE)
    tree: dict[str, Variable] = {f"{B}5.4.1.1.4": 231, f"{B}5.4.1.2.4": 229, f"{B}5.4.1.1.1": 7, f"{B}5.4.2.1.4": 500}
    assert values(of_snmp(profile, tree)) == {
        ("input.voltage", "1"): 231.0, ("input.voltage", "2"): 229.0, ("input.current", "1"): 7.0,
    }  # fmt: skip


def test_several_numbers_of_a_row_make_an_index() -> None:
    profile = profile_of(row("output.voltage", "1.2.*", 'unit = "V"\nindex_from = -1'), head=BASE)
    assert values(of_snmp(profile, {f"{B}1.2.1.1.3": 230})) == {("output.voltage", "3"): 230.0}
    profile = profile_of(row("output.voltage", "1.2.*", 'unit = "V"\nindex_from = [3, 1]'), head=BASE)
    assert values(of_snmp(profile, {f"{B}1.2.1.5.3": 230})) == {("output.voltage", "3.1"): 230.0}


def test_an_index_that_is_not_in_the_map_is_no_row() -> None:
    profile = profile_of(row("output.voltage", "1.2.*", 'unit = "V"\nindex_map = { 11 = "1", 12 = "2" }'), head=BASE)
    assert values(of_snmp(profile, {f"{B}1.2.11": 230, f"{B}1.2.99": 17})) == {("output.voltage", "1"): 230.0}


def test_a_label_stands_in_another_column_and_a_row_without_one_keeps_its_number() -> None:
    profile = profile_of(row("ambient.temperature", "1.2.*", 'unit = "0.1 °C"\nlabel = "1.9"'), head=BASE)
    tree: dict[str, Variable] = {f"{B}1.2.1": 215, f"{B}1.2.2": 230, f"{B}1.9.1": b"Rack  A", f"{B}1.9.2": b""}
    assert values(of_snmp(profile, tree)) == {
        ("ambient.temperature", "Rack A"): 21.5, ("ambient.temperature", "2"): 23.0
    }  # fmt: skip


def test_a_label_of_a_table_with_another_index_is_found_by_the_numbers_that_it_shares() -> None:
    profile = profile_of(row("ambient.temperature", "1.2.*", 'unit = "°C"\nlabel = "7.3.{1}"'), head=BASE)
    tree: dict[str, Variable] = {f"{B}1.2.4.1": 21, f"{B}7.3.4": b"Door"}
    assert values(of_snmp(profile, tree)) == {("ambient.temperature", "Door"): 21.0}


def test_rows_of_another_kind_and_rows_not_present_do_not_exist() -> None:
    wants = 'unit = "°C"\nwhere = { "1.7" = [1, 2], "1.8" = "(?i)temp" }\nunless = { "1.6" = [9] }'
    profile = profile_of(row("ambient.temperature", "1.2.*", wants), head=BASE)
    tree: dict[str, Variable] = {}
    for n, (kind, name, state) in enumerate([(1, b"Temp in", 1), (3, b"Temp", 1), (2, b"Fan", 1), (2, b"temp", 9)]):
        tree |= {f"{B}1.2.{n}": 20 + n, f"{B}1.7.{n}": kind, f"{B}1.8.{n}": name, f"{B}1.6.{n}": state}
    assert values(of_snmp(profile, tree)) == {("ambient.temperature", "0"): 20.0}
    assert values(of_snmp(profile, {f"{B}1.2.1": 20})) == {}


def test_the_unit_stands_beside_the_value_or_in_a_setting_of_the_card() -> None:
    beside = row("ambient.temperature", "1.2.*", 'unit_at = "1.3"\nunits = { 1 = "0.1 °C", 2 = "0.1 °F" }')
    profile = profile_of(beside, head=BASE)
    tree: dict[str, Variable] = {f"{B}1.2.1": 215, f"{B}1.3.1": 1, f"{B}1.2.2": 707, f"{B}1.3.2": 2, f"{B}1.2.3": 9}
    found = of_snmp(profile, tree)
    assert found["ambient.temperature", "1"].value == 21.5
    assert found["ambient.temperature", "2"].value == 21.5
    assert found["ambient.temperature", "3"].cause is GapCause.NOT_SUPPORTED
    profile = profile_of(row("ambient.temperature", "1.2", 'unit_at = "9.1"'), head=BASE)
    assert of_snmp(profile, {f"{B}1.2.0": 68, f"{B}9.1.0": b"deg F"})["ambient.temperature", None].value == 20.0
    assert of_snmp(profile, {f"{B}1.2.0": 68, f"{B}9.1.0": b"parsec"})["ambient.temperature", None].value is None


def test_a_scale_stands_in_another_column() -> None:
    power = row("output.realpower", "1.2.*", 'unit = "W"\nscale_from = "1.3"')
    tree: dict[str, Variable] = {f"{B}1.2.1": 52, f"{B}1.3.1": 2, f"{B}1.2.2": 52, f"{B}1.3.2": -1, f"{B}1.2.3": 52}
    found = of_snmp(profile_of(power, head=BASE), tree)
    assert [found["output.realpower", n].value for n in "123"] == [5200.0, 5.2, None]
    divide = row("output.realpower", "1.2.*", 'unit = "W"\nscale_from = "1.3"\nscale_by = "divide"')
    assert of_snmp(profile_of(divide, head=BASE), {f"{B}1.2.1": 52, f"{B}1.3.1": 10})[
        "output.realpower", "1"
    ].value == pytest.approx(5.2)


def test_a_sensor_of_the_entity_mib_tells_type_scale_precision_and_whether_it_works() -> None:
    s = "1.3.6.1.2.1.99.1.1.1."
    rows = "".join(
        row(p, "4.*", 'rule = "entity_sensor"') for p in ("ambient.temperature", "input.voltage", "input.current")
    )
    profile = profile_of(rows, head=f'base = "{s[:-1]}"')
    sensors = {
        1: (8, 9, 1, 253, 1),
        2: (4, 8, 0, 3312, 1),
        3: (5, 9, 0, 2, 2),
        4: (9, 9, 0, 40, 1),
        5: (8, 99, 0, 7, 1),
    }
    tree: dict[str, Variable] = {}
    for n, (kind, scale, precision, value, status) in sensors.items():
        tree |= {
            f"{s}{c}.{n}": v for c, v in zip((1, 2, 3, 4, 5), (kind, scale, precision, value, status), strict=True)
        }
    found = of_snmp(profile, tree)
    assert found["ambient.temperature", "1"].value == 25.3
    assert found["input.voltage", "2"].value == 3.312
    assert found["input.current", "3"].cause is GapCause.NOT_SUPPORTED
    assert found["ambient.temperature", "5"].value is None
    assert ("ambient.humidity", "4") not in found


def test_text_may_hold_a_number_with_its_unit() -> None:
    profile = profile_of(row("input.voltage", "1.*", 'unit = "0.1 V"') + row("ups.temperature", "2.1"), head=BASE)
    tree: dict[str, Variable] = {
        f"{B}1.1": b"2304", f"{B}1.2": b"230.4", f"{B}1.3": b"230 VAC", f"{B}1.4": b"0.23 kV", f"{B}1.5": b"7 bananas",
        f"{B}2.1.0": b"68 F",
    }  # fmt: skip
    found = of_snmp(profile, tree)
    assert [found["input.voltage", n].value for n in "12345"] == [230.4, 230.4, 230.0, 230.0, None]
    assert found["ups.temperature", None].value == 20.0


def test_a_number_within_a_text_and_words_for_states() -> None:
    body = row("battery.charge", "1", "pattern = 'charge (\\d+)'") + row(
        "ups.source", "2", 'letters = { "on line" = 3 }'
    )
    found = of_snmp(profile_of(body, head=BASE), {f"{B}1.0": b"charge 87 of 100", f"{B}2.0": b" On Line "})
    assert found["battery.charge", None].value == 87.0
    assert found["ups.source", None].value == 3.0


def test_optical_power_comes_as_microwatts_and_goes_as_dbm() -> None:
    profile = profile_of(row("optics.power", "1.*", 'unit = "0.1 uW"'), head=BASE)
    found = of_snmp(profile, {f"{B}1.1": 10000, f"{B}1.2": 5012, f"{B}1.3": 0})
    assert found["optics.power", "1"].value == 0.0
    assert found["optics.power", "2"].value == pytest.approx(-3.0, abs=0.001)
    assert found["optics.power", "3"].cause is GapCause.NOT_PLAUSIBLE


def test_a_number_nobody_listed_has_the_default_state() -> None:
    profile = profile_of(row("ups.source", "1", "states = { 4 = 5 }\ndefault = 1"), head=BASE)
    assert of_snmp(profile, {f"{B}1.0": 4})["ups.source", None].value == 5.0
    assert of_snmp(profile, {f"{B}1.0": 77})["ups.source", None].value == 1.0


def test_a_mark_may_mean_nothing_at_all_or_the_state_of_another_point() -> None:
    means = 'unit = "s"\nmeans = { 0 = "absent", 65535 = { point = "ups.source", state = 3 } }'
    profile = profile_of(row("battery.runtime", "1", means), head=BASE)
    assert values(of_snmp(profile, {f"{B}1.0": 0})) == {}
    assert values(of_snmp(profile, {f"{B}1.0": 65535})) == {("ups.source", None): 3.0}
    assert values(of_snmp(profile, {f"{B}1.0": 600})) == {("battery.runtime", None): 600.0}


def test_what_a_make_cannot_give_is_a_gap_or_a_reading_in_doubt() -> None:
    dropped = profile_of(row("battery.voltage", "1", 'unit = "V"\nlow = 40\nhigh = 60'), head=BASE)
    kept = profile_of(
        row("battery.voltage", "1", 'unit = "V"\nlow = 40\nhigh = 60\nimplausible = "suspect"'), head=BASE
    )
    assert of_snmp(dropped, {f"{B}1.0": 75})["battery.voltage", None].cause is GapCause.NOT_PLAUSIBLE
    one = of_snmp(kept, {f"{B}1.0": 75})["battery.voltage", None]
    assert (one.value, one.quality) == (75.0, Quality.SUSPECT)
    assert of_snmp(kept, {f"{B}1.0": 48})["battery.voltage", None].quality == Quality.GOOD
    assert of_snmp(kept, {f"{B}1.0": 7500})["battery.voltage", None].value is None


def test_texts_that_mean_not_available_are_told_by_the_profile() -> None:
    profile = profile_of(row("device.serial", "1", tier="identity"), head=BASE + '\nmissing = ["N/A", "unknown"]')
    assert of_snmp(profile, {f"{B}1.0": b"n/a"})["device.serial", None].value is None
    assert of_snmp(profile, {f"{B}1.0": b"A1"})["device.serial", None].value == "A1"


def test_marks_by_type_can_be_switched_on_and_leave_counters_alone() -> None:
    body = row("output.realpower", "1.*") + row("ifHCInOctets", "2.*", 'unit = "B"\nbits = 32')
    profile = profile_of(body, head=BASE + "\nmissing_by_type = true")
    found = of_snmp(profile, {f"{B}1.1": 2**31 - 1, f"{B}2.1": 2**31 - 1})
    assert found["output.realpower", "1"].cause is GapCause.NOT_SUPPORTED
    assert found["ifHCInOctets", "1"].value == 2**31 - 1


def test_the_number_of_phases_chooses_which_rows_there_are() -> None:
    body = row("output.voltage", "1", 'unit = "V"\nindex = "1"\nonly_if = "single"')
    body += row("output.voltage", "2.*", 'unit = "V"\nonly_if = "three"')
    body += '[condition.single]\nat = "9"\nvalues = [1]\n[condition.three]\nat = "9"\nvalues = [3]\n'
    profile = profile_of(body, head=BASE)
    tree: dict[str, Variable] = {f"{B}1.0": 230, f"{B}2.1": 231, f"{B}2.2": 232}
    assert values(of_snmp(profile, tree | {f"{B}9.0": 1})) == {("output.voltage", "1"): 230.0}
    assert sorted(values(of_snmp(profile, tree | {f"{B}9.0": 3})).values()) == [231.0, 232.0]  # type: ignore[type-var]
    assert values(of_snmp(profile, tree)) == {}


def test_a_date_is_told_in_one_way() -> None:
    day = lambda form: profile_of(row("device.description", "1", f'date = "{form}"', tier="identity"), head=BASE)  # noqa: E731
    octets = bytes.fromhex("07e305070c1e0000")
    assert of_snmp(day("bytes YYYY MM DD hh mm ss"), {f"{B}1.0": octets})["device.description", None].value == "2019-05-07T12:30:00"  # fmt: skip
    assert of_snmp(day("text MM/DD/YYYY"), {f"{B}1.0": b"05/07/2019"})["device.description", None].value == "2019-05-07"
    assert of_snmp(day("days 2000-01-01"), {f"{B}1.0": 7066})["device.description", None].value == "2019-05-07"
    assert of_snmp(day("text MM/DD/YYYY"), {f"{B}1.0": b"99/99/2019"})["device.description", None].value is None


# ---- flags


def word(at: str, more: str) -> str:
    return f'[[flags]]\ntier = "status"\nat = "{at}"\n{more}\n'


def test_a_text_of_noughts_and_ones_is_flags_counted_from_one() -> None:
    profile = profile_of(word("1", 'chars = { 2 = "alarm.on_battery", "!4" = "alarm.output_off" }'), head=BASE)
    assert values(of_snmp(profile, {f"{B}1.0": b"0101"})) == {
        ("alarm.on_battery", None): 1.0, ("alarm.output_off", None): 0.0
    }  # fmt: skip
    assert set(values(of_snmp(profile, {f"{B}1.0": b"0000"})).values()) == {0.0, 1.0}
    assert {one.cause for one in of_snmp(profile, {f"{B}1.0": b"Unknown"}).values()} == {GapCause.NOT_PLAUSIBLE}


def test_a_number_that_stands_for_an_alarm_raises_it_and_ends_the_others() -> None:
    body = word("1", 'values = { 3 = "alarm.on_battery", 4 = "alarm.on_bypass", 9 = "alarm.on_bypass" }')
    profile = profile_of(body, head=BASE)
    assert values(of_snmp(profile, {f"{B}1.0": 9})) == {("alarm.on_battery", None): 0.0, ("alarm.on_bypass", None): 1.0}
    assert {one.value for one in of_snmp(profile, {}).values()} == {None}


def test_bits_of_a_number_of_octets_and_of_each_row_of_a_table() -> None:
    profile = profile_of(word("1.*", 'bits = { 0 = "alarm.fan_failure", "!1" = "alarm.output_off" }'), head=BASE)
    found = values(of_snmp(profile, {f"{B}1.1": 3, f"{B}1.2": b"\x80"}))
    assert found == {
        ("alarm.fan_failure", "1"): 1.0, ("alarm.output_off", "1"): 0.0,
        ("alarm.fan_failure", "2"): 1.0, ("alarm.output_off", "2"): 1.0,
    }  # fmt: skip


def test_the_first_character_that_is_set_is_the_state() -> None:
    profile = profile_of(row("ups.source", "1", 'rule = "first_char"\nstates = { 3 = 4, 2 = 5, 4 = 3 }\ndefault = 1'), head=BASE)  # fmt: skip
    for text, state in ((b"0101", 5.0), (b"0111", 4.0), (b"0001", 3.0), (b"1000", 1.0)):
        assert of_snmp(profile, {f"{B}1.0": text})["ups.source", None].value == state


def table(more: str) -> str:
    return f'[[alarms]]\ntier = "status"\nat = "1.2.*"\n{more}\n'


def test_alarms_by_number_by_text_by_row_and_those_that_nobody_lists() -> None:
    numbered = profile_of(table('flags = { 7 = "alarm.fan_failure" }\nother = "alarm.general_fault"'), head=BASE)
    assert values(of_snmp(numbered, {f"{B}1.2.1": 7})) == {
        ("alarm.fan_failure", None): 1.0, ("alarm.general_fault", None): 0.0
    }  # fmt: skip
    assert values(of_snmp(numbered, {f"{B}1.2.1": 8}))["alarm.general_fault", None] == 1.0
    assert set(values(of_snmp(numbered, {})).values()) == {0.0}
    texts = profile_of(table('texts = { "(?i)fan" = "alarm.fan_failure" }'), head=BASE)
    assert values(of_snmp(texts, {f"{B}1.2.4": b"Fan 2 failed"})) == {("alarm.fan_failure", None): 1.0}
    by_row = profile_of(table('flags = { 12 = "alarm.overload" }\nby_index = true\nwhere = { "1.5" = [1] }'), head=BASE)
    assert values(of_snmp(by_row, {f"{B}1.2.12": b"x", f"{B}1.5.12": 1})) == {("alarm.overload", None): 1.0}
    assert values(of_snmp(by_row, {f"{B}1.2.12": b"x", f"{B}1.5.12": 2})) == {("alarm.overload", None): 0.0}


def test_a_table_that_counts_alarms_but_names_none_is_not_believed() -> None:
    profile = profile_of(table('count = "1.1"\nflags = { 7 = "alarm.fan_failure" }'), head=BASE)
    found = of_snmp(profile, {f"{B}1.1.0": 2, f"{B}1.2.1": b""})
    assert found["alarm.fan_failure", None].cause is GapCause.NOT_SUPPORTED


# ---- what did not come


def cut_off(body: str, tree: dict[str, Variable], lost: str) -> list[Sample]:
    """The samples of a device whose answer for one column never came."""
    profile = profile_of(body, head=BASE)
    exchanges = []
    for request in snmp.plan(profile, SNMP, Tier.STATUS):
        failed = isinstance(request, WalkVariables) and request.root == f"{B}{lost}"
        answer = Failure(cause=GapCause.NO_ANSWER, raw="time-out") if failed else answer_of(request, tree)
        exchanges.append(Exchange(request=request, answer=answer, at=5))
    return snmp.read(profile, SNMP, Tier.STATUS, exchanges)


@pytest.mark.parametrize("key", ['label = "1.4"', 'where = { "1.4" = [1] }', 'unless = { "1.4" = [2] }', 'scale_from = "1.4"'])  # fmt: skip
def test_without_the_column_beside_it_a_value_is_a_gap_and_never_another_rows(key: str) -> None:
    (one,) = cut_off(row("ambient.temperature", "1.2.*", f'unit = "°C"\n{key}'), {f"{B}1.2.1": 20}, "1.4")
    assert (one.value, one.cause) == (None, GapCause.NO_ANSWER)


def test_an_alarm_whose_state_did_not_come_is_not_told_to_be_over() -> None:
    body = table('flags = { 12 = "alarm.overload" }\nby_index = true\nwhere = { "1.5" = [1] }')
    (one,) = cut_off(body, {f"{B}1.2.12": b"x"}, "1.5")
    assert (one.value, one.cause) == (None, GapCause.NO_ANSWER)


# ---- any answer

_EVERYTHING = profile_of(
    row("ambient.temperature", "1.2.*", 'unit_at = "1.3"\nlabel = "1.4"\nscale_from = "1.5"\nwhere = { "1.6" = [1] }')
    + row("input.voltage", "2.*.4", 'unit = "2^-3 V"\nindex_map = { 1 = "1" }\nmeans = { 3 = "absent" }')
    + row("input.current", "3.*", 'unit = "A"\nmask = 255\nshift = 1\nlow = 1\nhigh = 9\nimplausible = "suspect"')
    + row("optics.power", "4.*", 'unit = "uW"')
    + row("battery.voltage", "5.4.*", 'rule = "entity_sensor"')
    + row("ups.source", "6", 'rule = "first_char"\nstates = { 1 = 3, 2 = 5 }\ndefault = 1')
    + row("battery.charge", "7", "pattern = '(\\d+)'\nonly_if = \"c\"")
    + '[condition.c]\nat = "6"\nunless = [9]\n'
    + word("8.*", 'bits = { 3 = "alarm.on_battery", "!5" = "alarm.overload" }')
    + word("9", 'chars = { 1 = "alarm.on_bypass" }')
    + table('texts = { "1" = "alarm.fan_failure" }\nother = "alarm.general_fault"'),
    head=BASE,
)
_PLACES = [
    "1.2",
    "1.3",
    "1.4",
    "1.5",
    "1.6",
    "2.1",
    "2",
    "3",
    "4",
    "5.1",
    "5.2",
    "5.3",
    "5.4",
    "5.5",
    "6",
    "7",
    "8",
    "9",
]
_VALUES: st.SearchStrategy[Variable] = st.one_of(
    st.integers(-5, 20),
    st.integers(),
    st.binary(max_size=12),
    st.sampled_from(
        [b"1", b"2 V", b"C", b"-1.5", b"0101", b"\xff\xfe", "1.3.6.1", "", 2.5, float("nan"), float("inf"), None]
    ),
)


@given(st.dictionaries(st.tuples(st.sampled_from(_PLACES), st.sampled_from(["0", "1", "4", "1.4", "1.0"])), _VALUES))
def test_any_variables_are_samples_and_both_ways_agree(drawn: dict[tuple[str, str], Variable]) -> None:
    for one in of_snmp(_EVERYTHING, {f"{B}{place}.{line}": value for (place, line), value in drawn.items()}).values():
        assert not isinstance(one.value, float) or plausible(POINTS[one.point], one.value)
