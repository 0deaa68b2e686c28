from __future__ import annotations

import msgspec
import pytest

from analytics.cohort import Cohorts, Standing, Summary, snapshot, standing, summary, witness
from collector.pipeline import World
from model.inventory import Customer, Device, Inventory, Site
from model.text import Text

LEAK = "memory_slope"


def fleet(*groups: tuple[str, int, float], model: str = "S5720", customers: int = 3) -> list[Summary]:
    """(firmware, how many devices, their slope) each, spread over customers."""
    return [
        Summary(
            device=f"s{n % 7}/{firmware}-{n}",
            customer=f"c{n % customers}",
            model=model,
            firmware=firmware,
            values={LEAK: slope + n * 1e-3},
        )
        for firmware, many, slope in groups
        for n in range(many)
    ]


def of(summaries: list[Summary], firmware: str = "V1") -> Cohorts:
    return snapshot([*summaries, Summary(device="me/1", customer="c0", model="S5720", firmware=firmware)], made=1)


class TestStanding:
    def test_alone_when_its_siblings_do_not_do_it(self) -> None:
        cohort = of(fleet(("V1", 20, 0.0), ("V2", 20, 0.0))).of("me/1", "S5720")
        assert standing(cohort, LEAK, 0.5) is Standing.ALONE

    def test_the_firmware_when_all_with_it_do_and_no_others(self) -> None:
        cohort = of(fleet(("V1", 20, 1.0), ("V2", 20, 0.0))).of("me/1", "S5720")
        assert standing(cohort, LEAK, 0.5) is Standing.FIRMWARE
        [line] = witness(cohort, LEAK, 0.5, 1.2, at=7)
        assert "upgrade" in line.text.en
        assert "升级" in line.text.zh

    def test_the_model_when_all_of_it_do(self) -> None:
        cohort = of(fleet(("V1", 20, 1.0), ("V2", 20, 1.0))).of("me/1", "S5720")
        assert standing(cohort, LEAK, 0.5) is Standing.MODEL

    def test_unknown_with_few_siblings_or_one_customer(self) -> None:
        for few in (fleet(("V1", 7, 1.0)), fleet(("V1", 50, 1.0), customers=1)):
            cohort = of(few).of("me/1", "S5720")
            assert standing(cohort, LEAK, 0.5) is Standing.UNKNOWN
            assert witness(cohort, LEAK, 0.5, 1.2, at=7) == []

    def test_unknown_without_a_cohort_or_the_quantity(self) -> None:
        assert standing(None, LEAK, 0.5) is Standing.UNKNOWN
        assert standing(of(fleet(("V1", 20, 0.0))).of("me/1", "S5720"), "rx_drift", 1.0) is Standing.UNKNOWN


class TestSnapshot:
    def test_medians_and_spreads_are_robust(self) -> None:
        rows = fleet(("V1", 21, 0.1))
        rows[0] = msgspec.structs.replace(rows[0], values={LEAK: 1e9})
        spread = of(rows).models["S5720"][LEAK]
        assert spread.median == pytest.approx(0.111, abs=1e-3)
        assert spread.spread < 0.02

    def test_a_device_named_twice_counts_once_and_one_without_a_model_not_at_all(self) -> None:
        rows = fleet(("V1", 10, 0.1))
        nameless = [msgspec.structs.replace(row, device=f"x/{n}", model="") for n, row in enumerate(rows)]
        assert of([*rows, *rows, *nameless]).models["S5720"][LEAK].devices == 10

    def test_nothing_at_all_is_no_snapshot_of_anything(self) -> None:
        assert snapshot([], made=1).of("me/1", "S5720") is None

    def test_it_is_plain_data(self) -> None:
        whole = of(fleet(("V1", 20, 1.0), ("V2", 20, 0.0)))
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(whole), type=Cohorts) == whole

    def test_a_device_brings_what_its_detectors_measured_and_no_nonsense(self) -> None:
        class Leaks:
            def quantities(self, state: dict[str, float]) -> dict[str, float]:
                return {LEAK: state["slope"], "cpu_level": float("nan")}

        measured = {"leaks": Leaks(), "absent": Leaks()}
        one = summary("a/1", "S5720", "V1", "c0", {"leaks": {"slope": 0.2}, "other": {}}, measured)
        assert one.values == {LEAK: 0.2}


def test_the_pipeline_hands_it_to_the_detectors_of_the_device_and_keeps_it_over_an_import() -> None:
    site = Site(id="me", customer="c0", name=Text("me", "我"))
    device = Device(id="me/1", name=Text("one", "一"), kind="switch", model="S5720")
    inventory = Inventory(
        customers={"c0": Customer(id="c0", name=Text("c", "客"))}, sites={"me": site}, devices={"me/1": device}
    )
    world = World(inventory)
    assert world.context("me/1").cohort is None
    world = world.with_cohorts(of(fleet(("V1", 20, 1.0), ("V2", 20, 0.0)))).with_inventory(inventory)
    cohort = world.context("me/1").cohort
    assert cohort is not None
    assert cohort.firmware == "V1"
    assert world.context("me/else").cohort is None
