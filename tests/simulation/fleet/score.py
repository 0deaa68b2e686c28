"""Figures of a fleet from the results of its devices. Pure.

Definitions:
    failure         the battery's true capacity at 25 °C falls below 80 % of its rating; every bank here is laid out with at least four
                    times the runtime that is required, so the load would drop only later
    announced       (a) a finding that calls for an act on the battery stands 30 days before the failure: `battery_unproven` (test it), `battery_due`
                    (plan it), `battery_replace`, `runtime_shortfall`; (b) the same, told at most 365 days before, as who hears it for two years
                    hears it no more; (c) `battery_replace` alone, as (b). Counted are failures by wear of batteries watched for 180 days at least;
                    jars that fail within days are fault kinds of their own (battery.cell_…)
    false job       a ticket that orders a battery (`battery_replace`) for one that would have held 365 days or more (a stricter 180 beside)
    false ticket    a ticket none of whose kinds belongs to any fault or event that was there; when a fault was there and another name was
                    given it is a wrong name, counted under that fault
                    What is told at the instant of an exchange (a block ends there) is about the battery that went.
    in time         a finding of a right kind (`naming`) was told between the fault's onset and its outage less its lead time
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec
from scipy.stats import binomtest, chi2

from alerts.kinds import Root, kind_of
from analytics.calibration import Case
from tests.simulation.fleet import naming
from tests.simulation.fleet.chance import DAY_MS
from tests.simulation.fleet.run import SETTLE_MS, Result, Seen, Ticket
from tests.simulation.fleet.truth import Life, Truth

YEAR_MS = 365.25 * DAY_MS
LEAD_MS, EARLY_MS, STRICT_MS, WATCHED_MS, MONTH_MS = 30 * DAY_MS, 365 * DAY_MS, 180 * DAY_MS, 180 * DAY_MS, 30 * DAY_MS
#: A finding may be told this long after a truth is over and still be about it.
SLACK_MS = 3 * DAY_MS
ACTS, JOBS = naming.ACTS, naming.ORDERS
BINS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01)


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """`k` of `n`, with its 95 % interval (Wilson)."""

    k: int
    n: int

    @property
    def value(self) -> float:
        return self.k / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        if not self.n:
            return (0.0, 1.0)
        found = binomtest(self.k, self.n).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """`k` events in `per` units, with its 95 % interval (exact Poisson)."""

    k: int
    per: float

    @property
    def value(self) -> float:
        return self.k / self.per if self.per else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        if not self.per:
            return (0.0, float("inf"))
        low = chi2.ppf(0.025, 2 * self.k) / 2 if self.k else 0.0
        return float(low / self.per), float(chi2.ppf(0.975, 2 * self.k + 2) / 2 / self.per)


class FaultRow(msgspec.Struct, kw_only=True):
    """One kind of fault: how many, and what became of them; `named`: what was said in place of the right name."""

    injected: int = 0
    in_time: int = 0
    late: int = 0
    wrong: int = 0
    missed: int = 0
    named: dict[str, int] = {}


class Figures(msgspec.Struct, kw_only=True):
    """The whole table. Reliability: [bin's lower end, claimed mean, right, all]."""

    devices: int
    device_years: float
    battery_years: float
    readings: int
    announced: Share  #: (b)
    announced_by_job: Share  #: (c)
    announced_ever: Share  #: (a)
    visits: int
    early_days: list[float]
    false_jobs: Rate
    false_jobs_strict: Rate
    faults: dict[str, FaultRow]
    in_time: Share
    false_tickets: Rate
    false_kinds: dict[str, int]
    first_month: int
    first_month_kinds: dict[str, int]
    reliability: list[tuple[float, float, int, int]]
    reliability_by_kind: dict[str, tuple[float, int, int]]
    seen: dict[str, int]
    broken: dict[str, int]


def figures(results: Sequence[Result]) -> Figures:
    lives = [(result, life) for result in results for life in result.lives]
    worn = [(r, x) for r, x in lives if _counts(r, x)]
    jobs = [(r, t) for r in results for t in r.tickets if JOBS & set(t.kinds)]
    faults, years = _faults(results), sum(r.to_ms - r.from_ms for r in results) / YEAR_MS
    battery_years = sum(r.to_ms - r.from_ms for r in results if r.lives) / YEAR_MS
    false = _distinct([(r, t) for r in results for t in r.tickets if _false(r, t)])
    month = [s for r in results for s in r.seen if _first_month(r, s)]
    judged = [(s, ok) for r in results for s in r.seen if (ok := _right(r, s)) is not None]
    counted = [row for kind, row in faults.items() if not kind.startswith(("event.", "sensor."))]
    return Figures(
        devices=len(results),
        device_years=years,
        battery_years=battery_years,
        readings=sum(r.readings for r in results),
        announced=Share(k=sum(_announced(r, x, ACTS) for r, x in worn), n=len(worn)),
        announced_by_job=Share(k=sum(_announced(r, x, JOBS) for r, x in worn), n=len(worn)),
        announced_ever=Share(k=sum(_stood_ever(r, x) for r, x in worn), n=len(worn)),
        visits=sum(r.visits for r in results),
        early_days=sorted(d for r, x in worn if (d := _early(r, x)) is not None),
        false_jobs=Rate(k=sum(_early_job(r, t, EARLY_MS) for r, t in jobs), per=battery_years / 1000),
        false_jobs_strict=Rate(k=sum(_early_job(r, t, STRICT_MS) for r, t in jobs), per=battery_years / 1000),
        faults=faults,
        in_time=Share(k=sum(row.in_time for row in counted), n=sum(row.injected for row in counted)),
        false_tickets=Rate(k=len(false), per=years),
        false_kinds=dict(Counter(kind for t in false for kind in _ticketing(t)).most_common()),
        first_month=len(month),
        first_month_kinds=dict(Counter(s.kind for s in month).most_common()),
        reliability=_reliability(judged),
        reliability_by_kind=_by_kind(judged),
        seen=dict(Counter(s.kind for r in results for s in r.seen).most_common()),
        broken=dict(Counter(f for r in results for f in r.faults).most_common(10)),
    )


def cases(results: Sequence[Result]) -> list[str]:
    """Each miss and each false one with its device and day, to play it again."""
    found = []
    for r in results:
        name = f"seed {r.seed} device {r.number}"
        found += [
            f"{name}: battery failed on day {_day(r, x.failed)}, not announced"
            for x in r.lives
            if _counts(r, x) and not _announced(r, x, ACTS)
        ]
        found += [
            f"{name}: false ticket on day {_day(r, t.told)}: {', '.join(_ticketing(t))}"
            for t in r.tickets
            if _false(r, t)
        ]
        for t in r.truths:
            row = FaultRow()
            if naming.is_fault(t.kind) and t.outage < r.to_ms:
                _place(row, t, r)
                if not row.in_time:
                    outcome = "late" if row.late else "wrong" if row.wrong else "missed"
                    found.append(f"{name}: {t.kind} from day {_day(r, t.onset)}: {outcome}")
    return found


def claims(results: Iterable[Result]) -> list[Case]:
    """Every finding that claims something, with what its detector claimed and whether it was right. What has its root in the site is one for all."""
    return [
        Case(
            kind=s.kind,
            device=f"{r.seed}/{r.device.partition('/')[0] if kind_of(s.kind).root is Root.SITE else r.device}",
            score=s.score if s.claimed is None else s.claimed,
            right=ok,
        )
        for r in results
        for s in r.seen
        if (ok := _right(r, s)) is not None
    ]


def _day(result: Result, at: int | None) -> int:
    return round(((at or 0) - result.from_ms) / DAY_MS)


def _counts(result: Result, life: Life) -> bool:
    """A failure within the story of a battery that was watched long enough."""
    return life.failed is not None and max(life.since, result.from_ms) + WATCHED_MS <= life.failed < result.to_ms


def _early(result: Result, life: Life) -> float | None:
    """Days between the first finding that counts and still stands a month before the failure, and the failure; None: there was none."""
    assert life.failed is not None
    told = [s.told for s in result.seen if s.kind in ACTS and _stood(s, life)]
    return (life.failed - min(told)) / DAY_MS if told else None


def _stood(seen: Seen, life: Life) -> bool:
    """It was told within the year before the failure, on this battery, and stood 30 days before."""
    assert life.failed is not None
    month = life.failed - LEAD_MS
    return max(life.since, life.failed - EARLY_MS) <= seen.told <= month and (seen.over is None or seen.over >= month)


def _stood_ever(result: Result, life: Life) -> bool:
    assert life.failed is not None
    month = life.failed - LEAD_MS
    return any(
        s.kind in ACTS and life.since <= s.told <= month and (s.over is None or s.over >= month) for s in result.seen
    )


def _announced(result: Result, life: Life, kinds: frozenset[str]) -> bool:
    return any(s.kind in kinds and _stood(s, life) for s in result.seen)


def _early_job(result: Result, ticket: Ticket, most_ms: float) -> bool:
    """A job for a battery that would have held longer than `most_ms`, and that has no other fault."""
    if any(t.kind.startswith("battery.") and _there(t, ticket.told) for t in result.truths):
        return False
    at = ticket.told - SETTLE_MS  # what is older than two minutes became a job only by the tick after the block
    life = next((x for x in result.lives if x.since < at <= x.until), None)
    return life is None or life.failed is None or life.failed - ticket.told > most_ms


def _there(truth: Truth, at: int) -> bool:
    return truth.onset <= at <= truth.until + SLACK_MS


def _ticketing(ticket: Ticket) -> list[str]:
    return [kind for kind in ticket.kinds if kind_of(kind).ticket]


def _false(result: Result, ticket: Ticket) -> bool:
    """None of its kinds belongs to anything that was there, and no fault was there that it could have meant."""
    kinds = set(_ticketing(ticket))
    there = [t for t in result.truths if _there(t, ticket.told)]
    if any(kinds & naming.fits(t.kind) for t in there):
        return False
    if kinds & (JOBS | naming.RIGHT["wear"]):
        return _early_job(result, ticket, EARLY_MS)
    return not any(naming.is_fault(t.kind) for t in there)


def _distinct(found: list[tuple[Result, Ticket]]) -> list[Ticket]:
    """Devices were judged alone, but what has its root in the site is one ticket for all its devices within two days."""
    kept: dict[object, Ticket] = {}
    for result, ticket in sorted(found, key=lambda one: one[1].told):
        of_site = all(kind_of(kind).root is Root.SITE for kind in _ticketing(ticket))
        where = result.device.partition("/")[0] if of_site else result.device
        near = 2 * DAY_MS if of_site else 1
        kept.setdefault((result.seed, where, ticket.cause, ticket.told // near, ticket.kinds), ticket)
    return list(kept.values())


def _right(result: Result, seen: Seen) -> bool | None:
    """Whether a finding was right; None: it is no claim (a state that anybody can see)."""
    if seen.kind in naming.PLAIN:
        return None
    there = [t for t in result.truths if _there(t, seen.told)]
    if any(seen.kind in naming.fits(t.kind) for t in there):
        return True
    if seen.kind in naming.BATTERY:
        life = next((x for x in result.lives if x.since < seen.told <= x.until), None)
        return life is not None and life.failed is not None and life.failed - seen.told <= EARLY_MS
    return False


def _first_month(result: Result, seen: Seen) -> bool:
    """A finding within the first 30 days on a device that had nothing."""
    if seen.told - result.from_ms > MONTH_MS or seen.kind in naming.PLAIN:
        return False
    there = [t for t in result.truths if _there(t, seen.told)]
    if any(seen.kind in naming.fits(t.kind) or not t.kind.startswith("event.") for t in there):
        return False
    ill = any(
        x.failed is not None and x.since < seen.told <= x.until and x.failed - seen.told < EARLY_MS
        for x in result.lives
    )
    return not (ill and seen.kind in naming.BATTERY)


def _faults(results: Iterable[Result]) -> dict[str, FaultRow]:
    rows: dict[str, FaultRow] = defaultdict(FaultRow)
    for result in results:
        for truth in result.truths:
            if truth.kind.startswith("event.") or truth.outage >= result.to_ms:
                continue
            row = rows[truth.kind]
            row.injected += 1
            _place(row, truth, result)
    return dict(sorted(rows.items()))


def _place(row: FaultRow, truth: Truth, result: Result) -> None:
    right = naming.right(truth.kind)
    told = [s for s in result.seen if truth.onset <= s.told <= truth.until + SLACK_MS]
    hits = [s.told for s in told if s.kind in right]
    if hits and min(hits) <= truth.outage - truth.lead_ms:
        row.in_time += 1
        return
    if hits:
        row.late += 1
        return
    others = {s.kind for s in told if s.kind not in naming.PLAIN and _right(result, s) is False}
    if others:
        row.wrong += 1
        for kind in others:
            row.named[kind] = row.named.get(kind, 0) + 1
    else:
        row.missed += 1


def _reliability(judged: list[tuple[Seen, bool]]) -> list[tuple[float, float, int, int]]:
    out = []
    for low, high in itertools.pairwise(BINS):
        inside = [(s.score, ok) for s, ok in judged if low <= s.score < high]
        mean = sum(score for score, _ in inside) / len(inside) if inside else float("nan")
        out.append((low, mean, sum(ok for _, ok in inside), len(inside)))
    return out


def _by_kind(judged: list[tuple[Seen, bool]]) -> dict[str, tuple[float, int, int]]:
    by: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for seen, ok in judged:
        by[seen.kind].append((seen.score, ok))
    return {k: (sum(s for s, _ in v) / len(v), sum(ok for _, ok in v), len(v)) for k, v in sorted(by.items())}
