"""What the running centre keeps of a ticket by itself: readings, events and alerts around its beginning and its end."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import sqlalchemy as sa

import desk.store as desk
from collector import evidence, upkeep
from collector.running import Running
from desk import documents, faq, paper_sql
from desk.types import Draft, EntryKind
from model.batch import Event, EventKind
from model.text import Text
from model.timescale import TimeScale
from tests.collector.centres import T0, batch, centre_at, post, reading
from tests.desk.stage import HOUR, MINUTE, ended, incident

ROOT = "sz-futian/ups-1"


def _scale(at: int) -> TimeScale:
    return TimeScale(t0=at, real0=round(time.time() * 1000), speed=1.0)


def _kept(centre: Running, id: str) -> list[dict[str, object]]:
    with centre.engine.connect() as conn:
        told = [e for e in desk.ledger(conn, id) if e.kind is EntryKind.DOCUMENT]
        folder = centre.config.data / "documents"
        return [msgspec.json.decode(documents.get(conn, folder, str(e.data["document"]))[1]) for e in told]


async def test_readings_and_events_before_and_after_are_kept_once_each(tmp_path: Path) -> None:
    lost = [reading("input.voltage", v, at=T0 + m * MINUTE) for m, v in ((-40, 231), (-20, 230), (-1, 228), (1, 0))]
    event = Event(kind=EventKind.STATE_CHANGED, device=ROOT, at=T0, data={"state": "on_battery"})
    back = [reading("input.voltage", 229, at=T0 + m * MINUTE) for m in (30, 33)]
    told = incident(ROOT, "mains", customer="", opened=T0)
    async with centre_at(tmp_path, _scale(T0 + MINUTE)) as (centre, client):
        assert (await post(client, batch(0, lost, events=[event]))).status_code == 200
        ids = await centre.transact(lambda conn: desk.apply(conn, [told], centre.inventory, centre.now()))
        for _ in range(2):
            await evidence.turn(centre)
        [opening] = _kept(centre, ids[0])
    async with centre_at(tmp_path, _scale(T0 + 40 * MINUTE)) as (centre, client):
        assert (await post(client, batch(1, back))).status_code == 200
        await centre.transact(
            lambda conn: desk.apply(conn, [ended(told, T0 + 32 * MINUTE)], centre.inventory, centre.now())
        )
        for _ in range(2):
            await evidence.turn(centre)
        [_, restored] = _kept(centre, ids[0])
    voltage = opening["series"][0]  # type: ignore[index]
    assert (voltage["point"], voltage["unit"], voltage["value"]) == ("input.voltage", "V", [230.0, 228.0, 0.0])
    assert [e["kind"] for e in opening["events"]] == ["state_changed"]  # type: ignore[attr-defined]
    assert [s["value"] for s in restored["series"]] == [[229.0, 229.0]]  # type: ignore[attr-defined]


async def test_a_solved_ticket_is_proposed_for_the_faq_without_being_asked(tmp_path: Path) -> None:
    def solve(conn: sa.Connection, centre: Running) -> str:
        [id] = desk.apply(conn, [incident(ROOT, "device", customer="", opened=T0)], centre.inventory, T0)
        said = Text("fan worn out", "风扇磨损")
        steps = [(EntryKind.DIAGNOSED, {"failure_mode": "fan.worn"}), (EntryKind.RESOLVED, {})]
        drafts = [Draft(at=T0, who="li", kind=kind, text=said, data=dict(data)) for kind, data in steps]
        desk.append(conn, id, drafts, T0)
        return id

    async with centre_at(tmp_path, _scale(T0 + 2 * HOUR)) as (centre, _):
        id = await centre.transact(lambda conn: solve(conn, centre))
        with centre.engine.connect() as conn:
            assert paper_sql.unlearned(conn, T0 + MINUTE) == []  # what follows at once still belongs to it
        for _ in range(2):
            await upkeep.learn(centre)
        with centre.engine.connect() as conn:
            [item] = faq.listed(conn)
    assert (item.state, item.ticket, item.failure_mode) == (faq.PROPOSED, id, "fan.worn")
