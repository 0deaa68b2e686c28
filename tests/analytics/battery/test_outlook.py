"""What is left is said with every poll, and the second discharge knows what the first one taught."""

from __future__ import annotations

from typing import Any

import msgspec

from analytics.battery import outlook
from model.inventory import Battery
from tests.analytics.battery.cabinet import Cabinet, healthy_s
from tests.analytics.timeline import UPS, context, last, raised

KIND = "on_battery"


def test_a_discharge_teaches_the_next_one() -> None:
    cabinet = Cabinet(soh=0.7, load=40)
    true_s = healthy_s(40) * 0.7
    cabinet.rest(2)
    cabinet.outage(true_s * 0.6)
    first = last(cabinet.changes, KIND)
    assert "inventory's promise" in first.evidence[-1].text.en
    cabinet.rest(20)
    start = cabinet.now
    cabinet.outage(true_s * 0.5)
    finding = raised(cabinet.changes, KIND)[-1]
    assert finding.forecast is not None
    said_s = (finding.forecast - finding.since) / 1000
    assert abs(said_s / true_s - 1) < 0.15, (
        "the promise alone would be 43 % too long; the gauge does not count to the cut-off"
    )
    assert "learned from 1 discharges" in finding.evidence[-1].text.en
    assert "习得" in finding.evidence[-1].text.zh
    assert cabinet.now > start


def test_the_spread_narrows_with_every_poll_and_holds_the_truth() -> None:
    device = context(UPS, battery=Battery(blocks=16, block_ah=9, runtime_s=1500, runtime_load=40)).device
    state: dict[str, Any] = {}
    true_s, widths = 1200.0, []
    for s in range(0, 1000, 10):
        charge = round(100 - 100 * s / true_s)
        outlook.follow(state, device, s * 1000, charge, 40.0, None)
        now = outlook.left(state, device, charge)
        assert now is not None
        assert now.p10 <= now.p50 <= now.p90
        if s > 400:
            assert now.p10 - 30 <= true_s - s <= now.p90 + 30, s
        widths.append(outlook.total(now, 0).p90 - outlook.total(now, 0).p10)
    assert widths[-1] < 0.5 * widths[0]


def test_a_heavier_load_shortens_what_is_left() -> None:
    device = context(UPS, battery=Battery(blocks=16, block_ah=9, runtime_s=1500, runtime_load=40)).device
    state: dict[str, Any] = {}
    outlook.follow(state, device, 0, 100, 40.0, None)
    outlook.follow(state, device, 60_000, 96, 40.0, None)
    before = outlook.left(state, device, 96)
    outlook.follow(state, device, 61_000, 96, 80.0, None)
    after = outlook.left(state, device, 96)
    assert before is not None
    assert after is not None
    assert 0.4 < after.p50 / before.p50 < 0.5


def test_gaps_shallow_discharges_and_unknown_values_teach_nothing() -> None:
    device = context(UPS).device
    cases: list[list[tuple[int, float | None, float | None]]] = [
        [(0, 100, 40.0), (2000, 50, 40.0)],  # more than ten minutes unseen
        [(0, 100, 40.0), (300, 85, 40.0)],  # 15 %
        [(0, None, 40.0), (300, None, 40.0)],
        [(0, 100, None), (300, 50, None)],
        [(0, 50, 40.0), (300, 100, 40.0)],
    ]
    for polls in cases:
        state: dict[str, Any] = {}
        for s, charge, load in polls:
            outlook.follow(state, device, s * 1000, charge, load, None)
            outlook.left(state, device, charge)
        outlook.close(state, device, polls[-1][0] * 1000, polls[-1][1])
        assert state["full"] is None, polls
        assert msgspec.msgpack.encode(state)


def test_another_battery_in_the_inventory_begins_anew() -> None:
    old = context(UPS, battery=Battery(blocks=16, block_ah=9, installed="2021-01-01")).device
    new = context(UPS, battery=Battery(blocks=16, block_ah=9, installed="2026-01-01")).device
    state: dict[str, Any] = {}
    for s in range(0, 700, 10):
        outlook.follow(state, old, s * 1000, 100 - s / 10, 40.0, None)
    outlook.close(state, old, 700_000, 30)
    assert state["full"] is not None
    outlook.follow(state, new, 10**9, 100, 40.0, None)
    assert state["full"] is None
    assert outlook.left(state, new, 100) is None
