"""What really is so: faults and events of one device, as nobody in the field could know them."""

from __future__ import annotations

import msgspec


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """One fault or event. All times in ms.

    `onset` it begins; `visible` the readings first differ by more than their noise; `outage` it becomes an outage, or is as bad
    as it gets; `until` repaired or over. Announced in time: between `onset` and `outage - lead_ms`.
    """

    kind: str
    onset: int
    visible: int
    outage: int
    until: int
    lead_ms: int = 0


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """One battery in a device: from `since` to `until`; `failed` when its capacity fell below 80 % (None: not within the truth's reach)."""

    since: int
    until: int
    failed: int | None
    told: bool  #: the inventory knows of the exchange
