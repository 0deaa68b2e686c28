"""A profile out of a few lines, and what it makes of hand-built answers: by the long way and, for SNMP, by the quick one."""

from __future__ import annotations

from collections.abc import Mapping

from agent.address import DeviceUrl
from agent.drivers import modbus, quick, records, snmp
from agent.drivers.exchange import (
    Exchange,
    Failure,
    GetVariables,
    ReadWords,
    Request,
    Sample,
    Variable,
    Variables,
    WalkVariables,
    Words,
)
from agent.profiles import Profile, Tier, lint
from agent.profiles.form import under
from model.reading import Gap, GapCause, Reading

SNMP = DeviceUrl.parse("snmp://192.0.2.5")
TCP = DeviceUrl.parse("modbus+tcp://192.0.2.5?unit=1")
_HEAD = '[profile]\nid = "made"\ndriver = "{driver}"\ntitle = {{ en = "M", zh = "造" }}\nsource = "a test"\n{head}\n'
Found = dict[tuple[str, str | None], Sample]


def profile_of(body: str, driver: str = "snmp", head: str = "") -> Profile:
    """The profile with these tables; its problems are the test's failure."""
    profile, problems = lint("made.toml", _HEAD.format(driver=driver, head=head) + body)
    assert not problems, [problem.render("en") for problem in problems]
    assert profile
    return profile


def of_snmp(profile: Profile, tree: Mapping[str, Variable], object_id: str = "1.3.6.1.4.1.9") -> Found:
    """All tiers of an SNMP device with these variables; the quick way must say the same."""
    whole: dict[str, Variable] = {snmp.SYS_DESCR: b"made", snmp.SYS_OBJECT_ID: object_id, **tree}
    found: Found = {}
    for tier in (Tier.IDENTITY, Tier.STATUS, Tier.MEASURE):
        exchanges = [Exchange(request=r, answer=answer_of(r, whole), at=5) for r in snmp.plan(profile, SNMP, tier)]
        samples = snmp.read(profile, SNMP, tier, exchanges)
        found |= {(one.point, one.index): one for one in samples}
        long = [one for one in records(samples, "s/d") if isinstance(one, Reading | Gap)]
        for _ in range(2):
            short = quick.records(profile, tier, exchanges, "s/d")
            assert short is None or sorted(map(repr, short)) == sorted(map(repr, long))
    return found


def answer_of(request: Request, tree: Mapping[str, Variable]) -> Variables:
    """What a device with these variables answers."""
    if isinstance(request, GetVariables):
        return Variables({oid: tree[oid] for oid in request.oids if oid in tree})
    assert isinstance(request, WalkVariables)
    return Variables({oid: value for oid, value in tree.items() if under(oid, request.root) and oid != request.root})


def of_modbus(profile: Profile, registers: Mapping[int, int]) -> Found:
    """All tiers of a Modbus device that refuses registers that are not these."""
    found: Found = {}
    for tier in (Tier.IDENTITY, Tier.STATUS, Tier.MEASURE):
        todo = modbus.plan(profile, TCP, tier)
        exchanges: list[Exchange] = []
        while todo:
            request = todo.pop(0)
            assert isinstance(request, ReadWords)
            places = range(request.address, request.address + request.count)
            if all(place in registers for place in places):
                answer: Words | Failure = Words(tuple(registers[place] for place in places))
            else:
                answer = Failure(cause=GapCause.REFUSED, raw="exception 2 (address)")
                todo = [*modbus.narrow(profile, TCP, tier, request), *todo]
            exchanges.append(Exchange(request=request, answer=answer, at=5))
        found |= {(one.point, one.index): one for one in modbus.read(profile, TCP, tier, exchanges)}
    return found


def values(found: Found) -> dict[tuple[str, str | None], float | str | None]:
    """Only the values."""
    return {key: one.value for key, one in found.items()}
