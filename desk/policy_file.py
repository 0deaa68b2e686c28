"""A policy's TOML into a `Policy`, with every mistake found at once.

Pure: text in, (policy or None, problems) out. An error leaves the policy out; nothing is guessed. What the
fields may be is written here and nowhere else; docs/desk.md explains them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from alerts.kinds import KINDS
from alerts.types import Impact
from desk.calendars import BUILT_IN, Calendar
from desk.duration import Duration
from desk.policy import ClockRule, ImpactCase, Level, Policy, Promise, Role, Step, version_of
from desk.policy_sections import (
    AFTER,
    Known,
    conditions,
    cover,
    decided,
    duty,
    fault_kind,
    flow,
    form,
    gate,
    grade,
    note,
    report,
    spare,
    term,
    warranty,
)
from desk.policy_table import PolicyTable
from model.problem import Problem
from model.text import Text
from model.toml_table import parse as parse_toml

CLOCK_NAMES = (
    "first_response",
    "plan",
    "dispatch",
    "onsite",
    "restore",
    "resolve",
    "contingency_plan",
    "incident_report",
    "spare_part",
)
EVENTS = tuple(k for k in AFTER if k != "closed")
STOPS = (*EVENTS, "notified:customer", "restored:telemetry")
CLOSERS = ("resolved", "restored", "closed")  #: a clock that begins with one of these outlives the ticket
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse(body: str, file: str) -> tuple[Policy | None, list[Problem]]:
    """The policy of `body`, and what is wrong with it. None as soon as one problem is an error."""
    policy, problems = remains(body, file)
    if any(p.severity == "error" for p in problems):
        return None, problems
    return policy, problems


def remains(body: str, file: str) -> tuple[Policy | None, list[Problem]]:
    """As `parse`, but what could be read in spite of errors, for the linter alone: nobody may run a ticket by it."""
    tree = parse_toml(body, file)
    if isinstance(tree, Problem):
        return None, [tree]
    top = PolicyTable.root(tree, file, body)
    return _policy(top, body), top.problems


def _policy(top: PolicyTable, body: str) -> Policy:
    calendars = {**BUILT_IN, **_calendars(top)}
    levels = tuple(_level(t, rank) for rank, t in enumerate(top.tables("level", required=True)))
    roles = {role.id: role for role in map(_role, top.tables("role"))}
    known = Known(levels=tuple(level.id for level in levels), roles=tuple(roles), calendars=calendars)
    clocks = tuple(_clock(t, known) for t in top.tables("clock", required=True))
    forms = tuple(map(form, top.tables("form")))
    duties = tuple(duty(t, known) for t in top.tables("duty"))
    flow_tables = top.tables("flow")
    flow_ids = tuple(str(t.tree.get("id")) for t in flow_tables)
    policy = Policy(
        id=top.word("id"),
        name=top.text("name"),
        version=version_of(body),
        body=body,
        source=top.word("source", default=""),
        severity_set_by=top.word("severity_set_by", default="desk", among=("customer", "desk")),
        immediate_means=top.duration("immediate_means", default="PT5M"),
        warn_share=top.number("warn_share", default=0.75, low=0.1, high=1.0),
        reopen=top.duration("reopen", default=None),
        repeat_last=_pace(top, "repeat_last"),
        intake=top.words("intake", default=()),
        first_receiver=_somebody(top, "first_receiver", known),
        owner=_somebody(top, "owner", known),
        levels=levels,
        impacts=_impacts(top.table("impact"), known.levels),
        impact_cases=tuple(_case(t, known) for t in top.tables("impact_case")),
        clocks=clocks,
        roles=roles,
        ladder=tuple(_step(t, n, known) for n, t in enumerate(top.tables("ladder"))),
        warranty=tuple(map(warranty, top.tables("warranty"))),
        cover=tuple(cover(t, known) for t in top.tables("cover")),
        gates=tuple(map(gate, top.tables("gate"))),
        forms=forms,
        reports=tuple(report(t, known, tuple(d.id for d in duties)) for t in top.tables("report")),
        duties=duties,
        spares=tuple(map(spare, top.tables("spare"))),
        grades=tuple(grade(t, n, known) for n, t in enumerate(top.tables("grade"))),
        fault_kinds=tuple(fault_kind(t, known) for t in top.tables("fault_kind")),
        flows=tuple(flow(t, tuple(f.id for f in forms), flow_ids) for t in flow_tables),
        terms=tuple(map(term, top.tables("term"))),
        notes=tuple(map(note, top.tables("note"))),
    )
    _once(top, policy)
    return top.done(policy)


def _once(top: PolicyTable, policy: Policy) -> None:
    top.unique("level", _ids(policy.levels))
    for key in ("gate", "form", "report", "duty", "grade", "fault_kind", "flow", "term"):
        top.unique(key, _ids(getattr(policy, f"{key}s" if key != "duty" else "duties")))
    seen: set[tuple[str, str]] = set()
    for number, rule in enumerate(policy.clocks):
        taken = {level for promise in rule.promises for level in promise.levels}
        twice = sorted(level for level in taken if (rule.name, level) in seen)
        if twice:
            top.problem(
                f"clock.{number}",
                Text("one clock of a name for a level", "每个级别同名时限只有一个"),
                f"`{rule.name}` twice for {', '.join(twice)}",
            )
        seen |= {(rule.name, level) for level in taken}


class _Named(Protocol):
    @property
    def id(self) -> str: ...


def _ids(things: Iterable[_Named]) -> list[str]:
    return [thing.id for thing in things]


def _somebody(top: PolicyTable, key: str, known: Known) -> str | None:
    return top.word(key, default="", among=("", *known.roles)) or None


def _pace(table: PolicyTable, key: str) -> Duration | None:
    """How often something is told again; nothing is told without end at once."""
    pace = table.duration(key, default=None)
    if pace is not None and not (pace.on_clock and (pace.days or pace.ms)):
        if pace.iso == table.tree.get(key):
            table.problem(key, Text("days, hours or minutes, more than none", "天、小时或分钟，且大于零"), pace.iso)
        return None
    return pace


def _case(table: PolicyTable, known: Known) -> ImpactCase:
    impact = table.word("impact", among=tuple(Impact))
    return table.done(
        ImpactCase(
            impact=Impact(impact) if impact in tuple(Impact) else Impact.REQUEST,
            findings=table.words("findings", among=tuple(KINDS)),
            level=table.word("level", among=known.levels),
            source=table.source(),
        )
    )


def _level(table: PolicyTable, rank: int) -> Level:
    return table.done(
        Level(
            id=table.word("id"),
            rank=rank,
            name=table.text("name"),
            means=table.text("means"),
            source=table.source(),
        )
    )


def _role(table: PolicyTable) -> Role:
    return table.done(Role(id=table.word("id"), name=table.text("name")))


def _impacts(table: PolicyTable, levels: tuple[str, ...]) -> dict[Impact, str]:
    return table.done({impact: table.word(impact.value, among=levels) for impact in Impact})


def _calendars(top: PolicyTable) -> dict[str, Calendar]:
    found = {}
    for name, table in top.named("calendar"):
        hours = table.words("hours")
        if len(hours) != 2:
            table.problem("hours", Text('["OPENS", "CLOSES"]', '["开始", "结束"]'), repr(hours))
            hours = ("00:00", "24:00")
        opens, closes = (table.minutes("hours", h) for h in hours)
        if closes <= opens:
            table.problem("hours", Text("closing after opening", "结束晚于开始"), f"{hours[0]}–{hours[1]}")
        days = table.words("days", among=WEEKDAYS)
        found[name] = table.done(
            Calendar(
                id=name,
                days=tuple(WEEKDAYS.index(d) + 1 for d in days if d in WEEKDAYS),
                opens_min=opens,
                closes_min=max(closes, opens + 1),
                holidays=table.flag("holidays", default=True),
            )
        )
    return found


def _clock(table: PolicyTable, known: Known) -> ClockRule:
    calendar = known.calendars.get(table.word("calendar", among=tuple(known.calendars)), BUILT_IN["7x24"])
    start = table.word("start", among=AFTER)
    return table.done(
        ClockRule(
            name=table.word("name", among=CLOCK_NAMES),
            title=table.text("title"),
            start=start,
            stop=table.words("stop", among=STOPS),
            calendar=calendar,
            pauses=table.flag("pauses", default=False),
            after_close=table.flag("after_close", default=start in CLOSERS),
            decided=decided(table, ("calendar", "start", "stop", "pauses")),
            promises=tuple(_promise(t, known, calendar) for t in table.tables("promise", required=True)),
        )
    )


def _promise(table: PolicyTable, known: Known, calendar: Calendar) -> Promise:
    own = table.word("calendar", default=calendar.id, among=tuple(known.calendars))
    target = table.duration("target", default=None)
    immediate = table.flag("immediate", default=False)
    words = table.text("text", default=None)
    if target is None and words is None:
        table.problem(
            "target",
            Text("a `target`, or the contract's words as `text`", "`target`，或以 `text` 写合同原话"),
            "neither",
        )
    if target is not None and immediate:
        table.problem("immediate", Text("a number or `immediate`, not both", "数值与 `immediate` 二选一"), "both")
    if target is not None and not target.on_clock:
        table.problem("target", Text("days, hours or minutes (months vary)", "天、小时或分钟（月长不定）"), target.iso)
    return table.done(
        Promise(
            levels=table.words("levels", among=known.levels),
            target=target,
            immediate=immediate,
            text=words,
            calendar=known.calendars.get(own, calendar),
            when=conditions(table.table("when", optional=True)),
            binds=table.flag("binds", default=True),
            decided=decided(table, ("calendar", "levels", "target", "binds", "when")),
            source=table.source(),
        )
    )


def _step(table: PolicyTable, index: int, known: Known) -> Step:
    calendar = table.word("calendar", default="7x24", among=tuple(known.calendars))
    wait = table.duration("wait", default=None)
    if wait is not None and not wait.on_clock:
        table.problem("wait", Text("days, hours or minutes (months vary)", "天、小时或分钟（月长不定）"), wait.iso)
    return table.done(
        Step(
            index=index,
            to=table.word("to", among=known.roles),
            also=table.words("also", default=(), among=known.roles),
            after=table.word("after", default="opened", among=EVENTS),
            wait=wait,
            unless=table.words("unless", default=(), among=EVENTS),
            levels=table.words("levels", default=known.levels, among=known.levels),
            calendar=known.calendars.get(calendar, BUILT_IN["7x24"]),
            repeat=_pace(table, "repeat"),
            customer=table.flag("customer", default=False),
            handover=table.flag("handover", default=False),
            ends=table.flag("ends", default=False),
            decided=decided(table, ("after", "wait", "calendar", "repeat", "unless")),
            text=table.text("text"),
            source=table.source(),
        )
    )
