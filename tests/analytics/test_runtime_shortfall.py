from __future__ import annotations

import msgspec
import pytest

from analytics.watch import Watch
from model.finding import Cleared, Severity
from model.inventory import Battery
from tests.analytics.timeline import T0, Line, cleared, context, last, of, outage, raised, second, tell

KIND = "runtime_shortfall"


def test_a_60_percent_battery_is_found_while_its_flag_says_ok() -> None:
    changes = tell(outage(Line(), start=120, end=720, capacity=0.6), batch_s=10)
    [finding] = raised(changes, KIND)
    assert second(finding.evidence[0].at) <= 120 + 180 + 200, (
        "after the first three minutes, 20 % of a 900 s battery is used in 180 s"
    )
    final = last(changes, KIND)
    assert final.severity is Severity.MAJOR
    assert final.score > 0.9
    used = final.evidence[0]
    assert used.value is not None
    assert used.expected is not None
    assert 0.57 < used.expected / used.value < 0.63
    assert any("disagrees" in e.text.en and e.point == "alarm.replace_battery" for e in final.evidence)


def test_the_healthy_twin_is_not_accused() -> None:
    for load in (20, 40, 80):
        assert raised(tell(outage(Line(), start=120, end=720, load=load), batch_s=10), KIND) == []


def test_it_outlives_the_outage() -> None:
    changes = tell(outage(Line(), start=120, end=720, capacity=0.6, until=5000), batch_s=60)
    assert cleared(changes, KIND) == []


def test_a_later_good_discharge_clears_it() -> None:
    line = outage(Line(), start=0, end=600, capacity=0.6, until=650)
    outage(line, start=9000, end=9600, begin=8900, until=9650)
    changes = tell(line, batch_s=10)
    [end] = cleared(changes, KIND)
    assert 9200 < second(end.at) < 9500


def test_a_shallow_or_short_discharge_proves_nothing() -> None:
    assert raised(tell(outage(Line(), start=0, end=100, capacity=0.3), batch_s=10), KIND) == []
    assert raised(tell(outage(Line(), start=0, end=170, capacity=0.6), batch_s=10), KIND) == []


def test_more_load_explains_a_faster_discharge() -> None:
    line = Line()
    charge = 100.0
    for s in range(0, 800, 10):
        load = 40.0 if s < 200 else 80.0
        charge -= 10 / 1500 * 100 * (load / 40) ** 1.2
        line.say(s, "1", ups__load=load).say(s, ups__source=5, battery__charge=round(max(charge, 0)))
        if s == 0:
            line.say(s, battery__runtime=1500)
    assert raised(tell(line, batch_s=10), KIND) == []


def test_the_inventory_stands_in_where_the_ups_has_no_estimate() -> None:
    battery = Battery(blocks=16, block_ah=9, runtime_s=1500, runtime_load=40)
    line = outage(Line(), start=0, end=600, capacity=0.6)
    line.readings = [r for r in line.readings if r.point != "battery.runtime"]
    [finding] = raised(tell(line, batch_s=10, context_of=lambda d: context(d, battery=battery)), KIND)
    assert "inventory" in finding.evidence[1].text.en
    assert raised(tell(line, batch_s=10), KIND) == [], "no expectation, no verdict"


def test_without_a_charge_the_shrinking_estimate_is_measured() -> None:
    line = outage(Line(), start=0, end=600, capacity=0.6)
    line.readings = [r for r in line.readings if r.point != "battery.charge"]
    [finding] = raised(tell(line, batch_s=10), KIND)
    assert finding.evidence[0].point == "battery.runtime"


def test_an_honest_estimate_of_a_weak_battery_is_no_shortfall() -> None:
    line = outage(Line(), start=0, end=600, rated_s=900)
    assert raised(tell(line, batch_s=10), KIND) == []


def test_a_long_gap_starts_the_measurement_again() -> None:
    line = outage(Line(), start=0, end=2000, rated_s=9000, capacity=1.0)
    line.readings = [r for r in line.readings if not 100 < second(r.at) < 1500]
    assert raised(tell(line, batch_s=10), KIND) == []


