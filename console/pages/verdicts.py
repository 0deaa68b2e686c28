"""Batteries: the verdict with its witnesses, every discharge, the runtime now, what a discharge would tell; and the record of all forecasts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from analytics import forecast
from analytics.battery import maintenance
from analytics.forecast import Forecast, Record
from collector.jobs.standing import By, grouped
from collector.store import records
from collector.store.records import DischargeRow
from console.batteries import WORDS, battery_of
from console.guard import Here, SignedIn
from console.pages.devices import chart_url
from console.reads import reading
from model.text import Text

router = APIRouter()

#: Of one device: the newest, on its page.
MOST_FORECASTS, MOST_DISCHARGES = 40, 400
#: The record counts the newest so many.
MOST_COUNTED = 20_000
#: A discharge is drawn with what came just before and after it.
MARGIN_MS = 300_000
DRAWN = ("battery.voltage", "battery.charge", "ups.load")

BY: dict[By, Text] = {
    "detector": Text("Detector", "检测器"),
    "model": Text("Model of equipment", "设备型号"),
    "site": Text("Site", "站点"),
    "version": Text("Version of what said it", "预测模型版本"),
}


@router.get("/devices/{site}/{name}/battery")
def battery(
    request: Request, here: Here, viewer: SignedIn, site: str, name: str, discharge: int = 0, point: str = DRAWN[0]
) -> HTMLResponse:
    """One battery, whole: verdict, discharges (one of them drawn), forecasts and how they came out."""
    id = f"{site}/{name}"
    with reading(here.centre, viewer) as reads:
        found = reads.device(id)
        rows = list(records.discharges(reads.conn, id))[::-1][:MOST_DISCHARGES]
        chosen = next((row for row in rows if row.record.start == discharge), rows[0] if rows else None)
        said = records.forecasts(reads.conn, device=id, limit=MOST_FORECASTS)
        point = point if point in DRAWN else DRAWN[0]
        whose = [one for one in reads.series(id) if one[1] == point]
        return here.page(
            request,
            "verdict.html",
            viewer,
            device=found,
            site=reads.inventory.site(found.site),
            battery=battery_of(reads, found),
            rows=rows,
            chosen=chosen,
            chart=_chart(id, min(whose, key=str)[2] if whose else None, point, chosen),
            points=DRAWN,
            point=point,
            result=maintenance.result(chosen.record, found) if chosen else None,
            forecasts=said,
            record=forecast.record(said),
            reads=reads,
            **WORDS,
        )


@router.get("/record")
def record(request: Request, here: Here, viewer: SignedIn, by: By = "detector") -> HTMLResponse:
    """How all forecasts came out, each kind beside its honest figure; of the viewer's own sites."""
    with reading(here.centre, viewer) as reads:
        every = [
            one
            for one in records.forecasts(reads.conn, limit=MOST_COUNTED)
            if reads.may_see(one.device.partition("/")[0])
        ]
        groups: dict[tuple[str, str], Record] = grouped(every, reads.inventory, by)
        newest: list[Forecast] = [one for one in every if one.real is not None][:MOST_FORECASTS]
        most = MOST_FORECASTS if viewer.staff else None
        endangered = [
            one for one in records.prognoses(reads.conn, limit=most) if reads.may_see(one.device.partition("/")[0])
        ]
        return here.page(
            request,
            "record.html",
            viewer,
            groups=groups,
            by=by,
            bys=BY,
            newest=newest,
            endangered=endangered[:MOST_FORECASTS],
            reads=reads,
            **WORDS,
        )


def _chart(device: str, index: str | None, point: str, row: DischargeRow | None) -> str | None:
    if row is None:
        return None
    return chart_url((device, point, index), row.record.start - MARGIN_MS, row.record.end + MARGIN_MS)
