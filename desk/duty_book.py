"""Planned work on the database: the list with its states, what was done, and the one call when something is overdue.

The list is computed, never stored (desk.duties). An overdue duty of a customer, site or device opens one ticket of kind
`planned` at the customer's site, for all its devices there, so that the outbox calls its role; once for each due day,
whatever restarts; what was overdue before the desk looked for the first time is one ticket a customer. Recording the work closes that ticket. The house's own duties are listed and noted, without a ticket.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec
import sqlalchemy as sa

import desk.store as desk
from desk import duties, field_sql, sql
from desk.calendars import zone
from desk.duration import Duration
from desk.duties import Done, DutyState, Job, Standing
from desk.lines import Data, FieldRefused, Line, Subject, by_id, not_ahead
from desk.policies import load
from desk.policy import Policy
from desk.telling import tell
from desk.ticket import ENDED
from desk.types import Draft, Entry, EntryKind, TicketKind
from model.inventory import Contract, Inventory
from model.text import Text

#: Services older than this are no longer asked about.
ASKED_ABOUT_DAYS = 400
_WORST_FIRST = (
    DutyState.OVERDUE,
    DutyState.DUE,
    DutyState.SOON,
    DutyState.SCHEDULED,
    DutyState.DONE,
    DutyState.WORDS,
)


def standings(conn: sa.Connection, inventory: Inventory, now: int, *, customer: str | None = None) -> list[Standing]:
    """Every duty of every contract in force, the most urgent first."""
    told = by_id(field_sql.lines(conn, "duty"))
    found: dict[str, Standing] = {}
    for contract, policy in _contracts(inventory, now):
        if customer is not None and contract.customer != customer:
            continue
        for job in duties.jobs(policy, inventory, contract.customer, date.fromisoformat(contract.since)):
            lines = told.get(job.key, [])
            found[job.key] = duties.standing(job, duties.done_of(lines), now, duties.agreed_of(lines))
        for job, done in _after(conn, contract.customer, now):
            found[job.key] = duties.standing(job, [*done, *duties.done_of(told.get(job.key, []))], now)
    return sorted(found.values(), key=lambda s: (_WORST_FIRST.index(s.state), s.due_on or date.max, s.job.key))


def done(
    conn: sa.Connection,
    inventory: Inventory,
    key: str,
    who: str,
    at: int,
    now: int,
    *,
    depth: float | None = None,
    document: str | None = None,
    text: str = "",
) -> Line:
    """It was done at `at`, perhaps long ago; told twice it is once. `depth` is a discharge's. Raises FieldRefused."""
    not_ahead(at, now)
    held = job(conn, inventory, key, now)
    if held.duty.min_depth is not None and depth is None:
        raise FieldRefused(NO_DEPTH.format(least=f"{held.duty.min_depth:.0%}"))
    if depth is not None and not 0 <= depth <= 1:
        raise FieldRefused(BAD_DEPTH)
    line = _record(conn, held, who, at, now, depth, document, text)
    _close_calls(conn, [line], now)
    return line


def discharged(
    conn: sa.Connection, inventory: Inventory, found: Iterable[tuple[str, int, float]], now: int
) -> list[Line]:
    """Telemetry saw discharges end, each (device, at, depth): they count where a contract asks for one that deep."""
    deep: dict[str, list[Job]] = defaultdict(list)
    for one in standings(conn, inventory, now):
        if one.job.device is not None and one.job.duty.min_depth is not None:
            deep[one.job.device].append(one.job)
    told = {(line.id, line.at) for line in field_sql.lines(conn, "duty") if line.event == "done"}
    recorded = [
        _record(conn, held, "roundsman", at, now, depth, None, "telemetry")
        for device, at, depth in found
        for held in deep.get(device, [])
        if depth >= (held.duty.min_depth or 1) and (held.key, at) not in told and at <= now
    ]
    _close_calls(conn, recorded, now)
    return recorded


def _record(
    conn: sa.Connection, held: Job, who: str, at: int, now: int, depth: float | None, document: str | None, text: str
) -> Line:
    data: Data = {"depth": depth, "document": document, "source": held.duty.source}
    title = held.duty.title
    said = Text(f"{title.en}: done. {text}".rstrip(), f"{title.zh}：已完成。{text}".rstrip())
    return field_sql.add(conn, "duty", held.key, "done", who, at, now, said, of=_subject(held), data=data)


