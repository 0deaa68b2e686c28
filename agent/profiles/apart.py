"""What a profile says beside what it reads: flags that exclude each other, thresholds by name, and orders, declared and off."""

from __future__ import annotations

from agent.profiles.form import EXCLUSIVE, ROW_TIERS, THRESHOLD, Derived, Level, Order, Tier
from agent.profiles.taking import Table, choice, unknown_point
from model.points import POINTS, Kind
from model.text import Text

#: Modbus functions that write one coil, one register, coils, registers.
WRITING = (5, 6, 15, 16)


def exclusive(table: Table, layer: str) -> Derived:
    """One `[[exclusive]]`: flags of which one at most can stand."""
    points = tuple(str(point) for point in table.take("points", list, [], needed=True))
    for point in points:
        _flag(table, "points", point)
    if len(set(points)) < 2:
        table.wrong("points", Text("two flags or more", "至少两个标志"), points)
    tier = Tier(choice(table, "tier", ROW_TIERS))
    table.done()
    return Derived(point=f"{EXCLUSIVE} {' '.join(points)}", sources=points, rule=EXCLUSIVE, tier=tier, layer=layer)


def threshold(table: Table, layer: str) -> Derived:
    """One `[[threshold]]`: a flag that a value raises, and ends with hysteresis. A device's entry overrides it by its name."""
    name, point = table.take("name", str, "", needed=True), table.take("point", str, "", needed=True)
    flag = table.take("raises", str, "", needed=True)
    if point not in POINTS:
        unknown_point(table, "point", point)
    elif POINTS[point].kind not in (Kind.GAUGE, Kind.COUNTER):
        table.wrong("point", Text("a gauge", "量值型测点"), point)
    _flag(table, "raises", flag)
    above, below = table.take("above", float), table.take("below", float)
    clear = table.take("clear", float, needed=True)
    raised = above if above is not None else below
    if (above is None) == (below is None):
        table.wrong("above", Text("above or below, one of them", "above 与 below 二选一"), f"{above} {below}")
    elif clear is not None and not (clear < raised if above is not None else clear > raised):
        table.wrong(
            "clear", Text("on the good side of the limit: that is the hysteresis", "应在限值的正常一侧（回差）"), clear
        )
    tier = Tier(choice(table, "tier", ROW_TIERS))
    index = table.take("index", str)
    table.done()
    level = Level(name=name, flag=flag, raised=float(raised or 0), clear=float(clear or 0))
    return Derived(
        point=f"{THRESHOLD} {name}", sources=(point,), rule=THRESHOLD, tier=tier, index=index, level=level, layer=layer
    )


def order(table: Table, driver: str) -> Order:
    """One `[[order]]`: what the family could be told to do, and how. It is declared, never sent by anything that reads."""
    title = table.table("title")
    enabled = table.take("enabled", bool, False)
    if enabled:
        fix = Text(
            "remove it: an order is let out at the centre, by consent, for one device",
            "删除：操作须在中心按客户授权逐台放行",
        )
        table.reader.wrong(
            table.key("enabled"),
            Text("false: a profile cannot switch an order on", "false：配置不能启用操作"),
            "true",
            fix,
        )
    made = Order(
        id=table.take("id", str, "", needed=True),
        title=Text(title.take("en", str, "", needed=True), title.take("zh", str, "", needed=True)),
        source=table.take("source", str, "", needed=True),
        at=str(table.peek("at") if table.peek("at") is not None else ""),
        value=table.peek("value") if isinstance(table.peek("value"), int | str) else 0,
        function=table.take("function", int, 0),
        command=table.take("command", str, ""),
    )
    if driver == "megatec" and not (made.command and not made.at):
        table.wrong("command", Text("the words of the order", "操作命令"), repr(made.command))
    if driver != "megatec" and (not made.at or made.command):
        table.wrong("at", Text("the place that would be written", "写入位置"), repr(made.at))
    if driver == "modbus" and made.function not in WRITING:
        table.wrong(
            "function", Text("a function that writes: 5, 6, 15 or 16", "写功能码：5、6、15 或 16"), made.function
        )
    title.done()
    table.done()
    return made


def _flag(table: Table, key: str, point: str) -> None:
    if point not in POINTS:
        unknown_point(table, key, point)
    elif POINTS[point].kind is not Kind.FLAG:
        table.wrong(key, Text("flags", "标志类测点"), point)
