from __future__ import annotations

from typing import Any

import msgspec
import pytest

from analytics.battery import maintenance, runtime
from analytics.battery.belief import prior
from analytics.battery.maintenance import Advice, Hinder
from analytics.battery.recorder import Discharge, End
from model.inventory import Battery
from tests.analytics.battery.cabinet import Cabinet, file_of
from tests.analytics.timeline import T0, UPS, context

DAY_MS = 86_400_000
DEVICE = context(UPS, battery=Battery(blocks=16, block_ah=9)).device
FULL = runtime.begin(3600, 40, 0, by="inventory")


def advise(**other: Any) -> Advice:
    usual: dict[str, Any] = {
        "full": FULL, "load": 40.0, "charge": 100.0, "celsius": 25.0, "required_s": 300.0, "log": [], "in_use": False, "seen": 10 * DAY_MS,
    }  # fmt: skip
    return maintenance.advise(prior(0.9, 1e-4, 10 * DAY_MS, 0.10), DEVICE, 10 * DAY_MS, **{**usual, **other})


def outage(days_ago: float) -> Discharge:
    end = 10 * DAY_MS - round(days_ago * DAY_MS)
    fields: dict[str, Any] = dict.fromkeys(
        [
            "load",
            "celsius",
            "charge_start",
            "charge_end",
            "depth",
            "rest_v",
            "trough_v",
            "plateau_v",
            "end_v",
            "sag_v",
            "amps",
            "ah",
            "wh",
            "estimate_s",
            "load_first",
        ]
    )
    return Discharge(start=end - 60_000, end=end, test=False, reason=End.MAINS, effort_s=60, **fields)


def test_a_slow_discharge_is_broken_off_at_a_higher_voltage() -> None:
    slow = advise(full=runtime.begin(10 * 3600.0, 40.0, 0, by="inventory"))
    assert slow.abort_v == pytest.approx(182.4), "1.90 V a cell"


def test_it_says_what_would_be_learned_and_what_would_be_left() -> None:
    found = advise()
    assert found.safe
    assert found.sd_then < found.sd_now
    assert found.left_p10_s is not None
    assert 2000 < found.left_p10_s < 2700
    assert found.abort_v == pytest.approx(172.8), "an hour's rate: 1.80 V a cell"
    assert "± 10% to ± 8%" in found.text.en
    assert "可以进行" in found.text.zh
    assert maintenance.gain(0.1, 0.9, 0.5) < maintenance.gain(0.1, 0.9, 0.25) < 0.1


@pytest.mark.parametrize(
    ("other", "hinder"),
    [
        ({"seen": 9 * DAY_MS}, Hinder.SILENT),
        ({"in_use": True}, Hinder.IN_USE),
        ({"charge": 80.0}, Hinder.CHARGE),
        ({"charge": None}, Hinder.CHARGE),
        ({"log": [outage(0.5)]}, Hinder.OUTAGE),
        ({"log": [outage(2), outage(4), outage(6)]}, Hinder.MAINS),
        ({"load": 90.0}, Hinder.LOAD),
        ({"celsius": 38.0}, Hinder.HOT),
        ({"required_s": 3000.0}, Hinder.RUNTIME),
        ({"full": None}, Hinder.UNKNOWN),
        ({"load": None}, Hinder.UNKNOWN),
    ],
)
def test_why_not_now(other: dict[str, Any], hinder: Hinder) -> None:
    found = advise(**other)
    assert hinder in found.hinders
    assert not found.safe
    assert maintenance.WORDS[hinder].en in found.text.en
    assert maintenance.WORDS[hinder].zh in found.text.zh


def test_a_lithium_battery_has_no_lead_acid_voltage_to_stop_at() -> None:
    lithium = context(UPS, battery=Battery(blocks=16, block_ah=9, chemistry="lithium")).device
    found = maintenance.advise(
        prior(0.9, 1e-4, 0, 0.1),
        lithium,
        0,
        full=FULL,
        load=40,
        charge=100,
        celsius=25,
        required_s=None,
        log=[],
        in_use=False,
        seen=0,
    )
    assert found.abort_v is None


def test_from_the_file_of_a_battery_and_its_result() -> None:
    cabinet = Cabinet(soh=0.9)
    assert maintenance.advise_file({}, DEVICE, 0) is None
    cabinet.rest(2)
    device = cabinet.context(UPS).device
    now = T0 + round(cabinet.now * 1000)
    before = maintenance.advise_file(file_of(cabinet), device, now)
    assert before is not None
    assert Hinder.UNKNOWN not in before.hinders
    cabinet.outage(500)
    log: Any = file_of(cabinet)["log"]
    found = maintenance.result(msgspec.convert(log[-1], Discharge), device)
    assert found.capacity_ah is not None
    assert 0.75 * 9 < found.capacity_ah < 1.05 * 9
    assert "Measured capacity" in found.text.en
    assert "实测容量" in found.text.zh
    after = maintenance.advise_file(file_of(cabinet), device, now + DAY_MS)
    assert after is not None
    assert after.sd_now < before.sd_now


def test_a_discharge_too_shallow_says_that_it_measured_nothing() -> None:
    found = maintenance.result(outage(1), DEVICE)
    assert found.capacity_ah is None
    assert "Too shallow" in found.text.en
