"""`roundsman ticket …`: the desk from a terminal on the centre's machine."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

import desk.store as desk
from collector.inventory import latest
from collector.store import writing
from desk import show, words
from desk.acts import BY_PEOPLE, Data
from desk.calendars import zone
from desk.ticket import ENDED
from desk.types import EntryKind
from model.text import Text
from model.timescale import REAL, TimeScale
from roundsman.centre import Centre, NoCentreError, opened
from roundsman.speech import complain, language, put, say

#: A longer number is a name, too: JSON readers round it.
_LONGEST = 2**53
#: A time outside of these is a slip of the pen: nothing was promised then.
_YEARS = range(1980, 3000)


def list_tickets(collector: Path | None, scale: TimeScale, *, everything: bool, as_json: bool) -> int:
    """Tickets, newest first, each with the clock that ends next."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            now = now_of(centre, scale)
            found = desk.tickets(conn, open_only=not everything)
            zones, times = latest(conn).sites, desk.clocks_of(conn, found, now)
            for ticket in found:
                policy = desk.policy(conn, ticket)
                clocks = [c for c in times[ticket.id] if c.due_at is not None and c.stopped_at is None]
                nearest = min(clocks, key=lambda c: c.due_at or 0, default=None)
                if as_json:
                    due = show.clock_json(nearest) if nearest else None
                    put({**show.ticket_json(ticket, policy), "next_clock": due})
                    continue
                say(show.ticket_line(ticket, policy, language()))
                if nearest:
                    site = zones.get(ticket.site)
                    say("    " + show.clock_line(nearest, site.tz if site else "UTC", language()))
    except NoCentreError as error:
        complain(error.text)
        return 1
    return 0


def show_ticket(id: str, collector: Path | None, scale: TimeScale, *, as_json: bool) -> int:
    """One ticket, whole."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            now = now_of(centre, scale)
            ticket = desk.ticket(conn, id)
            policy = desk.policy(conn, ticket)
            clocks, ledger = desk.clocks(conn, id, now), desk.ledger(conn, id)
            if as_json:
                put(
                    {
                        **show.ticket_json(ticket, policy),
                        "case": show.case_json(ledger),
                        "clocks": [show.clock_json(clock) for clock in clocks],
                        "ledger": [show.entry_json(entry) for entry in ledger],
                    }
                )
                return 0
            tz = zone_of(conn, ticket.site)
            say(show.ticket_line(ticket, policy, language()))
            for line in show.case_lines(ledger, language()):
                say("  " + line)
            for clock in clocks:
                say("  " + show.clock_line(clock, tz, language()))
                for problem in clock.problems:
                    say(f"    ! {problem[language()]}")
            for line in show.ledger_lines(ledger, tz, language()):
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
            explained = desk.explain(conn, id, now_of(centre, scale))
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


@dataclass(frozen=True, kw_only=True)
class Teller:
    """Who says something about a ticket, and where the centre is. `at` is ISO 8601, by the site's clock; None: now."""

    who: str | None = None
    at: str | None = None
    seen: int | None = None
    collector: Path | None = None
    scale: TimeScale = REAL
    as_json: bool = False

    @property
    def name(self) -> str:
        return self.who or getpass.getuser()


def do(id: str, kind: str, text: str, data: Data, teller: Teller) -> int:
    """Enter what a person did into the ledger."""
    known = [k.value for k in BY_PEOPLE]
    if kind not in known:
        complain(words.NOT_BY_PEOPLE.format(kind=kind, options=", ".join(known)))
        return 1
    what = EntryKind(kind)
    return told(teller, lambda centre, conn: _enter(centre, conn, id, what, text, data, teller))


def _enter(centre: Centre, conn: sa.Connection, id: str, what: EntryKind, text: str, data: Data, teller: Teller) -> int:
    now = now_of(centre, teller.scale)
    at = now if teller.at is None else moment_of(teller.at, zone_of(conn, desk.ticket(conn, id).site))
    needless = what in (EntryKind.ACKNOWLEDGED, EntryKind.ONSITE, EntryKind.CLOSED, EntryKind.DISPATCHED)
    said = words.ENTRIES[what] if not text and needless else Text(text, text)
    entry = desk.act(conn, id, what, teller.name, said, at, now, data, seen=teller.seen)
    if teller.as_json:
        put(show.entry_json(entry))
    else:
        done = words.ENTRIES[what]
        say(Text(f"{id}: {done.en} (#{entry.seq})", f"{id}：{done.zh}（第 {entry.seq} 条）"))
    return 0


def merge(id: str, into: str, why: str, teller: Teller) -> int:
    """This ticket ends in the other one, which says so too."""
    return told(teller, lambda centre, conn: _merge(centre, conn, id, into, why, teller))


def _merge(centre: Centre, conn: sa.Connection, id: str, into: str, why: str, teller: Teller) -> int:
    mine, theirs = desk.ticket(conn, id), desk.ticket(conn, into)
    if theirs.state in ENDED or theirs.customer != mine.customer:
        raise desk.ActRefused(
            Text(
                f"expected an open ticket of {mine.customer}, got {into} ({theirs.state.value}, {theirs.customer})",
                f"应为 {mine.customer} 的未关闭工单，实为 {into}（{theirs.state.value}，{theirs.customer}）",
            )
        )
    done = _enter(centre, conn, id, EntryKind.MERGED, why, {"into": into, "why": why}, teller)
    now = now_of(centre, teller.scale)
    note = Text(f"{id} was merged into this: {why}", f"{id} 并入本单：{why}")
    desk.act(conn, into, EntryKind.NOTE, teller.name, note, now, now, {"merged": id})
    return done


def told(teller: Teller, act: Callable[[Centre, sa.Connection], int]) -> int:
    """One act in one transaction; what cannot stand is said and nothing is changed."""
    try:
        with opened(teller.collector) as centre, writing(centre.engine) as conn:
            return act(centre, conn)
    except (NoCentreError, desk.ActRefused) as error:
        complain(error.text)
    except desk.UnknownTicket as error:
        return _unknown(str(error))
    return 1


def pairs(given: Sequence[str]) -> Data:
    """`KEY=VALUE` words. What reads the same as a number is one; `00471` is a part's name and stays what was typed."""
    found: dict[str, str | int | float | None] = {}
    for word in given:
        key, _, value = word.partition("=")
        found[key] = _read(value)
    return found


def _read(value: str) -> str | int | float:
    for number in (int, float):
        try:
            found = number(value)
        except ValueError:
            continue
        if str(found) == value and abs(found) < _LONGEST:
            return found
    return value


def moment_of(said: str, tz: str) -> int:
    """An ISO 8601 time in ms, by the site's wall clock unless it has an offset. Raises ActRefused."""
    try:
        told = datetime.fromisoformat(said)
        aware = told if told.tzinfo else told.replace(tzinfo=zone(tz))
        if told.year in _YEARS:
            return round(aware.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise desk.ActRefused(
        Text(f"expected a time like 2026-11-23T10:00, got {said!r}", f"时间应如 2026-11-23T10:00，实为 {said!r}")
    )


def now_of(centre: Centre, scale: TimeScale) -> int:
    """The centre's time, unless the command line brought a clock of its own."""
    if scale != REAL:
        centre.scale = scale
    return centre.now()


def zone_of(conn: sa.Connection, site: str) -> str:
    """The site's time zone."""
    return latest(conn).site(site).tz


def _unknown(id: str) -> int:
    complain(
        Text(
            f"no ticket {id}: `roundsman ticket list --all` shows them",
            f"没有工单 {id}：用 `roundsman ticket list --all` 查看",
        )
    )
    return 1
