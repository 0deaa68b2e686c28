from __future__ import annotations

from model.finding import Severity
from model.inventory import Battery
from tests.analytics.timeline import Line, cleared, context, last, outage, raised, second, tell, ups_round


def test_one_sample_on_battery_is_enough_and_its_start_is_true() -> None:
    line = Line()
    ups_round(line, 0)
    ups_round(line, 10, source=5)
    [finding] = raised(tell(line), "on_battery")
    assert second(finding.since) == 10
    assert [e.point for e in finding.evidence if e.point] == [
        "ups.source",
        "input.voltage",
        "battery.charge",
        "battery.runtime",
    ]


def test_severity_rises_as_runtime_shrinks_and_never_falls() -> None:
    line = outage(Line(), start=20, end=2300, rated_s=2400)
    changes = tell(line, batch_s=30)
    severities = [c.finding.severity for c in changes if hasattr(c, "finding") and c.finding.kind == "on_battery"]
    assert [s.rank for s in severities] == sorted((s.rank for s in severities), reverse=True)
    assert set(severities) == {Severity.WARNING, Severity.MINOR, Severity.MAJOR, Severity.CRITICAL}


def test_the_forecast_believes_the_measured_charge_over_the_ups() -> None:
    changes = tell(outage(Line(), start=0, end=600, capacity=0.6), batch_s=10)
    forecast = last(changes, "on_battery").forecast
    assert forecast is not None
    assert 800 < second(forecast) < 1000, "a 60 % battery of 1500 s runs dry after about 900 s"


def test_mains_return_clears_it() -> None:
    [end] = cleared(tell(outage(Line(), start=30, end=90), batch_s=10), "on_battery")
    assert second(end.at) == 90


def test_a_device_that_only_has_the_flag_is_believed() -> None:
    line = Line().say(0, alarm__on_battery=0).say(2, alarm__on_battery=1).say(4, alarm__on_battery=0)
    changes = tell(line)
    assert [second(f.since) for f in raised(changes, "on_battery")] == [2]
    assert [second(c.at) for c in cleared(changes, "on_battery")] == [4]


def test_without_any_estimate_severity_rises_with_time() -> None:
    line = Line()
    for s in range(0, 4000, 100):
        line.say(s, ups__source=5)
    changes = tell(line, batch_s=100)
    assert raised(changes, "on_battery")[0].severity is Severity.MINOR
    assert last(changes, "on_battery").severity is Severity.CRITICAL


def test_the_inventory_gives_the_forecast_where_the_ups_is_dumb() -> None:
    battery = Battery(blocks=2, block_ah=9, runtime_s=600, runtime_load=50)
    line = Line().say(0, "1", ups__load=50).say(1, ups__source=5)
    [finding] = raised(tell(line, context_of=lambda d: context(d, battery=battery)), "on_battery")
    assert finding.forecast is not None
    assert second(finding.forecast) == 601


class TestSelfTest:
    def test_a_self_test_is_no_mains_failure(self) -> None:
        line = Line()
        for s in range(0, 60, 2):
            testing = 10 <= s < 30
            ups_round(line, s, source=5 if testing else 3, alarm__test_in_progress=float(testing), volts=230)
        assert raised(tell(line, batch_s=4), "on_battery") == []

    def test_a_stuck_test_flag_does_not_hide_an_outage(self) -> None:
        line = Line()
        for s in range(0, 700, 10):
            line.say(s, alarm__test_in_progress=1, ups__source=5 if s >= 20 else 3)
        [finding] = raised(tell(line, batch_s=10), "on_battery")
        assert 300 <= second(finding.evidence[0].at) <= 320

    def test_mains_seen_to_be_gone_ends_the_excuse_at_once(self) -> None:
        line = Line().say(0, alarm__test_in_progress=1, ups__source=5).say(1, "1", input__voltage=0)
        assert len(raised(tell(line), "on_battery")) == 1


def test_its_evidence_shows_the_input_voltage_after_the_transfer_with_its_phase() -> None:
    line = Line()
    ups_round(line, 0)
    line.say(10, ups__source=5, alarm__on_battery=1)
    line.say(12, ups__source=5, alarm__on_battery=1)
    line.say(14, "1", input__voltage=0)
    changes = tell(line, batch_s=2)
    [first] = raised(changes, "on_battery")
    assert "input.voltage" not in [e.point for e in first.evidence], "231 V of a minute ago is no evidence"
    [volts] = [e for e in last(changes, "on_battery").evidence if e.point == "input.voltage"]
    assert (volts.index, volts.value, second(volts.at)) == ("1", 0, 14)


def test_of_three_phases_the_failed_one_is_shown() -> None:
    line = Line()
    line.say(0, ups__source=3)
    line.say(10, "1", input__voltage=229).say(10, "2", input__voltage=3).say(10, "3", input__voltage=231)
    line.say(10, ups__source=5)
    [volts] = [e for e in last(tell(line), "on_battery").evidence if e.point == "input.voltage"]
    assert (volts.index, volts.value) == ("2", 3)
