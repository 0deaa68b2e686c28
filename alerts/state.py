"""What the board remembers, and the working copy that one step writes to.

`BoardState` is plain (msgspec writes it beside the alerts in the same transaction) and never changed in place. A
step makes a `Draft` of it, works on that, and hands back a new state and the `Outcome`: every alert and
incident that is new or changed, whole. A *slot* is (device, kind, index): at most one episode stands in it.
"""

from __future__ import annotations

import msgspec

from alerts.types import Alert, CauseKey, Incident
from model.finding import Finding
from model.text import Text


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """A finding that is not an alert yet. `due`: when (board's clock, ms) it becomes one if it still stands."""

    finding: Finding
    since: int
    due: int
    ended: int | None = None  #: it has stopped; kept until `due` in case that it returns


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """An alert whose finding has cleared, within the time in which a return is the same episode."""

    at: int  #: event time at which it cleared
    due: int  #: board's clock from which the clear counts
    why: Text


class BoardState(msgspec.Struct, kw_only=True):
    """By slot: `pending`, `standing` (alert ids), `ending`. By id: `alerts` (open ones, and cleared ones whose
    incident is still open) and the open `incidents`."""

    pending: dict[str, Pending] = {}
    standing: dict[str, str] = {}
    ending: dict[str, Ending] = {}
    alerts: dict[str, Alert] = {}
    incidents: dict[str, Incident] = {}


class Outcome(msgspec.Struct, kw_only=True):
    """New or changed, with their full present values: write them by id."""

    alerts: list[Alert] = []
    incidents: list[Incident] = []


def slot_of(device: str, kind: str, index: str | None) -> str:
    """The key of a slot."""
    return f"{device}|{kind}|{index or ''}"


class Draft:
    """A working copy of a `BoardState` for one step."""

    def __init__(self, state: BoardState) -> None:
        self.pending = dict(state.pending)
        self.standing = dict(state.standing)
        self.ending = dict(state.ending)
        self.alerts = dict(state.alerts)
        self.incidents = dict(state.incidents)
        #: Incidents whose members changed and that must be looked at again.
        self.touched: dict[str, None] = {}
        #: Alerts that were over before they opened, not recorded yet.
        self.over: list[Alert] = []
        self._alerts_told: dict[str, Alert] = {}
        self._incidents_told: dict[str, Incident] = {}

    def put_alert(self, alert: Alert) -> None:
        """Keep a new or changed alert that belongs, or will belong, to an open incident."""
        self.alerts[alert.id] = alert
        self.tell(alert)
        if alert.incident is not None:
            self.touched[alert.incident] = None

    def tell(self, alert: Alert) -> None:
        """Report an alert without keeping it."""
        self._alerts_told[alert.id] = alert

    def put_incident(self, incident: Incident) -> None:
        """Keep a new or changed incident; one that is closed leaves the board, and its alerts with it."""
        self._incidents_told[incident.id] = incident
        if incident.closed_at is None:
            self.incidents[incident.id] = incident
            return
        self.incidents.pop(incident.id, None)
        for member in incident.members:
            self.alerts.pop(member, None)

    def members(self, incident: Incident) -> list[Alert]:
        """The incident's alerts, in the order in which they joined."""
        return [self.alerts[member] for member in incident.members]

    def open_with(self, key: CauseKey) -> Incident | None:
        """The open incident with this key."""
        return next((incident for incident in self.incidents.values() if incident.key == key), None)

    def result(self) -> tuple[BoardState, Outcome]:
        state = BoardState(
            pending=self.pending,
            standing=self.standing,
            ending=self.ending,
            alerts=self.alerts,
            incidents=self.incidents,
        )
        return state, Outcome(alerts=list(self._alerts_told.values()), incidents=list(self._incidents_told.values()))
