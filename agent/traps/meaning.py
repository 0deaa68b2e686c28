"""What a trap means: points and values by the tables of the profiles. Pure.

The table of the device's own profile comes first, then those of all families, then those of makers whose MIB is not
polled (agent/profiles/traps). A v1 trap is named enterprise.0.specific whether its MIB has that 0 or not, so a 0 before the
last number makes no difference. State variables that a profile knows are read as it reads them; what the trap itself means
comes before them, because some tell the state that is being left (linkDown). Other numbers are not taken: their unit may be
the card's own, which only a whole round can prove.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from agent.drivers import settle
from agent.profiles import Profile, Tier
from agent.profiles.form import Trap, under
from agent.profiles.form import Value as Row
from agent.traps.message import Bind
from model.points import POINTS, Kind

Value = tuple[str, str | None, float]


class Meaning(msgspec.Struct, frozen=True, kw_only=True):
    """What a trap says of its device. An unknown one says only that something happened."""

    name: str = ""
    values: tuple[Value, ...] = ()  #: point, index, value
    asks: tuple[Tier, ...] = (Tier.STATUS,)


def normal(oid: str) -> str:
    """An OID of a trap without the 0 that SNMPv1 puts before the last number.

    >>> normal("1.3.6.1.2.1.33.2.0.1")
    '1.3.6.1.2.1.33.2.1'
    """
    head, _, last = oid.rpartition(".")
    return f"{head.removesuffix('.0')}.{last}"


class Tables:
    """The trap tables of all families, by OID."""

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._by_oid: dict[str, list[tuple[Profile, Trap]]] = {}
        for profile in profiles:
            for trap in profile.traps:
                self._by_oid.setdefault(normal(trap.oid), []).append((profile, trap))

    def meaning(self, oid: str, binds: Sequence[Bind], own: Profile | None = None) -> Meaning:
        """What a trap means on a device of profile `own` (None: the device said by itself what it is)."""
        rows = self._by_oid.get(normal(oid), [])
        if not rows:
            return Meaning()
        # Files that extend a standard have its traps too: it is the standard that says what they mean on an unknown device.
        first = next((one for one, trap in rows if trap.layer in ("", one.id)), rows[0][0])
        profile = own if own and any(one.id == own.id for one, _ in rows) else first
        rows = [row for row in rows if row[0].id == profile.id]
        values = dict(_states(profile, binds))
        asks: dict[Tier, None] = {}
        for _, trap in rows:
            if not _holds(trap, binds):
                continue
            index = _index(trap, binds)
            if index is not None or not trap.index:
                values.update({(point, index): value for point, value in trap.sets.items()})
            values.update(_alarm(profile, trap, binds))
            asks.update(dict.fromkeys(trap.asks))
        told = tuple((point, index, value) for (point, index), value in values.items())
        return Meaning(name=rows[0][1].name, values=told, asks=tuple(asks) or (Tier.STATUS,))


def _holds(trap: Trap, binds: Sequence[Bind]) -> bool:
    return all(
        any(under(bind.oid, place) and bind.kind == "int" and bind.value in numbers for bind in binds)
        for place, numbers in trap.when.items()
    )


def _index(trap: Trap, binds: Sequence[Bind]) -> str | None:
    """The variable of the index column, else the row of any variable of its table (some send no ifIndex)."""
    if not trap.index:
        return None
    table = trap.index.rpartition(".")[0]
    for bind in binds:
        if under(bind.oid, trap.index) and bind.kind == "int":
            return str(bind.value)
    for bind in binds:
        if under(bind.oid, table):
            return bind.oid.rpartition(".")[2]
    return None


def _alarm(profile: Profile, trap: Trap, binds: Sequence[Bind]) -> Iterator[tuple[tuple[str, None], float]]:
    """The flag of an alarm that a variable names by OID, as in the alarm table."""
    for alarms in profile.alarms:
        for bind in binds:
            named = str(bind.value)
            if alarms.at != trap.alarm or not under(bind.oid, alarms.at) or not under(named, alarms.names):
                continue
            number = named[len(alarms.names) + 1 :].partition(".")[0]
            flag = alarms.flags.get(int(number)) if number.isdigit() else None
            if flag:
                yield (flag, None), float(trap.state)


def _states(profile: Profile, binds: Sequence[Bind]) -> Iterator[tuple[tuple[str, str | None], float]]:
    """State variables, as the profile reads them."""
    for row in profile.values:
        if POINTS[row.point].kind is not Kind.STATE or not _plain(row):
            continue
        for bind in binds:
            if bind.kind != "int" or not bind.oid.startswith(row.place + "."):
                continue
            index = bind.oid[len(row.place) + 1 :] if row.column else row.index
            one = settle.number(row, float(bind.value), index=index, at=0, where=bind.oid, shown=str(bind.value))
            if isinstance(one.value, float):
                yield (one.point, index), one.value


def _plain(row: Row) -> bool:
    """Whether a row can be read without what stands beside it."""
    beside = row.beside or row.index_map or row.index_from or row.only_if or row.rule or row.mask or row.means
    return not beside and row.template in ((), ("*",))
