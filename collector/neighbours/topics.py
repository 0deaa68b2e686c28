"""Which MQTT topic is which point of which device: the mapping file, and a message as a line of it. Pure.

    [[topic]]
    topic = "site/{room}/ups/{ups}/state"   # a level in braces is a name; `+` any level; `#` at the end any rest
    device = "{ups}"                        # a name in braces, or a word; the site is that of the broker's table
    index = "{phase}"                       # left out: none
    payload = "json"                        # or "plain": the payload is one number or word, called `value`
    time = "ts"                             # the payload's own time; left out: when the message came
    time_unit = "s"                         # s, ms, us, ns, or iso (ISO 8601 with its zone)
    retained = false                        # true: what the broker retained counts, once, though it has no time
    silent_after_s = 900                    # a device of this topic that is not heard so long is silent; 0: never
    [topic.fields]
    "battery.charge" = { point = "battery.charge" }       # {"battery": {"charge": 97}}; a list by number: "phase.0.v"
    state = { point = "ups.source", states = { OL = 3, OB = 5 } }

Rules. The fields are those of `collector.neighbours.mapping`, and so is what becomes of them. The first `[[topic]]` that fits
a message is the one; a message that fits none is counted by its topic. A payload that is none is counted with why.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import msgspec
import orjson

from collector.neighbours.line_protocol import PRECISIONS, Field, Line
from collector.neighbours.mapping import Map, field_of
from model.problem import Problem
from model.text import Text
from model.toml_table import Table, parse

#: A payload longer than this is no telemetry.
MOST_BYTES = 256 * 1024
_DEEPEST = 8
_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_UNITS = ("s", "ms", "us", "ns", "iso")
_VALUE = "value"
_SILENT_S = 900.0


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """What the messages of one pattern are. `map.measurement` is the pattern as written."""

    map: Map
    plain: bool = False
    time: str = ""
    time_unit: str = "s"
    retained: bool = False

    @property
    def filter(self) -> str:
        """What is subscribed to: a level that holds a name is any level.

        >>> Topic(map=Map(measurement="hall/{ups}/x-{n}", device="{ups}")).filter
        'hall/+/+'
        """
        return "/".join("+" if "{" in level else level for level in self.map.measurement.split("/"))


def read(body: str, file: str) -> tuple[tuple[Topic, ...], list[Problem]]:
    """The topics of a file; not to be used if a problem is an error."""
    tree = parse(body, file)
    if isinstance(tree, Problem):
        return (), [tree]
    root = Table.root(tree, file, body)
    topics = tuple(_topic(table) for table in root.tables("topic", required=True))
    for number, one in enumerate(topics):
        _lint_overlap(root, number, one, topics[:number])
    root.done(None)
    return topics, root.problems


def _topic(table: Table) -> Topic:
    pattern = table.word("topic", example="site/{ups}/state")
    device, index = table.word("device", example="{ups}"), table.word("index", default="")
    _lint_pattern(table, pattern)
    for key, template in (("device", device), ("index", index)):
        for name in _NAME.findall(template):
            if name not in _NAME.findall(pattern):
                expected = Text("a name that stands in `topic`", "`topic` 中出现的名称")
                table.problem(key, expected, f"`{{{name}}}`")
    retained = table.flag("retained", default=False)
    fields = {name: field_of(one) for name, one in table.named("fields")}
    if pattern and not fields:
        table.problem("fields", Text("at least one field", "至少一个字段"), "none")
    return table.done(
        Topic(
            map=Map(
                measurement=pattern,
                device=device,
                index=index or None,
                fields=fields,
                silent_after_s=table.number("silent_after_s", 0.0 if retained else _SILENT_S, 0, 31 * 86400),
            ),
            plain=table.word("payload", default="json", among=("json", "plain")) == "plain",
            time=table.word("time", default=""),
            time_unit=table.word("time_unit", default="s", among=_UNITS),
            retained=retained,
        )
    )


def _lint_pattern(table: Table, pattern: str) -> None:
    levels = pattern.split("/")
    good = all(level == "+" or not ({"+", "#"} & set(level)) for level in levels[:-1])
    good = good and (levels[-1] in ("+", "#") or not ({"+", "#"} & set(levels[-1])))
    good = good and _NAME.sub("", pattern).count("{") == 0 and not pattern.startswith("$share")
    if pattern and not good:
        expected = Text(
            "levels, `{name}` in a level, `+` as one, `#` as the last", "各级名称；`{名称}`、`+` 占一级，`#` 仅在末级"
        )
        table.problem("topic", expected, f"`{pattern}`")


def _lint_overlap(root: Table, number: int, one: Topic, before: tuple[Topic, ...]) -> None:
    """A broker may send a message once for each filter that it fits: filters are apart, or one holds the other."""
    for other in before:
        if _meet(one.filter, other.filter) and not (
            covers(one.filter, other.filter) or covers(other.filter, one.filter)
        ):
            expected = Text("topics that are apart, or one within the other", "互不重叠，或一个包含另一个")
            fix = Text("make the one wider, or the other narrower", "放宽其一或收窄其一")
            root.problem(f"topic.{number}.topic", expected, f"`{one.filter}` and `{other.filter}` cross", fix)


def covers(wide: str, narrow: str) -> bool:
    """Whether every topic of the filter `narrow` is one of `wide`.

    >>> covers("a/#", "a/+/c"), covers("a/+", "a/b"), covers("a/b", "a/+")
    (True, True, False)
    """
    left, right = wide.split("/"), narrow.split("/")
    for place, level in enumerate(left):
        if level == "#":
            return True
        if place >= len(right) or right[place] == "#" or (level not in ("+", right[place])):
            return False
    return len(left) == len(right)


def _meet(one: str, other: str) -> bool:
    """Whether a topic can fit both filters."""
    left, right = one.split("/"), other.split("/")
    for a, b in zip(left, right, strict=False):
        if "#" in (a, b):
            return True
        if a != b and "+" not in (a, b):
            return False
    longer = max(left, right, key=len)
    return len(left) == len(right) or longer[min(len(left), len(right))] == "#"


def filters(topics: tuple[Topic, ...], wider: tuple[str, ...] = ()) -> list[str]:
    """What to subscribe to: no filter that another one holds. `wider`: what the broker's table adds."""
    wanted = sorted({*wider, *(one.filter for one in topics)})
    return [one for one in wanted if not any(other != one and covers(other, one) for other in wanted)]


