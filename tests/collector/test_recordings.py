"""What flight recorders send: kept with its batch, once, sound; and what the centre asks of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from collector import store
from collector.store import recordings
from model import flight
from model.attachment import Data, pack
from model.batch import Event, EventKind
from model.flight import Flight, Header, Octets, Why, Wired
from roundsman.recordings import ask_for_recording, list_recordings, save_recording
from tests.collector.centres import SITE, batch, centre_at, post, reading
from tests.databases import in_file

UPS = f"{SITE}/ups-1"
FRAMES = tuple(Octets(t=float(n), way=">", device=UPS, data=bytes((n,) * 8)) for n in range(40))
WHY = Why(kind="changed", device=UPS, point="ups.source", before=3, after=5)


def flown(at: int, device: str = UPS) -> Flight:
    header = Header(
        flight=1, agent="0.1.0", site=SITE, link="ttyUSB0", devices=(Wired(id=device, scheme="modbus+rtu"),),
        why=WHY, at=at, event=20.0,
    )  # fmt: skip
    frames = FRAMES if device == UPS else ()
    return Flight(header=header, frames=frames)


def attached(at: int, device: str = UPS, **change: str | int) -> Event:
    data: Data = pack(flown(at, device)) | change
    return Event(kind=EventKind.ATTACHMENT, device=device, at=at, data=data)


async def test_a_recording_is_kept_once_with_its_batch_and_comes_out_as_it_went_in(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        sent = batch(1, [], events=[attached(now)], at=now)
        assert [(await post(client, sent)).status_code for _ in range(3)] == [200] * 3
        with centre.engine.connect() as conn:
            (row,) = recordings.listed(conn, UPS)
            found = recordings.recording(conn, row.id)
            assert store.events(conn) == [], "the file is in its own table alone"
        assert (row.device, row.why, row.kind, row.point, row.at) == (UPS, "ups.source 3 -> 5", "changed", "ups.source", now)  # fmt: skip
        assert found == (row, flight.dump(flown(now)))


async def test_a_recording_that_is_none_goes_to_quarantine_and_its_batch_is_kept(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        bad = [
            attached(now, sha256="0" * 64),
            attached(now, name="../x"),
            attached(now, content="!"),
            Event(kind=EventKind.ATTACHMENT, device=UPS, at=now, data={}),
            attached(now, device="hz-xihu/ups-1"),
        ]
        sent = batch(1, [reading("ups.load", 42.0, now)], events=[*bad, attached(now)], at=now)
        assert (await post(client, sent)).status_code == 200
        with centre.engine.connect() as conn:
            assert len(recordings.listed(conn)) == 1
            reasons = sorted(row.reason for row in store.quarantine(conn))
        assert reasons == ["bad_attachment"] * 4 + ["other_site"]
        assert len(centre.history.latest(UPS)) == 1


async def test_a_wish_travels_in_the_200_until_it_is_met(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        assert (await post(client, batch(1, []))).json() == {"spool": "a" * 32, "row": 1}
        await centre.transact(lambda conn: recordings.ask(conn, UPS, "lin", now))
        await centre.transact(lambda conn: recordings.ask(conn, "hz-xihu/ups-1", "lin", now))
        await centre.write(centre.writer.tick, now)
        assert (await post(client, batch(2, []))).json() == {"spool": "a" * 32, "row": 2, "wants": [UPS]}
        await centre.write(centre.writer.tick, now)
        assert "wants" not in (await post(client, batch(3, []))).json(), "told once"
        again = now + recordings.SERVE_AGAIN_MS + 5_000
        with centre.engine.connect() as conn:
            assert SITE in recordings.sites_waiting(conn, again), "its answer may have been lost"
        assert (await post(client, batch(4, [], events=[attached(now)], at=now))).status_code == 200
        with centre.engine.connect() as conn:
            assert [wish.device for wish in recordings.wishes(conn)] == ["hz-xihu/ups-1"]


async def test_one_recording_of_a_line_meets_the_wishes_of_all_who_asked(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now, other = centre.now(), f"{SITE}/ups-2"
        for device in (UPS, other, f"{SITE}/ups-3"):
            await centre.transact(lambda conn, device=device: recordings.ask(conn, device, "lin", now))
        await centre.transact(lambda conn: recordings.serve(conn, SITE, now))
        both = flown(now)
        both = structs.replace(both, header=structs.replace(both.header, also=(Why(kind="asked", device=other),)))
        event = Event(kind=EventKind.ATTACHMENT, device=UPS, at=now, data=pack(both))
        assert (await post(client, batch(1, [], events=[event], at=now))).status_code == 200
        with centre.engine.connect() as conn:
            assert [wish.device for wish in recordings.wishes(conn)] == [f"{SITE}/ups-3"]


async def test_old_recordings_and_the_oldest_of_a_site_that_sends_too_much_are_forgotten(tmp_path: Path) -> None:
    async with centre_at(tmp_path) as (centre, client):
        now = centre.now()
        for n in range(6):
            await post(client, batch(n + 1, [], events=[attached(now + n)], at=now))
        with store.writing(centre.engine) as conn:
            size = conn.exec_driver_sql("SELECT max(length(packed)) FROM recordings").scalar_one()
            recordings.prune_recordings(conn, 0, 4 * size, now)
            assert [row.at - now for row in recordings.listed(conn)] == [5, 4, 3, 2]
            recordings.prune_recordings(conn, centre.now() + 1, 4 * size, now)
            assert recordings.listed(conn) == []


async def test_the_command_lists_saves_and_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "collector.toml"
    file.write_text(f"[collector]\ndata = 'var/'\ndatabase = '{in_file(tmp_path / 'var' / 'centre.sqlite')}'\n")
    async with centre_at(tmp_path / "var") as (centre, client):
        now = centre.now()
        await post(client, batch(1, [reading("ups.load", 1.0, now)], events=[attached(now)], at=now))
        assert list_recordings(None, file, as_json=False) == 0
        said = capsys.readouterr().out
        id = said.split()[0]
        assert UPS in said
        assert save_recording(id, tmp_path / "out", file, as_json=True) == 0
        assert (tmp_path / "out").read_bytes() == flight.dump(flown(now))
        assert save_recording("nothing", None, file, as_json=False) == 1
        assert ask_for_recording("no/such", file, as_json=False) == 1
        assert ask_for_recording(UPS, file, as_json=True) == 0
        capsys.readouterr()
        assert list_recordings(UPS, file, as_json=False) == 0
        assert UPS in capsys.readouterr().out.splitlines()[-1]
