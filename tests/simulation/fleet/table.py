"""The figures as a page of text, each requirement beside its figure."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.fleet.score import Figures, Rate, Share


def page(found: Figures) -> str:
    return "\n".join(_lines(found))


def requirements(found: Figures) -> list[tuple[str, str, str, bool]]:
    """(what, figure, required, met)."""
    return [
        (
            "battery failures announced 30 days or more before",
            _share(found.announced_ever),
            ">= 95 %",
            found.announced_ever.value >= 0.95,
        ),
        (
            "false replacement jobs per 1,000 battery-years",
            _rate(found.false_jobs),
            "<= 1",
            found.false_jobs.value <= 1.0,
        ),
        ("other faults found with their lead time", _share(found.in_time), ">= 90 %", found.in_time.value >= 0.90),
        ("false tickets per device-year", _rate(found.false_tickets), "<= 0.1", found.false_tickets.value <= 0.1),
        ("findings on healthy devices in their first month", str(found.first_month), "0", found.first_month == 0),
    ]


def _lines(f: Figures) -> Iterator[str]:
    yield f"{f.devices} devices, {f.device_years:.1f} device-years, {f.battery_years:.1f} battery-years, {f.readings:,} readings"
    yield ""
    for what, figure, required, met in requirements(f):
        yield f"  {what:52s} {figure:>34s}   required {required:8s} {'PASS' if met else 'FAIL'}"
    yield f"  {'beside: announced, told at most a year before':52s} {_share(f.announced):>34s}"
    yield f"  {'beside: announced by an order':52s} {_share(f.announced_by_job):>34s}"
    yield f"  {'beside: visits to test a battery, by a finding':52s} {f.visits:>34d}"
    yield f"  {'beside: jobs 180 days or more too early':52s} {_rate(f.false_jobs_strict):>34s}"
    if f.early_days:
        n = len(f.early_days)
        p10, p50, p90 = (f.early_days[min(int(n * q), n - 1)] for q in (0.1, 0.5, 0.9))
        yield f"  first finding that stood a month before, days before failure: P10 {p10:.0f}, P50 {p50:.0f}, P90 {p90:.0f} ({n} of {f.announced.n})"
    yield ""
    yield f"  {'fault':28s} {'injected':>8s} {'in time':>8s} {'late':>6s} {'wrong':>6s} {'missed':>7s}  named instead"
    for kind, row in f.faults.items():
        named = ", ".join(f"{k} {n}" for k, n in sorted(row.named.items(), key=lambda one: -one[1])[:4])
        yield f"  {kind:28s} {row.injected:8d} {row.in_time:8d} {row.late:6d} {row.wrong:6d} {row.missed:7d}  {named}"
    yield ""
    yield "  false tickets by kind: " + (", ".join(f"{k} {n}" for k, n in f.false_kinds.items()) or "none")
    yield "  first month on healthy devices: " + (
        ", ".join(f"{k} {n}" for k, n in f.first_month_kinds.items()) or "none"
    )
    yield "  findings in all: " + ", ".join(f"{k} {n}" for k, n in f.seen.items())
    yield ""
    yield "  claimed score against how often it was right"
    for low, mean, right, all_ in f.reliability:
        if all_:
            yield f"    from {low:4.2f}: claimed {mean:5.1%}, right {_share(Share(k=right, n=all_))}"
    for kind, (mean, right, all_) in f.reliability_by_kind.items():
        yield f"    {kind:24s} claimed {mean:5.1%}, right {_share(Share(k=right, n=all_))}"
    for fault, n in f.broken.items():
        yield f"  DETECTOR FAILED {n} x {fault}"


def _share(x: Share) -> str:
    low, high = x.interval
    return f"{x.value:.1%} ({low:.1%} .. {high:.1%}; {x.k} of {x.n})" if x.n else "none"


def _rate(x: Rate) -> str:
    low, high = x.interval
    return f"{x.value:.3g} ({low:.2g} .. {high:.2g}; {x.k})"
