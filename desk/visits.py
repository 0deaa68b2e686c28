"""Visits: planned, dispatched, arrived, done or called off; what was entered offline keeps the time when it happened. Pure.

A remote session is a visit with channel `remote`: nobody travels, but a contract may ask for leave before it begins.
Times must be possible (nobody arrives before leaving); which order they were recorded in does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from desk.lines import Data, FieldRefused, Line
from desk.types import Draft, EntryKind
from model.inventory import Work
from model.text import Text


class VisitState(StrEnum):
    """How far a visit is."""

    PLANNED = "planned"
    DISPATCHED = "dispatched"  #: the engineer has left
    ARRIVED = "arrived"
    DONE = "done"
    CALLED_OFF = "called_off"


_ORDER = (VisitState.PLANNED, VisitState.DISPATCHED, VisitState.ARRIVED, VisitState.DONE)
NAMES: dict[VisitState, Text] = {
    VisitState.PLANNED: Text("planned", "已计划"),
    VisitState.DISPATCHED: Text("left for the site", "已出发"),
    VisitState.ARRIVED: Text("arrived", "已到场"),
    VisitState.DONE: Text("done", "已完成"),
    VisitState.CALLED_OFF: Text("called off", "已取消"),
}
ENDED = (VisitState.DONE, VisitState.CALLED_OFF)
CHANNELS = ("onsite", "remote")


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One visit; each time is when it happened, `late` those that were recorded more than five minutes after."""

    id: str
    site: str
    engineer: str
    state: VisitState
    ticket: str | None = None
    device: str | None = None
    purpose: str = "service"
    channel: str = "onsite"
    change: bool = False  #: a change on the equipment is to be carried out
    starts_at: int | None = None  #: as planned
    ends_at: int | None = None
    dispatched_at: int | None = None
    arrived_at: int | None = None
    done_at: int | None = None
    called_off_at: int | None = None
    solved: bool | None = None
    late: tuple[str, ...] = ()

    @property
    def under_way(self) -> bool:
        return self.state in (VisitState.DISPATCHED, VisitState.ARRIVED)


LATE_MS = 300_000


def fold(lines: Sequence[Line]) -> Visit:
    """The visit that these lines make; the first is `planned`."""
    first = lines[0]
    times: dict[str, int] = {}
    late: list[str] = []
    plan, engineer, solved = first.data, str(first.data["engineer"]), None
    state = VisitState.PLANNED
    for line in lines:
        if line.event == "moved":
            plan = {**plan, **line.data}
            engineer = str(plan["engineer"])
            continue
        step = VisitState(line.event)
        times.setdefault(f"{line.event}_at", line.at)
        if line.recorded_at - line.at > LATE_MS:
            late.append(line.event)
        if step is VisitState.DONE:
            solved = line.data.get("solved")
        if step is VisitState.CALLED_OFF or (state is not VisitState.CALLED_OFF and _after(step, state)):
            state = step
    times.pop("planned_at", None)
    return Visit(
        id=first.id,
        site=first.site or "",
        engineer=engineer,
        state=state,
        ticket=first.ticket,
        device=first.device,
        purpose=str(plan.get("purpose") or "service"),
        channel=str(plan.get("channel") or "onsite"),
        change=bool(plan.get("change")),
        starts_at=plan.get("starts_at"),
        ends_at=plan.get("ends_at"),
        solved=solved,
        late=tuple(late),
        **times,
    )


def work_of(visit: Visit) -> Work | None:
    """The work that a visit announces: it needs an end that was planned; who is done earlier ends it, who is late does not prolong it."""
    begins = [at for at in (visit.starts_at, visit.arrived_at) if at is not None]
    if visit.ends_at is None or not begins or not visit.site or visit.state is VisitState.CALLED_OFF:
        return None
    until = visit.ends_at if visit.done_at is None else min(visit.done_at, visit.ends_at)
    return Work(id=visit.id, site=visit.site, device=visit.device, since=min(begins), until=until)


