"""Real centres for the tests: in this process behind an ASGI client, or as a child process behind a port."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from subprocess import Popen

import httpx

from collector import enrol
from collector.config import CollectorConfig
from collector.running import Running, open_centre
from collector.store import open_engine, writing
from collector.web import build_app
from model.batch import CONTENT_TYPE, Batch, Event, encode
from model.reading import Gap, Reading
from model.timescale import REAL, TimeScale
from tests import databases
from tests.services import free_port, running, wait_for

T0 = 1_790_000_000_000
SITE = "sz-futian"
KEY = "k" * 64
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": CONTENT_TYPE}


def reading(point: str, value: float, at: int = T0, index: str | None = None, device: str = f"{SITE}/ups-1") -> Reading:
    return Reading(device=device, point=point, index=index, at=at, value=value)


def batch(
    row: int,
    readings: list[Reading],
    *,
    spool: str = "a" * 32,
    boot: str = "b" * 32,
    site: str = SITE,
    at: int = T0,
    gaps: list[Gap] | None = None,
    events: list[Event] | None = None,
) -> Batch:
    return Batch(
        spool=spool, row=row, site=site, boot=boot, at=at, readings=readings, gaps=gaps or [], events=events or []
    )


@asynccontextmanager
async def centre_at(
    data: Path, scale: TimeScale = REAL, **config: object
) -> AsyncIterator[tuple[Running, httpx.AsyncClient]]:
    """A running centre and a client at its door; the agent of SITE is enrolled with KEY."""
    config.setdefault("database", databases.in_file(data / "centre.sqlite"))
    centre = open_centre(CollectorConfig(data=data, **config), scale)  # type: ignore[arg-type]
    await centre.start()
    await centre.transact(lambda conn: enrol.register(conn, SITE, KEY, centre.now()))
    transport = httpx.ASGITransport(app=build_app(centre))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://centre", headers=HEADERS) as client:
            yield centre, client
    finally:
        await centre.stop()


async def post(client: httpx.AsyncClient, what: Batch | bytes, **headers: str) -> httpx.Response:
    body = what if isinstance(what, bytes) else encode(what)
    return await client.post("/v1/batches", content=body, headers=headers)


class ChildCentre:
    """A collector in a process of its own, to be killed and started again on the same folder and port."""

    def __init__(self, folder: Path, history: str = "embedded") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.file = folder / "collector.toml"
        database = databases.in_file(folder / "var" / "centre.sqlite")
        self.file.write_text(
            f"[collector]\nlisten = '127.0.0.1:{self.port}'\ndata = 'var/'\nhistory = '{history}'\n"
            f"database = '{database}'\n",
            encoding="utf-8",
        )
        (folder / "var").mkdir()
        self.database = databases.place(folder / "var" / "centre.sqlite")
        engine = open_engine(self.database)
        with writing(engine) as conn:
            enrol.register(conn, SITE, KEY, T0)
        engine.dispose()

    @contextmanager
    def up(self) -> Iterator[Popen[bytes]]:
        """Start it and wait until it answers."""
        code = (
            "import sys; from pathlib import Path; from collector.running import main; from model.timescale import REAL;"
            " sys.exit(main(Path(sys.argv[1]), REAL))"
        )
        with running(
            [sys.executable, "-c", code, str(self.file)], self.folder / "log", Path(__file__).parents[2]
        ) as child:
            wait_for(lambda: child.poll() is not None or self.healthy(), 30, "the collector")
            assert child.poll() is None, (self.folder / "log").read_text()
            yield child

    def healthy(self) -> bool:
        # Loading TLS's authorities costs 50 ms of CPU a look, which the collector that starts beside us needs.
        try:
            return httpx.get(f"{self.url}/healthz", verify=False).status_code == 200
        except httpx.HTTPError:
            return False

    def health(self) -> dict[str, object]:
        return json.loads(httpx.get(f"{self.url}/healthz", verify=False).content)
