"""The desk's speed and size: .venv/bin/python -m tests.benchmarks.bench_desk [--postgresql] [--tickets 10000] [--entries 1000000]

CPU seconds are this process's own. What is measured:
- a tick with many open tickets: nothing due; one in a hundred due; every ticket due at once (an outage of the desk);
- the same clocks all computed anew from their ledgers, which no tick does: only what time has changed is computed;
- opening a ticket from an incident, ledger and outbox committed, one transaction each;
- `explain` and the lists on a ledger of a million entries.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from alerts.types import Impact
from collector.store.engines import make_engine, writing
from collector.store.opening import bring_up_to_date
from desk import outbox, sql, store
from desk.clocks import clocks as compute
from desk.connectors import settings
from desk.policies import POLICIES, load
from desk.types import Draft, EntryKind
from model.inventory import Contract, Customer, Device, Inventory, Site
from model.text import Text
from tests import databases
from tests.desk.stage import MINUTE, SECOND, T0, incident

SITES = 500
#: The default policy with five clocks more, so that a ticket has eight.
_MORE = """
[[clock]]
name = "{name}"
title = {{ en = "{name}", zh = "{name}" }}
start = "opened"
stop = ["{stop}"]
calendar = "{calendar}"

[[clock.promise]]
levels = ["critical", "high", "normal", "low"]
target = "{target}"
"""
_CLOCKS = (
    ("plan", "planned", "7x24", "PT2H"),
    ("dispatch", "dispatched", "7x24", "PT1H"),
    ("resolve", "resolved", "5x8", "P3D"),
    ("contingency_plan", "contingency", "7x24", "PT16H"),
    ("incident_report", "reported", "5x8", "P5D"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--tickets", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asked = parser.parse_args()
    kind = "postgresql" if asked.postgresql else "sqlite"
    with tempfile.TemporaryDirectory() as folder, databases.on(kind):
        made = make_engine(databases.place(Path(folder) / "desk.sqlite"))
        bring_up_to_date(made)
        bench = Bench(made, _eight_clocks(Path(folder)))
        print(f"desk on {kind}; a loop of 5,000,000 additions takes this machine {_loop():.2f} CPU s now")
        print(f"{'':58} {'measured':>12} {'bound':>10} {'ratio':>7}")
        bench.opening(min(asked.tickets, 1000))
        bench.fill(asked.tickets)
        bench.ticks()
        bench.grow(asked.entries)
        bench.reads()
        made.dispose()


class Bench:
    """One database that grows from one measurement to the next."""

    def __init__(self, made: sa.Engine, policy: str) -> None:
        self.made = made
        self.inventory = _inventory(policy)
        self.opened = 0
        self.now = T0
        with writing(made) as conn:
            outbox.register(conn, [settings("webhook", "http://127.0.0.1:9/", "env:S")])

    def opening(self, count: int) -> None:
        """One transaction a ticket, as the centre does it."""
        self._open(10)
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            self._open(1)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        _row("open a ticket, one commit each: tickets/s", count / wall, 200, at_least=True)
        _row("  of it CPU, ms a ticket", cpu / count * 1000)
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(count // 64):
            self._open(64)
        wall, cpu = time.perf_counter() - began, time.process_time() - cpu
        _row("  64 a commit, as in a storm: tickets/s", count // 64 * 64 / wall)
        _row("  of it CPU, ms a ticket", cpu / (count // 64 * 64) * 1000)

    def fill(self, tickets: int) -> None:
        """Up to `tickets` open ones, many a transaction."""
        while self.opened < tickets:
            self._open(min(500, tickets - self.opened))
        with self.made.connect() as conn:
            some = [d.ticket for d in store.by_due(conn, limit=200)]
            found = store.clocks_of(conn, some, self.now)
        print(f"{tickets} open tickets, {statistics.mean(map(len, found.values())):.1f} clocks each")

    def ticks(self) -> None:
        """What a tick costs, in CPU seconds."""
        with writing(self.made) as conn:
            while store.tick(conn, self.inventory, self.now, most=5000):
                pass
        _row("tick, nothing due: CPU s", _cpu(lambda: self._tick(self.now + SECOND)), 1.0)
        hundredth = self.opened // 100
        with writing(self.made) as conn:
            conn.exec_driver_sql(f"UPDATE tickets SET next_due = {self.now} WHERE number % 100 = 0")
        _row(f"tick, {hundredth} of {self.opened} due: CPU s", _cpu(lambda: self._tick(self.now + SECOND)), 1.0)
        self._whole()
        with writing(self.made) as conn:
            conn.exec_driver_sql(f"UPDATE tickets SET next_due = {self.now}")
        spent: list[float] = []
        began = time.perf_counter()
        while sum(spent) < 600 and self._due():
            spent.append(_cpu(lambda: self._tick(self.now + 2 * SECOND)))
        wall = time.perf_counter() - began
        _row(f"every ticket due at once: CPU s of the longest of {len(spent)} ticks", max(spent), 1.0)
        _row("  until all are up to the time: wall s", wall)

    def _whole(self) -> None:
        with self.made.connect() as conn:
            held = store.tickets(conn, open_only=True)
            ledgers = sql.entries_of(conn, [ticket.id for ticket in held])
            rules = {pin: store.policy(conn, t) for pin, t in {t.policy: t for t in held}.items()}
        clocks = 0

        def all_anew() -> None:
            nonlocal clocks
            clocks = sum(len(compute(rules[t.policy], ledgers[t.id], self.now + MINUTE)) for t in held)

        spent = _cpu(all_anew)
        assert clocks > 0
        _row(f"all {clocks} clocks anew from ledgers in memory: CPU s", spent, 1.0)
        _row("  of it µs a clock", spent / clocks * 1e6)

    def grow(self, entries: int) -> None:
        """Notes on all tickets, until the ledger has so many entries; and one ticket with a thousand."""
        with self.made.connect() as conn:
            there = int(conn.exec_driver_sql("SELECT count(*) FROM ledger").scalar_one())
        each = max(0, (entries - there) // self.opened)
        note = Text("looked at it again, nothing new; the customer was told", "已复查，无变化；已告知客户")
        for first in range(1, self.opened + 1, 500):
            with writing(self.made) as conn:
                for number in range(first, min(first + 500, self.opened + 1)):
                    id = f"T-{number:06d}"
                    last = conn.exec_driver_sql(f"SELECT max(seq) FROM ledger WHERE ticket = '{id}'").scalar_one()
                    many = 1000 if number == 1 else each
                    drafts = [Draft(at=self.now, who="ann", kind=EntryKind.NOTE, text=note, data={})] * many
                    sql.insert_entries(conn, sql.numbered(id, last, drafts, self.now))
        with self.made.connect() as conn:
            print(f"{conn.exec_driver_sql('SELECT count(*) FROM ledger').scalar_one()} ledger entries")

    def reads(self) -> None:
        """Wall ms of what people wait for."""
        with self.made.connect() as conn:
            id = f"T-{self.opened // 2:06d}"
            _row(
                f"explain a ticket with {len(store.ledger(conn, id))} entries: ms",
                _ms(lambda: store.explain(conn, id, self.now)),
                100,
            )
            long = len(store.ledger(conn, "T-000001"))
            _row(
                f"explain a ticket with {long} entries: ms", _ms(lambda: store.explain(conn, "T-000001", self.now)), 100
            )
            _row("open tickets by next due, first 100: ms", _ms(lambda: store.by_due(conn)), 100)
            page = store.by_due(conn, limit=100)[-1]
            for _ in range(self.opened // 200):
                page = (store.by_due(conn, limit=100, after=page) or [page])[-1]
            _row("open tickets by next due, a page in the middle: ms", _ms(lambda: store.by_due(conn, after=page)), 100)
            _row("open tickets of one site by next due: ms", _ms(lambda: store.by_due(conn, site="s7")), 100)
            _row(
                "newest tickets of one customer, first 100: ms", _ms(lambda: store.tickets(conn, "c3", limit=100)), 100
            )

    def _due(self) -> int:
        with self.made.connect() as conn:
            return sql.count_due(conn, self.now + SECOND)

    def _tick(self, now: int) -> None:
        with writing(self.made) as conn:
            store.tick(conn, self.inventory, now)

    def _open(self, count: int) -> None:
        told = []
        for _ in range(count):
            site = f"s{self.opened % SITES}"
            told.append(
                incident(f"{site}/ups-{self.opened}", "device", f"c{self.opened % SITES % 10}", Impact.OUTAGE, self.now)
            )
            self.opened += 1
        with writing(self.made) as conn:
            store.apply(conn, told, self.inventory, self.now)


def _eight_clocks(folder: Path) -> str:
    body = POLICIES["default"].read_text(encoding="utf-8").replace('id = "default"', 'id = "bench"', 1)
    more = (_MORE.format(name=n, stop=stop, calendar=c, target=target) for n, stop, c, target in _CLOCKS)
    (folder / "bench.toml").write_text(body + "".join(more), encoding="utf-8")
    POLICIES["bench"] = folder / "bench.toml"
    assert load("bench") is not None
    return "bench"


def _inventory(policy: str) -> Inventory:
    customers = {f"c{n}": Customer(id=f"c{n}", name=Text(f"C{n}", f"客户{n}")) for n in range(10)}
    sites = {f"s{n}": Site(id=f"s{n}", customer=f"c{n % 10}", name=Text(f"S{n}", f"站点{n}")) for n in range(SITES)}
    devices = {
        id: Device(id=id, name=Text(id, id), kind="ups", rated_va=20_000, installed="2025-01-10", serial=f"SN-{n}")
        for n in range(20_000)
        if (id := f"s{n % SITES}/ups-{n}")
    }
    contracts = tuple(Contract(customer=c, policy=policy, since="2020-01-01") for c in customers)
    return Inventory(revision=1, customers=customers, sites=sites, devices=devices, contracts=contracts)


def _loop() -> float:
    """How fast the machine is at this moment, beside whatever else it does."""
    began, total = time.process_time(), 0
    for n in range(5_000_000):
        total += n
    return time.process_time() - began


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _ms(work: Callable[[], object]) -> float:
    """The median of nine."""
    spent = []
    for _ in range(9):
        began = time.perf_counter()
        work()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def _row(what: str, measured: float, bound: float | None = None, at_least: bool = False) -> None:
    """One line; a ratio above 1 is within the bound."""
    if bound is None:
        print(f"{what:58} {measured:12.3f}", flush=True)
        return
    ratio = measured / bound if at_least else bound / measured if measured else float("inf")
    print(
        f"{what:58} {measured:12.3f} {('>= ' if at_least else '< ') + format(bound, 'g'):>10} {ratio:7.1f}", flush=True
    )


if __name__ == "__main__":
    main()
