"""The sender of a centre, alone in a process that can be killed: `python -m tests.journeys.mirror_sender CONFIG`.

Everything is loaded once; a line on stdin forks a sender and answers with its process id, the
next line buries the dead. So a kill -9 costs
milliseconds, and what dies is a whole process with its connections and its half-done transactions.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from desk import messages_listen, outbox
from desk.connectors import http, open_connector, settings
from tests.desk.stage import engine


async def send(config: dict[str, Any]) -> None:
    """Deliver and listen until killed, as collector.upkeep does."""
    made = engine(Path(config["database"]))
    lock = asyncio.Lock()

    async def transact(work: Callable[[sa.Connection], Any]) -> Any:
        def run() -> Any:
            with made.begin() as conn:
                return work(conn)

        async with lock:
            return await asyncio.to_thread(run)

    ways = [open_connector(settings(**each), config["secrets"].get, str) for each in config["connectors"]]
    pace = outbox.Pace(idle_s=0.02, first_s=0.02, most_s=0.1)

    def now() -> int:
        return int(config["now"])

    await asyncio.gather(
        outbox.deliver(made, transact, ways, now, pace), messages_listen.listen(made, transact, ways, now, {})
    )


def main() -> None:
    http._trust()  # slow to load: once, before the first fork
    config = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    while sys.stdin.readline():
        child = os.fork()
        if child == 0:
            os.setsid()
            asyncio.run(send(config))
            os._exit(0)
        print(child, flush=True)
        sys.stdin.readline()  # the process id stays taken until nobody would kill by it any more
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
