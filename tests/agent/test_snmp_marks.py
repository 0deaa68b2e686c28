"""Whatever place of whatever SNMP profile holds a mark for "not available": no reading comes of it. Built from the profiles alone."""

from __future__ import annotations

import pytest

from agent.address import DeviceUrl
from agent.drivers import DRIVERS
from agent.drivers.exchange import Exchange, GetVariables, Variable, Variables
from agent.drivers.snmp import plan
from agent.profiles import PROFILES, Profile, Tier, load
from model.points import POINTS, Kind

URL = DeviceUrl.parse("snmp://192.0.2.1")
MARKS: tuple[Variable, ...] = (2147483647, 4294967295, -2147483648, b"", b"N/A", b"--.-", None, float("nan"))
#: Amounts that may be as large as a full counter.
LARGE = ("sysUpTime", "ifLastChange", "ifHighSpeed", "memory.", "storage.", "sessions")
SNMP = tuple(id for id in PROFILES if load(id).driver == "snmp")


def places(profile: Profile) -> list[str]:
    """An OID for each row, as if it were the first line of its table."""
    return [
        f"{row.place}.{'.'.join('1' for _ in row.template)}" if row.column else f"{row.place}.0"
        for row in profile.values
    ]


@pytest.mark.parametrize("id", SNMP)
@pytest.mark.parametrize("mark", MARKS, ids=repr)
def test_a_mark_for_not_available_is_never_a_reading(id: str, mark: Variable) -> None:
    profile = load(id)
    values = dict.fromkeys(places(profile), mark)
    for tier in Tier:
        requests = plan(profile, URL, tier)
        answers = [Exchange(request=request, answer=Variables(values), at=7) for request in requests]
        assert isinstance(requests[0], GetVariables)
        for sample in DRIVERS[URL.scheme].read(profile, URL, tier, answers):
            if POINTS[sample.point].kind is Kind.GAUGE and not sample.point.startswith(LARGE):
                assert sample.value is None, f"{sample.point} at {sample.where} = {sample.value} of {sample.raw}"
