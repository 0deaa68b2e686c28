"""Device `number` of the fleet with all that happens to it: the door to the physics."""

from __future__ import annotations

from tests.simulation.fleet import discharges, ups, ups_events, ups_faults
from tests.simulation.fleet.chance import YEAR_H, stream
from tests.simulation.fleet.story import Story

#: Shares of the devices that get a fault, and an error of telemetry, within the story.
FAULTY, SLIPS = 0.27, 0.12


def ups_story(seed: int, number: int, years: float) -> Story:
    """The whole life of UPS `number`."""
    made, story = ups.build(seed, number, round(years * YEAR_H))
    rng = stream(seed, "what happens", number)
    ups_faults.give(made, story, rng, FAULTY)
    ups_events.happen(made, story, rng)
    spared = [made.frozen] if made.frozen else []
    discharges.play(made, story, seed, discharges.events(made, story, seed, [(float(a), float(b)) for a, b in spared]))
    ups.quantise(made, story)
    ups_events.freeze(made, story)
    ups_events.telemetry(made, story, rng, SLIPS)
    return story


def story(seed: int, number: int, batteries: int, years: float) -> Story:
    """Device `number`: the first `batteries` are UPSs, the others switches."""
    return ups_story(seed, number, years)
