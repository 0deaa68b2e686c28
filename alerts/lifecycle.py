"""When a finding is an alert, and when an alert is over.

    Raised -> pending --(raise_after_s held)--> alert --Cleared--> ending --(clear_after_s held)--> cleared
                 |                                ^                  |
                 +-- Cleared: dropped if short,   +---- Raised ------+   a return within the hold is the same episode
                     else recorded as over, no incident

All times of an alert are event times: `raised_at` is when the data show it began, `cleared_at` when they show it
ended, whenever we learned of it. The board's clock (`now`) only decides when a hold has passed.

Late data (the newest evidence is more than `LATE_MS` old when it comes) are a back-fill that is catching up: the end
of the story may be in the next batch. So a late raise or clear waits a little longer before it counts. An episode
that newer data end is recorded as over and pages nobody (what it has to do with that is still open says
`incident.record`); one that is still open opens with its true start, at the latest when the first word of it said.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from alerts.impact import impact_of
from alerts.kinds import ORDER, kind_of
from alerts.state import Draft, Ending, Pending, slot_of
from alerts.types import Alert, identity
from model.finding import Change, Cleared, Finding
from model.inventory import Inventory

LATE_MS = 120_000
#: A back-fill is taken to come at least ten times as fast as it was recorded.
CATCH_UP, LEAST_WAIT_MS, MOST_WAIT_MS = 10, 30_000, 600_000


def apply(draft: Draft, change: Change, inventory: Inventory, now: int) -> None:
    """Take in one change."""
    if isinstance(change, Cleared):
        _cleared(draft, change, now)
    else:
        _stands(draft, change.finding, inventory, now)


def settle_endings(draft: Draft, now: int, first: Callable[[str, Ending], int | None]) -> None:
    """Clear the alerts whose hold has passed.

    `first` says when (board's clock, ms) what must be heard before an ending of a slot will be: it waits for that.
    """
    for slot, ending in [(slot, ending) for slot, ending in draft.ending.items() if now >= ending.due]:
        due = first(slot, ending)
        if due is None:
            _end(draft, slot)
        else:
            draft.ending[slot] = msgspec.structs.replace(ending, due=due)


def settle_episodes(draft: Draft, inventory: Inventory, now: int, first: Callable[[Alert], int | None]) -> list[Alert]:
    """Take the episodes that ended before they became alerts off the board: those that were long enough to have been one.

    `first` says when (board's clock, ms) what must be heard before an episode is recorded will be: it waits for that.
    """
    for slot, pending in list(draft.pending.items()):
        if pending.ended is not None and now >= pending.due:
            alert = _episode(pending, inventory)
            due = first(alert) if alert else None
            if due is None:
                _over(draft, slot, pending, inventory)
            else:
                draft.pending[slot] = msgspec.structs.replace(pending, due=due)
    over, draft.over = draft.over, []
    return over


def ripe(draft: Draft, inventory: Inventory, now: int) -> list[Alert]:
    """Take the pending findings whose time has come off the list, as new alerts, causes before symptoms."""
    alerts = []
    for slot, pending in list(draft.pending.items()):
        if pending.ended is None and now >= pending.due:
            del draft.pending[slot]
            alert = expected(pending, inventory)
            draft.standing[slot] = alert.id
            alerts.append(alert)
    return sorted(alerts, key=lambda a: (a.raised_at, ORDER.get(a.kind, len(ORDER)), a.device, a.index or ""))


def seen_at(finding: Finding) -> int:
    """The event time of the newest evidence."""
    return max((evidence.at for evidence in finding.evidence), default=finding.since)


def _stands(draft: Draft, finding: Finding, inventory: Inventory, now: int) -> None:
    slot = slot_of(finding.device, finding.kind, finding.index)
    kind = kind_of(finding.kind)
    pending = draft.pending.get(slot)
    if pending is not None:
        over = pending.ended is not None and finding.since > pending.ended + _ms(kind.clear_after_s)
        if over:
            _over(draft, slot, pending, inventory)
        else:
            since = min(pending.since, finding.since)
            due = max(since + _ms(kind.raise_after_s), _believed_from(seen_at(finding), now))
            if pending.ended is None:
                due = min(due, pending.due)  # else a site whose data are always late would never be heard
            draft.pending[slot] = Pending(finding=finding, since=since, due=due)
            return
    ending = draft.ending.get(slot)
    if ending is not None and finding.since > ending.at + _ms(kind.clear_after_s):
        _end(draft, slot)
    if slot in draft.standing:
        draft.ending.pop(slot, None)
        _update(draft, draft.alerts[draft.standing[slot]], finding, inventory)
        return
    due = max(finding.since + _ms(kind.raise_after_s), _believed_from(seen_at(finding), now))
    draft.pending[slot] = Pending(finding=finding, since=finding.since, due=due)


def _cleared(draft: Draft, change: Cleared, now: int) -> None:
    slot = slot_of(change.device, change.kind, change.index)
    hold_ms = _ms(kind_of(change.kind).clear_after_s)
    due = max(change.at + hold_ms, _believed_from(change.at, now))
    pending = draft.pending.get(slot)
    if pending is not None:
        draft.pending[slot] = msgspec.structs.replace(pending, ended=max(change.at, pending.since), due=due)
    elif slot in draft.standing and slot not in draft.ending:
        draft.ending[slot] = Ending(at=change.at, due=due, why=change.why)


def _believed_from(at: int, now: int) -> int:
    """From when (board's clock) something that happened at `at` and is heard at `now` counts."""
    lag = now - at
    return now if lag <= LATE_MS else now + min(max(lag // CATCH_UP, LEAST_WAIT_MS), MOST_WAIT_MS)


def expected(pending: Pending, inventory: Inventory) -> Alert:
    """The alert that a pending finding becomes when its time has come."""
    finding = pending.finding
    return Alert(
        id=identity(finding.device, finding.kind, finding.index, pending.since),
        device=finding.device,
        kind=finding.kind,
        index=finding.index,
        severity=finding.severity,
        impact=impact_of(finding, inventory.device(finding.device)),
        raised_at=pending.since,
        changed_at=seen_at(finding),
        finding=finding,
    )


def _update(draft: Draft, alert: Alert, finding: Finding, inventory: Inventory) -> None:
    if finding == alert.finding:
        return
    impact = impact_of(finding, inventory.device(finding.device))
    if finding.severity is alert.severity:
        impact = alert.impact  # it may know more than the finding does (a device known to be dark)
    draft.put_alert(
        msgspec.structs.replace(
            alert,
            finding=finding,
            severity=finding.severity,
            impact=impact,
            changed_at=max(alert.changed_at, seen_at(finding)),
        )
    )


def _end(draft: Draft, slot: str) -> None:
    """The hold passed: the alert is over since its finding cleared."""
    ending = draft.ending.pop(slot)
    alert = draft.alerts[draft.standing.pop(slot)]
    at = max(ending.at, alert.raised_at)
    draft.put_alert(msgspec.structs.replace(alert, cleared_at=at, changed_at=max(at, alert.changed_at)))


def _over(draft: Draft, slot: str, pending: Pending, inventory: Inventory) -> None:
    """It ended before it became an alert: to be recorded if it was long enough to have been one."""
    del draft.pending[slot]
    alert = _episode(pending, inventory)
    if alert is not None:
        draft.over.append(alert)


def _episode(pending: Pending, inventory: Inventory) -> Alert | None:
    """The alert, over, that a finding would have been that ended while it waited; None: it was too short."""
    ended = pending.ended
    if ended is None or ended - pending.since < _ms(kind_of(pending.finding.kind).raise_after_s):
        return None
    alert = expected(pending, inventory)
    return msgspec.structs.replace(alert, cleared_at=ended, changed_at=max(ended, alert.changed_at))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
