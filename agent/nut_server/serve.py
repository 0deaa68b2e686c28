"""The connections of `upsmon` and others: at most so many, no line longer than it may be, none that says nothing for long.

An address that is taken, or not ours yet, is tried again every few seconds and told once: the rounds go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from hmac import compare_digest

import structlog

from agent.backlog import Found
from agent.links.secrets import secret
from agent.nut_server.settings import NutSettings
from agent.nut_server.shown import Shown
from agent.nut_server.talk import LONGEST_LINE, Session
from model.secret import SecretError

log = structlog.get_logger()

MOST_CLIENTS = 100
#: Real seconds: a client that says nothing is let go; a wrong password is answered late; a taken port is tried again.
SILENT_S, WRONG_S, AGAIN_S = 300.0, 1.0, 5.0


class NutServer:
    """Serves what it hears. `hear` is called with whatever the rounds bring."""

    def __init__(self, settings: NutSettings, shown: Shown, descriptions: Mapping[str, str], version: str) -> None:
        self._settings = settings
        self._shown = shown
        self._descriptions = descriptions
        self._version = version
        self._sessions: dict[Session, str] = {}
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self.connections = self.logins = 0
        self.refused = 0  #: connections that were one too many, and logins with a wrong password

    @property
    def counts(self) -> dict[str, float]:
        """For the status and the metrics, since the start."""
        return {"nut.connections": self.connections, "nut.logins": self.logins, "nut.refused": self.refused}

    def hear(self, found: Iterable[Found]) -> None:
        """Take what a turn brought."""
        self._shown.hear(found, time.monotonic())

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set."""
        async with contextlib.AsyncExitStack() as open_:
            for host, port in self._settings.listen:
                server = await self._listen(host, port, stop)
                if server is None:
                    return
                open_.push_async_callback(_close, server)
                log.info("nut_served", at=f"{host}:{port}")
            await stop.wait()
        for writer in self._writers:
            writer.close()
        if self._tasks:  # each ends by itself, its client being gone
            await asyncio.wait(self._tasks, timeout=2 * WRONG_S)

    async def _listen(self, host: str, port: int, stop: asyncio.Event) -> asyncio.Server | None:
        told = False
        while not stop.is_set():
            try:
                return await asyncio.start_server(self._serve, host, port, limit=LONGEST_LINE)
            except OSError as error:
                if not told:
                    fix = "give [nut] listen another address, or stop the upsd that has this one"
                    log.error("nut_not_served", at=f"{host}:{port}", error=str(error), fix=fix)  # noqa: TRY400 no trace
                    told = True
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), AGAIN_S)
        return None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._sessions) >= MOST_CLIENTS:
            self.refused += 1
            writer.close()
            return
        peer = writer.get_extra_info("peername")
        session = Session(self._shown, self._may, self._clients, self._descriptions, self._version)
        self.connections += 1
        self._sessions[session] = str(peer[0]) if peer else "?"
        self._writers.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        try:
            await self._talk(session, reader, writer)
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            pass  # gone, or it says lines that are none
        finally:
            self._sessions.pop(session, None)
            self._writers.discard(writer)
            writer.close()

    async def _talk(self, session: Session, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(SILENT_S):
                line = await reader.readline()
            if not line.endswith(b"\n"):
                return
            reply = session.hear(line.decode("utf-8", "replace"), time.monotonic())
            self.logins += bool(session.login) and reply.lines == ("OK",)
            if reply.slow:
                self.refused += 1
                log.warning("nut_login_refused", user=session.user, client=self._sessions.get(session))
                await asyncio.sleep(WRONG_S)
            writer.write("".join(f"{line}\n" for line in reply.lines).encode())
            async with asyncio.timeout(SILENT_S):
                await writer.drain()
            if reply.close:
                return

    def _clients(self, ups: str) -> list[str]:
        return [peer for session, peer in self._sessions.items() if session.login == ups]

    def _may(self, name: str, password: str) -> bool:
        """Whether a user of the file has this password."""
        user = next((user for user in self._settings.users if user.name == name), None)
        if user is None:
            return False
        try:
            return compare_digest(secret(user.password).encode(), password.encode())
        except SecretError as error:
            log.error("nut_password_missing", user=name, error=str(error))  # noqa: TRY400 no trace
            return False


async def _close(server: asyncio.Server) -> None:
    server.close()
