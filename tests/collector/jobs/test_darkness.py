"""When a site goes dark is said once an outage, and answered or taken back by what happens."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from alerts.types import Alert, Impact
from analytics.battery.outlook import Outlook
from analytics.forecast import Forecast, Outcome
from collector.jobs.darkness import decide, turn
from collector.store import findings, records
from model.finding import Finding, Severity
from model.inventory import Device, Inventory
from model.text import Text
from tests.collector.centres import centre_at

T0, MINUTE = 1_790_000_000_000, 60_000
UPS, RACK = "sz/ups-1", "sz/sw-1"
INVENTORY = Inventory(
    devices={
        UPS: Device(id=UPS, name=Text("U", "U"), kind="ups", fed_by="mains"),
        RACK: Device(id=RACK, name=Text("S", "S"), kind="switch", fed_by=UPS, core=True),
    }
)
LEFT = {UPS: Outlook(at=T0 + MINUTE, p10=600.0, p50=900.0, p90=1200.0, n=2, by="discharges")}


def alert(kind: str, device: str = UPS, at: int = T0) -> Alert:
    finding = Finding(
        device=device,
        kind=kind,
        index=None,
        severity=Severity.MINOR,
        since=at,
        score=0.9,
        evidence=(),
        advice=Text("", ""),
    )
    return Alert(
        id=f"{kind}{device}{at}", device=device, kind=kind, index=None, severity=Severity.MINOR, impact=Impact.DEGRADED, raised_at=at,
        changed_at=at, finding=finding,
    )  # fmt: skip


@pytest.fixture
def said() -> Forecast:
    [one] = decide([alert("on_battery")], LEFT, [], INVENTORY, T0 + 2 * MINUTE)
    return one


def test_a_minute_into_an_outage_the_sites_dark_time_is_said_once(said: Forecast) -> None:
    assert (said.device, said.index, said.start, said.p50) == ("sz", RACK, T0, T0 + 16 * MINUTE)
    assert decide([alert("on_battery")], LEFT, [], INVENTORY, T0 + MINUTE // 2) == []
    assert decide([alert("on_battery")], LEFT, [said], INVENTORY, T0 + 5 * MINUTE) == []
    assert decide([alert("on_battery")], {}, [], INVENTORY, T0 + 5 * MINUTE) == []


@pytest.mark.parametrize(
    ("kind", "device"), [("output_off", UPS), ("device_silent", RACK), ("agent_silent", "sz/agent")]
)
def test_it_comes_with_the_first_end_in_the_chain(said: Forecast, kind: str, device: str) -> None:
    standing = [
        alert("on_battery"),
        alert(kind, device, T0 + 14 * MINUTE),
        alert("device_silent", "sz/other", T0 + MINUTE),
    ]
    [answer] = decide(standing, LEFT, [said], INVENTORY, T0 + 15 * MINUTE)
    assert (answer.outcome, answer.real, answer.id) == (Outcome.CAME, T0 + 14 * MINUTE, said.id)
    assert decide(standing, LEFT, [answer], INVENTORY, T0 + 16 * MINUTE) == []


def test_a_link_that_dies_early_is_no_dark_site(said: Forecast) -> None:
    standing = [alert("on_battery"), alert("agent_silent", "sz/agent", T0 + 3 * MINUTE)]
    assert decide(standing, LEFT, [said], INVENTORY, T0 + 4 * MINUTE) == []


def test_mains_back_takes_it_back_and_the_next_outage_has_its_own(said: Forecast) -> None:
    [taken] = decide([], {}, [said], INVENTORY, T0 + 9 * MINUTE)
    assert taken.outcome is Outcome.WITHDRAWN
    again = [alert("on_battery", at=T0 + 60 * MINUTE)]
    [fresh] = decide(again, LEFT, [taken], INVENTORY, T0 + 62 * MINUTE)
    assert fresh.start == T0 + 60 * MINUTE


def test_an_unknown_feed_says_nothing() -> None:
    lone = Inventory(devices={RACK: Device(id=RACK, name=Text("S", "S"), kind="switch", core=True)})
    assert decide([alert("on_battery")], {}, [], lone, T0 + 5 * MINUTE) == []


async def test_a_running_centre_says_and_keeps_it(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, _):
        centre.writer.world = centre.writer.world.with_inventory(INVENTORY)
        since = centre.now() - 3 * MINUTE
        left = msgspec.structs.replace(LEFT[UPS], at=since + MINUTE)
        state = await centre.write(centre.writer.look, lambda state: state)
        state.watch.states[UPS] = {"on_battery": {"ahead": msgspec.to_builtins(left)}}
        await centre.transact(lambda conn: findings.put_alerts(conn, [alert("on_battery", at=since)]))
        await turn(centre)
        await turn(centre)
        with centre.engine.connect() as conn:
            [one] = records.forecasts(conn)
        assert (one.device, one.quantity, one.outcome) == ("sz", "dark", "open")
        over = msgspec.structs.replace(alert("on_battery", at=since), cleared_at=centre.now())
        await centre.transact(lambda conn: findings.put_alerts(conn, [over]))
        await turn(centre)
        with centre.engine.connect() as conn:
            assert [one.outcome for one in records.forecasts(conn)] == ["withdrawn"]
