"""What other programs write, with InfluxDB's own client and by hand: it goes the one path, and what is left out is told."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from influxdb_client import InfluxDBClient, WriteOptions
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from collector import store
from collector.config import read
from collector.neighbours import mapping
from collector.running import Running
from collector.store import fleet
from collector.web import build_app
from model.reading import Reading
from model.timescale import REAL
from tests.collector.centres import KEY, SITE, centre_at

MAPPING = """
[[map]]
measurement = "upsd"
device = "{ups_name}"
where = { role = "ups" }
[map.fields]
battery_charge_percent = { point = "battery.charge" }
time_left_ns = { point = "battery.runtime", unit = "ns" }
input_voltage = { point = "input.voltage", index = "1" }
temp_f = { point = "ups.temperature", unit = "°F" }
ups_status = { point = "ups.source", states = { OL = 3, OB = 5 } }
low = { point = "alarm.battery_low" }
model = { point = "device.model" }
[[map]]
measurement = "phase"
device = "ups-{number}"
index = "{l}"
[map.fields]
volts = { point = "output.voltage" }
"""
UPS = f"{SITE}/ups1"
TOKEN = {"Authorization": f"Token {KEY}", "Content-Type": "text/plain"}
TAGS = "upsd,role=ups,ups_name=ups1"


@asynccontextmanager
async def writable(folder: Path, **more: object) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    maps, problems = mapping.read(MAPPING, "write.toml")
    assert problems == []
    async with centre_at(folder, REAL, write_maps=maps, **more) as (centre, client):
        client.headers.clear()
        yield centre, client


def values(centre: Running) -> dict[tuple[str, str, str | None], float]:
    return {(one.device, one.point, one.index): one.value for one in centre.history.latest()}


async def test_lines_become_readings_by_the_mapping_and_its_units(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        body = (
            f'{TAGS} battery_charge_percent=97,time_left_ns=1200000000000i,input_voltage=229.8,temp_f=77,ups_status="OB",low=true'
            ',model="C3K"\n# a comment\n\nphase,number=2,l=3 volts=231.5\n'
        )
        answer = await client.post("/api/v2/write?org=o&bucket=b", content=body, headers=TOKEN)
        assert (answer.status_code, answer.content) == (204, b"")
        assert values(centre) == {
            (UPS, "battery.charge", None): 97.0,
            (UPS, "battery.runtime", None): 1200.0,
            (UPS, "input.voltage", "1"): 229.8,
            (UPS, "ups.temperature", None): 25.0,
            (UPS, "ups.source", None): 5.0,
            (UPS, "alarm.battery_low", None): 1.0,
            (f"{SITE}/ups-2", "output.voltage", "3"): 231.5,
        }
        with centre.engine.connect() as conn:
            assert store.identity(conn, UPS) == {"device.model": "C3K"}


async def test_a_bad_line_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        body = f"{TAGS} battery_charge_percent=90\nnonsense\n{TAGS} battery_charge_percent=\n{TAGS} input_voltage=230\n"
        answer = await client.post(
            "/write?db=d",
            content=body,
            headers={"Authorization": "Basic " + b64encode(f"telegraf:{KEY}".encode()).decode()},
        )
        assert answer.status_code == 400
        said = answer.json()
        assert (said["code"], said["line"]) == ("invalid", 2)
        assert said["error"] == said["message"]
        assert "2 of 4 lines refused, 2 kept" in said["message"]
        assert {point for _, point, _ in values(centre)} == {"battery.charge", "input.voltage"}


async def test_what_is_not_mapped_is_taken_counted_and_shown(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        body = f'cpu usage=3\nupsd,role=pdu,ups_name=x battery_charge_percent=3\n{TAGS} nominal=3,input_voltage="230"\n'
        assert (await client.post("/api/v2/write", content=body, headers=TOKEN)).status_code == 204
        assert values(centre) == {}
        shown = (await client.get("/metrics", headers={"x-test": "1"})).text
        for labels in (
            'field="*",measurement="cpu",why="no [[map]]"',
            'field="*",measurement="upsd",why="no [[map]] of its tags"',
            'field="nominal",measurement="upsd",why="no field of its [[map]]"',
            'field="input_voltage",measurement="upsd",why="text where a number is due"',
        ):
            assert f"roundsman_centre_written_unmapped_total{{{labels}}} 1.0" in shown, shown


async def test_nothing_bypasses_intake(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        body = f"{TAGS} input_voltage=2302\nupsd,role=ups,ups_name=../../etc input_voltage=230\n{TAGS} battery_charge_percent=5 4000000000000000000\n"
        assert (await client.post("/api/v2/write", content=body, headers=TOKEN)).status_code == 204
        assert values(centre) == {}
        with centre.engine.connect() as conn:
            assert sorted(one.reason for one in store.quarantine(conn)) == ["bad_device", "bad_time", "not_plausible"]


async def test_the_same_body_again_changes_nothing_and_one_without_times_is_never_the_same(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        at = centre.now() - 5000
        stamped = f"{TAGS} battery_charge_percent=91 {at}"
        for _ in range(3):
            assert (await client.post("/api/v2/write?precision=ms", content=stamped, headers=TOKEN)).status_code == 204
        assert centre.writer.counts["batches"] == 1
        assert centre.history.latest(UPS) == [
            Reading(device=UPS, point="battery.charge", index=None, at=at, value=91.0)
        ]
        for _ in range(2):
            await client.post("/api/v2/write", content=f"{TAGS} battery_charge_percent=92", headers=TOKEN)
            time.sleep(0.002)
        assert centre.writer.counts["batches"] == 3


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v2/write", {}, 401),
        ("/api/v2/write", {"Authorization": "Token wrong"}, 401),
        ("/write", {"Authorization": "Basic !!!"}, 401),
        ("/api/v2/write?precision=fortnight", TOKEN, 400),
        ("/api/v2/write", {**TOKEN, "Content-Encoding": "br"}, 413),
        ("/api/v2/write", {**TOKEN, "Content-Encoding": "gzip"}, 413),
    ],
)
async def test_who_may_not_and_what_cannot_be_is_refused(
    tmp_path: Path, path: str, headers: dict[str, str], status: int
) -> None:
    async with writable(tmp_path) as (centre, client):
        answer = await client.post(path, content=f"{TAGS} input_voltage=230", headers=headers)
        assert answer.status_code == status
        assert answer.json()["message"]
        assert centre.writer.counts["batches"] == 0


async def test_a_body_may_be_packed_and_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        packed = {**TOKEN, "Content-Encoding": "gzip"}
        body = gzip.compress(f"{TAGS} input_voltage=230".encode())
        assert (await client.post("/api/v2/write", content=body, headers=packed)).status_code == 204
        assert values(centre) == {(UPS, "input.voltage", "1"): 230.0}
        bomb = gzip.compress(b"#" * 40_000_000)
        assert (await client.post("/api/v2/write", content=bomb, headers=packed)).status_code == 413


async def test_a_program_that_writes_hides_no_silent_agent(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, client):
        await client.post("/api/v2/write", content=f"{TAGS} input_voltage=230", headers=TOKEN)
        with centre.engine.connect() as conn:
            assert fleet.heard(conn) == {}
            assert store.agents(conn)[0].heard_at is not None


async def test_a_centre_without_a_mapping_says_so(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (_, client):
        answer = await client.post("/api/v2/write", content="a b=1", headers=TOKEN)
        assert answer.status_code == 404
        assert "write_map" in answer.json()["message"]


async def test_influxdbs_own_client_writes_and_hears_of_what_was_refused(tmp_path: Path) -> None:
    async with writable(tmp_path) as (centre, _):
        with socket.create_server(("127.0.0.1", 0)) as port:
            server = uvicorn.Server(uvicorn.Config(build_app(centre), log_level="warning", lifespan="off"))
            serving = _serve(server, port)
            try:
                url = f"http://127.0.0.1:{port.getsockname()[1]}"
                await _in_thread(lambda: _write(url))
            finally:
                server.should_exit = True
                await serving
        assert values(centre) == {(UPS, "battery.charge", None): 88.0, (UPS, "input.voltage", "1"): 228.0}


def _write(url: str) -> None:
    with InfluxDBClient(url=url, token=KEY, org="any", enable_gzip=True) as client:
        assert client.ping()
        with client.write_api(write_options=SYNCHRONOUS) as api:
            api.write(
                "any",
                record={
                    "measurement": "upsd",
                    "tags": {"role": "ups", "ups_name": "ups1"},
                    "fields": {"battery_charge_percent": 88.0},
                },
            )
            with pytest.raises(ApiException) as refused:
                api.write("any", record="nonsense")
            assert refused.value.status == 400
            assert "line 1" in str(refused.value.body)
        with client.write_api(write_options=WriteOptions(batch_size=10, flush_interval=10)) as api:
            api.write("any", record=f"{TAGS} input_voltage=228 {time.time_ns()}")


def _serve(server: uvicorn.Server, port: socket.socket) -> object:
    return asyncio.ensure_future(server.serve([port]))


async def _in_thread(work: object) -> None:
    await asyncio.to_thread(work)  # type: ignore[arg-type]


def test_a_mapping_is_linted_with_line_and_fix() -> None:
    for wrong, key in (
        (
            '[[map]]\nmeasurement = "a"\ndevice = "b"\n[map.fields]\nx = { point = "ups.spin" }\n',
            "map.0.fields.x.point",
        ),
        (
            '[[map]]\nmeasurement = "a"\ndevice = "b"\n[map.fields]\nx = { point = "input.voltage", unit = "A" }\n',
            "unit",
        ),
        ('[[map]]\nmeasurement = "a"\n', "device"),
        ('[[map]]\nmeasurement = "a"\ndevice = "b"\nnonsense = 1\n', "nonsense"),
        ("", "map"),
    ):
        _, problems = mapping.read(wrong, "write.toml")
        assert any(key in problem.key for problem in problems), (wrong, problems)
    _, problems = read('[collector]\nmetrics_token = "hush"\n', "collector.toml", Path())
    assert [problem.severity for problem in problems] == ["error"]
    assert "hush" not in problems[0].render("en")
