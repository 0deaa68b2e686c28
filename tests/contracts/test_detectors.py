"""Every detector is found and checked by itself: a new line in `DETECTORS` needs no new test here."""

from __future__ import annotations

import copy
import random
from functools import cache

import msgspec
import pytest

from alerts.kinds import KINDS
from analytics.detector import Block, Detector, State
from analytics.detectors import DETECTORS
from analytics.watch import blocks_of
from model.finding import Change, Changed, Cleared, Raised
from model.points import POINTS, Kind
from model.reading import Gap, GapCause, Reading
from model.text import Text
from tests.analytics.timeline import T0, Line, context, outage, ups_round

NAMES = sorted(DETECTORS)
DEVICE = "sz-futian/ups-1"


@cache
def wild(seed: int) -> tuple[Line, ...]:
    """An hour of everything that can be said of a device, faults included: the same for the same seed."""
    dice = random.Random(seed)
    line = Line(DEVICE)
    outage(line, start=300, end=900, capacity=0.5, until=1000)
    flags = [p.id.replace(".", "__") for p in POINTS.values() if p.kind is Kind.FLAG]
    errors = packets = 0.0
    bad = dict.fromkeys(flags, False)
    for n in range(200):
        s = 1010.0 + n * 7
        if dice.random() < 0.15:
            line.miss(s)
            continue
        for flag in flags:
            if dice.random() < 0.06:
                bad[flag] = not bad[flag]
        line.say(s, **{flag: float(on) for flag, on in bad.items()})
        line.say(s, "1", ups__load=dice.choice([50, 99, 110, 140]), input__voltage=dice.choice([0, 230]))
        line.say(
            s,
            ups__source=dice.choice([3, 3, 4, 5, 5]),
            battery__charge=dice.randrange(1, 100),
            battery__status=dice.choice([2, 3]),
        )
        line.say(
            s,
            ups__temperature=dice.randrange(20, 80),
            battery__temperature=dice.randrange(20, 60),
            battery__runtime=dice.randrange(0, 3000),
        )
        line.say(s, "1", entity__fan__status=dice.choice([1, 1, 2, 3, 3]), ambient__smoke=dice.choice([1, 1, 1, 2]))
        line.say(s, ups__test__result=dice.choice([1, 3, 5, 6]), sysUpTime=s if dice.random() > 0.05 else 1)
        errors, packets = errors + dice.choice([0, 0, 50]), packets + 10_000
        for port in ("1", "2"):
            line.say(s, port, ifOperStatus=dice.choice([1, 1, 2]), ifAdminStatus=dice.choice([1, 1, 1, 2]))
            line.say(s, port, ifInErrors=errors, ifInUcastPkts=packets, ifOutErrors=0, ifOutUcastPkts=packets)
    slow = Line(DEVICE)
    for n in range(80):
        ups_round(slow, 4000 + n * 1800, charge=60)
        slow.say(4000 + n * 1800, sysUpTime=60 + n * 1800 % 14_400)
    for s in range(150_000, 150_100, 5):
        slow.miss(s)
    return line, slow, months()


@cache
def months() -> Line:
    """Two months at the pace of a slow line, then a week of bad mains: what only a device with a past can be told."""
    line = Line(DEVICE)
    for n in range(60):
        line.say(200_000 + n * 86_400, input__voltage=230, output__voltage=230, ups__source=3, input__line_bads=0)
    end = 200_000 + 60 * 86_400.0
    for n in range(12):
        for later in (0, 30):
            line.say(end + n * 40_000 + later, ups__source=5, ats__building__source=1)
        line.say(end + n * 40_000 + 60, ups__source=3, ats__building__source=1)
    end += 600_000.0
    for n in range(60):
        s = end + n * 600
        line.say(s, input__voltage=195, output__voltage=207, ups__source=3, input__frequency=50)
        line.say(s, ups__temperature=min(54.0, 38 + n), ats__building__source=0 if 10 < n < 20 else 1)
    for n in range(200):
        line.say(end + 40_000 + n * 600, ups__source=6 if n < 180 else 3, ups__temperature=30, output__voltage=230)
    return line


@cache
def healthy() -> tuple[Line, ...]:
    """A quiet hour with values that wander within their normal."""
    dice = random.Random(1)
    line = Line(DEVICE)
    packets = 1e6
    for n in range(150):
        s = n * 10.0
        ups_round(
            line, s, charge=dice.choice([99, 100]), load=dice.randrange(30, 60), runtime=dice.randrange(1300, 1700)
        )
        packets += dice.randrange(10_000, 50_000)
        line.say(
            s,
            "1",
            ifOperStatus=1,
            ifAdminStatus=1,
            ifInErrors=3,
            ifInUcastPkts=packets,
            ifOutErrors=0,
            ifOutUcastPkts=packets,
        )
        line.say(s, "2", ifOperStatus=2, ifAdminStatus=1).say(s, "3", ifOperStatus=2, ifAdminStatus=2)
        line.say(s, battery__status=2, ups__test__result=6, sysUpTime=1000 + s)
    return (line,)


