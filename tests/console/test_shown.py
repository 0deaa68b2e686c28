"""What people read: times in the site's zone, numbers they can take in, clocks that never lie."""

from __future__ import annotations

from alerts.types import CauseKey, Impact
from console.promises import Standing, promise, promises, standing
from console.shown import Shown
from desk.types import Clock, ClockState, Ticket, TicketState
from model.points import POINTS
from model.reading import Reading
from model.text import Text

NOW = 1_795_000_000_000  # 2026-11-18 11:06:40 UTC


def test_times_stand_in_the_zone_of_the_site() -> None:
    assert Shown("en", NOW).when(NOW, "Asia/Shanghai") == "18 Nov 19:06:40"
    assert Shown("zh", NOW).when(NOW, "Asia/Shanghai") == "11月18日 19:06:40"
    assert Shown("en", NOW).hour(NOW, "America/New_York") == "06:06:40"
    assert "中国标准时间" in Shown("zh", NOW).full(NOW, "Asia/Shanghai")


def test_an_unknown_zone_still_gives_a_page() -> None:
    assert Shown("en", NOW).hour(NOW, "Asia/Atlantis") == "11:06:40"


def test_running_clocks_count_hours_without_bound() -> None:
    show = Shown("en", NOW)
    assert [show.hms(s) for s in (0, 59.9, 3600, 400_000, -61)] == [
        "0:00:00",
        "0:00:59",
        "1:00:00",
        "111:06:40",
        "0:01:01",
    ]


def test_nobody_is_quite_sure_and_a_state_is_no_claim() -> None:
    assert [Shown.sure(score) for score in (0.0, 0.414, 1.0)] == ["1%", "41%", "99%"]
    assert Shown.claims("battery_replace")
    assert not Shown.claims("on_battery")


def test_ages_are_written_in_both_languages() -> None:
    assert Shown("en", NOW).age(NOW - 300_000) == "5 mins"
    assert Shown("zh", NOW).age(NOW - 300_000) == "5分钟"
    assert Shown("en", NOW).age(NOW + 5_000) == "0 secs"


def test_values_carry_their_unit_and_states_their_word() -> None:
    show = Shown("en", NOW)
    said = {
        ("battery.voltage", 273.4): "273.4 V",
        ("ups.source", 5): "battery",
        ("ups.source", 99): "99",
        ("alarm.overload", 1): "ALARM",
        ("battery.runtime", 930): "0:15:30",
        ("battery.runtime", 12): "12 s",
        ("output.realpower", 4310): "4,310 W",
        ("no.such.point", 1.25): "1.25",
    }
    for (point, value), words in said.items():
        assert show.value(Reading(device="a/b", point=point, index=None, at=NOW, value=float(value))) == words
    assert show.plain("ifHCInOctets", 90_000) == "90,000 B/s"
    assert Shown("zh", NOW).point("battery.charge") == POINTS["battery.charge"].meaning.zh


def ticket(id: str = "T-000001", impact: Impact = Impact.DEGRADED) -> Ticket:
    return Ticket(
        id=id, key=CauseKey("harbour", "mains", "a"), incident="i", customer="harbour", site="a", title=Text("t", "t"),
        policy="p@1", level="l", impact=impact, state=TicketState.OPEN, opened_at=NOW, changed_at=NOW,
    )  # fmt: skip


def clock(
    state: ClockState, due_s: float | None = 3600, stopped_s: float | None = None, warn_s: float | None = 2700
) -> Clock:
    return Clock(
        name="onsite", title=Text("on site", "到场"), state=state, target_s=due_s, text=None, calendar="7x24", started_at=NOW,
        due_at=None if due_s is None else NOW + round(due_s * 1000), counted_s=0, source="L1",
        stopped_at=None if stopped_s is None else NOW + round(stopped_s * 1000),
        warn_at=None if warn_s is None else NOW + round(warn_s * 1000),
    )  # fmt: skip


def test_a_promise_is_in_danger_from_where_its_contract_warns() -> None:
    running = clock(ClockState.RUNNING)
    at = [0, 2699, 2700, 3600, 3601]
    found = [standing(running, NOW + s * 1000) for s in at]
    assert found == [Standing.RUNNING, Standing.RUNNING, Standing.DANGER, Standing.DANGER, Standing.BROKEN]


def test_without_a_number_there_is_no_danger_and_no_end() -> None:
    untimed = promise(ticket(), clock(ClockState.UNTIMED, due_s=None, warn_s=None), NOW + 9_000)
    assert (untimed.standing, untimed.left_s, untimed.elapsed_s) == (Standing.UNTIMED, None, 9)


def test_a_kept_promise_stands_still() -> None:
    kept = promise(ticket(), clock(ClockState.STOPPED, stopped_s=1200, warn_s=None), NOW + 9_000_000)
    assert (kept.standing, kept.left_s, kept.elapsed_s, kept.over) == (Standing.KEPT, 2400, 1200, True)


def test_the_worst_promise_stands_first_and_kept_ones_not_at_all() -> None:
    now = NOW + 3_000_000
    minor, major = ticket("T-1"), ticket("T-2", Impact.OUTAGE)
    every = [
        (minor, clock(ClockState.STOPPED, stopped_s=5)),
        (minor, clock(ClockState.RUNNING, due_s=9000, warn_s=8000)),
        (minor, clock(ClockState.BROKEN, due_s=60)),
        (minor, clock(ClockState.RUNNING)),
        (major, clock(ClockState.BROKEN, due_s=600)),
    ]
    found = promises(every, now)
    assert [p.standing for p in found] == [Standing.BROKEN, Standing.BROKEN, Standing.DANGER, Standing.RUNNING]
    assert found[0].ticket.id == "T-2", "of broken promises the one with the worse impact leads"
