"""The rounds: one task a link, so that a dead device slows no other link.

Rules. A task asks one device at a time, in the order that `agent.schedule` gives; what comes back goes to the
backlog at once, less the absences that were told before (`agent.quiet`). A whole device that gave nothing is one
gap, each time it was asked for its status; a slower tier that gave nothing is a gap of that round, for the device
may well be alive. A silent device is probed: one attempt, and on a shared line no longer than a few times the
slowest answer that it ever gave. What a turn cost is what the link booked, not what the clock says.
A fault of our own in a driver ends that one turn, not the link: it is logged with its trace and told to the centre as a gap.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from agent import address
from agent.asking import ask_device
from agent.backlog import Found
from agent.config import Pace, WatchedDevice
from agent.links import Link
from agent.links.account import Counts
from agent.profiles import Tier
from agent.quiet import Quiet
from agent.schedule import LinkSchedule, Pauses, Standing, Turn
from agent.ticker import Ticker
from agent.urgency import Alarms, Urgency
from agent.whole import Whole
from model.reading import Gap, GapCause, Reading
from model.timescale import TimeScale

log = structlog.get_logger()

#: Story seconds after which a silent device is asked again at the latest, but for what it cost: on a shared line, behind
#: a network address of its own, and on a serial line of its own.
SILENT_SHARED_S = 10.0
SILENT_NETWORK_S = 10.0
SILENT_ALONE_S = 4.0
#: Story seconds for which a device that fell silent on battery is asked as often as its status.
LAST_WORDS_S = 600.0
#: Story seconds between two battery turns of a network device; a serial line has its own pace.
BATTERY_NETWORK_S = 1.0
#: Real seconds: no device is asked in a tighter loop than this, however fast the story runs.
LEAST_S = 0.02
#: A probe waits so many times the slowest answer that the device ever gave, and never less than this.
PROBE_TIMES, PROBE_LEAST_S = 3.0, 0.1
#: Real seconds between two looks for a port that is gone.
LOOK_S = 0.25
_TRIP = "device.round_trip"


class Ask(Protocol):
    """How one device is asked one tier, once: `agent.asking.ask_device`, with the link and profile bound."""

    async def __call__(self, device: WatchedDevice, tier: Tier) -> Sequence[Found]: ...


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn brought."""

    found: Sequence[Found]
    answered: bool


class Heard(msgspec.Struct, kw_only=True):
    """What the rounds know of one device, for the status. Times are real monotonic seconds."""

    alarms: Alarms
    answered_at: float | None = None
    silent_since: float | None = None
    took_s: float | None = None  #: its last answered status turn


def asker(link: Link, now: Callable[[], int]) -> Ask:
    """Ask over a real link."""

    def ask(device: WatchedDevice, tier: Tier) -> Coroutine[Any, Any, Sequence[Found]]:
        return ask_device(link, device.id, device.url, device.profile, tier, now)

    return ask


def pauses(pace: Pace, scale: TimeScale, devices: Sequence[WatchedDevice]) -> Pauses:
    """The pace of the file (story seconds) in real seconds, for the devices of one link."""
    serial = all(device.url.scheme in address.SERIAL for device in devices)
    silent_s = SILENT_SHARED_S if len(devices) > 1 else SILENT_ALONE_S if serial else SILENT_NETWORK_S
    return Pauses(
        status_s=scale.real_seconds(pace.status_s),
        measure_s=scale.real_seconds(pace.measure_s),
        identity_s=scale.real_seconds(pace.identity_s),
        battery_s=0.0 if serial else scale.real_seconds(BATTERY_NETWORK_S),
        silent_s=scale.real_seconds(silent_s),
        last_words_s=scale.real_seconds(LAST_WORDS_S),
        floor_s=max(pace.floor_s, LEAST_S),
    )


def spread(devices: Sequence[WatchedDevice]) -> float:
    """Where in its pause a device that is alone on its line has its turn: not all of a fleet at one instant."""
    return zlib.crc32(devices[0].id.encode()) / 2**32 if len(devices) == 1 else 0.0


