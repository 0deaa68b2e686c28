"""Who is looking, and what they may do. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from desk.types import EntryKind


class Role(StrEnum):
    """What somebody may see and do (docs/console.md)."""

    MANAGER = "manager"
    TECHNICIAN = "technician"
    CUSTOMER = "customer"


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """One logged-in person. `customer` is set for role customer and only then."""

    login: str
    name: str
    role: Role
    customer: str | None = None
    csrf: str = ""

    def sees(self, customer: str) -> bool:
        """Whether things of `customer` are shown. A customer login without a customer sees nothing."""
        return self.role is not Role.CUSTOMER or (self.customer is not None and self.customer == customer)

    def may(self, kind: EntryKind) -> bool:
        """Whether this person may write such an entry into a ticket's ledger."""
        return kind in _ACTS[self.role]


_STAFF = frozenset({EntryKind.ACKNOWLEDGED, EntryKind.NOTE, EntryKind.ONSITE, EntryKind.CLOSED})
_ACTS: dict[Role, frozenset[EntryKind]] = {
    Role.MANAGER: _STAFF,
    Role.TECHNICIAN: _STAFF,
    Role.CUSTOMER: frozenset({EntryKind.NOTE}),
}
