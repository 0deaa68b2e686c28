"""The simulated fleet: its physics is its own, its figures are counted right, and a small one runs through the real path."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import numpy as np
import pytest

from alerts.kinds import KINDS
from analytics import calibration
from tests.simulation.fleet import (
    __main__,
    battery,
    calibrate,
    device,
    naming,
    run,
    score,
    switch_faults,
    table,
    ups_faults,
)
from tests.simulation.fleet.battery import Now
from tests.simulation.fleet.chance import DAY_MS, START_MS, stream
from tests.simulation.fleet.run import Result, Seen, Ticket
from tests.simulation.fleet.truth import Life, Truth

FLEET = Path(__file__).parent / "fleet"
#: The only files that may know the detectors: the path itself, and the table of kinds.
PATH = {"run.py", "score.py", "calibrate.py"}
FOREIGN = ("analytics", "alerts", "simulators", "collector")


def imports(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return names | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


@pytest.mark.parametrize("file", sorted(FLEET.glob("*.py")), ids=lambda file: file.name)
def test_the_physics_shares_nothing_with_the_estimators(file: Path) -> None:
    foreign = {name for name in imports(file) if name.partition(".")[0] in FOREIGN}
    assert file.name in PATH or not foreign


def test_every_fault_has_a_right_name() -> None:
    assert {*ups_faults.FAULTS, *switch_faults.FAULTS} <= naming.RIGHT.keys()
    told = {kind for truth in naming.RIGHT for kind in naming.fits(truth)} | naming.PLAIN | naming.BATTERY
    assert told <= KINDS.keys(), "a kind that no detector has any more"


def test_a_device_is_made_from_seed_and_number_alone() -> None:
    first, other = device.story(5, 12, 100, 0.2), device.story(5, 13, 100, 0.2)
    again = device.story(5, 12, 100, 0.2)
    one, two = first.series(), again.series()
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[key][0], two[key][0]) and np.array_equal(one[key][1], two[key][1]) for key in one)
    assert other.series()["battery.voltage", None][1][0] != one["battery.voltage", None][1][0]


@pytest.mark.parametrize("number", [3, 101])
def test_every_series_rises_in_time_and_is_plausible(number: int) -> None:
    from model.points import POINTS, plausible

    for (point, _), (at, value) in device.story(3, number, 100, 0.3).series().items():
        assert (np.diff(at) > 0).all()
        assert plausible(POINTS[point], float(value.min()))
        assert plausible(POINTS[point], float(value.max()))


def test_a_discharge_is_that_of_lead_acid_blocks() -> None:
    """By data sheets: a 20 h rate of 1, 0.85 … 1 at 5 h, 0.5 … 0.7 at 1 h, and three quarters of the runtime at 80 % health."""
    cells = battery.build(stream(1, "one"), 36, 9.0)

    def share(rate: float, health: float = 1.0) -> float:
        return battery.lasts(cells, Now(health=health), rate * 9 * 36 * 1.95) / 3600 * rate

    assert share(0.05) == pytest.approx(1.0, abs=0.04)
    assert 0.8 < share(0.2) < 0.98
    assert 0.45 < share(1.0) < 0.72
    assert 0.68 < share(1.0, 0.8) / share(1.0) < 0.82


def test_a_shorted_cell_takes_two_volts_from_the_discharge_and_nothing_from_float() -> None:
    cells = battery.build(stream(1, "one"), 36, 9.0)
    well = battery.discharge(cells, Now(health=1.0), 300, 30, 1)
    short = battery.discharge(cells, Now(health=1.0, shorted=1), 300, 30, 1)
    assert 1.9 < float((well.volts - short.volts).mean()) < 2.3


def day(n: float) -> int:
    return START_MS + round(n * DAY_MS)


def result(
    seen: list[Seen] | None = None,
    tickets: list[Ticket] | None = None,
    truths: list[Truth] | None = None,
    lives: list[Life] | None = None,
    days: float = 1000,
) -> Result:
    return Result(
        number=0, device="s/d", seed=0, from_ms=START_MS, to_ms=day(days), truths=truths or [], lives=lives or [], seen=seen or [],
        tickets=tickets or [], readings=0, faults=[], cpu_s=0, make_s=0,
    )  # fmt: skip


def told(kind: str, at: float, sure: float = 0.9) -> Seen:
    return Seen(kind=kind, index=None, told=day(at), since=day(at), score=sure)


def life(since: float, until: float, failed: float | None) -> Life:
    return Life(since=day(since), until=day(until), failed=None if failed is None else day(failed), told=True)


def fault(kind: str, onset: float, outage: float, until: float, lead: float = 0) -> Truth:
    at = day(onset)
    return Truth(kind=kind, onset=at, visible=at, outage=day(outage), until=day(until), lead_ms=round(lead * DAY_MS))


@pytest.mark.parametrize(
    ("at", "announced"),
    [(469, 1), (471, 0), (140, 1), (120, 0), (520, 0)],
    ids=["31 days", "29 days", "a year", "more than a year", "after"],
)
def test_a_failure_is_announced_between_a_year_and_thirty_days_before(at: float, announced: int) -> None:
    found = score.figures([result([told("battery_replace", at)], lives=[life(0, 600, 500)])])
    assert (found.announced.k, found.announced.n) == (announced, 1)
    assert found.announced_ever.k == int(at < 500 - 30)
    assert len(score.cases([result([told("battery_replace", at)], lives=[life(0, 600, 500)])])) == 1 - announced


def test_what_is_told_at_the_instant_of_an_exchange_is_about_the_battery_that_went() -> None:
    old, new = life(0, 600, 500), life(600, 2000, None)
    at = Ticket(told=day(600) + score.SETTLE_MS, cause="battery", kinds=("battery_replace",))
    later = msgspec.structs.replace(at, told=day(603))
    found = [score.figures([msgspec.structs.replace(result(lives=[old, new]), tickets=[one])]) for one in (at, later)]
    assert [figures.false_jobs.k for figures in found] == [0, 1]


def test_a_failure_soon_after_the_watch_began_is_not_counted() -> None:
    assert score.figures([result(lives=[life(0, 300, 150)])]).announced.n == 0


@pytest.mark.parametrize(("failed", "wrong"), [(None, 1), (700, 1), (350, 0)])
def test_a_job_for_a_battery_that_would_have_held_a_year_is_false(failed: float | None, wrong: int) -> None:
    job = Ticket(told=day(100), cause="battery", kinds=("battery_replace",))
    found = score.figures([result(tickets=[job], lives=[life(0, 1000, failed)])])
    assert found.false_jobs.k == wrong
    assert found.false_tickets.k == wrong


def test_a_fault_is_in_time_late_wrongly_named_or_missed() -> None:
    truth = fault("mains.sag", 100, 110, 120, lead=2)
    cases = {
        "in_time": told("input_quality", 107),
        "late": told("input_quality", 109),
        "wrong": told("cooling_worn", 105),
        "missed": told("input_quality", 90),
    }
    for outcome, seen in cases.items():
        row = score.figures([result([seen], truths=[truth])]).faults["mains.sag"]
        assert (row.injected, getattr(row, outcome)) == (1, 1), outcome
    assert score.cases([result([cases["missed"]], truths=[truth])]) == [
        "seed 0 device 0: mains.sag from day 100: missed"
    ]
    assert score.figures([result([cases["wrong"]], truths=[truth])]).faults["mains.sag"].named == {"cooling_worn": 1}


def test_a_ticket_without_any_fault_is_false_and_one_in_an_outage_is_not() -> None:
    cut = fault("event.outage", 50, 50, 51)
    tickets = [
        Ticket(told=day(50.5), cause="mains", kinds=("on_battery",)),
        Ticket(told=day(80), cause="device", kinds=("overload",)),
    ]
    found = score.figures([result(tickets=tickets, truths=[cut], days=365.25)])
    assert (found.false_tickets.k, found.false_kinds) == (1, {"overload": 1})
    assert found.false_tickets.value == pytest.approx(1.0)


def test_what_has_its_root_in_the_site_is_one_ticket_for_all_its_devices() -> None:
    ticket = Ticket(told=day(80), cause="mains", kinds=("transfers_rising",))
    one, other = result(tickets=[ticket]), result(tickets=[ticket])
    assert score.figures([one, other]).false_tickets.k == 1


def test_intervals_are_those_of_the_tables() -> None:
    low, high = score.Share(k=95, n=100).interval
    assert (low, high) == (pytest.approx(0.888, abs=1e-3), pytest.approx(0.978, abs=1e-3))
    low, high = score.Rate(k=3, per=1.0).interval
    assert (low, high) == (pytest.approx(0.619, abs=1e-3), pytest.approx(8.767, abs=1e-3))


def test_a_reliability_row_tells_claimed_and_right() -> None:
    truth = fault("mains.sag", 100, 110, 120)
    found = score.figures([result([told("input_quality", 105, 0.9), told("input_quality", 500, 0.9)], truths=[truth])])
    assert [(right, n) for low, _, right, n in found.reliability if low == 0.9] == [(1, 2)]


def test_a_small_fleet_goes_through_detectors_and_alerts() -> None:
    """Two UPSs and a switch over some months: a bound for the suite, not the figures (`make fleet` has those)."""
    played = [run.play(device.story(1, n, 100, 0.3), 1) for n in (1, 8)] + [run.play(device.story(1, 102, 100, 0.1), 1)]
    assert [fault for one in played for fault in one.faults] == []
    for one in played:
        for cut in (t for t in one.truths if t.kind == "event.outage" and t.onset > one.from_ms + DAY_MS):
            assert any(s.kind == "on_battery" and abs(s.since - cut.onset) < 60_000 for s in one.seen)
    found = score.figures(played)
    assert found.first_month == 0, found.first_month_kinds
    assert "false tickets per device-year" in table.page(found)


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "fleet.jsonl"
    asked = ["--batteries", "2", "--switches", "0", "--years", "0.05", "--workers", "1", "--out", str(out)]
    assert __main__.main([*asked, "--to", "1"]) == 0
    assert __main__.main([*asked, "--json"]) == 0
    assert len(out.read_text().splitlines()) == 2
    assert '"devices":2' in capsys.readouterr().out


def test_a_crew_tests_a_battery_within_weeks_unless_the_finding_is_taken_back() -> None:
    from model.finding import Cleared, Finding, Raised, Severity
    from model.text import Text

    story = device.story(1, 1, 100, 0.3)
    hours: list[float] = []
    story.answer = lambda hour, _: hours.append(hour)
    word = Text("x", "x")
    doubt = Finding(
        device=story.device,
        kind="battery_unproven",
        index=None,
        severity=Severity.WARNING,
        since=day(10),
        score=0.1,
        evidence=(),
        advice=word,
    )
    crew = run.Crew(story, 1)
    crew.hears(Raised(finding=doubt), day(10))
    crew.hears(Cleared(device=story.device, kind="battery_unproven", index=None, at=day(11), why=word), day(11))
    assert crew.due is None
    crew.hears(Raised(finding=doubt), day(12))
    assert not crew.comes(day(13))
    assert crew.comes(day(50))
    assert 19 <= hours[0] / 24 <= 45
    crew.hears(Raised(finding=doubt), day(60))
    assert crew.due is None


def test_a_fit_takes_the_claims_and_shows_them_on_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve batteries were said to fall short, at 0.9, and every other one did: by the next fleet such a claim is worth about a half."""
    fleet = []
    for n in range(24):
        seen = Seen(kind="runtime_shortfall", index=None, told=day(100), since=day(100), score=0.6, claimed=0.9)
        one = result([seen, told("on_battery", 50)], lives=[life(0, 900, 300 if n % 2 else None)])
        fleet.append(msgspec.structs.replace(one, number=n, device=f"s{n}/ups"))
    kept = tmp_path / "a.jsonl"
    kept.write_bytes(b"\n".join(map(msgspec.json.encode, fleet)))
    assert calibrate.main([str(kept), "--shown", str(kept), "--out", str(tmp_path / "table.json")]) == 0
    table = calibration.decode((tmp_path / "table.json").read_bytes())
    assert table.curves.keys() == {"runtime_shortfall"}
    assert table.observed("runtime_shortfall", 0.9) == pytest.approx(0.58, abs=0.04)
    assert "24 devices, 66 device-years" in table.source
    assert "12 of 24" in capsys.readouterr().out


def test_what_has_its_root_in_the_site_is_one_case_for_all_its_devices() -> None:
    both = [
        msgspec.structs.replace(result([told("transfers_rising", 9), told("fan", 9)]), device=f"s/{n}") for n in "ab"
    ]
    assert [case.device for case in score.claims(both)] == ["0/s", "0/s/a", "0/s", "0/s/b"]
