"""A switch reboots, its counters wrap, it is away, 497 days pass: from the wire to detector and chart, no false rate, no
false alert. The switch's true rates are known, so each rate that the agent's totals imply can be judged."""

from __future__ import annotations

from contextlib import AsyncExitStack, closing
from typing import Any

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.links import Link, open_link
from agent.profiles import Tier, load
from console.chart import Curve, rates
from model.batch import Event
from model.reading import Gap, GapCause, Reading
from tests.analytics.timeline import SWITCH, T0, Line, of, tell
from tests.services.turned_switch import Port, TurnedSwitch, served

DAY_S = 86_400.0
UPTIME_WRAP_S = 2**32 / 100
POINTS = {"ifHCInOctets": "in_octets", "ifInUcastPkts": "in_packets", "ifInErrors": "in_errors"}


class Story:
    """An agent's rounds at the pace of the story, and what they brought."""

    def __init__(self, *ports: Port, uptime_s: float = 3600.0) -> None:
        self.switch = TurnedSwitch(list(ports), uptime_s=uptime_s)
        self.line = Line(SWITCH)
        self.events: list[Event] = []
        self._ms = 0
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Story:
        port = await self._open.enter_async_context(served(self.switch))
        self.url = DeviceUrl.parse(f"snmp://127.0.0.1:{port}?timeout=0.15")
        self.link: Link = self._open.enter_context(closing(open_link(self.url)))
        await self.ask(Tier.IDENTITY)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def ask(self, tier: Tier) -> list[Any]:
        found = await ask_device(self.link, SWITCH, self.url, load("if_mib"), tier, self._now)
        self.line.readings += [one for one in found if isinstance(one, Reading)]
        self.line.gaps += [one for one in found if isinstance(one, Gap)]
        self.events += [one for one in found if isinstance(one, Event) and "reboot" in one.data]
        return found

    def _now(self) -> int:
        self._ms += 1  # every answer has a time of its own
        return T0 + self._ms

    async def rounds(self, count: int, every_s: float = 10.0) -> None:
        for _ in range(count):
            self.pass_time(every_s)
            await self.ask(Tier.STATUS)
            await self.ask(Tier.MEASURE)

    def pass_time(self, seconds: float) -> None:
        self.switch.pass_time(seconds)
        self._ms += round(seconds * 1000)

    async def reboot(self, away_s: float, after_s: float) -> None:
        """Silent for `away_s`, then back and counting for `after_s` before it is asked again."""
        self._ms += round((away_s + after_s) * 1000)
        self.switch.reboot(after_s)

    def fastest(self, point: str, index: str) -> float:
        """The highest rate that chart and detectors would see."""
        line = [r for r in self.line.readings if r.point == point and r.index == index]
        curve = rates(Curve(at=[r.at for r in line], value=[r.value for r in line], gaps=[]))
        return max((value for value in curve.value if value is not None), default=0.0)

    def judge(self) -> None:
        """No rate above the true one (but for the milliseconds that a round takes), and no alert at all."""
        for n, port in enumerate(self.switch.ports, 1):
            for point, name in POINTS.items():
                assert self.fastest(point, str(n)) <= port.rates.get(name, 0) * 1.01 + 0.001, (point, n)
        assert of(tell(self.line, batch_s=10), "port_errors") == []


def busy(mbit_s: int, *, wide: bool = False, errors_s: float = 0.0) -> Port:
    """A port at 60 % of its speed, counters about to wrap."""
    octets = mbit_s * 125_000 * 0.6
    rates = {"in_octets": octets, "in_packets": octets / 800, "in_errors": errors_s, "out_octets": octets / 2}
    counts = {"in_octets": 2**32 - octets * 25, "in_packets": 2**32 - octets / 32, "in_errors": 4e9, "out_octets": 7e8}
    return Port(mbit_s, wide=wide, rates=rates, counts=counts)


async def test_wraps_are_bridged_and_the_total_goes_on() -> None:
    async with Story(busy(100), busy(100, wide=True)) as story:
        await story.rounds(40)
        story.judge()
        for index in ("1", "2"):
            octets = [r.value for r in story.line.readings if r.point == "ifHCInOctets" and r.index == index]
            assert octets == sorted(octets)
            assert octets[-1] > 2**32
        assert [g for g in story.line.gaps if g.cause is GapCause.NOT_PLAUSIBLE] == []
        assert story.events == []


