"""What a profile holds once it is read. The file format is described in docs/profiles.md.

A profile is data: where a make keeps its points on the wire, what marks stand for "not available", what
its alarm bits mean. Variants change units and marks for members of the family that break the rule;
they are chosen by what the device says of itself or by what its numbers can only mean. How files lie over each other is told in
`agent.profiles.layers`.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from model.text import Text


class Tier(StrEnum):
    """How often a value is worth asking for. `BATTERY` is no tier of a row: it is those measurements that make a discharge
    curve, asked for by themselves while a device is on battery, in a test or in alarm."""

    STATUS = "status"
    MEASURE = "measure"
    IDENTITY = "identity"
    BATTERY = "battery"


#: Tiers that a row may name.
ROW_TIERS = (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY)
#: Rules of rows: the state of the first bit (or character of a text bit-string), in the order of `states`, that is set;
#: type, scale and precision of a value as ENTITY-SENSOR-MIB keeps them in the columns beside it.
FIRST_BIT, FIRST_CHAR, ENTITY_SENSOR = "first_bit", "first_char", "entity_sensor"
#: Rules of `[[derived]]` and how many points each takes: see agent/drivers/derive.py.
DERIVATIONS = {
    "product": (2, 4), "percent_of": (2, 2), "percentage": (2, 2), "quotient": (2, 2), "sum": (1, 16), "difference": (2, 2), "share": (2, 2),
    "mean": (1, 16), "highest": (1, 16), "lowest": (1, 16), "times": (1, 1), "first": (1, 8),
}  # fmt: skip
#: The rule of `[[exclusive]]`: points of which one at most can stand. It makes nothing; it takes away.
EXCLUSIVE = "exclusive"
#: The rule of `[[threshold]]`: a flag from a value, with hysteresis.
THRESHOLD = "threshold"
#: What a discharge curve is made of: the battery itself, and what it feeds.
_DISCHARGE = ("battery.", "ups.load", "output.power", "output.realpower", "output.voltage", "output.current")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a place beside a row must hold: one of these numbers, or text that fits the pattern."""

    numbers: frozenset[float] = frozenset()
    pattern: str = ""


