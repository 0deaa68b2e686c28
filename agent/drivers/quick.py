"""SNMP readings without samples: what `agent.drivers.snmp` would say of a healthy answer, worked out once per shape of answer.

Rules.
- `agent.drivers.snmp` is the truth. A *shape* is the tuple of OIDs that a tier's exchanges brought. For each shape, and for what in it
  decides between readings (sysObjectID, what variants match, counts of lines, rows of alarms, proofs of variants), a *table* is made
  once: place in the answer, point, index, factor, bounds. Devices of one kind share it.
- An entry turns a whole number within bounds into a `Reading`, nothing else. Text that holds a number, marks, states that nobody
  knows, second-best rows: one by one through the functions of `snmp`. A failed exchange, a NULL, a tier with texts: None, and the
  caller takes the long way.
- Absences (`no such variable`) come behind the readings; apart from that both ways say the same. tests/agent/drivers/test_quick.py
  proves it on made-up answers and on recordings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from agent.drivers import derive, settle, snmp
from agent.drivers.exchange import Exchange, Sample, Variable, Variables
from agent.drivers.quick_whole import Entry, Plain, Slow, flawless, plain
from agent.drivers.snmp_rows import Cell, beyond, cells, column_beside
from agent.drivers.snmp_tree import SYS_DESCR, SYS_OBJECT_ID, Tree, identity, raw_number, said
from agent.profiles.form import FIRST_BIT, FIRST_CHAR, Profile, Tier, Value, Variant
from agent.profiles.layers import layered, says
from model.batch import Event
from model.points import POINTS, Kind
from model.reading import Gap, GapCause, Reading

#: Variables in all shapes of one tier of one profile; beyond, they are made anew (a switch of 500 ports has about 5,000).
_MOST_VARIABLES = 100_000
_MOST_TABLES = 256
_MOST_TIERS = 64
#: Decimal places of a factor that a division gives exactly as rounding to six places does, below this value.
_PLACES, _EXACT_BELOW = 6, 1e8
_NEVER = float("inf")


class Table(msgspec.Struct, frozen=True):
    """What one shape means, once everything that decides is known."""

    entries: tuple[Entry, ...]
    flags: tuple[tuple[Sample, int], ...]  #: samples of alarm tables and absences, and the exchange of their time
    whole: Plain | None  #: the same for a turn without a flaw; None: it cannot be without one


class _Kind(msgspec.Struct):
    """A shape whose deciding values are known: what is left to look at are numbers."""

    proofs: tuple[tuple[tuple[int, ...], float, float], ...]
    zeros: tuple[int, ...]  #: places beyond the counted lines, where a zero is no row
    tables: dict[tuple[bool, ...], Table] = {}


class _Shape(msgspec.Struct):
    """A tuple of OIDs and what of it decides."""

    deciding: tuple[int, ...]
    kinds: dict[tuple[Variable, ...], _Kind] = {}


class _Tier(msgspec.Struct):
    """One tier of one profile. Holds the profile, so that its address in memory stays its own."""

    profile: Profile
    usable: bool
    variants: tuple[Variant, ...]
    shapes: dict[tuple[str | int, ...], _Shape] = {}
    variables: int = 0


_tiers: dict[tuple[int, Tier], _Tier] = {}


def records(
    profile: Profile, tier: Tier, exchanges: Sequence[Exchange], device: str
) -> Sequence[Reading | Gap | Event] | None:
    """Readings and gaps of a tier, or None: then `snmp.read` has to say."""
    known = _tiers.get((id(profile), tier)) or _tier(profile, tier)
    if not known.usable:
        return None
    values: dict[str, Variable] = {}
    times: list[int] = []
    for exchange in exchanges:
        answer = exchange.answer
        if not isinstance(answer, Variables) or answer.cut is not None:
            return None
        values = {**values, **answer.values} if values else answer.values
        times.append(exchange.at)
    held = list(values.values())
    table = _table(known, profile, tier, exchanges, values, held)
    if table is None:
        return None
    whole = flawless(table.whole, held, times, device) if table.whole is not None else None
    if whole is not None:
        return whole
    times.append(max(times))
    return _told(table, held, times, device)


def _told(table: Table, values: list[Variable], times: list[int], device: str) -> list[Reading | Gap | Event] | None:
    """A turn with something odd in it."""
    out: list[Reading | Gap | Event] = []
    take = out.append
    for place, exchange, point, index, coded, missing, factor, over, low, high, least, slow in table.entries:
        raw = values[place]
        if type(raw) is int:
            number = float(raw)
            if coded is not None:
                value = coded.get(raw, _NEVER)
            else:
                value = _NEVER if number in missing else number * factor / over
            if low <= value <= high and (value >= least or not value or value <= -least):
                take(Reading(device=device, point=point, index=index, at=times[exchange], value=value))
                continue
        elif raw is None:
            return None
        sample = _odd(slow, values, times)
        if sample is None:
            return None
        if settle.silent(sample):
            continue
        take(_record(sample, device, sample.at))
    for sample, exchange in table.flags:
        take(_record(sample, device, times[exchange]))
    return out


def _odd(slow: Slow, values: list[Variable], times: list[int]) -> Sample | None:
    """One point the long way: the first row that has a value, else the gap of the first. None: nothing there after all."""
    first = snmp.cell_sample(slow.cell, values[slow.place], times[slow.exchange])
    if first.value is not None or not slow.others:
        return first
    for place, exchange, row, oid in slow.others:
        raw = values[place]
        if raw is None:
            return None
        other = snmp.sample(row, slow.cell.line, oid, raw, times[exchange])
        if other.value is not None:
            return other
    return first


def _record(sample: Sample, device: str, at: int) -> Reading | Gap:
    if sample.value is None:
        cause = sample.cause or GapCause.NO_ANSWER
        where, raw = sample.where, sample.raw
        return Gap(device=device, point=sample.point, index=sample.index, at=at, cause=cause, where=where, raw=raw)
    value, quality = float(sample.value), sample.quality
    return Reading(device=device, point=sample.point, index=sample.index, at=at, value=value, quality=quality)


# ---- what is worked out once


def _tier(profile: Profile, tier: Tier) -> _Tier:
    if len(_tiers) >= _MOST_TIERS:
        _tiers.clear()
    rows = profile.rows(tier)
    texts = any(POINTS[row.point].kind is Kind.TEXT for row in rows)
    usable = not texts and not any(row.hidden for row in rows) and not derive.of_tier(profile, tier)
    known = _tiers[id(profile), tier] = _Tier(profile, usable, snmp.deciding(profile, tier))
    return known


def _table(
    known: _Tier,
    profile: Profile,
    tier: Tier,
    exchanges: Sequence[Exchange],
    values: dict[str, Variable],
    held: list[Variable],
) -> Table | None:
    """The table for an answer, made when it is the first of its kind."""
    key: tuple[str | int, ...] = tuple(values)
    if len(exchanges) > 1:
        lengths = [len(exchange.answer.values) for exchange in exchanges if isinstance(exchange.answer, Variables)]
        if sum(lengths) != len(values):
            return None  # one variable twice, at different times
        key += tuple(lengths)
    shape = known.shapes.get(key)
    if shape is None:
        shape = _new_shape(known, tier, key, values)
    decided = tuple([held[place] for place in shape.deciding])
    kind = shape.kinds.get(decided)
    if kind is None:
        if None in held:
            return None
        kind = _new_kind(known, tier, shape, decided, exchanges)
    seen = tuple([_within(held, *proof) for proof in kind.proofs]) if kind.proofs else ()
    if kind.zeros:
        seen += tuple([_is_zero(held[place]) for place in kind.zeros])
    table = kind.tables.get(seen)
    if table is None:
        if None in held:
            return None
        if len(kind.tables) >= _MOST_TABLES:
            kind.tables.clear()
        table = kind.tables[seen] = _new_table(profile, tier, exchanges)
    return table


def _within(held: list[Variable], places: tuple[int, ...], low: float, high: float) -> bool:
    for place in places:
        raw = held[place]
        if type(raw) is int:
            if low <= raw <= high:
                return True
        else:
            number = raw_number(raw)
            if number is not None and low <= number[0] <= high:
                return True
    return False


def _is_zero(raw: Variable) -> bool:
    return raw == 0 if type(raw) is int else raw_number(raw) == (0.0, True)


def _new_shape(known: _Tier, tier: Tier, key: tuple[str | int, ...], values: dict[str, Variable]) -> _Shape:
    if known.variables + len(values) > _MOST_VARIABLES:
        known.shapes.clear()
        known.variables = 0
    named = {SYS_DESCR, SYS_OBJECT_ID} if any(snmp.asks(variant) for variant in known.variants) else set()
    named |= {f"{place}.0" for variant in known.variants for place in variant.match.scalars}
    rows = known.profile.rows(tier)
    named |= {f"{row.lines}.0" for row in rows if row.lines}
    columns = [f"{column_beside(place.removesuffix('.0'))}" for row in rows for place in row.beside]
    columns += [known.profile.conditions[row.only_if].at for row in rows if row.only_if in known.profile.conditions]
    columns += [word.at.removesuffix(".*") for word in known.profile.flags if word.tier == tier]
    for alarms in known.profile.alarms:
        if alarms.tier == tier:
            columns += [alarms.at, alarms.count, *map(column_beside, alarms.where)]
    named.update(columns)
    columns = [place + "." for place in dict.fromkeys(columns) if place]
    below = tuple(columns)
    deciding = tuple(n for n, oid in enumerate(values) if oid in named or (below and oid.startswith(below)))
    shape = known.shapes[key] = _Shape(deciding, {})
    known.variables += len(values)
    return shape


def _new_kind(
    known: _Tier, tier: Tier, shape: _Shape, decided: tuple[Variable, ...], exchanges: Sequence[Exchange]
) -> _Kind:
    if len(shape.kinds) >= _MOST_TABLES:
        shape.kinds.clear()
    tree = Tree(exchanges)
    places = {oid: n for n, oid in enumerate(tree.values)}
    object_id, descr = identity(tree.values)
    proofs = [
        (tuple(places[oid] for oid, _, _ in tree.under(variant.sees.at)), variant.sees.low, variant.sees.high)
        for variant in known.variants
        if variant.sees and says(variant.match, object_id, descr) and said(variant.match, tree.values)
    ]
    zeros = [
        places[oid] for row in known.profile.rows(tier) if row.lines and row.column for oid, _ in beyond(row, tree)
    ]
    kind = shape.kinds[decided] = _Kind(tuple(dict.fromkeys(proofs)), tuple(dict.fromkeys(zeros)), {})
    return kind


def _new_table(profile: Profile, tier: Tier, exchanges: Sequence[Exchange]) -> Table:
    tree = Tree(exchanges)
    fitted = layered(profile, tree.applies())
    places = {oid: n for n, oid in enumerate(tree.values)}
    of_exchange = _exchange_of(exchanges)
    entries: list[Entry] = []
    told: list[Sample] = []
    for same in snmp.by_point(fitted, tier, tree):
        found = list(_entries(same, tree, places, of_exchange))
        entries += found
        if not found and not snmp.may_lack(same):
            told.append(snmp.missing(same[0], tree))
    told.extend(snmp.flags(fitted, tier, tree))
    last = len(exchanges)
    flags = tuple((sample, of_exchange[places[sample.where]] if sample.where in places else last) for sample in told)
    gaps = [_record(sample, "", 0) for sample in told if sample.value is None]
    absent = [gap for gap in gaps if isinstance(gap, Gap)]
    return Table(tuple(entries), flags, plain(entries, flags, absent, last))


def _exchange_of(exchanges: Sequence[Exchange]) -> list[int]:
    """The exchange that brought each place."""
    out: list[int] = []
    for n, exchange in enumerate(exchanges):
        if isinstance(exchange.answer, Variables):
            out += [n] * len(exchange.answer.values)
    return out


def _entries(rows: Sequence[Value], tree: Tree, places: dict[str, int], of_exchange: list[int]) -> Iterator[Entry]:
    """The entries of one point, as `snmp` orders them."""
    counter = POINTS[rows[0].point].kind is Kind.COUNTER
    by_index: dict[str | None, list[Cell]] = {}
    for row in rows:
        for cell in cells(row, tree):
            by_index.setdefault(cell.line, []).append(cell)
    for first, *others in by_index.values():
        place = places[first.oid]
        live = [(places[cell.oid], cell.row, cell.oid) for cell in others if not cell.lack and not counter]
        yield _entry(first, place, of_exchange[place], tuple((n, of_exchange[n], row, oid) for n, row, oid in live))


def _entry(cell: Cell, place: int, exchange: int, others: tuple[tuple[int, int, Value, str], ...]) -> Entry:
    row, index, oid = cell.row, cell.line, cell.oid
    point = POINTS[row.point]
    coded: dict[int, float] | None = None
    times, over = factors(row.scale)
    low, high = settle.bounds(row, point)
    slow_only = bool(cell.lack or row.mask or row.shift or row.rule in (FIRST_BIT, FIRST_CHAR))
    if row.states or row.default is not None or point.kind in (Kind.STATE, Kind.FLAG):
        coded = {} if slow_only else _codes(row, index, oid)
    elif not over or slow_only or row.offset or row.curve:
        low, high = _NEVER, -_NEVER  # every number the long way
        over = 1.0
    elif over != 1.0:
        low, high = max(low, -_EXACT_BELOW), min(high, _EXACT_BELOW)
    slow = Slow(place, exchange, cell, others)
    missing = row.missing.union(row.means)
    return Entry(place, exchange, row.point, index, coded, missing, times, over, low, high, row.least, slow)


def _codes(row: Value, index: str | None, oid: str) -> dict[int, float]:
    """What the long way makes of every number that is known to it; the others go that way."""
    coded: dict[int, float] = {}
    for raw in row.states or POINTS[row.point].states or (0, 1):
        one = settle.number(row, float(raw), index=index, at=0, where=oid, shown="")
        if isinstance(one.value, float) and one.point == row.point and not one.quality:
            coded[raw] = one.value
    return coded


def factors(scale: float) -> tuple[float, float]:
    """(times, over) so that `raw * times / over` is `round(raw * scale, 6)`; (1, 0) when there are none.

    >>> factors(0.1), factors(60.0), factors(1e-06), factors(0.3), factors(1 / 3)
    ((1.0, 10.0), (60.0, 1.0), (1.0, 1000000.0), (3.0, 10.0), (1.0, 0.0))
    """
    for places in range(_PLACES + 1):
        over = 10.0**places
        times = round(scale * over)
        if times and times / over == scale:
            return float(times), over
    return 1.0, 0.0
