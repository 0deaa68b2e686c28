"""The owner of one line: one request at a time, and only here are bytes taken off the wire."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod

import structlog

from agent.counters import Counters
from agent.drivers.exchange import Answer, Failure, Request
from agent.learning import Learned
from agent.links.account import Account
from agent.links.port import PortGone
from agent.links.ring import Ring
from agent.profiles.form import Profile, Tier
from model.reading import GapCause

log = structlog.get_logger()


class Link(ABC):
    """A line to one or more devices. `ask` never raises for what a device or a port does."""

    #: How often a request is repeated when there is no valid answer.
    retries = 1

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        #: What `asking` has settled about the device behind this line: device -> profiles.
        self.settled: dict[str, tuple[Profile, ...]] = {}
        #: What `agent.learning` knows of refusals: (device, profile, tier) -> how that is asked.
        self.learned: dict[tuple[str, str, Tier], Learned] = {}
        #: The device for which the line is asked just now; whoever asks says so first.
        self.device = ""
        self.account = Account()
        self.ring = Ring()
        #: Set around the turn of a device that is silent: one attempt, and no longer than so many real seconds.
        self.probing = False
        self.deadline_s: float | None = None
        #: Why the port itself is not there, and since when (monotonic); "" while it is.
        self.gone = ""
        self.gone_since = 0.0

        self.counters = Counters()
        #: What the line found out about the device it is asked for, to travel as `state_changed` events with its answers.
        self.told: list[dict[str, str | int | float]] = []

    @property
    def engine_boots(self) -> int | None:
        """How often the device's SNMPv3 engine has started; None where there is none or it is not known yet."""
        return None

    def begin(self, device: str) -> None:
        """A round of a device begins: what is asked from now on is asked for it."""
        self.device = device

    def tell(self, what: dict[str, str | int | float]) -> None:
        """Note something about the device, for the log and to travel with its answers."""
        log.warning("link_tells", device=self.device, **what)
        self.told.append(what)

    def patience_s(self, timeout_s: float) -> float:
        """How long to wait for an answer in this turn, where a live device has `timeout_s`."""
        return timeout_s if self.deadline_s is None else min(timeout_s, self.deadline_s)

    def forget(self) -> None:
        """Other devices may be behind the port now: what was settled and learned of them is void."""
        self.settled.clear()
        self.learned.clear()

    def returned(self) -> bool:
        """Whether the port that was gone is there again, as far as that can be seen without opening it."""
        return False

    async def ask(self, request: Request) -> Answer | Failure:
        """The answer to a request, or why there is none."""
        async with self._turn:
            counts = self.account.of(self.device)
            began = time.monotonic()
            try:
                for attempt in range(1 if self.probing else 1 + self.retries):
                    counts.retries += attempt > 0
                    counts.requests += 1
                    answer = await self._once(request)
                    self.gone = ""
                    if not isinstance(answer, Failure) or answer.cause in (GapCause.REFUSED, GapCause.STALE):
                        counts.replies += 1
                        break
                    counts.timeouts += answer.cause is GapCause.NO_ANSWER
                    counts.garbled += answer.cause is GapCause.GARBLED
            except PortGone as gone:
                answer = Failure(cause=GapCause.NO_ANSWER, raw=str(gone)[:200])
                self.gone_since = self.gone_since if self.gone else began
                self.gone = answer.raw
            finally:
                spent_s = time.monotonic() - began
                counts.airtime_s += spent_s
            if not isinstance(answer, Failure):
                counts.slowest_s = max(counts.slowest_s, spent_s)
            return answer

    @abstractmethod
    async def _once(self, request: Request) -> Answer | Failure:
        """One attempt. Raises PortGone when the port is missing or breaks."""

    @abstractmethod
    def close(self) -> None:
        """Give the line up."""
