"""Device `number` of the fleet with all that happens to it: the door to the physics."""

from __future__ import annotations

from model.inventory import Site
from model.text import Text
from tests.simulation.fleet import discharges, ups
from tests.simulation.fleet.chance import YEAR_H
from tests.simulation.fleet.story import Story


def ups_story(seed: int, number: int, years: float) -> Story:
    """The whole life of UPS `number`."""
    made, story = ups.build(seed, number, round(years * YEAR_H))
    found = discharges.events(made, story, seed, [])
    discharges.play(made, story, seed, found)
    ups.quantise(made, story)
    return story


def site_of(device: str) -> Site:
    """The site as the inventory has it."""
    id = device.partition("/")[0]
    return Site(id=id, customer=f"c{id[1:]}", name=Text(id, id))


def story(seed: int, number: int, batteries: int, years: float) -> Story:
    """Device `number`: the first `batteries` are UPSs, the others switches."""
    return ups_story(seed, number, years)