class LinkRounds:
    """The rounds of one link. `run` does them; the rest may be asked at any time from the same loop."""

    def __init__(
        self,
        devices: Sequence[WatchedDevice],
        ask: Ask,
        pace: Pauses,
        take: Callable[[Sequence[Found]], None],
        now: Callable[[], int],
        link: Link | None = None,
        ticker: Ticker | None = None,
    ) -> None:
        self.devices = {device.id: device for device in devices}
        self.heard = {id: Heard(alarms=Alarms()) for id in self.devices}
        self.link = link
        self._ticker = ticker
        self.began = time.monotonic()
        self._ask = ask
        self._take = take
        self._now = now
        self._quiet = Quiet()
        self._schedule = LinkSchedule([*self.devices], pace, self.began, spread(devices))
        self._asleep: asyncio.Future[None] | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until `stop` is set; a turn that is under way is finished."""
        watching = asyncio.create_task(stop.wait())
        watching.add_done_callback(lambda _: self.wake())
        try:
            await self.run_woken(stop)
        finally:
            watching.cancel()

    async def run_woken(self, stop: asyncio.Event) -> None:
        """The same without a task that watches `stop`: whoever sets it calls `wake` too."""
        while not stop.is_set():
            turn = self._schedule.next(time.monotonic())
            if isinstance(turn, float):
                await self._sleep(turn if self.link is None or not self.link.gone else self._look_for(self.link, turn))
            else:
                await self._take_turn(turn)

    def nudge(self, device: str, tier: Tier = Tier.STATUS, due: float = 0.0) -> None:
        """Have a turn of a device due by `due` (real monotonic seconds), at once by default."""
        self._schedule.nudge(device, tier, max(due, time.monotonic()))
        self.wake()

    def standing(self, device: str) -> Standing:
        """How a device stands in the schedule."""
        return self._schedule.standing(device)

    @property
    def round_s(self) -> float:
        """Real seconds that it takes to ask every device for its status once, by the last round of each."""
        return sum(heard.took_s or 0.0 for heard in self.heard.values())

    async def _take_turn(self, turn: Turn) -> None:
        device, link = self.devices[turn.device], self.link
        began = time.monotonic()
        counts = link.account.of(device.id) if link else Counts()
        booked, failed = counts.airtime_s, counts.timeouts + counts.garbled
        was_gone = link is not None and bool(link.gone)
        self._prepare(turn)
        outcome = await _one(device, turn, self._ask, self._now)
        now = time.monotonic()
        self._take(self._quiet.sift(outcome.found))
        is_gone = link is not None and bool(link.gone)
        if was_gone and not is_gone:
            log.info("port_back", device=device.id)
            self._schedule.port_back(now)
        self._schedule.done(
            turn,
            answered=outcome.answered,
            began=began,
            now=now,
            urgency=self._urgency(turn, outcome),
            cost=counts.airtime_s - booked if link else None,
            gone=is_gone,
            empty=turn.tier is Tier.BATTERY and _empty(outcome.found),
            lossy=counts.timeouts + counts.garbled > failed,
        )
        self._hear(turn, outcome, began, now)

    def _prepare(self, turn: Turn) -> None:
        """How patient the link shall be in this turn."""
        if self.link is None:
            return
        self.link.probing = turn.probe
        self.link.deadline_s = None
        if not turn.probe:
            return
        slowest_s = self.link.account.of(turn.device).slowest_s
        if not turn.full and len(self.devices) > 1 and slowest_s > 0:
            self.link.deadline_s = max(PROBE_LEAST_S, PROBE_TIMES * slowest_s)

    def _urgency(self, turn: Turn, outcome: Round) -> Urgency | None:
        if not outcome.answered or turn.tier is not Tier.STATUS:
            return None
        found = outcome.found
        at = found.ended if type(found) is Whole else self._now()
        return self.heard[turn.device].alarms.heard(found, at)

    def _hear(self, turn: Turn, outcome: Round, began: float, now: float) -> None:
        """Keep what the status shows, and log a device that falls silent or answers again."""
        heard = self.heard[turn.device]
        if outcome.answered:
            heard.answered_at = now
            if turn.tier is Tier.STATUS:
                heard.took_s = now - began
        silent = self._schedule.missed(turn.device) > 0
        if silent and heard.silent_since is None:
            heard.silent_since = began
            why = next((one.raw for one in outcome.found if isinstance(one, Gap) and one.raw), "no answer in time")
            log.warning("device_silent", device=turn.device, why=why)
        elif not silent and heard.silent_since is not None:
            heard.silent_since = None
            if outcome.answered:
                log.info("device_answers", device=turn.device)

    def _look_for(self, link: Link, until: float) -> float:
        """Until when to sleep while the port is gone: a plugged-in adapter waits for nobody's turn."""
        now = time.monotonic()
        if link.returned():
            self._schedule.port_back(now)
            return now
        return min(until, now + LOOK_S)

    async def _sleep(self, until: float) -> None:
        loop = asyncio.get_running_loop()
        self._asleep = loop.create_future()
        if self._ticker is not None:
            self._ticker.wake(until, self.wake)
            await self._asleep
            self._asleep = None
            return
        alarm = loop.call_later(max(until - time.monotonic(), 0.0), self.wake)
        try:
            await self._asleep
        finally:
            alarm.cancel()
            self._asleep = None

    def wake(self) -> None:
        """End a sleep before its time."""
        if self._asleep is not None and not self._asleep.done():
            self._asleep.set_result(None)


