"""A libmodbus slave under our agent: every function, every type, refusals and holes, over TCP and over a serial line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.drivers.exchange import Failure, ReadWords, Words
from agent.links import Link, open_link
from agent.profiles import Profile, Tier, lint
from model.reading import Gap, GapCause, Reading
from tests.services import libmodbus

pytestmark = pytest.mark.service
KINDS = ("tcp", "rtu")
HEAD = """
[profile]
id = "acme"
driver = "modbus"
title = { en = "Acme", zh = "试验" }
source = "this test"
"""


def profile_of(rows: str) -> Profile:
    profile, problems = lint("acme.toml", HEAD + rows)
    assert profile, [problem.render("en") for problem in problems]
    return profile


def row(point: str, at: str, *more: str) -> str:
    return "\n".join(["[[value]]", 'tier = "measure"', f'point = "{point}"', f"at = {at}", *more, ""])


@contextmanager
def line(place: str, unit: int = 1) -> Iterator[tuple[Link, DeviceUrl]]:
    serial = place.startswith("/")
    scheme, options = ("modbus+rtu", f"&baud={libmodbus.BAUD}") if serial else ("modbus+tcp", "")
    url = DeviceUrl.parse(f"{scheme}://{place}?unit={unit}&timeout=3{options}")
    with closing(open_link(url)) as link:
        yield link, url


@pytest.mark.parametrize("kind", KINDS)
async def test_every_function_and_every_type_is_read_right(kind: str) -> None:
    rows = (
        row("input.voltage", "100", 'unit = "0.1 V"', 'index = "1"'),
        row("battery.current", "101", 'type = "i16"', 'unit = "0.1 A"')
        + row("battery.runtime", "102", 'type = "u32"', 'unit = "s"')
        + row("output.power", "104", 'type = "u32le"', 'unit = "VA"')
        + row("input.frequency", "106", 'type = "f32"', 'unit = "Hz"')
        + row("battery.temperature", '"4:100"', 'unit = "°C"')
        + row("contact.closed", '"1:7"', 'index = "7"')
        + row("contact.closed", "3", "function = 2", 'index = "3"')
        + '[[flags]]\ntier = "measure"\nat = "2:0"\nbits = { 1 = "alarm.overload", 2 = "alarm.on_battery" }\n',
    )
    registers = [2305, 0x10000 - 25, 0x0001, 0x0002, 0x0008, 0x0001, 0x4247, 0xAE14]
    with (
        libmodbus.serving(
            kind,
            registers={100: registers},
            input_registers={100: [23]},
            bits={0: [0, 0, 0, 0, 0, 0, 0, 1]},
            inputs={0: [1, 0, 1, 1]},
        ) as place,
        line(place) as (link, url),
    ):
        found = await ask_device(link, "a/b", url, profile_of("".join(rows)), Tier.MEASURE, lambda: 5)
    values = {(one.point, one.index): one.value for one in found if isinstance(one, Reading)}
    assert values == {
        ("input.voltage", "1"): 230.5,
        ("battery.current", None): -2.5,
        ("battery.runtime", None): 65538.0,
        ("output.power", None): 65544.0,
        ("input.frequency", None): pytest.approx(49.92, abs=0.001),
        ("battery.temperature", None): 23.0,
        ("contact.closed", "7"): 1.0,
        ("contact.closed", "3"): 1.0,
        ("alarm.overload", None): 0.0,
        ("alarm.on_battery", None): 1.0,
    }
    assert len(found) == len(values)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_beyond_the_slaves_registers_is_a_refusal_with_its_number(kind: str) -> None:
    with libmodbus.serving(kind, registers={100: [7]}) as place, line(place) as (link, _):
        beyond = await link.ask(ReadWords(unit=1, function=3, address=101, count=1))
        assert beyond == Failure(cause=GapCause.REFUSED, raw="exception 2 illegal address")
        assert await link.ask(ReadWords(unit=1, function=3, address=100, count=1)) == Words((7,))


@pytest.mark.parametrize("kind", KINDS)
async def test_one_hole_hides_no_neighbour_and_is_asked_for_once(kind: str) -> None:
    rows = "".join(row("input.voltage", str(at), 'unit = "V"', f'index = "{at}"') for at in range(100, 110))
    with libmodbus.serving(kind, registers={100: list(range(200, 209))}) as place, line(place) as (link, url):
        profile = profile_of(rows)
        first = await ask_device(link, "a/b", url, profile, Tier.MEASURE, lambda: 5)
        asked = link.account.of("a/b").requests
        second = await ask_device(link, "a/b", url, profile, Tier.MEASURE, lambda: 6)
    for found, cause in ((first, GapCause.REFUSED), (second, GapCause.NOT_SUPPORTED)):
        assert [one.value for one in found if isinstance(one, Reading)] == [float(n) for n in range(200, 209)]
        gaps = [one for one in found if isinstance(one, Gap)]
        assert [(gap.index, gap.cause) for gap in gaps] == [("109", cause)]
        assert "exception 2" in gaps[0].raw
    assert link.account.of("a/b").requests == asked + 1, "nine registers in one read"


async def test_many_devices_are_units_of_one_connection() -> None:
    rows = row("input.voltage", "100", 'unit = "V"', 'index = "1"')
    with libmodbus.serving("tcp", registers={100: [230]}) as place, line(place) as (link, _):
        for unit in (1, 2, 17):
            url = DeviceUrl.parse(f"modbus+tcp://{place}?unit={unit}")
            found = await ask_device(link, f"a/{unit}", url, profile_of(rows), Tier.MEASURE, lambda: 5)
            assert [one.value for one in found if isinstance(one, Reading)] == [230.0]
        assert link.account.reopened == 0
        assert set(link.account.devices) == {"a/1", "a/2", "a/17"}
