"""kill -9 at a chosen instant of work on a database: before each statement that begins, writes or ends something.

Between two such statements neither the database nor the world outside changes, so a kill before a SELECT is the same kill.

The work runs in a fork, which kills itself; what it had open is gone as after a power cut of the program.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

import sqlalchemy as sa


def killed_at(point: int, make: Callable[[], sa.Engine], work: Callable[[sa.Engine], object]) -> bool:
    """Do `work` on a fresh engine and die at the `point`-th instant (from 1); False when the work was done before it."""
    child = os.fork()
    if child == 0:
        try:
            engine = make()
            _arm(engine, point)
            work(engine)
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, f"died of signal {os.WTERMSIG(status)}"
        return True
    assert os.WEXITSTATUS(status) == 0, "the work itself failed: its traceback stands above"
    return False


def _arm(engine: sa.Engine, point: int) -> None:
    left = [point]

    def instant(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def statement(_conn: object, _cursor: object, sql: str, *_: object) -> None:
        if not sql.startswith(("SELECT", "PRAGMA")):
            instant()

    sa.event.listen(engine, "before_cursor_execute", statement)
    sa.event.listen(engine, "commit", instant)
