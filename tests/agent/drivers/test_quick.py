"""The short way says what the long way says: on answers made up from every profile's own places, and on recordings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.address import DeviceUrl
from agent.drivers import quick, records, snmp
from agent.drivers.exchange import Exchange, Failure, GetVariables, Request, Variable, Variables, WalkVariables
from agent.drivers.snmp_rows import column_beside
from agent.profiles import PROFILES, Profile, Tier, load
from agent.profiles.form import under
from model.batch import Event
from model.reading import Gap, GapCause, Reading
from tests.services import shared
from tests.services.snmpsim import ordered

Found = Reading | Gap | Event
URL = DeviceUrl.parse("snmp://192.0.2.5?community=public")
SNMP = [profile for profile in map(load, PROFILES) if profile.driver == "snmp"]
TIERS = (Tier.STATUS, Tier.MEASURE, Tier.BATTERY)


def both(profile: Profile, tier: Tier, exchanges: Sequence[Exchange]) -> tuple[list[Found] | None, list[Found]]:
    long: list[Found] = [
        one for one in records(snmp.read(profile, URL, tier, exchanges), "s/u") if isinstance(one, Reading | Gap)
    ]
    return quick.records(profile, tier, exchanges, "s/u"), long


def order(found: Iterable[Found]) -> list[str]:
    return sorted(map(repr, found))


# ---- made-up answers

_LINE = st.sampled_from(["0", "1", "2", "3", "1.0", "2.0", "4"])
_NUMBER = st.one_of(
    st.sampled_from([0, 1, 2, 3, 5, 6, 7, -1, 48, 50, 255, 500, 2302, 4800, 9999, 32767, 65535, 2**31 - 1, 2**32 - 1]),
    st.integers(-(2**31), 2**64 - 1),
    st.integers(0, 5000),
)
_ODD = st.sampled_from([b"230.4", b"12", b" 7 V", b"", b"--", b"x", "1.3.6.1.2.1.33.1.6.3.3", "0.0", 2.5, None])
_RARELY_ODD = st.integers(0, 9).flatmap(lambda n: _ODD if n == 0 else _NUMBER)


def _places(profile: Profile, tier: Tier) -> list[str]:
    """Where an answer to this tier may hold something."""
    rows = profile.rows(tier)
    places = [row.place for row in rows] + [row.lines for row in rows if row.lines]
    places += [alarms.at for alarms in profile.alarms] + [alarms.count for alarms in profile.alarms if alarms.count]
    places += [column_beside(place.removesuffix(".0")) for row in rows for place in row.beside]
    places += [column_beside(place) for alarms in profile.alarms for place in alarms.where]
    places += [word.at.removesuffix(".*") for word in profile.flags]
    places += [variant.sees.at for variant in profile.variants if variant.sees]
    return sorted(set(places)) or ["1.3.6.1.9"]


@st.composite
def _answers(draw: st.DrawFn) -> tuple[Profile, Tier, list[list[Exchange]]]:
    """A device that answers a tier four times: the same variables with other numbers, as devices do."""
    profile = draw(st.sampled_from(SNMP))
    tier = draw(st.sampled_from(TIERS))
    places = _places(profile, tier)
    picked = draw(st.lists(st.tuples(st.sampled_from(places), _LINE), unique=True, max_size=24))
    oids = [f"{place}.{line}" for place, line in picked]
    names = sorted({f"{place}.0" for variant in profile.variants for place in variant.match.scalars})
    who = draw(st.sampled_from(["1.3.6.1.4.1.850.1", "1.3.6.1.4.1.14988.1", "1.3.6.1.4.1.2011.2"]))
    said = draw(st.sampled_from([b"Huawei", b"UPS5000", b"12.04.0060", b"6.40"]))
    cut = draw(st.integers(0, len(oids)))
    rounds: list[list[Exchange]] = []
    for n in range(4):
        first: dict[str, Variable] = {snmp.SYS_DESCR: b"a card", snmp.SYS_OBJECT_ID: who, **dict.fromkeys(names, said)}
        parts = [first | {oid: draw(_RARELY_ODD) for oid in oids[:cut]}, {oid: draw(_RARELY_ODD) for oid in oids[cut:]}]
        rounds.append([_came(GetVariables(oids=()), part, 1000 * n + k) for k, part in enumerate(parts) if part])
    return profile, tier, rounds


def _came(request: Request, values: dict[str, Variable], at: int) -> Exchange:
    return Exchange(request=request, answer=Variables(values), at=at)


@given(_answers())
@settings(max_examples=150, deadline=None)
def test_both_ways_say_the_same_of_any_answer(case: tuple[Profile, Tier, list[list[Exchange]]]) -> None:
    profile, tier, rounds = case
    for exchanges in rounds:
        short, long = both(profile, tier, exchanges)
        assert short is None or order(short) == order(long)


@given(scale=st.sampled_from([1.0, 0.1, 0.01, 0.001, 1e-6, 60.0, 100.0, 1000.0, 0.6, 2.5]), raw=st.integers(0, 2**53))
def test_a_factor_and_a_division_are_what_rounding_gives(scale: float, raw: int) -> None:
    times, over = quick.factors(scale)
    assert over
    value = raw * times / over
    if over == 1.0 or value <= 1e8:
        assert value == round(float(raw) * scale, 6)


# ---- what decides


def _ups(voltage: int, *, tier: Tier = Tier.STATUS, **more: Variable) -> list[Exchange]:
    base = "1.3.6.1.2.1.33.1."
    values: dict[str, Variable] = {snmp.SYS_DESCR: b"card", snmp.SYS_OBJECT_ID: "1.3.6.1.4.1.1"}
    values |= {f"{base}4.1.0": 3, f"{base}4.3.0": 1, f"{base}4.4.1.2.1": voltage, f"{base}6.1.0": 0}
    values |= {base + oid.replace("_", "."): value for oid, value in more.items()}
    return [_came(GetVariables(oids=()), values, 7)]


def test_a_healthy_answer_goes_the_short_way_and_its_proofs_are_seen_each_time() -> None:
    profile = load("rfc1628")
    for voltage, value in ((230, 230.0), (2302, 230.2), (231, 231.0)):
        short, long = both(profile, Tier.STATUS, _ups(voltage))
        assert short is not None
        assert order(short) == order(long)
        assert [one.value for one in short if isinstance(one, Reading) and one.point == "output.voltage"] == [value]


def test_an_alarm_that_comes_and_goes_is_told_by_the_short_way() -> None:
    profile = load("rfc1628")
    quiet, loud = _ups(230), _ups(230, **{"6_1_0": 1, "6_2_1_2_1": "1.3.6.1.2.1.33.1.6.3.2"})
    for exchanges, flag in ((quiet, 0.0), (loud, 1.0), (quiet, 0.0)):
        short, _ = both(profile, Tier.STATUS, exchanges)
        assert short is not None
        assert [one.value for one in short if isinstance(one, Reading) and one.point == "alarm.on_battery"] == [flag]


def test_a_failure_a_null_and_a_tier_of_texts_take_the_long_way() -> None:
    profile = load("rfc1628")
    failed = Exchange(request=WalkVariables(root="1.3"), answer=Failure(cause=GapCause.NO_ANSWER), at=8)
    assert quick.records(profile, Tier.STATUS, [*_ups(230), failed], "s/u") is None
    cut = Exchange(request=failed.request, answer=Variables({}, cut=Failure(cause=GapCause.NO_ANSWER)), at=8)
    assert quick.records(profile, Tier.STATUS, [*_ups(230), cut], "s/u") is None
    assert quick.records(profile, Tier.STATUS, _ups(230, **{"4_2_0": None}), "s/u") is None
    assert quick.records(profile, Tier.IDENTITY, _ups(230), "s/u") is None


# ---- recordings of real devices


@pytest.mark.shared
@pytest.mark.parametrize("profile", SNMP, ids=lambda profile: profile.id)
def test_both_ways_say_the_same_of_every_recording(profile: Profile) -> None:
    compared = 0
    for path in sorted(shared("devices", "snmp").glob("*.snmprec")):
        variables = _recorded(path, profile)
        if len(variables) < 20:
            continue  # nothing of this make
        for tier in TIERS:
            exchanges = [_answered(request, variables) for request in snmp.plan(profile, URL, tier)]
            for _ in range(2):  # the second time from what the first worked out
                short, long = both(profile, tier, exchanges)
                assert short is None or order(short) == order(long), path.name
                compared += len(short or ())
    assert compared > 500 or profile.id not in ("rfc1628", "if_mib")


def _recorded(recording: Path, profile: Profile) -> dict[str, Variable]:
    """What of a recording a profile may ask for."""
    roots = {row.place for row in profile.values} | {alarms.at for alarms in profile.alarms} | {"1.3.6.1.2.1.1"}
    roots |= {root for walks in profile.walks.values() for root in walks}
    roots |= {place for variant in profile.variants for place in variant.match.scalars}
    roots |= {column_beside(place.removesuffix(".0")) for row in profile.values for place in row.beside}
    roots |= {word.at.removesuffix(".*") for word in profile.flags}
    roots |= {column_beside(place) for alarms in profile.alarms for place in alarms.where}
    prefixes = tuple(root + "." for root in roots)
    return {oid: value for oid, value in _whole(recording).items() if oid.startswith(prefixes)}


@cache
def _whole(recording: Path) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for line in ordered(recording.read_bytes()).splitlines():
        oid, kind, text = line.decode("latin-1").split("|", 2)
        found[oid] = _variable(kind, text)
    return found


def _variable(kind: str, text: str) -> Variable:
    if kind.endswith("x"):
        digits = re.sub("[^0-9A-Fa-f]", "", text)  # some recordings hold a line that is cut
        return bytes.fromhex(digits[: len(digits) // 2 * 2])
    if kind in ("4", "64"):
        return text.encode("latin-1")
    return text.lstrip(".") if kind == "6" else int(text or 0) if kind != "5" else None


def _answered(request: Request, variables: dict[str, Variable]) -> Exchange:
    if isinstance(request, GetVariables):
        return _came(request, {oid: variables[oid] for oid in request.oids if oid in variables}, 5)
    assert isinstance(request, WalkVariables)
    return _came(request, {oid: value for oid, value in variables.items() if under(oid, request.root)}, 6)
