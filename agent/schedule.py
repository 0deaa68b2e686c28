"""Whom to ask next on one link. Pure: seconds come in, a turn comes out.

Rules.
- Each device has three turns: status, measure, identity, each with a pause. The turn that is due longest goes
  first, so none starves. Missed periods are not made up for: a turn that was late by five is due once, not five times.
- Everything is asked at once at the start. The first pause of a turn is shorter by `spread` of it, 0 to 1, so that the lines
  of a fleet, which all begin together, do not go on in step: bursts of a thousand are answered late, or lost.
- On a line too slow for its pauses, a slower turn waits for up to `WAITS_FOR` status turns of its device, so that
  alarms stay the freshest; never longer.
- A device that is urgent (`agent.urgency`) has a fourth turn, its battery: asked whenever no other turn is due, in
  turn with the other urgent ones. It makes nobody's status late by more than the one turn that is under way, and on a
  line without room it waits for `WAITS_FOR` status turns like the others.
- A device that does not answer at all is *silent*: only its status turn is asked, as a *probe* (one attempt, often
  with a short deadline), and between two probes each live device that is due has its status turn. On a shared line it rests `REST`
  times what the probe cost, so that a dead device has at most 2 % of the airtime from its `DETECTED`th miss on; the first
  misses come closer, for they find out. Alone on its line its silence costs no one: pauses rise up to a limit.
- A device that fell silent on battery is asked again as often as its status, for some minutes: those replies do not come
  again. On a shared line all of these together have at most a tenth of the airtime (the one exception to the 2 %).
- A device that answers only in part (replies lost, late or garbled) costs time-outs too. On a shared line it rests `LOSSY_REST`
  times what such a turn cost, at most the pause of a silent one, so that the others are on time; not while it is urgent.
- Whoever comes back after `GONE` misses is asked everything anew: it may be another one. When the port itself
  was gone, no device is blamed: it costs nothing, and when it is back all are asked at once.
- A slower turn that got nothing says nothing of the device (many answer no question for their name): its status is
  asked at once to find out, and the turn itself comes again at rising pauses.

All times here are real monotonic seconds: the wire knows no story. `Pauses` are made real by the caller. `next` looks at
each device of the link once: with one device it is a matter of four comparisons.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.profiles import Tier
from agent.urgency import Urgency

#: A slower turn lets this many status turns of its device go first on an overloaded line.
WAITS_FOR = 3
#: A silent device on a shared line rests this many times the seconds that its probe cost: 1 of 50 is 2 %.
REST = 49.0
#: The same for all devices together that fell silent on battery: 1 of 10.
BATTERY_REST = 9.0
#: The same for a turn that was answered only in part: a quarter of the line.
LOSSY_REST = 3.0
DETECTED = 3
GONE = 3
#: Every so many probes one takes the full time-out: a device may have become slower than it ever was.
FULL_EACH = 4
_ORDER = (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY, Tier.BATTERY)
_FAR_S = 3600.0


class Pauses(msgspec.Struct, frozen=True, kw_only=True):
    """Real seconds between turns. `floor_s` is the least between two turns of one device's tier."""

    status_s: float
    measure_s: float
    identity_s: float
    battery_s: float = 0.0  #: the least from one battery turn to the next
    silent_s: float = 30.0  #: the longest pause before a silent device is asked again, but for what it cost
    last_words_s: float = 300.0  #: for so long a device that fell silent on battery is asked often
    floor_s: float = 0.0

    def of(self, tier: Tier) -> float:
        """The pause of a tier, never below the floor."""
        wanted = {
            Tier.STATUS: self.status_s,
            Tier.MEASURE: self.measure_s,
            Tier.IDENTITY: self.identity_s,
            Tier.BATTERY: self.battery_s,
        }
        return max(wanted[tier], self.floor_s)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Ask `device` for `tier`; it was due at `due`."""

    device: str
    tier: Tier
    due: float
    probe: bool = False  #: the device is silent: one attempt
    full: bool = True  #: with the whole time-out


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a device stands, for the status. `due`: its next turn, real monotonic seconds."""

    missed: int
    urgency: Urgency
    tier: Tier
    due: float


class _Tier(msgspec.Struct, kw_only=True):
    tier: Tier
    order: int
    waits: int  #: status turns of the device that go first
    fills: bool  #: it takes what the others leave
    due: float
    fresh: bool = True  #: never asked yet
    passed: int = 0  #: status turns of the device since this one was last asked
    missed: int = 0  #: turns in a row that got nothing
    nudged: float = float("-inf")  #: when it was last wanted by
    spread: bool = False  #: has found its place among the other lines


class _Device(msgspec.Struct, kw_only=True):
    id: str
    tiers: dict[Tier, _Tier]
    turns: tuple[_Tier, ...]  #: the same in the order of their rank
    calm: tuple[_Tier, ...]  #: without the battery's
    status: _Tier
    urgency: Urgency = Urgency.CALM
    last_words: float | None = None  #: it fell silent on battery: asked often until then
    rests: float = float("-inf")  #: it lost others' time: not asked until then
    no_battery: bool = False  #: a battery turn brought nothing: it has no such points

    @property
    def missed(self) -> int:
        return self.status.missed


