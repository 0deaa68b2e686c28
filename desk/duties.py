"""Planned work: what the contract makes due by the calendar, and how each stands. Pure, from what was done and now.

Nothing is stored but what people did (and what telemetry proved): after a week's shutdown the answer is the same as
if the desk had run. Days are days on the site's wall clock. Rules:
- `every`: counted from the last time it was done, else from the contract's first day. Due for that whole day; overdue
  from `overdue` on (counted likewise), else from the day after.
- `times` in each `every` (3 visits per half year): periods follow each other from the contract's first day, each cut into
  as many equal parts; who is behind the pace is overdue. What a past period lacked stays counted as `missed`.
- `after` an entry: once for each such entry of each ticket, from that day.
- Words without a number are shown and never due, unless the customer agreed on a cadence.
- A discharge deep enough counts as the discharge maintenance, whoever or whatever caused it. None is ever started here.
- What was done counts on the day it was done, whenever it was recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

import msgspec

from desk.calendars import zone
from desk.duration import Duration
from desk.lines import Line
from desk.policy import Duty, Policy
from desk.types import Entry
from model.inventory import Inventory
from model.text import Text


class DutyState(StrEnum):
    """From calm to late; `words` has no number and is never due."""

    SCHEDULED = "scheduled"
    SOON = "soon"  #: warned: near its day
    DUE = "due"
    OVERDUE = "overdue"
    DONE = "done"
    WORDS = "words"


NAMES: dict[DutyState, Text] = {
    DutyState.SCHEDULED: Text("scheduled", "已排期"),
    DutyState.SOON: Text("due soon", "即将到期"),
    DutyState.DUE: Text("due", "到期"),
    DutyState.OVERDUE: Text("overdue", "逾期"),
    DutyState.DONE: Text("done", "已完成"),
    DutyState.WORDS: Text("no date in the contract", "合同未定日期"),
}
#: How long before its day a duty is told: a quarter of its period, a day at least, two weeks at the most.
WARN_SHARE, WARN_LEAST, WARN_MOST = 0.25, 1, 14
_FOREVER = 4000


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One duty for one subject. `since` is where counting begins while it was never done."""

    key: str
    duty: Duty
    customer: str | None
    site: str | None
    device: str | None
    ticket: str | None
    tz: str
    since: date


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """It was done at `at`, recorded at `recorded_at`. `depth` share of the capacity, for a discharge."""

    at: int
    recorded_at: int
    who: str
    depth: float | None = None
    document: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a job stands today; days are the site's."""

    job: Job
    state: DutyState
    due_on: date | None = None
    overdue_on: date | None = None
    due_at: int | None = None
    overdue_at: int | None = None
    last: Done | None = None
    last_kept: bool | None = None  #: whether the last one was done before it was overdue
    done_in_period: int = 0
    missed: int = 0  #: that were never done, in periods that are over
    agreed: Duration | None = None  #: the cadence on which the customer agreed, where the contract has none


def jobs(policy: Policy, inventory: Inventory, customer: str, since: date) -> list[Job]:
    """The duties with a cadence or words that this customer's contract brings, each for each of its subjects."""
    sites = sorted((s for s in inventory.sites.values() if s.customer == customer), key=lambda s: s.id)
    home = sites[0].tz if sites else "Asia/Shanghai"
    mine = {site.id: site for site in sites}
    devices = [(mine[d.site], d) for d in inventory.devices.values() if d.kind == "ups" and d.site in mine]
    found: list[Job] = []
    for duty in policy.duties:
        if duty.after is not None:
            continue
        if duty.scope == "house":
            found.append(_job(duty, policy.id, None, None, None, home, since))
        elif duty.scope == "customer":
            found.append(_job(duty, customer, customer, None, None, home, since))
        elif duty.scope == "site":
            found += [_job(duty, s.id, customer, s.id, None, s.tz, since) for s in sites]
        else:
            found += [
                _job(duty, d.id, customer, s.id, d.id, s.tz, max(since, _day(d.installed) or since)) for s, d in devices
            ]
    return found


def after_jobs(policy: Policy, ledger: Sequence[Entry], tz: str) -> list[Job]:
    """The duties that this ticket's entries made due (a survey after each service), one for each entry."""
    opened = ledger[0].data
    found = []
    for duty in policy.duties:
        for entry in ledger:
            if duty.after == entry.kind.value:
                day = _local(entry.at, tz)
                subject = f"{entry.ticket}:{entry.seq}"
                job = _job(duty, subject, str(opened.get("customer")), str(opened.get("site")), None, tz, day)
                found.append(msgspec.structs.replace(job, ticket=entry.ticket))
    return found


def standing(job: Job, done: Sequence[Done], now: int, agreed: Duration | None = None) -> Standing:
    """How the job stands at `now`. What is dated ahead of it does not count yet."""
    counting = sorted((d for d in done if d.at <= now and _deep(job.duty, d)), key=lambda d: d.at)
    today = _local(now, job.tz)
    every = job.duty.every or agreed
    if job.duty.after is not None:
        return _once(job, counting, today)
    if every is None:
        return Standing(job=job, state=DutyState.WORDS, last=counting[-1] if counting else None)
    by_pace = _paced if job.duty.times > 1 else _rolling
    found = by_pace(job, counting, today, every)
    return msgspec.structs.replace(found, agreed=agreed if job.duty.every is None else None)


