"""The dumps of sixty users' UPSes through Debian's `upsd` and `dummy-ups` into our NUT source: what upsd holds is what we
tell, in number and state, and what their owners called wrong is told by no one. The dumps stay outside the repository."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_samples
from agent.drivers.exchange import Sample
from agent.drivers.nut_names import ROWS
from agent.links import open_link
from agent.profiles import Tier
from model.finding import Raised, Severity
from model.points import POINTS, Kind
from tests.analytics.timeline import Line, tell
from tests.services import shared
from tests.services.nut import upsd

pytestmark = [pytest.mark.shared, pytest.mark.service]

#: Variables whose point has another name: NUT's name without its phase -> point.
RENAMED = {
    "ups.power": "output.power",
    "ups.realpower": "output.realpower",
    "output.power.percent": "ups.load",
    "ups.mfr": "device.mfr",
    "ups.model": "device.model",
    "ups.serial": "device.serial",
    "ups.firmware": "device.firmware",
    "ups.firmware.aux": "device.firmware.aux",
    "beeper.status": "ups.beeper.status",
}
#: Numbers by which a driver says that it does not know; 0 for a sensor that is not there, or a rating.
UNKNOWN = {"-1", "-1.0", "-1.00"}
NO_ZERO = re.compile(
    r"(ups|battery)\.temperature|.*\.nominal|input\.transfer\.(low|high)|ambient.humidity|ups.efficiency"
)
#: Values that nobody marked and that cannot be, by dump: refused, each with its reason (agent/drivers/nut_sense.py).
IMPOSSIBLE = {
    "APC__Back-UPS_XS_1200": {
        "battery.voltage", "battery.voltage.nominal", "battery.temperature", "input.voltage", "output.voltage", "battery.date",
    },
    "APC__Smart-UPS_2200__apcsmart": {"input.transfer.reason"},  # a letter that models use differently
    "APC__Smart-UPS_750": {"ups.efficiency"},  # "LoadTooLow"
    "APC__Silcon_120kW": {"input.frequency", "ups.test.result", "battery.charge.low"},
    "Eaton__93PM": {"battery.voltage", "ups.start.auto"},
    "HP__RT3000_G2": {"output.frequency.nominal", "ups.realpower", "output.current"},
    "Liebert__GXT2-1000": {
        "input.frequency", "input.bypass.frequency", "output.frequency", "input.frequency.nominal",
        "output.frequency.nominal", "ups.power.nominal",
    },
    "Liebert__GXT2-3000": {"battery.voltage", "battery.voltage.nominal"},
    "NetVision": {"battery.runtime", "input.bypass.frequency"},
    "Santak__Castle": {"battery.voltage"},
    "Tripp_Lite__SU2200": {"output.realpower", "output.current"},
    "Tripp_Lite__SU6000": {"ups.test.result", "battery.voltage"},
}  # fmt: skip
#: What the UPS itself says, and its owner knows better: nobody could tell from the list.
OWNER_KNOWS = {("MGE_UPS_SYSTEMS__Pulsar_1500", "ups.status"), ("MGE_UPS_SYSTEMS__Pulsar_1500", "ups.alarm")}
#: States whose words NUT has; all others of its words say nothing.
STATES = {row.point for row in ROWS if row.words}
SOURCES = {"OFF": 2, "OB": 5, "BYPASS": 4, "BOOST": 6, "TRIM": 7, "OL": 3}
RAISED = {
    "OB": "alarm.on_battery", "LB": "alarm.battery_low", "RB": "alarm.replace_battery", "OVER": "alarm.overload",
    "BYPASS": "alarm.on_bypass", "OFF": "alarm.output_off",
}  # fmt: skip


def dumps() -> dict[str, Path]:
    return {f"u{n}": file for n, file in enumerate(sorted(shared("devices", "nut-ddl").glob("*.dev")))}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Sample]]:
    with upsd(tmp_path_factory.mktemp("nut"), dumps()) as port:
        return asyncio.run(read(port))


def dump(file: Path) -> Iterator[tuple[str, str, bool]]:
    """(variable, value, whether its reporter marked it as wrong)."""
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        if found := re.match(r"([a-zA-Z0-9.-]+):[ \t]*([^#]*)(#BAD)?", line):
            yield found[1], found[2].strip(), bool(found[3])


def point_of(name: str) -> tuple[str, str | None] | None:
    """The point of a variable and its phase."""
    phase = re.search(r"\.L([123])(-N)?(?=\.)", name)
    plain = name.replace(phase[0], "", 1) if phase else name
    plain = "output.realpower" if phase and plain == "ups.realpower" else RENAMED.get(plain, plain)
    if plain not in POINTS or (POINTS[plain].kind is Kind.STATE and plain not in STATES):
        return None
    return plain, phase[1] if phase else None


def refused(file: Path, name: str, value: str, bad: bool) -> bool:
    if (
        bad
        or value in UNKNOWN
        or (name.startswith("ups.timer") and value.startswith("-"))
        or (NO_ZERO.fullmatch(name) and not value.strip("0."))
    ):
        return True
    return any(file.name.startswith(start) and name in names for start, names in IMPOSSIBLE.items())


async def read(port: int) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    link = open_link(DeviceUrl.parse(f"nut://127.0.0.1:{port}/u0"))
    for name in dumps():
        url = DeviceUrl.parse(f"nut://127.0.0.1:{port}/{name}")
        for tier in (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY):
            said = await ask_samples(link, url, None, tier, lambda: 1_700_000_000_000, f"site/{name}")
            assert said.failure is None, (name, said.failure)
            found.setdefault(name, []).extend(said.samples)
    link.close()
    return found


def test_every_value_of_sixty_dumps_is_told_as_it_is_and_what_is_bad_by_no_one(found: dict[str, list[Sample]]) -> None:
    wrong: list[str] = []
    told = withheld = 0
    for name, file in dumps().items():
        by_place = {sample.where: sample for sample in found[name] if sample.where != "ups.status"}
        present = {variable for variable, _, _ in dump(file)}
        for variable, value, bad in dump(file):
            place = point_of(variable)
            if place is None or not value or value.lower() == "unknown" or _elsewhere(variable, present):
                continue
            sample = by_place.get(variable)
            if POINTS[place[0]].kind is Kind.TEXT and (sample is None or _dummy(sample, variable, present)):
                continue
            if refused(file, variable, value, bad):
                withheld += 1
                if sample is not None and sample.value is not None:
                    wrong.append(f"{file.stem} {variable}: {value} is told as {sample.value}")
            elif sample is None or sample.value is None or not _same(sample, place, value):
                wrong.append(f"{file.stem} {variable}: {value}, got {sample}")
            else:
                told += 1
    assert not wrong, "\n".join(wrong)
    assert (told, withheld) > (1000, 20), (told, withheld)
    print(f"\n{told} values told, {withheld} refused")


def _dummy(sample: Sample, variable: str, present: set[str]) -> bool:
    """Whether dummy-ups itself wrote a text in the place of the dump's."""
    return str(sample.value).startswith("Dummy") or (variable.startswith("ups.") and sample.where != variable)


