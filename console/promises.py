"""Which promise is in danger: running clocks of open tickets, worst first. Pure.

The clocks are computed by the desk; here they are only sorted and coloured for the eye.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from desk.types import Clock, ClockState, Ticket


class Standing(StrEnum):
    """How a promise stands now, worst first."""

    BROKEN = "broken"
    DANGER = "danger"
    RUNNING = "running"
    PAUSED = "paused"
    UNTIMED = "untimed"
    KEPT = "kept"


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """One clock of one ticket, ready to show. `left_s` is negative when overdue, None without a number."""

    ticket: Ticket
    clock: Clock
    standing: Standing
    left_s: float | None
    elapsed_s: float
    over: bool  #: the clock no longer runs

    @property
    def rank(self) -> tuple[int, int, float]:
        """Worst first; of broken ones the worse impact, else the nearest end."""
        left = self.left_s if self.left_s is not None else 0.0
        worse = self.ticket.impact.rank if self.standing is Standing.BROKEN else 0
        return list(Standing).index(self.standing), worse, left


def standing(clock: Clock, now: int) -> Standing:
    """How this clock stands at `now`, which may be a little after it was computed."""
    if clock.state is ClockState.STOPPED:
        return Standing.KEPT
    if clock.state is ClockState.PAUSED:
        return Standing.PAUSED
    if clock.state is ClockState.BROKEN or (clock.due_at is not None and now > clock.due_at):
        return Standing.BROKEN
    if clock.due_at is None:
        return Standing.UNTIMED
    return Standing.DANGER if clock.warn_at is not None and now >= clock.warn_at else Standing.RUNNING


def left_s(clock: Clock, now: int) -> float | None:
    """Seconds to the end, of a stopped clock what it had left; None where the contract gives no moment."""
    if clock.due_at is None:
        return None
    return (clock.due_at - (now if clock.stopped_at is None else clock.stopped_at)) / 1000


def promise(ticket: Ticket, clock: Clock, now: int) -> Promise:
    """One clock made ready to show."""
    return Promise(
        ticket=ticket,
        clock=clock,
        standing=standing(clock, now),
        left_s=left_s(clock, now),
        elapsed_s=((now if clock.stopped_at is None else clock.stopped_at) - clock.started_at) / 1000,
        over=clock.stopped_at is not None,
    )


def promises(clocks: Iterable[tuple[Ticket, Clock]], now: int) -> list[Promise]:
    """Those still running (or broken and not yet made good), worst first."""
    made = [promise(ticket, clock, now) for ticket, clock in clocks]
    return sorted((p for p in made if not p.over), key=lambda p: p.rank)
