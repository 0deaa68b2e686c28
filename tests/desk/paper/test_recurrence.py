"""A failure that comes back: counted by asset, model and site, flagged by a rule that anyone can check."""

from __future__ import annotations

import msgspec
import pytest

from desk.recurrence import DAY_MS, Happened, Recurrence, line, recurrences, survival
from model.inventory import Customer, Device, Inventory, Site
from model.text import Text

YEAR = 365 * DAY_MS


def fleet(size: int, model: str = "UPS2000", site: str = "sz") -> Inventory:
    devices = [Device(id=f"{site}/ups-{n}", name=Text("u", "u"), model=model) for n in range(size)]
    return Inventory(
        customers={"h": Customer(id="h", name=Text("h", "h"))},
        sites={site: Site(id=site, customer="h", name=Text(site, site))},
        devices={d.id: d for d in devices},
    )


def case(n: int, day: float, device: str = "sz/ups-0", mode: str = "battery.open_block") -> Happened:
    return Happened(ticket=f"T-{n}", at=round(day * DAY_MS), mode=mode, device=device)


def by(found: list[Recurrence], what: str) -> Recurrence | None:
    return next((r for r in found if r.by == what), None)


def test_twice_on_one_of_fifty_is_more_than_chance() -> None:
    [found] = recurrences([case(1, 10), case(2, 40)], fleet(50), 0, YEAR)
    assert (found.by, found.of, found.count, found.days) == ("asset", "sz/ups-0", 2, (30.0,))
    assert found.expected == pytest.approx(0.5 / 49)  # the rest never had it: half a case in 49 years
    assert found.flagged
    assert line(found).zh.startswith("重复故障：设备 sz/ups-0")


def test_what_everybody_has_is_not_flagged_on_one() -> None:
    often = [case(n, n, f"sz/ups-{n % 10}") for n in range(100)]
    found = recurrences(often, fleet(10), 0, YEAR)
    assert found
    assert not any(r.flagged for r in found if r.by == "asset")
    own = next(r for r in found if r.of == "sz/ups-0")
    assert own.expected == pytest.approx(10)
    assert own.chance is not None
    assert own.chance > 0.5


def test_a_bad_model_is_flagged_against_the_rest_of_the_fleet() -> None:
    good, bad = fleet(40, "GOOD"), fleet(4, "BAD", "hz")
    both = msgspec.structs.replace(good, sites={**good.sites, **bad.sites}, devices={**good.devices, **bad.devices})
    cases = [case(n, 30 * n, f"hz/ups-{n}", "fan.stuck") for n in range(4)] + [case(9, 5, "sz/ups-1", "fan.stuck")]
    found = by(recurrences(cases, both, 0, YEAR), "model")
    assert found is not None
    assert (found.of, found.count, found.flagged) == ("BAD", 4, True)
    assert found.expected == pytest.approx(1 / 40 * 4)


def test_an_asset_alone_has_nothing_to_be_compared_with() -> None:
    near = by(recurrences([case(1, 0), case(2, 90)], fleet(1), 0, YEAR), "asset")
    far = by(recurrences([case(1, 0), case(2, 91)], fleet(1), 0, YEAR), "asset")
    assert near is not None
    assert far is not None
    assert (near.expected, near.flagged, far.flagged) == (None, True, False)


def test_other_modes_other_times_and_single_cases_are_no_recurrence() -> None:
    cases = [case(1, 10), case(2, 11, mode="fan.stuck"), case(3, 400)]
    assert recurrences(cases, fleet(5), 0, YEAR) == []


def test_the_order_of_cases_changes_nothing() -> None:
    cases = [case(n, 7 * n, f"sz/ups-{n % 2}") for n in range(8)]
    assert recurrences(cases, fleet(9), 0, YEAR) == recurrences(cases[::-1], fleet(9), 0, YEAR)


def test_survival_is_a_poisson_tail() -> None:
    assert survival(0, 3.0) == 1.0
    assert survival(1, 0.0) == 0.0
    assert survival(3, 3.0) == pytest.approx(0.5768, abs=1e-4)
    assert survival(500, 100.0) == 0.0
