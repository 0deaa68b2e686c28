"""The Grafana dashboard asks only for what is written: each of its queries runs on a real InfluxDB and finds data."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest

from collector.history.opening import open_history
from collector.history.places import PLACES
from model.batch import Batch
from model.reading import Reading
from tests.services.influxdb import InfluxServer

DASHBOARD = Path(__file__).parents[3] / "packaging" / "grafana" / "roundsman-dashboard.json"
NOW = 1_790_000_000_000
_MACROS = {
    "$timeFilter": f"time >= {NOW - 3_600_000}ms AND time < {NOW + 3_600_000}ms",
    "$__interval": "10s",
    "/^$site$/": "/^.*$/",
    "/^$device$/": "/^.*$/",
}


def _plain(query: str) -> str:
    for macro, meaning in _MACROS.items():
        query = query.replace(macro, meaning)
    return query


@pytest.mark.service
def test_each_query_of_the_dashboard_finds_what_the_collector_writes(tmp_path: Path) -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["query"] for panel in board["panels"] for target in panel["targets"]]
    queries += [v["query"] for v in board["templating"]["list"] if v["type"] == "query"]
    assert len(queries) > 12
    readings = [
        Reading(device="s/d", point=point, index="1", at=NOW + n * 10_000, value=float(n))
        for point in PLACES
        for n in range(4)
    ]
    server = InfluxServer(tmp_path / "server")
    with server.up():
        store = open_history(server.url, tmp_path)
        store.write([Batch(spool="a", row=1, site="s", boot="b", at=NOW, readings=readings, gaps=[], events=[])])
        store.close()
        for query in queries:
            (result,) = orjson.loads(server.query(_plain(query)))["results"]
            assert result.get("series"), (query, result)
