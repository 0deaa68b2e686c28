"""History in a server of its own (InfluxDB, VictoriaMetrics), fed behind the transaction.

A server that is down must delay neither an alert nor an agent. So for such a store the order is: ONE
transaction (delivery mark, kept bytes, findings, desk, outbox) -> answer, and the kept bytes are then
written to the server in the order of commitment. The cursor of what the server has moves only after the
server has it; a crash between the two writes the same points again, which changes nothing. Kept bytes
behind the cursor may be pruned, those ahead of it never are. The embedded history needs none of this: it
is written, and fsynced, before the transaction.

A server that was killed may have lost what it acknowledged and had not yet written (VictoriaMetrics: five
seconds). So at start, and after a failure, the cursor goes back over what was given shortly before.
"""

from __future__ import annotations

import sqlalchemy as sa
import structlog

from collector import pipeline
from collector.history import History, HistoryError
from collector.store import deliveries, forwarded, put_forwarded, writing
from collector.store.deliveries import KeptBatch
from model.batch import Batch, decode

#: Batches written to the server together.
_GROUP = 200
log = structlog.get_logger()


class Forwarder:
    """Moves kept batches to the server. Its `step` blocks: run it in a thread of its own."""

    def __init__(self, engine: sa.Engine, history: History, again_ms: int) -> None:
        """`again_ms`: how far back to begin anew after a failure, in the centre's time."""
        self._engine = engine
        self._history = history
        self._again_ms = again_ms
        self._whole = False  #: since the last failure, or the start, the server was given everything again

    def step(self) -> int:
        """Write what waits, some at a time, until nothing does; how many were written. Raises `HistoryError`."""
        if not self._whole:
            self._go_back()
        written = 0
        while True:
            with self._engine.connect() as conn:
                waiting = deliveries.kept_after(conn, forwarded(conn), _GROUP)
            if not waiting:
                return written
            try:
                self._history.write([_kept(one) for one in waiting])
            except HistoryError as error:
                self._whole = False
                raise HistoryError(f"{error} ({self.behind()} batches wait; alerts and tickets go on)") from error
            with writing(self._engine) as conn:
                put_forwarded(conn, waiting[-1].cursor)
            written += len(waiting)

    def _go_back(self) -> None:
        with writing(self._engine) as conn:
            cursor = forwarded(conn)
            put_forwarded(conn, deliveries.cursor_before(conn, cursor, self._again_ms))
        self._whole = True

    def behind(self) -> int:
        """How many kept batches the server does not have yet."""
        with self._engine.connect() as conn:
            return deliveries.kept_count(conn, forwarded(conn))


def _kept(one: KeptBatch) -> Batch:
    """The batch as intake let it in: refused readings are in quarantine, not in history."""
    return pipeline.take_in({}, decode(one.body), one.site, one.offset_ms, one.received_at).kept
