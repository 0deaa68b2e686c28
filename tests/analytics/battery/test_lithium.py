"""A lithium battery: judged by its own management and by what its discharges lasted, and nothing of lead is said of it."""

from __future__ import annotations

import msgspec
import pytest

from analytics.detector import Context
from model.finding import Change, Changed, Raised
from tests.analytics.battery.cabinet import Cabinet, file_of
from tests.analytics.timeline import Line, last, raised

LEAD = ("float", "sag", "cell short", "V a cell", "string", "tests together", "浮充", "硫化")


class Lithium(Cabinet):
    bms: float = 99.0

    def context(self, device: str) -> Context:
        found = super().context(device)
        assert found.device.battery is not None
        battery = msgspec.structs.replace(found.device.battery, chemistry="lithium")
        return msgspec.structs.replace(found, device=msgspec.structs.replace(found.device, battery=battery))

    def hear(self, line: Line) -> list[Change]:
        for at in {r.at for r in line.readings}:
            line.readings.append(
                msgspec.structs.replace(line.readings[0], point="battery.health", index=None, at=at, value=self.bms)
            )
        return super().hear(line)


def test_a_worn_one_is_told_by_its_management_and_its_discharge() -> None:
    cabinet = Lithium(installed="2019-06-01")
    cabinet.rest(2)
    cabinet.soh, cabinet.bms = 0.55, 58.0
    cabinet.rest(2)
    cabinet.outage(420)
    finding = last(cabinet.changes, "battery_replace")
    told = " | ".join(e.text.en for e in finding.evidence)
    assert "management tells a health of 58%" in told
    assert "battery management" in finding.advice.en
    assert "whole string" not in finding.advice.en


def test_nothing_of_lead_is_said_of_it() -> None:
    cabinet = Lithium(soh=0.6, resistive=3.0)
    for _ in range(8):
        cabinet.self_test()
        cabinet.outage(300)
        cabinet.rest(5)
    said = [c.finding for c in cabinet.changes if isinstance(c, Raised | Changed)]
    texts = [t for f in said if f.kind.startswith("battery_") for t in (f.advice, *(e.text for e in f.evidence))]
    assert texts
    assert [word for word in LEAD if any(word in t.en or word in t.zh for t in texts)] == []
    state = file_of(cabinet)
    assert (state["sags"], state["tests"]) == ([], [])


def test_a_healthy_one_lives_longer_than_lead() -> None:
    lead, lithium = Cabinet(installed="2020-06-01"), Lithium(installed="2020-06-01")
    for cabinet in (lead, lithium):
        cabinet.rest(3)
    assert file_of(lithium)["belief"]["health"] > file_of(lead)["belief"]["health"] + 0.1  # type: ignore[index]
    assert raised(lithium.changes, "battery_replace") == []


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_a_management_that_tells_nothing_is_no_witness_for_replacement(value: float) -> None:
    cabinet = Lithium()
    cabinet.bms = value
    cabinet.rest(3)
    assert raised(cabinet.changes, "battery_replace") == raised(cabinet.changes, "battery_unproven") == []