class Instead(msgspec.Struct, frozen=True, kw_only=True):
    """What a mark means: this state of another point. Without a point: that there is nothing to tell."""

    point: str = ""
    state: float = 0.0


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a point, where it stands, and how to read it."""

    point: str
    at: str  #: OID below the base (`.*` marks a column, one value a row), register, or `Q1[1:6]`
    tier: Tier
    index: str | None = None
    scale: float = 1.0  #: raw x scale = the point's unit
    conversion: float = 1.0  #: the part of `scale` that changes the unit (min to s), without its power of ten
    type: str = "u16"  #: Modbus only
    length: int = 1  #: registers
    states: dict[int, int] = {}
    letters: dict[str, int] = {}  #: serial: what each letter of a field means, as states do for numbers
    missing: frozenset[float] = frozenset()
    least: float = 0.0  #: a value nearer to zero than this, but not zero, cannot be
    only_if: str = ""  #: name of a condition that must hold, else the point does not exist
    lines: str = ""  #: SNMP: a scalar that counts the rows; a zero beyond it is no row
    pattern: str = ""  #: text: what is meant is the first group of this
    fallback: bool = False  #: used for an index that no earlier row of the point has
    rule: str = ""  #: a derivation that the driver knows by name
    stride: int = 0  #: Modbus: the address grows by this for each UPS behind the card
    function: int = 0  #: Modbus: 1 to 4; 0: the profile's
    names: dict[int, str] = {}  #: Modbus: text that a number stands for
    bits: int = 0  #: SNMP counters: 32 or 64, where they wrap
    offset: float = 0.0  #: added after the scale, in the point's unit
    curve: str = ""  #: `dBm`: the scaled number is milliwatts
    default: int | None = None  #: the state of raw numbers that `states` does not list
    means: dict[float, Instead] = {}  #: marks that tell something
    missing_text: frozenset[str] = frozenset()  #: marks that are text
    low: float | None = None  #: what this make can give, within what the point can be
    high: float | None = None
    suspect: bool = False  #: beyond low and high: told with quality "suspect" instead of a gap
    optional: bool = False  #: not told of where it is absent
    index_from: tuple[
        int, ...
    ] = ()  #: SNMP: which numbers behind the place make the index, from 1; negative from the end
    index_map: dict[str, str] = {}  #: index on the wire -> index; a row that is not listed does not exist
    label: str = ""  #: SNMP: the column whose text is the index
    where: dict[str, Wanted] = {}  #: SNMP: columns that must hold something, else the row does not exist
    unless: dict[str, Wanted] = {}  #: SNMP: columns that must not
    scale_from: str = ""  #: the place of a factor
    scale_by: str = "power"  #: what the factor is: a power of ten, `digits` behind the point, `divide` or `multiply`
    unit_at: str = ""  #: the place that tells the unit
    units: dict[str, str] = {}  #: what it holds -> unit; empty: the unit itself
    mask: int = 0  #: of the raw word
    shift: int = 0
    order: str = "ABCD"  #: Modbus: of words and bytes
    date: str = ""  #: text points: how a date is packed (agent/profiles/dates.py)
    layer: str = ""  #: the file that the row stands in
    hidden: bool = False  #: read for what is derived from it, not told

    @property
    def column(self) -> bool:
        return "*" in self.at

    @property
    def place(self) -> str:
        """`at` before the first mark of a column."""
        return self.at.partition(".*")[0]

    @property
    def template(self) -> tuple[str, ...]:
        """What follows the place: numbers, and `*` for any number; the last `*` stands for all that follow."""
        return tuple(self.at[len(self.place) + 1 :].split(".")) if self.column else ()

    @property
    def may_lack(self) -> bool:
        """Whether nothing is said when there is no such row."""
        return self.optional or bool(self.where or self.unless or self.index_map or self.rule == ENTITY_SENSOR)

    @property
    def beside(self) -> tuple[str, ...]:
        """The other places that the row depends on."""
        if self.rule == ENTITY_SENSOR:
            return tuple(sensor_place(self.place, n) for n in (1, 2, 3, 5))
        named = (self.label, self.scale_from, self.unit_at, *self.where, *self.unless)
        return tuple(place for place in named if place)


def sensor_place(place: str, column: int) -> str:
    """A column beside the values (4) of a table like ENTITY-SENSOR-MIB: 1 type, 2 scale, 3 precision, 5 status."""
    return f"{place.rpartition('.')[0]}.{column}"


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Bits of one word (Modbus, SNMP) or characters of one reply (serial, SNMP), each raising a flag. A list of numbers:
    which of them raise it; below zero: -1 - n raises it when bit n is 0."""

    at: str
    tier: Tier
    bits: dict[int, str]
    chars: dict[int, str] = {}  #: SNMP: characters of a text of 0 and 1, from 1, as makers count them
    values: dict[int, str] = {}  #: the raw number itself raises the flag
    optional: bool = False
    words: int = 1  #: Modbus: how many registers the bits are counted over, the last one lowest
    layer: str = ""
    stride: int = 0
    function: int = 0  #: Modbus: 1 to 4; 0: the profile's. Of 1 and 2 each bit is an address of its own
    missing: frozenset[int] = frozenset()  #: Modbus: words that are no bits but mean "not available"


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """An SNMP alarm table: a row stands while its alarm stands; a column names the alarm."""

    at: str  #: the column that names alarms
    count: str  #: the scalar that counts them; "": the table alone tells
    names: str  #: the OID below which the known alarms are numbered; "": the column holds numbers or texts
    tier: Tier
    flags: dict[int, str]
    texts: dict[str, str] = {}  #: pattern over the column's text -> flag
    other: str = ""  #: the flag of rows that nothing else names
    by_index: bool = False  #: the alarm's number is the last of the row's index
    where: dict[str, Wanted] = {}  #: columns that must hold something while the alarm stands
    layer: str = ""

    @property
    def told(self) -> tuple[str, ...]:
        """Every flag that the table may raise."""
        named = (*self.flags.values(), *self.texts.values(), *([self.other] if self.other else ()))
        return tuple(dict.fromkeys(named))


class Trap(msgspec.Struct, frozen=True, kw_only=True):
    """What one trap means: the points that it sets, and so what has to be asked to know better."""

    oid: str  #: as SNMPv2 names it; a v1 trap comes as enterprise.0.specific, and a 0 before the last number is no difference
    name: str
    sets: dict[str, float] = {}
    alarm: str = ""  #: the variable that names an alarm as the alarm table's column does; its flag is set to `state`
    state: float = 1
    index: str = ""  #: the column whose variable holds the index, or whose row is it
    when: dict[str, frozenset[int]] = {}  #: a variable's raw number must be one of these, else the trap means nothing
    asks: tuple[Tier, ...] = (Tier.STATUS,)
    layer: str = ""  #: the file that it stands in


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """Where a threshold's flag is raised and where it ends; in the point's unit. Between the two nothing is told."""

    name: str
    flag: str
    raised: float
    clear: float

    @property
    def above(self) -> bool:
        """Whether it is raised by a value over `raised`, else by one under it."""
        return self.raised >= self.clear


