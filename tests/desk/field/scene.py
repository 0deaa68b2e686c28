"""The stage for field stories: a desk on a database, two contracts with gates, and a ticket to work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import sqlalchemy as sa

import desk.store as desk
from alerts.types import Impact
from desk import documents
from desk.duration import Duration
from desk.policy import Gate, Policy
from model.inventory import Contract, Device, Inventory
from model.text import Text
from tests.desk import stage
from tests.desk.book import policy as shipped

PLAN, OTHER_PLAN = b"the signed plan", b"another plan"
HASH, OTHER_HASH = documents.hash_of(PLAN), documents.hash_of(OTHER_PLAN)


def gate(scope: str, *needs: str, valid: str | None = None, source: str = "L1") -> Gate:
    return Gate(
        id=scope,
        scope=scope,
        title=Text(f"leave for {scope}", f"{scope} 许可"),
        needs=needs,
        valid=Duration.parse(valid) if valid else None,
        source=source,
    )


def bound(*gates: Gate) -> Policy:
    """The shipped default contract with these gates and no others."""
    return msgspec.structs.replace(shipped("default"), gates=gates)


BOTH_SIDES = ("plan_drafted", "plan_tested", "customer_written", "provider_written")


def inventory(policy: str = "powerstar") -> Inventory:
    """As tests/desk/stage.py, with `harbour` under another contract and a second device at its site."""
    base = stage.inventory()
    second = Device(id="sz/ups-2", name=Text("UPS 2", "UPS 2"), rated_va=10_000)
    return msgspec.structs.replace(
        base,
        devices={**base.devices, second.id: second},
        contracts=(Contract(customer="harbour", policy=policy, since="2020-01-01"),),
    )


def papers(conn: sa.Connection, folder: Path, customer: str = "harbour") -> None:
    """Keep the two plans as this customer's documents."""
    links = documents.Links(customer=customer)
    for body in (PLAN, OTHER_PLAN):
        documents.put(conn, folder, "plan.txt", "text/plain", body, "ann", stage.T0, links)


@contextmanager
def desk_open(policy: str = "powerstar", root: str = "sz/ups-1") -> Iterator[tuple[sa.Connection, str, Inventory]]:
    """A connection in a transaction, an open ticket about `root`, and the inventory."""
    held = inventory(policy)
    with stage.engine().begin() as conn:
        told = stage.incident(root, "ups", impact=Impact.OUTAGE)
        (ticket,) = desk.apply(conn, [told], held, stage.T0)
        yield conn, ticket, held
