"""What a Huawei UPS2000 with an RMS-MODBUS01A card keeps in its registers. Pure: meters -> words.

    data  = base + 10000 x N        alarms = base + 1024 x N        N = 1 (0 too while there is one UPS)

    > 11 03 2A F8 00 01 0F 73       unit 0x11, register 11000 = input voltage A of UPS 1
    < 11 03 02 08 9D BF EE          0x089D = 2205 = 220.5 V

Typed from the vendor's two "Modbus Protocol Development Guide"s, issue 02: the serial port of 1-3 kVA has
the number and capacity of the batteries, the card of 6-20 kVA has battery current, battery temperature, the
parallel system and the card's own block. What the one has, the other reads as 0, like every unused register
of a block; outside the blocks the answer is exception 2. Not available: 0x7FFF (scaled registers).
"""

from __future__ import annotations

from collections.abc import Mapping

from model.points import ChargeMode, Source

DATA_STEP, ALARM_STEP = 10_000, 1024
NO_SCALED = 0x7FFF
#: Readable blocks, first and last base: data, then alarms.
_DATA_BLOCKS = ((1000, 1099), (2000, 2099), (4000, 4099), (9000, 9099))
_ALARM_BLOCK = (40155, 40199)

#: (base register, point, multiplier): one phase, so A only.
_SCALED: tuple[tuple[int, str, float], ...] = (
    (1000, "input.voltage#1", 10),
    (1003, "input.frequency#1", 10),
    (1004, "input.bypass.voltage#1", 10),
    (1007, "input.bypass.frequency", 10),
    (1008, "output.voltage#1", 10),
    (1011, "output.current#1", 10),
    (1014, "output.frequency", 10),
    (1015, "output.realpower#1", 0.01),
    (1018, "output.power#1", 0.01),
    (1021, "ups.load#1", 10),
    (1027, "ups.temperature", 10),
    (2000, "battery.voltage", 10),
    (2001, "battery.current", 10),
    (2003, "battery.charge", 1),
    (2006, "battery.temperature", 10),
    (4000, "output.realpower#1", 0.01),
    (4001, "output.power#1", 0.01),
    (4002, "ups.load#1", 10),
    (9009, "ups.power.nominal", 0.01),
)
#: Phases B and C of a single-phase machine.
_ABSENT = (1001, 1002, 1005, 1006, 1009, 1010, 1012, 1013, 1016, 1017, 1019, 1020, 1022, 1023, 4003, 4004)
_SUPPLY = {Source.NONE: 0, Source.BYPASS: 1, Source.NORMAL: 2, Source.BATTERY: 3}
_BATTERY = {ChargeMode.RESTING: 2, ChargeMode.FLOATING: 3, ChargeMode.CHARGING: 4, ChargeMode.DISCHARGING: 5}
_RUNNING, _OFF = 3, 0
_RATING = {6_000: 16, 10_000: 32, 20_000: 64}
_LINK_NORMAL = 1
_SERIAL_PORT_VA = 3_000
_CARD_ONLY = frozenset({2001, 2006, *range(4000, 4009)})

#: (word, bit, our flag): the condition behind each front-panel number in the guide.
_ALARMS: tuple[tuple[int, int, str], ...] = (
    (40155, 10, "alarm.input_bad"),  # 1 mains voltage abnormal
    (40156, 3, "alarm.temperature"),  # 30 internal over-temperature
    (40156, 4, "alarm.rectifier_fault"),  # 41
    (40158, 0, "alarm.inverter_fault"),  # 61
    (40161, 1, "alarm.bypass_bad"),  # 10 bypass voltage abnormal
    (40171, 0, "alarm.fan_failure"),  # 43
    (40171, 1, "alarm.charger_failed"),  # 45
    (40171, 8, "alarm.on_battery"),  # 159
    (40173, 5, "alarm.overload"),  # 66 output overload
    (40174, 13, "alarm.on_bypass"),  # 158
    (40180, 0, "alarm.replace_battery"),  # 35
    (40182, 1, "alarm.general_fault"),  # 42 internal fault
    (40183, 2, "alarm.battery_low"),  # 34 low remaining capacity
)


def read(meters: Mapping[str, float], version: str, address: int, count: int) -> list[int] | None:
    """`count` registers from `address`, or None where the card has none (exception 2)."""
    base = _base(address, count)
    if base is None:
        return None
    words = _alarm_words(meters) if base >= _ALARM_BLOCK[0] else _data_words(meters, version)
    return [words.get(register, 0) for register in range(base, base + count)]


def _base(address: int, count: int) -> int | None:
    """The register as the guide numbers it, if all `count` lie in one block."""
    for step, blocks in ((ALARM_STEP, (_ALARM_BLOCK,)), (DATA_STEP, _DATA_BLOCKS)):
        for base in (address, address - step):
            if any(first <= base and base + count - 1 <= last for first, last in blocks):
                return base
    return None


def _data_words(meters: Mapping[str, float], version: str) -> dict[int, int]:
    words = {register: _word(meters[point] * scale) for register, point, scale in _SCALED}
    words |= dict.fromkeys(_ABSENT, NO_SCALED)
    source = Source(int(meters["ups.source"]))
    runtime_s = min(round(meters["battery.runtime"]), 0xFFFFFFFE)
    words |= {
        1024: _SUPPLY[source],
        1028: _OFF if source == Source.NONE else _RUNNING,
        2002: _BATTERY[ChargeMode(int(meters["battery.charger.status"]))],
        2004: runtime_s >> 16,
        2005: runtime_s & 0xFFFF,
    }
    if meters["ups.power.nominal"] <= _SERIAL_PORT_VA:
        kept = {register: word for register, word in words.items() if register not in _CARD_ONLY}
        return kept | {2007: _word(meters["battery.packs"]), 2033: _word(meters["battery.capacity"])}
    text = version.encode("ascii", "replace")[:20].ljust(20, b"\0")
    words |= {9011 + n: int.from_bytes(text[2 * n : 2 * n + 2], "big") for n in range(10)}
    return words | {9007: _RATING.get(round(meters["ups.power.nominal"]), 0), 9008: _LINK_NORMAL}


def _word(value: float) -> int:
    return min(max(round(value), 0), 0xFFFE)


def _alarm_words(meters: Mapping[str, float]) -> dict[int, int]:
    words: dict[int, int] = {}
    for word, bit, flag in _ALARMS:
        if meters.get(flag):
            words[word] = words.get(word, 0) | 1 << bit
    return words


def identity(mfr: str, model: str, version: str, serial: str, read_code: int) -> dict[int, bytes] | None:
    """The objects of FC 0x2B/0x0E: basic (1) or extended (3); None for a code the card does not know.

    0x87 is the number of UPSs on the card, 0x88 the first one: `1=model;2=software;3=protocol;4=ESN;5=number;6=parallel`.
    """
    if read_code == 1:
        return {0: mfr.encode(), 1: model.encode(), 2: f"{model} {version}".encode()}
    if read_code == 3:
        card = f"1={model};2={version};3=P1.0-D1.0;4={serial};5=1;6=-1"
        return {0x87: (1).to_bytes(4, "big"), 0x88: card.encode()}
    return None
