"""Registers to points: what is read together, and what a word means. Frames are those of the vendor's guides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.address import DeviceUrl
from agent.drivers import modbus, records
from agent.drivers.exchange import Exchange, Failure, Objects, ReadIdentity, ReadWords, Request, Words
from agent.drivers.modbus_frames import find_tcp, rtu, tcp
from agent.drivers.rtu_frames import find_rtu
from agent.profiles import Tier, load
from model.batch import Event
from model.reading import Gap, GapCause, Reading

URL = DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=17")
HUAWEI = load("huawei_ups2000")
DEVICE = "a/ups-1"


def answered(words: dict[int, int], tier: Tier, url: DeviceUrl = URL) -> list[Exchange]:
    """A device that keeps `words` and 0 elsewhere."""
    return [
        Exchange(request=r, answer=Words(tuple(words.get(r.address + n, 0) for n in range(r.count))), at=5)
        for r in modbus.plan(HUAWEI, url, tier)
        if isinstance(r, ReadWords)
    ]


def found(words: dict[int, int], tier: Tier) -> dict[tuple[str, str | None], float | GapCause]:
    out: dict[tuple[str, str | None], float | GapCause] = {}
    for one in records(modbus.read(HUAWEI, URL, tier, answered(words, tier)), DEVICE):
        if isinstance(one, Reading):
            out[one.point, one.index] = one.value
        elif isinstance(one, Gap):
            out[str(one.point), one.index] = one.cause
    return out


def test_the_frames_of_the_guide_are_built_to_the_byte() -> None:
    request = ReadWords(unit=0x11, function=3, address=11000, count=1)
    assert rtu(request) == bytes.fromhex("11 03 2A F8 00 01 0F 73")
    assert rtu(ReadIdentity(unit=0x11)) == bytes.fromhex("11 2B 0E 01 00 B1 B4")
    assert rtu(ReadIdentity(unit=1, code=3, first=0x87)) == bytes.fromhex("01 2B 0E 03 87 31 75")
    assert tcp(ReadWords(unit=1, function=3, address=0x0402, count=7), 0x64) == bytes.fromhex(
        "006400000006010304020007"
    )


def test_the_answers_of_the_guide_are_read() -> None:
    request = ReadWords(unit=0x11, function=3, address=11000, count=1)
    assert find_rtu(bytes.fromhex("11 03 02 08 9D BF EE"), request) == (Words((2205,)), b"")
    who = "11 2B 0E 01 01 00 00 03 00 06 48 55 41 57 45 49 01 07 55 50 53 32 30 30 30 02 13 55 50 53 32 30 30 30 20 56 31 30 30 52 30 30 31 43 30 30 D9 03"
    identity = Objects({0: b"HUAWEI", 1: b"UPS2000", 2: b"UPS2000 V100R001C00"})
    assert find_rtu(bytes.fromhex(who), ReadIdentity(unit=0x11)) == (identity, b"")


def test_the_tail_of_a_late_reply_before_a_frame_is_skipped() -> None:
    request = ReadWords(unit=1, function=3, address=11000, count=1)
    assert find_rtu(bytes.fromhex("5a 01 03 02 08 9D 7E 2D"), request) == (Words((2205,)), b"\x5a")


def test_few_reads_and_none_longer_than_the_profile_allows() -> None:
    for tier in Tier:
        reads = [r for r in modbus.plan(HUAWEI, URL, tier) if isinstance(r, ReadWords)]
        assert all(r.count <= HUAWEI.max_words for r in reads)
        assert len(reads) <= 4


def test_the_alarm_words_of_ups_three_stand_where_the_guide_says() -> None:
    url = DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=17&ups=3")
    reads = [r for r in modbus.plan(HUAWEI, url, Tier.STATUS) if isinstance(r, ReadWords)]
    assert any(r.address <= 0xA8E4 < r.address + r.count for r in reads)


def test_values_of_a_single_phase_machine() -> None:
    values = found({11000: 2205, 11003: 500, 11015: 58, 11021: 642, 12000: 2724}, Tier.MEASURE)
    assert values["input.voltage", "1"] == 220.5
    assert values["output.realpower", "1"] == 5800.0
    assert values["ups.load", "1"] == 64.2
    assert ("input.voltage", "2") not in values


def test_phases_b_and_c_exist_on_a_three_phase_machine() -> None:
    values = found({11025: 1, 11001: 2210, 11002: 2220}, Tier.MEASURE)
    assert (values["input.voltage", "2"], values["input.voltage", "3"]) == (221.0, 222.0)


@pytest.mark.parametrize(
    ("register", "point", "index"), [(11000, "input.voltage", "1"), (12006, "battery.temperature", None)]
)
def test_a_mark_for_not_available_is_a_gap(register: int, point: str, index: str | None) -> None:
    assert found({register: 0x7FFF}, Tier.MEASURE)[point, index] == GapCause.NOT_SUPPORTED


def test_runtime_is_a_pair_high_word_first_and_may_be_unknown() -> None:
    assert found({12004: 1, 12005: 2}, Tier.STATUS)["battery.runtime", None] == 65538.0
    assert found({12004: 0xFFFF, 12005: 0xFFFF}, Tier.STATUS)["battery.runtime", None] == GapCause.NOT_SUPPORTED


def test_a_voltage_that_cannot_be_is_a_gap_with_its_raw_word() -> None:
    samples = modbus.read(HUAWEI, URL, Tier.MEASURE, answered({11000: 23020}, Tier.MEASURE))
    gap = next(s for s in samples if s.point == "input.voltage")
    assert (gap.value, gap.cause, gap.where, gap.raw) == (None, GapCause.NOT_PLAUSIBLE, "reg 11000", "59EC = 23020")


def test_an_alarm_bit_raises_its_flag_and_all_others_are_told_as_clear() -> None:
    values = found({41204: 1 << 0, 41195: 1 << 8}, Tier.STATUS)
    raised = {point for (point, _), value in values.items() if point.startswith("alarm.") and value == 1.0}
    assert raised == {"alarm.replace_battery", "alarm.on_battery"}
    assert all(v in (0.0, 1.0) for (p, _), v in values.items() if p.startswith("alarm."))


def test_a_flag_whose_word_is_not_known_is_a_gap_unless_another_word_raises_it() -> None:
    refused = Failure(cause=GapCause.REFUSED, raw="exception 2 illegal address")
    exchanges = [Exchange(request=ReadWords(unit=17, function=3, address=41179, count=10), answer=refused, at=5)]
    words = Words(tuple(1 << 0 if n == 41195 - 41189 else 0 for n in range(19)))
    exchanges.append(Exchange(request=ReadWords(unit=17, function=3, address=41189, count=19), answer=words, at=5))
    flags = {s.point: s for s in modbus.read(HUAWEI, URL, Tier.STATUS, exchanges)}
    assert flags["alarm.fan_failure"].value == 1.0
    assert flags["alarm.overload"].cause == GapCause.REFUSED


def test_a_refused_block_is_asked_for_in_its_halves_until_one_row_is_left() -> None:
    def halves(request: Request) -> list[tuple[int, int]]:
        return [(p.address, p.count) for p in narrowed(request) if isinstance(p, ReadWords)]

    def narrowed(request: Request) -> list[Request]:
        return modbus.narrow(HUAWEI, URL, Tier.MEASURE, request)

    block = next(r for r in modbus.plan(HUAWEI, URL, Tier.MEASURE) if isinstance(r, ReadWords) and r.address == 12000)
    assert halves(block) == [(12000, 2), (12006, 1)]
    assert halves(narrowed(block)[0]) == [(12000, 1), (12001, 1)]
    assert halves(narrowed(block)[1]) == []


def test_the_serial_number_comes_out_of_the_extended_identity() -> None:
    data = {0x88: b"1=UPS2000A;2=V100B112D00;3=P1.0-D1.0;4=2102290710HGF9000013;5=1;6=-1", 0: b"HUAWEI", 1: b"UPS2000A"}
    exchanges = [Exchange(request=ReadIdentity(unit=17), answer=Objects(data), at=5)]
    events = [e for e in records(modbus.read(HUAWEI, URL, Tier.IDENTITY, exchanges), DEVICE) if isinstance(e, Event)]
    assert events[0].data == {
        "device.mfr": "HUAWEI",
        "device.model": "UPS2000A",
        "device.serial": "2102290710HGF9000013",
    }


@given(st.binary(max_size=300), st.integers(1, 125))
def test_any_bytes_of_a_line_are_an_answer_a_failure_or_not_yet(data: bytes, count: int) -> None:
    request = ReadWords(unit=1, function=3, address=0, count=count)
    for ask in (request, ReadIdentity(unit=1)):
        assert find_rtu(data, ask) is None or isinstance(find_rtu(data, ask), tuple)
        find_tcp(data, ask, 1)


@given(st.binary(max_size=60))
def test_any_frame_with_a_right_header_and_a_hostile_body_does_no_harm(body: bytes) -> None:
    frame = b"\x00\x01\x00\x00" + (len(body) + 2).to_bytes(2, "big") + b"\x01\x2b" + body
    identity = find_tcp(frame, ReadIdentity(unit=1), 1)
    words = find_tcp(frame[:7] + b"\x03" + body, ReadWords(unit=1, function=3, address=0, count=3), 1)
    assert all(found is None or isinstance(found, tuple) for found in (identity, words))
    if words is not None and isinstance(words[0], Words):
        assert len(words[0].values) == 3, "as many as were asked for, or none"


@given(st.data())
def test_any_words_give_samples_and_every_value_is_plausible(data: st.DataObject) -> None:
    for tier in Tier:
        plan = modbus.plan(HUAWEI, URL, tier)
        exchanges = [Exchange(request=request, answer=_any_answer(data, request), at=5) for request in plan]
        samples = modbus.read(HUAWEI, URL, tier, exchanges)
        assert all((one.value is None) == (one.cause is not None) for one in samples)


def _any_answer(data: st.DataObject, request: Request) -> Words | Objects:
    if isinstance(request, ReadWords):
        return Words(tuple(data.draw(st.integers(0, 65535)) for _ in range(request.count)))
    return Objects(data.draw(st.dictionaries(st.integers(0, 255), st.binary(max_size=20), max_size=5)))
