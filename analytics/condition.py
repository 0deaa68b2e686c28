"""The plain detector: a condition that one or more witnesses of a device report.

Most faults are of this form: a flag stands, a value is beyond a limit. A file in `detectors/` then only
says which witnesses there are, what they mean and what to do. The finding stands while at least one witness
does; each witness has persistence and hysteresis of its own (`latch`). One finding a device and kind.

State: {"latch": {"point#index": latch}, "since": ms or None, "severity": …}; a witness that was always well
has no entry, so a healthy device costs one comparison a sample and no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from operator import gt, le, lt

from analytics.detector import Block, Column, Context, State
from analytics.latch import Latch, Rule, fresh, observe
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.text import Text

Flip = tuple[int, str, bool, int, float]  #: (seen at, key, on, since, value)


@dataclass(frozen=True, kw_only=True)
class Witness:
    """One point that can tell. `text` may use {value} and {limit}; between `good` and `bad` nothing changes."""

    point: str
    text: Text
    severity: Severity
    bad: Callable[[float], bool]
    good: Callable[[float], bool]
    limit: float | None = None
    severe: float | None = None  #: beyond this value the severity is critical


def flag(point: str, text: Text, severity: Severity) -> Witness:
    """The device's own alarm flag."""
    return Witness(point=point, text=text, severity=severity, bad=partial(le, 0.5), good=partial(gt, 0.5))


def equals(point: str, states: Iterable[int], text: Text, severity: Severity) -> Witness:
    """A state that is one of `states`."""
    wrong = frozenset(map(float, states))
    return Witness(point=point, text=text, severity=severity, bad=wrong.__contains__, good=lambda v: v not in wrong)


def above(
    point: str, limit: float, text: Text, severity: Severity, *, clear: float, severe: float | None = None
) -> Witness:
    """A value over `limit`; well again under `clear`; critical over `severe`."""
    return Witness(
        point=point,
        text=text,
        severity=severity,
        bad=partial(lt, limit),
        good=partial(gt, clear),
        limit=limit,
        severe=severe,
    )


RULE = Rule()
WELL_AGAIN = Text("every witness is well again", "各项指标均已恢复正常")


class Condition:
    """A detector made of witnesses."""

    def __init__(self, *, kind: str, advice: Text, witnesses: tuple[Witness, ...], rule: Rule = RULE) -> None:
        self.kind = kind
        self.advice = advice
        self.witnesses = witnesses
        self.rule = rule
        self.kinds = frozenset({kind})
        self.needs = frozenset(w.point for w in witnesses)

    def fresh(self) -> State:
        return {}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        latches: dict[str, Latch] = state.get("latch", {})
        if not latches and self._well(block):
            return state, []
        touched: dict[str, Latch] = {}
        flips: list[Flip] = []
        for witness in self.witnesses:
            series = block.columns.get(witness.point)
            if series is None:
                continue
            for index, column in series.items():
                key = witness.point if index is None else f"{witness.point}#{index}"
                touched |= self._followed(state, key, witness, column, flips)
        if not touched:
            return state, []
        after: State = {**state, "latch": _kept({**latches, **touched})}
        return self._tell(after, {k: v[0] > 0 for k, v in latches.items()}, block.device, sorted(flips))

    def _followed(
        self, state: State, key: str, witness: Witness, column: Column, flips: list[Flip]
    ) -> dict[str, Latch]:
        """The latches of this series after one column; nothing where it is well, and always was."""
        old = state.get("latch", {}).get(key)
        if old is None and not any(map(witness.bad, column.value)):
            return {}
        return {key: _follow(key, list(old) if old else fresh(), witness, column, self.rule, flips)}

    def _well(self, block: Block) -> bool:
        """Whether no sample is bad: all that a healthy device costs."""
        get = block.columns.get
        for witness in self.witnesses:
            series = get(witness.point)
            if series is not None:
                bad = witness.bad
                for column in series.values():
                    values = column.value
                    if bad(values[0]) if len(values) == 1 else any(map(bad, values)):
                        return False
        return True

    def _tell(self, state: State, on: dict[str, bool], device: str, flips: list[Flip]) -> tuple[State, list[Change]]:
        changes: list[Change] = []
        for seen_at, key, up, since, value in flips:
            stood = any(on.values())
            on[key] = up
            if not any(on.values()):
                changes.append(Cleared(device=device, kind=self.kind, index=None, at=since, why=WELL_AGAIN))
                state.pop("since", None)
                state.pop("severity", None)
            elif up:
                witness = self._witness(key)
                severity = _severity(witness, value)
                if not stood:
                    state["since"] = since
                elif severity.rank >= Severity(state["severity"]).rank:
                    continue  # one more witness that is no worse: the finding already stands
                state["severity"] = severity.value
                finding = self._finding(device, state, key, witness, value, seen_at)
                changes.append(Changed(finding=finding) if stood else Raised(finding=finding))
        return state, changes

    def _witness(self, key: str) -> Witness:
        point = key.partition("#")[0]
        return next(w for w in self.witnesses if w.point == point)

    def _finding(self, device: str, state: State, key: str, witness: Witness, value: float, at: int) -> Finding:
        text = witness.text.format(value=f"{value:g}", limit=f"{witness.limit or 0:g}")
        evidence = Evidence(
            text=text,
            at=at,
            point=witness.point,
            index=key.partition("#")[2] or None,
            value=value,
            expected=witness.limit,
        )
        return Finding(
            device=device,
            kind=self.kind,
            index=None,
            severity=Severity(state["severity"]),
            since=state["since"],
            score=0.9,
            evidence=(evidence,),
            advice=self.advice,
        )


def _follow(key: str, latch: Latch, witness: Witness, column: Column, rule: Rule, flips: list[Flip]) -> Latch:
    """Run one column through its latch; what flips is added to `flips`. The new latch."""
    for at, value in zip(column.at, column.value, strict=True):
        on = latch[0]
        if not on and witness.bad(value):
            latch[3] = value
        worse = on and witness.severe is not None and latch[3] <= witness.severe < value
        since = observe(latch, witness.good(value) if on else witness.bad(value), at, rule)
        if since is not None:
            flips.append((at, key, bool(latch[0]), since, value))
        elif worse:
            latch[3] = value
            flips.append((at, key, True, at, value))
    return latch


def _kept(latches: dict[str, Latch]) -> dict[str, Latch]:
    """Only the latches that remember something."""
    return {key: latch for key, latch in latches.items() if latch[0] or latch[1]}


def _severity(witness: Witness, value: float) -> Severity:
    if witness.severe is not None and value > witness.severe:
        return Severity.CRITICAL
    return witness.severity