class Nudges:
    """The way from whoever learns of a device in another way than by asking (a trap) to the rounds of its link."""

    def __init__(self) -> None:
        self._rounds: dict[str, LinkRounds] = {}

    def serve(self, rounds: LinkRounds) -> None:
        """Nudges for the devices of these rounds go there from now on."""
        self._rounds.update(dict.fromkeys(rounds.devices, rounds))

    def nudge(self, device: str, tier: Tier = Tier.STATUS, due: float = 0.0) -> None:
        """Have a turn of a device due by `due` (real monotonic seconds), at once by default. The caller sees to it that
        this is not done too often; a device that nobody asks is let go."""
        rounds = self._rounds.get(device)
        if rounds:
            rounds.nudge(device, tier, due)


async def poll_link(
    devices: Sequence[WatchedDevice],
    ask: Ask,
    pace: Pauses,
    take: Callable[[Sequence[Found]], None],
    now: Callable[[], int],
    stop: asyncio.Event,
    nudges: Nudges | None = None,
) -> None:
    """Ask the devices of one link until `stop` is set; a turn that is under way is finished."""
    rounds = LinkRounds(devices, ask, pace, take, now)
    if nudges:
        nudges.serve(rounds)
    await rounds.run(stop)


async def _one(device: WatchedDevice, turn: Turn, ask: Ask, now: Callable[[], int]) -> Round:
    began = time.monotonic()
    try:
        found = await ask(device, turn.tier)
    except Exception as error:  # supervisor: a fault in one driver must not silence its link
        log.exception("turn_failed", device=device.id, tier=str(turn.tier))
        raw = f"{type(error).__name__}: {error}"[:200]
        gap = Gap(device=device.id, point=None, index=None, at=now(), cause=GapCause.GARBLED, raw=raw)
        return Round(found=[gap], answered=False)
    whole = type(found) is Whole
    answered = whole or not any(type(one) is Gap and _silent(one) for one in found)
    if turn.tier is not Tier.STATUS:
        found = found if whole else [_of_round(one, turn.tier) for one in found]
    elif answered and found:
        spent_s = time.monotonic() - began
        if device.url.scheme not in address.REACH:  # those measured it themselves
            found = _timed(found, spent_s, device.id, now)
    return Round(found=found, answered=answered)


def _timed(found: Sequence[Found], spent_s: float, device: str, now: Callable[[], int]) -> Sequence[Found]:
    """A turn with how long it took."""
    value = int(spent_s * 10_000 + 0.5) / 10_000  # a fifth of what round() costs
    if type(found) is Whole:
        return found.with_last(_TRIP, value)
    return [*found, Reading(device=device, point=_TRIP, index=None, at=now(), value=value)]


def _silent(one: Gap) -> bool:
    return one.point is None and one.cause is GapCause.NO_ANSWER


def _of_round(one: Found, tier: Tier) -> Found:
    """The silence of a slower tier is told as a round that did not end, not as a silent device."""
    if isinstance(one, Gap) and _silent(one):
        return msgspec.structs.replace(one, point="device.round_trip", where=f"{tier} tier")
    return one


def _empty(found: Iterable[Found]) -> bool:
    """Whether a device has nothing of what was asked."""
    return all(isinstance(one, Gap) and one.cause is GapCause.NOT_SUPPORTED for one in found)
