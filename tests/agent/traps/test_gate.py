"""Who is decoded and how often, in virtual time."""

from __future__ import annotations

from collections import Counter

from agent.traps.gate import DEVICE, EVERYONE, MOST_OCTETS, STRANGERS, Gate, Verdict

TRAP = b"\x30" + bytes(60)


def flood(gate: Gate, source: str, seconds: float, per_s: int, start: float = 0.0) -> Counter[Verdict]:
    return Counter(gate.judge(source, TRAP, start + n / per_s) for n in range(int(seconds * per_s)))


def test_a_device_may_send_a_burst_and_then_a_few_a_second() -> None:
    told = flood(Gate(["10.0.0.1"]), "10.0.0.1", seconds=100, per_s=500)
    assert told[Verdict.DECODE] <= DEVICE.burst + 100 * DEVICE.per_s + 1
    assert told[Verdict.DECODE] >= 100 * DEVICE.per_s


def test_strangers_share_one_small_allowance_and_take_nothing_from_a_device() -> None:
    gate = Gate(["10.0.0.1"])
    for n in range(10_000):
        gate.judge(f"192.0.{n // 250}.{n % 250}", TRAP, n / 1000)
    told = flood(gate, "192.0.2.1", seconds=10, per_s=100, start=10)
    assert told[Verdict.DECODE_STRANGER] <= STRANGERS.burst + 10 * STRANGERS.per_s + 1
    assert gate.judge("10.0.0.1", TRAP, 20.0) is Verdict.DECODE


def test_all_devices_together_have_a_limit_and_one_that_raves_does_not_use_it_up() -> None:
    gate = Gate([f"10.0.0.{n}" for n in range(200)])
    flood(gate, "10.0.0.0", seconds=10, per_s=1000)
    assert gate.judge("10.0.0.1", TRAP, 10.0) is Verdict.DECODE
    told = Counter(gate.judge(f"10.0.0.{n % 200}", TRAP, 20 + n / 1000) for n in range(10_000))
    assert told[Verdict.DECODE] <= EVERYONE.burst + 10 * EVERYONE.per_s + 1


def test_what_can_be_no_trap_costs_no_allowance() -> None:
    gate = Gate(["10.0.0.1"])
    for n in range(1000):
        for datagram in (b"", b"\x30", bytes(60), b"\x30" + bytes(MOST_OCTETS), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
            assert gate.judge("10.0.0.1", datagram, n / 1000) is Verdict.NOT_SNMP
    assert flood(gate, "10.0.0.1", seconds=0.01, per_s=1000)[Verdict.DECODE] == 10


def test_a_device_that_moves_keeps_no_fuller_a_bucket_than_it_had() -> None:
    gate = Gate(["10.0.0.1"])
    flood(gate, "10.0.0.1", seconds=1, per_s=1000)
    gate.know(["10.0.0.1", "10.0.0.2"])
    assert gate.judge("10.0.0.1", TRAP, 1.0) is Verdict.TOO_MANY
    assert gate.judge("10.0.0.2", TRAP, 1.0) is Verdict.DECODE
