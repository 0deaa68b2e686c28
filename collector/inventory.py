"""The inventory file: who owns what, where it stands, what feeds it, under which contract.

    [[customer]] id, name = { en, zh }
    [[contract]] customer, policy, since, until
    [[site]]     id, customer, name, place, country, tz, local, generator_s
    [[device]]   id = "site/device", name, kind, model, serial, installed, rated_va, fed_by, via, core, parallel,
                 battery = { blocks, block_ah, block_v, strings, installed, runtime_s, runtime_load,
                 chemistry }

Every mistake is a `Problem` with its line, and all are found in one go. An import is
all or nothing and gets the next revision; every revision stays in the database with its date and text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import msgspec
import sqlalchemy as sa

from collector.store import tables as t
from desk.policies import POLICIES
from model.inventory import CHEMISTRIES, MAINS, Battery, Contract, Customer, Device, Inventory, Site
from model.problem import Problem, unreadable
from model.text import Text
from model.toml_table import Table, parse

_KINDS = ("ups", "switch", "pdu", "sensor", "other")
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_WRONG_ID = Text("letters, digits, dot, dash, underscore", "字母、数字、点、短横线、下划线")


def read(body: str, file: str, known_policies: Sequence[str]) -> tuple[Inventory, list[Problem]]:
    """The inventory in `body`, and what is wrong with it; usable only if no problem is an error."""
    tree = parse(body, file)
    if isinstance(tree, Problem):
        return Inventory(), [tree]
    root = Table.root(tree, file, body)
    customers, sites, contracts, devices = (root.tables(key) for key in ("customer", "site", "contract", "device"))
    inventory = Inventory(
        customers=_by_id(customers, _customer),
        sites=_by_id(sites, _site),
        devices=_by_id(devices, _device),
        contracts=tuple(_contract(table, known_policies) for table in contracts),
    )
    root.done(None)
    _lint_references(inventory, sites, contracts, devices)
    _lint_contracts(inventory.contracts, contracts)
    _lint_loops(inventory, devices)
    return inventory, root.problems


def _by_id(tables: list[Table], make: Callable[[Table], Any]) -> dict[str, Any]:
    """Things by id; the first of two with the same id stays."""
    found: dict[str, Any] = {}
    for table in tables:
        thing = table.done(make(table))
        if thing.id in found:
            table.problem("id", Text("each id once", "编号不得重复"), f"`{thing.id}` twice")
        elif thing.id:
            found[thing.id] = thing
    return found


def _id(table: Table) -> str:
    id = table.word("id")
    if id and not _ID.match(id):
        table.problem("id", _WRONG_ID, repr(id))
    return id


def _customer(table: Table) -> Customer:
    return Customer(id=_id(table), name=_name(table))


def _name(table: Table) -> Text:
    """Both languages, or one word that is the same in both."""
    value = table.tree.get("name")
    if isinstance(value, str) and value:
        word = table.word("name")
        return Text(word, word)
    return table.text("name")


def _site(table: Table) -> Site:
    tz = table.word("tz", default="Asia/Shanghai")
    if tz not in available_timezones():
        table.problem("tz", Text("a time zone like Asia/Shanghai", "时区，如 Asia/Shanghai"), f"`{tz}`")
    country = table.word("country", default="CN")
    if not re.fullmatch(r"[A-Z]{2}", country):
        table.problem("country", Text("two capital letters (ISO 3166)", "两个大写字母（ISO 3166）"), f"`{country}`")
    return Site(
        id=_id(table),
        customer=table.word("customer"),
        name=_name(table),
        place=table.word("place", default=""),
        country=country,
        tz=tz,
        local=table.flag("local", True),
        generator_s=table.number("generator_s", None, 1, 3600),
    )


def _device(table: Table) -> Device:
    id = table.word("id")
    site, slash, name = id.partition("/")
    if id and not (slash and _ID.match(site) and _ID.match(name)):
        table.problem("id", Text("site/device", "站点/设备"), f"`{id}`")
    return Device(
        id=id,
        name=_name(table) if "name" in table.tree else Text(id, id),
        kind=table.word("kind", default="ups", among=_KINDS),
        model=table.word("model", default=""),
        serial=table.word("serial", default=""),
        installed=_date(table, "installed"),
        rated_va=table.number("rated_va", None, 1, 5e6),
        battery=_battery(table.table("battery")) if "battery" in table.tree else None,
        fed_by=table.word("fed_by", default="") or None,
        via=table.word("via", default="") or None,
        core=table.flag("core", False),
        parallel=table.word("parallel", default="") or None,
    )


def _battery(table: Table) -> Battery:
    if "blocks" not in table.tree:
        table.problem("blocks", Text("the number of blocks", "电池节数"), "nothing")
    if "block_ah" not in table.tree:
        table.problem("block_ah", Text("the capacity of a block, Ah", "单节容量 (Ah)"), "nothing")
    return table.done(
        Battery(
            blocks=_whole(table, "blocks", 1, 2000),
            block_ah=table.number("block_ah", 1.0, 0.1, 20_000),
            block_v=table.number("block_v", 12.0, 1, 48),
            strings=_whole(table, "strings", 1, 64),
            installed=_date(table, "installed"),
            runtime_s=table.number("runtime_s", None, 1, 14 * 86_400),
            runtime_load=table.number("runtime_load", 100.0, 1, 150),
            chemistry=table.word("chemistry", default="vrla", among=CHEMISTRIES),
        )
    )


def _whole(table: Table, key: str, low: int, high: int) -> int:
    value = table.number(key, low, low, high)
    if value != int(value):
        table.problem(key, Text("a whole number", "整数"), repr(value))
    return int(value)


def _contract(table: Table, known_policies: Sequence[str]) -> Contract:
    return table.done(
        Contract(
            customer=table.word("customer"),
            policy=table.word("policy", among=known_policies),
            since=_date(table, "since", required=True) or "1970-01-01",
            until=_date(table, "until"),
        )
    )


def _date(table: Table, key: str, required: bool = False) -> str | None:
    """An ISO date, in quotes or as TOML's own date."""
    if isinstance(table.tree.get(key), date):
        table.tree[key] = table.tree[key].isoformat()
    text = table.word(key, default=None if required else "")
    if not text:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        table.problem(key, Text("a date like 2026-03-01", "日期，如 2026-03-01"), f"`{text}`")
        return None


