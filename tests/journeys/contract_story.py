"""A stage for timelines of one contract: the real desk on a database in a folder, story time, a tick every few minutes.

`Story` reads like a log: `story.opens("10:00", Impact.OUTAGE)`, `story.until("11:00")`, `story.did(K.DIAGNOSED)`; then
`story.calls()` and `story.clock("restore")` say what the contract made of it, in hours after the opening.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from alerts.kinds import kind_of
from alerts.types import Impact, Incident
from desk import store
from desk.opening import Background
from desk.policy import Facts
from desk.types import Clock, ClockState, EntryKind, Ticket, TicketKind
from model.finding import Finding
from model.inventory import Battery, Contract, Customer, Device, Inventory, Site
from model.text import Text
from tests.desk import stage
from tests.desk.stage import DAY, HOUR, MINUTE

K = EntryKind
TICK = 15 * MINUTE


def inventory(policy: str) -> Inventory:
    """One customer under this contract: a site near an office, one far from any, one in Malaysia."""
    ups: dict[str, Any] = {"kind": "ups", "model": "UPS2000", "serial": "SN-1", "installed": "2024-03-15"}
    battery = Battery(blocks=16, block_ah=9, installed="2024-03-15")
    devices = [
        *(Device(id=f"{s}/ups-10k", name=Text("UPS 10k", "UPS 10k"), rated_va=10_000, battery=battery, core=True, **ups) for s in ("near", "far", "kul")),
        *(Device(id=f"{s}/ups-3k", name=Text("UPS 3k", "UPS 3k"), rated_va=3_000, **ups) for s in ("near", "far")),
    ]  # fmt: skip
    sites = [
        Site(id="near", customer="harbour", name=Text("Near", "近处")),
        Site(id="far", customer="harbour", name=Text("Far", "远处"), local=False),
        Site(id="kul", customer="harbour", name=Text("KL", "吉隆坡"), country="MY", tz="Asia/Kuala_Lumpur"),
    ]
    return Inventory(
        revision=1,
        customers={"harbour": Customer(id="harbour", name=Text("Harbour", "港口"))},
        sites={s.id: s for s in sites},
        devices={d.id: d for d in devices},
        contracts=(Contract(customer="harbour", policy=policy, since="2020-01-01"),),
    )


class Story:
    """One ticket of one contract from its opening on. Times are the wall of the site, `2026-11-23 10:00` at first."""

    def __init__(self, conn: sa.Connection, policy: str, start: str = "2026-11-23 10:00") -> None:
        self.conn = conn
        self.inventory = inventory(policy)
        self.t0 = self.now = stage.at(start)
        self.id = ""
        self.incident: Incident | None = None

    def breaks(
        self, impact: Impact = Impact.OUTAGE, root: str = "near/ups-10k", cause: str = "device", finding: str = ""
    ) -> Story:
        """Telemetry opens a ticket."""
        self.incident = stage.incident(root, cause, impact=impact, opened=self.now)
        around = Background(findings=(_finding(root, finding, self.now),)) if finding else Background()
        (self.id,) = store.apply(self.conn, [self.incident], self.inventory, self.now, lambda _: around)
        return self

    def is_told(self, kind: TicketKind, level: str, place: str = "near/ups-10k", **facts: Any) -> Story:
        """A person calls."""
        told = {"level": level, "fault_information": "dark", "debug_information": "E07", "caller": "Wu"}
        self.id = store.open_by_person(
            self.conn, kind, place, "no output", "ann", self.now, self.inventory, self.now, told, Facts(**facts)
        )
        return self

    def after(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> Story:
        """Let time pass, with the desk's ticks, up to so long after the opening."""
        end = self.t0 + round(days * DAY + hours * HOUR + minutes * MINUTE)
        assert end >= self.now, "a story does not go back"
        while self.now < end:
            self.now = min(self.now + TICK, end)
            store.tick(self.conn, self.inventory, self.now)
        return self

    def sleeps(self, *, hours: float) -> Story:
        """The desk is down until so long after the opening; then one tick."""
        self.now = self.t0 + round(hours * HOUR)
        store.tick(self.conn, self.inventory, self.now)
        return self

    def did(self, kind: EntryKind, text: str = "done", /, **data: str | float | None) -> Story:
        """A person acts, now."""
        store.act(self.conn, self.id, kind, "ann", text, self.now, self.now, data)
        return self

    def grows(self, impact: Impact) -> Story:
        """The same incident, worse."""
        assert self.incident
        self.incident = stage.later(self.incident, self.now, impact=impact)
        store.apply(self.conn, [self.incident], self.inventory, self.now)
        return self

    def runs_again(self) -> Story:
        """Telemetry proves that the equipment runs."""
        assert self.incident
        store.apply(self.conn, [stage.ended(self.incident, self.now)], self.inventory, self.now)
        return self

    def relapses(self) -> Story:
        """It is back: a new incident of the same cause."""
        assert self.incident
        key = self.incident.key
        self.incident = stage.incident(key.root, key.cause, impact=self.incident.impact, opened=self.now)
        store.apply(self.conn, [self.incident], self.inventory, self.now)
        return self

    @property
    def ticket(self) -> Ticket:
        return store.ticket(self.conn, self.id)

    def next_call(self) -> str | None:
        """English name of who is to be called next."""
        return self.ticket.next_call.en if self.ticket.next_call else None

    def calls(self) -> list[tuple[str, float]]:
        """(role, hours after the opening) of everybody whom the ladder told."""
        return [(str(e.data["to"]), self._hours(e.at)) for e in self._of(K.ESCALATED)]

    def broken(self) -> dict[str, float]:
        """Clock -> hours after the opening at which it was broken."""
        return {str(e.data["clock"]): self._hours(e.at) for e in self._of(K.BROKEN)}

    def clock(self, name: str) -> Clock:
        """The one clock of this name."""
        (found,) = (c for c in store.clocks(self.conn, self.id, self.now) if c.name == name)
        return found

    def due(self, name: str) -> float | None:
        """Hours after the opening at which a clock ends."""
        moment = self.clock(name).due_at
        return None if moment is None else self._hours(moment)

    def state(self, name: str) -> ClockState:
        return self.clock(name).state

    def names(self) -> set[str]:
        """The clocks that there are."""
        return {c.name for c in store.clocks(self.conn, self.id, self.now)}

    def _of(self, kind: EntryKind) -> list[Any]:
        return sorted((e for e in store.ledger(self.conn, self.id) if e.kind is kind), key=lambda e: e.at)

    def _hours(self, moment: int) -> float:
        return round((moment - self.t0) / HOUR, 3)


@contextmanager
def opened(folder: Path) -> Iterator[sa.Connection]:
    """The desk's database in a folder."""
    made = stage.engine(folder / "desk.db")
    with made.begin() as conn:
        yield conn
    made.dispose()


def _finding(root: str, kind: str, now: int) -> Finding:
    severity = kind_of(kind).severity
    advice = Text("look", "查看")
    return Finding(
        device=root, kind=kind, index=None, severity=severity, since=now, score=1.0, evidence=(), advice=advice
    )