def test_another_discharge_within_a_gap_is_told_by_the_ups_own_counter() -> None:
    """Unseen, the mains came back and failed again: the seconds on battery fell, so what came before counts no more."""
    line = Line()
    for s in range(0, 100, 10):
        line.say(s, ups__source=5, battery__charge=100 - s // 20, battery__runtime=1500, battery__discharge__seconds=s)
    for s in range(400, 700, 10):
        line.say(
            s,
            ups__source=5,
            battery__charge=60 - (s - 400) // 15,
            battery__runtime=900,
            battery__discharge__seconds=s - 390,
        )
    assert raised(tell(line, batch_s=10), KIND) == []


def test_a_replaced_battery_clears_it() -> None:
    watch = Watch()
    old = Battery(blocks=16, block_ah=9, installed="2020-01-01")
    new = Battery(blocks=16, block_ah=9, installed="2026-11-01")
    first = tell(
        outage(Line(), start=0, end=600, capacity=0.6), watch=watch, context_of=lambda d: context(d, battery=old)
    )
    assert raised(first, KIND)
    after = tell(Line().say(9000, ups__source=3), watch=watch, context_of=lambda d: context(d, battery=new))
    assert [c.at for c in cleared(after, KIND)] == [T0 + 9_000_000]


def test_partial_data_every_third_sample_still_finds_it() -> None:
    line = outage(Line(), start=0, end=600, capacity=0.6)
    line.readings = [r for r in line.readings if round(second(r.at)) % 30 == 0]
    assert len(raised(tell(line, batch_s=30), KIND)) == 1


def test_a_gauge_that_jumps_as_the_load_comes_on_is_not_taken_for_a_weak_battery() -> None:
    line = outage(Line(), start=100, end=700)
    line.readings = [
        msgspec.structs.replace(r, value=r.value - 15)
        if r.point == "battery.charge" and 110 <= second(r.at) < 700
        else r
        for r in line.readings
    ]
    assert raised(tell(line, batch_s=10), KIND) == []


def by_volts(line: Line, lasts_s: float, sag: float, *, told_s: float = 1500, until: int = 600) -> Line:
    """A gauge that reads the volts: it falls by `sag` % over three minutes as the load comes on, then evenly to 0 when the battery is empty."""
    for s in range(0, until, 10):
        share = min(s / 180, 1.0)
        fuel = (100 - sag * share) * (1 - s / lasts_s)
        line.say(
            s,
            ups__source=5,
            ups__load=40,
            battery__charge=round(max(fuel, 0)),
            battery__runtime=round(told_s * fuel / 100),
        )
    return line


def test_a_gauge_that_falls_with_the_volts_as_the_load_comes_on_accuses_no_good_battery() -> None:
    assert raised(tell(by_volts(Line(), 1450, 30, until=1300), batch_s=10), KIND) == []


def test_a_gap_over_those_minutes_does_not_hide_the_fall() -> None:
    line = by_volts(Line(), 1450, 40, until=1300)
    line.readings = [r for r in line.readings if not 60 < second(r.at) < 420]
    assert raised(tell(line, batch_s=10), KIND) == []


def test_a_weak_battery_is_found_by_such_a_gauge_too_and_its_fall_is_told() -> None:
    changes = tell(by_volts(Line(), 900, 30, until=800), batch_s=10)
    assert raised(changes, KIND)
    final = last(changes, KIND)
    assert final.evidence[1].value is not None
    assert final.evidence[1].value / 1500 == pytest.approx(0.6, abs=0.04)
    assert any("reads the charge off the volts" in one.text.en for one in final.evidence)


def test_a_battery_that_is_empty_before_a_gauge_settles_is_found_by_its_end() -> None:
    [finding] = raised(tell(outage(Line(), start=0, end=170, rated_s=1500, capacity=0.1), batch_s=10), KIND)
    assert finding.severity is Severity.CRITICAL


def test_a_step_of_the_load_makes_such_a_gauge_fall_again_and_accuses_nobody() -> None:
    line = Line()
    for s in range(0, 900, 10):
        sag = 10 if s < 500 else 35
        fuel = max(100 - sag * min(s / 180, 1.0) - s / 60, 0)
        line.say(s, ups__source=5, ups__load=40 if s < 500 else 60, battery__charge=round(fuel), battery__runtime=3000)
    assert raised(tell(line, batch_s=10), KIND) == []


def test_a_discharge_that_began_with_a_battery_half_full_is_measured_from_there() -> None:
    line = outage(Line(), start=0, end=600)
    line.readings = [
        msgspec.structs.replace(r, value=max(r.value - 50, 0)) if r.point == "battery.charge" else
        msgspec.structs.replace(r, value=max(r.value - 750, 0)) if r.point == "battery.runtime" else r
        for r in line.readings
    ]  # fmt: skip
    assert raised(tell(line, batch_s=10), KIND) == []


def test_a_promise_for_another_load_is_less_sure() -> None:
    def sure(load: float) -> float:
        battery = Battery(blocks=16, block_ah=9, runtime_s=1500 * (40 / load) ** 1.2, runtime_load=load)
        line = outage(Line(), start=0, end=500, capacity=0.6)
        line.readings = [r for r in line.readings if r.point != "battery.runtime"]
        return last(tell(line, batch_s=10, context_of=lambda d: context(d, battery=battery)), KIND).score

    assert sure(100) < sure(40)


def test_a_shallow_discharge_suspects_and_a_deep_one_proves() -> None:
    changes = of(tell(outage(Line(), start=0, end=900, capacity=0.66), batch_s=10), KIND)
    severities = [c.finding.severity for c in changes if not isinstance(c, Cleared)]
    assert severities[0] is Severity.WARNING
    assert severities[-1] is Severity.MAJOR


def test_a_good_battery_and_a_ups_that_promises_too_much_is_no_shortfall() -> None:
    """First outage of a healthy battery: it gives 94 % of what is due, its gauge reads 5 % fast, and the UPS's table is 12 % too high: 0.79 of its word."""
    line = outage(Line(), start=120, end=1400, capacity=0.79)
    assert raised(tell(line, batch_s=10), KIND) == []


def test_a_shortfall_beyond_the_error_of_the_expectation_is_told_as_deep_as_it_takes() -> None:
    shallow = tell(outage(Line(), start=120, end=560, capacity=0.74, until=5000), batch_s=10)
    deep = tell(outage(Line(), start=120, end=1200, capacity=0.74, until=5000), batch_s=10)
    assert raised(shallow, KIND) == []
    [finding] = raised(deep, KIND)
    assert finding.score >= 2 / 3


def test_the_same_ratio_counts_against_the_inventory_and_not_against_the_word_of_a_ups() -> None:
    battery = Battery(blocks=16, block_ah=9, runtime_s=1500, runtime_load=40)
    line = outage(Line(), start=0, end=1080, capacity=0.76)
    assert raised(tell(line, batch_s=10, context_of=lambda d: context(d, battery=battery)), KIND) == []
    line.readings = [r for r in line.readings if r.point != "battery.runtime"]
    assert len(raised(tell(line, batch_s=10, context_of=lambda d: context(d, battery=battery)), KIND)) == 1
