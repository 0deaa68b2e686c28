"""What a line and its devices cost, as points once a minute."""

from __future__ import annotations

import pytest

from agent.address import DeviceUrl
from agent.costs import Costs, Line, names_of
from agent.links.account import Account
from model.points import POINTS, plausible
from model.reading import Reading


def line(account: Account, *, whole: bool = True, devices: tuple[str, ...] = ("sz/a", "sz/b")) -> Line:
    return Line(name="ttyS1", devices=devices, account=account, round_s=0.4, whole=whole, since=0.0)


def told(found: list[Reading], device: str, point: str) -> list[float]:
    return [one.value for one in found if (one.device, one.point) == (device, point)]


def test_airtime_is_the_share_of_the_last_minute_and_no_more_than_all_of_it() -> None:
    account, costs = Account(), Costs("sz")
    account.of("sz/a").airtime_s = 6.0
    account.of("").airtime_s = 3.0  # drained while nobody asked
    found = costs.tell([line(account)], 1_000, 60.0)
    assert told(found, "sz/a", "device.airtime") == [10.0]
    assert told(found, "sz/agent", "link.airtime") == [15.0]
    account.of("sz/a").airtime_s = 96.0
    found = costs.tell([line(account)], 2_000, 120.0)
    assert told(found, "sz/a", "device.airtime") == [100.0]
    assert told(found, "sz/b", "device.airtime") == [0.0]
    assert costs.share(line(account), "sz/a", 130.0) == 100.0


def test_before_the_first_minute_is_over_the_share_is_that_of_the_time_so_far() -> None:
    account = Account()
    account.of("sz/a").airtime_s = 1.0
    assert Costs("sz").share(line(account), "sz/a", 4.0) == 25.0
    assert Costs("sz").share(line(account), "", 4.0) == 25.0


def test_counters_are_told_at_first_and_when_they_rose() -> None:
    account, costs = Account(), Costs("sz")
    first = costs.tell([line(account)], 1_000, 60.0)
    assert told(first, "sz/a", "device.crc_errors") == [0.0]
    assert told(first, "sz/agent", "link.reopened") == [0.0]
    account.of("sz/a").garbled = 2
    account.reopened = 1
    second = costs.tell([line(account)], 2_000, 120.0)
    assert told(second, "sz/a", "device.crc_errors") == told(second, "sz/agent", "link.crc_errors") == [2.0]
    assert told(second, "sz/agent", "link.reopened") == [1.0]
    assert not told(second, "sz/b", "device.crc_errors")
    assert {one.index for one in second if one.device == "sz/agent"} == {"ttyS1"}
    assert all(plausible(POINTS[one.point], one.value) for one in [*first, *second])


def test_a_network_device_of_its_own_is_told_as_a_device_only() -> None:
    account, costs = Account(), Costs("sz")
    account.of("sz/a").requests = 1
    found = costs.tell([line(account, whole=False, devices=("sz/a",))], 1_000, 60.0)
    assert {one.device for one in found} == {"sz/a"}


def test_the_line_of_one_device_has_the_share_of_the_same_minute_as_its_device() -> None:
    account, costs = Account(), Costs("sz")
    alone = line(account, whole=False, devices=("sz/a",))
    costs.tell([alone], 1_000, 60.0)
    account.of("sz/a").airtime_s = 30.0
    costs.tell([alone], 2_000, 120.0)
    assert costs.share(alone, "sz/a", 125.0) == costs.share(alone, "", 125.0) == 50.0


@pytest.mark.parametrize(
    ("urls", "names"),
    [
        (["megatec:///dev/ttyUSB0"], ["ttyUSB0"]),
        (["megatec:///a/ups", "megatec:///b/ups"], ["ups", "/b/ups"]),
        (["snmp://[fe80::1]?community=env:X", "snmp://192.0.2.5?community=env:SECRET"], ["fe80::1:161", "192.0.2.5:161"]),
        (["snmp://192.0.2.5?community=env:A", "snmp://192.0.2.5?community=env:B"], ["192.0.2.5:161", "192.0.2.5:161.2"]),
        (["megatec:///dev/port café"], ["port-caf-"]),
    ],
)  # fmt: skip
def test_a_line_has_a_short_name_of_its_own_that_tells_no_secret(urls: list[str], names: list[str]) -> None:
    keyed = {f"{n}": DeviceUrl.parse(url) for n, url in enumerate(urls)}
    assert list(names_of(keyed).values()) == names