def undo(conn: sa.Connection, key: str, seq: int, why: str, who: str, now: int) -> Line:
    """Line `seq` was a mistake; it stays, and counts no more. Raises FieldRefused."""
    lines = field_sql.lines(conn, "duty", id=key)
    if not why.strip() or not any(line.seq == seq and line.event == "done" for line in lines):
        raise FieldRefused(NO_SUCH_DONE.format(key=key, seq=seq))
    return field_sql.add(conn, "duty", key, "undone", who, now, now, Text(why, why), data={"seq": seq})


def agree(conn: sa.Connection, inventory: Inventory, key: str, every: str, who: str, now: int) -> Line:
    """The customer wants it this often, where the contract leaves it to them. Raises FieldRefused."""
    held = job(conn, inventory, key, now)
    if held.duty.every is not None:
        raise FieldRefused(HAS_CADENCE.format(every=held.duty.every.iso, source=held.duty.source))
    try:
        cadence = Duration.parse(every)
    except ValueError as error:
        raise FieldRefused(Text(str(error), f"应为 ISO 8601 周期（如 P3M），实为 {every!r}")) from error
    if not (cadence.months or cadence.days):
        raise FieldRefused(BAD_CADENCE.format(every=every))
    said = cadence.words()
    text = Text(f"agreed with the customer: every {said.en}", f"与客户约定：每{said.zh}一次")
    return field_sql.add(conn, "duty", key, "agreed", who, now, now, text, of=_subject(held), data={"every": every})


def call_overdue(conn: sa.Connection, inventory: Inventory, now: int) -> list[str]:
    """Call the role of each duty that became overdue, once; the tickets that this opened. For a slow tick.

    What was overdue already when a customer's duties are looked at for the first time is one ticket in all: nobody is
    helped by hundreds on the day on which an inventory comes in.
    """
    told = by_id(field_sql.lines(conn, "duty"))
    begun = {c.customer: _watched_since(conn, c.customer, now) for c, _ in _contracts(inventory, now)}
    late: dict[tuple[str, str | None, str | None], list[Standing]] = defaultdict(list)
    for one in standings(conn, inventory, now):
        job = one.job
        known = duties.called_for(told.get(job.key, []))
        if one.state is not DutyState.OVERDUE or job.ticket is not None or str(one.overdue_on) in known:
            continue
        old = not job.duty.internal and (one.overdue_at or now) < begun.get(job.customer or "", 0)
        late[("", job.customer, None) if old else (job.duty.id, job.customer, job.site)].append(one)
    return [ticket for group in late.values() if (ticket := _call(conn, inventory, group, told, now)) is not None]


def _watched_since(conn: sa.Connection, customer: str, now: int) -> int:
    """When this customer's duties were looked at for the first time; written down then."""
    lines = field_sql.lines(conn, "duty_watch", id=customer)
    if lines:
        return lines[0].at
    text = Text("the watch over the duties began", "开始跟踪计划任务")
    return field_sql.add(
        conn, "duty_watch", customer, "begun", "roundsman", now, now, text, of=Subject(customer=customer)
    ).at


def _call(
    conn: sa.Connection, inventory: Inventory, group: Sequence[Standing], told: Mapping[str, Sequence[Line]], now: int
) -> str | None:
    first = group[0]
    job = first.job
    many = len({s.job.duty.id for s in group}) > 1 or len({s.job.site for s in group}) > 1
    at = now if many else min(first.overdue_at or now, now)
    title = _many_title(group) if many else _title(group)
    ticket = None
    place = _place(inventory, job)
    if place is not None and not job.duty.internal:
        data: dict[str, str | int | float | None] = {
            "duty": ",".join(dict.fromkeys(s.job.duty.id for s in group)),
            "due": str(first.due_on),
            "source": ", ".join(dict.fromkeys(s.job.duty.source for s in group)),
            "role": job.duty.by,
        }
        ticket = desk.open_by_person(conn, TicketKind.PLANNED, place, title, "roundsman", at, inventory, now, data)
    field_sql.add_all(conn, [_called(one, title, ticket, at, now, len(told.get(one.job.key, []))) for one in group])
    return ticket


