"""What a profile holds once it is read. The file format is described in docs/profiles.md.

A profile is data: where a make keeps its points on the wire, what marks stand for "not available", what
its alarm bits mean. Variants change units and marks for members of the family that break the rule;
they are chosen by what the device says of itself or by what its numbers can only mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec


class Tier(StrEnum):
    """How often a value is worth asking for. `BATTERY` is no tier of a row: it is those measurements that make a discharge
    curve, asked for by themselves while a device is on battery, in a test or in alarm."""

    STATUS = "status"
    MEASURE = "measure"
    IDENTITY = "identity"
    BATTERY = "battery"


#: Tiers that a row may name.
ROW_TIERS = (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY)
#: Rules of Modbus rows: the state of the first bit, in the order of `states`, that is set.
FIRST_BIT = "first_bit"
#: What a discharge curve is made of: the battery itself, and what it feeds.
_DISCHARGE = ("battery.", "ups.load", "output.power", "output.realpower", "output.voltage", "output.current")


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a point, where it stands, and how to read it."""

    point: str
    at: str  #: OID below the base (`.*` at its end: a column, one value a row), register, or `Q1[1:6]`
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

    @property
    def column(self) -> bool:
        return self.at.endswith(".*")

    @property
    def place(self) -> str:
        """`at` without the mark of a column."""
        return self.at.removesuffix(".*")


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """Bits of one word (Modbus) or characters of one reply (serial), each raising a flag."""

    at: str
    tier: Tier
    bits: dict[int, str]
    stride: int = 0
    function: int = 0  #: Modbus: 1 to 4; 0: the profile's. Of 1 and 2 each bit is an address of its own
    missing: frozenset[int] = frozenset()  #: Modbus: words that are no bits but mean "not available"


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """An SNMP alarm table: a row stands while its alarm stands; a column names the alarm by OID."""

    at: str  #: the column that names alarms
    count: str  #: the scalar that counts them
    names: str  #: the OID below which the known alarms are numbered
    tier: Tier
    flags: dict[int, str]


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
    missing: frozenset[float] = frozenset()


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """What a device must say of itself. An empty field asks nothing."""

    sys_object_id: tuple[str, ...] = ()  #: OID prefixes, whole numbers only
    sys_descr: str = ""  #: a regular expression
    said: dict[str, str] = {}  #: SNMP scalar -> a regular expression over its text
    vendor: str = ""  #: a regular expression over the Modbus identification
    presence: str = ""  #: an OID below which something must stand


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """A family member that breaks the rule, and how."""

    why: str
    match: Match
    sees: Evidence | None = None
    changes: dict[str, Change] = {}


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
    values: tuple[Value, ...] = ()
    flags: tuple[Flags, ...] = ()
    alarms: tuple[Alarms, ...] = ()
    traps: tuple[Trap, ...] = ()
    conditions: dict[str, Condition] = {}
    variants: tuple[Variant, ...] = ()
    walks: dict[Tier, tuple[str, ...]] = {}
    commands: dict[str, Serial] = {}
    function: int = 3
    max_words: int = 125
    max_gap: int = 8

    def rows(self, tier: Tier) -> tuple[Value, ...]:
        """The rows of one tier, in the file's order."""
        if tier is Tier.BATTERY:
            return tuple(row for row in self.values if row.tier is Tier.MEASURE and row.point.startswith(_DISCHARGE))
        return tuple(row for row in self.values if row.tier == tier)


def under(oid: str, prefix: str) -> bool:
    """Whether an OID is `prefix` or stands below it: whole numbers, so 1.3.6.10 is not under 1.3.6.1.

    >>> under("1.3.6.10", "1.3.6.1"), under("1.3.6.1.5", "1.3.6.1")
    (False, True)
    """
    return oid == prefix or oid.startswith(prefix + ".")


def says(match: Match, object_id: str, descr: str) -> bool:
    """Whether what an SNMP device says of itself fits. Both parts that are given must fit."""
    if match.sys_object_id and not any(under(object_id, prefix) for prefix in match.sys_object_id):
        return False
    return not match.sys_descr or re.search(match.sys_descr, descr) is not None


def layered(profile: Profile, applies: Callable[[Variant], bool]) -> Profile:
    """The profile with every variant that applies laid over it, in the file's order."""
    changes: dict[str, list[Change]] = {}
    for variant in profile.variants:
        if applies(variant):
            for point, change in variant.changes.items():
                changes.setdefault(point, []).append(change)
    if not changes:
        return profile
    return msgspec.structs.replace(profile, values=tuple(_changed(row, changes) for row in profile.values))


def _changed(row: Value, changes: Mapping[str, list[Change]]) -> Value:
    for change in changes.get(row.point, ()):
        row = msgspec.structs.replace(
            row,
            scale=row.scale if change.scale is None else change.scale,
            conversion=row.conversion if change.conversion is None else change.conversion,
            missing=row.missing | change.missing,
        )
    return row
