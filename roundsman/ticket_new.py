"""`roundsman ticket new`: somebody called or wrote."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

import desk.store as desk
from collector.inventory import latest
from desk import show
from desk.facts import facts_told
from desk.policy import FLAGS, Facts
from desk.types import TicketKind
from model.text import Text
from roundsman.centre import Centre
from roundsman.speech import language, put, say
from roundsman.tickets import Teller, moment_of, now_of, pairs, told

_NO_PLACE = Text("expected --site or --device, one of them", "应给出 --site 或 --device 之一")


def open_ticket(
    kind: str,
    device: str | None,
    site: str | None,
    text: str,
    data: dict[str, str],
    facts: Sequence[str],
    teller: Teller,
) -> int:
    """A ticket by the contract of the site's customer; the same call told twice is one."""
    return told(teller, lambda centre, conn: _open(centre, conn, kind, device, site, text, data, facts, teller))


def _open(
    centre: Centre,
    conn: sa.Connection,
    kind: str,
    device: str | None,
    site: str | None,
    text: str,
    data: dict[str, str],
    facts: Sequence[str],
    teller: Teller,
) -> int:
    place = device or site
    if place is None or (device and site and device.partition("/")[0] != site):
        raise desk.ActRefused(_NO_PLACE)
    inventory = latest(conn)
    now = now_of(centre, teller.scale)
    at = now if teller.at is None else moment_of(teller.at, inventory.site(place.partition("/")[0]).tz)
    title, _, more = text.strip().partition("\n")
    told_more = {**data, "words": more.strip()} if more.strip() else dict(data)
    if more.strip():
        told_more.setdefault("fault_information", more.strip())
    id = desk.open_by_person(
        conn, TicketKind(kind), place, title, teller.name, at, inventory, now, told_more, facts_of(facts)
    )
    ticket = desk.ticket(conn, id)
    policy = desk.policy(conn, ticket)
    clocks = desk.clocks(conn, id, now)
    if teller.as_json:
        put({**show.ticket_json(ticket, policy), "clocks": [show.clock_json(clock) for clock in clocks]})
        return 0
    tz = inventory.site(ticket.site).tz
    say(show.ticket_line(ticket, policy, language()))
    for clock in clocks:
        say("  " + show.clock_line(clock, tz, language()))
    return 0


def facts_of(given: Sequence[str]) -> Facts:
    """`hardware=yes` and the like. Raises ActRefused for a name or value that conditions do not know."""
    found = facts_told(pairs(given)) if given else {}
    flags = {name: None if value is None else bool(value) for name, value in found.items() if name in FLAGS}
    kva = found.get("kva")
    made = Facts(kva=None if kva is None else float(kva))
    return msgspec.structs.replace(made, **flags)
