"""The owner of one SNMP agent: what drivers ask becomes as few datagrams as it bears, what goes wrong becomes a failure.

Rules. A get of a healthy device is one datagram each way. One that comes back empty was refused (too big, or one
variable that the agent chokes on; v1 refuses all for one that is absent): it is asked for in halves, and what is alone
to blame is left out for a while, so one bad variable loses no other. A living device that leaves a long get unanswered
is asked for less at once, and in time for more again (`snmp_reach`). A round has a budget: what is not asked within it
is a gap, what came before is kept. Keys that vanish from a get are simply absent from the answer.

    snmp_session  a socket     snmp_dial  opening it     snmp_usm, snmp_user  v3     snmp_talk  one exchange with repeats
"""

from __future__ import annotations

import time
from collections.abc import Callable

from agent.drivers.exchange import Answer, Failure, GetVariables, Request, Variable, Variables, WalkVariables
from agent.links.owner import Link
from agent.links.snmp_dial import Dial
from agent.links.snmp_engines import Engines
from agent.links.snmp_reach import Reach
from agent.links.snmp_talk import TOO_BIG, Talk
from agent.links.snmp_user import Credentials
from agent.links.snmp_usm import Engine
from agent.links.snmp_walk import Walker
from model.reading import GapCause
from model.secret import SecretError

#: Variables a get may hold at first and at most; those of the second attempt at an agent that never answered.
_FIRST, _MOST, _FEWEST = 32, 64, 8
#: Real seconds: how long a variable that was refused is left out; time-outs that a round, and a walk in it, may last.
_LEFT_OUT_S = 600.0
ROUND_TIMEOUTS, LEAST_ROUND_S = 20, 10.0