class Derived(msgspec.Struct, frozen=True, kw_only=True):
    """A point that is worked out from others of the same round (agent/drivers/derive.py)."""

    point: str
    sources: tuple[str, ...]  #: points, in the order that the rule wants
    rule: str
    tier: Tier
    index: str | None = None
    by: float = 1.0
    level: Level | None = None  #: of a threshold
    layer: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An action that this family knows, and how it would be said: declared, and off. No driver reads this. Only the centre makes an
    order, by the customer's consent, and names one of these by its id."""

    id: str
    title: Text
    source: str  #: where the maker's manual says so
    at: str = ""  #: SNMP: the OID that would be set; Modbus: the register
    value: int | str = 0
    function: int = 0  #: Modbus: 5, 6, 15 or 16 (some firmware ignores 16 in silence)
    command: str = ""  #: serial: the words


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """Holds when the raw number at a place is one of `values`, or none of `unless`."""

    at: str
    values: frozenset[int]
    unless: frozenset[int] = frozenset()
    function: int = 0  #: Modbus: 1 to 4; 0: the profile's


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Holds when some raw number of a column lies between two bounds."""

    at: str
    low: float
    high: float


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant changes of a point's rows."""

    scale: float | None = None
    conversion: float | None = None
    offset: float | None = None
    missing: frozenset[float] = frozenset()
    states: dict[int, int] | None = None
    least: float | None = None
    absent: bool = False  #: this member of the family does not have it, or not right


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """A range of versions, number by number: 12.04.0055 is below 12.4.56."""

    at: str
    least: str = ""
    below: str = ""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What a device must say of itself. An empty field asks nothing."""

    sys_object_id: tuple[str, ...] = ()  #: OID prefixes, whole numbers only
    sys_descr: str = ""  #: a regular expression
    said: dict[str, str] = {}  #: SNMP scalar -> a regular expression over its text
    vendor: str = ""  #: a regular expression over the Modbus identification
    presence: str = ""  #: an OID below which something must stand
    version: Versions | None = None
    qpi: str = ""  #: a regular expression over the QPI reply of a serial UPS

    @property
    def asks_nothing(self) -> bool:
        return self == Match()

    @property
    def scalars(self) -> tuple[str, ...]:
        """Scalars that have to be read before the rest is known."""
        return (*self.said, *([self.version.at] if self.version else ()))


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A family member that breaks the rule, and how."""

    why: str
    match: Match
    sees: Evidence | None = None
    changes: dict[str, Change] = {}
    layer: str = ""


class Serial(msgspec.Struct, frozen=True, kw_only=True):
    """A command of a line protocol and the shape of its reply: see `agent.drivers.exchange.Command`."""

    starts: str
    length: int
    most: int = 0
    crc: bool = False
    constant: bool = False

    @property
    def longest(self) -> int:
        return max(self.length, self.most)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One family of devices on one protocol."""

    id: str
    driver: str
    title: tuple[str, str]
    source: str
    match: Match = Match()
    matches: tuple[Match, ...] = ()  #: any of these will do
    base: str = ""  #: OIDs are written below it
    lineage: tuple[str, ...] = ()  #: the files that this one extends, the nearest first
    without: tuple[str, ...] = ()  #: points of the extended file that this one does not have, or not right
    replaces: tuple[str, ...] = ()  #: profiles that need not be asked beside this one
    recordings: tuple[str, ...] = ()  #: what proves it
    exchanges: tuple[str, ...] = ()  #: real frames and replies that prove it, where there is no recording
    derived: tuple[Derived, ...] = ()
    orders: tuple[Order, ...] = ()  #: declared only: nothing here is ever sent by what reads
    values: tuple[Value, ...] = ()
    flags: tuple[Flags, ...] = ()
    alarms: tuple[Alarms, ...] = ()
    traps: tuple[Trap, ...] = ()
    conditions: dict[str, Condition] = {}
    variants: tuple[Variant, ...] = ()
    walks: dict[Tier, tuple[str, ...]] = {}
    commands: dict[str, Serial] = {}
    layout: str = ""  #: `sunspec`: the device itself tells where its registers stand (agent/drivers/sunspec.py)
    function: int = 3
    max_words: int = 125
    max_gap: int = 8

    def rows(self, tier: Tier) -> tuple[Value, ...]:
        """The rows of one tier, in the file's order."""
        if tier is Tier.BATTERY:
            measured = (row for row in self.values if row.tier is Tier.MEASURE)
            return tuple(row for row in measured if row.hidden or row.point.startswith(_DISCHARGE))
        return tuple(row for row in self.values if row.tier == tier)

    def asks(self, tier: Tier) -> bool:
        """Whether there is anything to ask in a tier."""
        if tier is Tier.BATTERY:
            return bool(self.rows(tier))
        words: tuple[Flags | Alarms, ...] = (*self.flags, *self.alarms)
        return tier in self.walks or any(one.tier == tier for one in (*self.values, *words))


def under(oid: str, prefix: str) -> bool:
    """Whether an OID is `prefix` or stands below it: whole numbers, so 1.3.6.10 is not under 1.3.6.1.

    >>> under("1.3.6.10", "1.3.6.1"), under("1.3.6.1.5", "1.3.6.1")
    (False, True)
    """
    return oid == prefix or oid.startswith(prefix + ".")