@cache
def blocks(lines: tuple[Line, ...], batch_s: float | None) -> list[Block]:
    readings: dict[int, list[Reading]] = {}
    gaps: dict[int, list[Gap]] = {}
    for line in lines:
        for reading in line.readings:
            readings.setdefault(_part(reading.at, batch_s), []).append(reading)
        for gap in line.gaps:
            gaps.setdefault(_part(gap.at, batch_s), []).append(gap)
    return [b for n in sorted({*readings, *gaps}) for b in blocks_of(readings.get(n, []), gaps.get(n, []))]


def _part(at: int, batch_s: float | None) -> int:
    return 0 if batch_s is None else int((at - T0) / 1000 // batch_s)


def run(
    detector: Detector,
    some: list[Block],
    *,
    through_snapshot: bool = False,
    unneeded: bool = True,
    watched: bool = False,
) -> list[Change]:
    state: State = detector.fresh()
    told: list[Change] = []
    for block in some:
        if not unneeded and detector.needs and detector.needs.isdisjoint(block.columns):
            continue
        if through_snapshot:
            # Ordered by keys, as the pipeline writes snapshots: all keys are words, and the order of a dict means nothing.
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(state, order="deterministic"))
        before, given = (copy.deepcopy(state), copy.deepcopy(block)) if watched else (state, block)
        after, changes = detector.step(state, block, context(DEVICE), block.last_at)
        assert state == before, "a state handed in is not changed"
        assert block == given, "a block is not changed"
        state = after
        told += changes
    return told


@pytest.mark.parametrize("name", NAMES)
class TestEveryDetector:
    def test_speaks_when_there_is_something_to_say(self, name: str) -> None:
        told = [c for seed in range(3) for c in run(DETECTORS[name], blocks(wild(seed), None))]
        assert any(isinstance(c, Raised) for c in told), "the wild story must make every detector speak"

    def test_is_pure(self, name: str) -> None:
        for batch_s in (60, None):
            first = run(DETECTORS[name], blocks(wild(0), batch_s), watched=True)
            assert first == run(DETECTORS[name], blocks(wild(0), batch_s))

    def test_is_silent_on_healthy_data(self, name: str) -> None:
        assert run(DETECTORS[name], blocks(healthy(), None)) == []
        assert run(DETECTORS[name], blocks(healthy(), 10)) == []

    @pytest.mark.parametrize("batch_s", [1, 7, 60, 601])
    def test_pieces_say_the_same_as_the_whole(self, name: str, batch_s: float) -> None:
        for seed in range(2):
            whole = run(DETECTORS[name], blocks(wild(seed), None))
            assert run(DETECTORS[name], blocks(wild(seed), batch_s)) == whole

    def test_its_state_survives_the_snapshot(self, name: str) -> None:
        some = blocks(wild(0), 60)
        assert run(DETECTORS[name], some, through_snapshot=True) == run(DETECTORS[name], some)

    def test_blocks_without_its_points_change_nothing(self, name: str) -> None:
        some = blocks(wild(0), 1)
        assert run(DETECTORS[name], some, unneeded=False) == run(DETECTORS[name], some)

    def test_needs_are_points_and_kinds_are_in_the_table(self, name: str) -> None:
        assert DETECTORS[name].needs <= POINTS.keys()
        assert DETECTORS[name].kinds <= KINDS.keys()

    def test_only_its_own_kinds_and_raised_before_cleared(self, name: str) -> None:
        standing: set[tuple[str, str | None]] = set()
        for change in run(DETECTORS[name], blocks(wild(1), 30)):
            slot = (
                (change.kind, change.index)
                if isinstance(change, Cleared)
                else (change.finding.kind, change.finding.index)
            )
            assert slot[0] in DETECTORS[name].kinds
            if isinstance(change, Raised):
                assert slot not in standing
                standing.add(slot)
            else:
                assert slot in standing
            if isinstance(change, Cleared):
                standing.discard(slot)

    def test_every_sentence_is_in_english_and_chinese(self, name: str) -> None:
        for change in run(DETECTORS[name], blocks(wild(2), None)):
            if isinstance(change, Cleared):
                texts = [change.why]
            else:
                texts = [change.finding.advice, *(e.text for e in change.finding.evidence)]
            assert [text for text in texts if not _bilingual(text)] == []

    def test_a_finding_has_evidence_a_score_and_times_in_order(self, name: str) -> None:
        for change in run(DETECTORS[name], blocks(wild(0), None)):
            if isinstance(change, Raised | Changed):
                finding = change.finding
                assert finding.evidence
                assert 0 <= finding.score <= 1
                assert finding.since <= max(e.at for e in finding.evidence)
                assert all(e.point is None or e.point in POINTS for e in finding.evidence)


def _bilingual(text: Text) -> bool:
    """English without a Chinese character, Chinese with one, and no place left unfilled in either."""
    chinese = [any("\u4e00" <= char <= "\u9fff" for char in words) for words in (text.en, text.zh)]
    return bool(text.en.strip()) and chinese == [False, True] and "{" not in text.en + text.zh


def test_gaps_of_every_cause_are_survived_by_all() -> None:
    gaps = [Gap(device=DEVICE, point=None, index=None, at=T0 + n, cause=cause) for n, cause in enumerate(GapCause)]
    for name in NAMES:
        [block] = blocks_of([], gaps)
        assert run(DETECTORS[name], [block]) == []
