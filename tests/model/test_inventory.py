"""What the inventory says of what nobody listed."""

from __future__ import annotations

from model.inventory import Device, Inventory, Site
from model.text import Text


def test_a_site_s_agent_is_known_by_its_site_and_needs_no_entry() -> None:
    inventory = Inventory(sites={"sz": Site(id="sz", customer="c", name=Text("Futian", "福田"))})
    agent = inventory.device("sz/agent")
    assert (agent.kind, agent.name) == ("agent", Text("Agent of Futian", "福田 采集端"))
    assert inventory.device("new/agent").name.en == "Agent of new"
    assert inventory.device("sz/agent-2").kind == "other"


def test_an_entry_says_more_than_a_stand_in() -> None:
    listed = Device(id="sz/agent", name=Text("Box in rack 2", "2 号机柜盒子"), kind="other")
    assert Inventory(devices={"sz/agent": listed}).device("sz/agent") is listed
