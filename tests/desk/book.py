"""Ledgers written by hand, for the pure parts: `book(opened(...), entry(minutes, kind))`."""

from __future__ import annotations

from typing import Any

import msgspec

from desk.clocks import clocks
from desk.policies import load
from desk.policy import Policy
from desk.types import Clock, Entry, EntryKind
from model.text import Text
from tests.desk.stage import MINUTE, T0


def policy(id: str = "powerstar") -> Policy:
    found = load(id)
    assert found
    return found


def opened(level: str = "emergency", local: bool = True, kva: float | None = 10, when: int = T0, **more: Any) -> Entry:
    data = {
        "customer": "harbour",
        "cause": "mains",
        "root": "sz",
        "site": "sz",
        "incident": "i1",
        "policy": policy().pin,
        "level": level,
        "impact": "outage",
        "worst": "outage",
        "members": 1,
        "digest": "d",
        "local": int(local),
        "kva": kva,
        "country": "CN",
        "tz": "Asia/Shanghai",
    }
    return entry(0, EntryKind.OPENED, base=when, **{**data, **more})


def entry(minutes: float, kind: EntryKind, /, base: int = T0, recorded: int | None = None, **data: Any) -> Entry:
    """An entry so many minutes after T0; its `seq` is given by `book`."""
    when = base + round(minutes * MINUTE)
    return Entry(
        ticket="T-000001",
        seq=0,
        at=when,
        recorded_at=recorded or when,
        who="ann",
        kind=kind,
        text=Text("x", "x"),
        data=data,
    )


def book(*entries: Entry) -> list[Entry]:
    return [msgspec.structs.replace(e, seq=n) for n, e in enumerate(entries, start=1)]


def clock(name: str, ledger: list[Entry], minutes: float, of: Policy | None = None) -> Clock | None:
    """One clock so many minutes after T0."""
    found = clocks(of or policy(), ledger, T0 + round(minutes * MINUTE))
    return next((c for c in found if c.name == name), None)
