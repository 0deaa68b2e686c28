"""How a request may be asked while replies are owed, and which are believed: pure, so every case is a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.exchange import ReadIdentity, ReadWords
from agent.drivers.modbus_frames import Ask, byte_count
from agent.links.debts import Debts, Way
from tests.agent.links.slaves import crc

REFUSED = crc(bytes([1, 0x83, 2]))
ZEROS = crc(bytes([1, 3, 4, 0, 0, 0, 0]))


def ask(address: int, count: int, unit: int = 1, function: int = 3) -> ReadWords:
    return ReadWords(unit=unit, function=function, address=address, count=count)


def way(*parts: Ask, twice: bool = False) -> Way:
    return Way(parts, twice=twice)


def owing(*lost: Ask) -> Debts:
    debts = Debts(5)
    for one in lost:
        debts.lost(one, now=0)
    return debts


def test_without_a_debt_a_request_keeps_its_shape() -> None:
    assert owing().ways(ask(1, 10), now=0) == way(ask(1, 10))


def test_a_request_of_the_owed_shape_is_asked_in_two() -> None:
    assert owing(ask(1, 10)).ways(ask(50, 10), now=1) == way(ask(50, 9), ask(59, 1))


def test_one_register_is_asked_with_its_neighbour() -> None:
    assert owing(ask(1, 1)).ways(ask(50, 1), now=1) == way(ask(50, 2))


def test_the_very_request_that_was_lost_changes_its_shape_too_for_its_late_reply_is_old() -> None:
    assert owing(ask(1, 10)).ways(ask(1, 10), now=1) == way(ask(1, 9), ask(10, 1))


def test_a_register_without_a_neighbour_is_read_twice_and_believed_once() -> None:
    debts = owing(ask(50, 1))
    debts.no_neighbours(ask(50, 1))
    assert debts.ways(ask(50, 1), now=1) == way(ask(50, 1), twice=True)


def test_a_register_without_a_neighbour_waits_while_another_of_its_shape_is_owed() -> None:
    debts = owing(ask(7, 1))
    debts.no_neighbours(ask(50, 1))
    assert debts.ways(ask(50, 1), now=1) is None


def test_another_unit_owes_nothing() -> None:
    assert owing(ask(1, 10)).ways(ask(50, 10, unit=2), now=1) == way(ask(50, 10, unit=2))


def test_a_debt_lapses_with_time_once_the_unit_was_heard_again() -> None:
    debts = owing(ask(1, 10))
    debts.given(ask(1, 9), ZEROS, now=1)
    assert debts.ways(ask(50, 10), now=4) == way(ask(50, 9), ask(59, 1))
    assert debts.ways(ask(50, 10), now=5) == way(ask(50, 10))


def test_a_reply_held_back_until_the_next_question_is_owed_however_long_that_takes() -> None:
    assert owing(ask(1, 10)).ways(ask(50, 10), now=3600) == way(ask(50, 9), ask(59, 1))


def test_a_unit_that_stays_dead_never_runs_out_of_shapes() -> None:
    debts = owing()
    for n in range(500):
        found = debts.ways(ask(50, 4), now=n * 6.0)
        assert found
        debts.lost(found.parts[0], now=n * 6.0)


def test_the_last_reply_may_be_doubled_however_long_ago() -> None:
    debts = owing()
    debts.given(ask(1, 2), ZEROS, now=0)
    assert debts.doubts(ask(50, 2), ZEROS, now=3600)


def test_coils_are_told_apart_by_their_bytes() -> None:
    debts = owing(ask(1, 10, function=1))
    assert debts.ways(ask(50, 3, function=1), now=1) == way(ask(50, 3, function=1))
    assert debts.ways(ask(50, 16, function=1), now=1) == way(ask(50, 8, function=1), ask(58, 8, function=1))
    assert owing(ask(1, 8, function=2)).ways(ask(50, 3, function=2), now=1) == way(ask(50, 11, function=2))


def test_an_identification_waits_for_one_of_its_kind_and_is_read_twice_after_its_own() -> None:
    debts = owing(ReadIdentity(unit=1, code=3, first=0x80))
    assert debts.ways(ReadIdentity(unit=1, code=3, first=0x8A), now=1) is None
    assert debts.ways(ReadIdentity(unit=1), now=1) == way(ReadIdentity(unit=1))
    again = ReadIdentity(unit=1, code=3, first=0x80)
    assert debts.ways(again, now=1) == way(again, twice=True)


def test_a_refusal_is_not_believed_while_something_else_is_owed_to_that_function() -> None:
    assert owing(ask(1, 10)).doubts(ask(50, 4), REFUSED, now=1)
    assert not owing(ask(1, 10)).doubts(ask(1, 10), REFUSED, now=1)
    assert not owing(ask(1, 10, function=4)).doubts(ask(50, 4), REFUSED, now=1)


def test_a_reply_that_equals_the_one_before_it_may_be_its_second_copy() -> None:
    debts = owing()
    debts.given(ask(1, 2), ZEROS, now=0)
    assert debts.doubts(ask(50, 2), ZEROS, now=0.5)
    assert not debts.doubts(ask(1, 2), ZEROS, now=0.5)  # the same registers: nothing wrong can come of it
    debts.given(ask(9, 3), REFUSED, now=1)
    assert not debts.doubts(ask(50, 2), ZEROS, now=2)  # another reply was between them, and a second ago


def test_a_unit_that_showed_doubled_replies_is_watched_for_longer() -> None:
    debts = owing()
    debts.odd(1, now=0)
    debts.given(ask(1, 2), ZEROS, now=0)
    debts.given(ask(9, 3), REFUSED, now=0)
    assert debts.doubts(ask(50, 2), ZEROS, now=4)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 125)), max_size=12), st.integers(1, 125))
def test_no_part_ever_has_an_owed_shape_and_the_parts_cover_the_request(
    owed: list[tuple[int, int]], count: int
) -> None:
    found = owing(*(ask(address, lost) for address, lost in owed)).ways(ask(1000, count), now=1)
    if found is None:
        return
    parts = [part for part in found.parts if isinstance(part, ReadWords)]
    assert not {byte_count(part) for part in parts} & {2 * lost for _, lost in owed}
    covered = [part.address + n for part in parts for n in range(part.count)]
    assert covered[:count] == list(range(1000, 1000 + count))
