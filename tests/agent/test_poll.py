"""Rounds over links that play dead: through `poll_link` and `ask_device`, the wire scripted."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable

import pytest

from agent.address import DeviceUrl
from agent.backlog import Found
from agent.config import Pace, WatchedDevice
from agent.drivers.exchange import Answer, Command, Failure, Line, Request
from agent.links import Link
from agent.poll import LEAST_S, LinkRounds, Nudges, asker, pauses, poll_link
from agent.profiles import Tier
from agent.schedule import Pauses
from model.batch import Event
from model.reading import Gap, GapCause, Reading
from model.timescale import TimeScale

FAST = Pauses(status_s=0.005, measure_s=0.02, identity_s=60, silent_s=0.05)
Q1 = "(226.0 195.0 226.0 014 49.0 27.5 30.0 00001000"


class ScriptedLink(Link):
    """A Megatec line whose device says what the test wants; None is silence that never ends."""

    retries = 0

    def __init__(self, answer: Callable[[Command], str | Failure | None]) -> None:
        super().__init__()
        self._answer = answer
        self.asked = 0
        self.closed = False

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, Command)
        self.asked += 1
        said = self._answer(request)
        if said is None:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        return said if isinstance(said, Failure) else Line(said or "")

    def close(self) -> None:
        self.closed = True


def ups(id: str) -> WatchedDevice:
    return WatchedDevice(id=f"sz/{id}", url=DeviceUrl.parse(f"megatec:///dev/{id}"))


class Rounds:
    """What the rounds brought; `until` sets the stop when enough has come."""

    def __init__(self, until: Callable[[Rounds], bool]) -> None:
        self.found: list[Found] = []
        self.stop = asyncio.Event()
        self._until = until
        self._at = itertools.count(1_000)

    def take(self, found: list[Found]) -> None:
        self.found += found
        if self._until(self):
            self.stop.set()

    def now(self) -> int:
        return next(self._at)

    async def over(self, *links: tuple[list[WatchedDevice], Link]) -> None:
        polls = [
            asyncio.create_task(poll_link(devices, asker(link, self.now), FAST, self.take, self.now, self.stop))
            for devices, link in links
        ]
        await asyncio.wait_for(self.stop.wait(), 60)
        _, hanging = await asyncio.wait(polls, timeout=0.2)
        for task in hanging:
            task.cancel()
        await asyncio.gather(*polls, return_exceptions=True)

    def readings(self, device: str) -> list[Reading]:
        return [one for one in self.found if isinstance(one, Reading) and one.device == device]

    def dead(self, device: str) -> list[Gap]:
        return [one for one in self.found if isinstance(one, Gap) and one.device == device and one.point is None]


async def test_a_line_that_hangs_for_ever_slows_no_other_line() -> None:
    rounds = Rounds(lambda r: len(r.readings("sz/alive")) >= 300)
    hanging = ScriptedLink(lambda _: None)
    await rounds.over(([ups("hangs")], hanging), ([ups("alive")], ScriptedLink(lambda _: Q1)))
    assert hanging.asked == 1
    assert not rounds.readings("sz/hangs")


async def test_a_dead_device_is_one_gap_each_time_it_is_asked_and_starves_no_one_on_its_bus() -> None:
    turn: list[str] = []

    class Bus(ScriptedLink):
        """Two devices on one wire; which one is asked shows in the order of the turns."""

    silence = Failure(cause=GapCause.NO_ANSWER, raw="")
    bus = Bus(lambda _: silence if turn[-1] == "sz/dead" else Q1)
    rounds = Rounds(lambda r: len(r.dead("sz/dead")) >= 6)
    over_bus = asker(bus, rounds.now)

    async def ask(device: WatchedDevice, tier: Tier) -> list[Found]:
        turn.append(device.id)
        return await over_bus(device, tier)

    await asyncio.wait_for(poll_link([ups("dead"), ups("alive")], ask, FAST, rounds.take, rounds.now, rounds.stop), 60)
    turns = Counter(turn)
    assert turns["sz/dead"] == len(rounds.dead("sz/dead")) == 6
    assert turns["sz/alive"] > 3 * turns["sz/dead"]
    assert {gap.cause for gap in rounds.dead("sz/dead")} == {GapCause.NO_ANSWER}
    times = [gap.at for gap in rounds.dead("sz/dead")]
    assert times == sorted(set(times))


async def test_a_fault_of_our_own_in_one_turn_is_a_gap_and_the_link_goes_on() -> None:
    broken = iter([True, False, True, False, False, False])

    async def ask(device: WatchedDevice, tier: Tier) -> list[Found]:
        if next(broken, False):
            raise ZeroDivisionError("a driver's mistake")
        return [Reading(device=device.id, point="battery.charge", index=None, at=rounds.now(), value=1.0)]

    rounds = Rounds(lambda r: len(r.readings("sz/u")) >= 5)
    await asyncio.wait_for(poll_link([ups("u")], ask, FAST, rounds.take, rounds.now, rounds.stop), 60)
    gaps = rounds.dead("sz/u")
    assert [gap.raw for gap in gaps] == ["ZeroDivisionError: a driver's mistake"] * 2
    assert {gap.cause for gap in gaps} == {GapCause.GARBLED}, "it is not the device that was silent"


async def test_a_round_of_a_live_device_says_how_long_it_took() -> None:
    rounds = Rounds(lambda r: any(one.point == "device.round_trip" for one in r.readings("sz/u")))
    await rounds.over(([ups("u")], ScriptedLink(lambda _: Q1)))
    (took, *_) = (one for one in rounds.readings("sz/u") if one.point == "device.round_trip")
    assert 0 <= took.value < 60


async def test_the_name_plate_is_asked_once_and_told_as_an_event() -> None:
    deaf = Failure(cause=GapCause.REFUSED)
    says = {"Q1": Q1, "F": "#220.0 045 48.00 50.0", "I": "#MAKER           MODEL-10   V1.0      "}
    rounds = Rounds(lambda r: any(isinstance(one, Event) for one in r.found))
    await rounds.over(([ups("u")], ScriptedLink(lambda command: says.get(command.text.strip(), deaf))))
    (plate, *_) = (one for one in rounds.found if isinstance(one, Event))
    assert plate.device == "sz/u"


@pytest.mark.parametrize(("speed", "status_s", "silent_s"), [(1, 2.0, 10.0), (60, 2 / 60, 1 / 6)])
def test_the_pace_of_the_file_is_story_time_and_the_floor_is_real(
    speed: float, status_s: float, silent_s: float
) -> None:
    pace = pauses(Pace(floor_s=0.1), TimeScale(speed=speed), [ups("1"), ups("2")])
    assert pace.status_s == pytest.approx(status_s)
    assert pace.silent_s == pytest.approx(silent_s)
    assert pace.of(Tier.STATUS) == pytest.approx(max(status_s, 0.1))


def test_a_network_device_on_battery_is_asked_once_a_second_and_a_serial_line_sets_its_own_pace() -> None:
    card = WatchedDevice(id="sz/card", url=DeviceUrl.parse("snmp://192.0.2.5"))
    assert pauses(Pace(), TimeScale(), [card]).of(Tier.BATTERY) == 1.0
    assert pauses(Pace(), TimeScale(), [ups("1")]).of(Tier.BATTERY) == LEAST_S


async def test_a_nudge_ends_the_wait_for_the_next_turn_and_so_does_the_stop() -> None:
    slow = Pauses(status_s=3600, measure_s=3600, identity_s=3600)
    link = ScriptedLink(lambda command: Q1 if command.text == "Q1" else Failure(cause=GapCause.REFUSED))
    nudges, stop = Nudges(), asyncio.Event()
    rounds: list[Found] = []
    statuses = 0

    def take(found: list[Found]) -> None:
        nonlocal statuses
        rounds.extend(found)
        statuses += any(isinstance(one, Reading) and one.point == "alarm.on_battery" for one in found)

    device = ups("ups-1")
    polling = asyncio.create_task(
        poll_link([device], asker(link, itertools.count(1).__next__), slow, take, lambda: 1, stop, nudges)
    )
    async with asyncio.timeout(10):
        while link.asked < 3:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)
        before = statuses
        nudges.nudge(device.id, Tier.STATUS, 0.0)
        while statuses == before:
            await asyncio.sleep(0.001)
        stop.set()
        await polling
    assert statuses == before + 1


async def test_what_a_device_does_not_have_is_told_once_however_often_it_is_asked() -> None:
    link = ScriptedLink(lambda _: Q1.replace("30.0", "--.-"))  # this one measures no temperature
    rounds = Rounds(lambda r: len([one for one in r.readings("sz/u") if one.point == "battery.voltage"]) >= 5)
    await rounds.over(([ups("u")], link))
    absent = [one for one in rounds.found if isinstance(one, Gap) and one.point == "ups.temperature"]
    assert [gap.cause for gap in absent] == [GapCause.NOT_SUPPORTED]


async def test_a_device_on_battery_is_asked_for_its_battery_between_its_status_turns() -> None:
    slow = Pauses(status_s=0.2, measure_s=60, identity_s=3600)
    tiers: list[Tier] = []

    async def ask(device: WatchedDevice, tier: Tier) -> list[Found]:
        tiers.append(tier)
        await asyncio.sleep(0.002)
        return [Reading(device=device.id, point="alarm.on_battery", index=None, at=rounds.now(), value=1.0)]

    rounds = Rounds(lambda _: tiers.count(Tier.STATUS) >= 3)
    await asyncio.wait_for(poll_link([ups("u")], ask, slow, rounds.take, rounds.now, rounds.stop), 60)
    assert tiers.count(Tier.BATTERY) >= 6
    assert tiers.count(Tier.MEASURE) == 1


async def test_a_silent_device_of_a_bus_is_probed_once_and_no_longer_than_it_ever_needed() -> None:
    patience: list[tuple[bool, float | None]] = []

    class Bus(ScriptedLink):
        """Notes how patient it shall be with the device that is dead."""

        async def _once(self, request: Request) -> Answer | Failure:
            if self.device == "sz/dead" and len(patience) > 1:
                patience.append((self.probing, self.deadline_s))
                return Failure(cause=GapCause.NO_ANSWER)
            if self.device == "sz/dead":
                patience.append((self.probing, self.deadline_s))
            return await super()._once(request)

    bus = Bus(lambda _: Q1)
    rounds = Rounds(lambda r: len(r.dead("sz/dead")) >= 5)
    devices = [ups("dead"), ups("alive")]
    links = LinkRounds(devices, asker(bus, rounds.now), FAST, rounds.take, rounds.now, bus)
    await asyncio.wait_for(links.run(rounds.stop), 60)
    assert patience[0] == (False, None)
    probes = [one for one in patience if one[0]]
    assert [deadline is None for _, deadline in probes[:4]] == [False, False, False, True], (
        "the fourth has all its time"
    )
    assert all(deadline is None or deadline >= 0.1 for _, deadline in probes)
    assert links.heard["sz/dead"].silent_since is not None
    assert links.heard["sz/alive"].silent_since is None
