"""When a machine is to be lent, proposed by the contract itself. Pure: the ladder and the field's rooms ask here."""

from __future__ import annotations

from collections.abc import Sequence

from desk.policy import Facts, Policy, Spare
from desk.stretches import facts_of
from desk.types import Draft, Entry, EntryKind
from model.text import Text

#: Entries that may make a proposal due.
TELLING = frozenset(
    {EntryKind.OPENED, EntryKind.FACTS, EntryKind.DIAGNOSED, EntryKind.REMOTE_FAILED, EntryKind.UNSOLVED_ONSITE}
)


def fall_due(policy: Policy, ledger: Sequence[Entry], added: Sequence[Entry], now: int) -> list[Draft]:
    """What the entries just `added` (they are in `ledger`) make the contract propose; cheap where nothing can."""
    if not policy.spares or not any(entry.kind in TELLING for entry in added):
        return []
    facts = Facts()
    for entry in sorted(ledger, key=lambda e: (e.at, e.seq)):
        facts = facts_of(entry, facts)
    return proposals(policy, ledger, facts, now)


def proposals(policy: Policy, ledger: Sequence[Entry], facts: Facts, now: int) -> list[Draft]:
    """The spare machines that the contract proposes now and the ledger does not name yet; one entry each, once."""
    if any(e.kind in (EntryKind.LENT, EntryKind.RESTORED, EntryKind.CLOSED, EntryKind.MERGED) for e in ledger):
        return []
    told = {e.data.get("spare") for e in ledger}
    return [_draft(spare, now) for spare in policy.spares if spare.source not in told and _called(spare, ledger, facts)]


def _called(spare: Spare, ledger: Sequence[Entry], facts: Facts) -> bool:
    happened = spare.after is None or any(e.kind.value == spare.after for e in ledger)
    return happened and spare.when.hold(facts)


def _draft(spare: Spare, now: int) -> Draft:
    lender = Text("the manufacturer", "厂家") if spare.lender == "manufacturer" else Text("us", "我方")
    text = Text(
        f"lend a spare machine (from {lender.en}): {spare.text.en} ({spare.source})",
        f"应借出备机（由{lender.zh}提供）：{spare.text.zh}（{spare.source}）",
    )
    data: dict[str, str | int | float | None] = {"spare": spare.source, "lender": spare.lender}
    return Draft(at=now, who="roundsman", kind=EntryKind.NOTE, text=text, data=data)
