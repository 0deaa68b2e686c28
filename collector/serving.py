"""uvicorn around a centre, started and stopped by hand: SIGTERM and SIGINT end live pages, finish what is
begun, and return 0.

Exit codes, as in sysexits.h: 78 the file has errors, or its database is none of ours: starting again would not
mend it · 75 the port or the data folder is taken by another · 1 not now (disk full, rights): try again · 0 stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from collector import config, inventory
from collector.config import CollectorConfig
from collector.history import HistoryError
from collector.running import Running, open_centre
from collector.store import StoreError, StoreTaken, StoreWaits, writing
from collector.web import build_app
from model.problem import Problem
from model.text import language_of
from model.timescale import TimeScale

Mount = Callable[[FastAPI, Running], None]
EXIT_CONFIG = 78
EXIT_TAKEN = 75
EXIT_NOT_NOW = 1
#: Real seconds that open requests have to end.
_GRACE_S = 5
log = structlog.get_logger()


def run(path: Path, scale: TimeScale, mount: Mount | None) -> int:
    """Read the file, open everything, serve. Returns the exit code."""
    found, problems = config.read_file(path)
    _tell(problems)
    if any(problem.severity == "error" for problem in problems):
        return EXIT_CONFIG
    # The port first: who cannot have it must not touch the data of who has it.
    try:
        port = bind(found)
    except OSError as error:
        fix = "stop the program that listens there, or change `listen`"
        log.error("cannot_listen", file=str(path), listen=f"{found.host}:{found.port}", got=str(error), fix=fix)  # noqa: TRY400
        return EXIT_TAKEN
    with port:
        try:
            centre = open_centre(found, scale)
        except (StoreError, HistoryError, OSError) as error:
            why = str(error)
            if isinstance(error, OSError):
                why += "; fix: name a folder in `data` that this user may write, on a disk with room"
            elif isinstance(error, HistoryError):
                why += "; fix: free the disk if it is full, else put the backup of the data folder back"
            log.error("cannot_start", file=str(path), data=str(found.data), why=why)  # noqa: TRY400 no trace
            return _exit_code(error)
        if found.inventory is not None:
            _import(centre, found.inventory)
        return asyncio.run(serve(centre, mount, port))


async def serve(centre: Running, mount: Mount | None, port: socket.socket) -> int:
    """Serve on a bound port until a signal. Returns the exit code."""
    app = build_app(centre)
    if mount is not None:
        mount(app, centre)
    file = centre.config
    server = _Server(
        uvicorn.Config(
            app,
            ssl_certfile=file.tls_cert,
            ssl_keyfile=file.tls_key,
            access_log=False,
            log_level="warning",
            log_config=None,
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
    host, number = port.getsockname()[:2]
    scheme = "https" if file.tls_cert else "http"
    log.info(
        "collector_listens", url=f"{scheme}://{host}:{number}", data=str(file.data), sites=len(centre.inventory.sites)
    )
    try:
        await server.serve([port])
    finally:
        await centre.stop()
    log.info("collector_stopped")
    return 0


def bind(file: CollectorConfig) -> socket.socket:
    """The port, taken but not yet open: agents wait until the centre can answer. Raises `OSError`."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        file.host, file.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    port = socket.socket(family, kind, protocol)
    try:
        port.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port.bind(address)
    except OSError:
        port.close()
        raise
    return port


def _import(centre: Running, path: Path) -> None:
    """An inventory with errors changes nothing: the one in force stays."""
    with writing(centre.engine) as conn:
        taken, problems = inventory.import_file(conn, path, centre.now())
    _tell(problems)
    if taken is None:
        log.error("inventory_refused", file=str(path), in_force=centre.inventory.revision, fix="correct it, import it")


def _tell(problems: list[Problem]) -> None:
    language = language_of(os.environ.get("ROUNDSMAN_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG"))
    for problem in problems:
        level = 40 if problem.severity == "error" else 30
        log.log(level, "config", problem=problem.render(language))


def _exit_code(error: Exception) -> int:
    if isinstance(error, StoreTaken):
        return EXIT_TAKEN
    return EXIT_CONFIG if isinstance(error, StoreError) and not isinstance(error, StoreWaits) else EXIT_NOT_NOW


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn would raise them again when it has finished."""
        yield
