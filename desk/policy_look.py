"""What the linter's rules look at: a policy's promises with their places in the file. Pure.

A key is the path in the file (`clock.1.promise.3`), as model.problem.Lines counts it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import product

from desk.calendars import Calendar
from desk.duration import HOUR_MS
from desk.policy import FLAGS, ClockRule, Conditions, Facts, Level, Policy, Promise, Step
from model.text import Text

#: A house's own level, clock or value, where the text is silent.
DECIDED = "decided"
#: One finding of one rule: where, and the sentence.
Said = tuple[str, Text]


class Stated:
    """One promise with its clock and its place in the file."""

    def __init__(self, policy: Policy, rule: ClockRule, promise: Promise, key: str, *, wrong: bool) -> None:
        self.rule = rule
        self.promise = promise
        self.key = key
        stated = None if wrong else policy.stated_ms(promise)
        #: About how long it takes on the wall: a working day stands for a day.
        self.wall_ms = None if stated is None else on_the_wall(promise.calendar, stated)
        self.words = _words(policy, promise)

    def number(self) -> bool:
        """A number that binds; immediate is none."""
        return self.promise.binds and self.promise.target is not None


class Look:
    """A policy, opened up for the rules. `wrong` are keys with errors: what stands there is neither compared nor missed."""

    def __init__(self, policy: Policy, wrong: Iterable[str] = ()) -> None:
        self.policy = policy
        self._wrong = [tuple(key.split(".")) for key in wrong]

    def wrong(self, *keys: str) -> bool:
        """Whether an error stands at or below one of these keys."""
        paths = [tuple(key.split(".")) for key in keys]
        return any(bad[: len(path)] == path for path in paths for bad in self._wrong)

    @cached_property
    def ladder(self) -> list[Step]:
        """The rungs that could be read; `index` says where each stands."""
        return [step for step in self.policy.ladder if not self.wrong(f"ladder.{step.index}")]

    def whole(self, *names: str) -> bool:
        """Whether every promise of these clocks could be read, so that one that is not there is missing."""
        for number, rule in enumerate(self.policy.clocks):
            if self.wrong(f"clock.{number}") and (rule.name in names or self.wrong(f"clock.{number}.name")):
                return False
        return not self.wrong("level")

    @cached_property
    def published(self) -> list[Level]:
        """The levels that the text has; those this house added are left out."""
        return [level for level in self.policy.levels if level.source != DECIDED]

    @cached_property
    def clocks(self) -> dict[str, list[Stated]]:
        """All promises of one name; two rules may share it."""
        found: dict[str, list[Stated]] = {}
        for number, rule in enumerate(self.policy.clocks):
            for place, promise in enumerate(rule.promises):
                key = f"clock.{number}.promise.{place}"
                wrong = self.wrong(key, *(f"clock.{number}.{part}" for part in ("name", "start", "stop", "calendar")))
                stated = Stated(self.policy, rule, promise, key, wrong=wrong)
                found.setdefault(rule.name, []).append(stated)
        return found

    def of(self, *names: str) -> list[Stated]:
        """The promises of these clocks, in the order of the file."""
        return [stated for name in names for stated in self.clocks.get(name, [])]

    def binding(self, name: str, level: str, facts: Facts) -> Stated | None:
        """The strictest promise that binds at this level on these facts."""
        holding = [
            s
            for s in self.of(name)
            if s.promise.binds and s.wall_ms is not None and level in s.promise.levels and s.promise.when.hold(facts)
        ]
        return min(holding, key=lambda s: s.wall_ms or 0, default=None)

    def without(self, *names: str) -> list[Level]:
        """Published levels to which none of these clocks gives a time (immediate is one, words alone are not)."""
        timed = {lv for s in self.of(*names) if s.promise.binds and s.wall_ms is not None for lv in s.promise.levels}
        return [level for level in self.published if level.id not in timed]

    def key(self, level: Level) -> str:
        """Where a level stands."""
        return f"level.{level.rank}"


def on_the_wall(calendar: Calendar, ms: int) -> int:
    """A counted time as hours of the wall, so that 5 working days are more than 48 h."""
    days, rest = divmod(ms, calendar.day_ms)
    return ms if calendar.always else days * 24 * HOUR_MS + rest


def scenarios(stated: Iterable[Stated]) -> Iterator[Facts]:
    """Equipment and circumstances under which these promises may differ: the plain one first."""
    conditions = [s.promise.when for s in stated]
    yield Facts(local=True)
    yield Facts(local=False)
    for when in conditions:
        yield meeting(when)


def meeting(when: Conditions) -> Facts:
    """Facts under which `when` just holds."""
    flags = {name: getattr(when, name) for name in FLAGS if getattr(when, name) is not None}
    kva = when.min_kva if when.min_kva is not None else None if when.max_kva is None else when.max_kva / 2
    return Facts(**flags, kva=kva)


def together(one: Conditions, other: Conditions) -> Facts | None:
    """Facts under which both hold, None where they exclude each other."""
    flags = {}
    for name in FLAGS:
        wanted = {v for v in (getattr(one, name), getattr(other, name)) if v is not None}
        if len(wanted) > 1:
            return None
        if wanted:
            flags[name] = wanted.pop()
    lows = [c.min_kva for c in (one, other) if c.min_kva is not None]
    highs = [c.max_kva for c in (one, other) if c.max_kva is not None]
    kva = max(lows) if lows else min(highs) / 2 if highs else None
    facts = Facts(**flags, kva=kva)
    return facts if one.hold(facts) and other.hold(facts) else None


def branches(stated: Iterable[Stated]) -> Iterator[tuple[Facts, Text]]:
    """Every kind of equipment and site that the conditions tell apart, each with its name."""
    whens = [s.promise.when for s in stated]
    edges = sorted({edge for w in whens for edge in (w.min_kva, w.max_kva) if edge is not None})
    sites = (True, False) if any(w.local is not None for w in whens) else (True,)
    for local, step in product(sites, range(len(edges) + 1)):
        kva = None if not edges else edges[0] / 2 if step == 0 else edges[step - 1]
        parts = [] if len(sites) == 1 else [Text("local", "本地") if local else Text("no local office", "无本地机构")]
        if edges:
            below = Text(f"below {edges[0]:g} kVA", f"低于 {edges[0]:g} kVA")
            parts.append(below if step == 0 else Text(f"from {kva:g} kVA", f"{kva:g} kVA 起"))
        name = Text(", ".join(p.en for p in parts), "、".join(p.zh for p in parts))
        yield Facts(local=local, kva=kva), name


def names(levels: Iterable[Level]) -> str:
    """Ids of levels as a list in a sentence."""
    return ", ".join(level.id for level in levels)


def _words(policy: Policy, promise: Promise) -> Text:
    if promise.target is not None:
        said = promise.target.words()
    elif promise.immediate:
        means = policy.immediate_means.words()
        said = Text(f"immediate (broken after {means.en})", f"立即（超过{means.zh}即违约）")
    else:
        said = promise.text or Text("", "")
    return Text(f"{said.en} ({promise.source})", f"{said.zh}（{promise.source}）")