def _lint_references(inventory: Inventory, sites: list[Table], contracts: list[Table], devices: list[Table]) -> None:
    """Every name that points at another thing must find it."""
    customers, site_ids = tuple(inventory.customers), tuple(inventory.sites)
    feeds = (MAINS, *inventory.devices)
    for table in (*sites, *contracts):
        if table.tree.get("customer"):
            table.word("customer", among=customers)
    for table in devices:
        id, fed_by = table.tree.get("id"), table.tree.get("fed_by")
        if isinstance(id, str) and "/" in id and id.partition("/")[0] not in site_ids:
            known = ", ".join(site_ids) or "—"
            table.problem("id", Text(f"a site of {known}", f"以下站点之一：{known}"), f"`{id.partition('/')[0]}`")
        via = table.tree.get("via")
        if isinstance(via, str) and (
            via not in inventory.devices or via == id or via.partition("/")[0] != str(id).partition("/")[0]
        ):
            expected = Text("the id of another device of the site in this file", "本文件中同站点另一设备的编号")
            table.problem("via", expected, f"`{via}`")
        if isinstance(fed_by, str) and fed_by not in feeds:
            expected = Text("`mains` or the id of a device in this file", "`mains` 或本文件中某设备的编号")
            table.problem("fed_by", expected, f"`{fed_by}`")


def _lint_contracts(contracts: Sequence[Contract], tables: list[Table]) -> None:
    """A contract must end after it begins, and a customer has one at a time."""
    for n, (contract, table) in enumerate(zip(contracts, tables, strict=True)):
        if contract.until and contract.until <= contract.since:
            table.problem(
                "until", Text(f"a date after {contract.since}", f"晚于 {contract.since} 的日期"), contract.until
            )
        for other in contracts[:n]:
            overlap = contract.since < (other.until or "9999") and other.since < (contract.until or "9999")
            if other.customer == contract.customer and overlap:
                expected = Text("one contract of a customer at a time", "同一客户同一时间只有一份合同")
                table.problem("since", expected, f"overlaps `{other.policy}` since {other.since}")


def _lint_loops(inventory: Inventory, devices: list[Table]) -> None:
    """What feeds a device may not be fed by it, nor reached through it."""
    ends = {
        "fed_by": Text("a feed that ends at `mains`", "最终接到 `mains` 的供电链"),
        "via": Text("a way that ends at a device without `via`", "最终到达无 `via` 设备的路径"),
    }
    for table, (key, expected) in product(devices, ends.items()):
        id = table.tree.get("id")
        path: list[str] = []
        at = id if isinstance(id, str) else None
        while at in inventory.devices and at not in path:
            path.append(at)
            at = getattr(inventory.devices[at], key)
        if at is not None and at == id:
            table.problem(key, expected, " <- ".join([*path, at]))


def put(conn: sa.Connection, inventory: Inventory, source: str, now: int) -> Inventory:
    """Keep a new revision, unless it says the same as the present one; the inventory now in force."""
    present = latest(conn)
    if msgspec.structs.replace(inventory, revision=present.revision) == present:
        return present
    fresh = msgspec.structs.replace(inventory, revision=present.revision + 1)
    body = msgspec.json.encode(fresh).decode()
    conn.execute(t.inventory.insert().values(revision=fresh.revision, imported_at=now, source=source, body=body))
    return fresh


def latest(conn: sa.Connection) -> Inventory:
    """The inventory in force; empty before the first import."""
    body = conn.scalar(sa.select(t.inventory.c.body).order_by(t.inventory.c.revision.desc()).limit(1))
    return msgspec.json.decode(body, type=Inventory) if body else Inventory()


def revision(conn: sa.Connection) -> int:
    """The revision in force; 0 before the first import."""
    return conn.scalar(sa.select(sa.func.max(t.inventory.c.revision))) or 0


def import_file(conn: sa.Connection, path: Path, now: int) -> tuple[Inventory | None, list[Problem]]:
    """Read `path` and, if nothing in it is an error, put it in force."""
    found, problems = read_file(path)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    return put(conn, found, str(path), now), problems


def read_file(path: Path) -> tuple[Inventory, list[Problem]]:
    """Read `path` against the policies that the desk knows."""
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Inventory(), [unreadable(str(path), error)]
    return read(body, str(path), tuple(POLICIES))
