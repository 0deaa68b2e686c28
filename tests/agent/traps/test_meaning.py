"""What traps mean, by the tables of the profiles; recorded from net-snmp's senders and the MIBs."""

from __future__ import annotations

import pytest

from agent.profiles import PROFILES, Tier, lint, load, trap_tables
from agent.traps.meaning import Meaning, Tables
from agent.traps.message import Bind
from model.points import POINTS, Kind

TABLES = Tables([*(load(id) for id in PROFILES), *trap_tables()])
UPS, IF = "1.3.6.1.2.1.33.1", "1.3.6.1.2.1.2.2.1"


def meant(oid: str, *binds: Bind, own: str = "") -> dict[tuple[str, str | None], float]:
    return values(TABLES.meaning(oid, binds, load(own) if own else None))


def values(meaning: Meaning) -> dict[tuple[str, str | None], float]:
    return {(point, index): value for point, index, value in meaning.values}


def alarm(number: int) -> Bind:
    return Bind(f"{UPS}.6.2.1.2.7", "oid", f"{UPS}.6.3.{number}")


@pytest.mark.parametrize("oid", ["1.3.6.1.2.1.33.2.1", "1.3.6.1.2.1.33.2.0.1"])
def test_on_battery_is_the_flag_and_the_source_that_polling_gives_too(oid: str) -> None:
    assert meant(oid, Bind(f"{UPS}.2.3.0", "int", 12)) == {("alarm.on_battery", None): 1, ("ups.source", None): 5}


def test_an_alarm_entry_sets_or_clears_the_flag_of_the_alarm_table() -> None:
    polled = load("rfc1628").alarms[0].flags
    for number, flag in polled.items():
        assert meant("1.3.6.1.2.1.33.2.3", Bind(f"{UPS}.6.2.1.1.7", "int", 7), alarm(number)) == {(flag, None): 1}
        assert meant("1.3.6.1.2.1.33.2.4", alarm(number)) == {(flag, None): 0}
    assert meant("1.3.6.1.2.1.33.2.3", alarm(999)) == {}
    assert meant("1.3.6.1.2.1.33.2.3", Bind(f"{UPS}.6.2.1.2.7", "oid", "1.3.6.1.4.1.9.9.9")) == {}


def test_a_test_that_ended_is_told_by_its_result_and_has_the_measurements_asked() -> None:
    meaning = TABLES.meaning("1.3.6.1.2.1.33.2.2", [Bind(f"{UPS}.7.3.0", "int", 3), Bind(f"{UPS}.7.5.0", "int", 9)])
    assert values(meaning) == {("ups.test.result", None): 3}
    assert meaning.asks == (Tier.STATUS, Tier.MEASURE)
    assert meant("1.3.6.1.2.1.33.2.2", Bind(f"{UPS}.7.3.0", "int", 77)) == {}


def test_a_link_that_goes_down_is_down_though_the_trap_names_the_state_that_it_leaves() -> None:
    binds = (Bind(f"{IF}.1.3", "int", 3), Bind(f"{IF}.7.3", "int", 1), Bind(f"{IF}.8.3", "int", 1))
    assert meant("1.3.6.1.6.3.1.1.5.3", *binds) == {("ifOperStatus", "3"): 2, ("ifAdminStatus", "3"): 1}
    assert meant("1.3.6.1.6.3.1.1.5.4", *binds)["ifOperStatus", "3"] == 1


def test_the_port_is_found_without_ifindex_and_without_anything_nothing_is_said() -> None:
    assert meant("1.3.6.1.6.3.1.1.5.3", Bind(f"{IF}.2.10", "text", "Gi0/10")) == {("ifOperStatus", "10"): 2}
    assert meant("1.3.6.1.6.3.1.1.5.3") == {}


def test_a_reboot_has_everything_asked_and_an_unknown_trap_the_status() -> None:
    assert set(TABLES.meaning("1.3.6.1.6.3.1.1.5.1", ()).asks) == {Tier.STATUS, Tier.MEASURE, Tier.IDENTITY}
    assert TABLES.meaning("1.3.6.1.4.1.9.9.41.2.0.1", ()) == Meaning()
    assert TABLES.meaning("nonsense", ()) == Meaning()


def test_makers_traps_become_the_same_flags_as_those_of_the_standard() -> None:
    for oid in (
        "318.0.5",
        "534.1.11.4.1.0.3",
        "705.1.11.0.11",
        "2254.2.4.20.0.3",
        "3808.0.5",
        "935.0.5",
        "4555.1.1.7.2.0.1",
    ):
        told = meant(f"1.3.6.1.4.1.{oid}", own="if_mib")
        assert told == {("alarm.on_battery", None): 1, ("ups.source", None): 5}, oid


def test_every_table_sets_only_flags_and_states_and_each_beginning_that_has_an_end_in_its_mib_has_both() -> None:
    for profile in [*(load(id) for id in PROFILES), *trap_tables()]:
        told = [(point, value) for trap in profile.traps for point, value in trap.sets.items()]
        assert all(POINTS[point].kind in (Kind.FLAG, Kind.STATE) for point, _ in told)
        for point, value in told:
            if point == "alarm.on_battery" and profile.id not in PROFILES:
                assert ("alarm.on_battery", 1 - value) in told, profile.id


TABLE = """[profile]
id = "x"
driver = "snmp"
title = {{ en = "x", zh = "某" }}
source = "a test"
base = "1.3.6.1.4.1.1"
[[trap]]
oid = "1"
name = "one"
{trap}
"""


@pytest.mark.parametrize(
    ("trap", "told"),
    [
        ("", "expected what the trap means"),
        ('sets = { "battery.voltage" = 1 }', "a point of the dictionary of kind flag or state"),
        ('sets = { "alarm.on_battery" = 2 }', "alarm.on_battery = one of [0, 1]"),
        ('sets = { "alarm.on_battery" = 1 }\nstates = 1', "got states"),
        ('alarm = "6.2"', "the column of an [[alarms]]"),
        ('asks = ["sometimes"]', "expected tiers: status, measure, identity"),
        (
            'sets = { "ups.source" = 5 }\n[[trap]]\noid = "1"\nname = "two"\nsets = { "ups.source" = 3 }',
            "each trap once",
        ),
        ('sets = { "ups.source" = 5 }\n[[trap]]\noid = "one"\nname = "two"\nsets = { "ups.source" = 3 }', "an OID"),
    ],
)
def test_a_table_that_is_wrong_is_told(trap: str, told: str) -> None:
    profile, problems = lint("x.toml", TABLE.format(trap=trap))
    assert profile is None
    assert any(told in problem.render("en") for problem in problems), [p.render("en") for p in problems]


def test_a_trap_may_mean_different_things_by_a_variable() -> None:
    text = TABLE.format(trap='when = { "9" = [1, 2] }\nsets = { "alarm.fan_failure" = 1 }\n[[trap]]\noid = "1"\nname = "one"\nwhen = { "9" = [0] }\nsets = { "alarm.fan_failure" = 0 }')  # fmt: skip
    profile, problems = lint("x.toml", text)
    assert profile, problems
    tables = Tables([profile])
    for number, expected in ((1, {("alarm.fan_failure", None): 1}), (0, {("alarm.fan_failure", None): 0}), (7, {})):
        assert values(tables.meaning("1.3.6.1.4.1.1.1", [Bind("1.3.6.1.4.1.1.9.0", "int", number)])) == expected
