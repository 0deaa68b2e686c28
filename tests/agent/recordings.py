"""What the agent makes of the recordings of real devices, sensor by sensor: `python -m tests.agent.recordings [NAME…]`.

The recordings are served by snmpsim and read by the way of `roundsman probe --json`: the real link, drivers and profiles.
Each sensor that LibreNMS expects (minus corrections.tsv: what it has physically wrong) becomes one verdict:

    right      a reading from the same OID with the same physical value, or a state or flag with the same meaning
    elsewhere  the point is told from a better place, and its value agrees
    wrong      a reading from that OID that says something else: never
    gap        the OID is known, and a cause is told instead of a value
    missing    nothing is read there

"Meaning": a state that is trouble for LibreNMS is trouble for us, and one that is not is not. Where the two opinions differ
for a reason, `OPINIONS` has the reason.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec

from agent.probe import ProbeLine, probe
from agent.profiles import PROFILES, load
from agent.profiles.form import Value, under
from model.points import POINTS, Kind
from tests.services import SHARED, shared
from tests.services.snmpsim import serving

FULL_WALKS = (
    "apc-8932",
    "dcs-3726c",
    "dlink-des3038",
    "eaton-93e-80",
    "emerson-network-power",
    "h3c-e528-2",
    "huawei-gse200m",
    "phoenixtec-power",
    "tripplite-poweralert",
)
#: (class of LibreNMS, our unit) -> factor. Where there is none the numbers are the same.
_UNITS = {("runtime", "s"): 60.0, ("power_consumed", "Wh"): 1000.0, ("delay", "s"): 1.0}
#: Two places that measure one thing may differ a little.
_AGREES = 0.03
#: What a table in whole units may differ by.
_STEPS = {"A": 1.0, "V": 1.0, "s": 60.0, "Hz": 1.0}
#: (state name, what LibreNMS says) -> why we say otherwise.
OPINIONS: dict[tuple[str, str], str] = {
    ("netagent2upsstate", "9"): "mains out of its range and corrected: told as a warning, as RFC 1628's reducer is",
    ("netagent2upsstate", "4"): "the same, boosted",
    ("netagent2upsstate", "6"): "on bypass the load is unprotected",
    ("netagent2upsstate", "8"): "standby gives no output",
    ("upsBasicOutputStatus", "4"): "mains out of range and boosted",
    ("upsBasicOutputStatus", "5"): "asleep: no output",
    ("upsTestResult", "5"): "a test that runs is no trouble",
    ("hwBattsChargeStatus", "2"): "charging is no trouble",
    ("upsBatteryStatus", "3"): "charging is no trouble",
    ("CPS-MIB::upsAdvanceInputLineFailCause", "2"): "the reason of the last transfer, not a state",
    ("CPS-MIB::upsAdvanceInputLineFailCause", "3"): "the reason of the last transfer, not a state",
    ("CPS-MIB::upsAdvanceInputLineFailCause", "4"): "the reason of the last transfer, not a state",
    ("upsmgInputLineFailCause", "2"): "a reason; upsmgInputBadStatus is the state",
    ("upsmgInputLineFailCause", "3"): "a reason; upsmgInputBadStatus is the state",
    ("upsmgInputLineFailCause", "4"): "a reason; upsmgInputBadStatus is the state",
}
#: States that LibreNMS reads from the OID of another.
MISREAD = frozenset(
    ["upsOutputSource@1.3.6.1.4.1.4555.1.1.7.1.2.1", "xATSGeneratorStatusOperational@1.3.6.1.4.1.318.1.1.18.1.2.2"]
)


#: All fourteen flags of linux_ups-nut were set by hand. Nine of them deny each other (on line, on battery and off at once; battery low and
#: high; charging and discharging; trimming and boosting), so nobody knows what was true: each is a gap. The other five can be true
#: beside anything and are told as they stand: replace battery, bypass, calibration, overload, forced shutdown.
CONTRADICTORY = frozenset(
    {
        *("UPSOnLine", "UPSOnBattery", "UPSOffline", "UPSLowBattery", "UPSHighBattery"),
        *("UPSBatteryCharging", "UPSBatteryDischarging", "UPSUPSBuck", "UPSUPSBoost"),
    }
)
#: (recording, OID prefix) -> why NUT's table is no measure there.
NUT_SLIPS: tuple[tuple[str, str, str], ...] = (
    ("snmp/", "1.3.6.1.4.1.318.1.1.1.2.2.3", "time ticks shown as seconds"),
    ("snmp/", "1.3.6.1.4.1.3808.1.1.1.2.2.4", "time ticks shown as seconds"),
    ("snmp/", "1.3.6.1.4.1.3808.1.1.1.5.2", "time ticks shown as seconds"),
    (
        "snmp-fullwalk/huawei-gse200m",
        "1.3.6.1.2.1.33",
        "the card's RFC 1628 side is scaled otherwise; its own MIB is read",
    ),
    ("snmp-fullwalk/huawei-gse200m", "1.3.6.1.4.1.2011.6.174.1.4.100.1", "kW and kVA shown as W and VA"),
    ("snmp-fullwalk/huawei-gse200m", "1.3.6.1.4.1.2011.6.174.1.11", "a clock"),
    ("snmp-fullwalk/eaton-93e-80", "1.3.6.1.2.1.33.1.9.2", "5 Hz: the card sends whole Hz"),
    ("snmp-fullwalk/eaton-93e-80", "1.3.6.1.2.1.33.1.2.3", "65535 s told as 1092 min: not available"),
    ("snmp-fullwalk/eaton-93e-80", "1.3.6.1.4.1.705.1.6.2.1.6", "2.1 A at 15 kW: the card sends whole amperes"),
    ("snmp-fullwalk/eaton-93e-80", "1.3.6.1.4.1.705.1.8", "no probe"),
    ("snmp-fullwalk/phoenixtec-power", "1.3.6.1.4.1.935.1.1.1.2.2.2", "2.2 V: one cell"),
)
#: Raw numbers of NUT's view that no device means as a value, and a variable that only repeats the flags.
NUT_UNTOLD = frozenset(["", "-1", "65535", "9999", "2147483647", "4294967295"])
NUT_DOUBLED = frozenset(["experimental.ups.type"])


class Verdict(StrEnum):
    """What became of one expected sensor."""

    RIGHT = "right"
    ELSEWHERE = "elsewhere"
    WRONG = "wrong"
    GAP = "gap"
    MISSING = "missing"


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """One sensor as somebody else reads it."""

    recording: str
    kind: str  #: LibreNMS's class, or NUT's variable
    oid: str
    raw: str
    value: str
    state: str = ""
    descr: str = ""
    trouble: bool | None = None  #: of a state: whether it is trouble; None where nobody can say


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict, and the reading that it rests on."""

    expected: Expected
    verdict: Verdict
    line: ProbeLine | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """One recording as the agent reads it."""

    name: str
    lines: list[ProbeLine]
    cpu_s: float

    @property
    def values(self) -> list[ProbeLine]:
        return [line for line in self.lines if line.cause is None]


