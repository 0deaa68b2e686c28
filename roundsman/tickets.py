"""`roundsman ticket …`: the desk from a terminal on the centre's machine."""

from __future__ import annotations

import getpass
from pathlib import Path

import desk.store as desk
from collector.store import writing
from desk import show
from desk.types import EntryKind, Ticket
from model.text import Text
from model.timescale import REAL, TimeScale
from roundsman.centre import Centre, NoCentreError, opened
from roundsman.speech import complain, language, put, say

_DONE: dict[EntryKind, Text] = {
    EntryKind.ACKNOWLEDGED: Text("acknowledged", "已受理"),
    EntryKind.NOTE: Text("noted", "已备注"),
    EntryKind.ONSITE: Text("on site", "已到场"),
    EntryKind.CLOSED: Text("closed", "已关闭"),
}


def list_tickets(collector: Path | None, scale: TimeScale, *, everything: bool, as_json: bool) -> int:
    """Tickets, newest first, each with the clock that ends next."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            now = _now(centre, scale)
            for ticket in desk.tickets(conn, open_only=not everything):
                policy = desk.policy(conn, ticket)
                clocks = [c for c in desk.clocks(conn, ticket.id, now) if c.due_at is not None and c.stopped_at is None]
                nearest = min(clocks, key=lambda c: c.due_at or 0, default=None)
                if as_json:
                    due = show.clock_json(nearest) if nearest else None
                    put({**show.ticket_json(ticket, policy), "next_clock": due})
                    continue
                say(show.ticket_line(ticket, policy, language()))
                if nearest:
                    say("    " + show.clock_line(nearest, _zone(centre, ticket), language()))
    except NoCentreError as error:
        complain(error.text)
        return 1
    return 0


def show_ticket(id: str, collector: Path | None, scale: TimeScale, *, as_json: bool) -> int:
    """One ticket, whole."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            now = _now(centre, scale)
            ticket = desk.ticket(conn, id)
            policy = desk.policy(conn, ticket)
            clocks, ledger = desk.clocks(conn, id, now), desk.ledger(conn, id)
            if as_json:
                put(
                    {
                        **show.ticket_json(ticket, policy),
                        "clocks": [show.clock_json(clock) for clock in clocks],
                        "ledger": [show.entry_json(entry) for entry in ledger],
                    }
                )
                return 0
            zone = _zone(centre, ticket)
            say(show.ticket_line(ticket, policy, language()))
            for clock in clocks:
                say("  " + show.clock_line(clock, zone, language()))
            for line in show.ledger_lines(ledger, zone, language()):
                say("  " + line)
    except NoCentreError as error:
        complain(error.text)
        return 1
    except desk.UnknownTicket:
        return _unknown(id)
    return 0


def explain_ticket(id: str, collector: Path | None, scale: TimeScale, *, as_json: bool) -> int:
    """Each clock's intervals, whose sums can be checked with a pencil."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            explained = desk.explain(conn, id, _now(centre, scale))
    except NoCentreError as error:
        complain(error.text)
        return 1
    except desk.UnknownTicket:
        return _unknown(id)
    if as_json:
        put(show.explain_json(explained))
    else:
        for line in show.explain_lines(explained, language()):
            say(line)
    return 0


def act(id: str, kind: str, who: str | None, text: str, collector: Path | None, scale: TimeScale) -> int:
    """Enter what a person did into the ledger; `who` is the login of the terminal when not given."""
    what = EntryKind(kind)
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            now = _now(centre, scale)
            words = Text(text, text) if text else _DONE[what]
            desk.act(conn, id, what, who or getpass.getuser(), words, now, now)
    except NoCentreError as error:
        complain(error.text)
        return 1
    except desk.UnknownTicket:
        return _unknown(id)
    except desk.ActRefused as error:
        complain(error.text)
        return 1
    say(Text(f"{id}: {_DONE[what].en}", f"{id}:{_DONE[what].zh}"))
    return 0


def _now(centre: Centre, scale: TimeScale) -> int:
    """The centre's time, unless the command line brought a clock of its own."""
    if scale != REAL:
        centre.scale = scale
    return centre.now()


def _zone(centre: Centre, ticket: Ticket) -> str:
    from collector.inventory import latest

    with centre.engine.connect() as conn:
        return latest(conn).site(ticket.site).tz


def _unknown(id: str) -> int:
    complain(
        Text(
            f"no ticket {id}: `roundsman ticket list --all` shows them",
            f"没有工单 {id}：用 `roundsman ticket list --all` 查看",
        )
    )
    return 1
