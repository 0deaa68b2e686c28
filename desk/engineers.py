"""Who can be sent: grade, skills, calendar, being busy, and the way to the site; ranked, each with reasons. Pure.

Travel times are as somebody wrote them down, never guessed: without one the arrival is unknown, and such an engineer
stands behind those who are known to arrive. Unsuitable people stay in the list, with the reason why.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from desk.calendars import BUILT_IN, Place, windows, zone
from desk.duration import HOUR_MS
from desk.lines import Line
from desk.policy import Grade, Policy
from model.text import Text

Window = tuple[int, int]
#: Nobody is looked for further ahead than this.
AHEAD_MS = 21 * 24 * HOUR_MS


class Engineer(msgspec.Struct, frozen=True, kw_only=True):
    """`hours` is 7x24, 5x8 or `on_call` (only the windows in `on_call`); windows are (since, until) in ms."""

    id: str  #: the login
    name: Text
    grade: str | None = None  #: an id of a policy's grades
    skills: tuple[str, ...] = ()
    base: str = ""
    hours: str = "5x8"
    country: str = "CN"
    tz: str = "Asia/Shanghai"
    on_call: tuple[Window, ...] = ()
    away: tuple[Window, ...] = ()


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One engineer for one site now. None: not known."""

    engineer: Engineer
    fits: bool  #: grade and skills
    ready_at: int | None
    travel_s: float | None
    arrives_at: int | None
    reasons: tuple[Text, ...]


def fold(lines: Sequence[Line]) -> Engineer | None:
    """The engineer as the newest lines say; None once they have left."""
    made: Engineer | None = None
    for line in lines:
        if line.event == "left":
            made = None
        elif line.event == "listed":
            data = line.data
            made = Engineer(
                id=line.id,
                name=line.text,
                grade=data.get("grade"),
                skills=tuple(data.get("skills") or ()),
                base=data.get("base") or "",
                hours=data.get("hours") or "5x8",
                country=data.get("country") or "CN",
                tz=data.get("tz") or "Asia/Shanghai",
                on_call=made.on_call if made else (),
                away=made.away if made else (),
            )
        elif made is not None and line.event in ("on_call", "away"):
            window = (int(line.data["since"]), int(line.data["until"]))
            kept = (*getattr(made, line.event), window)
            made = msgspec.structs.replace(made, **{line.event: kept})
    return made


def suitable(
    roster: Sequence[Engineer],
    policy: Policy,
    level: str,
    site: str,
    now: int,
    *,
    travel: Mapping[tuple[str, str], float],
    busy: Mapping[str, int | None] | None = None,
    skills: Collection[str] = (),
) -> list[Candidate]:
    """Everybody, best first. `travel` is seconds by (base, site); `busy` until when (None: end unknown) by engineer."""
    found = [_candidate(one, policy, level, site, now, travel, busy or {}, skills) for one in roster]
    return sorted(found, key=lambda c: (not c.fits, c.arrives_at is None, c.arrives_at or 0, _rank(policy, c.engineer)))


def may_go(policy: Policy, level: str, engineer: Engineer) -> Text | None:
    """Why this engineer's grade does not reach for `level` under the contract; None when it does."""
    asked = [grade for grade in policy.grades if level in grade.levels]
    if not asked:
        return None
    least = max(asked, key=lambda grade: grade.rank)
    if _rank(policy, engineer)[0] <= least.rank:
        return None
    has = _grade(policy, engineer)
    return Text(
        f"level {level} asks for {least.name.en} ({least.source}), {engineer.name.en} has {has.name.en if has else 'no grade'}",
        f"{level} 级要求{least.name.zh}（{least.source}），{engineer.name.zh} 为{has.name.zh if has else '无等级'}",
    )


def _candidate(
    one: Engineer,
    policy: Policy,
    level: str,
    site: str,
    now: int,
    travel: Mapping[tuple[str, str], float],
    busy: Mapping[str, int | None],
    skills: Collection[str],
) -> Candidate:
    reasons: list[Text] = []
    grade = may_go(policy, level, one)
    lacks = sorted(set(skills) - set(one.skills))
    if grade:
        reasons.append(grade)
    if lacks:
        reasons.append(Text(f"lacks the skill {', '.join(lacks)}", f"缺少技能 {'、'.join(lacks)}"))
    ready, why = _ready(one, now, busy)
    reasons += why
    way = 0.0 if one.base == site else travel.get((one.base, site))
    if way is None:
        reasons.append(NO_WAY.format(base=one.base or "?", site=site))
    else:
        reasons.append(WAY.format(base=one.base, minutes=round(way / 60)))
    return Candidate(
        engineer=one,
        fits=not grade and not lacks,
        ready_at=ready,
        travel_s=way,
        arrives_at=None if ready is None or way is None else ready + round(way * 1000),
        reasons=tuple(reasons),
    )


def _ready(one: Engineer, now: int, busy: Mapping[str, int | None]) -> tuple[int | None, list[Text]]:
    """The first instant at which they can leave, and why it is not now."""
    why: list[Text] = []
    start = now
    if one.id in busy:
        until = busy[one.id]
        if until is None:
            return None, [BUSY_OPEN]
        start = max(now, until)
        if until > now:
            why.append(BUSY.format(at=_wall(until, one.tz)))
    ready = _on_duty(one, start)
    if ready is None:
        return None, [*why, OFF_DUTY]
    if ready > start:
        why.append(LATER.format(at=_wall(ready, one.tz)))
    return ready, why


def _on_duty(one: Engineer, start: int) -> int | None:
    """The first instant from `start` on that is on duty or on call, and not away."""
    until = start + AHEAD_MS
    hours = BUILT_IN.get(one.hours)
    free = [(max(a, start), min(b, until)) for a, b in one.on_call if b > start and a < until]
    if hours is not None:
        free += windows(hours, Place(country=one.country, tz=one.tz), start, until)
    moment: int | None = None
    for opens, closes in sorted(free):
        at = opens
        for gone, back in sorted(one.away):
            if gone <= at < back:
                at = back
        if at < closes and (moment is None or at < moment):
            moment = at
    return moment


def _grade(policy: Policy, engineer: Engineer) -> Grade | None:
    return next((grade for grade in policy.grades if grade.id == engineer.grade), None)


def _rank(policy: Policy, engineer: Engineer) -> tuple[int, str]:
    grade = _grade(policy, engineer)
    return (grade.rank if grade else len(policy.grades)), engineer.id


def _wall(at: int, tz: str) -> str:
    return datetime.fromtimestamp(at / 1000, zone(tz)).strftime("%m-%d %H:%M")


NO_WAY = Text(
    "the way from {base} to {site} is not known: give it with `roundsman field engineer way`",
    "从 {base} 到 {site} 的路程未知：请用 `roundsman field engineer way` 登记",
)
WAY = Text("{minutes} min from {base}", "距 {base} {minutes} 分钟")
BUSY = Text("on another visit until {at}", "另有上门，至 {at}")
BUSY_OPEN = Text("on another visit whose end is not known", "另有上门，结束时间未知")
LATER = Text("on duty or on call from {at}", "{at} 起当班或值守")
OFF_DUTY = Text("neither on duty nor on call in the next three weeks", "三周内不当班也不值守")
