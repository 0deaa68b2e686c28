"""A policy's TOML into a `Policy`, with every mistake found at once.

Pure: text in, (policy or None, problems) out. An error leaves the policy out; nothing is guessed. What the
fields may be is written here and nowhere else; docs/desk.md explains them.
"""

from __future__ import annotations

from collections.abc import Mapping

from alerts.types import Impact
from desk.calendars import BUILT_IN, Calendar
from desk.policy import (
    ClockRule,
    Conditions,
    Level,
    Note,
    Policy,
    Promise,
    Role,
    Step,
    WarrantyClass,
    version_of,
)
from desk.policy_table import PolicyTable
from desk.types import EntryKind
from model.problem import Problem
from model.text import Text
from model.toml_table import parse as parse_toml

ITEMS = ("host", "battery", "software", "third_party_software")
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
EVENTS = tuple(k.value for k in EntryKind if k not in (EntryKind.CLOSED, EntryKind.MERGED))
STOPS = (*EVENTS, "notified:customer")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse(body: str, file: str) -> tuple[Policy | None, list[Problem]]:
    """The policy of `body`, and what is wrong with it. None as soon as one problem is an error."""
    tree = parse_toml(body, file)
    if isinstance(tree, Problem):
        return None, [tree]
    top = PolicyTable.root(tree, file, body)
    policy = _policy(top, body)
    problems = top.problems
    if any(p.severity == "error" for p in problems):
        return None, problems
    return policy, problems


def _policy(top: PolicyTable, body: str) -> Policy:
    calendars = {**BUILT_IN, **_calendars(top)}
    levels = tuple(_level(t, rank) for rank, t in enumerate(top.tables("level", required=True)))
    ids = tuple(level.id for level in levels)
    roles = {role.id: role for role in map(_role, top.tables("role"))}
    policy = Policy(
        id=top.word("id"),
        name=top.text("name"),
        version=version_of(body),
        body=body,
        immediate_means=top.duration("immediate_means", default="PT5M"),
        warn_share=top.number("warn_share", default=0.75, low=0.1, high=1.0),
        levels=levels,
        impacts=_impacts(top.table("impact"), ids),
        clocks=tuple(_clock(t, ids, calendars) for t in top.tables("clock", required=True)),
        roles=roles,
        ladder=tuple(_step(t, n, ids, tuple(roles), calendars) for n, t in enumerate(top.tables("ladder"))),
        warranty=tuple(map(_warranty, top.tables("warranty"))),
        notes=tuple(map(_note, top.tables("note"))),
    )
    top.word("source", default="")
    top.word("severity_set_by", default="desk", among=("customer", "desk"))
    top.unique("level", ids)
    top.unique("clock", [c.name for c in policy.clocks])
    return top.done(policy)


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


def _clock(table: PolicyTable, levels: tuple[str, ...], calendars: Mapping[str, Calendar]) -> ClockRule:
    calendar = calendars.get(table.word("calendar", among=tuple(calendars)), BUILT_IN["7x24"])
    return table.done(
        ClockRule(
            name=table.word("name", among=CLOCK_NAMES),
            title=table.text("title"),
            start=table.word("start", among=EVENTS),
            stop=table.words("stop", among=STOPS),
            calendar=calendar,
            promises=tuple(_promise(t, levels, calendars, calendar) for t in table.tables("promise", required=True)),
        )
    )


def _promise(
    table: PolicyTable, levels: tuple[str, ...], calendars: Mapping[str, Calendar], calendar: Calendar
) -> Promise:
    own = table.word("calendar", default=calendar.id, among=tuple(calendars))
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
            levels=table.words("levels", among=levels),
            target=target,
            immediate=immediate,
            text=words,
            calendar=calendars.get(own, calendar),
            when=_conditions(table.table("when", optional=True)),
            source=table.source(),
        )
    )


def _conditions(table: PolicyTable) -> Conditions:
    return table.done(
        Conditions(
            local=table.flag("local", default=None),
            min_kva=table.number("min_kva", default=None, low=0, high=100_000),
        )
    )


def _step(
    table: PolicyTable, index: int, levels: tuple[str, ...], roles: tuple[str, ...], calendars: Mapping[str, Calendar]
) -> Step:
    calendar = table.word("calendar", default="7x24", among=tuple(calendars))
    return table.done(
        Step(
            index=index,
            to=table.word("to", among=roles),
            after=table.word("after", default="opened", among=EVENTS),
            wait=table.duration("wait", default=None),
            unless=table.words("unless", default=(), among=EVENTS),
            levels=table.words("levels", default=levels, among=levels),
            calendar=calendars.get(calendar, BUILT_IN["7x24"]),
            text=table.text("text"),
            source=table.source(),
        )
    )


def _warranty(table: PolicyTable) -> WarrantyClass:
    low = table.number("min_ah", default=None, low=0, high=100_000)
    high = table.number("max_ah", default=None, low=0, high=100_000)
    if low is not None and high is not None and high < low:
        table.problem("max_ah", Text("at least `min_ah`", "不小于 `min_ah`"), f"{high:g} < {low:g}")
    return table.done(
        WarrantyClass(
            item=table.word("item", among=ITEMS),
            term=table.duration("term"),
            min_ah=low,
            max_ah=high,
            block_v=table.number("block_v", default=None, low=1, high=1000),
            source=table.source(),
        )
    )


def _note(table: PolicyTable) -> Note:
    return table.done(Note(text=table.text("text"), source=table.source()))