def check(visit: Visit, step: VisitState, at: int) -> None:
    """Whether `step` can have happened at `at`. Raises FieldRefused."""
    if visit.state is VisitState.CALLED_OFF or (visit.state is VisitState.DONE and step is VisitState.CALLED_OFF):
        raise FieldRefused(OVER.format(visit=visit.id, state=NAMES[visit.state].en, state_zh=NAMES[visit.state].zh))
    if getattr(visit, f"{step.value}_at", None) is not None:
        raise FieldRefused(TWICE.format(visit=visit.id, state=NAMES[step].en, state_zh=NAMES[step].zh))
    if step not in _ORDER:
        return
    place = _ORDER.index(step)
    for other in _ORDER[1:]:
        then = getattr(visit, f"{other.value}_at")
        wrong = then is not None and (then > at if _ORDER.index(other) < place else then < at)
        if wrong:
            raise FieldRefused(
                IMPOSSIBLE.format(
                    step=NAMES[step].en, step_zh=NAMES[step].zh, other=NAMES[other].en, other_zh=NAMES[other].zh
                )
            )


def drafts_of(
    visit: Visit, step: VisitState, who: str, at: int, text: str, *, solved: bool | None = None, change: bool = False
) -> list[Draft]:
    """What the step writes to its ticket's ledger: departure and arrival are entries of their own kind.

    `change`: something was changed on the equipment though the visit was not planned for it.
    """
    data: Data = {"visit": visit.id, "state": step.value, "engineer": visit.engineer, "channel": visit.channel}
    if visit.change or change:
        data["change"] = 1
    if visit.device:
        data["device"] = visit.device
    kind = EntryKind.VISIT
    if visit.channel == "onsite":
        moved = {VisitState.DISPATCHED: EntryKind.DISPATCHED, VisitState.ARRIVED: EntryKind.ONSITE}
        kind = moved.get(step, EntryKind.VISIT)
    if step in (VisitState.PLANNED, VisitState.CALLED_OFF) and data.pop("change", None):
        data["with_change"] = 1  # nothing is carried out by planning it, but who steps on will
    if step is VisitState.DONE and solved is not None:
        data["solved"] = int(solved)
    name = NAMES[step]
    said = Text(f"{visit.id}, {visit.engineer}: {name.en}", f"{visit.id}，{visit.engineer}：{name.zh}")
    if text:
        said = Text(f"{said.en}: {text}", f"{said.zh}：{text}")
    drafts = [Draft(at=at, who=who, kind=kind, text=said, data=data)]
    if step is VisitState.DONE and solved is False and visit.channel == "onsite":
        unsolved: dict[str, str | int | float | None] = {"visit": visit.id, "engineer": visit.engineer}
        drafts.append(Draft(at=at, who=who, kind=EntryKind.UNSOLVED_ONSITE, text=UNSOLVED, data=unsolved))
    return drafts


def busy(visits: Sequence[Visit]) -> dict[str, int | None]:
    """Who is under way, until when by plan (None: not known)."""
    found: dict[str, int | None] = {}
    for visit in visits:
        if visit.under_way and visit.channel == "onsite":
            known = found.get(visit.engineer, 0)
            found[visit.engineer] = None if known is None or visit.ends_at is None else max(known, visit.ends_at)
    return found


def _after(step: VisitState, state: VisitState) -> bool:
    return _ORDER.index(step) > _ORDER.index(state)


OVER = Text("{visit} is {state} already; plan a new visit", "{visit} {state_zh}；请另行计划")
TWICE = Text(
    "{visit}: '{state}' is recorded already; a correction is a note on the ticket",
    "{visit}：“{state_zh}”已登记；更正请写工单备注",
)
IMPOSSIBLE = Text(
    "impossible times: '{step}' does not fit with '{other}'; check which time is wrong",
    "时间矛盾：“{step_zh}”与“{other_zh}”不符；请核对哪个时间有误",
)
UNSOLVED = Text("not solved on site", "现场未解决")
