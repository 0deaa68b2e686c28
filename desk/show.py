"""A ticket, its ledger and its clocks: as lines for a terminal in one language, and as stable JSON in both.

The JSON layouts are documented in docs/desk.md; fields are added, never renamed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from desk import words
from desk.calendars import zone
from desk.explain import Counted, Explained, ExplainedClock, level_name
from desk.policy import Policy
from desk.types import Clock, Entry, EntryKind, Interval, Ticket
from model.text import Language, Text


def ticket_json(ticket: Ticket, policy: Policy | None = None) -> dict[str, Any]:
    """One ticket. `level_name` needs its policy."""
    name = level_name(policy, ticket.level) if policy else None
    return {
        "id": ticket.id,
        "state": ticket.state.value,
        "level": ticket.level,
        "level_name": _both(name),
        "impact": ticket.impact.value,
        "title": _both(ticket.title),
        "customer": ticket.customer,
        "site": ticket.site,
        "cause": ticket.key.cause,
        "root": ticket.key.root,
        "incident": ticket.incident,
        "policy": ticket.policy,
        "opened_at": ticket.opened_at,
        "changed_at": ticket.changed_at,
        "closed_at": ticket.closed_at,
        "next_call": _both(ticket.next_call),
        "kind": ticket.kind.value,
        "device": ticket.device,
        "owner": ticket.owner,
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    """One line of the ledger."""
    return {
        "ticket": entry.ticket,
        "seq": entry.seq,
        "at": entry.at,
        "recorded_at": entry.recorded_at,
        "who": entry.who,
        "kind": entry.kind.value,
        "text": _both(entry.text),
        "data": dict(entry.data),
    }


def clock_json(clock: Clock) -> dict[str, Any]:
    """One clock at the moment it was computed."""
    return {
        "clock": clock.name,
        "title": _both(clock.title),
        "state": clock.state.value,
        "target_s": clock.target_s,
        "text": _both(clock.text),
        "calendar": clock.calendar,
        "started_at": clock.started_at,
        "due_at": clock.due_at,
        "stopped_at": clock.stopped_at,
        "counted_s": clock.counted_s,
        "source": clock.source,
        "also": [_both(text) for text in clock.also],
        "intervals": [_interval_json(i) for i in clock.intervals],
        "begun": clock.begun,
        "subject": clock.subject,
        "proof": clock.proof,
        "problems": [_both(text) for text in clock.problems],
    }


def explain_json(explained: Explained) -> dict[str, Any]:
    """All clocks with the stretches that count."""
    return {
        "ticket": ticket_json(explained.ticket, explained.policy),
        "tz": explained.tz,
        "now": explained.now,
        "policy": explained.policy.pin,
        "clocks": [_explained_clock_json(c) for c in explained.clocks],
        "problems": [_both(text) for text in explained.problems],
    }


def ticket_line(ticket: Ticket, policy: Policy | None, language: Language) -> str:
    """One ticket in a list."""
    level = level_name(policy, ticket.level)[language] if policy else ticket.level
    call = f"  → {ticket.next_call[language]}" if ticket.next_call else ""
    state = words.STATES[ticket.state][language]
    return f"{ticket.id}  {state}  {level}  {ticket.site}  {ticket.title[language]}{call}"


def ledger_lines(ledger: list[Entry], tz: str, language: Language) -> list[str]:
    """What happened; an entry learned of later says so."""
    lines = []
    for e in ledger:
        late = "" if e.recorded_at - e.at < 60_000 else _late(e, tz, language)
        kind = words.ENTRIES[e.kind][language]
        lines.append(f"#{e.seq}  {moment(e.at, tz)}  {e.who}  {kind}: {e.text[language]}{late}")
    return lines


def case_json(ledger: list[Entry]) -> dict[str, Any]:
    """What was known when it was opened: why it is one case, likely cause, first steps, evidence, older cases."""
    data = next((e.data for e in ledger if e.kind is EntryKind.OPENED), {})
    said = {name: _of(data, name) for name in ("why", "likely_cause", "first_steps", "similar_why", "apart_why")}
    return {
        "why": _both(said["why"]),
        "likely_cause": _both(said["likely_cause"]),
        "first_steps": _both(said["first_steps"]),
        "similar": [id for id in str(data.get("similar") or "").split(",") if id],
        "similar_why": _both(said["similar_why"]),
        "apart": [id for id in str(data.get("apart") or "").split(",") if id],
        "apart_why": _both(said["apart_why"]),
        "evidence": [line for line in str(data.get("evidence") or "").splitlines() if line],
        "serial": data.get("serial"),
    }


def case_lines(ledger: list[Entry], language: Language) -> list[str]:
    """The same for a terminal; nothing that is not known."""
    data = next((e.data for e in ledger if e.kind is EntryKind.OPENED), {})
    lines = []
    for name, title in words.CASE.items():
        said = _of(data, name)
        if said is not None:
            lines.append(f"{title[language]}: " + said[language].replace("\n", " · "))
    return lines


def _of(data: dict[str, str | int | float | None], name: str) -> Text | None:
    en, zh = data.get(f"{name}_en"), data.get(f"{name}_zh")
    return Text(str(en), str(zh)) if en and zh else None


def clock_line(clock: Clock, tz: str, language: Language, breaks_after: Text | None = None) -> str:
    """One clock: promise, state, when it is due, where it is written."""
    due, said = ("应于", "另载") if language == "zh" else ("due", "also says")
    limit = breaks_after[language] if breaks_after else ""
    promise = " · ".join(part for part in (clock.text[language] if clock.text else "", limit) if part)
    about = f" {clock.subject}" if clock.subject else ""
    parts = [
        f"{clock.title[language]} [{clock.name}{about}]",
        words.CLOCK_STATES[clock.state][language],
        words.PROOFS[clock.proof][language] if clock.proof in words.PROOFS else "",
        promise,
        clock.calendar,
        f"{due} {moment(clock.due_at, tz)}" if clock.due_at is not None else "",
        clock.source,
        f"{said} {', '.join(t[language] for t in clock.also)}" if clock.also else "",
    ]
    return " · ".join(part for part in parts if part)


def explain_lines(explained: Explained, language: Language) -> list[str]:
    """Each clock's intervals with start, end and seconds counted; the sums can be checked with a pencil."""
    as_of = "截至" if language == "zh" else "as of"
    t = explained.ticket
    head = f"{t.id} · {t.title[language]} · {explained.level[language]} · {t.policy}"
    lines = [f"{head} · {as_of} {moment(explained.now, explained.tz)}"]
    lines += [f"! {problem[language]}" for problem in explained.problems]
    for item in explained.clocks:
        lines.append(clock_line(item.clock, explained.tz, language, item.breaks_after))
        lines += [f"    ! {problem[language]}" for problem in item.clock.problems]
        for counted in item.counted:
            lines += _interval_lines(counted, explained, language)
        total = "合计" if language == "zh" else "sum"
        lines.append(f"    {total} {item.clock.counted_s:.3f} s = {hms(item.clock.counted_s)}")
    return lines


