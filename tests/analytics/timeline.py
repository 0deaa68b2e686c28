"""Stories for detectors: readings as a device would send them, one round every so many seconds.

`Line` collects them; `tell` runs them through the real watch in batches and gives back what was said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from analytics.detector import Context
from analytics.watch import Watch, blocks_of, step
from model.finding import Change, Changed, Cleared, Finding, Raised
from model.inventory import MAINS, Battery, Device, Site
from model.reading import Gap, GapCause, Reading
from model.text import Text

T0 = 1_770_000_000_000
UPS = "sz-futian/ups-1"
SWITCH = "hz-xihu/sw-1"


class Line:
    """What one device said, in story seconds."""

    def __init__(self, device: str = UPS) -> None:
        self.device = device
        self.readings: list[Reading] = []
        self.gaps: list[Gap] = []

    def say(self, second: float, index: str | None = None, /, **points: float) -> Line:
        """`battery__charge=50` is the point battery.charge."""
        at = T0 + round(second * 1000)
        for name, value in points.items():
            point = name.replace("__", ".")
            self.readings.append(Reading(device=self.device, point=point, index=index, at=at, value=value))
        return self

    def miss(self, second: float, cause: GapCause = GapCause.NO_ANSWER, point: str | None = None) -> Line:
        at = T0 + round(second * 1000)
        self.gaps.append(Gap(device=self.device, point=point, index=None, at=at, cause=cause))
        return self

    def flag(self, name: str, seconds: Iterable[float], value: float = 1) -> Line:
        for second in seconds:
            self.say(second, **{name: value})
        return self


def ups_round(
    line: Line,
    second: float,
    *,
    source: float = 3,
    charge: float = 100,
    load: float = 40,
    runtime: float | None = 1500,
    volts: float | None = None,
    **more: float,
) -> None:
    """One round of a healthy UPS, unless told otherwise."""
    line.say(second, "1", input__voltage=volts if volts is not None else (0 if source == 5 else 230), ups__load=load)
    line.say(
        second,
        ups__source=source,
        battery__charge=charge,
        battery__voltage=192,
        battery__temperature=25,
        ups__temperature=30,
    )
    if runtime is not None:
        line.say(second, battery__runtime=runtime)
    flags = {
        "alarm__on_battery": float(source == 5),
        "alarm__battery_low": 0.0,
        "alarm__replace_battery": 0.0,
        "alarm__battery_bad": 0.0,
    }
    for name in (
        "overload",
        "on_bypass",
        "charger_failed",
        "fan_failure",
        "general_fault",
        "temperature",
        "test_in_progress",
    ):
        flags[f"alarm__{name}"] = 0.0
    line.say(second, **{**flags, **more})


def outage(
    line: Line,
    *,
    start: float,
    end: float,
    capacity: float = 1.0,
    rated_s: float = 1500,
    load: float = 40,
    every: float = 10,
    until: float | None = None,
    begin: float = 0,
) -> Line:
    """A mains failure from `start` to `end`; the battery holds `capacity` of what the UPS believes."""
    charge = 100.0
    second = begin
    while second <= (until if until is not None else end + 60):
        out = start <= second < end
        if out:
            charge = max(0.0, 100 - 100 * (second - start) / (rated_s * capacity))
        ups_round(
            line, second, source=5 if out else 3, charge=round(charge), runtime=round(rated_s * charge / 100), load=load
        )
        second += every
    return line


def context(
    device: str = UPS, *, battery: Battery | None = None, serial: str = "", core: bool = False, wire_s: float = 1.0
) -> Context:
    kind = "switch" if "/sw" in device else "ups"
    site = device.partition("/")[0]
    return Context(
        device=Device(
            id=device, name=Text(device, device), kind=kind, battery=battery, serial=serial, core=core, fed_by=MAINS
        ),
        site=Site(id=site, customer="harbour", name=Text(site, site)),
        wire_s=wire_s,
    )


def tell(
    *lines: Line,
    batch_s: float | None = None,
    watch: Watch | None = None,
    context_of: Callable[[str], Context] = context,
) -> list[Change]:
    """Everything the detectors say; `batch_s`: cut into batches of so many seconds (None: one batch)."""
    watch = Watch() if watch is None else watch
    readings = sorted((r for line in lines for r in line.readings), key=lambda r: r.at)
    gaps = sorted((g for line in lines for g in line.gaps), key=lambda g: g.at)
    changes: list[Change] = []
    for some, missed in _cut(readings, gaps, batch_s):
        blocks = blocks_of(some, missed)
        changes += step(watch, blocks, context_of, max((b.last_at for b in blocks), default=0))
    assert watch.faults == []
    return changes


def _cut(readings: list[Reading], gaps: list[Gap], batch_s: float | None) -> Iterable[tuple[list[Reading], list[Gap]]]:
    if batch_s is None:
        yield readings, gaps
        return
    parts: dict[int, tuple[list[Reading], list[Gap]]] = {}
    for reading in readings:
        parts.setdefault(int((reading.at - T0) / 1000 / batch_s), ([], []))[0].append(reading)
    for gap in gaps:
        parts.setdefault(int((gap.at - T0) / 1000 / batch_s), ([], []))[1].append(gap)
    for number in sorted(parts):
        yield parts[number]


def of(changes: list[Change], kind: str) -> list[Change]:
    return [c for c in changes if (c.kind if isinstance(c, Cleared) else c.finding.kind) == kind]


def raised(changes: list[Change], kind: str) -> list[Finding]:
    return [c.finding for c in of(changes, kind) if isinstance(c, Raised)]


def last(changes: list[Change], kind: str) -> Finding:
    """The newest opinion of a kind."""
    return [c.finding for c in of(changes, kind) if isinstance(c, Raised | Changed)][-1]


def cleared(changes: list[Change], kind: str) -> list[Cleared]:
    return [c for c in of(changes, kind) if isinstance(c, Cleared)]


def second(at: int) -> float:
    """A time of a finding in story seconds."""
    return (at - T0) / 1000
