"""The owner of one line: one request at a time, and only here are bytes taken off the wire."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from agent.drivers.exchange import Answer, Failure, Request
from agent.links.port import PortGone
from agent.profiles.form import Profile
from model.reading import GapCause


class Link(ABC):
    """A line to one or more devices. `ask` never raises for what a device or a port does."""

    #: How often a request is repeated when there is no valid answer.
    retries = 1

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        #: What `asking` has settled about the device behind this line: device -> profiles.
        self.settled: dict[str, tuple[Profile, ...]] = {}

    async def ask(self, request: Request) -> Answer | Failure:
        """The answer to a request, or why there is none."""
        async with self._turn:
            failure = Failure(cause=GapCause.NO_ANSWER)
            for _ in range(1 + self.retries):
                try:
                    answer = await self._once(request)
                except PortGone as gone:
                    return Failure(cause=GapCause.NO_ANSWER, raw=str(gone)[:200])
                if not isinstance(answer, Failure) or answer.cause in (GapCause.REFUSED, GapCause.STALE):
                    return answer
                failure = answer
            return failure

    @abstractmethod
    async def _once(self, request: Request) -> Answer | Failure:
        """One attempt. Raises PortGone when the port is missing or breaks."""

    @abstractmethod
    def close(self) -> None:
        """Give the line up."""
