"""What switches say of their neighbours becomes paths: dated, never overwritten, doubts named; and root cause uses them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from collector import inventory, topology
from collector.neighbours.memory import Memory
from collector.store import findings
from collector.topology import Names, Rows, doubts, paths, take
from model.batch import Event, EventKind
from model.inventory import Customer, Device, Inventory, Site
from model.points import OperStatus
from model.reading import Gap, GapCause
from model.text import Text
from model.timescale import REAL
from tests.collector.centres import SITE, batch, centre_at, post, reading

HOUR = 3_600_000
CORE, ACCESS, UPS, CAMERA = (f"{SITE}/{name}" for name in ("core", "acc-1", "ups-1", "cam-1"))


def says(device: str, at: int = 0, **data: str) -> Event:
    """An identity; `neighbour_name_7` is neighbour.name.7."""
    return Event(kind=EventKind.IDENTITY, device=device, at=at, data={k.replace("_", "."): v for k, v in data.items()})


def learnt(*events: Event) -> tuple[Rows, Names]:
    rows: Rows = {}
    names: Names = {}
    for event in events:
        take(rows, names, [event])
    return rows, names


def seen(rows: Rows, names: Names) -> list[tuple[str, str, str, str]]:
    return [(p.device, p.port, p.other, p.by) for p in paths(rows, names) if p.gone is None]


def test_a_neighbour_is_known_by_its_chassis_then_its_name_then_its_id() -> None:
    rows, names = learnt(
        says(ACCESS, device_chassis="10:BE:F5:00:00:01", device_name="Acc-1.example.net"),
        says(UPS, device_name="ups one"),
        says(
            CORE,
            port_name_1="1/24",
            neighbour_chassis_1="10:be:f5:00:00:01",
            neighbour_name_2="acc-1",
            neighbour_name_3="UPS-1.site",
            neighbour_name_4="stranger",
        ),
    )
    assert seen(rows, names) == [
        (CORE, "1/24", ACCESS, "chassis"),
        (CORE, "2", ACCESS, "name"),
        (CORE, "3", UPS, "name"),
    ]


def test_another_sites_device_is_no_neighbour() -> None:
    rows, names = learnt(says("other/acc-1", device_name="acc-1"), says(CORE, neighbour_name_1="acc-1"))
    assert seen(rows, names) == []


def test_a_cable_is_dated_and_never_overwritten() -> None:
    rows, names = learnt(
        says(CORE, 1 * HOUR, neighbour_name_1="acc-1"),
        says(ACCESS, 1 * HOUR, device_name="acc-1"),
        says(UPS, 1 * HOUR, device_name="ups-1"),
        says(CORE, 2 * HOUR, neighbour_name_1="acc-1"),
        says(CORE, 3 * HOUR, neighbour_name_1="ups-1"),
        says(CORE, 4 * HOUR, port_name_1="1/1"),
        says(CORE, 5 * HOUR, neighbour_name_1="ups-1"),
    )
    told = [(p.other, p.since // HOUR, p.seen // HOUR, p.gone and p.gone // HOUR) for p in paths(rows, names)]
    assert told == [(ACCESS, 1, 2, 3), (UPS, 3, 5, None)]


def test_what_does_not_fit_is_named_in_both_languages() -> None:
    known = Inventory(
        devices={
            id: Device(id=id, name=Text(id, id), kind=kind, via=via)
            for id, kind, via in (
                (CORE, "switch", None),
                (ACCESS, "switch", CORE),
                (UPS, "ups", CORE),
                (CAMERA, "other", None),
            )
        }
    )
    rows, names = learnt(
        says(f"{SITE}/twin-1", device_name="twin"),
        says(f"{SITE}/twin-2", device_name="twin"),
        says(CORE, neighbour_name_1="twin", neighbour_name_2="cam-1"),
        says(ACCESS, neighbour_name_5="cam-1", neighbour_name_6="ups-1"),
        says(CAMERA, device_name="cam-1"),
        says(UPS, device_name="ups-1"),
    )
    found = {doubt.device: doubt.text for doubt in doubts(rows, names, known)}
    assert found.keys() == {CORE, CAMERA, UPS}
    assert f"{SITE}/twin-1, {SITE}/twin-2" in found[CORE].en
    assert f"{ACCESS} port 5, {CORE} port 2" in found[CAMERA].en
    assert f"via {CORE}, the switches say {ACCESS}; the inventory counts" in found[UPS].en
    assert all(text.zh != text.en for text in found.values())


def _inventory() -> Inventory:
    kinds = {CORE: "switch", ACCESS: "switch", UPS: "ups", CAMERA: "other"}
    return Inventory(
        customers={"c": Customer(id="c", name=Text("C", "C"))},
        sites={SITE: Site(id=SITE, customer="c", name=Text("Futian", "福田"))},
        devices={id: Device(id=id, name=Text(id, id), kind=kind) for id, kind in kinds.items()},
    )


async def test_the_core_switch_falls_silent_and_it_is_one_incident_over_a_restart_too(tmp_path: Path) -> None:
    """From identities and gaps at the door to the incident with its members and why each is in it."""
    every = (CORE, ACCESS, UPS, CAMERA)
    async with centre_at(tmp_path, REAL) as (centre, client):
        await centre.transact(lambda conn: inventory.put(conn, _inventory(), "test", centre.now()))
        now = centre.now() - 600_000
        told = [
            says(CORE, now, device_chassis="c0", neighbour_chassis_1="a1"),
            says(ACCESS, now, device_chassis="a1", neighbour_name_11="ups-1", neighbour_name_12="cam-1"),
        ]
        told += [says(UPS, now, device_name="ups-1"), says(CAMERA, now, device_name="cam-1")]
        alive = [reading("ifOperStatus", OperStatus.UP, now, "1", device) for device in every]
        assert (await post(client, batch(1, alive, events=told, at=now))).status_code == 200
        for _ in range(600):  # it is learned behind the answer
            if len(centre.inventory.learned) == 3:
                break
            await asyncio.sleep(0.05)
    async with centre_at(tmp_path, REAL) as (centre, client):
        assert len(centre.inventory.learned) == 3, "learned, kept, and there again after the start"
        assert centre.inventory.devices.keys() == set(every)
        now = centre.now() - 60_000
        for row in range(2, 12):
            now += 6_000
            gaps = [
                Gap(device=device, point=None, index=None, at=now, cause=GapCause.NO_ANSWER)
                for device in (UPS, CAMERA, ACCESS)
            ]
            still = [reading("ifOperStatus", OperStatus.UP, now, "1", CORE)]
            assert (await post(client, batch(row, still, gaps=gaps, at=now))).status_code == 200
        with centre.engine.connect() as conn:
            (incident,) = findings.incidents(conn, open_only=True)
            silent = {alert.device for alert in findings.alerts(conn) if alert.incident == incident.id}
    assert (incident.key.root, silent) == (ACCESS, {ACCESS, UPS, CAMERA})
    assert sum("reached through" in why.en for why in incident.explanation) == 2


def test_rows_survive_the_file(tmp_path: Path) -> None:
    rows, _ = learnt(says(CORE, 1, neighbour_name_1="acc-1"), says(CORE, 2, neighbour_name_1="ups-1"))
    memory = Memory(tmp_path / "n.sqlite")
    memory.put_cables(rows, {CORE})
    memory.put_cables(rows, {CORE})
    assert memory.cables() == rows
    assert msgspec.structs.asdict(rows[CORE][0])["gone"] == 2
    assert topology.paths(memory.cables(), {}) == ()
