"""Dried out, sulphated, or nothing at all where it may be plain wear."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from analytics.battery import causes
from analytics.battery.recorder import Discharge
from analytics.detector import Context
from analytics.watch import Watch
from model.finding import Change, Raised
from model.inventory import Battery, Device
from tests.analytics.battery.cabinet import Cabinet, file_of
from tests.analytics.timeline import T0, UPS, Line, cleared, context, raised, tell

DRY, SULPHATED = "battery_dry_out", "battery_sulphated"
DAY, DAY_MS = 86_400.0, 86_400_000
CELLS, AH = 96, 40.0
DAYS = 420

Story = Callable[[float], dict[str, float]]


def ups(device: str = UPS, chemistry: str | None = None, installed: str | None = "2022-06-01") -> Context:
    battery = Battery(blocks=16, block_ah=AH, installed=installed)
    if chemistry:
        battery = msgspec.structs.replace(battery, chemistry=chemistry)
    found = context(device, battery=battery)
    return msgspec.structs.replace(found, device=msgspec.structs.replace(found.device, rated_va=40_000.0))


def years(story: Story, days: int = DAYS) -> list[Change]:
    """A float reading each six hours, a self-test each fortnight. `story(part of the time)`: "ohms" and "amps" against new, "v", "celsius"."""
    dice, line = random.Random(3), Line()
    for hour in range(0, days * 24, 6):
        at, now = hour * 3600.0, {"ohms": 1.0, "amps": 1.0, "v": 0.0, "celsius": 32.0, **story(hour / 24 / days)}
        celsius = now["celsius"] + dice.gauss(0, 0.5)
        volts = CELLS * (2.27 - 0.003 * (celsius - 25) + now["v"])
        points = {
            "ups.source": 3, "ups.load": 40, "battery.charge": now.get("charge", 100), "battery.temperature": round(celsius),
            "battery.voltage": round(volts, 1), "battery.current": round(0.1 * now["amps"] * 2 ** ((celsius - 25) / 10), 3),
        }  # fmt: skip
        if now.get("silent"):
            continue
        _say(line, at, points)
        if hour % 336 == 300:
            for s in range(2, 22, 2):
                loaded = CELLS * (2.10 - 0.030 * now["ohms"] * 2.0) + dice.gauss(0, 0.2)
                tested = {"battery.voltage": round(loaded, 1), "battery.current": -2 * AH, "alarm.test_in_progress": 1}
                _say(line, at + s, tested)
            _say(line, at + 24, {"alarm.test_in_progress": 0, **points})
    return tell(line, batch_s=DAY, watch=Watch(), context_of=ups)


def _say(line: Line, at: float, points: dict[str, float]) -> None:
    line.say(at, **{point.replace(".", "__"): value for point, value in points.items()})


def drying(part: float) -> dict[str, float]:
    return {"ohms": 1 + 0.9 * part, "amps": 1 - 0.5 * part}


def test_a_hot_battery_whose_resistance_climbs_while_its_float_current_falls_has_dried_out() -> None:
    [found] = raised(years(drying), DRY)
    said = " | ".join(line.text.en for line in found.evidence)
    assert "rose steadily" in said
    assert "float current" in said
    assert "links" in found.advice.en
    assert "wrong if" in found.advice.en
    assert found.since < found.evidence[0].at < T0 + DAYS * DAY_MS


SILENT: dict[str, Story] = {
    "healthy": lambda _: {},
    "plain wear: the current stays": lambda part: {"ohms": 1 + 0.9 * part},
    "plain wear: the current rises": lambda part: {"ohms": 1 + 0.9 * part, "amps": 1 + part},
    "a loose link: a jump": lambda part: {**drying(part), "ohms": 1.9 if part > 0.6 else 1.0},
    "a charger set lower": lambda part: {**drying(part), "v": -0.03 * part},
    "never hot": lambda part: {**drying(part), "celsius": 22.0},
    "runs away": lambda part: {**drying(part), "celsius": 32.0 if part < 0.5 else 42.0},
    "stuck current": lambda part: {"ohms": 1 + 0.9 * part, "amps": 0.0},
    "half a year of silence": lambda part: {**drying(part), "silent": float(0.1 < part < 0.95)},
}


def walked(story: Story, wear: float = 0.7, drop: tuple[str, ...] = (), device: Device | None = None) -> list[Change]:
    """The same days, shown to `causes` alone."""
    dice, changes = random.Random(5), list[Change]()
    state: dict[str, Any] = {"run": None, "supply": [], "log": [], "tests": [], "seen": T0, "dated": True}
    for day in range(DAYS):
        at, now = T0 + day * DAY_MS, {"ohms": 1.0, "amps": 1.0, "v": 0.0, "celsius": 32.0, **story(day / DAYS)}
        state["wear"] = wear + day / 1461 * 2 ** ((now["celsius"] - 25) / 8.3)
        if not now.get("silent"):
            celsius = now["celsius"] + dice.gauss(0, 0.5)
            points = {
                "battery.charge": 100.0, "battery.temperature": celsius, "battery.voltage": CELLS * (2.27 - 0.003 * (celsius - 25) + now["v"]),
                "battery.current": round(0.1 * now["amps"] * 2 ** ((celsius - 25) / 10), 3),
            }  # fmt: skip
            state["now"] = {point: {"": [value, at]} for point, value in points.items() if point not in drop}
            if day % 14 == 13:
                loaded = 2.10 - 0.060 * now["ohms"] + dice.gauss(0, 0.004)
                state["tests"] = [*state["tests"], [at, state["wear"], loaded, 2.0, celsius, 2.25 + now["v"]]]
        changes += causes.look(state, device or ups().device, at)
    return changes


@pytest.mark.parametrize("story", SILENT)
def test_what_may_be_something_else_is_not_named(story: str) -> None:
    assert walked(SILENT[story]) == []


def test_a_healthy_battery_has_no_cause_of_its_end() -> None:
    changes = years(lambda _: {}, days=200)
    assert raised(changes, DRY) == raised(changes, SULPHATED) == []


def test_a_young_a_lithium_and_an_unmeasured_battery_are_never_dry() -> None:
    assert len(walked(drying)) == 1
    assert walked(drying, wear=0.0) == []
    assert walked(drying, device=ups(chemistry="lithium").device) == []
    assert walked(drying, drop=("battery.current",)) == []


def run(
    day: float, soh: float | None = None, charge_end: float = 60.0, recharge_s: float | None = None
) -> dict[str, Any]:
    end = T0 + round(day * DAY_MS)
    return {
        "start": end - 600_000, "end": end, "test": False, "reason": "mains", "load": 40.0, "celsius": 25.0, "charge_start": 100.0,
        "charge_end": charge_end, "depth": 0.4, "rest_v": None, "trough_v": None, "plateau_v": None, "end_v": None, "sag_v": None,
        "amps": None, "ah": None, "wh": None, "estimate_s": None, "effort_s": 600.0, "load_first": 40.0,
        "recharge_s": recharge_s, "soh": soh, "soh_sd": 0.05 if soh else None,
    }  # fmt: skip


def filed(*, soh: float = 0.72, pace: float = 0.4, ohms: float = 1.0, low: int = 60) -> dict[str, Any]:
    """The file of a battery that stood under-charged for `low` days after day 300; `pace` of its recharge against before."""
    before = [run(day, 0.97, recharge_s=9000.0) for day in (50, 120, 200)]
    after = [run(day, soh, recharge_s=9000.0 * pace) for day in (380, 390)]
    tests = [
        [T0 + day * DAY_MS, 0.2, 2.10 - 0.06 * (ohms if day > 300 else 1.0), 2.0, 25.0, 2.27]
        for day in range(0, 394, 14)
    ]
    first = T0 // DAY_MS + 310
    return {
        "now": {}, "run": None, "supply": [], "seen": T0, "wear": 0.3, "dated": True, "log": [*before, *after],
        "tests": tests, "causes": {"low": [first + n for n in range(low)]},
    }  # fmt: skip


def looked(state: dict[str, Any], device: Device | None = None) -> list[Change]:
    return causes.look(state, device or ups().device, T0 + 395 * DAY_MS)


def test_weeks_part_charged_then_full_too_soon_with_less_capacity_is_sulphation() -> None:
    state = filed()
    [change] = looked(state)
    assert isinstance(change, Raised)
    found = change.finding
    assert found.kind == SULPHATED
    said = " | ".join(line.text.en for line in found.evidence)
    assert "60 days" in said
    assert "full too soon" in said
    assert "equalising" in found.advice.en
    assert looked(state) == [], "told once"
    state["log"] = [*state["log"], run(394, 0.95)]
    assert len(cleared(looked(state), SULPHATED)) == 1


@pytest.mark.parametrize(
    "wrong",
    [{"soh": 0.93}, {"pace": 0.74}, {"ohms": 1.5}, {"low": 20}],
    ids=["whole", "as small as worn", "resistive", "short"],
)
def test_with_one_sign_missing_it_may_be_wear_and_is_not_named(wrong: dict[str, Any]) -> None:
    assert looked(filed(**wrong)) == []


def test_sulphation_is_not_named_without_measurements_nor_of_lithium() -> None:
    state = filed()
    state["log"] = [{**one, "soh": None} for one in state["log"]]
    assert looked(state) == []
    assert looked({**filed(), "tests": []}) == []
    assert looked(filed(), ups(chemistry="lithium").device) == []


def test_a_battery_at_rest_by_its_makers_will_is_not_under_charged() -> None:
    state: dict[str, Any] = {
        "run": None,
        "supply": [],
        "log": [],
        "tests": [],
        "seen": T0,
        "wear": 0.2,
        "dated": True,
    }
    for day in range(90):
        at = T0 + day * DAY_MS
        state["now"] = {"battery.voltage": {"": [CELLS * 2.14, at]}, "battery.charge": {"": [100.0, at]}}
        causes.look(state, ups().device, at)
    assert "low" not in state["causes"]
    state["now"] = {"battery.voltage": {"": [CELLS * 2.05, at]}, "battery.charge": {"": [100.0, at]}}
    causes.look(state, ups().device, at)
    assert len(state["causes"]["low"]) == 1


@pytest.mark.parametrize(("every_s", "told"), [(300.0, True), (7200.0, False)], ids=["heard", "not heard on the way"])
@pytest.mark.parametrize("batch_s", [10, 3600])
def test_how_long_a_recharge_took_is_kept(every_s: float, told: bool, batch_s: float) -> None:
    cabinet, line = Cabinet(), Line()
    cabinet._round(line, source=3, charge=100, volts=217.0)
    for s in range(10, 300, 10):
        cabinet.now = float(s)
        cabinet._round(line, source=5, charge=100 - s / 10, volts=200.0)
    for n in range(int(12 * 3600 / every_s)):
        cabinet.now = 300.0 + n * every_s
        cabinet._round(line, source=3, charge=min(71 + cabinet.now / 600, 100), volts=217.0)
    tell(line, batch_s=batch_s, watch=cabinet.watch, context_of=cabinet.context)
    kept = msgspec.convert(file_of(cabinet)["log"], list[Discharge])[0]
    assert (kept.recharge_s is not None) is told
    if told:
        assert kept.recharge_s == pytest.approx(11_100, abs=every_s)
