"""The time at which a site goes dark, from what its UPSs still last and what feeds what."""

from __future__ import annotations

import msgspec

from analytics import forecast
from analytics.battery import dark
from analytics.battery.outlook import Outlook
from model.inventory import MAINS, Device
from model.text import Text
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import T0, UPS, Line, tell


def device(id: str, kind: str, fed_by: str | None, *, core: bool = False) -> Device:
    return Device(
        id=f"hz/{id}",
        name=Text(id, id),
        kind=kind,
        fed_by=fed_by and (fed_by if fed_by == MAINS else f"hz/{fed_by}"),
        core=core,
    )


def lasts(minutes: float, at: int = 0) -> Outlook:
    return Outlook(at=at, p10=minutes * 48, p50=minutes * 60, p90=minutes * 72, n=3, by="discharges")


SITE = [
    device("ups-1", "ups", MAINS),
    device("ups-2", "ups", MAINS),
    device("pdu-1", "pdu", "ups-1"),
    device("sw-1", "switch", "pdu-1"),
    device("sw-2", "switch", "ups-2", core=True),
    device("sw-3", "switch", MAINS),
    device("cam", "other", None),
]
NOW = {"hz/ups-1": lasts(10), "hz/ups-2": lasts(30)}


def test_each_device_ends_with_what_feeds_it() -> None:
    found = dark.of_site(SITE, NOW, out_since=-5000)
    assert found.ends["hz/sw-1"].p50 == 600_000
    assert found.ends["hz/sw-1"].by == "hz/ups-1"
    assert found.ends["hz/sw-3"].p50 == -5000, "fed by the mains: dark at once"
    assert "hz/cam" not in found.ends, "unknown is not dark"
    assert (found.device, found.first and found.first.p10) == ("hz/sw-2", 30 * 48_000)


def test_without_core_devices_the_first_load_counts() -> None:
    plain = [msgspec.structs.replace(one, core=False) for one in SITE]
    assert dark.of_site(plain, NOW, 0).device == "hz/sw-1"
    assert dark.of_site(SITE[:2], NOW, 0).device == "hz/ups-1"


def test_a_ups_behind_a_ups_begins_when_the_first_one_ends() -> None:
    chain = [*SITE, device("ups-3", "ups", "ups-1"), device("srv", "other", "ups-3", core=True)]
    found = dark.of_site(chain[:1] + chain[-2:], NOW, 0, full={"hz/ups-3": lasts(5)})
    assert found.ends["hz/srv"].p50 == 15 * 60_000
    assert "hz/srv" not in dark.of_site(chain, NOW, 0).ends, "nobody knows what the second one lasts"


def test_a_loop_and_a_feed_nobody_listed_are_unknown() -> None:
    loop = [device("a", "pdu", "b"), device("b", "pdu", "a", core=True), device("c", "pdu", "nowhere", core=True)]
    found = dark.of_site(loop, {}, 0)
    assert found.first is None
    assert dark.foretold("hz", found, 0, 0) is None


def test_it_is_a_forecast_like_any_other() -> None:
    one = dark.foretold("hz", dark.of_site(SITE, NOW, 0), made=60_000, out_since=0)
    assert one is not None
    answered = forecast.came(one, 29 * 60_000, 29 * 60_000)
    assert answered.inside
    assert one.index == "hz/sw-2"


def test_the_outlook_stands_in_the_state_while_the_battery_feeds_and_only_then() -> None:
    cabinet = Cabinet()
    cabinet.rest(1)
    line = Line()
    for s in range(0, 100, 10):
        line.say(cabinet.now + s, ups__source=5, battery__charge=100 - s / 10, battery__voltage=200)
        line.say(cabinet.now + s, "1", ups__load=40)
    tell(line, watch=cabinet.watch, context_of=cabinet.context)
    found = dark.outlook_of(cabinet.watch.states[UPS])
    assert found is not None
    assert found.at == T0 + round(cabinet.now + 90) * 1000
    tell(Line().say(cabinet.now + 100, ups__source=3), watch=cabinet.watch, context_of=cabinet.context)
    assert dark.outlook_of(cabinet.watch.states[UPS]) is None
