"""However late and in whatever pieces a story is heard, the same incidents come of it."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from model.finding import Change, Changed, Raised, Severity
from tests.alerts.site import Board, finding, over

#: A row of the agent: when it was written, and what it made the detectors say.
Row = tuple[float, list[Change]]
Cut = tuple[float, float]
MAINS_S, PORT_S, BACK_S, END_S = 203, 677, 1095, 2600


def story() -> list[Row]:
    """The mains out from 203 to 1095 with two silences in it; a port with errors that goes down; a battery that proves weak."""
    rows: list[Row] = [(193, [Raised(finding=finding("sw-1", "port_errors", 172, index="3", seen=193))])]
    for n in (1, 2, 3, 4, 5):
        rows.append((MAINS_S + n / 2, [Raised(finding=finding(f"ups-{n}", "on_battery", MAINS_S + n / 2))]))
        if n != 4:
            rows.append((BACK_S + n, [over(f"ups-{n}", "on_battery", BACK_S + n)]))
    worse = finding("ups-1", "on_battery", MAINS_S + 0.5, seen=500, severity=Severity.MAJOR)
    rows += [
        (280, [Raised(finding=finding("sw-2", "device_silent", 216, seen=280))]),
        (322, [Raised(finding=finding("ups-4", "device_silent", 282, seen=322))]),
        (500, [Changed(finding=worse)]),
        (664, [Raised(finding=finding("ups-1", "runtime_shortfall", 664))]),
        (PORT_S + 6, [Raised(finding=finding("sw-1", "port_down", PORT_S, index="3", seen=PORT_S + 6))]),
        (700, [over("sw-1", "port_errors", 693, "3")]),
        (BACK_S, [over("ups-4", "device_silent", BACK_S), over("ups-4", "on_battery", BACK_S)]),
        (1138, [over("sw-2", "device_silent", 1138)]),
    ]
    return sorted(rows, key=lambda row: row[0])


def heard(cuts: list[Cut], rows_per_s: float) -> Board:
    """The story by a line that is cut now and then; what waited comes in order, so many rows a second."""
    board, last, coming = Board(), 0.0, []
    for at, changes in story():
        last = max(at, last + 1 / rows_per_s if last > at else at)
        for begin, end in sorted(cuts):
            last = end if begin <= last < end else last
        coming.append((last, changes))
    for tick in range(0, END_S, 5):
        while coming and coming[0][0] <= tick:
            at, changes = coming.pop(0)
            board.hear(at, *changes)
        board.tick(tick)
    assert not coming
    return board


def told(board: Board) -> list[tuple[str, str, str, bool, int, int | None, tuple[str, ...]]]:
    return sorted(
        (i.key.cause, i.key.root, i.worst.value, i.wants_ticket, i.opened_at, i.closed_at, tuple(sorted(board.of(i))))
        for i in board.incidents.values()
    )  # merged ones too: who was called for nothing is not made good by a merge


#: Up to 12 minutes unheard at once, with as much as a minute between: a failure that was over before it was heard at all pages nobody, and is another story.
cuts = st.lists(st.tuples(st.integers(60, 400), st.integers(20, 720)), max_size=3).map(
    lambda drawn: [(sum(a + b for a, b in drawn[:n]) + a, sum(a + b for a, b in drawn[: n + 1])) for n, (a, _) in enumerate(drawn)]
)  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(cuts=cuts, rows_per_s=st.sampled_from([0.5, 2.0, 5.0, 20.0]))
@example(cuts=[(171, 763)], rows_per_s=0.5)
@example(cuts=[(175, 781)], rows_per_s=5.0)
@example(cuts=[(205, 352)], rows_per_s=0.5)
@example(cuts=[(210, 900), (960, 1250)], rows_per_s=2.0)
def test_a_story_heard_late_is_the_same_story(cuts: list[Cut], rows_per_s: float) -> None:
    assert told(heard(cuts, rows_per_s)) == told(heard([], 20.0))


def test_the_story_is_three_incidents() -> None:
    assert [(one[0], len(one[-1])) for one in told(heard([], 20.0))] == [
        ("battery", 1),
        ("mains", 7),
        ("port", 2),
    ]