class Reader:
    """The topics of a broker, ready to be asked. Holds nothing but what it was made of."""

    def __init__(self, topics: tuple[Topic, ...]) -> None:
        self.topics = topics
        self._patterns = [(_pattern(one.map.measurement), one) for one in topics]

    def find(self, topic: str) -> tuple[Topic, dict[str, str]] | None:
        """What a topic is, with the names in it; None: nothing says."""
        for pattern, one in self._patterns:
            if found := pattern.fullmatch(topic):
                return one, found.groupdict()
        return None


def _pattern(written: str) -> re.Pattern[str]:
    """The pattern as an expression; a name that stands twice must be the same twice."""
    seen: set[str] = set()

    def level(text: str) -> str:
        parts = _NAME.split(text)
        for place in range(1, len(parts), 2):
            name = parts[place]
            parts[place] = f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+?)"
            seen.add(name)
        return "".join(part if place % 2 else re.escape(part) for place, part in enumerate(parts))

    levels = written.split("/")
    body = "/".join("[^/]*" if one == "+" else level(one) for one in levels if one != "#")
    return re.compile(f"{body}(?:/.*)?" if levels[-1] == "#" and body else ".*" if written == "#" else body, re.DOTALL)


def line_of(one: Topic, names: dict[str, str], payload: bytes) -> Line | str:
    """A message as a line of its map, `at` None when it has no time of its own; or why it is none."""
    if len(payload) > MOST_BYTES:
        return f"longer than {MOST_BYTES} bytes"
    if one.plain:
        fields: dict[str, Field] = {_VALUE: plain_value(payload)}
    else:
        try:
            fields = dict(_flat(orjson.loads(payload)))
        except orjson.JSONDecodeError:
            return "no JSON"
    at: int | None = None
    if one.time:
        found = time_ms(fields.pop(one.time, None), one.time_unit)
        if found is None:
            return f"no time in `{one.time}`"
        at = found
    if not fields:
        return "nothing in it"
    return Line(number=0, measurement=one.map.measurement, tags=names, fields=fields, at=at)


def plain_value(payload: bytes) -> Field:
    """A plain payload: a number when it is one, else its words.

    >>> plain_value(b" 23.5 "), plain_value(b"ON"), plain_value(b"nan")
    (23.5, 'ON', 'nan')
    """
    text = payload.decode("utf-8", "replace").strip()
    try:
        return float(text) if text.lower().lstrip("+-") not in ("nan", "inf", "infinity") and "_" not in text else text
    except ValueError:
        return text


def _flat(value: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, Field]]:
    """Every leaf by its path. What is null is not there; what lies too deep is not looked at."""
    if isinstance(value, str | bool | int | float):
        yield path or _VALUE, value
    elif depth < _DEEPEST and isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(inner, f"{path}.{key}" if path else str(key), depth + 1)


def time_ms(value: Field | None, unit: str) -> int | None:
    """A payload's time in ms since 1970 UTC; None when it is none, has no zone, or is before 2000 (a wrong unit).

    >>> time_ms(1700000000, "s"), time_ms("2023-11-14T22:13:20Z", "iso"), time_ms("2023-11-14T22:13:20", "iso")
    (1700000000000, 1700000000000, None)
    """
    if unit == "iso":
        try:
            read = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            return None
        return round(read.timestamp() * 1000) if read and read.tzinfo else None
    if isinstance(value, str):
        value = plain_value(value.encode())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    at = value * PRECISIONS[unit]
    return round(at) if 946_684_800_000 <= at <= 32_503_680_000_000 else None
