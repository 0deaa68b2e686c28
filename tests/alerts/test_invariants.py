"""What holds for every story that can be told (hypothesis invents them)."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.board import BoardState, on_changes, on_tick
from alerts.kinds import KINDS
from model.finding import Change, Changed, Cleared, Raised, Severity
from tests.alerts.site import OTHER, SITE, Board, finding, inventory, ms, over

DEVICES = [f"{site}/{name}" for site in (SITE, OTHER) for name in ("ups-1", "ups-5", "sw-1", "sw-2", "sw-3")]

#: One act: (seconds since the one before, device, kind, what, seconds that the news was under way).
acts = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(DEVICES),
        st.sampled_from(sorted(set(KINDS) - {"agent_silent"})),
        st.sampled_from(["up", "up", "more", "down", "down", "tick"]),
        st.sampled_from([0, 0, 0, 0, 1, 100, 1000]),
    ),
    max_size=60,
)


def perform(story: list[tuple[int, str, str, str, int]], board: Board, *, snapshots: bool = False) -> list[Change]:
    """Act it as detectors would (raised only when clear, cleared only when raised); what was said."""
    said: list[Change] = []
    standing: dict[tuple[str, str, str | None], float] = {}
    now = 0.0
    for wait, device, kind, what, under_way in story:
        now += wait
        index = "3" if kind.startswith("port") else None
        slot = (device, kind, index)
        heard = now + under_way
        change: Change | None = None
        if what == "up" and slot not in standing:
            standing[slot] = now
            change = Raised(finding=finding(device, kind, now, index=index))
        elif what == "more" and slot in standing:
            change = Changed(
                finding=finding(device, kind, standing[slot], seen=now, index=index, severity=Severity.MAJOR)
            )
        elif what == "down" and slot in standing:
            del standing[slot]
            change = over(device, kind, now, index)
        if change is None:
            board.tick(heard)
        else:
            said.append(change)
            board.hear(heard, change)
        if snapshots:
            board.state = msgspec.msgpack.decode(msgspec.msgpack.encode(board.state), type=BoardState)
    board.tick(now + 100_000)
    return said


@settings(deadline=None, max_examples=60)
@given(acts)
def test_incidents_partition_alerts_and_one_is_open_for_a_key(story: list[tuple[int, str, str, str, int]]) -> None:
    board = Board()
    said = perform(story, board)
    members = [m for i in board.incidents.values() for m in i.members]
    assert len(members) == len(set(members)), "an alert is in one incident"
    for incident in board.incidents.values():
        assert set(incident.members) <= set(board.alerts)
        assert all(board.alerts[m].incident == incident.id for m in incident.members)
        assert bool(incident.members) == (incident.merged_into is None)
        assert incident.worst.rank <= incident.impact.rank
        over_ = all(board.alerts[m].cleared_at is not None for m in incident.members)
        assert (incident.closed_at is not None) == over_
        assert incident.closed_at is None or incident.opened_at <= incident.closed_at
    in_one = {a.id for a in board.alerts.values() if a.incident is not None}
    assert in_one == set(members)
    keys = [incident.key for incident in board.open()]
    assert len(keys) == len(set(keys))
    raised = {(c.finding.device, c.finding.kind, c.finding.index) for c in said if isinstance(c, Raised)}
    assert {(a.device, a.kind, a.index) for a in board.alerts.values()} <= raised, "no alert without a finding"
    assert all(a.cleared_at is not None or a.incident is not None for a in board.alerts.values())


@settings(deadline=None, max_examples=40)
@given(acts)
def test_a_replay_is_equal_and_a_snapshot_loses_nothing(story: list[tuple[int, str, str, str, int]]) -> None:
    first, second, through = Board(), Board(), Board()
    perform(story, first)
    perform(story, second)
    perform(story, through, snapshots=True)
    assert first.alerts == second.alerts == through.alerts
    assert first.incidents == second.incidents == through.incidents
    assert first.state == second.state == through.state


@settings(deadline=None, max_examples=40)
@given(acts)
def test_what_stands_at_the_end_is_what_the_detectors_say(story: list[tuple[int, str, str, str, int]]) -> None:
    board = Board()
    said = perform(story, board)
    standing = set()
    for change in said:
        if isinstance(change, Cleared):
            standing.discard((change.device, change.kind, change.index))
        else:
            standing.add((change.finding.device, change.finding.kind, change.finding.index))
    assert {(a.device, a.kind, a.index) for a in board.alerts.values() if a.cleared_at is None} == standing
    if not standing:
        assert board.state == BoardState()


@settings(deadline=None, max_examples=30)
@given(acts, st.integers(0, 10**6))
def test_a_state_given_is_not_changed(story: list[tuple[int, str, str, str, int]], later: int) -> None:
    board = Board()
    perform(story, board)
    state = board.state
    before = msgspec.msgpack.encode(state)
    on_changes(state, [Raised(finding=finding("ups-2", "on_battery", later))], inventory(), ms(later))
    on_tick(state, inventory(), ms(10**7))
    assert msgspec.msgpack.encode(state) == before