def table(name: str) -> list[dict[str, str]]:
    """A .tsv of the recordings' folder."""
    with shared("devices", "snmp", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def names() -> tuple[str, ...]:
    """The recordings with expected values."""
    return tuple(sorted(path.stem for path in shared("devices", "snmp").glob("*.snmprec")))


@cache
def corrections() -> dict[tuple[str, str], str]:
    """(recording, OID) -> the physical value, or why there is none."""
    return {(row["recording"], row["oid"]): row["physical"] for row in table("corrections.tsv")}


def corrections_here() -> list[dict[str, str]]:
    """The lines of corrections.tsv, none where the recordings are not."""
    return table("corrections.tsv") if (SHARED / "devices").exists() else []


def corrected(one: Expected) -> bool:
    """Whether LibreNMS's expectation is known to be no measure."""
    if one.recording == "linux_ups-nut" and one.state in CONTRADICTORY:
        return True
    return (one.recording, one.oid) in corrections()


@cache
def sensors() -> dict[str, list[Expected]]:
    """By recording: every sensor that LibreNMS expects, corrections too."""
    grave: dict[tuple[str, str, str], int] = {}
    for name in names():
        text = shared("devices", "snmp", f"{name}.json").read_text(encoding="utf-8")
        for row in json.loads(text).get("sensors", {}).get("discovery", {}).get("state_indexes", []):
            grave[name, row["state_name"], str(row["state_value"])] = row["state_generic_value"]
    out: dict[str, list[Expected]] = {name: [] for name in names()}
    for row in table("sensors.tsv"):
        generic = grave.get((row["recording"], row["state_name"], row["expected"]))
        out[row["recording"]].append(
            Expected(
                recording=row["recording"],
                kind=row["class"],
                oid=row["oid"].lstrip("."),
                raw=row["raw"],
                value=row["expected"],
                state=row["state_name"],
                descr=row["descr"],
                trouble={0: False, 1: True, 2: True}.get(generic if generic is not None else 3),
            )
        )
    return out


@cache
def nut_view() -> dict[str, list[Expected]]:
    """By `snmp/NAME` or `snmp-fullwalk/NAME`: every variable that NUT's tables make of a recording."""
    out: dict[str, list[Expected]] = {}
    for row in table("nut-view.tsv"):
        if row["raw"] in NUT_UNTOLD or row["variable"] in NUT_DOUBLED or _slip(row["recording"], row["oid"]):
            continue
        one = Expected(
            recording=row["recording"], kind=row["variable"], oid=row["oid"], raw=row["raw"], value=row["value"]
        )
        out.setdefault(row["recording"], []).append(one)
    return out


def _slip(recording: str, oid: str) -> bool:
    physical = corrections().get((recording.partition("/")[2], oid))
    known = any(recording.startswith(whose) and under(oid, place) for whose, place, _ in NUT_SLIPS)
    return known or physical is not None


@contextmanager
def served(folder: Path, wanted: Iterable[str] = (), edits: dict[str, bytes] | None = None) -> Iterator[int]:
    """One snmpsim with every recording, or those that are wanted, and with edited ones: the port."""
    those = set(wanted)
    paths = [shared("devices", "snmp", f"{name}.snmprec") for name in names() if not those or name in those]
    paths += [
        shared("devices", "snmp-fullwalk", f"{name}.snmprec") for name in FULL_WALKS if not those or name in those
    ]
    with serving(paths, folder, edits) as port:
        yield port


def edited(name: str, changes: dict[str, str]) -> bytes:
    """A recording with some lines changed or added: OID -> `TAG|VALUE`. What a healthy device of it would say in trouble."""
    kept = [
        line
        for line in shared("devices", "snmp", f"{name}.snmprec").read_bytes().splitlines()
        if line.partition(b"|")[0].decode() not in changes
    ]
    return b"\n".join([*kept, *(f"{oid}|{value}".encode() for oid, value in changes.items())])


async def heard(port: int, name: str) -> Heard:
    """A recording, probed."""
    os.environ["RECORDING"] = name
    began = time.process_time()
    url = f"snmp://127.0.0.1:{port}?version=2c&community=env:RECORDING&timeout=5"
    lines = await probe(url, None, lambda: 1_000)
    return Heard(name=name, lines=lines, cpu_s=time.process_time() - began)


def judge(expected: Iterable[Expected], lines: Iterable[ProbeLine]) -> list[Judged]:
    """Every expectation against what was read."""
    said = list(lines)
    at: dict[str, list[ProbeLine]] = {}
    for line in said:
        at.setdefault(_bare(line.where), []).append(line)
    points = {(line.point, line.index): line for line in said if line.cause is None}
    return [_judge(one, at, points) for one in expected]


def _judge(
    one: Expected, at: dict[str, list[ProbeLine]], points: dict[tuple[str | None, str | None], ProbeLine]
) -> Judged:
    there = at.get(_bare(one.oid), [])
    told = [line for line in there if line.cause is None]
    for line in told:
        if says_same(one, line):
            return Judged(expected=one, verdict=Verdict.RIGHT, line=line)
    if told:
        return Judged(expected=one, verdict=Verdict.WRONG, line=told[0])
    for row, index in rows_of(one.oid):
        line = points.get((row.point, index)) or points.get((row.point, None))
        if line is not None and says_same(one, line, _AGREES):
            return Judged(expected=one, verdict=Verdict.ELSEWHERE, line=line)
    if there:
        return Judged(expected=one, verdict=Verdict.GAP, line=there[0])
    return Judged(expected=one, verdict=Verdict.MISSING)


def says_same(one: Expected, line: ProbeLine, tolerance: float = 0.0) -> bool:
    """Whether a reading means what is expected."""
    point = POINTS[line.point or ""]
    if one.state:
        grave = trouble(line)
        known = one.trouble is None or grave is None or grave == one.trouble
        return known or (one.state, one.value) in OPINIONS
    if isinstance(line.value, str) or line.value is None:
        return str(line.value).split() == one.value.split()
    if "." in one.kind and point.kind in (Kind.STATE, Kind.FLAG):
        return True  # NUT's words for states: what they mean is judged by LibreNMS's tables
    try:
        wanted = float(one.value) * _UNITS.get((one.kind, point.unit), 1.0)
    except ValueError:
        return False
    rounded = 0.5 * 10.0 ** -len(one.value.partition(".")[2]) if one.kind == "temperature" and "." in one.value else 0.0
    near = max(tolerance * abs(wanted), rounded, 1e-6 * max(1.0, abs(wanted)))
    if tolerance and point.unit in _STEPS:
        near = max(near, _STEPS[point.unit])
    return abs(line.value - wanted) <= near


def trouble(line: ProbeLine) -> bool | None:
    """Whether a reading of a state or flag is trouble; None where the point alone cannot say."""
    return _grave(line.point or "", int(line.value)) if isinstance(line.value, float) else None


def meanings(name: str) -> Iterator[str]:
    """Every state that a recording's device may send (not only the one that it sent), where our profile makes another thing of
    it than LibreNMS and `OPINIONS` has no reason."""
    text = shared("devices", "snmp", f"{name}.json").read_text(encoding="utf-8")
    states = json.loads(text).get("sensors", {}).get("discovery", {}).get("state_indexes", [])
    for one in sensors()[name]:
        if not one.state or f"{one.state}@{_bare(one.oid)}" in MISREAD:
            continue
        for row, _ in rows_of(one.oid):
            for state in states:
                theirs = {0: False, 1: True, 2: True}.get(state["state_generic_value"])
                raw = state["state_value"]
                if state["state_name"] != one.state or theirs is None or (one.state, str(raw)) in OPINIONS:
                    continue
                ours = row.states.get(raw, row.default) if row.states else raw
                if ours is None:
                    yield f"{one.state} {raw} ({state['state_descr']}): not read as {row.point}"
                elif _grave(row.point, ours) not in (None, theirs):
                    yield f"{one.state} {raw} ({state['state_descr']}): {row.point} {ours}"


def _grave(id: str, state: int) -> bool | None:
    """Whether a state of a point is trouble; None where nobody can say."""
    point = POINTS[id]
    if point.kind is Kind.FLAG:
        return bool(state) if id.startswith("alarm.") else None
    if point.kind is Kind.STATE:
        return None if state in point.unknown else state in point.severities
    return None


def rows_of(oid: str) -> Iterator[tuple[Value, str | None]]:
    """The rows of all profiles that would read an OID, and the index that they would give it."""
    for id in PROFILES:
        profile = load(id)
        if profile.driver != "snmp":
            continue
        for row in profile.values:
            if row.column and under(oid, row.place):
                yield row, oid[len(row.place) + 1 :].removesuffix(".0")
            elif not row.column and _bare(oid) == _bare(row.place):
                yield row, row.index


def _bare(oid: str) -> str:
    oid = oid.strip(".")
    while oid.endswith(".0"):
        oid = oid[:-2]
    return oid


def implausible(line: ProbeLine) -> str:
    """Why a reading cannot be, or nothing. Stricter than the points' bounds: what a sound device at rest may say."""
    if not isinstance(line.value, float) or line.point is None:
        return ""
    point = POINTS[line.point]
    if line.raw in ("4294967295", "2147483647", "-2147483648", "65535") and point.kind is not Kind.COUNTER:
        return "a mark for not available"
    for ends, unit, low, high in _SANE:
        whose = line.point == ends or (ends[0] == "." and line.point.endswith(ends))
        if whose and point.unit == unit and line.value and not low <= abs(line.value) <= high:
            return f"{line.value:g} {unit} is not between {low:g} and {high:g}"
    return ""


#: (end of the point, unit, low, high): zero apart, what a device of these recordings may say.
_SANE: tuple[tuple[str, str, float, float], ...] = (
    (".frequency", "Hz", 45, 66),
    ("input.voltage", "V", 80, 500),
    ("output.voltage", "V", 80, 500),
    ("input.bypass.voltage", "V", 80, 500),
    (".temperature", "°C", 5, 80),
    (".humidity", "%", 5, 95),
    ("ups.load", "%", 0.01, 120),
    ("battery.runtime", "s", 1, 2 * 86400),
    ("battery.voltage", "V", 10, 600),
)


def show(judged: dict[str, list[Judged]], out: Iterable[str] = ()) -> Iterator[str]:
    """The coverage as a table, and what is not right."""
    yield f"{'recording':34}{'expected':>9}{'right':>7}{'else':>6}{'wrong':>7}{'gap':>5}{'missing':>9}   by class (delivered/expected)"
    total: Counter[str] = Counter()
    for name, all_of in judged.items():
        counts = Counter(one.verdict for one in all_of)
        total.update(counts)
        classes: dict[str, list[int]] = {}
        for one in all_of:
            held = classes.setdefault(one.expected.kind, [0, 0])
            held[0] += one.verdict in (Verdict.RIGHT, Verdict.ELSEWHERE)
            held[1] += 1
        words = " ".join(f"{kind} {a}/{b}" for kind, (a, b) in sorted(classes.items()))
        yield _counts(name, len(all_of), counts) + f"   {words if len(classes) < 14 else ''}"
    yield _counts("all", sum(total.values()), total)
    yield from out


def _counts(name: str, expected: int, counts: Counter[str]) -> str:
    v = Verdict
    return (
        f"{name:34}{expected:>9}{counts[v.RIGHT]:>7}{counts[v.ELSEWHERE]:>6}{counts[v.WRONG]:>7}"
        f"{counts[v.GAP]:>5}{counts[v.MISSING]:>9}"
    )


def details(judged: Iterable[Judged]) -> Iterator[str]:
    """One line for each sensor that is not right."""
    for one in judged:
        if one.verdict in (Verdict.RIGHT, Verdict.ELSEWHERE):
            continue
        e, line = one.expected, one.line
        held = f"{line.point}[{line.index}] = {line.value} {line.unit} {line.cause or ''}" if line else ""
        yield f"  {one.verdict:8} {e.kind:14} {e.oid}  raw {e.raw}  expected {e.value} {e.state} ({e.descr})  {held}"


async def _main(wanted: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, served(Path(folder), wanted) as port:
        every = [name for name in (*names(), *FULL_WALKS) if not wanted or name in wanted]
        said = {name: await heard(port, name) for name in every}
    judged = {
        name: judge([one for one in sensors()[name] if not corrected(one)], said[name].lines)
        for name in every
        if sensors().get(name)
    }
    for line in show(judged):
        print(line)
    for name, all_of in judged.items():
        lacking = list(details(all_of))
        print("\n".join([f"== {name}", *lacking]) if lacking else f"== {name}: all")
    print("\nNUT's view")
    views = {
        name: judge(nut_view()[key], said[name].lines)
        for name in every
        for key in (f"snmp/{name}", f"snmp-fullwalk/{name}")
        if key in nut_view()
    }
    for line in show(views):
        print(line)
    if wanted:
        for all_of in views.values():
            print("\n".join(details(all_of)))
    print("\nimplausible readings, CPU seconds")
    for name in every:
        bad = [
            f"{line.point}[{line.index}] {why} at {line.where}"
            for line in said[name].values
            if (why := implausible(line))
        ]
        print(f"{name:34}{len(said[name].values):>7} readings {said[name].cpu_s:6.1f} s  {'; '.join(bad)}")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