def done_of(lines: Sequence[Line]) -> list[Done]:
    """What the lines of one duty say was done; `undone` takes one back."""
    found: dict[int, Done] = {}
    for line in lines:
        if line.event == "done":
            found[line.seq] = Done(
                at=line.at,
                recorded_at=line.recorded_at,
                who=line.who,
                depth=line.data.get("depth"),
                document=line.data.get("document"),
            )
        elif line.event == "undone":
            found.pop(int(line.data["seq"]), None)
    return list(found.values())


def agreed_of(lines: Sequence[Line]) -> Duration | None:
    """The cadence on which the customer agreed last."""
    said = [line.data.get("every") for line in lines if line.event == "agreed"]
    return Duration.parse(str(said[-1])) if said and said[-1] else None


def called_for(lines: Sequence[Line]) -> set[str]:
    """The overdue days for which somebody was called already."""
    return {str(line.data.get("overdue_on")) for line in lines if line.event == "called"}


def _rolling(job: Job, done: Sequence[Done], today: date, every: Duration) -> Standing:
    anchor, kept = job.since, None
    for one in done:
        day = _local(one.at, job.tz)
        kept = day < _overdue(job.duty, anchor, every)
        anchor = max(anchor, day) if one is not done[0] else day
    due, overdue = every.after(anchor), _overdue(job.duty, anchor, every)
    missed, following = 0, every.after(due)
    while following <= today and missed < _FOREVER:
        missed, following = missed + 1, every.after(following)
    state = _state(today, _warn(anchor, due), due, overdue)
    return _standing(job, state, due, overdue, done, last_kept=kept, missed=missed)


def _paced(job: Job, done: Sequence[Done], today: date, every: Duration) -> Standing:
    times = job.duty.times
    days = [_local(d.at, job.tz) for d in done]
    start, end, missed = job.since, every.after(job.since), 0
    for n in range(1, _FOREVER):
        if today < end:
            break
        missed += max(0, times - sum(start <= day < end for day in days))
        start, end = end, _times(every, n + 1).after(job.since)
    had = sum(start <= day < end for day in days)
    if had < times:
        due, begins = _slot(start, end, had + 1, times) - timedelta(days=1), _slot(start, end, had, times)
    else:  # all of this period is done: the first of the next one comes
        after = _times(every, 1).after(end)
        due, begins = _slot(end, after, 1, times) - timedelta(days=1), end
    overdue = due + timedelta(days=1)
    state = _state(today, max(_warn(begins, due), begins), due, overdue)
    if had >= times:
        state = DutyState.DONE
    return _standing(job, state, due, overdue, done, done_in_period=had, missed=missed)


def _once(job: Job, done: Sequence[Done], today: date) -> Standing:
    due = job.duty.every.after(job.since) if job.duty.every else job.since
    overdue = job.duty.overdue.after(job.since) if job.duty.overdue else due + timedelta(days=1)
    if done:
        kept = _local(done[0].at, job.tz) < overdue
        return _standing(job, DutyState.DONE, due, overdue, done, last_kept=kept, done_in_period=len(done))
    return _standing(job, _state(today, _warn(job.since, due), due, overdue), due, overdue, done)


def _standing(
    job: Job,
    state: DutyState,
    due: date,
    overdue: date,
    done: Sequence[Done],
    *,
    last_kept: bool | None = None,
    done_in_period: int = 0,
    missed: int = 0,
) -> Standing:
    return Standing(
        job=job,
        state=state,
        due_on=due,
        overdue_on=overdue,
        due_at=midnight(due, job.tz),
        overdue_at=midnight(overdue, job.tz),
        last=done[-1] if done else None,
        last_kept=last_kept,
        done_in_period=done_in_period,
        missed=missed,
    )


def midnight(day: date, tz: str) -> int:
    """The instant at which a day begins on a zone's wall clock."""
    return round(datetime.combine(day, time(), zone(tz)).astimezone(UTC).timestamp() * 1000)


def _state(today: date, warn: date, due: date, overdue: date) -> DutyState:
    if today >= overdue:
        return DutyState.OVERDUE
    if today >= due:
        return DutyState.DUE
    return DutyState.SOON if today >= warn else DutyState.SCHEDULED


def _overdue(duty: Duty, anchor: date, every: Duration) -> date:
    return duty.overdue.after(anchor) if duty.overdue else every.after(anchor) + timedelta(days=1)


def _warn(anchor: date, due: date) -> date:
    lead = min(max(round((due - anchor).days * WARN_SHARE), WARN_LEAST), WARN_MOST)
    return due - timedelta(days=lead)


def _slot(start: date, end: date, n: int, times: int) -> date:
    return start + timedelta(days=round((end - start).days * n / times))


def _times(every: Duration, n: int) -> Duration:
    return Duration(iso="", months=every.months * n, days=every.days * n)


def _deep(duty: Duty, done: Done) -> bool:
    return duty.min_depth is None or (done.depth is not None and done.depth >= duty.min_depth)


def _job(
    duty: Duty, subject: str, customer: str | None, site: str | None, device: str | None, tz: str, since: date
) -> Job:
    key = f"{duty.id}:{subject}"
    return Job(key=key, duty=duty, customer=customer, site=site, device=device, ticket=None, tz=tz, since=since)


def _local(at: int, tz: str) -> date:
    return datetime.fromtimestamp(at / 1000, zone(tz)).date()


def _day(iso: str | None) -> date | None:
    try:
        return date.fromisoformat(iso) if iso else None
    except ValueError:
        return None
