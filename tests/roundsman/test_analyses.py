"""`roundsman analyze`: discharges and forecasts that are kept, and their record, out of a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from analytics.forecast import Forecast, Quantity, came, withdrawn
from analytics.records import Records, remember
from collector.store import open_engine, records
from tests.analytics.battery.cabinet import Cabinet
from tests.analytics.timeline import T0, UPS
from tests.roundsman.centre_files import answer, made

MINUTE, DAY = 60_000, 86_400_000


def said(at: int, minutes: float, *, device: str = UPS, quantity: Quantity = Quantity.RUNTIME) -> Forecast:
    p10, p50, p90 = (at + round(minutes * share * MINUTE) for share in (0.87, 1, 1.13))
    return Forecast(
        device=device, kind="battery_verdict", quantity=quantity, made=at + MINUTE, start=at, p10=p10, p50=p50, p90=p90, version="core-1",
    )  # fmt: skip


FORECASTS = [
    came(said(T0, 23), T0 + 21 * MINUTE, T0 + 22 * MINUTE),
    came(said(T0 + DAY, 20), T0 + DAY + 10 * MINUTE, T0 + DAY + 10 * MINUTE),
    withdrawn(said(T0 + 2 * DAY, 20), T0 + 3 * DAY),
    said(T0, 100 * 1440, quantity=Quantity.END_OF_LIFE),
    came(said(T0, 30, device="b/ups"), T0 + 30 * MINUTE, T0 + 30 * MINUTE),
]
INVENTORY = f"""
[[customer]]
id = "c"
name = "C"
[[site]]
id = "{UPS.partition("/")[0]}"
customer = "c"
name = "S"
[[device]]
id = "{UPS}"
name = "U"
kind = "ups"
model = "Model 9"
"""


def filled(conn: sa.Connection) -> None:
    cabinet = Cabinet(load=28, soh=0.96, promised_s=23 * 60)
    cabinet.rest(2)
    cabinet.outage(99_999)
    remember(found := Records(), cabinet.watch.states)
    found.forecasts.clear()
    records.put_records(conn, found)
    records.put_forecasts(conn, FORECASTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path, INVENTORY, ["default"], filled)


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]], str]:
    return answer(["analyze", *words, "--collector", str(folder / "collector.toml")], capsys)


def test_a_forecast_and_what_came_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, _ = ask(folder, capsys, "score", "--device", UPS, "--json")
    assert status == 0
    one = rows[0]
    assert (one["device"], one["inside"], one["outcome"]) == (UPS, True, "came")
    by = {(row.get("group"), row.get("quantity")): row for row in rows if row.get("by") == "detector"}
    runtime = by["battery_verdict", "runtime"]
    assert (runtime["n"], runtime["inside"], runtime["early"], runtime["withdrawn"]) == (2, 0.5, 0.5, 1)
    assert by["battery_verdict", "end_of_life"]["open"] == 1
    assert rows[-1]["by"] == "all"
    assert "said 23 min (20 … 26), came 21 min" in ask(folder, capsys, "score")[2]


@pytest.mark.parametrize(
    ("by", "groups"), [("site", {"b", UPS.partition("/")[0]}), ("model", {"?", "Model 9"}), ("version", {"core-1"})]
)
def test_there_is_a_record_of_each(folder: Path, capsys: pytest.CaptureFixture[str], by: str, groups: set[str]) -> None:
    _, rows, _ = ask(folder, capsys, "score", "--by", by, "--json")
    assert {row["group"] for row in rows if row.get("by") == by} == groups


def test_discharges_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, [kept], _ = ask(folder, capsys, "discharges", UPS, "--json")
    assert (kept["device"], kept["reason"]) == (UPS, "empty")
    assert "end: empty" in ask(folder, capsys, "discharges")[2]
    assert ask(folder, capsys, "discharges", "another/ups", "--json")[1] == []
    assert "No discharge is kept of another/ups" in ask(folder, capsys, "discharges", "another/ups")[2]


def test_where_nothing_was_kept_nothing_is_claimed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = made(tmp_path, INVENTORY, ["default"])
    assert ask(folder, capsys, "score", "--json")[:2] == (0, [])
    open_engine(folder / "var" / "centre.sqlite").dispose()
    assert ask(folder / "nowhere", capsys, "score")[0] == 1
    assert ask(folder / "nowhere", capsys, "discharges")[0] == 1
