"""Stands between the rounds and the spool: nothing of a device passes until it said who it is. A thin shell.

Rules. What devices said of themselves is kept in a small file beside the spool. On serial lines a device that is known
is doubted after its port was gone, and when the agent starts: its identity is asked first (`agent.identity` judges).
While the answer is another device's, each turn is a gap `stale` that names both. A device that is silent is just that:
then its status is asked first, so that its silence costs one time-out and not two. One that answers and no longer
says its name is withheld for a few turns and then taken, unconfirmed. A port that was opened anew in the middle of a
turn spoils that turn.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from agent import address, status
from agent.address import DeviceUrl
from agent.backlog import Found
from agent.identity import Plate, Verdict, judge, plate_of, words
from agent.links import Link
from agent.profiles import Tier
from model.batch import Event, EventKind
from model.reading import Gap, GapCause
from model.text import Text

log = structlog.get_logger()

#: Turns for which a device that answers, but no longer says its name, is withheld.
PATIENCE = 3
_LINES = (address.RTU, address.RTU_OVER_TCP, address.MEGATEC)
_CONFLICT, _REPLACED = "conflict", "replaced"


class Watched(Protocol):
    """What is needed of a device: `agent.config.WatchedDevice`."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> DeviceUrl: ...


class Ask(Protocol):
    """How a device is asked: `agent.poll.Ask`."""

    async def __call__(self, device: Any, tier: Tier) -> Sequence[Found]: ...


class _Doubt(msgspec.Struct):
    mute: bool = False  #: it did not answer when it was asked for its name
    tries: int = 0  #: how often it answered and did not say it


