"""What becomes of a ticket: `fold` reads it off its ledger, `decide` says what an incident adds to it. Pure.

Rules:
- A ticket is what its ledger says, in the order in which things happened.
- A repeat of the same incident decides nothing: every decision leaves a mark in the ledger that answers it.
- The level follows the incident's impact upwards by itself; downwards only by a person. A person's lower level stands
  until the impact rises anew.
- Restored by telemetry when the incident closes, at the moment readings were normal. A new incident of the same cause
  before the ticket is closed is a relapse; within the policy's window after it (`reopen`) the ticket is opened again
  and its clocks run on; later it is a new ticket.
- No time in the ledger is ahead of the desk's clock: an event dated in the future is taken as happening now.

How a ticket begins, from an incident or from a person, is desk.opening's.
"""

from __future__ import annotations

import msgspec

from alerts.types import CauseKey, Impact, Incident, identity
from desk import words
from desk.calendars import ALWAYS, target_ms
from desk.clocks import story
from desk.opening import (
    NOTHING,
    Background,
    Data,
    background_data,
    day_of,
    kva_of,
    open_by_person,
    place_data,
    standing_data,
    warranty_drafts,
)
from desk.policy import Policy
from desk.types import Draft, Entry, EntryKind, Ticket, TicketKind, TicketState
from model.inventory import Inventory
from model.text import Text

__all__ = [
    "ENDED",
    "Background",
    "Seen",
    "day_of",
    "decide",
    "fold",
    "last_seen",
    "merge",
    "open_by_person",
    "returns",
    "wants",
]

