"""Whose a trap is, who is asked, and what is believed when nobody answers: played in virtual time."""

from __future__ import annotations

import msgspec
import pytest

from agent.backlog import Found
from agent.profiles import PROFILES, Tier, load
from agent.traps.desk import (
    FOLD_S,
    MOST_FOLDS,
    MOST_WORDS_A_DEVICE,
    NUDGE_S,
    PATIENCE_S,
    SECOND_LOOK_S,
    Desk,
    Known,
    Outcome,
    Whose,
)
from agent.traps.meaning import Tables
from agent.traps.message import Bind, Level, Notice
from agent.traps.settings import TrapSettings, TrapUser
from model.batch import Event
from model.reading import Gap, GapCause, Quality, Reading

TABLES = Tables([load(id) for id in PROFILES])
UPS = Known(id="sz/ups-1", host="ups1", snmp=True, community="env:READ")
PUBLIC = Known(id="sz/ups-2", host="ups2", snmp=True, community="public")
CARD = Known(id="sz/ups-3", host="ups3", snmp=False)
PAIR = (Known(id="sz/a", host="pair", snmp=True, community="env:A"), Known(id="sz/b", host="pair", snmp=True, community="env:B"))  # fmt: skip
BUS = (Known(id="sz/m1", host="gw", snmp=False), Known(id="sz/m2", host="gw", snmp=False))
SETTINGS = TrapSettings(
    listen=(("127.0.0.1", 0),),
    communities=("env:TRAPS",),
    users=(TrapUser(name="any", auth="sha1"), TrapUser(name="nat", auth="sha1", device="sz/ups-1")),
)
ON_BATTERY, LOW = "1.3.6.1.2.1.33.2.1", "1.3.6.1.2.1.33.2.3"


def desk() -> Desk:
    return Desk(SETTINGS, [UPS, PUBLIC, CARD, *PAIR, *BUS], TABLES)


def trap(oid: str = ON_BATTERY, *, hosts: tuple[str, ...] = ("ups1",), proofs: tuple[str, ...] = ("env:READ",), **more: object) -> Notice:  # fmt: skip
    notice = Notice(source="192.0.2.1", version="2c", level=Level.COMMUNITY, hosts=hosts, proofs=proofs, oid=oid)
    return msgspec.structs.replace(notice, **more)


def said(point: str, value: float, at: int = 1, device: str = "sz/ups-1") -> Reading:
    return Reading(device=device, point=point, index=None, at=at, value=value)


def silence(device: str = "sz/ups-1") -> list[Found]:
    return [Gap(device=device, point=None, index=None, at=1, cause=GapCause.NO_ANSWER)]


WELL: list[Found] = [said("alarm.on_battery", 0), said("ups.source", 3)]
OUT: list[Found] = [said("alarm.on_battery", 1), said("ups.source", 5)]


def readings(outcome: Outcome) -> list[tuple[str, float, int]]:
    return [(one.point, one.value, one.quality) for one in outcome.found if isinstance(one, Reading)]


LAST_WORDS = [("alarm.on_battery", 1, Quality.SUSPECT), ("ups.source", 5, Quality.SUSPECT)]


@pytest.mark.parametrize(
    ("notice", "devices", "whose"),
    [
        (trap(), ["sz/ups-1"], Whose.PROVED),
        (trap(proofs=("env:TRAPS",)), ["sz/ups-1"], Whose.PROVED),
        (trap(proofs=()), ["sz/ups-1"], Whose.NO_PROOF),
        (trap(proofs=("env:A",)), ["sz/ups-1"], Whose.NO_PROOF),
        (trap(hosts=("ups2",), proofs=("public",)), ["sz/ups-2"], Whose.PUBLIC),
        (trap(proofs=(), level=Level.AUTH, user="any"), ["sz/ups-1"], Whose.PROVED),
        (trap(proofs=(), level=Level.NONE, user="any"), ["sz/ups-1"], Whose.NO_PROOF),
        (trap(hosts=(), proofs=(), level=Level.AUTH, user="nat"), ["sz/ups-1"], Whose.PROVED),
        (trap(hosts=(), proofs=(), level=Level.NONE, user="nat"), [], Whose.NOBODY),
        (trap(hosts=("ups3",), proofs=()), ["sz/ups-3"], Whose.NO_PROOF),
        (trap(hosts=("ups3",), proofs=("env:TRAPS",)), ["sz/ups-3"], Whose.PROVED),
        (trap(hosts=("pair",), proofs=("env:B",)), ["sz/b"], Whose.PROVED),
        (trap(hosts=("pair",), proofs=("env:TRAPS",)), ["sz/a", "sz/b"], Whose.SHARED),
        (trap(hosts=("gw",), proofs=("env:TRAPS",)), [], Whose.NOBODY),
        (trap(hosts=(), via=("ups1",), proofs=("env:TRAPS",)), ["sz/ups-1"], Whose.BY_PROXY),
        (trap(hosts=(), via=("ups1",), proofs=()), [], Whose.NOBODY),
        (trap(hosts=()), [], Whose.NOBODY),
    ],
)
def test_whose_a_trap_is(notice: Notice, devices: list[str], whose: Whose) -> None:
    assert desk().whose(notice) == (tuple(devices), whose)


def test_a_trap_is_an_event_and_a_nudge_and_no_reading() -> None:
    outcome = desk().heard(trap(), 10.0, 1000)
    assert [(nudge.device, nudge.tier, nudge.due) for nudge in outcome.nudges] == [("sz/ups-1", Tier.STATUS, 10.0)]
    assert readings(outcome) == []
    (event,) = outcome.found
    assert isinstance(event, Event)
    assert (event.device, event.at, event.data["name"]) == ("sz/ups-1", 1000, "upsTrapOnBattery")


