"""Whom to ask next on one link. Pure: seconds come in, a turn comes out.

Rules.
- Each device has three turns: status, measure, identity, each with a pause. The turn that is due longest goes
  first, so none starves. Missed periods are not made up for: a turn that was late by five is due once, not five times.
- On a line too slow for its pauses, a slower turn waits for up to `WAITS_FOR` status turns of its device, so that
  alarms stay the freshest; never longer.
- A device that does not answer at all is *silent*: only its status turn is asked, at rising pauses up to a limit, on a
  shared line with at least `REST` times what the time-out cost in between, and never before every live device
  that is due had its turn. The first missed answer is asked again after one ordinary pause. A device that comes
  back after `GONE` misses is asked everything anew: it may be another one.
- A slower turn that got nothing says nothing of the device (many answer no question for their name): its status is
  asked at once to find out, and the turn itself comes again at rising pauses.
- A device on battery is measured at the pace of its status: that discharge is the one chance to learn its battery.

All times here are real monotonic seconds: the wire knows no story. `Pauses` are made real by the caller.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.profiles import Tier

#: A slower turn lets this many status turns of its device go first on an overloaded line.
WAITS_FOR = 3
#: A silent device on a shared line rests this many times the seconds that its time-out cost.
REST = 4.0
GONE = 3
_ORDER = (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY)


class Pauses(msgspec.Struct, frozen=True, kw_only=True):
    """Real seconds between turns. `floor_s` is the least between two turns of one device's tier."""

    status_s: float
    measure_s: float
    identity_s: float
    silent_s: float = 30.0  #: the longest pause before a silent device is asked again
    floor_s: float = 0.0

    def of(self, tier: Tier) -> float:
        """The pause of a tier, never below the floor."""
        wanted = {Tier.STATUS: self.status_s, Tier.MEASURE: self.measure_s, Tier.IDENTITY: self.identity_s}
        return max(wanted[tier], self.floor_s)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Ask `device` for `tier`; it was due at `due`."""

    device: str
    tier: Tier
    due: float


class _Tier(msgspec.Struct, kw_only=True):
    due: float
    fresh: bool = True  #: never asked yet
    passed: int = 0  #: status turns of the device since this one was last asked
    missed: int = 0  #: turns in a row that got nothing


class _Device(msgspec.Struct, kw_only=True):
    id: str
    tiers: dict[Tier, _Tier]
    on_battery: bool = False

    @property
    def missed(self) -> int:
        return self.tiers[Tier.STATUS].missed

    @property
    def silent(self) -> bool:
        return self.missed > 0


class LinkSchedule:
    """The turns of the devices on one link. State in memory only; a restart asks everything anew."""

    def __init__(self, devices: Sequence[str], pauses: Pauses, now: float) -> None:
        self._pauses = pauses
        self._devices = {id: _Device(id=id, tiers={tier: _Tier(due=now) for tier in _ORDER}) for id in devices}
        self._live_turns = 0

    def next(self, now: float) -> Turn | float:
        """The turn to take now, or the time at which the next one will be due."""
        live = [turn for turn in self._waiting(silent=False) if turn.due <= now]
        silent = [turn for turn in self._waiting(silent=True) if turn.due <= now]
        if silent and (not live or self._live_turns >= self._live_count()):
            return _longest_due(silent)
        if live:
            return _longest_due(live)
        return min((t.due for quiet in (False, True) for t in self._waiting(silent=quiet)), default=now + 3600.0)

    def done(self, turn: Turn, *, answered: bool, on_battery: bool | None, began: float, now: float) -> None:
        """Note how a turn went. `answered` False: nothing came at all. `on_battery` None: the device did not say."""
        device = self._devices[turn.device]
        self._live_turns = 0 if device.silent else self._live_turns + 1
        back = answered and device.missed >= GONE
        if on_battery is not None:
            device.on_battery = on_battery
        self._note(device, turn, answered=answered, began=began, now=now)
        status, measure = device.tiers[Tier.STATUS], device.tiers[Tier.MEASURE]
        if device.silent:
            status.due = now + self._rest(device.missed, cost=now - began)
        elif not answered:
            status.due = min(status.due, now)
        elif back:
            for tier in device.tiers.values():
                tier.due, tier.fresh = min(tier.due, now), True
        elif on_battery:
            measure.due = min(measure.due, now)

    def _note(self, device: _Device, turn: Turn, *, answered: bool, began: float, now: float) -> None:
        tier = device.tiers[turn.tier]
        tier.passed, tier.fresh = 0, False
        tier.missed = 0 if answered else tier.missed + 1
        pause = self._pause(device, turn.tier)
        if answered:
            on_time = turn.due + pause
            # On the grid while the line keeps up; once late, from where we are.
            tier.due = max(on_time if on_time > now else began + pause, now + self._pauses.floor_s)
        else:
            least, most = sorted((pause, self._pauses.silent_s))
            tier.due = now + min(least * 2.0 ** min(tier.missed - 1, 20), most)
        if turn.tier is Tier.STATUS:
            for other in device.tiers.values():
                other.passed += 1

    def silent(self) -> tuple[str, ...]:
        """The devices that did not answer last time."""
        return tuple(d.id for d in self._devices.values() if d.silent)

    def _waiting(self, *, silent: bool) -> list[Turn]:
        """Each device's turns that may be taken once due. Status comes first among equals."""
        return [
            Turn(device=device.id, tier=tier, due=device.tiers[tier].due)
            for device in self._devices.values()
            if device.silent is silent
            for tier in (_ORDER[:1] if silent else _ORDER)
            if tier is Tier.STATUS or self._may(device, tier)
        ]

    def _may(self, device: _Device, tier: Tier) -> bool:
        ratio = self._pause(device, tier) / max(self._pauses.of(Tier.STATUS), 0.001)
        state = device.tiers[tier]
        return state.fresh or state.passed >= min(WAITS_FOR, int(ratio))

    def _pause(self, device: _Device, tier: Tier) -> float:
        urgent = device.on_battery and tier is Tier.MEASURE
        return self._pauses.of(Tier.STATUS if urgent else tier)

    def _rest(self, missed: int, cost: float) -> float:
        first = max(self._pauses.of(Tier.STATUS), 0.05)
        rest = min(first * 2.0 ** min(missed - 1, 16), max(self._pauses.silent_s, first))
        shared = len(self._devices) > 1 and missed > 1
        return max(rest, REST * cost) if shared else rest

    def _live_count(self) -> int:
        return sum(not device.silent for device in self._devices.values())


def _longest_due(turns: list[Turn]) -> Turn:
    """The turn due longest; among equals status before measure before identity, then in the file's order."""
    return min(turns, key=lambda turn: (turn.due, _ORDER.index(turn.tier)))