def _elsewhere(variable: str, present: set[str]) -> bool:
    """Whether another variable of the same meaning is there, which is the one that is taken."""
    other = {ours: theirs for theirs, ours in RENAMED.items() if theirs.startswith("ups.") or theirs == "beeper.status"}
    return RENAMED.get(variable) in present and other.get(RENAMED[variable]) == variable


def _same(sample: Sample, place: tuple[str, str | None], value: str) -> bool:
    if sample.point not in (place[0], sample.where) or (place[1] and sample.index != place[1]):
        return False
    kind = POINTS[sample.point].kind
    if kind is Kind.TEXT:
        return str(sample.value).split() == value.split() or sample.point == "device.serial"  # one dump has two
    if kind is Kind.STATE:
        return True  # told in another test
    return isinstance(sample.value, float) and abs(sample.value - float(value)) < 1e-6


def test_the_words_of_a_status_are_what_feeds_the_load_and_its_alarms(found: dict[str, list[Sample]]) -> None:
    wrong: list[str] = []
    seen: set[str] = set()
    for name, file in dumps().items():
        values = {variable: (value, bad) for variable, value, bad in dump(file)}
        status, bad = values["ups.status"]
        words = status.split()
        states = {sample.point: sample.value for sample in found[name] if sample.index is None}
        if bad and (file.name.split("__mge")[0], "ups.status") not in OWNER_KNOWS:
            doubtful = {"ups.source", "alarm.on_battery"} if "OB" in words else {"alarm.shutdown_imminent"}
            wrong += [f"{file.stem} {point} {states.get(point)}" for point in doubtful if states.get(point) is not None]
            continue
        source = next((state for word, state in SOURCES.items() if word in words), None)
        expected = {point: float(word in words) for word, point in RAISED.items()} if words else {}
        expected |= {"ups.source": float(source)} if source else {}
        expected |= {"battery.status": 3.0 if "LB" in words else 2.0} if words else {}
        seen.update(words)
        wrong += [f"{file.stem} {status}: {p} {states.get(p)}" for p, v in expected.items() if states.get(p) != v]
    assert wrong == []
    assert seen >= {"OL", "OB", "LB", "RB", "OVER", "BYPASS", "OFF", "TRIM", "BOOST", "CHRG", "DISCHRG", "ALARM"}


#: Word of a status -> (kind of the alert, its severity); the rest of the words raise nothing.
ALERTS = {
    "OB": ("on_battery", None),  # rises as the runtime shrinks
    "RB": ("battery_flag", Severity.WARNING),
    "OVER": ("overload", Severity.MAJOR),
    "BYPASS": ("bypass", Severity.MAJOR),
    "OFF": ("output_off", Severity.CRITICAL),
}
#: Sentences of `ups.alarm` that are alerts of their own.
SENTENCES = {"Battery bad! Building alarm!": {"battery_flag", "ups_fault"}}


def test_states_become_alerts_of_their_severity_and_health_becomes_none(found: dict[str, list[Sample]]) -> None:
    wrong: list[str] = []
    for name, file in dumps().items():
        values = {variable: (value, bad) for variable, value, bad in dump(file)}
        status, bad = values["ups.status"]
        told = [one for one in found[name] if one.where in ("ups.status", "ups.alarm")]
        raised = _raised(told)
        expected = {ALERTS[word][0] for word in status.split() if word in ALERTS}
        expected |= SENTENCES.get(values.get("ups.alarm", ("", False))[0], set())
        if bad:
            expected -= {"on_battery"} | ({"battery_flag"} if "OB" in status else set())
        grave = {kind: severity for kind, severity in ALERTS.values() if severity}
        if set(raised) != expected:
            wrong.append(f"{file.stem} {status}: {sorted(raised)} instead of {sorted(expected)}")
        wrong += [
            f"{file.stem}: {kind} is {raised[kind]}"
            for kind in raised
            if raised[kind] is not grave.get(kind, raised[kind])
        ]
    assert not wrong, "\n".join(wrong)


def _raised(told: list[Sample]) -> dict[str, Severity]:
    """What detectors find in a minute of the same status."""
    line = Line()
    for second in range(0, 60, 2):
        for one in told:
            if isinstance(one.value, float):
                line.say(second, one.index, **{one.point.replace(".", "__"): one.value})
    return {change.finding.kind: change.finding.severity for change in tell(line) if isinstance(change, Raised)}
