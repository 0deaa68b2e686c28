"""The door of this package: changes in, alerts and incidents out. READ FIRST.

    on_changes   what the detectors (and `analytics.agents`) said with one batch
    on_tick      time passed: holds run out, late episodes are believed

Both are pure: the state given is not changed, the same input gives the same output. Whoever calls writes the new
state and the outcome in one transaction. What is told: every alert and incident that is new or changed, whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts import incident, late, lifecycle
from alerts.state import BoardState, Draft, Ending, Outcome, Pending
from model.finding import Change, Cleared
from model.inventory import Inventory

__all__ = ["BoardState", "Ending", "Outcome", "Pending", "next_due", "on_changes", "on_tick"]


def on_changes(
    state: BoardState, changes: Sequence[Change], inventory: Inventory, now: int
) -> tuple[BoardState, Outcome]:
    """Take in the changes of one batch, in event time."""
    if not changes:
        return _waited(state, inventory, now, [])
    draft = Draft(state)
    for change in sorted(changes, key=_began):
        lifecycle.apply(draft, change, inventory, now)
    return _settle(draft, inventory, now)


def on_tick(state: BoardState, inventory: Inventory, now: int) -> tuple[BoardState, Outcome]:
    """Let time pass."""
    return _waited(state, inventory, now, incident.outlasting(state, inventory, now))


def _waited(state: BoardState, inventory: Inventory, now: int, changed: list[str]) -> tuple[BoardState, Outcome]:
    due = next_due(state)
    if (due is None or now < due) and not changed:
        return state, Outcome()
    draft = Draft(state)
    draft.touched.update(dict.fromkeys(changed))
    return _settle(draft, inventory, now)


def next_due(state: BoardState) -> int | None:
    """When (board's clock, ms) something waits to happen by itself; None: nothing does."""
    waiting = [pending.due for pending in state.pending.values()]
    waiting += [ending.due for ending in state.ending.values()]
    return min(waiting, default=None)


def _settle(draft: Draft, inventory: Inventory, now: int) -> tuple[BoardState, Outcome]:
    """What is over goes first, so that what begins now is not put into an incident that has ended; unless it began before that ended.

    What a batch made worse is looked at before what it ended: it was so bad, even if it is over by now.
    """
    _refresh(draft, inventory, now)
    _end(draft, inventory, now)
    late.hasten(draft, inventory, now)
    ripe = incident.in_order(lifecycle.ripe(draft, inventory, now), inventory)
    for alert in ripe:
        incident.attach(draft, alert, inventory, now, ripe)
    incident.explain_silences(draft, inventory)
    left = late.by_site(draft)
    for alert in lifecycle.settle_episodes(
        draft, inventory, now, lambda over: late.awaited(draft, over, left, inventory)
    ):
        late.record(draft, alert, inventory, now)
    _refresh(draft, inventory, now)
    _end(draft, inventory, now)
    return draft.result()


def _end(draft: Draft, inventory: Inventory, now: int) -> None:
    lifecycle.settle_endings(draft, now, lambda slot, end: late.heard_first(draft, slot, end, inventory))
    _refresh(draft, inventory, now)


def _refresh(draft: Draft, inventory: Inventory, now: int) -> None:
    touched = list(draft.touched)
    draft.touched.clear()
    for id in touched:
        incident.refresh(draft, id, inventory, now)


def _began(change: Change) -> int:
    """Event time of a change: a stable sort by it keeps the order within each slot."""
    return change.at if isinstance(change, Cleared) else change.finding.since
