"""SunSpec: chains of models behind a real slave, at each of the three places, with marks, other lengths and broken ends."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence

import pytest

from agent.drivers import sunspec
from agent.drivers.exchange import Answer, Failure, ReadWords, Words
from agent.profiles import Tier, load, sunspec_models
from model.reading import GapCause
from tests.agent.drivers.modbus_device import raised, told, told_at, words
from tests.services import libmodbus, shared

SUNS = [0x5375, 0x6E53]
NONE, NO_SCALE = 0xFFFF, 0x8000


def text(value: str, registers: int) -> list[int]:
    held = words(value)
    return held + [0] * (registers - len(held))


def plate(serial: str = "S-4711") -> list[int]:
    """Model 1."""
    return [
        1,
        66,
        *text("Fronius", 16),
        *text("Symo 10.0-3", 16),
        *[0] * 8,
        *text("3.18.7-1", 8),
        *text(serial, 16),
        1,
        NONE,
    ]


def inverter(**changed: int) -> list[int]:
    """Model 103: 10 kW at 230 V, of which the phases' sum, the sink and the vendor's words are not implemented."""
    held = [103, 50, 1450, 480, 482, 488, 0xFFFE, *[NONE] * 3, 2301, 2312, 2298, 0xFFFF, 998, 1, 5001, 0xFFFE, 999, 1]
    held += [
        0x8000,
        NO_SCALE,
        0x8000,
        NO_SCALE,
        0x0012,
        0xD687,
        0,
        1502,
        0xFFFE,
        6400,
        0xFFFF,
        1002,
        1,
        415,
        0x8000,
        0x8000,
    ]
    held += [0x8000, 0xFFFF, 4, NONE, 0, 0, 0, 0, *[NONE] * 8]
    for place, word in changed.items():
        held[int(place[1:])] = word
    assert len(held) == 52
    return held


def battery() -> list[int]:
    """Model 802, lithium, 78.4 % charged and charging."""
    held = [802, 62, *[NONE] * 62]
    for at, word in {2: 200, 11: 784, 13: 990, 14: 0, 15: 312, 16: 4, 22: 3, 26: 0, 27: 0, 34: 5120, 44: 120}.items():
        held[at] = word
    for at in range(52, 64):
        held[at] = NO_SCALE
    held[52], held[56], held[58], held[59] = 0, 0xFFFF, 0xFFFF, 0xFFFF
    return held


def meter(watts: int, energy: int = 5_000_000) -> list[int]:
    """Model 203: power in W, energy taken in in Wh."""
    held = [203, 105, *[0x8000] * 105]
    held[3:7] = [10, 11, 12, 0]
    held[8:11], held[15] = [2300, 2310, 2320], 0xFFFF
    held[16:18], held[18], held[22] = [500, 0xFFFF], watts & NONE, 0
    held[38:40], held[46:48], held[54] = [0, 0], [energy >> 16, energy & NONE], 0
    held[105:107] = [0, 0]
    return held


def chain(*models: Sequence[int], end: Sequence[int] = (NONE, 0)) -> list[int]:
    return [*SUNS, *(word for model in models for word in model), *end]


@pytest.mark.service
@pytest.mark.parametrize("base", sunspec.BASES)
async def test_an_inverter_is_read_wherever_its_chain_begins(base: int) -> None:
    values = await told("sunspec", {base: chain(plate(), inverter())})
    assert values["device.model", None] == "Symo 10.0-3"
    assert values["device.serial", None] == "S-4711"
    assert values["inverter.state", None] == 4
    assert [values["output.voltage", index] for index in "123"] == [230.1, 231.2, 229.8]
    assert [values["output.current", index] for index in "123"] == [4.8, 4.82, 4.88]
    assert (values["ups.realpower", None], values["output.frequency", None]) == (9980, 50.01)
    assert values["output.energy", None] == 0x12D687 / 1000
    assert (values["dc.voltage", None], values["dc.current", None], values["dc.power", None]) == (640, 15.02, 10020)
    assert values["ups.temperature", None] == 41.5
    assert ("entity.temperature", "sink") not in values, "not implemented: not told"
    assert not raised(values)


@pytest.mark.service
async def test_a_device_that_no_file_names_is_found_by_its_chain() -> None:
    with libmodbus.serving("tcp", registers={40000: chain(plate(), inverter(r40=0, r41=1 << 7))}) as place:
        values = await told_at(place, None, Tier.STATUS)
    assert raised(values) == {"alarm.temperature"}


@pytest.mark.service
async def test_marks_impossible_numbers_and_scales_that_are_none_are_gaps() -> None:
    strange = inverter(r10=65534, r14=0x8000, r17=NO_SCALE, r24=0, r25=0, r33=2000, r38=NONE, r40=NONE, r41=NONE)
    values = await told("sunspec", {40000: chain(plate(), strange)})
    assert values["output.voltage", "1"] is GapCause.NOT_PLAUSIBLE, "6553.4 V"
    assert ("ups.realpower", None) not in values
    assert ("output.frequency", None) not in values, "a point whose scale is not implemented has no value"
    assert ("output.energy", None) not in values, "an accumulator at 0 is not implemented"
    assert values["ups.temperature", None] is GapCause.NOT_PLAUSIBLE
    assert values["inverter.state", None] is GapCause.NOT_SUPPORTED
    assert values["alarm.temperature", None] is GapCause.NOT_SUPPORTED


@pytest.mark.service
async def test_a_battery_and_two_meters_behind_a_model_that_nobody_knows() -> None:
    vendor = [64001, 3, 1, 2, 3]
    values = await told("sunspec", {40000: chain(plate(), vendor, battery(), meter(-1500), meter(300, energy=0))})
    assert (values["battery.charge", None], values["battery.health", None], values["battery.voltage", None]) == (
        78.4,
        99,
        512,
    )
    assert (values["battery.charger.status", None], values["battery.status", None]) == (3, 2)
    assert (values["battery.cycles", None], values["battery.capacity", None]) == (312, 200)
    assert (values["meter.realpower", None], values["meter.realpower", "2"]) == (-1500, 300)
    assert (values["meter.voltage", "3"], values["meter.voltage", "2.3"]) == (232, 232)
    assert values["meter.energy.in", None] == 5000
    assert ("meter.energy.in", "2") not in values


def answers(held: dict[int, int]) -> list[ReadWords] | sunspec.Chain | Failure:
    """Walk a device whose registers are `held`; what is not held is refused."""
    walk = sunspec.walk(1)
    request = next(walk)
    while True:
        asked = range(request.address, request.address + request.count)
        answer: Answer | Failure = Failure(cause=GapCause.REFUSED, raw="exception 2 illegal data address")
        if all(n in held for n in asked):
            answer = Words(tuple(held[n] for n in asked))
        try:
            request = walk.send(answer)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def at(base: int, registers: Sequence[int]) -> dict[int, int]:
    return dict(enumerate(registers, base))


def test_a_chain_ends_at_its_mark_at_a_refusal_or_never_beyond_the_last_register() -> None:
    whole = (sunspec.Model(1, 40002, 66), sunspec.Model(103, 40070, 50))
    assert answers(at(40000, chain(plate(), inverter()))) == whole
    assert answers(at(40000, chain(plate(), inverter(), end=()))) == whole
    assert answers(at(40000, chain(plate(), inverter(), end=(0, 0)))) == whole
    assert answers(at(40000, [*SUNS, 1, 65535])) == (sunspec.Model(1, 40002, 65535),)
    assert answers(at(40000, [*SUNS, NONE, 0])) == Failure(
        cause=GapCause.NOT_SUPPORTED, raw="SunS, but no model behind it"
    )
    assert isinstance(answers(at(40000, [0x5375, 0x6E54])), Failure)
    # Models of no length: 64 of them are enough.
    assert (
        len(answers(dict.fromkeys(range(40002, 41000), 9) | at(40000, SUNS) | dict.fromkeys(range(40003, 41000, 2), 0)))
        == 64
    )  # type: ignore[arg-type]


def test_silence_in_mid_chain_is_no_chain() -> None:
    walk = sunspec.walk(1)
    next(walk)
    walk.send(Words(tuple(SUNS)))
    walk.send(Words((1, 66)))
    silence = Failure(cause=GapCause.NO_ANSWER, raw="nothing")
    with pytest.raises(StopIteration) as ended:
        walk.send(silence)
    assert ended.value.value == silence


def test_an_older_shorter_model_gives_what_it_has() -> None:
    short = sunspec.profile_of(load("sunspec"), [sunspec.Model(1, 40002, 40)], sunspec_models())
    assert [row.point for row in short.values] == ["device.mfr", "device.model"]


NUMBERS = {"u16": "uint16 enum16", "i16": "int16", "u32": "uint32 acc32", "u64": "uint64", "string": "string"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("number", "file"), [(1, "common"), (101, "inverter"), (103, "inverter"), (120, "nameplate"), (124, "storage"),
                         (201, "meter"), (203, "meter"), (701, "der_measurement"), (713, "der_storage"), (802, "battery"), (803, "battery_bank")]
)  # fmt: skip
def test_each_row_stands_where_the_published_model_has_a_point_of_its_type_and_scale(number: int, file: str) -> None:
    group = json.loads(shared("devices", "sunspec", f"model_{number}.json").read_text(encoding="utf-8"))["group"]
    places, at_ = {}, 0
    for point in group["points"]:
        places[at_] = point
        at_ += point["size"]
    scales = {point["name"]: place for place, point in places.items() if point["type"] == "sunssf"}
    part = sunspec_models()[file]
    for row in part.values:
        point = places[int(row.at)]
        assert point["type"] in NUMBERS[row.type].split(), row
        assert row.scale_from == str(scales.get(point.get("sf"), "")), row
        if row.type == "string":
            assert row.length == point["size"]
    for word in part.flags:
        assert places[int(word.at)]["type"] == "bitfield32"
        named = {symbol["value"] for symbol in places[int(word.at)].get("symbols", [])}
        assert set(word.bits) <= named


def floats(*values: float) -> list[int]:
    return [word for value in values for word in struct.unpack(">2H", struct.pack(">f", value))]


@pytest.mark.service
async def test_an_inverter_that_speaks_floats_tells_the_same_and_nan_is_nothing() -> None:
    nan = math.nan
    held = [
        113,
        60,
        *floats(14.5, 4.8, 4.8, 4.9, nan, nan, nan, 230.1, 231.2, 229.8, 9980, 50.01, 9990, nan, nan, 1234567),
    ]
    held += [*floats(nan, 640, nan, 41.5, nan, nan, nan), 7, NONE, 0, 1, *[0] * 2, *[NONE] * 8]
    assert len(held) == 62
    values = await told("sunspec", {50000: chain(plate(), held)})
    assert values["output.voltage", "2"] == pytest.approx(231.2, abs=1e-4)
    assert (values["ups.realpower", None], values["inverter.state", None]) == (9980, 7)
    assert values["output.energy", None] == pytest.approx(1234.567)
    assert ("dc.current", None) not in values
    assert raised(values) == {"alarm.ground_fault"}


@pytest.mark.service
async def test_storage_and_ratings_stand_in_models_of_their_own() -> None:
    ratings = [120, 26, 82, 100, 2, 110, 2, *[0x8000] * 19, NO_SCALE, 0]
    ratings[21], ratings[22] = 200, 0
    storage = [124, 24, *[NONE] * 24]
    storage[8], storage[22], storage[10], storage[24], storage[11] = 655, 0xFFFF, 4801, 0xFFFE, 3
    der = [713, 7, 10000, 6550, 700, 97, 1, 0, 0]
    values = await told("sunspec", {40000: chain(plate(), ratings, storage, der)})
    assert (values["ups.realpower.nominal", None], values["ups.power.nominal", None]) == (10000, 11000)
    assert (values["battery.charge", None], values["battery.charger.status", None]) == (65.5, 4), "124 comes before 713"
    assert (values["battery.voltage", None], values["battery.capacity", None]) == (48.01, 200)
    assert (values["battery.health", None], values["battery.condition", None]) == (97, 2)


@pytest.mark.service
async def test_a_newer_inverter_measures_in_model_701() -> None:
    held = [701, 153, *[0x8000] * 153]
    held[4], held[6:8], held[10], held[11] = 3, [0, 1 << 10], 4950, 5000
    held[17:19], held[19:23] = [0, 5002], [NONE] * 4
    held[45], held[47], held[36], held[70], held[93] = 215, 2304, 421, NONE, NONE
    held[113:123] = [0xFFFF, 0xFFFF, 0xFFFE, 0, NO_SCALE, 0, NO_SCALE, 0, NO_SCALE, 0xFFFF]
    values = await told("sunspec", {0: chain(plate(), held)})
    assert (values["inverter.state", None], values["ups.realpower", None], values["ups.power", None]) == (4, 4950, 5000)
    assert (values["output.frequency", None], values["output.voltage", "1"], values["output.current", "1"]) == (
        50.02,
        230.4,
        21.5,
    )
    assert values["ups.temperature", None] == 42.1
    assert not isinstance(values.get(("output.energy", None)), float), "ones are no energy"
    assert not {("output.voltage", "2"), ("output.current", "3"), ("ambient.temperature", None)} & set(values)
    assert raised(values) == {"alarm.input_bad"}
