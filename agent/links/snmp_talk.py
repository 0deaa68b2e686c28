"""One exchange with one SNMP agent, repeated where that helps, within the round's budget.

Rules. A time-out repeats the same datagram kind on the same socket (a late reply carries another request id and is
dropped); after `_STRANGE` failures in a row the socket and the resolved address go. v3: the repeat asks anew who the
engine is, for a rebooted or replaced one may be silent to what it does not know; a time window that was missed, or an
engine that changed, is put right within the same exchange, once, silently, and counted. "Connection refused" while a
daemon restarts is waited out, not believed at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog
from gufo.snmp import SnmpAuthError, SnmpEncodeError, SnmpError

from agent.drivers.exchange import Failure
from agent.links.account import Counts
from agent.links.snmp_dial import Dial
from agent.links.snmp_session import Garbled, Session, Swap
from agent.links.snmp_usm import WORDS, EngineChanged, Report
from model.reading import GapCause
from model.secret import SecretError

log = structlog.get_logger()

_STRANGE = 3
#: Of the time-out: the pause after "connection refused".
_REFUSED_PAUSE = 0.2
TOO_BIG = Failure(cause=GapCause.REFUSED, raw="too big to be asked at once")

#: How one attempt is made over a session.
Ask = Callable[[Session], Swap]
_SPENT = Failure(cause=GapCause.NO_ANSWER, raw="not asked: the time for this round is spent")


class Talk:
    """The session with one agent. `counts` is of the device that is asked just now."""

    def __init__(self, dial: Dial, timeout_s: float) -> None:
        self.dial = dial
        self.counts = Counts()
        self.answered = False  #: whether this agent ever answered, or not for the last failures
        self.patience_s = timeout_s
        self.until = float("inf")  #: monotonic end of the round's budget
        self.on_engine: Callable[[bool], None] = lambda _resynced: None
        self._session: Session | None = None
        self._failed = 0
        self._wary = 0

    async def swap(self, ask: Ask, tries: int) -> Any | Failure:
        """What the agent answered (None: there is no more), or why it did not. Raises SecretError."""
        failure = _SPENT
        counts, resynced, attempt = self.counts, False, 0
        while attempt < tries:
            began = time.monotonic()
            patience_s = min(self.patience_s, self.until - began)
            if patience_s <= 0:
                return failure
            counts.requests += 1
            counts.retries += attempt > 0
            try:
                try:
                    session = self._session or await self._open(patience_s)
                    answer = await session.exchange(*ask(session), patience_s)
                except (TimeoutError, OSError) as error:
                    if "refused" not in str(error):
                        raise
                    answer = await self._once_more(ask, error, began + patience_s, patience_s * _REFUSED_PAUSE)
            except (SnmpAuthError, EngineChanged) as error:
                report = Report.ENGINE if isinstance(error, EngineChanged) else self._report()
                if resynced or report not in (Report.ENGINE, Report.TIME_WINDOW):
                    counts.replies += 1
                    self._forget()
                    return Failure(cause=GapCause.REFUSED, raw=WORDS[report] if report else _NOT_ALLOWED)
                resynced = True
                self._resync(report)
                continue
            except SnmpEncodeError:
                counts.requests -= 1
                return TOO_BIG
            except SecretError:
                counts.requests -= 1
                raise
            except (TimeoutError, Garbled, SnmpError, OSError) as error:
                failure = self._note(error)
                attempt += 1
                if self.dial.usm is not None and attempt < tries:
                    self._forget()
                continue
            else:
                counts.replies += 1
                self._failed, self.answered = 0, True
                return answer
            finally:
                self._count()
        return failure

    def close(self) -> None:
        """Give the socket up."""
        self._forget()

    async def _once_more(self, ask: Ask, error: OSError, until: float, pause_s: float) -> Any:
        """The same attempt again while the connection is refused and there is time; raises the error where it is not that.

        gufo says "connection refused" as a TimeoutError when receiving, as an OSError when sending.
        """
        try:
            while "refused" in str(error) and time.monotonic() + pause_s < until:
                await asyncio.sleep(pause_s)
                try:
                    session = self._session or await self._open(until - time.monotonic())
                    return await session.exchange(*ask(session), max(until - time.monotonic(), 0.001))
                except (TimeoutError, OSError) as again:
                    error = again
            raise error
        finally:
            del error  # it remembers this frame: with itself in it, it would be a ring that keeps the socket open

    async def _open(self, timeout_s: float) -> Session:
        session = self._session = await self.dial.open(timeout_s)
        session.wary = self._wary
        if self.dial.usm is not None:
            self.on_engine(False)
        return session

    def _report(self) -> Report | None:
        return self.dial.usm.report if self.dial.usm else None

    def _resync(self, report: Report) -> None:
        """The engine is another one, or its clock is: go on with what it says now."""
        engine = self.dial.engine
        if report is Report.ENGINE:
            self._forget()
        else:
            engine.resyncs += 1
            self.on_engine(True)
        log.info("snmp_resync", address=self.dial.place, why=report.name.lower(), boots=engine.boots)

    def _note(self, error: Exception) -> Failure:
        """Count a failed attempt and say what it was."""
        why = self._why(str(error))
        self._failed += 1
        broken = isinstance(error, OSError) and not isinstance(error, TimeoutError)  # a TimeoutError is an OSError too
        if broken or self._failed % _STRANGE == 0:
            self._forget()
        if self._failed >= _STRANGE:
            self.answered = False
        if isinstance(error, Garbled):
            return Failure(cause=GapCause.GARBLED, raw=f"not SNMP: {error}"[:200])
        self.counts.timeouts += 1
        return Failure(cause=GapCause.NO_ANSWER, raw=why)

    def _why(self, said: str) -> str:
        """What silence may mean, as long as the agent never answered."""
        if said or self.answered:
            return said[:200]
        if self.dial.usm is None:
            return "never answered: " + _NEVER[self.dial.version == "1"]
        return _UNHEARD if self.dial.usm.discovering else _UNDECRYPTED

    def _count(self) -> None:
        session = self._session
        if session is not None and (session.dropped or session.garbage):
            self.counts.quarantined += session.dropped
            self.counts.garbled += session.garbage
            session.dropped = session.garbage = 0

    def _forget(self) -> None:
        if self._session is not None:
            self._count()
            self._wary = self._session.wary
            self._session.close()
            self._session = None


_NOT_ALLOWED = "access refused: this user or community may not read that, or not without auth and priv"
_UNHEARD = "never answered: address, or an agent without SNMPv3"
_UNDECRYPTED = "encryption not understood: the engine answers, but not this user's messages: priv_key or priv is wrong"
_NEVER = ("address or community, or an agent that only speaks v1 (version=1)", "address or community")
