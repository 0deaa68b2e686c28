"""Profiles over profiles: what a small file changes of a standard, and which of several a device is read by."""

from __future__ import annotations

import pytest

from agent.profiles import Profile, chosen, load, match
from agent.profiles.form import Versions
from agent.profiles.layers import fitting, within
from agent.profiles.lint import lint
from tests.agent.drivers.made import of_snmp

HEAD = 'driver = "snmp"\ntitle = { en = "M", zh = "造" }\nsource = "a test"\n'
BASE = (
    '[profile]\nid = "base"\nbase = "1.3.6.1.2.1.33.1"\n'
    + HEAD
    + """
[match]
presence = "4"
[walk]
status = ["4"]
[[value]]
tier = "status"
point = "output.voltage"
at = "4.4.*"
unit = "V"
[[value]]
tier = "status"
point = "output.current"
at = "4.5.*"
unit = "0.1 A"
[[flags]]
tier = "status"
at = "4.9"
bits = { 0 = "alarm.overload", 1 = "alarm.on_bypass" }
[[trap]]
oid = ".1.3.6.1.2.1.33.2.1"
name = "upsTrapOnBattery"
sets = { "alarm.on_battery" = 1 }
[[variant]]
why = "0.1 V"
sees = { at = "4.4", low = 850, high = 7200 }
change."output.voltage".unit = "0.1 V"
"""
)


def over(body: str, more: str = "", match_: str = 'sys_object_id = ["1.3.6.1.4.1.9999"]') -> Profile:
    """A layer over `BASE`."""
    base, problems = lint("base.toml", BASE)
    assert base, problems
    text = f'[profile]\nid = "layer"\nextends = "base"\n{more}title = {{ en = "L", zh = "层" }}\nsource = "a test"\n[match]\n{match_}\n{body}'
    found, problems = lint("layer.toml", text, {"base": base}.get)
    assert not problems, [one.render("en") for one in problems]
    assert found
    return found


U = "1.3.6.1.2.1.33.1."


def test_a_layer_has_all_that_it_extends_and_asks_for_its_mib() -> None:
    layer = over("")
    assert {row.point for row in layer.values} == {"output.voltage", "output.current"}
    assert layer.match.presence == f"{U}4"
    assert layer.driver == "snmp"
    assert [trap.name for trap in layer.traps] == ["upsTrapOnBattery"]
    found = of_snmp(layer, {f"{U}4.4.1": 2302, f"{U}4.5.1": 70, f"{U}4.9.0": 1})
    assert found["output.voltage", "1"].value == 230.2
    assert found["alarm.overload", None].value == 1.0


def test_a_row_takes_the_place_of_the_same_point_and_what_proves_the_standard_says_nothing_of_it() -> None:
    layer = over('[[value]]\ntier = "status"\npoint = "output.voltage"\nat = ".1.3.6.1.4.1.9999.1.*"\nunit = "0.001 V"')
    tree = {"1.3.6.1.4.1.9999.1.1": 230100, f"{U}4.4.1": 2302, f"{U}4.4.2": 2302}
    found = of_snmp(layer, tree)
    assert found["output.voltage", "1"].value == 230.1
    assert ("output.voltage", "2") not in found


def test_a_fallback_stands_behind_what_the_standard_gives() -> None:
    row = '[[value]]\ntier = "status"\npoint = "output.voltage"\nat = ".1.3.6.1.4.1.9999.1.*"\nunit = "V"\nfallback = true'
    found = of_snmp(over(row), {"1.3.6.1.4.1.9999.1.1": 240, "1.3.6.1.4.1.9999.1.2": 241, f"{U}4.4.1": 230})
    assert [found["output.voltage", n].value for n in "12"] == [230.0, 241.0]


def test_one_phase_is_corrected_and_the_others_stay() -> None:
    row = '[[value]]\ntier = "status"\npoint = "output.current"\nindex = "2"\nat = ".1.3.6.1.4.1.9999.2"\nunit = "A"'
    found = of_snmp(over(row), {"1.3.6.1.4.1.9999.2.0": 9, f"{U}4.5.1": 70, f"{U}4.5.2": 1})
    assert [found["output.current", n].value for n in "12"] == [7.0, 9.0]


