from __future__ import annotations

from tests.analytics.battery.months import CELLS, battery, heard, told, unlisted
from tests.analytics.timeline import cleared, last, raised, second

KIND = "float_wrong"


def set_to(cell_v: float, since: float = 0, until: float = 1e9):  # type: ignore[no-untyped-def]
    return lambda hour: {"battery.voltage": round(CELLS * cell_v, 1)} if since <= hour < until else {}


def test_a_float_set_too_high_or_too_low_is_told_in_its_second_week() -> None:
    for cell_v, sign in ((2.335, "+"), (2.21, "-")):
        [found] = raised(heard(told(14, set_to(cell_v), tests=False)), KIND)
        assert f"{sign}1." in found.evidence[0].text.en
        assert second(found.evidence[0].at) < 9 * 86_400
        assert "wrong if a calibrated meter" in found.advice.en


def test_a_float_that_does_not_follow_the_temperature_says_so() -> None:
    def hot(hour: float) -> dict[str, float]:
        celsius = 22 + min(hour / 24, 40) * 0.4
        return {"battery.temperature": round(celsius), "battery.voltage": round(CELLS * 2.30, 1)}

    found = last(heard(told(60, hot)), KIND)
    assert "not compensated" in found.evidence[1].text.en


def test_it_clears_when_the_setting_is_put_right() -> None:
    changes = heard(told(30, set_to(2.35, until=15 * 24)))
    assert len(raised(changes, KIND)) == len(cleared(changes, KIND)) == 1


def test_without_the_number_of_cells_only_a_change_is_told() -> None:
    assert raised(heard(told(40, set_to(2.35)), unlisted), KIND) == []
    changes = heard(told(60, set_to(2.33, since=45 * 24)), unlisted)
    assert "first month" in last(changes, KIND).evidence[0].text.en


def test_a_healthy_year_and_bad_input_are_silent() -> None:
    assert raised(heard(told(365, seed=5, offset=0.008)), KIND) == []
    assert raised(heard(told(40, set_to(22.7))), KIND) == []
    assert raised(heard(told(60, set_to(22.7, since=900)), unlisted), KIND) == []
    assert raised(heard(told(30, set_to(2.4)), battery(chemistry="lithium")), KIND) == []
    assert raised(heard(told(30, set_to(2.4), drop=("ups.source", "alarm.on_battery"), tests=False)), KIND) == []
