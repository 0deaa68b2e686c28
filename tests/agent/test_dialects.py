"""Which dialect a serial UPS speaks: replies that users logged, on a real pty, told apart by asking."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.megatec_frames import crc16
from agent.links import open_link
from agent.profiles import Tier
from model.batch import Event
from model.points import Source
from model.reading import Gap, GapCause, Reading
from tests.agent.links.slaves import command, on_pty

Q1 = "(240.4 000.0 219.9 020 50.0 27.3 43.0 00001001"
QS = "(117.4 117.4 117.4 000 60.2 13.7 --.- 00001001"
QGS = "(122.1 60.0 122.0 60.0 001.7 020 197.8 216.8 027.4 ---.- 025.8 100000000001"
OPTI_UPS = {
    "QPI": "(PI01", "QGS": QGS, "QMOD": "(E", "QBV": "(027.3 02 12 100 00562", "QLDL": "(015 020", "QWS": "(" + "0" * 64,
}  # fmt: skip
PLAIN = {"Q1": Q1, "F": "#220.0 013 24.00 50.0", "I": "#MAKER           MODEL-10   V1.0      "}
LINE_INTERACTIVE = {"QS": QS, "F": "#220.0 002 12.00 50.0"}
QPIGS = "(237.8 50.0 229.9 49.9 0252 0175 008 342 24.84 000 077 0037 0002 042.9 24.86 00005 00110110 00 00 00053 010"
QPIRI = "(230.0 13.0 230.0 50.0 13.0 3000 3000 24.0 23.0 21.0 28.2 27.0 0 30 60 1 0 0 - 01 1 0 27.0 0 0"
AXPERT = {"QPI": "(PI30", "QMOD": "(B", "QPIGS": QPIGS, "QPIRI": QPIRI}


def echoing(replies: Mapping[str, str]):  # type: ignore[no-untyped-def]
    """A unit that sends back what it does not know, as most do."""
    return lambda said: replies.get(said[:-1].decode("latin-1"), said[:-1].decode("latin-1")).encode("latin-1") + b"\r"


def summed(replies: Mapping[str, str]):  # type: ignore[no-untyped-def]
    """An inverter: each line with its check sum, `(NAK` to all else."""

    def answer(said: bytes) -> bytes:
        known = {name.encode() + crc16(name.encode()) + b"\r": text for name, text in replies.items()}
        line = known.get(said, "(NAK").encode()
        return line + crc16(line) + b"\r"

    return answer


async def asked(script, *tiers: Tier, timeout_s: float = 0.2):  # type: ignore[no-untyped-def]
    with on_pty(script, command) as path:
        url = DeviceUrl.parse(f"megatec://{path}?timeout={timeout_s}")
        with closing(open_link(url)) as link:
            found = [await ask_device(link, "s/u", url, None, tier, lambda: 7) for tier in tiers]
            return found, [one.id for one in link.settled.get("s/u", ())]


def values(found) -> dict[str, float]:  # type: ignore[no-untyped-def]
    return {one.point: one.value for one in found if isinstance(one, Reading)}


async def test_a_plain_unit_is_read_by_q1_at_once() -> None:
    (status, measure, identity), ids = await asked(echoing(PLAIN), Tier.STATUS, Tier.MEASURE, Tier.IDENTITY)
    assert ids == ["megatec_q1"]
    assert values(status)["ups.source"] == Source.NORMAL
    assert values(measure)["battery.voltage"] == 27.3
    assert any(isinstance(one, Event) and one.data["device.mfr"] == "MAKER" for one in identity)


async def test_a_unit_that_echoes_q1_is_read_by_qs() -> None:
    (measure,), ids = await asked(echoing(LINE_INTERACTIVE), Tier.MEASURE)
    assert ids == ["megatec_qs"]
    assert values(measure)["battery.voltage"] == 13.7
    gap = next(one for one in measure if isinstance(one, Gap) and one.point == "ups.temperature")
    assert gap.cause is GapCause.NOT_SUPPORTED  # --.-


async def test_a_voltronic_unit_is_read_by_its_own_commands() -> None:
    (status, measure), ids = await asked(echoing(OPTI_UPS), Tier.STATUS, Tier.MEASURE)
    assert ids == ["voltronic_qgs"]
    # ECO: the mains feeds the load through the bypass because its owner wants it so: no bypass alarm.
    assert values(status)["ups.source"] == Source.NORMAL
    assert values(status)["alarm.on_battery"] == 0
    found = values(measure)
    assert (found["battery.voltage"], found["battery.charge"], found["ups.load"]) == (27.4, 100, 20)
    assert found["alarm.replace_battery"] == 0
    assert "battery.runtime" not in found  # 00562: minutes or seconds, nobody knows


async def test_a_unit_that_knows_both_is_read_by_q1_first_and_by_qgs_from_its_name_plate_on() -> None:
    both = PLAIN | OPTI_UPS
    (_, _, after), ids = await asked(echoing(both), Tier.STATUS, Tier.IDENTITY, Tier.MEASURE)
    assert ids == ["voltronic_qgs"]
    assert values(after)["output.frequency"] == 60.0


async def test_the_old_megatec_by_its_makers_word_stays_q1() -> None:
    _, ids = await asked(echoing(PLAIN | {"QPI": "(PI98"}), Tier.IDENTITY)
    assert ids == ["megatec_q1"]


async def test_an_inverter_is_read_with_check_sums() -> None:
    (status, measure, identity), ids = await asked(summed(AXPERT), Tier.STATUS, Tier.MEASURE, Tier.IDENTITY)
    assert ids == ["voltronic_axpert"]
    assert values(status)["ups.source"] == Source.BATTERY
    found = values(measure)
    assert (found["battery.voltage"], found["battery.charge"], found["output.realpower"]) == (24.84, 77, 175)
    assert values(identity)["ups.power.nominal"] == 3000


async def test_without_a_battery_an_inverters_charge_is_no_reading() -> None:
    standby = (
        "(238.1 49.9 000.0 00.0 0000 0000 000 001 00.10 000 000 0028 0000 000.0 00.00 00000 00000000 00 00 00000 000"
    )
    (measure,), _ = await asked(summed(AXPERT | {"QPIGS": standby, "QMOD": "(S"}), Tier.MEASURE)
    assert not {"battery.voltage", "battery.charge"} & values(measure).keys()


async def test_a_wrong_check_sum_is_garbled() -> None:
    script = summed(AXPERT)
    spoiled = lambda said: script(said).replace(b"24.84", b"24.34")  # noqa: E731
    (measure,), _ = await asked(spoiled, Tier.MEASURE)
    gap = next(one for one in measure if isinstance(one, Gap) and one.point == "battery.voltage")
    assert gap.cause is GapCause.GARBLED


async def test_a_silent_unit_costs_two_questions_a_round_not_four() -> None:
    heard: list[bytes] = []

    def silent(said: bytes) -> bytes:
        heard.append(said)
        return b""

    (one,), ids = await asked(silent, Tier.STATUS, timeout_s=0.05)
    assert [gap.cause for gap in one] == [GapCause.NO_ANSWER]
    assert len(set(heard)) == 2
    assert ids == []


async def test_the_name_plate_is_asked_once_an_hour_not_each_round() -> None:
    heard: list[bytes] = []
    unit = echoing(PLAIN | {"Q1": "(218.1 218.1 219.6 000 50.0 2.22 48.0 00000001", "F": "#220.0 013 72.00 50.0"})

    def counting(said: bytes) -> bytes:
        heard.append(said)
        return unit(said)

    found, _ = await asked(counting, *[Tier.MEASURE] * 4)
    assert [round(values(one)["battery.voltage"], 2) for one in found] == [79.92] * 4
    assert heard.count(b"F\r") == 1


async def test_a_rating_without_its_end_is_taken_by_its_exact_length() -> None:
    def powersa(said: bytes) -> bytes:
        if said == b"F\r":
            return b"#220.0 013 72.00 50.0"
        return b"(227.0 120.0 000.0 000 49.9 2.28 25.0 00000001\r" if said == b"Q1\r" else b""

    (measure,), _ = await asked(powersa, Tier.MEASURE)
    assert values(measure)["battery.voltage"] == pytest.approx(2.28 * 36)


async def test_the_rest_of_an_older_reply_does_not_hide_the_next() -> None:
    unit = echoing(OPTI_UPS)
    (status,), _ = await asked(lambda said: b" 273" + unit(said) if said == b"QGS\r" else unit(said), Tier.STATUS)
    assert values(status)["alarm.on_battery"] == 0
