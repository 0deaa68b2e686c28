"""The rounds: one task a link, so that a dead device slows no other link.

Rules. A task asks one device at a time, in the order that `agent.schedule` gives; what comes back goes to the
backlog at once, less the absences that were told before (`agent.quiet`). A whole device that gave nothing is one
gap, each time it was asked for its status; a slower tier that gave nothing is a gap of that round, for the device
may well be alive. A fault of our own in a driver ends that one turn, not the link: it is logged with its trace and told to the centre as a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from agent.asking import ask_device
from agent.backlog import Found
from agent.config import Pace, WatchedDevice
from agent.links import Link
from agent.profiles import Tier
from agent.quiet import Quiet
from agent.schedule import LinkSchedule, Pauses, Turn
from model.points import Source
from model.reading import Gap, GapCause, Reading
from model.timescale import TimeScale

log = structlog.get_logger()

#: Story seconds after which a silent device is asked again at the latest: on a shared line, and with a line of its own.
SILENT_SHARED_S = 30.0
SILENT_ALONE_S = 10.0
#: Real seconds: no device is asked in a tighter loop than this, however fast the story runs.
LEAST_S = 0.02


class Ask(Protocol):
    """How one device is asked one tier, once: `agent.asking.ask_device`, with the link and profile bound."""

    async def __call__(self, device: WatchedDevice, tier: Tier) -> list[Found]: ...


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn brought."""

    found: list[Found]
    answered: bool
    on_battery: bool | None


def asker(link: Link, now: Callable[[], int]) -> Ask:
    """Ask over a real link."""

    async def ask(device: WatchedDevice, tier: Tier) -> list[Found]:
        return await ask_device(link, device.id, device.url, device.profile, tier, now)

    return ask


def pauses(pace: Pace, scale: TimeScale, *, shared: bool) -> Pauses:
    """The pace of the file (story seconds) in real seconds."""
    return Pauses(
        status_s=scale.real_seconds(pace.status_s),
        measure_s=scale.real_seconds(pace.measure_s),
        identity_s=scale.real_seconds(pace.identity_s),
        silent_s=scale.real_seconds(SILENT_SHARED_S if shared else SILENT_ALONE_S),
        floor_s=max(pace.floor_s, LEAST_S),
    )


async def poll_link(
    devices: Sequence[WatchedDevice],
    ask: Ask,
    pace: Pauses,
    take: Callable[[list[Found]], None],
    now: Callable[[], int],
    stop: asyncio.Event,
) -> None:
    """Ask the devices of one link until `stop` is set; a turn that is under way is finished."""
    by_id = {device.id: device for device in devices}
    quiet = Quiet()
    schedule = LinkSchedule([*by_id], pace, time.monotonic())
    while not stop.is_set():
        turn = schedule.next(time.monotonic())
        if isinstance(turn, float):
            await _until(turn, stop)
            continue
        began = time.monotonic()
        outcome = await _one(by_id[turn.device], turn, ask, now)
        take(quiet.sift(outcome.found))
        before = schedule.silent()
        schedule.done(turn, answered=outcome.answered, on_battery=outcome.on_battery, began=began, now=time.monotonic())
        _tell(turn.device, outcome.found, was_silent=turn.device in before, is_silent=turn.device in schedule.silent())


async def _one(device: WatchedDevice, turn: Turn, ask: Ask, now: Callable[[], int]) -> Round:
    began = time.monotonic()
    try:
        found = await ask(device, turn.tier)
    except Exception as error:  # supervisor: a fault in one driver must not silence its link
        log.exception("turn_failed", device=device.id, tier=str(turn.tier))
        raw = f"{type(error).__name__}: {error}"[:200]
        gap = Gap(device=device.id, point=None, index=None, at=now(), cause=GapCause.GARBLED, raw=raw)
        return Round(found=[gap], answered=False, on_battery=None)
    answered = not any(_whole(one) for one in found)
    if turn.tier is not Tier.STATUS:
        found = [_of_round(one, turn.tier) for one in found]
    if answered and turn.tier is Tier.STATUS and found:
        spent_s = time.monotonic() - began
        found = [*found, _round_trip(device.id, now(), spent_s)]
    return Round(found=found, answered=answered, on_battery=_on_battery(found))


def _whole(one: Found) -> bool:
    return isinstance(one, Gap) and one.point is None and one.cause is GapCause.NO_ANSWER


def _of_round(one: Found, tier: Tier) -> Found:
    """The silence of a slower tier is told as a round that did not end, not as a silent device."""
    if isinstance(one, Gap) and _whole(one):
        return msgspec.structs.replace(one, point="device.round_trip", where=f"{tier} tier")
    return one


def _round_trip(device: str, at: int, spent_s: float) -> Reading:
    return Reading(device=device, point="device.round_trip", index=None, at=at, value=round(spent_s, 4))


def _on_battery(found: Iterable[Found]) -> bool | None:
    """Whether the device says that it runs on battery; None when it did not say."""
    said: bool | None = None
    for one in found:
        if not isinstance(one, Reading):
            continue
        if one.point == "ups.source":
            said = bool(said) or one.value == Source.BATTERY
        elif one.point == "alarm.on_battery":
            said = bool(said) or one.value == 1
    return said


def _tell(device: str, found: Iterable[Found], *, was_silent: bool, is_silent: bool) -> None:
    if is_silent and not was_silent:
        why = next((one.raw for one in found if isinstance(one, Gap) and one.raw), "no answer in time")
        log.warning("device_silent", device=device, why=why)
    elif was_silent and not is_silent:
        log.info("device_answers", device=device)


async def _until(due: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(due - time.monotonic(), 0.0))