def _called(one: Standing, title: Text, ticket: str | None, at: int, now: int, kept: int) -> Line:
    job = one.job
    return Line(
        kind="duty",
        id=job.key,
        seq=kept + 1,
        at=at,
        recorded_at=max(now, at),
        who="roundsman",
        event="called",
        customer=job.customer,
        site=job.site,
        device=job.device,
        ticket=job.ticket,
        text=title,
        data={"overdue_on": str(one.overdue_on), "role": job.duty.by, "ticket": ticket},
    )


def _close_calls(conn: sa.Connection, recorded: Sequence[Line], now: int) -> None:
    """Tell the tickets that called for these; one whose last duty is done closes."""
    told = by_id(field_sql.lines(conn, "duty")) if recorded else {}
    waiting = {key: call for key, lines in told.items() if (call := _open_call(lines)) is not None}
    still_open = {str(call.data["ticket"]) for call in waiting.values()}
    told_of: dict[str, list[Line]] = defaultdict(list)
    for line in recorded:
        calls = [c for c in told.get(line.id, []) if c.event == "called" and c.data.get("ticket")]
        if calls:
            told_of[str(calls[-1].data["ticket"])].append(line)
    for ticket, lines in told_of.items():
        held = desk.ticket(conn, ticket)
        if held.state in ENDED:
            continue
        last = max(lines, key=lambda line: line.at)
        more = Text(f" ({len(lines)} devices)", f"（{len(lines)} 台）") if len(lines) > 1 else Text("", "")
        text = Text(last.text.en + more.en, last.text.zh + more.zh)
        data: dict[str, str | int | float | None] = {"duty": last.id, "done": len(lines)}
        at = max(last.at, held.opened_at)
        tell(conn, ticket, [Draft(at=at, who=last.who, kind=EntryKind.NOTE, text=text, data=data)], now)
        if ticket not in still_open:
            text = Text("the planned work is done", "计划内工作已完成")
            tell(conn, ticket, [Draft(at=now, who=last.who, kind=EntryKind.CLOSED, text=text)], now)


def _open_call(lines: Sequence[Line]) -> Line | None:
    """The newest call of a duty, while nothing was done since."""
    call = next((c for c in reversed(lines) if c.event == "called" and c.data.get("ticket")), None)
    undone = {line.data.get("seq") for line in lines if line.event == "undone"}
    if call is None or any(d.event == "done" and d.seq > call.seq and d.seq not in undone for d in lines):
        return None
    return call


def _contracts(inventory: Inventory, now: int) -> list[tuple[Contract, Policy]]:
    """The contracts in force today, each with its policy; one whose file cannot be read brings nothing."""
    found = []
    for contract in inventory.contracts:
        site = next((s for s in inventory.sites.values() if s.customer == contract.customer), None)
        day = datetime.fromtimestamp(now / 1000, zone(site.tz) if site else UTC).date().isoformat()
        if contract.since <= day and (contract.until is None or day < contract.until):
            policy = load(contract.policy)
            if policy is not None:
                found.append((contract, policy))
    return found


def _after(conn: sa.Connection, customer: str, now: int) -> list[tuple[Job, list[Done]]]:
    """What each service of the last months made due, and how the ticket itself says that it was done."""
    since = now - ASKED_ABOUT_DAYS * 24 * 3_600_000
    held = [t for t in desk.tickets(conn, customer) if t.changed_at >= since]
    rules = {t.policy: desk.policy(conn, t) for t in {t.policy: t for t in held}.values()}
    asked = [t for t in held if any(duty.after for duty in rules[t.policy].duties)]
    ledgers = sql.entries_of(conn, [t.id for t in asked])
    found = []
    for ticket in asked:
        ledger = ledgers[ticket.id]
        tz = str(ledger[0].data.get("tz") or "UTC")
        found += [(job, _surveyed(job, ledger)) for job in duties.after_jobs(rules[ticket.policy], ledger, tz)]
    return found


def _surveyed(job: Job, ledger: Sequence[Entry]) -> list[Done]:
    if job.duty.kind != "survey":
        return []
    asked = next(e.at for e in ledger if str(e.seq) == job.key.rpartition(":")[2])
    return [
        Done(at=e.at, recorded_at=e.recorded_at, who=e.who)
        for e in ledger
        if e.kind is EntryKind.SURVEYED and e.at >= asked
    ]


