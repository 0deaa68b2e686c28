"""From what devices say to one incident: the real detectors and the real board, one batch a second or late."""

from __future__ import annotations

import pytest

from analytics.detector import Context
from analytics.watch import Watch, blocks_of, step
from model.inventory import Battery, Inventory
from model.reading import Gap, Reading
from tests.alerts.site import SITE, Board, ms
from tests.analytics.timeline import T0, Line, outage


def futian() -> list[Line]:
    """Mains out from 120 to 720; ups-1 holds 60 %; sw-2 dies with the mains; ups-4 falls silent after 60 s."""
    lines = []
    for n in (1, 2, 3, 5):
        line = Line(f"{SITE}/ups-{n}")
        lines.append(outage(line, start=120, end=720, capacity=0.6 if n == 1 else 1.0, every=2, until=1000))
    q1, switch, rack = Line(f"{SITE}/ups-4"), Line(f"{SITE}/sw-2"), Line(f"{SITE}/sw-1")
    for s in range(0, 1000, 2):
        if 180 <= s < 720:
            q1.miss(s)
        else:
            q1.say(s, "1", ups__load=30, input__voltage=0 if 120 <= s < 720 else 230)
            q1.say(s, alarm__on_battery=float(120 <= s < 720), alarm__battery_low=0)
        if 120 <= s < 750:
            switch.miss(s)
        else:
            switch.say(s, "1", ifOperStatus=1, ifAdminStatus=1)
        rack.say(s, "1", ifOperStatus=1, ifAdminStatus=1)
    return [*lines, q1, switch, rack]


def play(board: Board, batch_s: float, delay_s: float, *, until: float = 1200) -> None:
    """Deliver the story in batches, each `delay_s` after its last reading; the clock ticks each second."""
    watch = Watch()
    batches: dict[int, tuple[list[Reading], list[Gap]]] = {}
    for line in futian():
        for reading in line.readings:
            batches.setdefault(int((reading.at - T0) / 1000 // batch_s), ([], []))[0].append(reading)
        for gap in line.gaps:
            batches.setdefault(int((gap.at - T0) / 1000 // batch_s), ([], []))[1].append(gap)
    waiting = sorted(batches)
    for second in range(int(until + delay_s)):
        while waiting and (waiting[0] + 1) * batch_s + delay_s <= second:
            readings, gaps = batches[waiting.pop(0)]
            changes = step(watch, blocks_of(readings, gaps), context_of(board.inventory), ms(second))
            board.hear(second, *changes)
        board.tick(second)
    assert watch.faults == []


def context_of(inventory: Inventory):  # type: ignore[no-untyped-def]
    def context(device: str) -> Context:
        return Context(device=inventory.device(device), site=inventory.site(device.partition("/")[0]))

    return context


@pytest.mark.parametrize(("batch_s", "delay_s"), [(1, 0), (2, 1), (60, 5), (1, 60)])
def test_the_outage_at_futian_is_one_incident_and_the_weak_battery_another(batch_s: float, delay_s: float) -> None:
    board = Board()
    play(board, batch_s, delay_s)
    incidents = {i.key.cause: i for i in board.incidents.values() if i.merged_into is None}
    assert set(incidents) == {"mains", "battery"}
    mains = incidents["mains"]
    assert sorted(board.of(mains)) == sorted(
        [*(f"ups-{n} on_battery" for n in range(1, 6)), "sw-2 device_silent", "ups-4 device_silent"]
    )
    assert (mains.opened_at, mains.closed_at) == (ms(120), ms(750))
    assert board.of(incidents["battery"]) == ["ups-1 runtime_shortfall"]
    assert incidents["battery"].closed_at is None


def test_the_same_story_told_an_hour_late_opens_only_what_still_stands() -> None:
    board = Board()
    play(board, 1000, 3600, until=2000)
    assert [str(i.key) for i in board.incidents.values()] == [f"harbour:battery:{SITE}/ups-1"]
    over = [a for a in board.alerts.values() if a.incident is None]
    assert {a.kind for a in over} == {"on_battery", "device_silent"}
    assert all(a.cleared_at is not None for a in over)


def test_a_dumb_ups_with_a_known_battery_gets_a_forecast() -> None:
    board = Board()
    q1 = board.inventory.devices[f"{SITE}/ups-4"]
    battery = Battery(blocks=6, block_ah=9, runtime_s=600, runtime_load=30)
    board.inventory.devices[q1.id] = type(q1)(id=q1.id, name=q1.name, fed_by=q1.fed_by, battery=battery)
    play(board, 2, 0, until=130)
    [alert] = [a for a in board.alerts.values() if a.device == q1.id]
    assert alert.finding.forecast == ms(720)
