"""A UPS with a battery cabinet, as the simulators' physics makes it, told to the detectors as a device would tell it.

The physics is that of `simulators.battery`: other equations, another reference curve and another author than the estimators'.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from analytics.detector import Context
from analytics.watch import Watch
from model.finding import Change
from model.inventory import Battery
from simulators import battery as physics
from simulators.battery import BatteryMake, BatteryState
from tests.analytics.timeline import UPS, Line, context, tell

DAY = 86_400.0
RATED_VA = 10_000.0
BLOCKS, AH = 16, 9.0


@dataclass
class Cabinet:
    """One UPS on its way through the years. `soh` is hidden from it; `load` in %."""

    soh: float = 1.0
    load: float = 40.0
    celsius: float = 25.0
    installed: str | None = "2025-06-01"
    resistive: float = 1.0
    flag: float = 0.0
    now: float = 0.0
    promised_s: float | None = None
    watch: Watch = field(default_factory=Watch)
    changes: list[Change] = field(default_factory=list)
    state: BatteryState | None = None

    @property
    def make(self) -> BatteryMake:
        return BatteryMake(blocks=BLOCKS, block_ah=AH, soh=self.soh, block_mohm=180 / AH * self.resistive)

    @property
    def watts(self) -> float:
        return self.load / 100 * RATED_VA * 0.9 / 0.9

    def context(self, device: str) -> Context:
        promised = self.promised_s or healthy_s(self.load)
        battery = Battery(
            blocks=BLOCKS, block_ah=AH, installed=self.installed, runtime_s=promised, runtime_load=self.load
        )
        found = context(device, battery=battery)
        return _rated(found)

    def hear(self, line: Line) -> list[Change]:
        told = tell(line, batch_s=60, watch=self.watch, context_of=self.context)
        self.changes += told
        return told

    def rest(self, days: float, every_s: float = 6 * 3600) -> list[Change]:
        """Days on float, nothing happening."""
        line, until = Line(), self.now + days * DAY
        while self.now < until:
            self._round(line, source=3, charge=100, volts=physics.FLOAT_V_CELL * self.make.cells)
            self.now += every_s
        self.state = physics.at_rest(self.make)
        return self.hear(line)

    def outage(self, seconds: float, every_s: float = 10) -> list[Change]:
        """The battery feeds the load, at most to its end; then the mains is back, or the UPS falls silent."""
        line, start, state = Line(), self.now, physics.at_rest(self.make)
        while self.now - start < seconds:
            state = physics.discharge(self.make, state, self.watts, every_s)
            if state is None:
                self._round(line, source=2, charge=1, volts=0.0, low=1)
                break
            gauge = round(100 * state.soc)
            self._round(line, source=5, charge=gauge, volts=round(state.voltage_v, 1), low=float(gauge <= 15))
            self.now += every_s
        else:
            self._round(line, source=3, charge=round(100 * state.soc), volts=physics.FLOAT_V_CELL * self.make.cells)
        told = self.hear(line)
        self.now += 12 * 3600
        return told + self.rest(0.5)

    def self_test(self, seconds: float = 10, passes: bool = True) -> list[Change]:
        line, state = Line(), physics.at_rest(self.make)
        for _ in range(int(seconds / 2)):
            state = physics.discharge(self.make, state, self.watts, 2) or state
            self._round(line, source=5, charge=100, volts=round(state.voltage_v, 1), test=1)
            self.now += 2
        self._round(line, source=3, charge=100, volts=physics.FLOAT_V_CELL * self.make.cells, result=1 if passes else 3)
        return self.hear(line) + self.rest(0.25)

    def _round(
        self,
        line: Line,
        *,
        source: float,
        charge: float,
        volts: float,
        low: float = 0,
        test: float = 0,
        result: float | None = None,
    ) -> None:
        line.say(self.now, "1", ups__load=self.load)
        line.say(
            self.now,
            ups__source=source,
            battery__charge=charge,
            battery__voltage=volts,
            battery__temperature=self.celsius,
        )
        line.say(self.now, alarm__on_battery=float(source == 5), alarm__battery_low=low, alarm__test_in_progress=test)
        line.say(self.now, alarm__replace_battery=self.flag)
        if result is not None:
            line.say(self.now, ups__test__result=result)


def healthy_s(load: float) -> float:
    """What a new battery of this cabinet lasts at `load` %."""
    make = BatteryMake(blocks=BLOCKS, block_ah=AH)
    state: BatteryState | None = physics.at_rest(make)
    seconds = 0.0
    while state is not None:
        state = physics.discharge(make, state, load / 100 * RATED_VA, 10)
        seconds += 10
    return seconds


def _rated(found: Context) -> Context:
    return msgspec.structs.replace(found, device=msgspec.structs.replace(found.device, rated_va=RATED_VA))


def file_of(cabinet: Cabinet) -> dict[str, object]:
    """What the verdict remembers of the battery."""
    return cabinet.watch.states[UPS]["battery_verdict"]
