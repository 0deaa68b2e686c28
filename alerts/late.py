"""What comes late: how causes and symptoms of one back-fill find each other, whichever is believed first.

Of late data (`lifecycle`) each alert waits for itself, by how late it is: a symptom may be believed before its cause, and an
episode may be over before anything that it belongs to has opened. What holds of the same data heard at once is to hold here:

- A mains failure that waits is heard with the first alert that it explains (`hasten`).
- An ending waits for what began while the alert stood and will be in its incident (`heard_first`).
- An episode that was over before it was heard waits for what it is a part of (`awaited`), and is filed there (`record`).

Left: a clear whose site then falls silent runs out by the centre's clock; what began within its hold is a case of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from alerts import incident, lifecycle
from alerts.darkness import BEFORE_MS, OUTAGES, explained
from alerts.kinds import kind_of
from alerts.state import Draft, Ending, Pending
from alerts.types import Alert, CauseKey, Incident
from alerts.words import joined
from model.inventory import Inventory

Waiting = dict[str, dict[str, Pending]]  #: by site and slot


def by_site(draft: Draft) -> Waiting:
    """What waits and has not ended."""
    found: Waiting = {}
    for slot, pending in draft.pending.items():
        if pending.ended is None:
            found.setdefault(_at(pending), {})[slot] = pending
    return found


def hasten(draft: Draft, inventory: Inventory, now: int) -> None:
    """Let a mains failure that waits because it came late be heard with the first alert that it explains.

    Such an alert came less late and is believed sooner: without this it would be a case of its own, with a job of its own.
    """
    for pending in by_site(draft).values():
        outages = _outages(pending)
        if not outages or len(outages) == len(pending):
            continue
        begin = [lifecycle.expected(one, inventory) for one in pending.values() if now >= one.due]
        if any(_needs(draft, alert, outages.values(), inventory) for alert in begin):
            for slot, one in outages.items():
                if one.since + 1000 * kind_of(one.finding.kind).raise_after_s <= now:
                    draft.pending[slot] = msgspec.structs.replace(one, due=min(one.due, now))


def record(draft: Draft, alert: Alert, inventory: Inventory, now: int) -> None:
    """Record an alert that was over before it opened, as a part of the incident that it would have opened or joined in time.

    It pages nobody: alone it opens no incident, and what would be its own reason for a job does not make one.
    """
    site = inventory.site(incident.site_of(alert))
    mains = draft.open_with(CauseKey(site.customer, "mains", site.id))
    explains = mains is not None and _explains(draft, mains, alert, inventory)
    home = mains if explains else draft.open_with(incident.key_of(alert, site.customer, mains is not None))
    long_after = home is not None and home.opened_at > _held_until(alert.kind, alert.cleared_at or 0)
    if home is None or long_after or (incident.a_job(alert, inventory, now) and not home.wants_ticket):
        draft.tell(alert)
    elif explains:
        incident.adopt(draft, alert, home, inventory)
    else:
        incident.join(draft, alert, home, joined(alert, draft.members(home), inventory))


def awaited(draft: Draft, alert: Alert, left: Waiting, inventory: Inventory) -> int | None:
    """When (board's clock, ms) what an alert that was over before it opened is a part of will be heard; None: it is, or nothing is left.

    Of what comes late, each waits for itself: without this, the errors of a port would be recorded alone, and the
    port's own alert open a moment after. `left`: what waits.
    """
    site = inventory.site(incident.site_of(alert))
    here = left.get(site.id, {})
    mains, outages = draft.open_with(CauseKey(site.customer, "mains", site.id)), _outages(here)
    key = incident.key_of(alert, site.customer, mains is not None or bool(outages))
    if draft.open_with(key) is not None or (mains is not None and _explains(draft, mains, alert, inventory)):
        return None
    if _needs(draft, alert, outages.values(), inventory):
        return min(one.due for one in outages.values())
    until = _held_until(alert.kind, alert.cleared_at or 0)
    ours = (one for one in here.values() if one.since <= until)
    return min(
        (one.due for one in ours if incident.key_of(lifecycle.expected(one, inventory), site.customer, False) == key),
        default=None,
    )


def heard_first(draft: Draft, slot: str, ending: Ending, inventory: Inventory) -> int | None:
    """When (board's clock, ms) what began while an alert stood, has the same cause and still waits will be heard; None: nothing.

    Data that come late are believed late: without this, errors that ended because the port went down would close
    their incident before the port's own alert could join it.
    """
    ends = draft.alerts[draft.standing[slot]]
    home, until = draft.incidents.get(ends.incident or ""), _held_until(ends.kind, ending.at)
    if home is None:
        return None
    waiting = [p for p in draft.pending.values() if p.since <= until and _at(p) == home.site]
    if not waiting:
        return None
    mains_out = draft.open_with(CauseKey(home.key.customer, "mains", home.site)) is not None
    alerts = ((pending.due, lifecycle.expected(pending, inventory)) for pending in waiting)
    ours = [
        due
        for due, alert in alerts
        if incident.key_of(alert, home.key.customer, mains_out) == home.key or _explains(draft, home, alert, inventory)
    ]
    return min(ours, default=None)


def _held_until(kind: str, ended: int) -> float:
    """Until when what ended at a time stands on the board of a centre that hears it at once: a return till then is none."""
    return ended + 1000 * kind_of(kind).clear_after_s


def _outages(pending: Mapping[str, Pending]) -> dict[str, Pending]:
    """Of these, what says that the mains is out."""
    return {slot: one for slot, one in pending.items() if one.finding.kind in OUTAGES}


def _explains(draft: Draft, mains: Incident, alert: Alert, inventory: Inventory) -> bool:
    """Whether an incident is a mains failure that explains a silence."""
    return (
        alert.kind == incident.SILENT
        and mains.key.cause == "mains"
        and explained(alert, draft.members(mains), inventory) is not None
    )


def _needs(draft: Draft, alert: Alert, outages: Collection[Pending], inventory: Inventory) -> bool:
    """Whether an alert is part of the mains failure of its site, and only the outages that wait there tell so."""
    if not outages or alert.kind in OUTAGES:
        return False
    site = inventory.site(incident.site_of(alert))
    mains = draft.open_with(CauseKey(site.customer, "mains", site.id))
    if alert.kind == incident.SILENT:
        known = draft.members(mains) if mains else []
        more = [lifecycle.expected(pending, inventory) for pending in outages]
        return explained(alert, known, inventory) is None and explained(alert, [*known, *more], inventory) is not None
    depends = incident.key_of(alert, site.customer, True) != incident.key_of(alert, site.customer, False)
    return mains is None and depends and min(p.since for p in outages) <= alert.raised_at + BEFORE_MS


def _at(pending: Pending) -> str:
    """The site of it."""
    return pending.finding.device.partition("/")[0]
