"""`/v1/series`: one series as columns for a chart."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from collector.history import HistoryError
from console.context import language_for
from console.errors import ConsoleError
from console.guard import Here, SignedIn
from console.reads import Reads, reading
from console.shown import words_of
from model.points import POINTS, Kind
from model.reading import Series
from model.text import Language

router = APIRouter()

DAY_MS = 86_400_000
LONGEST_MS = 800 * DAY_MS
#: The last ms that a date can be written of: year 9999.
LATEST_MS = 253_402_300_799_999


class HistoryAway(ConsoleError):
    """The history store does not answer now; the chart asks again."""

    status = 503


@router.get("/v1/series")
def series(
    request: Request,
    here: Here,
    viewer: SignedIn,
    device: str,
    point: str,
    index: str = "",
    start: int | None = None,
    end: int | None = None,
) -> Response:
    """Times in ms; the last 24 hours unless told. Nulls in `value` are gaps: nothing is drawn across them."""
    with reading(here.centre, viewer) as reads:
        last = reads.now if end is None else end
        first = last - DAY_MS if start is None else start
        if not (0 < last - first <= LONGEST_MS and first >= 0 and last <= LATEST_MS):
            raise ConsoleError(f"expected start before end, ms since 1970, and at most 800 days, got {first} to {last}")
        try:
            body = described(reads, (device, point, index or None), first, last, language_for(request))
        except HistoryError as error:
            raise HistoryAway(str(error)) from error
    return Response(msgspec.json.encode(body), media_type="application/json")


def described(reads: Reads, wanted: Series, start: int, end: int, language: Language) -> dict[str, Any]:
    """A curve with everything the chart writes beside it, in one language."""
    device, point, index = wanted
    curve = reads.curve(wanted, start, end)
    known = POINTS.get(point)
    counter = known is not None and known.kind is Kind.COUNTER
    unit = known.unit if known else ""
    return {
        "device": device,
        "point": point,
        "index": index,
        "label": known.meaning[language] if known else point,
        "unit": f"{unit or '1'}/s" if counter else unit,
        "stepped": known is not None and known.kind in (Kind.STATE, Kind.FLAG),
        "words": {str(k): v[language] for k, v in words_of(known).items()} if known else {},
        "tz": reads.tz(device.partition("/")[0]),
        "start": start,
        "end": end,
        **msgspec.to_builtins(curve),
    }
