"""Who is looking, and what they may do. Pure."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from desk.acts import BY_PEOPLE
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

    @property
    def staff(self) -> bool:
        """One of the service company's own people."""
        return self.role is not Role.CUSTOMER

    def may(self, kind: EntryKind) -> bool:
        """Whether this person may write such an entry into a ticket's ledger."""
        return kind in _ACTS[self.role]


#: Beside what people write into ledgers, staff opens tickets, arranges visits and records consents.
_STAFF = frozenset({*BY_PEOPLE, EntryKind.OPENED, EntryKind.VISIT, EntryKind.CONSENT})
#: A customer asks, tells, and judges.
_CUSTOMER = frozenset({EntryKind.OPENED, EntryKind.NOTE, EntryKind.DISSATISFIED, EntryKind.SURVEYED})
_ACTS: dict[Role, frozenset[EntryKind]] = {
    Role.MANAGER: _STAFF,
    Role.TECHNICIAN: _STAFF,
    Role.CUSTOMER: _CUSTOMER,
}
