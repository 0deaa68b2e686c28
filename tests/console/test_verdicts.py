"""The pages of a battery and the record of forecasts, on a real centre."""

from __future__ import annotations

import re

import httpx
import msgspec
import pytest

from analytics.battery.recorder import Discharge, End
from analytics.forecast import Forecast, Quantity, came, withdrawn
from analytics.records import Kept, Records
from collector.store import records, writing
from tests.console.stage import DAY, MINUTE, Stage

UPS = "sz-futian/ups-2"
ELSEWHERE = "kul-cheras/ups-1"


@pytest.fixture(scope="module", autouse=True)
def filled(stage: Stage) -> int:
    """Two discharges, of two batteries, and forecasts of two customers."""
    at = stage.centre.now() - 600 * MINUTE
    one = Discharge(
        start=at, end=at + 20 * MINUTE, test=False, reason=End.EMPTY, load=40.0, celsius=26.0, charge_start=100, charge_end=3, depth=0.97,
        rest_v=218, trough_v=200, plateau_v=204, end_v=180, sag_v=9, amps=30, ah=10, wh=2000, estimate_s=1500, effort_s=1200, load_first=40,
        soh=0.71, soh_sd=0.04,
    )  # fmt: skip
    test = msgspec.structs.replace(
        one, start=at - 90 * DAY, end=at - 90 * DAY + MINUTE, test=True, reason=End.MAINS, soh=None, soh_sd=None
    )
    runtime = Forecast(
        device=UPS, kind="battery_verdict", quantity=Quantity.RUNTIME, made=at + MINUTE, start=at, p10=at + 18 * MINUTE, p50=at + 23 * MINUTE,
        p90=at + 26 * MINUTE, version="runtime-2-discharges",
    )  # fmt: skip
    life = msgspec.structs.replace(
        runtime, quantity=Quantity.END_OF_LIFE, made=at, p10=at + 90 * DAY, p50=at + 200 * DAY, p90=at + 400 * DAY
    )
    other = withdrawn(msgspec.structs.replace(runtime, device=ELSEWHERE), at + MINUTE)
    outlook = records.Prognosis(
        device=UPS,
        made=at,
        health=0.71,
        health_sd=0.04,
        p_below=0.97,
        days_p10=0,
        days_p50=0,
        days_p90=40,
        model="capacity/M@3",
    )
    with writing(stage.centre.engine) as conn:
        kept = [
            Kept(device=UPS, battery=name, body=msgspec.to_builtins(row)) for name, row in (("old", test), ("new", one))
        ]
        records.put_records(conn, Records(discharges=kept))
        records.put_forecasts(conn, [came(runtime, at + 20 * MINUTE, at + 20 * MINUTE), life, other])
        records.put_prognoses(conn, [outlook])
    return at


def page(client: httpx.Client, path: str, language: str = "en") -> str:
    client.cookies.set("roundsman_language", language)
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", answer.text)


@pytest.mark.parametrize(("language", "word"), [("en", "Witnesses"), ("zh", "证据")])
def test_a_batterys_page_tells_verdict_witnesses_discharges_and_forecasts(
    manager: httpx.Client, language: str, word: str
) -> None:
    text = page(manager, f"/devices/{UPS}/battery", language)
    assert f"<h2>{word}" in text
    assert "71 % ± 4 %" in text
    assert "0:23:00" in text
    assert "0:20:00" in text
    assert "capacity/M@3" in text


def test_the_newest_discharge_is_drawn_and_any_other_on_demand(manager: httpx.Client, filled: int) -> None:
    text = page(manager, f"/devices/{UPS}/battery")
    assert f"start={filled - 5 * MINUTE}" in text
    assert "earlier battery" in text
    other = filled - 90 * DAY
    assert f"start={other - 5 * MINUTE}" in page(
        manager, f"/devices/{UPS}/battery?discharge={other}&point=battery.charge"
    )
    assert "point=battery.voltage" in page(manager, f"/devices/{UPS}/battery?point=nonsense&discharge=7")


def test_the_devices_page_has_the_verdict_and_a_switch_has_none(manager: httpx.Client) -> None:
    text = page(manager, f"/devices/{UPS}")
    assert 'id="battery"' in text
    assert f'href="/devices/{UPS}/battery"' in text
    assert 'id="battery"' not in page(manager, "/devices/sz-futian/sw-1")
    assert "No battery was seen" in page(manager, "/devices/sz-futian/sw-1/battery")


@pytest.mark.parametrize("by", ["detector", "model", "site", "version"])
def test_the_record_stands_for_each_group(manager: httpx.Client, by: str) -> None:
    text = page(manager, f"/record?by={by}")
    assert "End of life" in text
    assert "capacity/M@3" in text
    assert {"version": "runtime-2-discharges", "site": "Futian"}.get(by, "") in text


def test_a_customer_reads_its_own_sites_only(harbour: httpx.Client) -> None:
    text = page(harbour, "/record")
    seen = [device for device in (UPS, ELSEWHERE) if device in text]
    allowed = [device for device in (UPS, ELSEWHERE) if harbour.get(f"/devices/{device}/battery").status_code == 200]
    assert seen == [device for device in allowed if device == UPS]
    assert len(allowed) < 2


def test_what_is_asked_for_wrongly_is_refused(manager: httpx.Client) -> None:
    assert manager.get("/record?by=colour").status_code == 422
    assert manager.get("/devices/no/such/battery").status_code == 404