def test_a_storm_asks_a_device_once_in_two_seconds_and_is_told_folded() -> None:
    here = desk()
    dues, events = set(), []
    for n in range(1000):
        now = n / 50
        outcome = here.heard(trap(binds=(Bind("1.3.6.1.2.1.33.1.2.3.0", "int", 12),)), now, 1)
        dues.update(nudge.due for nudge in outcome.nudges)
        assert all(nudge.due <= now + NUDGE_S for nudge in outcome.nudges)
        events += outcome.found
    assert len(dues) <= 20 / NUDGE_S + 1
    assert [e.data.get("repeats", 0) for e in events if isinstance(e, Event)] == [0, 499]
    assert here.counts.folded == 998
    assert FOLD_S == 10


def test_the_answer_is_what_counts() -> None:
    here = desk()
    here.heard(trap(), 10.0, 1000)
    assert here.looked("sz/ups-1", Tier.STATUS, OUT, 10.1, 10.2) == Outcome()
    assert here.looked("sz/ups-1", Tier.STATUS, silence(), 12.0, 13.0) == Outcome()
    assert here.tick(10.0 + 2 * PATIENCE_S) == Outcome()


def test_a_device_that_contradicts_its_trap_is_asked_once_more_and_then_believed() -> None:
    here = desk()
    here.heard(trap(), 10.0, 1000)
    outcome = here.looked("sz/ups-1", Tier.STATUS, WELL, 10.1, 10.2)
    assert [(nudge.tier, nudge.due) for nudge in outcome.nudges] == [(Tier.STATUS, 10.2 + SECOND_LOOK_S)]
    assert here.looked("sz/ups-1", Tier.STATUS, WELL, 12.2, 12.3) == Outcome()
    assert here.looked("sz/ups-1", Tier.STATUS, silence(), 13.0, 14.0) == Outcome()


def test_a_device_that_dies_between_the_two_looks_is_taken_at_its_last_word() -> None:
    here = desk()
    here.heard(trap(), 10.0, 1000)
    here.looked("sz/ups-1", Tier.STATUS, WELL, 10.1, 10.2)
    outcome = here.looked("sz/ups-1", Tier.STATUS, silence(), 12.2, 13.3)
    assert readings(outcome) == LAST_WORDS
    assert {one.at for one in outcome.found if isinstance(one, Reading)} == {1000}


def test_a_silence_that_began_before_the_trap_says_nothing_of_it() -> None:
    here = desk()
    here.heard(trap(), 10.0, 1000)
    assert here.looked("sz/ups-1", Tier.STATUS, silence(), 9.0, 10.5) == Outcome()
    assert readings(here.looked("sz/ups-1", Tier.STATUS, silence(), 10.5, 12.0)) == LAST_WORDS


@pytest.mark.parametrize(
    "notice", [trap(proofs=()), trap(hosts=("ups2",), proofs=("public",)), trap(hosts=("pair",), proofs=("env:TRAPS",))]
)
def test_what_is_not_proved_is_never_a_reading(notice: Notice) -> None:
    here = desk()
    (*ids,) = desk().whose(notice)[0]
    assert ids
    here.heard(notice, 10.0, 1000)
    for id in ids:
        assert here.looked(id, Tier.STATUS, silence(id), 11.0, 12.0) == Outcome()
    assert here.tick(1000.0) == Outcome()


def test_of_a_traps_points_those_count_that_the_device_gives_when_asked() -> None:
    """A flag that no answer will ever take back must not stand for ever."""
    here = desk()
    here.looked("sz/ups-1", Tier.STATUS, [said("ups.source", 3)], 1.0, 1.1)
    here.heard(trap(), 10.0, 1000)
    assert readings(here.looked("sz/ups-1", Tier.STATUS, silence(), 11.0, 12.0)) == LAST_WORDS[1:]


def test_a_point_that_cannot_be_asked_for_is_believed_after_a_while() -> None:
    here = desk()
    binds = (Bind("1.3.6.1.2.1.33.1.6.2.1.2.1", "oid", "1.3.6.1.2.1.33.1.6.3.3"),)
    here.heard(trap(LOW, binds=binds), 10.0, 1000)
    assert here.looked("sz/ups-1", Tier.STATUS, [said("ups.source", 3)], 10.1, 10.2) == Outcome()
    assert here.tick(10.0 + PATIENCE_S - 1) == Outcome()
    assert readings(here.tick(10.0 + PATIENCE_S)) == [("alarm.battery_low", 1, Quality.SUSPECT)]


def test_an_end_that_follows_its_beginning_takes_its_place() -> None:
    here = desk()
    binds = (Bind("1.3.6.1.2.1.33.1.6.2.1.2.1", "oid", "1.3.6.1.2.1.33.1.6.3.2"),)
    here.heard(trap(LOW, binds=binds), 10.0, 1000)
    here.heard(trap("1.3.6.1.2.1.33.2.4", binds=binds), 10.5, 1500)
    assert readings(here.looked("sz/ups-1", Tier.STATUS, silence(), 11.0, 12.0)) == [
        ("alarm.on_battery", 0, Quality.SUSPECT)
    ]


def test_a_hostile_variety_of_traps_does_not_grow_the_memory() -> None:
    here = desk()
    for n in range(5_000):
        binds = (Bind("1.3.6.1.2.1.2.2.1.1.1", "int", n), Bind(f"1.3.6.1.2.1.2.2.1.8.{n}", "int", 1))
        here.heard(trap("1.3.6.1.6.3.1.1.5.3", binds=binds), n / 1000, n)
    assert len(here._folds) <= MOST_FOLDS
    assert len(here._devices["sz/ups-1"].words) <= MOST_WORDS_A_DEVICE
