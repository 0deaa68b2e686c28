"""`roundsman analyze calibrate`: closed tickets teach what a finding's score is worth, out of a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import desk.store as desk
from alerts.types import Alert, Impact
from analytics.calibration import SHIPPED
from collector import inventory
from collector.jobs import outcomes
from collector.store import open_engine, writing
from collector.store.findings import put_alerts
from collector.store.tables import models as models_table
from desk.outcomes import judged
from desk.types import Draft, EntryKind
from model.finding import Finding, Severity
from model.text import Text
from tests.desk.stage import HOUR, T0, ended, incident
from tests.roundsman.centre_files import answer, made

DEVICES = [f"s/ups-{n}" for n in range(12)]
INVENTORY = """
[[customer]]
id = "c"
name = "C"
[[site]]
id = "s"
customer = "c"
name = "S"
""" + "".join(f'[[device]]\nid = "{id}"\nname = "U"\nkind = "ups"\n' for id in DEVICES)
WORDS = Text("seen", "已查")


def alert(device: str, kind: str, incident: str, score: float = 0.9, claimed: float | None = None) -> Alert:
    finding = Finding(
        device=device, kind=kind, index=None, severity=Severity.MINOR, since=T0, score=score, claimed=claimed, evidence=(), advice=WORDS,
    )  # fmt: skip
    return Alert(
        id=f"{incident}/{kind}", device=device, kind=kind, index=None, severity=Severity.MINOR, impact=Impact.DEGRADED, raised_at=T0,
        changed_at=T0, incident=incident, finding=finding,
    )  # fmt: skip


def case(conn: sa.Connection, device: str, kinds: list[str], *steps: tuple[EntryKind, dict[str, str | int]]) -> str:
    """A ticket of these findings on which people wrote these steps; its id."""
    told = incident(device, "device", customer="c", opened=T0)
    put_alerts(conn, [alert(device, kind, told.id) for kind in kinds])
    known = inventory.latest(conn)
    [id] = desk.apply(conn, [told], known, T0)
    desk.apply(conn, [ended(told, T0 + HOUR)], known, T0 + HOUR)
    drafts = [
        Draft(at=T0 + 2 * HOUR, who="li", kind=kind, text=WORDS, data=dict(data)) for kind, data in steps
    ]  # fmt: skip
    desk.append(conn, id, drafts, T0 + 2 * HOUR)
    return id


FAN = (EntryKind.DIAGNOSED, {"failure_mode": "fan.worn"})
CLOSED = (EntryKind.CLOSED, {})
NOTHING = (EntryKind.CLOSED, {"no_fault": 1})


def filled(conn: sa.Connection) -> None:
    for n, device in enumerate(DEVICES):
        if n < 3:
            case(conn, device, ["fan", "charger"], FAN, CLOSED)
        else:
            case(conn, device, ["fan", "device_silent"], NOTHING)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path, INVENTORY, ["default"], filled)


def ask(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]], str]:
    return answer(["analyze", "calibrate", *words, "--collector", str(folder / "collector.toml")], capsys)


def test_closed_tickets_say_how_often_a_kind_was_right(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, _ = ask(folder, capsys, "--json")
    assert status == 0
    [fan, whole] = rows
    assert (fan["kind"], fan["findings"], fan["right"], fan["enough"]) == ("fan", 12, 3, True)
    assert 0.3 < float(str(fan["learned"])) < 0.6, "nine of twelve were wrong; as many cases as a judgement weighs"
    assert (whole["tickets"], whole["kept"]) == (12, None)
    assert "learned from 12 closed tickets" in ask(folder, capsys)[2]


def test_the_centre_takes_the_table_that_was_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = open_engine(folder / "var" / "centre.sqlite")
    with engine.connect() as conn:
        assert outcomes.known(conn) == SHIPPED
    assert "calibration@1" in ask(folder, capsys, "--keep")[2]
    with engine.connect() as conn:
        found = outcomes.known(conn)
    assert found.source.startswith("learned from 12 closed tickets")
    assert (found.observed("fan", 0.9) or 1.0) < 0.6
    with writing(engine) as conn:
        conn.execute(models_table.update().values(body=b"damaged"))
        assert outcomes.known(conn) == SHIPPED
    engine.dispose()


def test_silence_another_diagnosis_and_what_a_device_tells_itself_prove_nothing(folder: Path) -> None:
    engine = open_engine(folder / "var" / "centre.sqlite")
    told = [alert("s/ups-0", "fan", "i", 0.6, claimed=0.9), alert("s/ups-0", "on_battery", "i")]
    with writing(engine) as conn:
        for steps, expected in (
            ((CLOSED,), []),
            (((EntryKind.DIAGNOSED, {"failure_mode": "cable.loose"}), CLOSED), []),
            (((EntryKind.DIAGNOSED, {"failure_mode": "cable.loose"}), NOTHING), []),
            ((FAN, NOTHING), [(0.9, True)]),
            ((NOTHING,), [(0.9, False)]),
            ((FAN,), []),
        ):
            transaction = conn.begin_nested()
            id = case(conn, "s/other", ["fan"], *steps)
            found = judged(desk.ticket(conn, id), desk.ledger(conn, id), told)
            assert [(one.score, one.right) for one in found] == expected, steps
            transaction.rollback()
    engine.dispose()