async def test_a_reboot_begins_anew_and_is_told_once() -> None:
    async with Story(busy(100), busy(1000, wide=True, errors_s=0.001)) as story:
        await story.rounds(12)
        await story.reboot(away_s=40, after_s=25)
        await story.rounds(12)
        story.judge()
        assert [event.data["reboot"] for event in story.events] == ["uptime"]
        assert story.events[0].data["uptime_s"] < 60


async def test_a_long_absence_with_a_reboot_in_it_is_no_wrap() -> None:
    async with Story(busy(100)) as story:
        await story.rounds(3)
        await story.reboot(away_s=7200, after_s=5400)  # its uptime is above the last one we saw
        await story.rounds(6)
        story.judge()
        assert len(story.events) == 1


async def test_an_absence_in_which_a_port_can_wrap_twice_is_a_gap_that_says_so() -> None:
    async with Story(busy(1000)) as story:
        await story.rounds(4)
        story.pass_time(300)  # 34 s a wrap at full speed
        await story.rounds(1, every_s=0.0)
        await story.rounds(6)
        story.judge()
        said = [g for g in story.line.gaps if g.cause is GapCause.NOT_PLAUSIBLE]
        assert {g.point for g in said} == {"ifHCInOctets", "ifHCOutOctets"}
        assert "how often it wrapped is not known" in said[0].raw
        assert story.events == []


async def test_497_days_are_no_reboot() -> None:
    async with Story(busy(100), busy(100, wide=True), uptime_s=UPTIME_WRAP_S - 95) as story:
        await story.rounds(20)
        story.judge()
        uptime = [r.value for r in story.line.readings if r.point == "sysUpTime"]
        assert uptime == sorted(uptime)
        assert uptime[-1] > UPTIME_WRAP_S
        assert story.events == []


async def test_a_reboot_after_497_days_is_one() -> None:
    async with Story(busy(100), uptime_s=UPTIME_WRAP_S - 95) as story:
        await story.rounds(20)
        await story.reboot(away_s=30, after_s=8)
        await story.rounds(6)
        story.judge()
        assert len(story.events) == 1
        assert [r.value for r in story.line.readings if r.point == "sysUpTime"][-1] < 100


async def test_counters_cleared_by_hand_are_neither_wrap_nor_reboot() -> None:
    port = busy(100)
    port.counts = {"in_octets": 4e9, "in_packets": 5e6, "in_errors": 100.0}
    port.rates["in_octets"] = 1000.0
    async with Story(port) as story:
        await story.rounds(4)
        port.counts.clear()
        await story.rounds(6)
        story.judge()
        assert story.events == []


async def test_a_reboot_in_the_middle_of_a_round_is_no_wrap_either() -> None:
    port = busy(1000)
    for at in range(1, 12, 3):
        async with Story(port) as story:
            port.counts = {"in_octets": 4.2e9, "in_packets": 4.2e9, "out_octets": 4.1e9, "in_errors": 4.2e9}
            port.rates = {"in_octets": 1e5, "in_packets": 100.0}
            await story.rounds(3)
            story.switch.during = {story.switch.requests + 5 + at: -0.2}
            await story.rounds(6)
            story.judge()
            assert len(story.events) == 1, at


async def test_a_round_without_uptime_trusts_no_fall() -> None:
    async with Story(busy(100)) as story:
        await story.rounds(2)
        story.switch.ports[0].counts["in_octets"] = 2**32 - 7.5e7 - 1000.0
        await story.rounds(1)
        tree = story.switch.tree

        def without() -> dict[tuple[int, ...], object]:
            return {oid: value for oid, value in tree().items() if oid != (1, 3, 6, 1, 2, 1, 1, 3, 0)}

        story.switch.tree = without  # type: ignore[method-assign]
        await story.rounds(1)
        assert {g.point for g in story.line.gaps if g.cause is GapCause.NOT_PLAUSIBLE} == {"ifHCInOctets"}
        story.switch.tree = tree  # type: ignore[method-assign]
        await story.rounds(3)
        story.judge()
