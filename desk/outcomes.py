"""Whether the findings of a closed ticket were right, by what people wrote into it. Pure.

    right     a diagnosis whose failure mode names the finding's kind, or the kind's cause (`battery.open_block`: all that said "battery")
    wrong     closed with `no_fault`, and nothing was diagnosed or fitted
    not told  everything else: another failure mode may be the root of what was found, and silence says nothing

What a device tells of itself (on battery, silent) is no claim and is left out. A ticket that was opened anew counts by its last closing.
"""

from __future__ import annotations

from collections.abc import Sequence

from alerts.kinds import Root, kind_of
from alerts.types import Alert
from analytics.calibration import Case
from desk.clocks import story
from desk.types import Entry, EntryKind, Ticket, TicketState

#: States that anybody can see.
PLAIN = frozenset(
    {
        "on_battery",
        "mains_failed",
        "battery_low",
        "output_off",
        "device_silent",
        "agent_silent",
        "port_down",
        "battery_untested",
    }
)
#: Causes too wide to be a diagnosis.
_WIDE = frozenset({"device", "unusual"})


def judged(ticket: Ticket, ledger: Sequence[Entry], alerts: Sequence[Alert]) -> list[Case]:
    """A case for each alert of the ticket's incident of which its ledger tells; none while it is open."""
    if ticket.state is not TicketState.CLOSED:
        return []
    events = story(list(ledger))
    modes = {str(e.data["failure_mode"]).lower() for e in events if e.data.get("failure_mode")}
    worked = any(e.kind in (EntryKind.DIAGNOSED, EntryKind.PART_FITTED) for e in events)
    closed = [e for e in events if e.kind is EntryKind.CLOSED]
    nothing = bool(closed and closed[-1].data.get("no_fault")) and not worked
    cases = []
    for alert in alerts:
        if alert.kind in PLAIN:
            continue
        right = named(alert.kind, modes)
        if right or nothing:
            found = alert.finding
            claimed = found.score if found.claimed is None else found.claimed
            root = alert.device.partition("/")[0] if kind_of(alert.kind).root is Root.SITE else alert.device
            cases.append(Case(kind=alert.kind, device=root, score=claimed, right=right))
    return cases


def named(kind: str, modes: set[str]) -> bool:
    """Whether one of these failure modes is what the finding said.

    >>> named("battery_replace", {"battery.open_block"}), named("fan", {"fan.worn"}), named("charger", {"fan.worn"})
    (True, True, False)
    """
    names = {kind, kind_of(kind).cause} - _WIDE
    return any(mode in names or mode.partition(".")[0] in names for mode in modes)
