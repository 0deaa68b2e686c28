"""From the spool to the collector: row by row, in order, for as long as it takes.

Rules. Only a 200 whose body names this very spool and row counts as kept: a captive portal's 200 does not. A
row that the centre calls no batch (400, 413) goes to the `rejected` table and the next follows. A wrong key
(401, 403) is told and tried again, for it may be enrolled at any time. All else is the network's fault:
the same row again, after 1 to 15 s. Confirmations are written in groups; one lost by a crash is sent
again, and the centre counts it once.

    POST {collector}/v1/batches    Authorization: Bearer KEY, X-Roundsman-Boot, X-Roundsman-At
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from enum import StrEnum

import httpx
import msgspec
import structlog

from agent.clock import AgentClock
from agent.config import AgentConfig
from agent.spool import Row, SpoolError
from agent.spooling import Spooling
from model.batch import CONTENT_TYPE
from model.secret import SecretError

log = structlog.get_logger()

#: Real seconds.
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
#: After an outage of the centre nobody waits longer than this; a fleet of 10,000 spreads over it by jitter.
LONGEST_PAUSE_S = 15.0
IDLE_S = 5.0
#: Rows sent between two looks at the spool; their confirmations are written together.
GROUP = 16


class Outcome(StrEnum):
    """What the centre's answer means for a row."""

    KEPT = "kept"
    NO_BATCH = "no_batch"
    KEY_REFUSED = "key_refused"
    AGAIN = "again"


class Receipt(msgspec.Struct, frozen=True):
    """The body of the centre's 200."""

    spool: str
    row: int


class _Wish(msgspec.Struct, frozen=True):
    wants: list[str] = []


def outcome_of(status: int, body: bytes, spool: str, row: int) -> Outcome:
    """What an answer means. Pure."""
    if status == httpx.codes.OK:
        try:
            receipt = msgspec.json.decode(body, type=Receipt)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Outcome.AGAIN
        return Outcome.KEPT if (receipt.spool, receipt.row) == (spool, row) else Outcome.AGAIN
    if status in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
        return Outcome.NO_BATCH
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return Outcome.KEY_REFUSED
    return Outcome.AGAIN


def wants_of(body: bytes) -> list[str]:
    """Devices whose line the centre wants recorded; none when it says nothing that can be read so. Pure.

    >>> wants_of(b'{"spool":"a","row":1,"wants":["sz/ups-1"]}'), wants_of(b'{"wants":7}')
    (['sz/ups-1'], [])
    """
    try:
        return msgspec.json.decode(body, type=_Wish).wants
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def pause_s(failures: int, jitter: float) -> float:
    """How long to wait after so many failures in a row; `jitter` 0..1 spreads the agents of a fleet.

    >>> pause_s(1, 1.0), pause_s(20, 1.0), pause_s(1, 0.0)
    (1.0, 15.0, 0.5)
    """
    return min(LONGEST_PAUSE_S, 2.0 ** min(failures - 1, 10)) * (0.5 + jitter / 2)


def tls(config: AgentConfig) -> ssl.SSLContext | bool:
    """How the collector proves itself: by the system's authorities, or by the file's own and none else."""
    return ssl.create_default_context(cafile=str(config.ca)) if config.ca else True


def client(config: AgentConfig) -> httpx.AsyncClient:
    """An HTTP client for this collector. Loopback never goes through a proxy, whatever the environment says."""
    return httpx.AsyncClient(verify=tls(config), timeout=TIMEOUT, trust_env=not config.loopback)


