"""A walk: every variable below a root, in packets as long as the agent bears, bounded in rows and time.

Rules. Each packet goes on from the last row seen, so a lost one costs itself and not the walk. An empty bulk answer is
the end of the MIB or a refusal (the library does not tell): getnext decides, and a root that truly ends there is
remembered. A row that was seen before ends the walk: some agents go in circles. What was collected before a failure is
kept, with the failure beside it. Version 1 has no bulk: row by row.
"""

from __future__ import annotations

import time
from functools import partial

from gufo.snmp._fast import GetIter

from agent.drivers.exchange import Failure, Variable, Variables, WalkVariables
from agent.links.snmp_reach import Reach
from agent.links.snmp_session import Session, Swap
from agent.links.snmp_talk import Talk
from model.reading import GapCause

MOST_ROWS = 50_000
#: Attempts with a packet before a shorter one is tried, and how many lengths are tried.
_TRIES, _LENGTHS = 2, 3
_FIRST, _LONGEST = 25, 60


class Walker:
    """Walks of one agent."""

    def __init__(self, talk: Talk, *, bulk: bool) -> None:
        self._talk = talk
        self._bulk = bulk
        self.rows = Reach(_FIRST, _LONGEST)
        self._ends: set[str] = set()  #: roots behind which nothing stands, as getnext said

    async def walk(self, request: WalkVariables, budget_s: float) -> Variables | Failure:
        """Every variable below the root, or the first `limit`; or why there is none."""
        values: dict[str, Variable] = {}
        most = request.limit or MOST_ROWS
        until = time.monotonic() + budget_s
        last, failures = request.root, 0
        while len(values) < most:
            count = min(self.rows.size, most - len(values)) if self._bulk else 1
            packet = await self._packet(request.root, last, count, _TRIES if not failures else 1)
            if isinstance(packet, Failure):
                failures += 1
                if packet.cause is not GapCause.REFUSED and count > 1 and failures < _LENGTHS:
                    self.rows.failed(count)
                    continue
                return Variables(values, cut=packet) if values else packet
            rows, ended = packet
            failures = 0
            if count > 1:
                self.rows.worked(count)
            before = len(values)
            for oid, value in rows:
                ended = ended or oid in values
                values.setdefault(oid, value)
                last = oid
            if ended or len(values) == before:
                break
            if time.monotonic() > until:
                spent = Failure(cause=GapCause.NO_ANSWER, raw=f"the walk took longer than {budget_s:g} s")
                return Variables(values, cut=spent)
        return Variables(values)

    async def _packet(
        self, root: str, last: str, count: int, tries: int
    ) -> tuple[list[tuple[str, Variable]], bool] | Failure:
        """(rows, whether they are the last) behind a place."""
        if count > 1:
            found = await self._talk.swap(partial(_bulk, last, root, count), tries)
            if isinstance(found, Failure):
                return found
            if found is not None:
                return [row for row in found if row is not None], found[-1] is None
            if root in self._ends:
                return [], True
        one = await self._talk.swap(partial(_next, last, root), tries)
        if isinstance(one, Failure):
            return one
        if one is None:
            if count > 1:
                self._ends.add(root)
            return [], True
        if count > 1:
            self.rows.failed(count)  # it answers getnext, but not this bulk
        return [one], False


def _bulk(last: str, root: str, count: int, session: Session) -> Swap:
    wire = session.wire
    return partial(wire.send_get_bulk, GetIter(last, count)), partial(wire.recv_get_bulk, GetIter(root, count))


def _next(last: str, root: str, session: Session) -> Swap:
    wire = session.wire
    return partial(wire.send_get_next, GetIter(last)), partial(wire.recv_get_next, GetIter(root))
