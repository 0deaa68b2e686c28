"""How profiles lie over each other. Pure.

Rules.
- A file that `extends` another one has all that the other has. A row of its own takes the place of the rows of the same point and
  index (of all indexes, where its own is a column or has none); with `fallback` it stands behind them. `without` leaves points out.
- A variant changes rows of its own file and of those below it, never of those above: what cards make of a standard says nothing
  about a maker's own table.
- Of the profiles that fit a device the most particular comes first, and what it gives is not taken from the next: the maker's own
  before the standard. A file stands in for those that it extends or `replaces`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from agent.profiles.form import Change, Match, Profile, Value, Variant, Versions, under


def says(match: Match, object_id: str, descr: str) -> bool:
    """Whether what an SNMP device says of itself fits. Both parts that are given must fit."""
    if match.sys_object_id and not any(under(object_id, prefix) for prefix in match.sys_object_id):
        return False
    return not match.sys_descr or re.search(match.sys_descr, descr) is not None


def within(versions: Versions, text: str) -> bool:
    """Whether the first version number in a text lies in a range.

    >>> within(Versions(at="1", least="12.4.56", below="12.06.0068"), "FW 12.05.0001")
    True
    """
    found = re.search(r"\d+(?:[._-]\d+)*", text)
    if not found:
        return False
    version = _numbers(found[0])
    return _numbers(versions.least) <= version and (not versions.below or version < _numbers(versions.below))


def _numbers(version: str) -> list[int]:
    return [int(number[:18]) for number in re.findall(r"\d+", version)]


def over(base: Profile, own: Profile) -> Profile:
    """`own` laid over what it extends."""
    taken = {trap.oid for trap in own.traps}
    alarms = {alarm.at for alarm in own.alarms}
    words = {(flags.at, flags.function, flags.tier) for flags in own.flags}
    raised = {
        flag for flags in own.flags for group in (flags.bits, flags.chars, flags.values) for flag in group.values()
    }
    raised |= {flag for alarm in own.alarms for flag in alarm.told}
    own_points = {row.point for row in own.values} | {one.point for one in own.derived if one.level}
    kept = tuple(row for row in base.values if not _replaced(row, own) and row.point not in raised and not row.hidden)
    first = tuple(row for row in own.values if not row.fallback)
    last = tuple(row for row in own.values if row.fallback)
    return msgspec.structs.replace(
        own,
        values=(*first, *kept, *last),
        flags=(*own.flags, *(_less(f, own) for f in base.flags if (f.at, f.function, f.tier) not in words)),
        alarms=(*own.alarms, *(alarm for alarm in base.alarms if alarm.at not in alarms)),
        traps=(*own.traps, *(trap for trap in base.traps if trap.oid not in taken)),
        conditions={**base.conditions, **own.conditions},
        variants=(*base.variants, *own.variants),
        derived=(*own.derived, *(d for d in base.derived if d.point not in own_points and d.point not in own.without)),
        walks={**base.walks, **own.walks},
        commands={**base.commands, **own.commands},
        orders=(*own.orders, *(one for one in base.orders if one.id not in {mine.id for mine in own.orders})),
    )


def _less(flags: msgspec.Struct, own: Profile) -> msgspec.Struct:
    """A word of flags without those that the file above raises by itself or does not have."""
    gone = {row.point for row in own.values} | set(own.without)
    groups = {
        name: {n: flag for n, flag in getattr(flags, name).items() if flag not in gone}
        for name in ("bits", "chars", "values")
    }
    return msgspec.structs.replace(flags, **groups)


def _replaced(row: Value, own: Profile) -> bool:
    if row.point in own.without:
        return True
    return any(
        mine.point == row.point
        and mine.tier == row.tier
        and (mine.column or mine.index is None or mine.index == row.index)
        for mine in own.values
        if not mine.fallback
    )


def completed(profile: Profile) -> Profile:
    """The profile with what its derived points need beside the rows of their tier: read with them, not told."""
    extra: list[Value] = []
    for derived in profile.derived:
        for source in derived.sources:
            rows = [row for row in profile.values if row.point == source]
            if any(row.tier == derived.tier for row in (*rows, *extra) if row.point == source):
                continue
            extra += [msgspec.structs.replace(row, tier=derived.tier, hidden=True) for row in rows]
    return msgspec.structs.replace(profile, values=(*profile.values, *extra)) if extra else profile


def layered(profile: Profile, applies: Callable[[Variant], bool]) -> Profile:
    """The profile with every variant that applies laid over it, in the file's order."""
    chosen = [variant for variant in profile.variants if variant.changes and applies(variant)]
    if not chosen:
        return profile
    chain = (profile.id, *profile.lineage)
    changes: dict[tuple[str, str], list[Change]] = {}
    for variant in chosen:
        for point, change in variant.changes.items():
            for layer in _reach(variant.layer, chain):
                changes.setdefault((point, layer), []).append(change)
    rows = (_changed(row, changes) for row in profile.values)
    return msgspec.structs.replace(profile, values=tuple(row for row in rows if row is not None))


def _reach(layer: str, chain: Sequence[str]) -> Sequence[str]:
    return chain[chain.index(layer) :] if layer in chain else (layer,)


def _changed(row: Value, changes: Mapping[tuple[str, str], list[Change]]) -> Value | None:
    for change in changes.get((row.point, row.layer), ()):
        if change.absent:
            return None
        row = msgspec.structs.replace(
            row,
            scale=row.scale if change.scale is None else change.scale,
            conversion=row.conversion if change.conversion is None else change.conversion,
            offset=row.offset if change.offset is None else change.offset,
            missing=row.missing | change.missing,
            states=row.states if change.states is None else change.states,
            least=row.least if change.least is None else change.least,
        )
    return row


def fitting(profiles: Iterable[Profile], object_id: str, descr: str) -> tuple[Profile, ...]:
    """The profiles that may fit what an SNMP device says of itself, the most particular first. One that asks nothing
    of a device is meant to be named in a file, and fits none by itself."""
    found: list[tuple[tuple[int, int, int], str, Profile]] = []
    for profile in profiles:
        ranks = [_rank(one, object_id) for one in ways(profile) if not one.asks_nothing and says(one, object_id, descr)]
        if ranks:
            found.append(((*max(ranks), len(profile.lineage)), profile.id, profile))
    found.sort(key=lambda one: (tuple(-part for part in one[0]), one[1]))
    return tuple(profile for _, _, profile in found)


def ways(profile: Profile) -> tuple[Match, ...]:
    """The matches of a profile, of which any will do."""
    return profile.matches or (profile.match,)


def _rank(match: Match, object_id: str) -> tuple[int, int]:
    """How particular a match is: numbers of the sysObjectID, then what else it asks."""
    numbers = max((prefix.count(".") + 1 for prefix in match.sys_object_id if under(object_id, prefix)), default=0)
    return numbers, 2 * len(match.scalars) + (1 if match.sys_descr else 0)


def chosen(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """Those that fit, without those that another of them stands in for."""
    kept: list[Profile] = []
    for profile in profiles:
        if not any(profile.id in (*other.lineage, *other.replaces) for other in kept):
            kept.append(profile)
    covered = {id for profile in kept for id in profile.lineage}
    return tuple(profile for profile in kept if profile.id not in covered)
