"""How a ticket begins: what its first entry says of site, equipment, contract, warranty and evidence. Pure.

From an incident, or from a person who calls or writes: a defect or a consultation. What conditions ask about is written
down here, so that a later change of the inventory changes no clock. What nobody knows stays unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from alerts.kinds import KINDS
from alerts.types import CauseKey, Impact, Incident, identity
from desk import warranty, words
from desk.calendars import zone
from desk.policy import Facts, Policy
from desk.refused import ActRefused, wall
from desk.types import Draft, EntryKind, Ticket, TicketKind, WarrantyVerdict
from model.finding import Finding
from model.inventory import Device, Inventory, Site
from model.text import Text

Value = str | int | float | None
Data = dict[str, Value]

#: What a policy's `intake` asks for -> the key under which an answer is given. The contract is looked up, not asked.
ASKED = {
    "serial_number": "serial",
    "fault_information": "fault_information",
    "debug_information": "debug_information",
}
#: So many of each are named in the first entry; the rest is in the history.
_MOST = 6


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """An older case that looks like this one, and why it does."""

    ticket: str
    why: Text


class Background(msgspec.Struct, frozen=True, kw_only=True):
    """What is known around an incident: the findings of its alerts, worst first, older cases like it, and open ones
    beside it that are not the same case."""

    findings: tuple[Finding, ...] = ()
    similar: tuple[Past, ...] = ()
    apart: tuple[Past, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of findings, for policies whose level depends on them."""
        return tuple(dict.fromkeys(f.kind for f in self.findings))


NOTHING = Background()


def day_of(site: Site, at: int) -> str:
    """The ISO day at the site."""
    return datetime.fromtimestamp(at / 1000, zone(site.tz)).date().isoformat()


def place_data(site: Site) -> Data:
    """Where the clock hangs."""
    return {"site": site.id, "local": int(site.local), "country": site.country, "tz": site.tz}


def standing_data(policy: Policy, inventory: Inventory, customer: str, device: str | None, site: Site, at: int) -> Data:
    """The contract and the warranty on the day of opening, as conditions ask about them."""
    day = day_of(site, at)
    held = any(
        c.customer == customer and c.since <= day and (not c.until or day < c.until) for c in inventory.contracts
    )
    verdicts = _verdicts(policy, inventory, device, day)
    host = next((v.verdict for v in verdicts if v.item == "host"), "undefined")
    return {"contract": int(held), "in_warranty": {"in": 1, "out": 0}.get(host)}


def warranty_drafts(policy: Policy, inventory: Inventory, device: str | None, site: Site, at: int) -> list[Draft]:
    """The verdicts for the equipment, each with the line it comes from."""
    return [_warranty(v, at) for v in _verdicts(policy, inventory, device, day_of(site, at))]


def kva_of(device: Device) -> float | None:
    """The rating that conditions ask about."""
    return None if device.rated_va is None else device.rated_va / 1000


def background_data(background: Background) -> Data:
    """Likely cause, first steps, where the evidence is, and older cases, in the two languages."""
    found: Data = {}
    worst = background.findings[0] if background.findings else None
    if worst is not None:
        kind = KINDS.get(worst.kind)
        name = kind.title if kind else Text(worst.kind, worst.kind)
        seen = worst.evidence[0].text if worst.evidence else Text("", "")
        found["likely_cause_en"] = f"{name.en}: {seen.en}".rstrip(": ")
        found["likely_cause_zh"] = f"{name.zh}：{seen.zh}".rstrip("：")
        steps = list(dict.fromkeys(f.advice for f in background.findings))[:_MOST]
        found["first_steps_en"] = "\n".join(step.en for step in steps)
        found["first_steps_zh"] = "\n".join(step.zh for step in steps)
        found["evidence"] = "\n".join(_references(background.findings))
        if worst.forecast is not None:
            found["forecast"] = worst.forecast
    if background.similar:
        found["similar"] = ",".join(past.ticket for past in background.similar[:_MOST])
        found["similar_why_en"] = "\n".join(f"{p.ticket}: {p.why.en}" for p in background.similar[:_MOST])
        found["similar_why_zh"] = "\n".join(f"{p.ticket}：{p.why.zh}" for p in background.similar[:_MOST])
    if background.apart:
        found["apart"] = ",".join(each.ticket for each in background.apart)
        found["apart_why_en"] = "\n".join(f"{each.ticket}: {each.why.en}" for each in background.apart)
        found["apart_why_zh"] = "\n".join(f"{each.ticket}：{each.why.zh}" for each in background.apart)
    return found