class Uplink:
    """Sends what the spool holds. `key` resolves the reference anew each time: enrolment may come later."""

    def __init__(
        self,
        config: AgentConfig,
        key: Callable[[], str],
        clock: AgentClock,
        spooling: Spooling,
        http: httpx.AsyncClient,
        wanted: Callable[[str], None] | None = None,
    ) -> None:
        self._url = config.collector.rstrip("/") + "/v1/batches"
        self._key = key
        self._clock = clock
        self._spooling = spooling
        self._http = http
        self._wanted = wanted
        self._settled: list[int] = []  # kept by the centre, not yet marked in the spool
        self._after = 0
        self._spool = ""
        self._turn = asyncio.Lock()  # one group at a time, or rows would leave out of order
        self._told = ""
        self.failures = 0

    async def run(self, written: asyncio.Event, stop: asyncio.Event) -> None:
        """Send until `stop` is set."""
        while not stop.is_set():
            written.clear()
            more = await self.send_group()
            if more and not self.failures:
                continue
            # After a failure new rows are no reason to hurry; only the end is.
            reasons = (stop,) if self.failures else (stop, written)
            pause = pause_s(self.failures, random.random()) if self.failures else IDLE_S
            await _any_of(reasons, pause)

    async def drain(self) -> None:
        """Send what is left, until there is nothing more or the first failure."""
        while await self.send_group() and not self.failures:
            pass

    async def send_group(self) -> bool:
        """Send the oldest rows in order up to the first that fails. Whether there may be more."""
        async with self._turn:
            return await self._send_group()

    async def _send_group(self) -> bool:
        try:
            rows = await self._next_rows()
            for row in rows:
                if not await self._send(row):
                    break
            await self._confirm()
        except SpoolError as error:
            self._fail("spool", str(error), "free the disk or let the agent write there")
            return False
        return len(rows) == GROUP

    async def _next_rows(self) -> list[Row]:
        spool, rows = await self._spooling.call(lambda s: (s.id, s.undelivered(self._after, GROUP)))
        if spool != self._spool:
            # Another file: its rows start anew, and what we settled in the old one is no longer ours to mark.
            self._spool, self._after, self._settled = spool, 0, []
            rows = await self._spooling.call(lambda s: s.undelivered(0, GROUP))
        return rows

    async def _confirm(self) -> None:
        if self._settled:
            spool, rows, at = self._spool, list(self._settled), self._clock.now()
            await self._spooling.call(lambda s: s.acknowledge(spool, rows, at))
            self._settled.clear()

    async def _send(self, row: Row) -> bool:
        """Send one row; True when it is settled, so that the next may follow."""
        try:
            key = self._key()
        except SecretError as error:
            self._fail("key", str(error), _ENROL)
            return False
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": CONTENT_TYPE,
            "X-Roundsman-Boot": self._clock.boot,
            "X-Roundsman-At": str(self._clock.now()),
        }
        try:
            answer = await self._http.post(self._url, content=row.packed, headers=headers)
        except httpx.HTTPError as error:
            self._fail("network", f"{type(error).__name__}: {error}", network_fix(str(error)))
            return False
        return await self._settle(row, outcome_of(answer.status_code, answer.content, self._spool, row.id), answer)

    async def _settle(self, row: Row, outcome: Outcome, answer: httpx.Response) -> bool:
        if outcome is Outcome.KEPT:
            self._settled.append(row.id)
            self._pass_on(answer.content)
        elif outcome is Outcome.NO_BATCH:
            spool, reason, at = self._spool, f"{answer.status_code} {answer.text[:400]}", self._clock.now()
            log.error("row_rejected", row=row.id, reason=reason)
            await self._spooling.call(lambda s: s.reject(spool, row.id, at, reason))
        else:
            self._fail(str(outcome), f"{answer.status_code} {answer.text[:200]}", _fix_of(outcome, answer.status_code))
            return False
        self._after = row.id
        self._recover()
        return True

    def _pass_on(self, body: bytes) -> None:
        for device in wants_of(body):
            if self._wanted:
                self._wanted(device)

    @property
    def waits_for(self) -> str:
        """Why nothing is delivered: network, key, spool, no_batch …; "" while it is."""
        return self._told

    def _fail(self, kind: str, detail: str, fix: str) -> None:
        self.failures += 1
        if self._told != kind or self.failures % 60 == 0:
            log.warning("uplink_waits", reason=kind, url=self._url, detail=detail, fix=fix, failures=self.failures)
        self._told = kind

    def _recover(self) -> None:
        if self.failures:
            log.info("uplink_sends_again", after_failures=self.failures)
        self.failures, self._told = 0, ""


def network_fix(error: str) -> str:
    """What to look at when the collector could not be spoken to."""
    if "CERTIFICATE_VERIFY_FAILED" in error:
        return (
            "name the centre's certificate or its authority in [agent] ca, and the host that stands in it in collector"
        )
    if "SSL" in error or "disconnected" in error:
        return "check http or https, host and port of [agent] collector"
    return "nothing if the collector is down for a while; else check [agent] collector and the network"


def _fix_of(outcome: Outcome, status: int) -> str:
    if outcome is Outcome.KEY_REFUSED:
        return _ENROL
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return "mend the collector; the rows wait here"
    return "check [agent] collector: what answers there is no collector"


_ENROL = "at the centre: roundsman enrol SITE; here: roundsman agent FILE --enrol CODE"


async def _any_of(events: tuple[asyncio.Event, ...], longest_s: float) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