class SnmpLink(Link):
    """One agent on one address. Repeats by itself, packet by packet."""

    retries = 0

    def __init__(
        self,
        host: str,
        port: int,
        version: str,
        community: Callable[[], str],
        timeout_s: float,
        *,
        user: Credentials | None = None,
        budget_s: float = 0.0,
        engines: Engines | None = None,
    ) -> None:
        super().__init__()
        self._timeout_s = timeout_s
        self.budget_s = budget_s or max(LEAST_ROUND_S, ROUND_TIMEOUTS * timeout_s)
        self._talk = Talk(Dial(host, port, version, community, user), timeout_s)
        self._talk.on_engine = self._met
        self._engines = engines if engines is not None else Engines()
        self._walker = Walker(self._talk, bulk=version != "1")
        self.variables = Reach(_FIRST, _MOST)
        self._left_out: dict[str, float] = {}

    @property
    def engine(self) -> Engine | None:
        """What is known of the device's v3 engine; None for v1 and v2c."""
        return self._talk.dial.engine if self._talk.dial.version == "3" else None

    @property
    def engine_boots(self) -> int | None:
        """How often the device's SNMPv3 engine has started."""
        engine = self.engine
        return engine.boots if engine is not None and engine.id else None

    @property
    def sharers(self) -> tuple[str, ...]:
        """Other devices with the same v3 engine id."""
        engine = self.engine
        return self._engines.others(engine.id, self._talk.dial.place) if engine is not None and engine.id else ()

    def begin(self, device: str) -> None:
        """A round of a device begins, with a whole budget."""
        super().begin(device)
        self._talk.until = time.monotonic() + self.budget_s

    async def ask(self, request: Request) -> Answer | Failure:
        """The answer to a request, or why there is none."""
        await self._turn.acquire()
        try:
            talk = self._talk
            counts = talk.counts = self.account.of(self.device)
            talk.patience_s = self._timeout_s if self.deadline_s is None else self.patience_s(self._timeout_s)
            began = time.monotonic()
            try:
                answer = await (self._get_all(request.oids) if type(request) is GetVariables else self._once(request))
            except SecretError as error:
                answer = Failure(cause=GapCause.NO_ANSWER, raw=str(error)[:200])
            finally:
                spent_s = time.monotonic() - began
                counts.airtime_s += spent_s
            if not isinstance(answer, Failure) and spent_s > counts.slowest_s:
                counts.slowest_s = spent_s
            self.ring.exchanged(self.device, request, answer)
            return answer
        finally:
            self._turn.release()

    async def _once(self, request: Request) -> Answer | Failure:
        if isinstance(request, GetVariables):
            return await self._get_all(request.oids)
        assert isinstance(request, WalkVariables)
        return await self._walker.walk(request, self.budget_s)

    async def _get_all(self, oids: tuple[str, ...]) -> Variables | Failure:
        if self._left_out:
            oids = self._asked(oids)
        if len(oids) <= self.variables.size and self._talk.answered:
            whole = await self._talk.swap(lambda session: session.many(oids), 1 if self.probing else 2)
            if type(whole) is not dict or not whole:
                whole = await self._seen(oids, whole, split=False)
                if isinstance(whole, Failure):
                    return whole
            self.variables.worked(len(oids))
            # Told in the words of the request: who compares names or looks them up does so by identity.
            return Variables(dict(zip(oids, whole.values(), strict=True)) if tuple(whole) == oids else whole)
        return await self._in_parts(oids)

    async def _in_parts(self, oids: tuple[str, ...]) -> Variables | Failure:
        """More than one get's worth, or an agent that never answered: first find out that it is there at all."""
        values: dict[str, Variable] = {}
        done = 0
        while done < len(oids):
            part = oids[done : done + self.variables.size]
            known = self._talk.answered
            few = not known and len(part) > _FEWEST and not self.probing
            answer = await self._get(part, 1 if few or self.probing else 2, split=bool(values))
            if few and isinstance(answer, Failure) and answer.cause is not GapCause.REFUSED:
                answer = await self._get(part := part[:_FEWEST], 1)
                if not isinstance(answer, Failure):
                    self.variables.failed(2 * _FEWEST)
            if isinstance(answer, Failure):
                return Variables(values, cut=answer) if values else answer
            self.variables.worked(len(part))
            values.update(answer)
            done += len(part)
        return Variables(values)

    async def _get(self, oids: tuple[str, ...], tries: int, *, split: bool = False) -> dict[str, Variable] | Failure:
        """A get. One that is refused, or (`split`) left unanswered by a living device, is asked for in halves."""
        answer = await self._talk.swap(lambda session: session.many(oids), tries)
        return await self._seen(oids, answer, split=split)

    async def _seen(
        self, oids: tuple[str, ...], answer: dict[str, Variable] | Failure, *, split: bool
    ) -> dict[str, Variable] | Failure:
        if isinstance(answer, Failure):
            if answer is not TOO_BIG and (not split or answer.cause is GapCause.REFUSED):
                return answer
            if len(oids) == 1:
                return answer
        elif answer:
            return answer
        elif len(oids) == 1:
            self._left_out[oids[0]] = time.monotonic() + _LEFT_OUT_S
            return {}
        return await self._halves(oids, split=split)

    async def _halves(self, oids: tuple[str, ...], *, split: bool) -> dict[str, Variable] | Failure:
        middle = len(oids) // 2
        values: dict[str, Variable] = {}
        blamed = len(self._left_out)
        for half in (oids[:middle], oids[middle:]):
            part = await self._get(half, 1, split=split)
            if isinstance(part, Failure):
                return part
            values.update(part)
        if len(self._left_out) == blamed:
            self.variables.failed(len(oids))  # nothing in it is to blame: there was too much of it
        return values

    def _asked(self, oids: tuple[str, ...]) -> tuple[str, ...]:
        """Without what was refused a short while ago."""
        now = time.monotonic()
        self._left_out = {oid: until for oid, until in self._left_out.items() if until > now}
        return tuple(oid for oid in oids if oid not in self._left_out) or oids[:1]

    def _met(self, _resynced: bool) -> None:
        dial = self._talk.dial
        shared = self._engines.met(dial.engine.id, dial.place, self.device)
        if shared:
            self.tell({"engine_shared": ", ".join(shared), "engine_id": dial.engine.id.hex()})

    def close(self) -> None:
        """Give the socket up."""
        self._talk.close()