class Guard:
    """What the devices of one agent are known by, and whom to believe. `file` None: kept in memory only."""

    def __init__(self, devices: Sequence[Watched], file: Path | None, now: Callable[[], int]) -> None:
        self._devices = {device.id: device for device in devices}
        self._file = file
        self._now = now
        self._doubts: dict[str, _Doubt] = {}
        self._conflicts: dict[str, str] = {}
        self.known = {id: plate for id, plate in _load(file).items() if id in self._devices}
        self.doubt(self.known)

    def doubt(self, devices: Iterable[str]) -> None:
        """Whoever of these has a name has to say it before anything else is believed."""
        for id in devices:
            if self._devices[id].url.scheme not in _LINES:
                continue
            if id in self.known:
                self._doubts[id] = _Doubt()
            else:
                log.info("identity_unconfirmed", device=id, why="it never said its name")

    def doubted(self, device: str) -> bool:
        """Whether it still has to say its name."""
        return device in self._doubts

    @property
    def conflicts(self) -> dict[str, str]:
        """Devices in whose place another one answers now, and which; for the status."""
        return dict(self._conflicts)

    def watching(self, ask: Ask, link: Link, devices: Sequence[Watched]) -> Ask:
        """The same way of asking the devices of one link, with a guard at the door."""
        lines = [device.id for device in devices if device.url.scheme in _LINES]
        if not lines:
            return ask
        opened = link.account.reopened

        def reopened() -> bool:
            nonlocal opened
            before, opened = opened, link.account.reopened
            if opened != before:
                link.forget()
                self.doubt(lines)
            return opened != before

        async def asked(device: Watched, tier: Tier) -> Sequence[Found]:
            reopened()
            found = await self._asked(ask, device, tier)
            if reopened():
                return [self._stale(device.id, "the port was opened anew in the middle of this turn")]
            return found

        return asked

    async def _asked(self, ask: Ask, device: Watched, tier: Tier) -> Sequence[Found]:
        doubt = self._doubts.get(device.id)
        if doubt is None:
            return self._judged(device.id, await ask(device, tier))
        first: Sequence[Found] | None = None
        if doubt.mute and tier is not Tier.IDENTITY:
            first = await ask(device, tier)
            if _silent(first):
                return first
        plate = await ask(device, Tier.IDENTITY)
        if first is None and _silent(plate):
            doubt.mute = True
            return plate
        plate = self._judged(device.id, plate)
        if device.id in self._doubts:
            return plate
        if tier is Tier.IDENTITY:
            return plate
        return [*plate, *(await ask(device, tier) if first is None else first)]

    def _judged(self, device: str, found: Sequence[Found]) -> Sequence[Found]:
        """What may pass of a turn, by the name plate in it, if there is one."""
        said = next((one for one in found if isinstance(one, Event) and one.kind is EventKind.IDENTITY), None)
        seen = plate_of(said.data) if said else {}
        if not seen:
            return self._nameless(device, found)
        judged = judge(device, seen, self.known)
        if judged.verdict is Verdict.SWAPPED:
            return self._swapped(device, seen, judged.other)
        self._doubts.pop(device, None)
        extra: dict[str, str | int | float] = {}
        if self._conflicts.pop(device, None):
            status.notes.pop(f"swapped.{device}", None)
            extra[_CONFLICT] = ""
        if judged.verdict is Verdict.REPLACED:
            extra[_REPLACED] = words(judged.before)
            log.warning("device_replaced", device=device, before=words(judged.before), now=words(seen))
        self._know(device, seen if judged.verdict is Verdict.REPLACED else {**judged.before, **seen})
        return [_more(one, extra) if one is said and isinstance(one, Event) else one for one in found]

    def _nameless(self, device: str, found: Sequence[Found]) -> Sequence[Found]:
        """It said nothing of itself: an ordinary turn, or one that was asked for its name in vain."""
        doubt = self._doubts.get(device)
        if doubt is None:
            return found
        doubt.tries += 1
        if doubt.tries < PATIENCE:
            return [self._stale(device, f"not confirmed to be {words(self.known[device])}")]
        del self._doubts[device]
        log.warning("identity_unconfirmed", device=device, why="it no longer says its name", before=self.known[device])
        return []

    def _swapped(self, device: str, seen: Plate, other: str) -> Sequence[Found]:
        self._doubts[device] = _Doubt()
        found: list[Found] = [self._stale(device, f"{other} answers here ({words(seen)}); this is {words(self.known.get(device, {})) or device}")]  # fmt: skip
        if self._conflicts.get(device) != other:
            self._conflicts[device] = other
            status.notes[f"swapped.{device}"] = Text(
                f"{other} answers where {device} should: put cables or unit numbers back, or correct the file",
                f"{device} 的位置上应答的是 {other}：请恢复接线或站号，或更正配置文件",
            )
            log.error("devices_swapped", device=device, answers=other, seen=words(seen), fix="put the cables or unit numbers back, or correct the agent's file")  # fmt: skip
            found.append(Event(kind=EventKind.IDENTITY, device=device, at=self._now(), data={_CONFLICT: other}))
        return found

    def _stale(self, device: str, why: str) -> Gap:
        return Gap(device=device, point=None, index=None, at=self._now(), cause=GapCause.STALE, raw=why[:200])

    def _know(self, device: str, plate: Plate) -> None:
        if self.known.get(device) != plate:
            self.known[device] = plate
            _keep(self._file, self.known)


def _silent(found: Iterable[Found]) -> bool:
    return any(isinstance(one, Gap) and one.point is None and one.cause is GapCause.NO_ANSWER for one in found)


def _more(event: Event, extra: dict[str, str | int | float]) -> Event:
    return msgspec.structs.replace(event, data={**event.data, **extra}) if extra else event


def _load(file: Path | None) -> dict[str, Plate]:
    """What is kept; a file that cannot be read is as good as none."""
    if file is not None:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(file.read_bytes(), type=dict[str, Plate])
    return {}


def _keep(file: Path | None, known: dict[str, Plate]) -> None:
    """Written whole and put in place at once; a disk that refuses costs a confirmation, nothing else."""
    if file is None:
        return
    fresh = file.with_name(file.name + ".new")
    try:
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1))
        os.replace(fresh, file)  # noqa: PTH105 - it says what it does
    except OSError as error:
        log.warning("identities_not_kept", file=str(file), error=str(error))
