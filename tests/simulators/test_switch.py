"""Ports count what they carry, and forget it only when the power goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.points import POINTS, OperStatus, plausible
from simulators import switch
from simulators.switch import BOOT_S, PortMake, SwitchMake, SwitchState

MAKE = SwitchMake(ports=(PortMake(name="GE1/0/1", packets_in=100), PortMake(name="GE1/0/2", enabled=False)))


def run(state: SwitchState, seconds: int, *, powered: bool = True, traffic: float = 1.0) -> SwitchState:
    for _ in range(seconds):
        state = switch.step(MAKE, state, powered=powered, traffic=traffic, dt_s=1.0)
    return state


@given(seconds=st.integers(1, 300), traffic=st.floats(0, 3), share=st.floats(0, 1))
def test_counters_only_rise_and_errors_are_their_share_of_the_packets(
    seconds: int, traffic: float, share: float
) -> None:
    start = switch.with_port(switch.fresh(MAKE, 1000), 1, error_share=share)
    end = run(start, seconds, traffic=traffic)
    before, after = switch.meters(MAKE, start), switch.meters(MAKE, end)
    for name in before:
        assert after[name] >= before[name], name
        assert plausible(POINTS[name.partition("#")[0]], after[name])
    good = end.ports[0].packets_in - start.ports[0].packets_in
    bad = end.ports[0].errors_in - start.ports[0].errors_in
    assert bad == pytest.approx(share * (good + bad), abs=1e-6)


def test_a_port_that_goes_down_stands_still_and_says_when() -> None:
    up = run(switch.fresh(MAKE, 1000), 10)
    down = run(switch.with_port(up, 1, oper=OperStatus.DOWN), 10)
    values = switch.meters(MAKE, down)
    assert values["ifOperStatus#1"] == OperStatus.DOWN
    assert values["ifLastChange#1"] == 1010
    assert values["ifHCInOctets#1"] == switch.meters(MAKE, up)["ifHCInOctets#1"]


def test_a_spare_port_is_shut_down_not_broken() -> None:
    values = switch.meters(MAKE, switch.fresh(MAKE, 1000))
    assert values["ifAdminStatus#2"] == values["ifOperStatus#2"] == OperStatus.DOWN


def test_without_power_it_is_dark_and_afterwards_it_boots_from_zero() -> None:
    dark = run(switch.fresh(MAKE, 1000), 5, powered=False)
    assert not dark.answering
    booting = run(dark, int(BOOT_S) - 1)
    assert not booting.answering
    up = run(booting, 11)
    assert up.answering
    assert up.uptime_s == pytest.approx(10)
    assert switch.meters(MAKE, up)["ifInUcastPkts#1"] <= 100 * 11
