from __future__ import annotations

import msgspec

from tests.analytics.timeline import SWITCH, Line, cleared, of, raised, second, tell


def ports(*states: int | None, admin: int = 1, every: float = 10) -> Line:
    line = Line(SWITCH)
    for n, state in enumerate(states):
        line.say(n * every, "3", ifAdminStatus=admin)
        if state is not None:
            line.say(n * every, "3", ifOperStatus=state)
    return line


class TestPortDown:
    def test_a_port_that_was_up_and_is_wanted_is_raised_with_its_true_start(self) -> None:
        changes = tell(ports(1, 1, 2, 2, 2, 1, 1), batch_s=10)
        [finding] = raised(changes, "port_down")
        assert (finding.index, second(finding.since)) == ("3", 20)
        assert [second(c.at) for c in cleared(changes, "port_down")] == [50]

    def test_an_empty_socket_is_no_fault(self) -> None:
        assert raised(tell(ports(*[2] * 20), batch_s=10), "port_down") == []

    def test_a_port_switched_off_is_no_fault(self) -> None:
        line = ports(1, 1)
        for s in range(20, 80, 10):
            line.say(s, "3", ifAdminStatus=2).say(s, "3", ifOperStatus=2)
        assert raised(tell(line, batch_s=10), "port_down") == []

    def test_switching_a_dead_port_off_ends_it(self) -> None:
        line = ports(1, 2, 2, 2)
        line.say(40, "3", ifAdminStatus=2).say(40, "3", ifOperStatus=2)
        [end] = cleared(tell(line, batch_s=10), "port_down")
        assert "administrator" in end.why.en

    def test_one_down_sample_proves_nothing(self) -> None:
        assert raised(tell(ports(1, 1, 2, 1, 1, 7, 1), batch_s=10), "port_down") == []

    def test_lower_layer_down_counts_and_testing_does_not(self) -> None:
        assert len(raised(tell(ports(1, 7, 7), batch_s=10), "port_down")) == 1
        assert raised(tell(ports(1, 3, 3, 4, 5), batch_s=10), "port_down") == []


def counters(
    deltas: list[tuple[float, float]], *, start: float = 0, uptime: list[float] | None = None, base: float = 4e9
) -> Line:
    """A port by what is added each round: (errors, packets)."""
    line = Line(SWITCH)
    errors, packets = 1000.0, base
    for n, (more_errors, more_packets) in enumerate(deltas):
        errors, packets = errors + more_errors, packets + more_packets
        line.say(start + n * 10, "3", ifInErrors=errors, ifInUcastPkts=packets)
        line.say(start + n * 10, sysUpTime=uptime[n] if uptime else 5000 + n * 10)
    return line


class TestPortErrors:
    def test_fifty_errors_in_ten_thousand_are_raised(self) -> None:
        changes = tell(counters([(0, 10_000)] * 5 + [(50, 10_000)] * 10), batch_s=10)
        [finding] = raised(changes, "port_errors")
        assert finding.index == "3"
        assert second(finding.since) == 50
        assert "received" in finding.evidence[0].text.en

    def test_a_healthy_busy_port_is_not(self) -> None:
        assert raised(tell(counters([(1, 1_000_000)] * 100), batch_s=10), "port_errors") == []

    def test_a_few_errors_on_an_idle_port_are_not(self) -> None:
        assert raised(tell(counters([(1, 100)] * 6 + [(0, 100)] * 6), batch_s=10), "port_errors") == []

    def test_one_burst_is_not(self) -> None:
        assert (
            raised(tell(counters([(0, 10_000)] * 5 + [(500, 10_000)] + [(0, 10_000)] * 10), batch_s=10), "port_errors")
            == []
        )

    def test_it_ends_when_the_errors_end(self) -> None:
        changes = tell(counters([(50, 10_000)] * 10 + [(0, 10_000)] * 10), batch_s=10)
        assert [second(c.at) for c in cleared(changes, "port_errors")] == [100]

    def test_a_reboot_is_not_errors(self) -> None:
        line = counters([(0, 10_000)] * 5)
        after = counters([(500, 10_000)] + [(0, 10_000)] * 5, start=50, uptime=[5, 15, 25, 35, 45, 55], base=0)
        line.readings += after.readings
        assert of(tell(line, batch_s=10), "port_errors") == []

    def test_a_reboot_told_only_by_the_uptime_is_seen(self) -> None:
        uptimes = [1000.0, 1010, 1020, 3, 13, 23, 33]
        deltas = [(0.0, 1000.0)] * 3 + [(900.0, 1000.0)] + [(0.0, 1000.0)] * 3
        assert of(tell(counters(deltas, uptime=uptimes), batch_s=10), "port_errors") == []

    def test_a_wrapped_counter_is_unknown_not_huge(self) -> None:
        line = Line(SWITCH)
        for n in range(10):
            line.say(n * 10, "3", ifInErrors=(4_294_967_000 + n * 100) % 2**32, ifInUcastPkts=1e6 + n * 1e7)
        assert of(tell(line, batch_s=10), "port_errors") == []

    def test_packets_that_are_missing_make_no_ratio(self) -> None:
        line = counters([(50, 10_000)] * 10)
        line.readings = [r for r in line.readings if r.point != "ifInUcastPkts"]
        assert of(tell(line, batch_s=10), "port_errors") == []

    def test_both_directions_are_one_finding(self) -> None:
        line = counters([(50, 10_000)] * 8)
        for n in range(8):
            line.say(n * 10, "3", ifOutErrors=n * 50, ifOutUcastPkts=n * 10_000)
        changes = tell(line, batch_s=10)
        assert len(raised(changes, "port_errors")) == 1

    def test_errors_and_packets_of_different_answers_are_paired_in_either_order(self) -> None:
        for early in ("ifInErrors", "ifInUcastPkts"):
            line = counters([(0, 10_000)] * 5 + [(50, 10_000)] * 10)
            line.readings = [
                msgspec.structs.replace(r, at=r.at - 400) if r.point == early else r for r in line.readings
            ]
            assert len(raised(tell(line, batch_s=10), "port_errors")) == 1
            assert len(raised(tell(line, batch_s=0.5), "port_errors")) == 1, "also when they come in two batches"

    def test_a_reboot_told_in_an_earlier_batch_is_remembered(self) -> None:
        line = Line(SWITCH)
        for n, errors in enumerate([0, 0, 0, 0, 900, 900, 900, 1400]):
            line.say(n * 10, sysUpTime=1000 + n * 10 if n < 4 else n * 10)
            line.say(n * 10 + 5, "3", ifInErrors=errors, ifInUcastPkts=n * 10_000)
        assert of(tell(line, batch_s=5), "port_errors") == []
