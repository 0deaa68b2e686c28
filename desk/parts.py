"""Spare parts, lent machines and what lies in stock at a site: from needed to fitted, from lent to returned. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from desk.lines import Line
from model.text import Text


class PartState(StrEnum):
    """`lent` and `returned` are a machine's; the rest a part's."""

    NEEDED = "needed"
    PROMISED = "promised"  #: somebody said when it will be there
    FITTED = "fitted"
    NOT_NEEDED = "not_needed"
    LENT = "lent"
    RETURNED = "returned"


NAMES: dict[PartState, Text] = {
    PartState.NEEDED: Text("needed", "需要"),
    PartState.PROMISED: Text("promised", "已承诺到货"),
    PartState.FITTED: Text("fitted", "已更换"),
    PartState.NOT_NEEDED: Text("not needed after all", "不再需要"),
    PartState.LENT: Text("lent", "已借出"),
    PartState.RETURNED: Text("returned", "已归还"),
}
#: What may follow what.
NEXT: dict[PartState, tuple[PartState, ...]] = {
    PartState.NEEDED: (PartState.PROMISED, PartState.FITTED, PartState.NOT_NEEDED),
    PartState.PROMISED: (PartState.PROMISED, PartState.FITTED, PartState.NOT_NEEDED),
    PartState.FITTED: (),
    PartState.NOT_NEEDED: (),
    PartState.LENT: (PartState.RETURNED,),
    PartState.RETURNED: (),
}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One part or lent machine of a ticket. `since` is when it was needed or lent, `ended_at` fitted or returned."""

    id: str
    item: str
    state: PartState
    ticket: str | None
    device: str | None
    site: str | None
    since: int
    serial: str | None = None
    lender: str | None = None
    expected_at: int | None = None
    ended_at: int | None = None

    @property
    def machine(self) -> bool:
        return self.state in (PartState.LENT, PartState.RETURNED)


def fold(lines: Sequence[Line]) -> Part:
    """The part that these lines make."""
    first = lines[0]
    part = Part(
        id=first.id,
        item=str(first.data["item"]),
        state=PartState(first.event),
        ticket=first.ticket,
        device=first.device,
        site=first.site,
        since=first.at,
        serial=first.data.get("serial"),
        lender=first.data.get("lender"),
        expected_at=first.data.get("expected_at"),
    )
    for line in lines[1:]:
        state = PartState(line.event)
        over = state not in (PartState.PROMISED, PartState.NEEDED)
        part = msgspec.structs.replace(
            part,
            state=state,
            serial=line.data.get("serial") or part.serial,
            expected_at=line.data.get("expected_at") or part.expected_at,
            ended_at=line.at if over else None,
        )
    return part


def stock(lines: Sequence[Line]) -> dict[tuple[str, str], int]:
    """How many of each item lie at each site, by (site, item); those that ran out are left out."""
    found: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.site or "", str(line.data["item"]))
        found[key] = int(line.data["count"]) if line.event == "counted" else found.get(key, 0) + int(line.data["count"])
    return {key: count for key, count in found.items() if count > 0}
