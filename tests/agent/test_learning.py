"""What refusals teach: holes are found in few requests, asked for once, and nothing else is lost. The slave is a function."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Answer, Exchange, Failure, ReadWords, Request, Words
from agent.learning import Learned, learn
from agent.links.owner import Link
from agent.profiles import Profile, Tier
from agent.profiles.form import Value
from model.reading import Gap, GapCause, Reading

URL = DeviceUrl.parse("modbus+tcp://192.0.2.1")
HOLE = Failure(cause=GapCause.REFUSED, raw="exception 2 illegal address")
BUSY = Failure(cause=GapCause.REFUSED, raw="exception 6 busy")


class Slave(Link):
    """Keeps the number of each register in it, but for its holes; a read that touches one is refused."""

    def __init__(self, holes: set[int], refusal: Failure = HOLE) -> None:
        super().__init__()
        self.holes, self.refusal = holes, refusal
        self.asked: list[ReadWords] = []

    async def _once(self, request: Request) -> Answer | Failure:
        assert isinstance(request, ReadWords)
        self.asked.append(request)
        span = range(request.address, request.address + request.count)
        return self.refusal if self.holes & set(span) else Words(tuple(span))

    def close(self) -> None:
        """Nothing is open."""


def rows(registers: list[int]) -> Profile:
    values = tuple(Value(point="input.voltage", at=str(n), index=str(n), tier=Tier.MEASURE) for n in registers)
    return Profile(id="x", driver="modbus", title=("x", "x"), source="x", values=values)


async def told(
    slave: Slave, profile: Profile, tier: Tier = Tier.MEASURE
) -> tuple[dict[str, float], dict[str, GapCause]]:
    slave.asked.clear()
    found = await ask_device(slave, "a/b", URL, profile, tier, lambda: 5)
    values = {str(one.index): one.value for one in found if isinstance(one, Reading)}
    return values, {str(one.index): one.cause for one in found if isinstance(one, Gap)}


async def test_a_hole_between_rows_costs_one_read_more_and_no_value() -> None:
    with closing(Slave({104})) as slave:
        profile = rows([100, 101, 102, 103, 106, 107])
        first = await told(slave, profile)
        assert first == ({str(n): float(n) for n in (100, 101, 102, 103, 106, 107)}, {})
        assert await told(slave, profile) == first
        assert [(r.address, r.count) for r in slave.asked] == [(100, 4), (106, 2)]


async def test_a_row_that_is_not_there_is_asked_for_once_a_day() -> None:
    with closing(Slave({102})) as slave:
        profile = rows([100, 101, 102, 103])
        await told(slave, profile)
        values, gaps = await told(slave, profile)
        assert (sorted(values), gaps) == (["100", "101", "103"], {"102": GapCause.NOT_SUPPORTED})
        assert 102 not in {register for r in slave.asked for register in range(r.address, r.address + r.count)}
        slave.holes.clear()
        await told(slave, profile, Tier.IDENTITY)
        assert await told(slave, profile) == ({str(n): float(n) for n in range(100, 104)}, {})
        assert len(slave.asked) == 1


async def test_a_device_that_refuses_everything_is_still_asked_and_so_seen_alive() -> None:
    with closing(Slave(set(range(100, 110)))) as slave:
        profile = rows(list(range(100, 110)))
        await told(slave, profile)
        values, gaps = await told(slave, profile)
        assert not values
        assert len(gaps) == 10
        assert len(slave.asked) == 1


async def test_a_busy_device_teaches_nothing_and_is_not_asked_in_parts() -> None:
    with closing(Slave({100}, BUSY)) as slave:
        profile = rows([100, 101, 102])
        assert set((await told(slave, profile))[1].values()) == {GapCause.REFUSED}
        assert len(slave.asked) == 1
        slave.holes.clear()
        assert len((await told(slave, profile))[0]) == 3


def test_half_a_round_teaches_nothing() -> None:
    reads = [ReadWords(unit=1, function=3, address=n, count=1) for n in (1, 5)]
    silent = Failure(cause=GapCause.NO_ANSWER)
    assert (
        learn(None, [Exchange(request=r, answer=a, at=1) for r, a in zip(reads, (HOLE, silent), strict=True)]) is None
    )


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 60), min_size=1), st.sets(st.integers(0, 60)))
async def test_whatever_the_holes_every_other_register_is_read_in_each_round(wanted: set[int], holes: set[int]) -> None:
    with closing(Slave(holes)) as slave:
        profile = rows(sorted(wanted))
        for _ in range(4):
            values, gaps = await told(slave, profile)
            assert values == {str(n): float(n) for n in wanted - holes}
            assert set(gaps) == {str(n) for n in wanted & holes}
        counts = []
        for _ in range(2):
            await told(slave, profile)
            counts.append(len(slave.asked))
        assert counts[0] == counts[1], "nothing is left to learn"
        learned = slave.learned.get(("a/b", "x", Tier.MEASURE))
        assert learned is None or isinstance(learned, Learned)
