"""The verdict is the same however the readings come, and bad input has a defined outcome."""

from __future__ import annotations

import msgspec
import pytest

from analytics.watch import Watch
from model.finding import Change, Cleared
from model.reading import Reading
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import UPS, Line, context, raised, tell

KINDS = {"battery_replace", "battery_unproven", "battery_untested", "battery_runaway"}


class Recording(Cabinet):
    """Keeps what the device says instead of judging it at once."""

    def __init__(self, soh: float = 1.0) -> None:
        super().__init__(soh=soh)
        self.line = Line()

    def hear(self, line: Line) -> list[Change]:
        self.line.readings += line.readings
        return []


def weak() -> Recording:
    cabinet = Recording(soh=0.6)
    cabinet.rest(2)
    cabinet.self_test()
    cabinet.outage(420)
    cabinet.rest(2)
    return cabinet


def of_batteries(changes: list[Change]) -> list[Change]:
    return [c for c in changes if (c.kind if isinstance(c, Cleared) else c.finding.kind) in KINDS]


@pytest.mark.parametrize("batch_s", [1, 600])
def test_the_size_of_a_batch_changes_nothing(batch_s: float) -> None:
    cabinet = weak()
    usual = of_batteries(tell(cabinet.line, batch_s=10, context_of=cabinet.context))
    assert of_batteries(tell(cabinet.line, batch_s=batch_s, context_of=cabinet.context)) == usual != []


def test_a_restart_at_any_point_changes_nothing() -> None:
    cabinet = weak()
    usual = of_batteries(tell(cabinet.line, batch_s=10, context_of=cabinet.context))
    for share in (0.1, 0.4, 0.6, 0.8, 0.95):
        readings = sorted(cabinet.line.readings, key=lambda r: r.at)
        cut = readings[int(len(readings) * share)].at
        watch, changes = Watch(), []
        for part in ([r for r in readings if r.at <= cut], [r for r in readings if r.at > cut]):
            line = Line()
            line.readings = part
            changes += tell(line, batch_s=10, watch=watch, context_of=cabinet.context)
            watch = msgspec.msgpack.decode(msgspec.msgpack.encode(watch), type=Watch)
        assert of_batteries(changes) == usual, share


def _spoilt(readings: list[Reading], how: str) -> list[Reading]:
    replace = msgspec.structs.replace
    if how == "stuck voltage":
        return [replace(r, value=216.0) if r.point == "battery.voltage" else r for r in readings]
    if how == "voltage ten times too high":
        return [replace(r, value=r.value * 10) if r.point == "battery.voltage" else r for r in readings]
    if how == "no charge, no voltage":
        return [r for r in readings if r.point not in ("battery.voltage", "battery.charge")]
    if how == "no load":
        return [r for r in readings if r.point != "ups.load"]
    if how == "zeros":
        return [
            replace(r, value=0.0) if r.point.startswith("battery.") or r.point == "ups.load" else r for r in readings
        ]
    return readings[::7]


@pytest.mark.parametrize(
    "how", ["stuck voltage", "voltage ten times too high", "no charge, no voltage", "no load", "zeros", "one in seven"]
)
def test_bad_readings_of_a_healthy_battery_are_no_verdict(how: str) -> None:
    cabinet = Recording()
    cabinet.rest(2)
    cabinet.self_test()
    cabinet.outage(420)
    cabinet.rest(2)
    line = Line()
    line.readings = _spoilt(sorted(cabinet.line.readings, key=lambda r: r.at), how)
    changes = tell(line, batch_s=10, context_of=cabinet.context)
    assert raised(changes, "battery_replace") == [], how


def test_an_unlisted_device_costs_nothing_and_is_never_judged() -> None:
    watch = Watch()
    tell(weak().line, batch_s=60, watch=watch, context_of=lambda d: context("x/sw-1"))
    assert "belief" not in watch.states[UPS]["battery_verdict"]


def test_the_state_of_ten_years_is_small() -> None:
    cabinet = Cabinet()
    for _ in range(30):
        cabinet.self_test()
        cabinet.outage(300)
    size = len(msgspec.msgpack.encode(cabinet.watch.states[UPS]["battery_verdict"]))
    assert size < 32_000, (
        "40 discharges and 20 tests kept, about 400 bytes each, and 60 tests of 60 bytes for their course"
    )