def job(conn: sa.Connection, inventory: Inventory, key: str, now: int) -> Job:
    """The duty of a key. Raises FieldRefused."""
    found = {s.job.key: s.job for s in standings(conn, inventory, now)}
    if key not in found:
        raise FieldRefused(NO_DUTY.format(key=key))
    return found[key]


def _subject(job: Job) -> Subject:
    return Subject(customer=job.customer, site=job.site, device=job.device, ticket=job.ticket)


def _place(inventory: Inventory, job: Job) -> str | None:
    """Where the ticket is opened: the customer's first site for what is the customer's."""
    if job.customer is None:
        return None
    sites = sorted(s.id for s in inventory.sites.values() if s.customer == job.customer)
    return job.site or (sites[0] if sites else None)


def _title(group: Sequence[Standing]) -> Text:
    first = min(group, key=lambda s: s.overdue_on or date.max)
    duty = first.job.duty
    devices = [s.job.device for s in group if s.job.device]
    which = f" ({', '.join(devices[:5])}{' …' if len(devices) > 5 else ''})" if devices else ""
    return Text(
        f"Overdue since {first.overdue_on}: {duty.title.en}{which} [{duty.source}]",
        f"逾期（自 {first.overdue_on}）：{duty.title.zh}{which}［{duty.source}］",
    )


def _many_title(group: Sequence[Standing]) -> Text:
    """What was overdue when the watch began, in one line."""
    duty = {s.job.duty.id: s.job.duty for s in group}
    counted = Counter(s.job.duty.id for s in group)
    return Text(
        f"Overdue before the watch began: {', '.join(f'{duty[d].title.en} ×{n}' for d, n in counted.items())}",
        f"开始跟踪前已逾期：{'，'.join(f'{duty[d].title.zh} ×{n}' for d, n in counted.items())}",
    )


def standing_json(one: Standing) -> dict[str, object]:
    """One duty as a JSON object; days are ISO days of the site, times ms."""
    job = one.job
    return {
        "duty": job.key,
        "kind": job.duty.kind,
        "title": {"en": job.duty.title.en, "zh": job.duty.title.zh},
        "state": one.state.value,
        "customer": job.customer,
        "site": job.site,
        "device": job.device,
        "ticket": job.ticket,
        "every": job.duty.every.iso if job.duty.every else None,
        "times": job.duty.times,
        "agreed": one.agreed.iso if one.agreed else None,
        "due_on": str(one.due_on) if one.due_on else None,
        "overdue_on": str(one.overdue_on) if one.overdue_on else None,
        "due_at": one.due_at,
        "overdue_at": one.overdue_at,
        "last": msgspec.to_builtins(one.last),
        "last_kept": one.last_kept,
        "done_in_period": one.done_in_period,
        "missed": one.missed,
        "by": job.duty.by,
        "internal": job.duty.internal,
        "text": {"en": job.duty.text.en, "zh": job.duty.text.zh} if job.duty.text else None,
        "source": job.duty.source,
    }


NO_DUTY = Text(
    "no duty {key}: `roundsman field duty list` shows them", "没有任务 {key}：用 `roundsman field duty list` 查看"
)
NO_DEPTH = Text(
    "how deep was the discharge? expected a share of the capacity (--depth 0.3); it counts from {least} on",
    "放电深度是多少？应为占容量的比例（--depth 0.3）；达到 {least} 方计入",
)
BAD_DEPTH = Text("expected a depth from 0 to 1, like 0.3", "深度应为 0 至 1，如 0.3")
NO_SUCH_DONE = Text(
    "{key} has no done line {seq}, or no reason was given; name the line and why it was wrong",
    "{key} 没有第 {seq} 行完成记录，或未写原因；请写明行号与原因",
)
HAS_CADENCE = Text(
    "the contract itself says every {every} ({source}); a cadence is agreed only where it says none",
    "合同已规定周期 {every}（{source}）；仅在合同未定时才可约定",
)
BAD_CADENCE = Text(
    "expected days, weeks, months or years (P3M), got {every}", "周期应为天、周、月或年（如 P3M），实为 {every}"
)
