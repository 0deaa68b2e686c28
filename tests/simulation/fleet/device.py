"""Device `number` of the fleet with all that happens to it: the door to the physics."""

from __future__ import annotations

from tests.simulation.fleet import discharges, switch, switch_faults, ups, ups_events, ups_faults
from tests.simulation.fleet.chance import YEAR_H, stream
from tests.simulation.fleet.story import Story

#: Shares of the devices that get a fault, and an error of telemetry, within the story.
FAULTY, SLIPS = 0.27, 0.12
#: Switches are few and have many kinds of faults.
FAULTY_SWITCHES = 0.6


def ups_story(seed: int, number: int, years: float, only: str | None = None) -> Story:
    """The whole life of UPS `number`."""
    made, story = ups.build(seed, number, round(years * YEAR_H))
    rng = stream(seed, "what happens", number)
    ups_faults.give(made, story, rng, FAULTY, only)
    ups_events.happen(made, story, rng)
    spared = [made.frozen] if made.frozen else []
    discharges.play(made, story, seed, discharges.events(made, story, seed, [(float(a), float(b)) for a, b in spared]))
    ups.quantise(made, story)
    ups_events.freeze(made, story)
    ups_events.telemetry(made, story, rng, SLIPS)

    def answer(hour: float, deep: bool) -> None:
        before = len(story.windows)
        discharges.answer(made, story, seed, hour, deep)
        ups.quantise(made, story, before)

    story.answer = answer
    return story


def switch_story(seed: int, place: int, number: int, years: float, only: str | None = None) -> Story:
    """The whole life of a switch: the `place`-th, device `number` of the fleet."""
    made, story = switch.build(seed, place, round(years * YEAR_H))
    rng = stream(seed, "what happens to switch", place)
    switch_faults.happen(made, story, rng)
    switch_faults.give(made, story, rng, FAULTY_SWITCHES, only)
    switch.settle(made, story, rng)
    switch.quantise(story)
    story.number = number
    return story


def story(seed: int, number: int, batteries: int, years: float, only: str | None = None) -> Story:
    """Device `number`: the first `batteries` are UPSs, the others switches. `only`: the one kind of fault that is given, to all."""
    if number < batteries:
        return ups_story(seed, number, years, only)
    return switch_story(seed, number - batteries, number, years, only)
