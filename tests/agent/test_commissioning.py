"""Slips that have paged people at night, planted in a profile, a device or a name plate: commissioning names each, and nothing else.

The device is a three-phase UPS of 30 kVA as registers; the profile reads it through the real Modbus driver. A slip is planted where it is
made in life: in a row of the profile (scale, type), or in the device (bytes, firmware, marks).
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from agent.address import DeviceUrl
from agent.asking import ask_samples
from agent.commissioning import Judgement, Plate, Record, Slip, Verdict, judge, record, scales, sign, sound
from agent.drivers import modbus, nut
from agent.drivers.exchange import AskNamed, Exchange, Named, ReadWords, Sample, Words
from agent.profiles.form import Profile, Tier, Value
from model.points import POINTS
from tests.services import shared
from tests.services.recorded import URL as RECORDED
from tests.services.recorded import Recorded

URL = DeviceUrl.parse("modbus+tcp://192.0.2.1?unit=1")
#: point, index, scale, type, what it is
_TRUTH: tuple[tuple[str, str | None, float, str, float], ...] = (
    ("ups.source", None, 1.0, "u16", 3.0),
    ("input.voltage", "1", 0.1, "u16", 231.2),
    ("input.voltage", "2", 0.1, "u16", 229.8),
    ("input.voltage", "3", 0.1, "u16", 232.0),
    ("input.frequency", None, 0.1, "u16", 50.0),
    ("output.voltage", "1", 0.1, "u16", 230.1),
    ("output.voltage", "2", 0.1, "u16", 230.0),
    ("output.voltage", "3", 0.1, "u16", 229.9),
    ("output.frequency", None, 0.1, "u16", 50.0),
    ("output.current", "1", 0.1, "u16", 12.4),
    ("output.current", "2", 0.1, "u16", 21.5),
    ("output.current", "3", 0.1, "u16", 17.3),
    ("output.power", "1", 10.0, "u16", 2850.0),
    ("output.power", "2", 10.0, "u16", 4950.0),
    ("output.power", "3", 10.0, "u16", 3980.0),
    ("output.realpower", "1", 10.0, "u16", 2570.0),
    ("output.realpower", "2", 10.0, "u16", 4460.0),
    ("output.realpower", "3", 10.0, "u16", 3580.0),
    ("ups.power", None, 10.0, "u16", 11780.0),
    ("ups.load", None, 0.1, "u16", 39.3),
    ("ups.power.nominal", None, 100.0, "u16", 30000.0),
    ("battery.voltage", None, 0.1, "u16", 438.4),
    ("battery.charge", None, 1.0, "u16", 100.0),
    ("battery.runtime", None, 1.0, "u32", 1980.0),
    ("battery.temperature", None, 0.1, "u16", 25.4),
    ("ambient.temperature", None, 0.1, "u16", 23.1),
)
_PLATE = Plate(va=30000, blocks=32, ah=40)


def _rows() -> dict[str, Value]:
    """The right profile, by `point#index`; two registers a row."""
    return {
        _name(point, index): Value(point=point, index=index, at=str(2 * n), tier=Tier.MEASURE, scale=scale, type=type)
        for n, (point, index, scale, type, _) in enumerate(_TRUTH)
    }


def _registers() -> list[int]:
    """What the device holds."""
    words: list[int] = []
    for _, _, scale, type, value in _TRUTH:
        raw = round(value / scale)
        words += [raw >> 16, raw & 0xFFFF] if type == "u32" else [raw, 0]
    return words


def _name(point: str, index: str | None) -> str:
    return point if index is None else f"{point}#{index}"


class Device:
    """The UPS, its profile and what a test spoils of either."""

    def __init__(self) -> None:
        self.rows = _rows()
        self.registers = _registers()
        self.texts = {"device.model": "GXE 30K", "device.serial": "S1", "device.firmware": "V1"}
        self.plate = _PLATE

    def row(self, name: str, **change: object) -> None:
        """A mistake of the profile."""
        self.rows[name] = msgspec.structs.replace(self.rows[name], **change)

    def word(self, name: str, change: Callable[[int], int]) -> None:
        """What the device says otherwise."""
        at = int(self.rows[name].at)
        self.registers[at] = change(self.registers[at])

    @property
    def profile(self) -> Profile:
        rows = tuple(self.rows.values())
        return Profile(id="ups_x", driver="modbus", title=("UPS", "UPS"), source="test", values=rows)

    def samples(self) -> list[Sample]:
        exchanges = [
            Exchange(request=request, answer=Words(tuple(self.registers[r.address : r.address + r.count])), at=1)
            for request in modbus.plan(self.profile, URL, Tier.MEASURE)
            if isinstance(r := request, ReadWords)
        ]
        texts = [Sample(point=p, index=None, at=1, value=text, where="", raw=text) for p, text in self.texts.items()]
        return [*texts, *modbus.read(self.profile, URL, Tier.MEASURE, exchanges)]

    def judged(self, **more: object) -> Judgement:
        return judge(self.samples(), self.plate, scale=scales([self.profile]), **more)  # type: ignore[arg-type]


def wrong(judged: Judgement) -> dict[str, set[Slip]]:
    """What is called wrong, and by which slips it would be explained."""
    return {
        _name(f.point, f.index): {r.slip for r in f.remedies} for f in judged.findings if f.verdict is Verdict.WRONG
    }


def test_a_sound_device_fits_in_every_point_that_has_a_witness() -> None:
    judged = Device().judged()
    assert (judged.verdict, judged.findings) == (Verdict.FITS, ())
    untested = {one.point for one in judged.points if one.verdict is Verdict.UNTESTED}
    assert untested == set()


Plant = Callable[[Device], None]


def row(name: str, **change: object) -> Plant:
    return lambda device: device.row(name, **change)


def word(name: str, change: Callable[[int], int]) -> Plant:
    return lambda device: device.word(name, change)


def turned(name: str) -> Plant:
    """A device that sends the low word first."""

    def plant(device: Device) -> None:
        at = int(device.rows[name].at)
        device.registers[at : at + 2] = device.registers[at : at + 2][::-1]

    return plant


def plate(**fields: object) -> Plant:
    return lambda device: setattr(device, "plate", Plate(**fields))  # type: ignore[arg-type]


#: name -> (how it is planted, what has to be named, by which slip, the value that would be right)
_SLIPS: dict[str, tuple[tuple[Plant, ...], str, Slip, float | None]] = {
    "ten times": ((row("output.voltage#1", scale=1.0),), "output.voltage#1", Slip.SCALE, 230.1),
    "a tenth": ((row("input.voltage#2", scale=0.01),), "input.voltage#2", Slip.SCALE, 229.8),
    "a tenth of the load": ((row("ups.load", scale=0.01),), "ups.load", Slip.SCALE, 39.3),
    "amperes ten times": (
        tuple(row(f"output.current#{n}", scale=1.0) for n in "123"),
        "output.current#1",
        Slip.SCALE,
        12.4,
    ),
    "a rating in other steps": (
        (row("ups.power.nominal", scale=10.0), plate()),
        "ups.power.nominal",
        Slip.SCALE,
        30000.0,
    ),
    "a rating that is not the plate's": (
        (row("ups.power.nominal", scale=10.0),),
        "ups.power.nominal",
        Slip.SCALE,
        30000.0,
    ),
    "the sum in other steps": ((row("ups.power", scale=1.0),), "ups.power", Slip.SCALE, 11780.0),
    "hertz in tenths": ((row("output.frequency", scale=0.01),), "output.frequency", Slip.SCALE, 50.0),
    "word order": ((turned("battery.runtime"),), "battery.runtime", Slip.WORDS, 1980.0),
    "byte order": (
        (word("battery.voltage", lambda w: (w & 0xFF) << 8 | w >> 8),),
        "battery.voltage",
        Slip.BYTES,
        438.4,
    ),
    "minutes as seconds": ((row("battery.runtime", scale=1 / 60),), "battery.runtime", Slip.UNIT, 1980.0),
    "fahrenheit": ((word("battery.temperature", lambda _: 777),), "battery.temperature", Slip.UNIT, 25.4),
    "a mark as a value": (
        (row("battery.runtime", type="u16"), word("battery.runtime", lambda _: 0xFFFF)),
        "battery.runtime",
        Slip.SENTINEL,
        None,
    ),
    "phases swapped": (
        (row("output.power#1", index="2"), row("output.power#2", index="1")),
        "output.power#1",
        Slip.INDEX,
        None,
    ),
    "half the blocks": ((plate(va=30000, blocks=16),), "battery.voltage", Slip.COUNT, 32.0),
    "another device than its plate": ((plate(serial="S9"),), "device.serial", Slip.DEVICE, None),
}


@pytest.mark.parametrize("slip", _SLIPS)
def test_a_planted_slip_is_named_with_what_would_make_it_fit(slip: str) -> None:
    plants, name, kind, value = _SLIPS[slip]
    device = Device()
    for plant in plants:
        plant(device)
    judged = device.judged()
    found = wrong(judged)
    assert judged.verdict is Verdict.WRONG
    assert kind in found.get(name, set()), judged.findings
    point = name.partition("#")[0]
    assert {one.partition("#")[0] for one in found} == {point}, "nobody else is blamed"
    finding = next(f for f in judged.findings if _name(f.point, f.index) == name)
    assert finding.expected.zh
    assert finding.raw
    if value is not None:
        assert next(r.value for r in finding.remedies if r.slip is kind) == pytest.approx(value, rel=0.01)


def test_two_devices_in_each_others_place_are_named() -> None:
    plates = {"sz/a": {"device.serial": "S2", "device.model": "GXE 30K"}, "sz/b": {"device.serial": "S1"}}
    judged = Device().judged(device="sz/a", known=plates)
    assert wrong(judged) == {"device.serial": {Slip.DEVICE}}
    assert "sz/b" in judged.findings[0].remedies[0].words.zh


def _kept(device: Device, key: str = "") -> Record:
    samples = device.samples()
    return record("sz/a", 1, device.judged(), samples, [device.profile], key)


def test_a_new_firmware_that_changes_a_scale_is_named_and_a_change_without_is_not() -> None:
    kept = _kept(Device())
    after = Device()
    after.texts["device.firmware"] = "V2"
    after.plate = Plate()
    after.word("battery.voltage", lambda w: w // 10)
    judged = after.judged(before=kept)
    assert wrong(judged) == {"battery.voltage": {Slip.FIRMWARE}}
    assert judged.findings[0].remedies[0].value == pytest.approx(438.4, rel=0.01)
    same = Device()
    same.plate = Plate()
    same.word("battery.voltage", lambda w: w // 10)
    assert Slip.FIRMWARE not in wrong(same.judged(before=kept)).get("battery.voltage", set())
    replaced = Device()
    replaced.texts |= {"device.serial": "S7", "device.firmware": "V2"}
    replaced.word("battery.voltage", lambda w: w // 2)
    assert replaced.judged(before=kept).verdict is not Verdict.FITS  # another device: its own plate judges it


def test_an_outage_is_no_slip() -> None:
    device = Device()
    for n in "123":
        device.word(f"input.voltage#{n}", lambda _: 34)
    device.word("input.frequency", lambda _: 0)
    device.word("battery.voltage", lambda _: 3810)
    device.word("ups.source", lambda _: 5)
    samples = device.samples()
    judged = judge(samples, _PLATE, scale=scales([device.profile]))
    assert [f for f in judged.findings if f.verdict is Verdict.WRONG] == []


def test_a_switch_or_a_silent_device_is_untested_and_never_wrong() -> None:
    assert judge([]).verdict is Verdict.UNTESTED
    mtu = Sample(point="ifMtu", index="1", at=1, value=65535.0, where="", raw="65535")
    assert judge([mtu]).verdict is Verdict.UNTESTED


def test_a_record_is_signed_by_the_agents_own_key_and_shows_any_change() -> None:
    kept = _kept(Device(), "5ec3e7" * 10)
    assert kept.signature.startswith("hmac-sha256:")
    assert sound(kept, "5ec3e7" * 10)
    assert not sound(kept, "other" * 10)
    assert not sound(msgspec.structs.replace(kept, verdict=Verdict.WRONG), "5ec3e7" * 10)
    assert sound(sign(kept, ""), "")
    assert kept.points["battery.voltage"] is Verdict.FITS
    other = Device()
    other.row("ups.load", scale=1.0)
    assert _kept(other).profile_sha256 != kept.profile_sha256


@pytest.mark.parametrize("point", [point for point, *_ in _TRUTH])
def test_no_value_within_its_bounds_breaks_a_rule(point: str) -> None:
    """Whatever a device says, the judge has an answer."""
    for raw in (0, 1, 2, 9, 10, 99, 255, 2300, 32767, 65534, 65535):
        device = Device()
        for name in device.rows:
            if name.partition("#")[0] == point:
                device.word(name, lambda _, raw=raw: raw)  # type: ignore[misc]
        assert device.judged().verdict in Verdict
    assert POINTS[point].unit is not None


def test_an_idle_load_may_have_any_power_factor() -> None:
    said = {
        "output.voltage": 232.0,
        "output.current": 1.0,
        "ups.power": 168.0,
        "output.realpower": 16.8,
        "ups.load": 4.0,
    }
    samples = [Sample(point=p, index=None, at=1, value=v, where=p, raw=str(v)) for p, v in said.items()]
    assert wrong(judge(samples)) == {}


@pytest.mark.shared
async def test_no_recorded_healthy_device_is_called_wrong() -> None:
    told: dict[str, object] = {}
    judged = 0
    paths = [path for folder in ("snmp", "snmp-fullwalk") for path in shared("devices", folder).glob("*.snmprec")]
    for path in sorted(paths):
        link = Recorded(path.read_bytes())
        samples: dict[tuple[str, str | None], Sample] = {}
        for tier in (Tier.IDENTITY, Tier.STATUS, Tier.MEASURE):
            for one in (await ask_samples(link, RECORDED, None, tier, lambda: 1)).samples:
                samples.setdefault((one.point, one.index), one)
        verdict = judge(samples.values(), scale=scales(link.settled.get("", ())))
        judged += verdict.verdict is Verdict.FITS
        if verdict.verdict is Verdict.WRONG:
            told[path.name] = [f for f in verdict.findings if f.verdict is Verdict.WRONG]
    assert told == {}
    assert judged >= 12


@pytest.mark.shared
def test_what_neighbours_wrote_down_as_bad_is_what_is_called_wrong() -> None:
    """Dumps of 60 UPS as NUT told them: the frequencies that are marked as bad, or are a tenth, and nothing else."""
    wrongs: set[tuple[str, str]] = set()
    for path in sorted(shared("devices", "nut-ddl").glob("*.dev")):
        pairs = [line.split(": ", 1) for line in path.read_text(errors="replace").splitlines() if ": " in line]
        values = {name: value.strip() for name, value in pairs if " " not in name}
        exchange = Exchange(request=AskNamed(name="u"), answer=Named(values), at=1)
        samples = {
            (one.point, one.index): one
            for tier in (Tier.MEASURE, Tier.STATUS, Tier.IDENTITY)
            for one in nut.read(nut.PROFILE, DeviceUrl.parse("nut://192.0.2.1/u"), tier, [exchange])
        }
        judged = judge(samples.values())
        wrongs |= {(f.point, f.got) for f in judged.findings if f.verdict is Verdict.WRONG}
    assert {point.rpartition(".")[0] if point.endswith("nominal") else point for point, _ in wrongs} <= {
        "input.frequency",
        "output.frequency",
        "input.bypass.frequency",
    }
    assert {got for _, got in wrongs} == {"not_plausible"}, "they were refused before"
