"""Derived points: from what the device tells, with its indexes, its failures and its doubts."""

from __future__ import annotations

import pytest

from agent.address import DeviceUrl
from agent.drivers import megatec
from agent.drivers.exchange import Exchange, Line
from agent.profiles import Tier
from model.reading import GapCause, Quality
from tests.agent.drivers.made import of_modbus, profile_of, values


def row(point: str, at: int, more: str = "", tier: str = "status") -> str:
    return f'[[value]]\ntier = "{tier}"\npoint = "{point}"\nat = {at}\n{more}\n'


def derived(point: str, rule: str, *sources: str, more: str = "") -> str:
    return f'[[derived]]\ntier = "status"\npoint = "{point}"\nfrom = {list(sources)}\nrule = "{rule}"\n{more}\n'


def test_power_is_load_of_a_rating_that_is_read_with_it_but_told_with_the_name_plate() -> None:
    body = row("ups.load", 1, 'index = "1"') + row("ups.realpower.nominal", 2, tier="identity")
    body += derived("output.realpower", "percent_of", "ups.load", "ups.realpower.nominal")
    found = of_modbus(profile_of(body, "modbus"), {1: 40, 2: 3000})
    assert values(found) == {
        ("ups.load", "1"): 40.0, ("output.realpower", "1"): 1200.0, ("ups.realpower.nominal", None): 3000.0,
    }  # fmt: skip
    assert "ups.load" in found["output.realpower", "1"].raw


def test_what_the_device_tells_is_not_worked_out() -> None:
    body = row("ups.load", 1) + row("output.realpower", 3) + row("ups.realpower.nominal", 2)
    body += derived("output.realpower", "percent_of", "ups.load", "ups.realpower.nominal")
    profile = profile_of(body, "modbus")
    assert of_modbus(profile, {1: 40, 2: 3000, 3: 1180})["output.realpower", None].value == 1180.0
    filled = of_modbus(profile, {1: 40, 2: 3000})["output.realpower", None]
    assert filled.value == 1200.0


def test_without_an_input_there_is_a_gap_with_its_cause_and_doubt_is_passed_on() -> None:
    body = row("battery.voltage", 1, 'high = 60\nimplausible = "suspect"') + row("battery.current", 2)
    body += derived("output.realpower", "product", "battery.voltage", "battery.current")
    profile = profile_of(body, "modbus")
    assert of_modbus(profile, {1: 50})["output.realpower", None].cause is GapCause.REFUSED
    doubt = of_modbus(profile, {1: 70, 2: 2})["output.realpower", None]
    assert (doubt.value, doubt.quality) == (140.0, Quality.SUSPECT)
    assert of_modbus(profile, {1: 50, 2: 2})["output.realpower", None].quality == Quality.GOOD


def test_phases_make_a_total_and_each_phase_its_own_power() -> None:
    phases = "".join(
        row("output.voltage", n, f'index = "{n}"') + row("output.current", 10 + n, f'index = "{n}"') for n in (1, 2, 3)
    )
    profile = profile_of(phases + derived("output.power", "product", "output.voltage", "output.current"), "modbus")
    registers = {1: 230, 2: 231, 3: 229, 11: 1, 12: 2, 13: 3}
    found = of_modbus(profile, registers)
    assert [found["output.power", n].value for n in "123"] == [230.0, 462.0, 687.0]
    total = profile_of(phases + derived("battery.current", "sum", "output.current"), "modbus")
    assert of_modbus(total, registers)["battery.current", None].value == 6.0


@pytest.mark.parametrize(
    ("rule", "value"),
    [("percentage", 25.0), ("quotient", 0.25), ("difference", -30.0), ("mean", 25.0), ("highest", 40.0), ("lowest", 10.0), ("sum", 50.0)],
)  # fmt: skip
def test_each_rule(rule: str, value: float) -> None:
    body = row("input.voltage", 1) + row("output.voltage", 2)
    body += derived("battery.current", rule, "input.voltage", "output.voltage")
    assert of_modbus(profile_of(body, "modbus"), {1: 10, 2: 40})["battery.current", None].value == value


def test_nothing_is_divided_by_nought_and_the_first_that_is_there_counts() -> None:
    body = row("input.voltage", 1) + row("output.voltage", 2)
    nought = profile_of(body + derived("battery.current", "quotient", "input.voltage", "output.voltage"), "modbus")
    assert of_modbus(nought, {1: 10, 2: 0})["battery.current", None].cause is GapCause.NOT_PLAUSIBLE
    first = profile_of(body + derived("input.bypass.voltage", "first", "input.voltage", "output.voltage"), "modbus")
    assert of_modbus(first, {2: 40})["input.bypass.voltage", None].value == 40.0


def test_cells_make_a_battery() -> None:
    body = row("battery.voltage.nominal", 1, 'unit = "0.01 V"')
    profile = profile_of(
        body + derived("battery.voltage", "times", "battery.voltage.nominal", more="by = 24"), "modbus"
    )
    assert of_modbus(profile, {1: 225})["battery.voltage", None].value == 54.0


def test_a_serial_unit_has_derived_points_too() -> None:
    body = '[command.Q1]\nstarts = "("\nlength = 46\n'
    body += '[[value]]\ntier = "status"\npoint = "ups.load"\nat = "Q1[19:22]"\n'
    body += '[[value]]\ntier = "status"\npoint = "output.voltage"\nat = "Q1[13:18]"\nmeans = { 0 = "absent" }\n'
    body += derived("output.current", "times", "ups.load", more="by = 0.1")
    profile = profile_of(body, "megatec")
    url = DeviceUrl.parse("megatec:///dev/ttyS0")
    (request,) = megatec.plan(profile, url, Tier.STATUS)
    line = Line("(238.6 000.0 000.0 019 49.9 2.23 43.0 00000001")
    found = megatec.read(profile, url, Tier.STATUS, [Exchange(request=request, answer=line, at=5)])
    assert {one.point: one.value for one in found} == {"ups.load": 19.0, "output.current": 1.9}


@pytest.mark.parametrize(
    ("words", "told", "unknown"),
    [
        ((1, 1), {}, {"ups.online", "alarm.on_battery"}),
        ((1, 0), {"ups.online": 1.0, "alarm.on_battery": 0.0}, set()),
        ((0, 0), {"ups.online": 0.0, "alarm.on_battery": 0.0}, set()),
    ],
)
def test_of_flags_that_exclude_each_other_none_is_known_when_two_stand(
    words: tuple[int, int], told: dict[str, float], unknown: set[str]
) -> None:
    both = {0: 0, 1: 1}
    body = "".join(
        row(point, at, f"states = {{ {', '.join(f'{a} = {b}' for a, b in both.items())} }}")
        for at, point in ((1, "ups.online"), (2, "alarm.on_battery"), (3, "alarm.overload"))
    )
    body += '[[exclusive]]\ntier = "status"\npoints = ["ups.online", "alarm.on_battery"]\n'
    found = of_modbus(profile_of(body, "modbus"), {1: words[0], 2: words[1], 3: 1})
    assert {s.point: s.value for s in found.values() if s.value is not None} == {**told, "alarm.overload": 1.0}
    gaps = [s for s in found.values() if s.cause is not None]
    assert {s.point for s in gaps} == unknown
    assert all(s.cause is GapCause.NOT_PLAUSIBLE and "ups.online and alarm.on_battery at once" in s.raw for s in gaps)