def apart(incident: Incident, beside: Sequence[Ticket]) -> tuple[Past, ...]:
    """Of the open tickets of its site those that somebody might take for the same case, and why they are not."""
    device = incident.key.root.partition("#")[0]
    found = []
    for ticket in beside:
        if ticket.key == incident.key:
            continue
        if ticket.device == device or ticket.key.root == incident.key.root:
            why = words.OTHER_CAUSE
        elif ticket.key.cause == incident.key.cause:
            why = words.OTHER_PLACE
        else:
            continue
        said = why.format(mine=str(incident.key), theirs=str(ticket.key))
        found.append(Past(ticket=ticket.id, why=said))
    return tuple(found[:_MOST])


def open_by_person(
    policy: Policy,
    inventory: Inventory,
    facts: Facts,
    kind: TicketKind,
    place: str,
    title: str | Text,
    who: str,
    at: int,
    now: int,
    data: Mapping[str, Value] | None = None,
) -> list[Draft]:
    """The first entries of a ticket that somebody told of; `place` is a device (`site/device`) or a site.

    `data` may carry: level, customer_word (a level), impact, serial, fault_information, debug_information, not_known
    (names of the intake, comma-separated, that the caller could not say), caller, channel. The same call told twice
    (who, at, title) makes the same key. Raises ActRefused.
    """
    given, said = dict(data or {}), title if isinstance(title, Text) else Text(title, title)
    if kind is TicketKind.INCIDENT:
        options = ", ".join(k.value for k in TicketKind if k is not kind)
        raise ActRefused(words.NO_SUCH_KIND.format(kind=kind.value, options=options))
    if at > now:
        tz = inventory.site(place.partition("/")[0]).tz
        raise ActRefused(words.IN_FUTURE.format(at=wall(at, tz), now=wall(now, tz)))
    if not said.en.strip():
        raise ActRefused(words.NO_TITLE)
    site, device = _placed(inventory, place)
    missing = _intake(policy, kind, inventory.devices.get(device or ""), given)
    level, grading = _level(policy, kind, given)
    key = CauseKey(site.customer, f"request:{identity(who, at, said.en)}", place)
    opened: Data = {
        **_told(facts),
        **given,
        "customer": key.customer,
        "cause": key.cause,
        "root": key.root,
        "kind": kind.value,
        "incident": "",
        "digest": "",
        "members": 0,
        "policy": policy.pin,
        "level": level,
        "impact": grading.value,
        "worst": grading.value,
        **place_data(site),
    }
    for name, value in standing_data(policy, inventory, site.customer, device, site, at).items():
        opened.setdefault(name, value)
    opened.setdefault("kva", kva_of(inventory.device(device)) if device else None)
    opened["local"] = int(site.local and facts.local)
    drafts = [Draft(at=at, who=who, kind=EntryKind.OPENED, text=said, data=opened)]
    drafts += warranty_drafts(policy, inventory, device, site, at)
    if missing:
        names = {"fields": ", ".join(missing)}
        drafts.append(_note(words.TO_ASK.format(**names), at, {"to_ask": ",".join(missing)}))
    if "contract_user" in policy.intake and not opened["contract"]:
        drafts.append(_note(words.NO_CONTRACT.format(customer=site.customer), at, {}))
    return drafts


