from __future__ import annotations

from tests.analytics.timeline import SWITCH, Line, cleared, of, raised, second, tell

KIND = "link_flapping"
DAY = 86_400


def port(*falls: float, until: float, every: float = 10, admin: int = 1) -> Line:
    """Port 3, asked every so many seconds, down in the round that follows each of `falls`."""
    line = Line(SWITCH)
    down = {round(fall / every) for fall in falls}
    for n in range(round(until / every)):
        line.say(n * every, "3", ifAdminStatus=admin, ifOperStatus=2 if n in down else 1)
    return line


class TestLinkFlapping:
    def test_four_falls_in_ten_minutes_are_raised_with_their_true_start(self) -> None:
        [finding] = raised(tell(port(100, 200, 330, 390, until=900), batch_s=60), KIND)
        assert (finding.index, second(finding.since)) == ("3", 100)
        assert "4 times" in finding.evidence[0].text.en

    def test_three_are_not(self) -> None:
        assert of(tell(port(100, 200, 330, until=900)), KIND) == []

    def test_six_in_a_day_are(self) -> None:
        falls = [3600.0 * n for n in range(1, 7)]
        [finding] = raised(tell(port(*falls, until=7 * 3600, every=60)), KIND)
        assert "regularly" in finding.evidence[1].text.en

    def test_a_desk_that_sleeps_six_times_every_day_is_its_usual(self) -> None:
        falls = [day * DAY + 28_800 + n * 5400 for day in range(9) for n in range(3 if day < 4 else 7)]
        assert of(tell(port(*falls, until=9 * DAY, every=300)), KIND) == []

    def test_it_is_over_after_six_quiet_hours(self) -> None:
        changes = tell(port(100, 200, 330, 390, until=8 * 3600), batch_s=600)
        assert [second(end.at) for end in cleared(changes, KIND)] == [390]

    def test_falls_between_two_polls_are_seen_by_the_time_of_the_last_change(self) -> None:
        line = Line(SWITCH)
        for n in range(12):
            line.say(n * 60, "3", ifAdminStatus=1, ifOperStatus=1, ifLastChange=min(n, 6) * 60)
        assert len(raised(tell(line, batch_s=60), KIND)) == 1

    def test_a_fall_seen_and_its_change_of_time_count_once(self) -> None:
        line, changed = Line(SWITCH), 0.0
        for n in range(30):
            down = n in (5, 15, 25)
            changed = n * 20.0 if down or n in (6, 16, 26) else changed
            line.say(n * 20, "3", ifAdminStatus=1, ifOperStatus=2 if down else 1, ifLastChange=changed)
        assert of(tell(line, batch_s=20), KIND) == []

    def test_a_restart_is_one_fall_and_no_more(self) -> None:
        line = Line(SWITCH)
        for n in range(60):
            changed = 5000.0 if n < 20 else 3.0
            line.say(n * 10, "3", ifAdminStatus=1, ifOperStatus=2 if n == 20 else 1, ifLastChange=changed)
        assert of(tell(line, batch_s=10), KIND) == []

    def test_a_port_switched_on_and_off_by_its_administrator_is_none(self) -> None:
        line = Line(SWITCH)
        for n in range(60):
            off = n % 4 > 1
            line.say(n * 10, "3", ifAdminStatus=2 if off else 1, ifOperStatus=2 if off else 1)
        assert of(tell(line, batch_s=10), KIND) == []

    def test_an_unknown_or_testing_state_is_none(self) -> None:
        line = Line(SWITCH)
        for n in range(60):
            line.say(n * 10, "3", ifOperStatus=(1, 4, 1, 3)[n % 4])
        assert of(tell(line, batch_s=10), KIND) == []
