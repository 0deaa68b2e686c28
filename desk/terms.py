"""What each clock promises under one level and one set of facts: worked out once for a policy, shared by all its tickets.

Nothing here changes what a policy says (`desk.policy.applicable`): it is kept in `Policy.memo`, which is no part of it.
"""

from __future__ import annotations

import msgspec

from desk.policy import ClockRule, Facts, Policy, Promise, applicable
from model.text import Text

#: Facts come from equipment and events; a policy that sees more kinds of them than this begins anew.
_MOST = 4096


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """One clock's promises, the binding one first; none where nothing is promised. Times in ms on `calendar`."""

    promises: tuple[Promise, ...] = ()
    limit: int | None = None  #: when the binding one is broken; None: words alone
    near: int | None = None  #: from here on it is near its end
    also: tuple[Text, ...] = ()  #: what the others say

    @property
    def promise(self) -> Promise | None:
        return self.promises[0] if self.promises else None


NOTHING = Terms()


def promised(policy: Policy, level: str, facts: Facts) -> tuple[Terms, ...]:
    """The terms of all clocks, in the order of `policy.clocks`."""
    memo = policy.memo
    found: tuple[Terms, ...] | None = memo.get((level, facts))
    if found is None:
        if len(memo) >= _MOST:
            memo.clear()
        found = memo[level, facts] = tuple(_terms(policy, rule, level, facts) for rule in policy.clocks)
    return found


class Turns(msgspec.Struct, frozen=True, kw_only=True):
    """The kinds of entries that begin or stop clocks."""

    each: tuple[frozenset[str], ...]  #: in the order of `policy.clocks`
    any: frozenset[str]


def turning(policy: Policy) -> Turns:
    """Which entries its clocks wait for."""
    found: Turns | None = policy.memo.get("turning")
    if found is None:
        each = tuple(frozenset((r.start, *(s.partition(":")[0] for s in r.stop))) for r in policy.clocks)
        found = policy.memo["turning"] = Turns(each=each, any=frozenset[str]().union(*each))
    return found


def _terms(policy: Policy, rule: ClockRule, level: str, facts: Facts) -> Terms:
    promises = tuple(applicable(policy, rule, level, facts))
    if not promises:
        return NOTHING
    limit = policy.limit_ms(promises[0])
    near = None if limit is None else round(limit * policy.warn_share)
    return Terms(promises=promises, limit=limit, near=near, also=tuple(_also(p) for p in promises[1:]))


def _also(promise: Promise) -> Text:
    said = promise.target.words() if promise.target else promise.text or Text("", "")
    return Text(f"{said.en} ({promise.source})", f"{said.zh}（{promise.source}）")
