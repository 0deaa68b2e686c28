"""What a device did not say, out of what it and its agent said: the gaps of a silence, and none where nothing proves one."""

from __future__ import annotations

from analytics.detector import Column
from collector.history.days import DAY_MS, Day
from collector.jobs.holes import Heard, gaps_of
from model.reading import GapCause

UPS = "sz/ups-1"
DAY = 1_790_035_200_000
assert DAY % DAY_MS == 0


def rounds(begin_s: float, end_s: float, every_s: float = 10) -> list[int]:
    return [DAY + round(1000 * (begin_s + n * every_s)) for n in range(int((end_s - begin_s) / every_s))]


def day(own: list[int], agent: list[int], timeouts: list[int], slow: list[int] | None = None) -> Day:
    found: Day = {"ups.load": {"1": Column(own, [40.0] * len(own))}} if own else {}
    if slow:
        found["ups.temperature"] = {None: Column(slow, [30.0] * len(slow))}
    if agent:
        found["device.airtime"] = {None: Column(agent, [1.0] * len(agent))}
    if timeouts:
        found["device.timeouts"] = {None: Column(timeouts, [float(n) for n in range(len(timeouts))])}
    return found


def seconds(heard: Heard, one: Day) -> tuple[Heard, list[float]]:
    heard, gaps = gaps_of(heard, UPS, one)
    assert all(gap.point is None and gap.cause is GapCause.NO_ANSWER and gap.device == UPS for gap in gaps)
    return heard, [(gap.at - DAY) / 1000 for gap in gaps]


def test_a_hole_in_which_the_agent_asked_in_vain_gets_the_gaps_of_its_rounds() -> None:
    own = rounds(0, 600) + rounds(900, 3600)
    heard, gaps = seconds(Heard(), day(own, rounds(0, 3600, 60), [DAY, DAY + 660_000, DAY + 720_000]))
    assert gaps == [600, 610, 620, 630, 640, 650, 710, 770, 830, 890]
    assert heard.judged
    assert heard.pace == 10_000


def test_nothing_is_made_where_nothing_proves_it() -> None:
    own, agent = rounds(0, 600) + rounds(900, 3600), rounds(0, 3600, 60)
    for said, why in {
        "no timeouts: it answered in part, or was not asked": day(own, agent, []),
        "the timeouts are of another time": day(own, agent, [DAY + 1000, DAY + 2_000_000]),
        "only the beginning of the count": day(own, agent, [DAY + 700_000]),
        "no word of an agent": day(own, [], []),
        "no hole": day(rounds(0, 3600), agent, [DAY + 1000, DAY + 660_000]),
        "another series filled it": day(own, agent, [DAY, DAY + 660_000], rounds(600, 900, 30)),
        "too few to know the pace": day(own[:4], agent, [DAY, DAY + 660_000]),
    }.items():
        assert seconds(Heard(), why)[1] == [], said


def test_an_agent_that_was_silent_itself_blames_no_device() -> None:
    agent = rounds(0, 600, 60) + rounds(3000, 3600, 60)
    _, gaps = seconds(Heard(), day(rounds(0, 600) + rounds(3300, 3600), agent, [DAY, DAY + 3_100_000]))
    assert gaps
    assert all(second < 700 or second > 2900 for second in gaps)


def test_a_silence_over_days_goes_on_where_it_was_and_none_is_told_twice() -> None:
    heard, first = seconds(Heard(), day(rounds(0, 80_000), rounds(0, 86_400, 60), [DAY, DAY + 80_100_000]))
    silent = day([], rounds(86_400, 2 * 86_400, 60), [DAY, DAY + 86_500_000])
    heard, second = seconds(heard, silent)
    heard, again = seconds(heard, silent)
    assert first[0] == 80_000
    assert 86_280 < first[-1] < second[0] <= 86_430
    assert 172_680 < second[-1] < 172_800
    assert again == []
    heard, third = seconds(heard, day(rounds(180_000, 190_000), rounds(172_800, 190_000, 60), [DAY, DAY + 173_000_000]))
    assert third[0] > second[-1]
    assert third[-1] < 180_000
    assert len({*first, *second, *third}) == len(first + second + third)


def test_what_cannot_be_is_no_silence() -> None:
    for one in (
        {},
        day([DAY], [], []),
        day([DAY] * 12, rounds(0, 120, 60), [DAY]),
        day([], rounds(0, 60, 60), [DAY, DAY + 1]),
    ):
        assert seconds(Heard(), one)[1] == []
