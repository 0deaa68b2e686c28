"""The door at which `roundsman agent status` asks a running agent: a Unix socket beside the spool.

Whoever opens it is told everything at once, as lines of JSON (`agent.status`), and nothing is read from him. Only the
agent's own user may open it (mode 0600). A socket's path may have 108 characters at the most: both sides go through
/proc/self/fd/N/NAME, where N is the open folder, so that the spool may lie as deep as it likes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from agent import status
from agent.status import Status

log = structlog.get_logger()

#: Real seconds: a reader who takes longer is let go; a door that cannot be opened is tried again.
READER_S, AGAIN_S = 5.0, 30.0
_MOST_BYTES = 64 * 1024 * 1024


class NoAgent(Exception):
    """Nobody answers at the door: no agent runs with this spool."""


def door_of(spool: Path) -> Path:
    """Where the door of the agent with this spool is."""
    return spool.with_name(spool.name[:80] + ".status")


async def serve(path: Path, snapshot: Callable[[], Awaitable[Status]], stop: asyncio.Event) -> None:
    """Answer until `stop` is set. The caller holds the spool's lock, so that an old socket is nobody's."""

    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(READER_S):
                writer.write(status.dump(await snapshot()))
                await writer.drain()
        writer.close()

    told = False
    while not stop.is_set():
        try:
            opened = _open(path)
        except OSError as error:
            if not told:
                log.warning(
                    "status_door_closed", path=str(path), error=str(error), fix="nothing but `agent status` needs it"
                )
            told = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), AGAIN_S)
            continue
        server = await asyncio.start_unix_server(tell, sock=opened)
        await stop.wait()
        server.close()
        _clear(path)


def fetch(path: Path) -> Status:
    """What the running agent says of itself. Raises `NoAgent`, `OSError` and `msgspec.DecodeError`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(2 * READER_S)
        try:
            with _short(path) as short:
                asking.connect(short)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NoAgent(str(path)) from error
        said = bytearray()
        while len(said) < _MOST_BYTES and (more := asking.recv(65536)):
            said += more
    return status.load(bytes(said))


def _clear(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()


def _open(path: Path) -> socket.socket:
    _clear(path)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short(path) as short:
            door.bind(short)
        path.chmod(0o600)  # before anyone can come in: nothing listens yet
        door.listen(8)
        door.setblocking(False)
    except OSError:
        door.close()
        raise
    return door


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The same place by a short path, for as long as it is needed."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