def _placed(inventory: Inventory, place: str) -> tuple[Site, str | None]:
    name = place.partition("/")[0]
    if name not in inventory.sites:
        raise ActRefused(words.NO_SUCH_SITE.format(site=name, options=_some(inventory.sites)))
    if "/" not in place:
        return inventory.site(name), None
    if place not in inventory.devices:
        there = [d.id for d in inventory.at_site(name)]
        raise ActRefused(words.NO_SUCH_DEVICE.format(device=place, options=_some(there)))
    return inventory.site(name), place


def _some(names: Sequence[str] | Mapping[str, object]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:8]) + (" …" if len(listed) > 8 else "") if listed else "-"


def _intake(policy: Policy, kind: TicketKind, device: Device | None, given: Data) -> list[str]:
    """Fill in what the inventory knows; what is still missing and was said to be unknown. Raises ActRefused."""
    if device and device.serial:
        given.setdefault("serial", device.serial)
    unknown = {name.strip() for name in str(given.get("not_known") or "").split(",") if name.strip()}
    missing = [name for name in policy.intake if name in ASKED and not given.get(ASKED[name])]
    if kind is not TicketKind.DEFECT:
        return []
    refused = [name for name in missing if name not in unknown]
    if refused:
        raise ActRefused(words.INTAKE.format(fields=", ".join(refused), policy=policy.id))
    return missing


def _level(policy: Policy, kind: TicketKind, given: Data) -> tuple[str, Impact]:
    """The level, and the impact that stands for it. The customer's word raises, and sets where nobody graded."""
    asked = {name: str(given[name]) for name in ("level", "customer_word") if given.get(name)}
    known = {level.id: level.rank for level in policy.levels}
    for level in asked.values():
        if level not in known:
            raise ActRefused(words.NO_SUCH_LEVEL.format(level=level, policy=policy.id, options=", ".join(known)))
    default = Impact.DEGRADED if kind is TicketKind.DEFECT else Impact.REQUEST
    impact = _impact(given.get("impact")) or default
    word = asked.get("customer_word")
    if "level" not in asked and word is not None and policy.severity_set_by == "customer":
        chosen = word
    else:
        own = asked.get("level") or policy.level_of(impact).id
        chosen = min((own, word or own), key=lambda level: known[level])
    if given.get("impact") or policy.level_of(impact).id == chosen:
        return chosen, impact
    return chosen, next((i for i, level in policy.impacts.items() if level == chosen), impact)


def _impact(value: Value) -> Impact | None:
    if not value:
        return None
    try:
        return Impact(str(value))
    except ValueError:
        options = ", ".join(i.value for i in Impact)
        raise ActRefused(words.NO_SUCH_IMPACT.format(impact=value, options=options)) from None


def _told(facts: Facts) -> Data:
    """What the caller knew, but `local`, which only ever says no."""
    said = {name: getattr(facts, name) for name in Facts.__struct_fields__ if name != "local"}
    return {name: int(v) if isinstance(v, bool) else v for name, v in said.items() if v is not None}


def _verdicts(policy: Policy, inventory: Inventory, device: str | None, day: str) -> list[WarrantyVerdict]:
    if device is None or device not in inventory.devices:
        return []
    return warranty.of_device(policy, inventory.device(device), day)


def _warranty(v: WarrantyVerdict, at: int) -> Draft:
    name = words.ITEMS.get(v.item, Text(v.item, v.item))
    return Draft(
        at=at,
        who=words.SELF,
        kind=EntryKind.WARRANTY,
        text=Text(f"{name.en}: {v.text.en}", f"{name.zh}：{v.text.zh}"),
        data={"item": v.item, "verdict": v.verdict, "until": v.until, "source": v.source},
    )


def _note(text: Text, at: int, data: Data) -> Draft:
    return Draft(at=at, who=words.SELF, kind=EntryKind.NOTE, text=text, data=data)


def _references(findings: Sequence[Finding]) -> list[str]:
    """Series and moment of each piece of evidence: `DEVICE POINT INDEX AT`, `-` for none; a chart is drawn from it."""
    found = [f"{f.device} {e.point} {e.index or '-'} {e.at}" for f in findings for e in f.evidence if e.point]
    return list(dict.fromkeys(found))[:_MOST]
