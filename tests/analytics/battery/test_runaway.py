from __future__ import annotations

from collections.abc import Callable
from math import exp, sin, tau

from model.finding import Severity
from tests.analytics.timeline import Line, cleared, last, raised, second, tell

KIND = "battery_runaway"
HOUR = 3600.0


def quiet(line: Line, until: float, *, celsius: float = 27, swing: float = 0, amps: float | None = 0.1) -> Line:
    for k in range(int(until / 300)):
        warm = celsius + swing * sin(tau * k * 300 / (24 * HOUR))
        line.say(k * 300, ups__source=3, battery__temperature=round(warm, 1))
        if amps is not None:
            line.say(k * 300, battery__current=amps)
    return line


def test_a_battery_that_heats_itself_is_critical_within_minutes() -> None:
    start = 48 * HOUR
    line = quiet(Line(), start)
    for k in range(60):  # half a degree a minute, the float current follows
        line.say(start + k * 60, ups__source=3, battery__current=0.1 * 1.1**k, battery__temperature=27 + 0.5 * k)
    changes = tell(line, batch_s=60)
    [first] = raised(changes, KIND)
    assert second(first.since) - start < 15 * 60
    worst = last(changes, KIND)
    assert worst.severity is Severity.CRITICAL
    assert second(worst.evidence[0].at) - start < 20 * 60
    assert any("float current" in e.text.en for e in worst.evidence)


def test_summer_days_and_a_warm_battery_after_a_discharge_are_no_runaway() -> None:
    assert raised(tell(quiet(Line(), 10 * 24 * HOUR, swing=6), batch_s=3600), KIND) == []
    line = quiet(Line(), 48 * HOUR)
    for k in range(60):
        line.say(48 * HOUR + k * 60, ups__source=5 if k < 15 else 3, battery__temperature=27 + min(k, 20) * 0.4)
    assert raised(tell(line, batch_s=60), KIND) == []


def test_it_clears_when_the_battery_is_cool_again() -> None:
    line = quiet(Line(), 48 * HOUR)
    for k in range(30):
        line.say(48 * HOUR + k * 60, ups__source=3, battery__temperature=27 + 0.6 * k)
    for k in range(30):
        line.say(60 * HOUR + k * 60, ups__source=3, battery__temperature=27)
    assert len(cleared(tell(line, batch_s=60), KIND)) == 1


def test_a_sensor_slip_of_one_sample_is_none() -> None:
    line = quiet(Line(), 48 * HOUR)
    line.say(48 * HOUR, battery__temperature=75).say(48 * HOUR + 60, battery__temperature=27)
    assert raised(tell(line, batch_s=60), KIND) == []


def climb(line: Line, start: float, hours: float, celsius: Callable[[float], float]) -> Line:
    """A temperature told each five minutes, as a function of the hours since `start`, in steps of half a degree."""
    for k in range(int(hours * 12)):
        line.say(start + k * 300, ups__source=3, battery__temperature=round(2 * celsius(k / 12)) / 2)
    return line


def test_a_slow_one_speeds_up_and_is_told_hours_before_it_is_hot() -> None:
    """Two days from the first degree to 60 °C: never 1 °C in ten minutes, and no room told."""
    for lasts in (20, 28, 36, 48):

        def celsius(hour: float, lasts: int = lasts) -> float:
            return 27 + 2 * (exp(3 * hour / lasts) - 1)

        line = climb(quiet(Line(), 72 * HOUR, amps=None), 72 * HOUR, lasts, celsius)
        hot = next(hour for hour in range(lasts) if celsius(hour) > 55)
        changes = tell(line, batch_s=600)
        [first, *_] = raised(changes, KIND)
        assert second(first.since) < (72 + hot - 2) * HOUR
        assert any("faster and faster" in e.text.en for e in first.evidence)
        assert last(changes, KIND).severity is Severity.CRITICAL, "over 55 °C"


def test_what_a_hot_room_or_a_long_recharge_heats_slows_down_and_is_none() -> None:
    for slow in (1, 2, 3, 6):

        def celsius(hour: float, slow: int = slow) -> float:
            return 27 + sin(tau * hour / 24) + 12 * (1 - exp(-hour / slow))

        line = climb(quiet(Line(), 72 * HOUR, swing=1, amps=None), 72 * HOUR, 30, celsius)
        told = raised(tell(line, batch_s=600), KIND)
        assert [f for f in told if any("faster" in e.text.en for e in f.evidence)] == []


def test_a_steady_climb_is_none() -> None:
    line = climb(quiet(Line(), 72 * HOUR, amps=None), 72 * HOUR, 30, lambda hour: 27 + 0.6 * hour)
    assert raised(tell(line, batch_s=600), KIND) == []