class LinkSchedule:
    """The turns of the devices on one link. State in memory only; a restart asks everything anew."""

    def __init__(self, devices: Sequence[str], pauses: Pauses, now: float, spread: float = 0.0) -> None:
        self._pauses = pauses
        self._spread = spread
        self._pause = {tier: pauses.of(tier) for tier in _ORDER}
        self._devices = {id: self._fresh(id, now) for id in devices}
        self._shared = len(self._devices) != 1
        self._only = next(iter(self._devices.values()), self._fresh("", now))
        self._live_turns = 0
        self._silent = 0

    def _fresh(self, id: str, now: float) -> _Device:
        status_s = max(self._pause[Tier.STATUS], 0.001)
        turns: list[_Tier] = []
        for order, tier in enumerate(_ORDER):
            waits = 0 if tier is Tier.STATUS else min(WAITS_FOR, int(self._pause[tier] / status_s))
            turns.append(_Tier(tier=tier, order=order, waits=waits, fills=tier is Tier.BATTERY, due=now))
        return _Device(
            id=id,
            tiers=dict(zip(_ORDER, turns, strict=True)),
            turns=tuple(turns),
            calm=tuple(turns[:-1]),
            status=turns[0],
        )

    def next(self, now: float) -> Turn | float:
        """The turn to take now, or the time at which the next one will be due."""
        return self._next_of_many(now) if self._shared else self._next_alone(now)

    def _next_of_many(self, now: float) -> Turn | float:
        best: tuple[bool, float, int] | None = None
        silent: _Device | None = None
        turn: tuple[_Device, _Tier] | None = None
        soonest = now + _FAR_S
        for device in self._devices.values():
            held = device.status.due if device.status.missed else device.rests
            if held > now:
                soonest = min(soonest, held)
                continue
            if device.status.missed:
                if silent is None or device.status.due < silent.status.due:
                    silent = device
                continue
            for state in device.turns:
                if state.due > now:
                    if state.due < soonest and _may(device, state):
                        soonest = state.due
                elif _may(device, state):
                    rank = (_fills(state), state.due, state.order)
                    if best is None or rank < best:
                        best, turn = rank, (device, state)
        if silent and (turn is None or self._live_turns >= len(self._devices) - self._silent):
            return _probe(silent)
        if turn:
            return Turn(device=turn[0].id, tier=turn[1].tier, due=turn[1].due)
        return soonest

    def _next_alone(self, now: float) -> Turn | float:
        """The same for the only device of its line: nobody to be fair to."""
        device = self._only
        if device.status.missed:
            return _probe(device) if device.status.due <= now else device.status.due
        best: _Tier | None = None
        soonest = now + _FAR_S
        for state in device.turns if device.urgency and not device.no_battery else device.calm:
            due = state.due
            if state.passed < state.waits and not state.fresh and not state.fills:
                continue
            if due > now:
                soonest = min(soonest, due)
            elif best is None or (_fills(state), due) < (_fills(best), best.due):  # in the order of their rank
                best = state
        return soonest if best is None else Turn(device=device.id, tier=best.tier, due=best.due)

    def done(
        self,
        turn: Turn,
        *,
        answered: bool,
        began: float,
        now: float,
        urgency: Urgency | None = None,
        cost: float | None = None,
        gone: bool = False,
        empty: bool = False,
        lossy: bool = False,
    ) -> None:
        """Note how a turn went. `answered` False: nothing came at all. `urgency` None: the device did not say.

        `cost`: the airtime that it took, where that is known better than by the clock. `gone`: there was no port to ask
        through. `empty`: there was nothing to ask. `lossy`: replies were lost or garbled.
        """
        device = self._devices[turn.device]
        missed = device.missed
        self._live_turns = 0 if missed else self._live_turns + (turn.tier is Tier.STATUS)
        if urgency is not None:
            device.urgency = urgency
        self._note(device, turn, answered=answered, began=began, now=now)
        self._silent += (device.missed > 0) - (missed > 0)
        if device.missed:
            self._fell_silent(device, now)
            device.status.due = now + self._rest(device, now - began if cost is None else cost, gone=gone)
            if device.status.nudged > began:
                device.status.due = min(device.status.due, device.status.nudged)
            return
        device.last_words = None
        tier = device.tiers[turn.tier]
        if tier.nudged > began:
            tier.due = min(tier.due, tier.nudged)  # wanted while the turn was under way: it did not answer that
        if lossy and answered and self._shared and not device.urgency:
            spent_s = now - began if cost is None else cost
            device.rests = now + min(LOSSY_REST * spent_s, self._pauses.silent_s)
        if not answered:
            device.status.due = min(device.status.due, now)
        elif missed >= GONE:
            _anew(device, now)
        if turn.tier is Tier.BATTERY and empty:
            device.no_battery = True
        if turn.tier is Tier.STATUS and not device.urgency:
            _reset(device.tiers[Tier.BATTERY], now)  # at once, when it is urgent next

    def nudge(self, device: str, tier: Tier, due: float) -> None:
        """Have a turn of a device due by `due`; a silent one is asked for its status only. Whoever nudges sees to it
        that this is not done too often; a device of another link is none of ours."""
        found = self._devices.get(device)
        if found and (tier is Tier.STATUS or not found.missed):
            state = found.tiers[tier]
            found.rests = min(found.rests, due)
            state.due, state.nudged = min(state.due, due), max(state.nudged, due)
            state.fresh = state.fresh or tier is not Tier.STATUS

    def port_back(self, now: float) -> None:
        """The port was gone and is there again: nobody was to blame, all are asked at once."""
        self._silent = 0
        for device in self._devices.values():
            if device.missed >= GONE:
                _anew(device, now)
            device.status.missed = 0
            device.status.due = min(device.status.due, now)

    def silent(self) -> tuple[str, ...]:
        """The devices that did not answer last time."""
        return tuple(d.id for d in self._devices.values() if d.missed)

    def missed(self, device: str) -> int:
        """Status turns in a row that a device did not answer."""
        return self._devices[device].missed

    def standing(self, device: str) -> Standing:
        """How a device stands and when its next turn is."""
        found = self._devices[device]
        asked = [
            (state.due, state.order, state.tier)
            for state in found.turns
            if state is found.status or (not found.missed and _may(found, state))
        ]
        due, _, tier = min(asked)
        return Standing(missed=found.missed, urgency=found.urgency, tier=tier, due=max(due, found.rests))

    def _note(self, device: _Device, turn: Turn, *, answered: bool, began: float, now: float) -> None:
        tier = device.tiers[turn.tier]
        tier.passed, tier.fresh = 0, False
        tier.missed = 0 if answered else tier.missed + 1
        pause = self._pause[turn.tier]
        if turn.tier is Tier.BATTERY and device.urgency is Urgency.STANDING:
            pause = max(pause, self._pause[Tier.STATUS])
        if not answered:
            least, most = sorted((pause, self._pauses.silent_s))
            tier.due = now + min(least * 2.0 ** min(tier.missed - 1, 20), most)
        elif turn.tier is Tier.BATTERY:
            tier.due = max(began + pause, now)
        else:
            on_time = turn.due + (pause if tier.spread else pause * (1.0 - self._spread))
            tier.spread = True
            # On the grid while the line keeps up; once late, from where we are.
            tier.due = max(on_time if on_time > now else began + pause, now + self._pauses.floor_s)
        if turn.tier is Tier.STATUS:
            for other in device.tiers.values():
                other.passed += 1

    def _fell_silent(self, device: _Device, now: float) -> None:
        if device.missed == 1 and device.urgency is Urgency.BATTERY:
            device.last_words = now + self._pauses.last_words_s
        elif device.last_words is not None and device.last_words <= now:
            device.last_words = None

    def _rest(self, device: _Device, cost: float, *, gone: bool) -> float:
        """The pause before a silent device is asked again."""
        first = max(self._pause[Tier.STATUS], 0.05)
        longest = max(self._pauses.silent_s, first)
        rising = min(first * 2.0 ** min(device.missed - 1, 16), longest)
        if gone:
            # Costs the line nothing: it is tried about once an ordinary pause, whoever's turn it is.
            return min(first * len(self._devices), longest)
        if device.last_words is not None:
            others = sum(d.last_words is not None for d in self._devices.values())
            return max(first, BATTERY_REST * cost * others) if self._shared else first
        if device.missed == 1 or not self._shared:
            return rising
        if device.missed < DETECTED:
            return max(rising, min(REST * cost, 6 * first))
        return max(rising, REST * cost)


def _may(device: _Device, state: _Tier) -> bool:
    """Whether a live device's turn may be taken once it is due. A status turn waits for nothing: `waits` is 0."""
    if state.fills:
        return bool(device.urgency) and not device.no_battery
    return state.passed >= state.waits or state.fresh


def _fills(state: _Tier) -> bool:
    """Whether a turn only fills what the others leave of the line."""
    return state.fills and not state.fresh and state.passed < WAITS_FOR


def _reset(state: _Tier, now: float) -> None:
    state.due, state.fresh, state.passed, state.missed = now, True, 0, 0


def _anew(device: _Device, now: float) -> None:
    device.no_battery = False
    for tier in device.tiers.values():
        tier.due, tier.fresh = min(tier.due, now), True


def _probe(device: _Device) -> Turn:
    full = device.missed % FULL_EACH == 0
    return Turn(device=device.id, tier=Tier.STATUS, due=device.status.due, probe=True, full=full)
