"""Which shapes a request may take while replies are owed: pure, so every case is a line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agent.drivers.exchange import ReadWords
from agent.links.debts import Debts


def ask(address: int, count: int, unit: int = 1, function: int = 3) -> ReadWords:
    return ReadWords(unit=unit, function=function, address=address, count=count)


def test_without_a_debt_a_request_keeps_its_shape() -> None:
    assert Debts(5).shapes(ask(1, 10), now=0) == [ask(1, 10)]


def test_a_request_of_the_owed_shape_is_asked_in_two() -> None:
    debts = Debts(5)
    debts.lost(ask(1, 10), now=0)
    assert debts.shapes(ask(50, 10), now=1) == [ask(50, 9), ask(59, 1)]


def test_one_register_is_asked_with_its_neighbour() -> None:
    debts = Debts(5)
    debts.lost(ask(1, 1), now=0)
    assert debts.shapes(ask(50, 1), now=1) == [ask(50, 2)]


def test_the_very_request_that_was_lost_may_be_repeated() -> None:
    debts = Debts(5)
    debts.lost(ask(1, 10), now=0)
    assert debts.shapes(ask(1, 10), now=1) == [ask(1, 10)]


def test_another_unit_owes_nothing() -> None:
    debts = Debts(5)
    debts.lost(ask(1, 10), now=0)
    assert debts.shapes(ask(50, 10, unit=2), now=1) == [ask(50, 10, unit=2)]


def test_a_debt_lapses() -> None:
    debts = Debts(5)
    debts.lost(ask(1, 10), now=0)
    assert debts.shapes(ask(50, 10), now=5) == [ask(50, 10)]


def test_coils_cannot_be_told_apart_and_have_to_wait() -> None:
    debts = Debts(5)
    debts.lost(ask(1, 10, function=1), now=0)
    assert debts.shapes(ask(50, 3, function=1), now=1) is None


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 125)), max_size=12), st.integers(1, 125))
def test_no_part_ever_has_an_owed_shape_and_the_parts_cover_the_request(
    owed: list[tuple[int, int]], count: int
) -> None:
    debts = Debts(5)
    for address, lost in owed:
        debts.lost(ask(address, lost), now=0)
    parts = debts.shapes(ask(1000, count), now=1)
    if parts is None:
        return
    assert not {part.count for part in parts} & {lost for _, lost in owed}
    covered = [part.address + n for part in parts for n in range(part.count)]
    assert covered[:count] == list(range(1000, 1000 + count))