def test_slips_are_told_in_a_few_lines_that_always_hold() -> None:
    slips = '[[variant]]\nwhy = "whole A, 65535 for none"\nchange."output.current".unit = "A"\nchange."output.current".missing = [65535]\n'
    found = of_snmp(over(slips), {f"{U}4.5.1": 7, f"{U}4.5.2": 65535})
    assert found["output.current", "1"].value == 7.0
    assert found["output.current", "2"].value is None


def test_what_a_card_gets_wrong_is_left_out() -> None:
    assert ("output.current", "1") not in of_snmp(over("", 'without = ["output.current"]\n'), {f"{U}4.5.1": 7})
    absent = over('[[variant]]\nwhy = "x"\nmatch.said = { "1.2" = "Mini" }\nchange."output.current".absent = true')
    assert ("output.current", "1") not in of_snmp(absent, {f"{U}4.5.1": 7, f"{U}1.2.0": b"Mini"})
    assert of_snmp(absent, {f"{U}4.5.1": 7, f"{U}1.2.0": b"Maxi"})["output.current", "1"].value == 0.7


def test_a_flag_of_the_layer_ends_that_of_the_standard() -> None:
    flag = '[[value]]\ntier = "status"\npoint = "alarm.overload"\nat = ".1.3.6.1.4.1.9999.3"\nstates = { 1 = 1, 2 = 0 }'
    found = of_snmp(over(flag), {"1.3.6.1.4.1.9999.3.0": 2, f"{U}4.9.0": 3})
    assert found["alarm.overload", None].value == 0.0
    assert found["alarm.on_bypass", None].value == 1.0


def test_a_layer_over_nothing_is_a_problem() -> None:
    _, problems = lint("layer.toml", '[profile]\nid = "layer"\nextends = "nothing"\n' + HEAD)
    assert any(one.key == "profile.extends" for one in problems)


# ---- which of several


def profile(id: str, match_: str, more: str = "") -> Profile:
    text = (
        f'[profile]\nid = "{id}"\n{more}{HEAD}{match_}\n[[value]]\ntier = "status"\npoint = "device.name"\nat = "1.3"\n'
    )
    found, problems = lint(f"{id}.toml", text.replace('"status"', '"identity"'))
    assert found, [one.render("en") for one in problems]
    return found


def test_the_maker_comes_before_the_standard_and_the_longest_object_id_first() -> None:
    standard = profile("standard", '[match]\npresence = ".1.3.6.1.2.1.33"')
    maker = profile("maker", '[match]\nsys_object_id = ["1.3.6.1.4.1.9"]')
    model = profile("model", '[match]\nsys_object_id = [".1.3.6.1.4.1.9.1.2"]')
    named = profile("named", "")
    found = fitting([standard, maker, named, model], "1.3.6.1.4.1.9.1.2", "")
    assert [one.id for one in found] == ["model", "maker", "standard"]
    assert [one.id for one in fitting([maker, model], "1.3.6.1.4.1.99", "")] == []


def test_any_of_several_matches_will_do() -> None:
    one = profile("one", '[[match]]\nsys_descr = "Acme"\n[[match]]\nsys_object_id = ["1.3.6.1.4.1.7"]')
    assert fitting([one], "1.3.6.1.4.1.7.1", "")
    assert fitting([one], "1.3", "an Acme card")
    assert not fitting([one], "1.3", "")


def test_a_profile_stands_in_for_what_it_extends_or_replaces() -> None:
    base, layer = load("rfc1628"), over("")
    other = profile("other", '[match]\nsys_descr = "x"', 'replaces = ["rfc1628"]\n')
    assert [one.id for one in chosen([layer, base])] == ["layer", "rfc1628"]
    assert [one.id for one in chosen([other, base])] == ["other"]


@pytest.mark.parametrize(("version", "inside"), [("12.04.0055", False), ("12.04.0056", True), ("v12.06.67 b", True), ("12.6.68", False), ("none", False)])  # fmt: skip
def test_versions_are_compared_number_by_number(version: str, inside: bool) -> None:
    assert within(Versions(at="1", least="12.04.0056", below="12.06.0068"), version) is inside


def test_the_shipped_profiles_can_be_asked_for_any_device() -> None:
    for object_id in ("", "1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.2.1.33"):
        assert all(one.driver == "snmp" for one in match(object_id, "Linux"))
