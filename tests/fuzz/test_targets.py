"""No parser lets anything escape: any bytes, and sound inputs with a few things wrong in them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS

#: A file is parsed in some milliseconds, a frame in microseconds.
_FEW = {"profile_file", "scenario"}


def check(name: str, data: bytes) -> None:
    """Nothing but what the parser promises; what made it raise stands in the report."""
    try:
        TARGETS[name].run(data)
    except Exception as error:
        error.add_note(f"{name} was given {data!r}")
        raise


@pytest.mark.parametrize("name", TARGETS)
def test_sound_inputs_pass(name: str) -> None:
    for seed in TARGETS[name].seeds:
        check(name, seed)


@pytest.mark.parametrize("name", TARGETS)
def test_nearly_sound_inputs_pass(name: str) -> None:
    chance = Random(7)
    for _ in range(20 if name in _FEW else 150):
        check(name, mutated(chance.choice(TARGETS[name].seeds), chance))


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - _FEW))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=200))
def test_any_bytes_pass(name: str, data: bytes) -> None:
    check(name, data)
