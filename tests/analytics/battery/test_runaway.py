from __future__ import annotations

from math import sin, tau

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
