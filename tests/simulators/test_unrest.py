"""Chance that is the same each time: fluctuations and spoiled replies."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from simulators.faults import WireFault
from simulators.fluctuation import series, wander
from simulators.spoil import arriving


@given(seed=st.integers(0, 2**31), name=st.text(max_size=20), second=st.integers(0, 2**41))
def test_a_fluctuation_is_bounded_and_repeats_itself_exactly(seed: int, name: str, second: int) -> None:
    value = wander(series(seed, name), second)
    assert -1 <= value <= 1
    assert value == wander(series(seed, name), second)


def test_it_wanders_slowly_and_two_series_go_different_ways() -> None:
    one, other = ([wander(series(7, name), second) for second in range(600)] for name in ("a", "b"))
    steps = [abs(after - before) for before, after in pairwise(one)]
    assert max(steps) < 0.6
    assert max(one) - min(one) > 0.5
    assert one != other


def spoil(reply: bytes, kind: str, seed: int) -> bytes:
    return b"".join(piece for _, piece in arriving(reply, WireFault(kind=kind), Random(seed)))


@given(reply=st.binary(min_size=1, max_size=80), seed=st.integers(0, 999))
def test_garbled_keeps_the_length_and_never_the_bytes_torn_is_a_true_beginning(reply: bytes, seed: int) -> None:
    garbled = spoil(reply, "garbled", seed)
    assert len(garbled) == len(reply)
    assert garbled != reply
    torn = spoil(reply, "torn", seed)
    assert torn
    assert reply.startswith(torn)
    assert spoil(reply, "silent", seed) == b""
    assert spoil(reply, "late", seed) == spoil(reply, "none", seed) == reply