_JOBS = (Impact.OUTAGE, Impact.UNPROTECTED, Impact.DEGRADED)
_OF_THE_INCIDENT = (EntryKind.INCIDENT, EntryKind.RELAPSED, EntryKind.REOPENED)
ENDED = (TicketState.CLOSED, TicketState.MERGED)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger last knew of the incident behind it."""

    incident: str
    impact: Impact
    worst: Impact
    members: int
    digest: str
    kinds: tuple[str, ...] = ()  #: of findings


def fold(ledger: list[Entry]) -> Ticket:
    """The ticket that this ledger makes (`next_call` is the ladder's to say). Raises ValueError if it was never opened."""
    events = story(ledger)
    opened = events[0] if events else None
    if opened is None or opened.kind is not EntryKind.OPENED:
        raise ValueError("a ledger begins with `opened`")
    state, before, closed_at = TicketState.OPEN, TicketState.OPEN, None
    owner = None
    facts = dict(opened.data)
    for entry in sorted(ledger, key=lambda e: e.seq):
        if entry.kind in _OF_THE_INCIDENT and "digest" in entry.data:
            facts.update(entry.data)  # of the incident the newest word counts; a person's word is none of its own
    for entry in events[1:]:
        if entry.kind in (EntryKind.LEVEL, EntryKind.CONVERTED):
            facts.update({name: entry.data[name] for name in ("level", "kind") if entry.data.get(name)})
        state, before = _step(state, before, entry.kind)
        closed_at = None if state not in ENDED else entry.at if closed_at is None else closed_at
        owner = _owner(entry) or owner
    root = str(facts["root"])
    return Ticket(
        id=opened.ticket,
        key=CauseKey(str(facts["customer"]), str(facts["cause"]), root),
        incident=str(facts["incident"]),
        customer=str(facts["customer"]),
        site=str(facts["site"]),
        title=Text(str(facts.get("title_en") or opened.text.en), str(facts.get("title_zh") or opened.text.zh)),
        policy=str(facts["policy"]),
        level=str(facts["level"]),
        impact=Impact(str(facts["impact"])),
        state=state,
        kind=TicketKind(str(facts.get("kind") or TicketKind.INCIDENT)),
        device=root.partition("#")[0] if "/" in root else None,
        opened_at=opened.at,
        changed_at=max(e.recorded_at for e in ledger),
        closed_at=closed_at,
        owner=owner,
    )


def _owner(entry: Entry) -> str | None:
    """Who has it from this entry on: the first to answer, then the engineer who goes."""
    if entry.kind is EntryKind.ACKNOWLEDGED:
        return entry.who
    if entry.kind in (EntryKind.DISPATCHED, EntryKind.ONSITE):
        return str(entry.data.get("engineer") or entry.who)
    return None


def _step(state: TicketState, before: TicketState, kind: EntryKind) -> tuple[TicketState, TicketState]:
    """The state after an entry, and the one that a relapse or reopening would fall back to."""
    if kind is EntryKind.REOPENED and state is TicketState.CLOSED:
        return before, before
    if state in ENDED:
        return state, before
    held = before if state is TicketState.RESTORED else state
    if kind is EntryKind.CLOSED:
        return TicketState.CLOSED, held
    if kind is EntryKind.MERGED:
        return TicketState.MERGED, held
    if kind is EntryKind.RELAPSED and state is TicketState.RESTORED:
        return before, before
    if kind in (EntryKind.RESTORED, EntryKind.RESOLVED):
        return TicketState.RESTORED, held
    risen = {EntryKind.ACKNOWLEDGED: TicketState.ACKNOWLEDGED, EntryKind.ONSITE: TicketState.ONSITE}.get(kind)
    if risen is None:
        return state, before
    order = [TicketState.OPEN, TicketState.ACKNOWLEDGED, TicketState.ONSITE]
    if state is TicketState.RESTORED:
        return state, max(before, risen, key=order.index)
    return max(state, risen, key=order.index), before


def decide(
    ticket: Ticket | None,
    ledger: list[Entry],
    incident: Incident,
    inventory: Inventory,
    policy: Policy,
    now: int,
    background: Background = NOTHING,
) -> list[Draft]:
    """What `incident` adds to `ticket` (None: there is no open one), in the order of the ledger; [] for nothing new.

    `background` carries the findings of its alerts (some policies grade by them) and, at opening, similar cases.
    """
    if ticket is None:
        return _open(incident, inventory, policy, now, background)
    if ticket.state in ENDED:
        return []
    seen = last_seen(ledger)
    if incident.id != seen.incident:
        return _another(ticket, ledger, incident, inventory, policy, now, background)
    drafts = _changed(ticket, seen, incident, policy, now, background)
    if drafts and ticket.state is TicketState.RESTORED and incident.closed_at is None and _worse(seen, incident):
        drafts.append(_relapsed(ledger, incident, incident.changed_at, words.RELAPSED_STILL, now, background))
    if incident.closed_at is not None and incident.merged_into is None and not _proven(ledger, incident.id):
        drafts.append(_restored(ticket, incident, incident.closed_at, now))
    return drafts


def returns(
    ticket: Ticket,
    ledger: list[Entry],
    incident: Incident,
    policy: Policy,
    now: int,
    background: Background = NOTHING,
) -> list[Draft]:
    """What reopens a closed ticket because its cause is back within the policy's window; [] where a new one is due."""
    if ticket.state is not TicketState.CLOSED or ticket.closed_at is None or not wants(incident):
        return []
    at = _within(incident.job_at, ticket.closed_at, now)
    if incident.key != ticket.key or not reopens(policy, ticket, at):
        return []
    if _known(ledger, incident.id) and incident.worst.rank >= last_seen(ledger).worst.rank:
        return []  # a person closed it while it went on, and it has not grown worse
    text = _fill(words.REOPENED_BY_INCIDENT, title=incident.title)
    data = {**_mark(incident, background), "why": "incident"}
    drafts = [Draft(at=at, who=words.SELF, kind=EntryKind.REOPENED, text=text, data=data)]
    return [*drafts, *_level_up(ticket, incident.worst, policy, at, background)]


def reopens(policy: Policy, ticket: Ticket, at: int) -> bool:
    """Whether `at` lies in the window within which a closed ticket comes back. Without a window: never."""
    if policy.reopen is None or ticket.state is not TicketState.CLOSED or ticket.closed_at is None:
        return False
    return at <= ticket.closed_at + target_ms(ALWAYS, policy.reopen)


def wants(incident: Incident) -> bool:
    """Whether an incident opens a ticket: it is open, is a job, and touches the load."""
    return incident.wants_ticket and incident.closed_at is None and incident.worst in _JOBS


def merge(ticket: Ticket, into: str, now: int) -> Draft:
    """`ticket` ends because `into`, opened earlier, has the same cause."""
    return Draft(
        at=max(now, ticket.opened_at),
        who=words.SELF,
        kind=EntryKind.MERGED,
        text=words.MERGED_INTO.format(into=into),
        data={"into": into},
    )


def last_seen(ledger: list[Entry]) -> Seen:
    """What the ledger last knew of its incident, in the order of recording; no incident where people opened it."""
    ours = (EntryKind.OPENED, *_OF_THE_INCIDENT)
    data = next(e.data for e in reversed(ledger) if e.kind in ours and "digest" in e.data)
    return Seen(
        incident=str(data["incident"]),
        impact=Impact(str(data["impact"])),
        worst=Impact(str(data["worst"])),
        members=int(data["members"] or 0),
        digest=str(data["digest"]),
        kinds=tuple(kind for kind in str(data.get("kinds") or "").split(",") if kind),
    )


def _open(incident: Incident, inventory: Inventory, policy: Policy, now: int, background: Background) -> list[Draft]:
    if not wants(incident):
        return []
    site = inventory.site(incident.site)
    at = min(incident.job_at, now)
    device = incident.key.root.partition("#")[0]
    why = list(dict.fromkeys(incident.explanation))
    data: Data = {
        **_key(incident),
        **_facts(incident, inventory),
        **_mark(incident, background),
        **place_data(site),
        **standing_data(policy, inventory, incident.key.customer, device, site, at),
        **background_data(background),
        "policy": policy.pin,
        "level": policy.level_of(incident.worst, background.kinds).id,
        "serial": inventory.device(device).serial or None,
    }
    if why:
        data["why_en"], data["why_zh"] = "\n".join(t.en for t in why), "\n".join(t.zh for t in why)
    opened = Draft(at=at, who=words.SELF, kind=EntryKind.OPENED, text=incident.title, data=data)
    return [opened, *warranty_drafts(policy, inventory, device, site, at)]


def _another(
    ticket: Ticket,
    ledger: list[Entry],
    incident: Incident,
    inventory: Inventory,
    policy: Policy,
    now: int,
    background: Background,
) -> list[Draft]:
    """Another incident than the one the ticket knew: a relapse, or a later cause that took this one over."""
    if incident.closed_at is not None or incident.merged_into is not None or _known(ledger, incident.id):
        return []  # an episode that newer data show ended, or an earlier one told again
    at = _within(incident.changed_at, ticket.opened_at, now)
    same_cause = incident.key == ticket.key
    if same_cause and ticket.state is TicketState.RESTORED:
        text = words.RELAPSED_AGAIN
        drafts = [_relapsed(ledger, incident, incident.job_at, _fill(text, title=incident.title), now, background)]
    else:
        text = _fill(words.TAKEN_OVER, title=incident.title)
        title: Data = {"title_en": incident.title.en, "title_zh": incident.title.zh}
        data = {**_key(incident), **_facts(incident, inventory), **_mark(incident, background), **title}
        drafts = [Draft(at=at, who=words.SELF, kind=EntryKind.INCIDENT, text=text, data=data)]
        if ticket.state is TicketState.RESTORED:
            drafts.append(_relapsed(ledger, incident, incident.changed_at, words.RELAPSED_STILL, now, background))
    return [*drafts, *_level_up(ticket, incident.worst, policy, at, background)]


def _changed(
    ticket: Ticket, seen: Seen, incident: Incident, policy: Policy, now: int, background: Background
) -> list[Draft]:
    mark = _mark(incident, background)
    if (incident.impact, incident.worst, mark["digest"]) == (seen.impact, seen.worst, seen.digest):
        return []
    more = len(incident.members) - seen.members
    if more > 0:
        why = incident.explanation[-1] if incident.explanation else incident.title
        text = _fill(words.JOINED.format(n=more, why="{why}"), why=why)
    else:
        text = _fill(words.IMPACT_NOW, impact=words.IMPACTS[incident.impact])
    at = _within(incident.changed_at, ticket.opened_at, now)
    drafts = [Draft(at=at, who=words.SELF, kind=EntryKind.INCIDENT, text=text, data=mark)]
    graver = policy.level_of(incident.worst, background.kinds).rank < policy.level_of(seen.worst, seen.kinds).rank
    if incident.worst.rank < seen.worst.rank or graver:
        drafts += _level_up(ticket, incident.worst, policy, at, background)
    elif incident.impact.rank < seen.impact.rank:
        drafts += _level_up(ticket, incident.impact, policy, at, background)
    return drafts


def _level_up(ticket: Ticket, impact: Impact, policy: Policy, at: int, background: Background) -> list[Draft]:
    old, new = policy.level(ticket.level), policy.level_of(impact, background.kinds)
    if new.rank >= old.rank:
        return []
    text = Text(
        words.LEVEL_UP.en.format(old=old.name.en, new=new.name.en, impact=words.IMPACTS[impact].en),
        words.LEVEL_UP.zh.format(old=old.name.zh, new=new.name.zh, impact=words.IMPACTS[impact].zh),
    )
    data: Data = {"level": new.id, "was": old.id, "why": "impact"}
    return [Draft(at=at, who=words.SELF, kind=EntryKind.LEVEL, text=text, data=data)]


def _restored(ticket: Ticket, incident: Incident, closed_at: int, now: int) -> Draft:
    return Draft(
        at=_within(closed_at, ticket.opened_at, now),
        who=words.SELF,
        kind=EntryKind.RESTORED,
        text=words.RESTORED_PROVEN,
        data={"proof": "telemetry", "incident": incident.id},
    )


def _relapsed(ledger: list[Entry], incident: Incident, at: int, text: Text, now: int, background: Background) -> Draft:
    restored = max((e.at for e in ledger if e.kind in (EntryKind.RESTORED, EntryKind.RESOLVED)), default=0)
    return Draft(
        at=_within(at, restored, now),
        who=words.SELF,
        kind=EntryKind.RELAPSED,
        text=text,
        data=_mark(incident, background),
    )


def _worse(seen: Seen, incident: Incident) -> bool:
    return len(incident.members) > seen.members or incident.impact.rank < seen.impact.rank


def _proven(ledger: list[Entry], incident: str) -> bool:
    """Whether telemetry already proved the end of this incident."""
    return any(
        e.kind is EntryKind.RESTORED and e.data.get("proof") == "telemetry" and e.data.get("incident") == incident
        for e in ledger
    )


def _known(ledger: list[Entry], incident: str) -> bool:
    return any(e.data.get("incident") == incident for e in ledger)


def _key(incident: Incident) -> Data:
    return {"customer": incident.key.customer, "cause": incident.key.cause, "root": incident.key.root}


def _mark(incident: Incident, background: Background) -> Data:
    """By what a repeat is recognised."""
    kinds: Data = {"kinds": ",".join(sorted(background.kinds))} if background.kinds else {}
    return {
        **kinds,
        "incident": incident.id,
        "impact": incident.impact.value,
        "worst": incident.worst.value,
        "members": len(incident.members),
        "digest": identity(*sorted(incident.members)),
    }


def _facts(incident: Incident, inventory: Inventory) -> Data:
    """The rating that conditions ask about: the device's; for a site, its largest UPS. A silent agent has none."""
    root = incident.key.root.partition("#")[0]
    if incident.key.cause == "agent":
        return {"kva": None}
    if root in inventory.devices:
        rated = [kva_of(inventory.device(root))]
    else:
        rated = [kva_of(d) for d in inventory.at_site(root) if d.kind == "ups"]
    return {"kva": max((kva for kva in rated if kva is not None), default=None)}


def _fill(text: Text, **values: Text) -> Text:
    """Fill each sentence from the same language."""
    return Text(
        text.en.format(**{k: v.en for k, v in values.items()}), text.zh.format(**{k: v.zh for k, v in values.items()})
    )


def _within(at: int, low: int, high: int) -> int:
    return min(max(at, low), max(high, low))
