"""uvicorn around a centre, started and stopped by hand: SIGTERM and SIGINT end live pages, finish what is
begun, and return 0."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from collector import config, inventory
from collector.history import HistoryError
from collector.running import Running, open_centre, show
from collector.store import StoreError, writing
from collector.web import build_app
from model.timescale import TimeScale

Mount = Callable[[FastAPI, Running], None]
#: sysexits.h: a service manager must not restart after it.
EXIT_CONFIG = 78
#: Real seconds that open requests have to end.
_GRACE_S = 5


def run(path: Path, scale: TimeScale, mount: Mount | None) -> int:
    """Read the file, open everything, serve. 78: the file has errors; 1: it cannot start; 0: stopped by a signal."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    locale = os.environ.get("LC_ALL") or os.environ.get("LANG")
    found, problems = config.read_file(path)
    show(problems, locale)
    if any(problem.severity == "error" for problem in problems):
        return EXIT_CONFIG
    try:
        centre = open_centre(found, scale)
    except (StoreError, HistoryError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if found.inventory is not None:
        with writing(centre.engine) as conn:
            show(inventory.import_file(conn, found.inventory, centre.now())[1], locale)
    return asyncio.run(serve(centre, mount))


async def serve(centre: Running, mount: Mount | None) -> int:
    """Serve until a signal. Returns the exit code."""
    app = build_app(centre)
    if mount is not None:
        mount(app, centre)
    file = centre.config
    server = _Server(
        uvicorn.Config(
            app,
            host=file.host,
            port=file.port,
            ssl_certfile=file.tls_cert,
            ssl_keyfile=file.tls_key,
            access_log=False,
            log_level="warning",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )

    def stop() -> None:
        server.should_exit = True
        centre.hub.close()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop)
    await centre.start()
    try:
        await server.serve()
    except SystemExit:  # uvicorn leaves this way when the port is taken; it has said so
        return 1
    finally:
        await centre.stop()
    return 0


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn would raise them again when it has finished."""
        yield
