"""A switch that dies is one incident with all that is reached through it; what has another way is a case of its own."""

from __future__ import annotations

import msgspec
import pytest

from model.finding import Raised
from model.inventory import MAINS, Device, Inventory, NetworkPath
from model.text import Text
from tests.alerts.site import SITE, Board, finding, ms


def raised(device: str, kind: str, since: float, seen: float | None = None) -> Raised:
    return Raised(finding=finding(device, kind, since, seen=seen))


def path(device: str, other: str, port: str = "1", gone: float | None = None) -> NetworkPath:
    return NetworkPath(
        device=f"{SITE}/{device}",
        port=port,
        other=f"{SITE}/{other}",
        by="chassis",
        since=0,
        seen=0,
        gone=None if gone is None else ms(gone),
    )


#: core ── acc-1 ── cam-1, cam-2, ups-9; core ── acc-2 ── cam-3; core ── cam-4
CABLES = (
    path("core", "acc-1", "1"),
    path("core", "acc-2", "2"),
    path("acc-1", "core", "48"),
    path("acc-1", "cam-1", "11"),
    path("acc-1", "cam-2", "12"),
    path("acc-1", "ups-9", "13"),
    path("acc-2", "cam-3", "11"),
    path("core", "cam-4", "3"),
)
KINDS = {"core": "switch", "acc-1": "switch", "acc-2": "switch", "ups-9": "ups"}
ALL = ("core", "acc-1", "acc-2", "cam-1", "cam-2", "cam-3", "cam-4", "ups-9")


def board(cables: tuple[NetworkPath, ...] = CABLES, **via: str) -> Board:
    """The site with these cables; `cam_1 = "acc-2"`: what the inventory says."""
    made = Board()
    devices = {
        f"{SITE}/{name}": Device(
            id=f"{SITE}/{name}",
            name=Text(name, name),
            kind=KINDS.get(name, "other"),
            fed_by=MAINS if name == "acc-2" else None,
            via=f"{SITE}/{via[key]}" if (key := name.replace("-", "_")) in via else None,
        )
        for name in ALL
    }
    made.inventory = msgspec.structs.replace(made.inventory, devices=made.inventory.devices | devices, learned=cables)
    return made


def fall_silent(made: Board, since: float, *names: str, apart: float = 1) -> None:
    """One after the other, as a round finds it; then time passes until it counts."""
    found = (raised(name, "device_silent", since + n * apart, seen=since + 15) for n, name in enumerate(names))
    made.hear(since + 15, *found)
    for second in range(int(since) + 16, int(since) + 60):
        made.tick(second)


def open_incidents(made: Board) -> dict[str, list[str]]:
    """Root of each open incident -> the devices in it."""
    return {
        incident.key.root.removeprefix(f"{SITE}/"): sorted(
            {made.alerts[id].device.removeprefix(f"{SITE}/") for id in incident.members}
        )
        for incident in made.incidents.values()
        if incident.closed_at is None
    }


@pytest.mark.parametrize("order", [("acc-1", "cam-1", "cam-2", "ups-9"), ("ups-9", "cam-2", "cam-1", "acc-1")])
def test_an_access_switch_dies_and_what_is_behind_it_joins(order: tuple[str, ...]) -> None:
    made = board()
    fall_silent(made, 0, *order)
    assert open_incidents(made) == {"acc-1": ["acc-1", "cam-1", "cam-2", "ups-9"]}
    (incident,) = [one for one in made.incidents.values() if one.closed_at is None]
    assert "acc-1" in incident.title.en
    words = " | ".join(text.en for text in incident.explanation)
    assert "cam-1 is silent because it is reached through acc-1 (port 11), which is silent itself" in words
    assert "cam-1 失联：须经由 acc-1（端口 11），而后者已失联" in "".join(text.zh for text in incident.explanation)


def test_only_one_incident_was_ever_opened_when_all_fall_silent_at_once() -> None:
    made = board()
    fall_silent(made, 0, *reversed(ALL), apart=0)
    assert open_incidents(made) == {"core": sorted(ALL)}
    assert len(made.incidents) == 1, "no ticket was opened to be merged"


def test_a_switch_found_silent_later_takes_over_what_is_behind_it() -> None:
    made = board()
    fall_silent(made, 0, "cam-1")
    assert open_incidents(made) == {"cam-1": ["cam-1"]}
    fall_silent(made, 60, "acc-1", "cam-2")
    assert open_incidents(made) == {"acc-1": ["acc-1", "cam-1", "cam-2"]}
    merged = next(one for one in made.incidents.values() if one.merged_into)
    assert merged.key.root == f"{SITE}/cam-1"


def test_what_was_silent_long_before_or_has_another_way_is_a_case_of_its_own() -> None:
    made = board((*CABLES, path("acc-2", "cam-2", "12")))
    fall_silent(made, 0, "cam-1")
    fall_silent(made, 1000, "acc-1", "cam-2")
    assert open_incidents(made) == {"cam-1": ["cam-1"], "acc-1": ["acc-1"], "cam-2": ["cam-2"]}


def test_two_cameras_of_a_switch_that_answers_explain_nothing() -> None:
    made = board()
    fall_silent(made, 0, "cam-1", "cam-2")
    assert open_incidents(made) == {"cam-1": ["cam-1"], "cam-2": ["cam-2"]}


def test_the_inventory_stands_above_the_cables() -> None:
    made = board(cam_1="acc-2", cam_4="acc-1")
    fall_silent(made, 0, "acc-1", "cam-1", "cam-2", "cam-4")
    assert open_incidents(made) == {"acc-1": ["acc-1", "cam-2", "cam-4"], "cam-1": ["cam-1"]}


def test_a_cable_that_vanished_with_the_switch_counts_and_one_gone_for_days_does_not() -> None:
    made = board((path("core", "acc-1"), path("acc-1", "cam-1", gone=30), path("acc-1", "cam-2", gone=-200_000)))
    fall_silent(made, 0, "acc-1", "cam-1", "cam-2")
    assert open_incidents(made) == {"acc-1": ["acc-1", "cam-1"], "cam-2": ["cam-2"]}


def test_a_switch_that_lost_its_power_takes_what_is_behind_it_into_the_mains_failure() -> None:
    made = board()
    made.hear(1, raised("ups-1", "on_battery", 0), raised("ups-2", "on_battery", 0))
    fall_silent(made, 5, "cam-3", "acc-2")
    assert open_incidents(made) == {SITE: ["acc-2", "cam-3", "ups-1", "ups-2"]}
    (incident,) = [one for one in made.incidents.values() if one.closed_at is None]
    words = " | ".join(text.en for text in incident.explanation)
    assert "acc-2 is silent because the mains feeds it" in words
    assert "cam-3 is silent because it is reached through acc-2" in words


def test_nothing_known_of_cables_changes_nothing() -> None:
    made = Board()
    assert isinstance(made.inventory, Inventory)
    fall_silent(made, 0, "sw-1", "sw-3")
    assert open_incidents(made) == {"sw-1": ["sw-1"], "sw-3": ["sw-3"]}