def moment(at: int, tz: str) -> str:
    """An instant on the site's wall clock, to the millisecond, with its offset."""
    local = datetime.fromtimestamp(at // 1000, zone(tz))
    return f"{local:%Y-%m-%d %H:%M:%S}.{at % 1000:03d} {local:%z}"


def hms(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> hms(5400.25)
    '1:30:00.250'
    """
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def _interval_lines(counted: Counted, explained: Explained, language: Language) -> list[str]:
    i, tz = counted.interval, explained.tz
    end = i.until if i.until is not None else explained.now
    open_end = "" if i.until is not None else (" (现在)" if language == "zh" else " (now)")
    state = words.CLOCK_STATES[i.state][language]
    late = counted.entry.recorded_at - counted.entry.at >= 60_000
    noted = _late(counted.entry, tz, language) if late else ""
    began = f"#{i.by} {words.ENTRIES[counted.began_with][language]} ({counted.entry.who}){noted}"
    line = f"    {moment(i.since, tz)} → {moment(end, tz)}{open_end}  {i.counted_s:.3f} s  {state}  {began}  {i.source}"
    whole = len(counted.windows) == 1 and counted.windows[0] == (i.since, end)
    if whole or not counted.windows:
        return [line.rstrip()]
    sub = [f"        + {moment(a, tz)} → {moment(b, tz)}  {(b - a) / 1000:.3f} s" for a, b in counted.windows]
    return [line.rstrip(), *sub]


def _late(entry: Entry, tz: str, language: Language) -> str:
    word = "补记于" if language == "zh" else "recorded"
    return f"  ({word} {moment(entry.recorded_at, tz)})"


def _explained_clock_json(item: ExplainedClock) -> dict[str, Any]:
    intervals = [
        {
            **_interval_json(c.interval),
            "began_with": c.began_with.value,
            "windows": [list(w) for w in c.windows],
            "entry": {key: value for key, value in entry_json(c.entry).items() if key != "data"},
        }
        for c in item.counted
    ]
    return {**clock_json(item.clock), "breaks_after": _both(item.breaks_after), "intervals": intervals}


def _interval_json(i: Interval) -> dict[str, Any]:
    return {
        "since": i.since,
        "until": i.until,
        "state": i.state.value,
        "counted_s": i.counted_s,
        "by": i.by,
        "source": i.source,
        "calendar": i.calendar,
    }


def _both(text: Text | None) -> dict[str, str] | None:
    return None if text is None else {"en": text.en, "zh": text.zh}
