"""`roundsman analyze backtest`: what came out then comes out again, and what is wrong with the input is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from collector import enrol
from collector.config import CollectorConfig
from collector.history import sealing
from collector.history.embedded import Embedded
from collector.running import open_centre
from collector.store import open_engine, tables, writing
from collector.writer import Post
from model.batch import Batch, decode, encode
from model.reading import Gap, GapCause, Reading
from model.timescale import REAL
from tests.collector.centres import KEY, SITE, T0, batch, reading
from tests.roundsman.centre_files import answer

UPS = f"{SITE}/ups-1"
RECORDINGS = Path(__file__).parents[1] / "recordings"


def outage() -> list[Batch]:
    """Twenty minutes, four of them on battery."""
    return [batch(row, _said(T0 + row * 10_000, 30 <= row < 54), at=T0 + row * 10_000) for row in range(120)]


def _said(at: int, dark: bool) -> list[Reading]:
    values = {"ups.source": 5.0 if dark else 3.0, "ups.load": 30.0, "battery.charge": 90.0 if dark else 100.0}
    return [reading(point, value, at) for point, value in values.items()]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("centre"), outage())


def lived(folder: Path, story: list[Batch]) -> Path:
    """A real centre that took in these batches live, its history half sealed."""
    (folder / "collector.toml").write_text('[collector]\ndata = "var/"\n', "utf-8")
    running = open_centre(CollectorConfig(data=folder / "var"), REAL)
    with writing(running.engine) as conn:
        agent = enrol.register(conn, SITE, KEY, T0)
    for one in story:
        body = encode(one)
        running.writer.take([Post(agent=agent, site=SITE, batch=decode(body), body=body, received_at=one.at + 500)])
        running.writer.tick(one.at + 500)
    running.history.close()
    running.engine.dispose()
    store = Embedded(folder / "var" / "history")
    sealing.seal(store, T0 + 600_000)
    store.close()
    return folder


def backtest(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, object]], str]:
    return answer(["analyze", "backtest", *words, "--collector", str(folder / "collector.toml")], capsys)


def test_what_was_raised_then_comes_out_again(centre: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, _ = backtest(centre, capsys, "--json")
    assert status == 0
    [line] = [row for row in rows if row.get("kind") == "on_battery"]
    assert line["match"] == "same"
    assert line["later_s"] == 0
    assert line["now"]["id"] == line["then"]["id"]  # type: ignore[index]
    assert line["now"]["cleared_at"] == line["then"]["cleared_at"]  # type: ignore[index]
    summary = rows[-1]
    assert (summary["readings"], summary["devices"], summary["faults"]) == (360, 1, [])
    assert backtest(centre, capsys)[2].count("[as then]") == len(rows) - 1


def test_what_nobody_raised_then_and_what_nobody_says_now_stand_apart(
    centre: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = open_engine(centre / "var" / "centre.sqlite")
    with writing(engine) as conn:
        kept = conn.execute(sa.select(tables.alerts).where(tables.alerts.c.kind == "on_battery")).one()._asdict()
        conn.execute(tables.alerts.delete().where(tables.alerts.c.id == kept["id"]))
        other = {**kept, "id": "x", "kind": "fan", "body": kept["body"].replace('"on_battery"', '"fan"')}
        silent = {
            **kept,
            "id": "y",
            "kind": "device_silent",
            "body": kept["body"].replace('"on_battery"', '"device_silent"'),
        }
        conn.execute(tables.alerts.insert(), [other, silent])
    try:
        _, rows, _ = backtest(centre, capsys, "--json")
        matches = {row["kind"]: row["match"] for row in rows if "kind" in row}
        assert (matches["on_battery"], matches["fan"], matches["device_silent"]) == ("only_now", "only_then", "unseen")
    finally:
        with writing(engine) as conn:
            conn.execute(tables.alerts.delete().where(tables.alerts.c.id.in_(["x", "y"])))
            conn.execute(tables.alerts.insert().values(kept))
        engine.dispose()


def silence(*, told: bool) -> list[Batch]:
    """Forty minutes of rounds, ten of them without an answer; `told`: what asking it costs comes each minute."""
    found = []
    for row in range(240):
        at, silent = T0 + row * 10_000, 60 <= row < 120
        readings = [] if silent else _said(at, dark=False)
        if told and row % 6 == 0:
            readings.append(reading("device.airtime", 0.5, at + 50))
        if told and row % 6 == 0 and (silent or row == 0):
            readings.append(reading("device.timeouts", float(row), at + 50))
        missed = Gap(device=UPS, point=None, index=None, at=at, cause=GapCause.NO_ANSWER)
        found.append(batch(row, readings, at=at, gaps=[missed] if silent else []))
    return found


@pytest.mark.parametrize(("told", "match"), [(True, "same"), (False, "unseen")])
def test_a_silence_is_judged_where_its_agent_told_that_it_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], told: bool, match: str
) -> None:
    status, rows, _ = backtest(lived(tmp_path, silence(told=told)), capsys, "--json")
    assert status == 0
    [line] = [row for row in rows if row.get("kind") == "device_silent"]
    assert line["match"] == match
    assert rows[-1]["silences_judged"] == told
    if told:
        assert abs(line["later_s"]) <= 10  # type: ignore[arg-type]
        assert line["now"]["cleared_at"] == line["then"]["cleared_at"]  # type: ignore[index]


def test_a_span_without_the_outage_has_no_outage(centre: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, _ = backtest(centre, capsys, "--from", str(T0 + 700_000), "--json")
    assert status == 0
    assert [row for row in rows if "kind" in row] == []
    assert rows[-1]["from"] == T0 + 700_000


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--from", "yesterday"), 2, "expected a date like"),
        (("--from", "2026-09-22", "--to", "2026-09-21"), 2, "--from before --to"),
        (("--device", "nobody/ups"), 1, UPS),
    ],
)
def test_what_cannot_be_is_said(
    centre: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], status: int, said: str
) -> None:
    found, _, text = backtest(centre, capsys, *words)
    assert (found, said in text) == (status, True), text


def test_without_history_it_says_where_it_looked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "collector.toml").write_text('[collector]\ndata = "var/"\n', "utf-8")
    (tmp_path / "var").mkdir()
    open_engine(tmp_path / "var" / "centre.sqlite").dispose()
    status, _, text = backtest(tmp_path, capsys)
    assert status == 1
    assert str(tmp_path / "var" / "history") in text


def test_a_file_of_readings_is_replayed_and_its_bad_lines_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{one.device},{one.point},,{one.at},{one.value}" for each in outage() for one in each.readings]
    bad = [
        "sz-futian/ups-1,no.such,,1,1",
        "nobody,ups.load,,1,1",
        f"{UPS},ups.load,,soon,1",
        f"{UPS},ups.load,,{T0},nan",
    ]
    file = tmp_path / "a.csv"
    file.write_text("\n".join(["device,point,index,at,value", *reversed(rows), *bad]) + "\n", "utf-8")
    status, found, text = answer(["analyze", "backtest", str(file), "--json"], capsys)
    assert status == 0
    assert [row["kind"] for row in found if "now" in row] == ["on_battery"]
    problems = [row for row in found if "expected" in row]
    assert [row["line"] for row in problems] == [362, 363, 364, 365]
    lines = [json.dumps({"device": UPS, "point": None, "at": T0 + n * 10_000, "cause": "no_answer"}) for n in range(40)]
    file = tmp_path / "b.jsonl"
    file.write_text(
        "\n".join(
            [
                *(json.dumps({"device": UPS, "point": "ups.load", "at": "2026-09-21T00:00Z", "value": 3}),),
                *lines,
                "{",
                "[]",
            ]
        )
    )
    status, found, text = answer(["analyze", "backtest", str(file), "--json"], capsys)
    assert [row["kind"] for row in found if "now" in row] == ["device_silent"], text
    assert [row["line"] for row in found if "expected" in row] == [42, 43]


def test_a_flight_recording_is_read_by_the_agents_own_driver(capsys: pytest.CaptureFixture[str]) -> None:
    file = RECORDINGS / "rtu-mains-failure.flight.jsonl"
    status, found, text = answer(["analyze", "backtest", str(file), "--json"], capsys)
    assert status == 0, text
    assert [row["kind"] for row in found if "now" in row] == ["on_battery"]


@pytest.mark.parametrize(("name", "body"), [("a.csv", ""), ("b.flight.jsonl", "{}"), ("c.jsonl", "\n")])
def test_a_file_that_holds_nothing_is_no_success(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, body: str
) -> None:
    (tmp_path / name).write_text(body)
    assert answer(["analyze", "backtest", str(tmp_path / name)], capsys)[0] == 1
    assert answer(["analyze", "backtest", str(tmp_path / "missing.csv")], capsys)[0] == 1
