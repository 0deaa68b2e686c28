"""What is wrong with a profile is told with file, line, key, expected, got and fix, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.profiles import lint
from model.problem import Problem

SNMP = '[profile]\nid = "x"\ndriver = "snmp"\ntitle = { en = "X", zh = "造" }\nsource = "a manual"\nbase = "1.3.6"\n'
MODBUS = SNMP.replace('"snmp"', '"modbus"').replace('base = "1.3.6"\n', "")


def row(point: str = "battery.voltage", at: str = '"1"', more: str = "") -> str:
    return f'[[value]]\ntier = "measure"\npoint = "{point}"\nat = {at}\n{more}\n'


def variant(more: str) -> str:
    return f'[[variant]]\nwhy = "w"\n{more}\n'


def flags(more: str) -> str:
    return f'[[flags]]\ntier = "status"\nat = "9"\n{more}\n'


def alarms(more: str) -> str:
    return f'[[alarms]]\ntier = "status"\nat = "9.*"\n{more}\n'


def derived(more: str) -> str:
    return f'[[derived]]\ntier = "measure"\n{more}\n'


def exclusive(more: str) -> str:
    return f'[[exclusive]]\ntier = "status"\n{more}\n'


CASES: dict[str, tuple[str, str, str]] = {
    "one flag that excludes itself": (SNMP + exclusive('points = ["alarm.overload"]'), "exclusive.0.points", "two flags"),
    "a value that excludes another": (
        SNMP + exclusive('points = ["ups.load", "alarm.overload"]'), "exclusive.0.points", "flags"),
    "a flag that is not read and excludes": (
        SNMP + row("alarm.overload", more="states = { 1 = 1 }") + exclusive('points = ["alarm.overload", "alarm.on_battery"]'),
        "exclusive.0.points", "that this profile reads"),
    # name: (file, key that is told, a word of what was expected)
    "unknown point": (SNMP + row("battery.volts"), "value.0.point", "a point of the dictionary"),
    "wrong unit": (SNMP + row(more='unit = "A"'), "value.0.unit", "a step and V"),
    "unit of another quantity": (SNMP + row(more='unit = "kWh"'), "value.0.unit", "a step and V"),
    "nothing to divide by": (SNMP + row(more='unit = "1/0 V"'), "value.0.unit", "a step and V"),
    "unit_at with a unit that does not fit": (
        SNMP + row(more='unit_at = "2"\nunits = { 1 = "Hz" }'), "value.0.units", "a step and V"),
    "units without a place": (SNMP + row(more='units = { 1 = "mV" }'), "value.0.units", "unit_at"),
    "two rows for a point": (SNMP + row() + row(at='"2"'), "value.1.point", "once"),
    "two points at one OID": (SNMP + row() + row("battery.current"), "value.1.at", "battery.voltage already"),
    "a flag that is a row, too": (
        SNMP + row("alarm.overload", more="states = { 1 = 1 }") + flags('bits = { 1 = "alarm.overload" }'),
        "value.0.point", "once"),
    "a state nobody knows": (SNMP + row("ups.source", more="states = { 1 = 99 }"), "value.0.states", "one of"),
    "a default nobody knows": (SNMP + row("ups.source", more="default = 99"), "value.0.default", "one of"),
    "a mark that means nonsense": (SNMP + row(more='means = { 1 = "mains" }'), "value.0.means", "absent"),
    "a mark that means a number": (
        SNMP + row(more='means = { 1 = { point = "input.voltage", state = 1 } }'), "value.0.means", "state or flag"),
    "bounds the wrong way round": (SNMP + row(more="low = 9\nhigh = 1"), "value.0.low", "low <= high"),
    "a date of a number": (SNMP + row(more='date = "days 2000-01-01"'), "value.0.date", "text points"),
    "a date nobody can read": (
        SNMP + row("device.name", more='date = "weeks 2000-01-01"').replace("measure", "identity"), "value.0.date", "days DATE"),
    "where without a table": (SNMP + row(more='where = { "2" = [1] }'), "value.0.where", "a column"),
    "a label without a table": (SNMP + row(more='label = "2"'), "value.0.label", "a column"),
    "a broken pattern": (SNMP + row(at='"1.*"', more='where = { "2" = "(" }'), "value.0.where.2", "regular expression"),
    "a place beside that is none": (SNMP + row(at='"1.*"', more='label = "2.{x}"'), "value.0", "OIDs beside"),
    "an index of nothing": (SNMP + row(at='"1.*"', more="index_from = 0"), "value.0.index_from", "1 the first"),
    "a rule nobody knows": (SNMP + row(more='rule = "guess"'), "value.0.rule", "no rule"),
    "a condition that is not there": (SNMP + row(more='only_if = "c"'), "value.0.only_if", "a condition of this file"),
    "flags of two kinds": (
        SNMP + flags('bits = { 1 = "alarm.overload" }\nvalues = { 1 = "alarm.overload" }'), "flags.0", "one of bits"),
    "a flag that is no flag": (SNMP + flags('bits = { 1 = "ups.load" }'), "flags.0.bits", "kind flag"),
    "an alarm table that raises nothing": (SNMP + alarms(""), "alarms.0", "flags, texts or other"),
    "a variant that asks nothing": (
        SNMP + row() + variant('change."battery.voltage".unit = "0.1 V"'), "variant.0.match", "match or sees"),
    "a variant of another point": (
        SNMP + row() + variant('sees = { at = "1", low = 1, high = 2 }\nchange."ups.load".unit = "0.1 %"'),
        "variant.0", "this profile reads"),
    "a change of nothing": (
        SNMP + row() + variant('sees = { at = "1", low = 1, high = 2 }\nchange."battery.voltage".missing = []'),
        "variant.0.change.battery.voltage", "unit, missing"),
    "a variant no device of the profile can be": (
        SNMP + '[match]\nsys_object_id = ["1.3.6.1.4.1.5"]\n' + row()
        + variant('match.sys_object_id = ["1.3.6.1.4.1.7"]\nchange."battery.voltage".unit = "0.1 V"'),
        "variant.0.match.sys_object_id", "itself matches"),
    "bounds of a proof the wrong way round": (
        SNMP + row() + variant('sees = { at = "1", low = 9, high = 2 }\nchange."battery.voltage".unit = "0.1 V"'),
        "variant.0.sees.low", "low <= high"),
    "one change twice": (
        SNMP + row() + 2 * variant('sees = { at = "1", low = 1, high = 2 }\nchange."battery.voltage".unit = "0.1 V"'),
        "variant.1", "each change once"),
    "a version of nothing": (
        SNMP + row() + '[match]\nversion = { at = "1" }\n', "match.version.least", "least or below"),
    "a derived point of nothing": (
        SNMP + derived('point = "output.realpower"\nfrom = ["ups.load"]\nrule = "times"'), "derived.0.from", "reads"),
    "a derived point of too little": (
        SNMP + row() + derived('point = "output.realpower"\nfrom = ["battery.voltage"]\nrule = "product"'),
        "derived.0.from", "2 to 4 points"),
    "a derived state": (
        SNMP + row() + derived('point = "ups.source"\nfrom = ["battery.voltage"]\nrule = "times"'), "derived.0.point", "a gauge"),
    "overlapping registers": (
        MODBUS + row(at="10", more='type = "u32"') + row("battery.current", "11"), "value.1.at", "11 belongs to 10"),
    "a text over numbers": (
        MODBUS + row(at="10") + row("device.serial", "8", 'type = "string"\nlength = 4').replace("measure", "identity"),
        "value.1.at", "10 belongs to 10"),
    "a register too far": (MODBUS + row(at="70000"), "value.0.at", "0 to 65535"),
    "an order of nothing": (MODBUS + row(at="1", more='order = "BDAC"'), "value.0.order", "ABCD"),
    "bits beyond a register": (MODBUS + flags('bits = { 20 = "alarm.overload" }'), "flags.0.bits", "words = 2"),
    "a scale that is no register": (MODBUS + row(at="1", more='scale_from = "x"'), "value.0.scale_from", "a register"),
    "characters of a register": (MODBUS + flags('chars = { 1 = "alarm.overload" }'), "flags.0.chars", "SNMP"),
    "an unknown file below": (SNMP.replace("driver", 'extends = "nowhere"\ndriver'), "profile.extends", "id of a profile"),
    "a key nobody knows": (SNMP + row(more="scael = 1"), "value.0.scael", "one of"),
}  # fmt: skip


def told(text: str) -> list[Problem]:
    profile, problems = lint("x.toml", text)
    assert (profile is None) == bool(problems)
    return problems


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_with_its_place_and_its_fix(name: str) -> None:
    text, key, expected = CASES[name]
    problem = next((one for one in told(text) if one.key == key), None)
    assert problem, [one.render("en") for one in told(text)]
    assert expected in problem.expected.en
    assert problem.line > 0
    assert problem.file == "x.toml"
    for said in (problem.expected.zh, problem.fix.zh):
        assert said
    assert problem.fix.en


def test_the_line_is_that_of_the_key() -> None:
    (problem,) = told(SNMP + row(more='unit = "A"'))
    assert problem.line == len(SNMP.splitlines()) + 5


def test_two_rows_may_share_a_place_when_what_stands_beside_tells_them_apart() -> None:
    """Sensors of all kinds in one column, fields of one word, two texts out of one."""
    kinds = row("ambient.temperature", '"1.*"', 'where = { "2" = [1] }') + row("ambient.humidity", '"1.*"', 'where = { "2" = [2] }')  # fmt: skip
    assert told(SNMP + kinds) == []
    words = row("output.power", "1", "mask = 240\nshift = 4") + row("output.realpower", "1", "mask = 15")
    assert told(MODBUS + words) == []
    texts = row("device.model", more="pattern = 'M (\\S+)'") + row("device.firmware", more="pattern = 'V (\\S+)'")
    assert told(SNMP + texts.replace("measure", "identity")) == []


def test_recordings_are_looked_for_only_where_a_folder_is_given(tmp_path: Path) -> None:
    text = SNMP + row() + '[proof]\nrecordings = ["acme_1000"]\n'
    assert told(text) == []
    _, problems = lint("x.toml", text, tmp_path)
    assert [one.key for one in problems] == ["proof.recordings"]
    (tmp_path / "acme_1000.snmprec").touch()
    assert lint("x.toml", text, tmp_path)[1] == []
