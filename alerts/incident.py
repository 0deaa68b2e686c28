"""Which alerts have one cause.

The key is (customer, cause, root), from the table of kinds; at most one incident is open for a key, and an alert
belongs to exactly one incident. These rules go beyond the table:

- All UPSs of a site on battery are one mains failure of the site, and an output that goes off in it is its worst end.
- A device that falls silent in it joins it when `darkness` explains the silence, also when the silence was seen first:
  then the incident that it had opened is merged. Otherwise it is a case of its own.
- When a site's agent is silent, a device found silent with it tells nothing more, and joins the agent's incident.
- What is wrong with the mains while it is out belongs to that failure; what grows hot in a room that is warm belongs to the room.
- A device that falls silent behind a switch that is silent joins the switch's incident, wherever that stands (`reach`).
- What people do themselves (`Kind.by_hand`) is no job while the work that was announced goes on; when it outlasts it, it is one from then on.
- A port that goes down because the device at the other end of its cable is silent joins that one's (`cable_ends`).

What comes late, and so waits for the rest of its story, is sorted in by `late`.
An incident closes when all its members are cleared; nothing is split by itself. Everything is in event time.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from alerts import cable_ends, reach
from alerts.darkness import explained
from alerts.impact import impact_of, worst
from alerts.kinds import KINDS, Root, kind_of
from alerts.state import BoardState, Draft
from alerts.types import Alert, CauseKey, Impact, Incident, identity
from alerts.words import joined, title
from model.inventory import Inventory
from model.text import Text

SILENT = "device_silent"
#: What a warm room does to the devices in it.
_HEAT = frozenset({"over_temperature", "heating_fast", "ups_hot", "overheating"})
_BY_HAND = frozenset(kind.id for kind in KINDS.values() if kind.by_hand)
#: An explanation a member, up to this many: a flapping alert must not grow the incident without end.
_MOST_REASONS = 60


def attach(draft: Draft, alert: Alert, inventory: Inventory, now: int, coming: Sequence[Alert] = ()) -> None:
    """Put a new alert into the incident of its cause, opening one if there is none. `coming`: those that begin with it."""
    site = inventory.site(alert.device.partition("/")[0])
    mains = draft.open_with(CauseKey(site.customer, "mains", site.id))
    if alert.kind == SILENT:
        if mains is not None and adopt(draft, alert, mains, inventory):
            return
        agent = draft.open_with(CauseKey(site.customer, "agent", site.id))
        if agent is not None:
            join(draft, alert, agent, joined(alert, draft.members(agent), inventory))
            return
        if reaches(inventory) and _follow(draft, alert, reach.Site(site.id, _with(draft, alert, coming), inventory)):
            return
    key = key_of(alert, site.customer, mains is not None)
    if alert.kind in _HEAT:
        room = CauseKey(site.customer, "cooling", site.id)
        key = key if draft.open_with(room) is None else room
    home = draft.open_with(key)
    if home is None:
        why = _with_work(joined(alert, [], inventory, mains_out=mains is not None), alert, inventory, now)
        _open(draft, alert, key, why, inventory, now)
    else:
        join(draft, alert, home, _with_work(joined(alert, draft.members(home), inventory), alert, inventory, now))


def explain_silences(draft: Draft, inventory: Inventory) -> None:
    """Let each open mains incident take in the silences that it explains by now, and each silent switch those behind it."""
    for mains in [i for i in draft.incidents.values() if i.key.cause == "mains"]:
        again = True
        while again:  # a UPS that joins may explain what it feeds
            again = False
            for alert in [a for a in draft.alerts.values() if _elsewhere(a, mains)]:
                again = adopt(draft, alert, draft.incidents[mains.id], inventory) or again
    silent = _silences(draft)
    if silent and inventory.learned:
        for alert in [a for a in draft.alerts.values() if a.kind in cable_ends.KINDS and a.cleared_at is None]:
            _symptom(draft, alert, inventory)
    for id, silences in _by_site(_silences(draft)).items():
        if len({alert.incident for alert in silences}) > 1 and reaches(inventory):
            site = reach.Site(id, silences, inventory)
            for alert in silences:
                home = draft.incidents.get(alert.incident or "")
                if home is not None and home.key.cause not in ("mains", "agent"):
                    _follow(draft, alert, site)


def reaches(inventory: Inventory) -> bool:
    """Whether anything is known of who is reached through whom."""
    return bool(inventory.learned) or any(device.via is not None for device in inventory.devices.values())


def in_order(alerts: list[Alert], inventory: Inventory) -> list[Alert]:
    """New alerts as they are to be attached: of the silences among them those first that others may be behind."""
    silent = [alert for alert in alerts if alert.kind == SILENT]
    if len(silent) < 2 or not reaches(inventory):
        return alerts
    weights = reach.weights(inventory)
    rest = iter(sorted(silent, key=lambda alert: -weights[alert.device]))
    return [next(rest) if alert.kind == SILENT else alert for alert in alerts]


def outlasting(state: BoardState, inventory: Inventory, now: int) -> list[str]:
    """The incidents that were no job because of announced work, and are one now: it is over or called off, they are not."""
    standing = [a for a in state.alerts.values() if a.kind in _BY_HAND and a.cleared_at is None and a.incident]
    return [
        incident.id
        for incident in (
            state.incidents.get(alert.incident or "") for alert in standing if a_job(alert, inventory, now)
        )
        if incident is not None and not incident.wants_ticket
    ]


def refresh(draft: Draft, id: str, inventory: Inventory, now: int) -> None:
    """Bring an incident in line with its members: impact, title, times, and whether it is over."""
    incident = draft.incidents.get(id)
    if incident is None:
        return
    members = draft.members(incident)
    present = [alert for alert in members if alert.cleared_at is None]
    impact = worst((alert.impact for alert in present), otherwise=incident.impact)
    jobs = [alert for alert in members if a_job(alert, inventory, now)]
    wanted_at = incident.wanted_at
    if jobs and not incident.wants_ticket:
        wanted_at = min(now if alert.kind in _BY_HAND else alert.changed_at for alert in jobs)
    after = msgspec.structs.replace(
        incident,
        title=title(incident.key, present or members, inventory),
        opened_at=min(alert.raised_at for alert in members),
        changed_at=max(alert.changed_at for alert in members),
        closed_at=None if present else max(alert.cleared_at or 0 for alert in members),
        impact=impact,
        worst=worst([impact, incident.worst], otherwise=impact),
        wants_ticket=incident.wants_ticket or bool(jobs),
        wanted_at=wanted_at,
    )
    if after != incident:
        draft.put_incident(after)


def site_of(alert: Alert) -> str:
    return alert.device.partition("/")[0]


def key_of(alert: Alert, customer: str, mains_out: bool) -> CauseKey:
    kind = kind_of(alert.kind)
    if kind.id == "battery_low" and not mains_out:
        return CauseKey(customer, "battery", alert.device)
    if kind.id == "output_off" and mains_out and alert.impact is not Impact.ADVISORY:
        return CauseKey(customer, "mains", alert.device.partition("/")[0])
    if kind.cause == "supply" and mains_out:
        return CauseKey(customer, "mains", alert.device.partition("/")[0])
    if kind.root is Root.SITE:
        return CauseKey(customer, kind.cause, alert.device.partition("/")[0])
    if kind.root is Root.PORT:
        return CauseKey(customer, kind.cause, f"{alert.device}#{alert.index}")
    return CauseKey(customer, kind.cause, alert.device)


def a_job(alert: Alert, inventory: Inventory, now: int) -> bool:
    """Whether the alert is by itself a reason to send somebody. What ended within announced work never becomes one."""
    if not kind_of(alert.kind).ticket or alert.impact is Impact.ADVISORY:
        return False
    if alert.kind not in _BY_HAND:
        return True
    return alert.cleared_at is None and inventory.work_on(alert.device, alert.raised_at, now) is None


def _with_work(why: Text, alert: Alert, inventory: Inventory, now: int) -> Text:
    work = inventory.work_on(alert.device, alert.raised_at, now) if alert.kind in _BY_HAND else None
    if work is None:
        return why
    return Text(
        f"{why.en}; announced work ({work.id}) goes on there, so this is no job until it is over",
        f"{why.zh}；该处正在进行已预告的作业（{work.id}），作业结束前不派单",
    )


def _open(draft: Draft, alert: Alert, key: CauseKey, why: Text, inventory: Inventory, now: int) -> None:
    id = identity("incident", key, alert.id)
    alert = msgspec.structs.replace(alert, incident=id)
    draft.put_alert(alert)
    draft.put_incident(
        Incident(
            id=id,
            key=key,
            site=alert.device.partition("/")[0],
            title=title(key, [alert], inventory),
            opened_at=alert.raised_at,
            changed_at=alert.changed_at,
            impact=alert.impact,
            worst=alert.impact,
            members=(alert.id,),
            explanation=(why,),
            wants_ticket=a_job(alert, inventory, now),
        )
    )


def join(draft: Draft, alert: Alert, home: Incident, why: Text) -> None:
    reasons = home.explanation
    if why not in reasons and len(reasons) < _MOST_REASONS:
        reasons = (*reasons, why)
    draft.put_incident(msgspec.structs.replace(home, members=(*home.members, alert.id), explanation=reasons))
    draft.put_alert(msgspec.structs.replace(alert, incident=home.id))


def _elsewhere(alert: Alert, mains: Incident) -> bool:
    """A silence at the same site that stands in another incident."""
    return (
        alert.kind == SILENT
        and alert.cleared_at is None
        and alert.incident != mains.id
        and alert.device.partition("/")[0] == mains.site
    )


def adopt(draft: Draft, alert: Alert, mains: Incident, inventory: Inventory) -> bool:
    """Take a silence into the mains incident if it explains it; the incident it leaves is merged when empty."""
    reason = explained(alert, draft.members(mains), inventory)
    if reason is None:
        return False
    old = draft.incidents.get(alert.incident or "")
    impact = impact_of(alert.finding, inventory.device(alert.device), dark=reason.dark)
    join(draft, msgspec.structs.replace(alert, impact=impact), mains, reason.why)
    if old is not None:
        _leave(draft, alert, old, mains)
    return True


def _silences(draft: Draft) -> list[Alert]:
    return [alert for alert in draft.alerts.values() if alert.kind == SILENT and alert.cleared_at is None]


def _with(draft: Draft, alert: Alert, coming: Sequence[Alert]) -> list[Alert]:
    standing = _silences(draft)
    known = {one.id for one in standing}
    return [*standing, *(one for one in (*coming, alert) if one.kind == SILENT and one.id not in known)]


def _by_site(alerts: list[Alert]) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        found.setdefault(alert.device.partition("/")[0], []).append(alert)
    return found


def _follow(draft: Draft, alert: Alert, site: reach.Site) -> bool:
    """Take a silence into the incident of the silent switch that it is behind."""
    found = site.behind(alert)
    cause = draft.alerts.get(found.cause.id) if found else None
    home = draft.incidents.get(cause.incident or "") if cause else None
    if found is None or home is None or home.id == alert.incident:
        return False
    old = draft.incidents.get(alert.incident or "")
    join(draft, alert, home, found.why)
    if old is not None:
        _leave(draft, alert, old, draft.incidents[home.id])
    return True


def _symptom(draft: Draft, alert: Alert, inventory: Inventory) -> bool:
    """Take a port into the incident of the silent device at the other end of its cable."""
    found = cable_ends.silent_end(alert, _silences(draft), inventory)
    home = draft.incidents.get(found[0].incident or "") if found else None
    if found is None or home is None or home.id == alert.incident:
        return False
    old = draft.incidents.get(alert.incident or "")
    join(draft, alert, home, found[1])
    if old is not None:
        _leave(draft, alert, old, draft.incidents[home.id])
    return True


def _leave(draft: Draft, alert: Alert, old: Incident, mains: Incident) -> None:
    rest = tuple(member for member in old.members if member != alert.id)
    told = (*old.explanation, Text(f"joined: {mains.title.en}", f"并入：{mains.title.zh}"))
    if rest:
        draft.put_incident(msgspec.structs.replace(old, members=rest, explanation=told))
        draft.touched[old.id] = None
        return
    at = max(alert.changed_at, old.opened_at)
    draft.put_incident(
        msgspec.structs.replace(old, members=(), explanation=told, merged_into=mains.id, closed_at=at, changed_at=at)
    )
