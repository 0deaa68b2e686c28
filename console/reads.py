"""Everything the pages read, through one door that knows who is looking.

The rule of this file: nothing leaves it that `viewer.sees` does not allow, and what a customer may not see
is `NotThere`, just like what does not exist. One `Reads` lives for one request, on one connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from alerts.types import Alert, Incident
from analytics.detectors import HOURLY
from analytics.detectors.battery_verdict import BatteryVerdict
from collector import store as kept
from collector.centre import Centre
from collector.history import HistoryError
from collector.store import AgentRow, DeviceRow, RecordingRow, Wish, recordings
from console import chart
from console.errors import NotThere
from console.viewer import Role, Viewer
from desk import store as desk
from desk.policy import Level, Policy
from desk.types import Clock, Entry, Ticket, TicketState
from model.finding import Evidence
from model.inventory import Device, Site
from model.points import POINTS, Kind
from model.reading import Gap, Reading, Series

#: What a chart of evidence begins before its alert: those of minutes, and those that grow over weeks. A counter is read
#: reading by reading, so a week of it is the most.
LEAD_MS, LONG_LEAD_MS, COUNTER_LEAD_MS = 600_000, 60 * 86_400_000, 7 * 86_400_000
SLOW = frozenset({*BatteryVerdict.kinds, *(kind for one in HOURLY.values() for kind in one.kinds)})
#: A recording may be of the change that the alert waited to see confirmed.
AROUND_MS = 60_000
HOUR_MS = 3_600_000
OVER = (TicketState.CLOSED, TicketState.MERGED)


class Reads:
    """What one viewer can read at one moment."""

    def __init__(self, centre: Centre, conn: sa.Connection, viewer: Viewer) -> None:
        self.centre = centre
        self.viewer = viewer
        self.now = centre.now()
        self.inventory = centre.inventory
        self._conn = conn
        self._seen: dict[str, bool] = {}
        self._series: dict[str, list[Series]] = {}
        self._devices: dict[str, DeviceRow] | None = None
        self._policies: dict[str, Policy] = {}
        self._only = viewer.customer or "" if viewer.role is Role.CUSTOMER else None

    @property
    def conn(self) -> sa.Connection:
        """For console.books, which keeps this file's rule."""
        return self._conn

    @property
    def only(self) -> str | None:
        """The one customer whose things may be seen; None: all."""
        return self._only

    # Sites and devices

    def sites(self) -> list[Site]:
        """The listed sites of this viewer, and those that are only heard."""
        heard = {row.site for row in self._rows().values()}
        every = [*self.inventory.sites.values(), *(self.inventory.site(s) for s in heard - set(self.inventory.sites))]
        return [site for site in every if self.viewer.sees(site.customer)]

    def devices(self) -> list[Device]:
        """Listed devices, then heard ones that nobody listed, of this viewer's sites."""
        ids = [*self.inventory.devices, *sorted(set(self._rows()) - set(self.inventory.devices))]
        return [self.inventory.device(id) for id in ids if self.may_see(id.partition("/")[0])]

    def device(self, id: str) -> Device:
        """One device that is listed or was heard."""
        if not self.may_see(id.partition("/")[0]) or (id not in self.inventory.devices and id not in self._rows()):
            raise NotThere(f"no device {id}")
        return self.inventory.device(id)

    def may_see(self, site: str) -> bool:
        """Whether this site is the viewer's."""
        seen = self._seen.get(site)
        if seen is None:
            seen = self._seen[site] = self.viewer.sees(self.inventory.site(site).customer)
        return seen

    def tz(self, site: str) -> str:
        """The time zone in which things of this site are written."""
        return self.inventory.site(site).tz

    def latest(self, device: str | None = None) -> list[Reading]:
        """The newest value of each series; empty while the history store cannot answer."""
        try:
            every = self.centre.history.latest(device)
        except HistoryError:
            return []
        return [reading for reading in every if self.may_see(reading.device.partition("/")[0])]

    def identity(self, device: str) -> dict[str, str]:
        """The name plate as the device itself gave it."""
        return {key: str(value) for key, value in kept.identity(self._conn, device).items()}

    def gaps(self, device: str) -> list[Gap]:
        """The newest failure of each point of a device (point None: of the whole device)."""
        self.device(device)
        return [row.gap for row in kept.gaps_latest(self._conn, device)]

    def heard(self) -> dict[str, DeviceRow]:
        """What was heard of each device, and when last, of the viewer's sites."""
        return {id: row for id, row in self._rows().items() if self.may_see(row.site)}

    def agents(self) -> list[AgentRow]:
        """The newest agent of each of the viewer's sites that is not revoked."""
        valid = [agent for agent in kept.agents(self._conn) if agent.revoked_at is None and self.may_see(agent.site)]
        return list({agent.site: agent for agent in valid}.values())

    def _rows(self) -> dict[str, DeviceRow]:
        if self._devices is None:
            self._devices = {row.id: row for row in kept.devices(self._conn)}
        return self._devices

    # Series

    def series(self, device: str) -> list[Series]:
        """What can be drawn of a device the viewer may see."""
        self.device(device)
        if device not in self._series:
            try:
                self._series[device] = self.centre.history.series(device)
            except HistoryError:
                return []
        return self._series[device]

    def behind(self, alert: Alert) -> dict[Series, Evidence]:
        """The kept series that an alert's evidence names, with the last evidence on each; where it names no phase,
        the first one."""
        kept = self.series(alert.device)
        found: dict[Series, Evidence] = {}
        for evidence in alert.finding.evidence:
            same = [series for series in kept if series[1] == evidence.point]
            series = next((s for s in same if s[2] == evidence.index), min(same, key=str, default=None))
            if series is not None:
                found[series] = evidence
        return found

    def lead_of(self, alert: Alert, series: Series) -> int:
        """How long before an alert its series is drawn, ms: a fault that grew over weeks is not seen in an hour."""
        if alert.kind not in SLOW:
            return LEAD_MS
        return COUNTER_LEAD_MS if POINTS[series[1]].kind is Kind.COUNTER else LONG_LEAD_MS

    def hours_of(self, alert: Alert, series: Series) -> int:
        """The span, in hours, that a device's page draws of it: a day at least."""
        return max(self.lead_of(alert, series) // HOUR_MS, 24)

    def curve(self, series: Series, start: int, end: int) -> chart.Curve:
        """A series of a device the viewer may see, thinned when long; a counter as its rate."""
        self.device(series[0])
        history = self.centre.history
        point = POINTS.get(series[1])
        counter = point is not None and point.kind is Kind.COUNTER
        if counter:  # a mean of a counter says nothing: rates first, then thinned
            return chart.thinned(chart.rates(chart.curve_of_samples(history.range(series, start, end))))
        recent = history.range(series, max(start, end - 600_000), end)
        pace_ms = chart.pace_of(recent.at) or 10_000
        step_ms = chart.step_for(start, end, pace_ms)
        buckets = history.rollup(series, start, end, step_ms) if step_ms else []
        first = buckets[0].at if buckets else start
        if not chart.step_for(first, end, pace_ms):  # young data: little is there, so all of it can be shown
            return chart.curve_of_samples(history.range(series, max(start, first), end))
        return chart.curve_of_buckets(buckets, step_ms, pace_ms)

    # Recordings

    def recordings(self, device: str) -> list[RecordingRow]:
        """What the flight recorder kept of a device, newest first."""
        self.device(device)
        return recordings.listed(self._conn, device)

    def recorded(self, alert: Alert) -> list[RecordingRow]:
        """The recordings made while an alert stood, or just before it was raised."""
        last = alert.cleared_at or self.now
        around = (alert.raised_at - AROUND_MS, last + AROUND_MS)
        return [row for row in self.recordings(alert.device) if around[0] <= row.at <= around[1]]

    def wish(self, device: str) -> Wish | None:
        """The recording that was asked for and has not come."""
        self.device(device)
        return next(iter(recordings.wishes(self._conn, device)), None)

    def recording(self, id: str) -> tuple[RecordingRow, bytes]:
        """One of them with its file."""
        found = recordings.recording(self._conn, id)
        if found is None or not self.may_see(found[0].site):
            raise NotThere(f"no recording {id}")
        return found

    # Incidents and alerts

    def incidents(self, open_only: bool = True) -> list[Incident]:
        """Worst first, then newest."""
        found = kept.incidents(self._conn, open_only=open_only, customer=self._only)
        mine = [incident for incident in found if self.viewer.sees(incident.key.customer)]
        return sorted(mine, key=lambda i: (i.closed_at is not None, i.impact.rank, -i.opened_at))

    def incident_of(self, ticket: Ticket) -> Incident | None:
        """What opened a ticket; None for one that a person told of."""
        return self.incident(ticket.incident) if ticket.incident else None

    def incident(self, id: str) -> Incident:
        found = kept.incident(self._conn, id)
        if found is None or not self.viewer.sees(found.key.customer):
            raise NotThere(f"no incident {id}")
        return found

    def alerts(self, incident: str | None = None, device: str | None = None, open_only: bool = False) -> list[Alert]:
        """Alerts of one incident, one device, or all; of the viewer's sites."""
        found = kept.alerts(self._conn, incident=incident, device=device, open_only=open_only)
        return [alert for alert in found if self.may_see(alert.device.partition("/")[0])]

    # The desk

    def tickets(self) -> list[Ticket]:
        """Open ones first, newest first."""
        found = desk.tickets(self._conn, customer=self._only)
        mine = [ticket for ticket in found if self.viewer.sees(ticket.customer)]
        return sorted(mine, key=lambda t: (t.state in OVER, -t.opened_at))

    def ticket(self, id: str) -> Ticket:
        try:
            found = desk.ticket(self._conn, id)
        except desk.UnknownTicket as error:
            raise NotThere(f"no ticket {id}") from error
        if not self.viewer.sees(found.customer):
            raise NotThere(f"no ticket {id}")
        return found

    def policy(self, ticket: Ticket) -> Policy:
        """The contract as it was when the ticket was opened."""
        if ticket.policy not in self._policies:
            self._policies[ticket.policy] = desk.policy(self._conn, ticket)
        return self._policies[ticket.policy]

    def level(self, ticket: Ticket) -> Level:
        """The ticket's level in the contract's own words."""
        return self.policy(ticket).level(ticket.level)

    def ticket_of(self, incident: str) -> Ticket | None:
        """The ticket that an incident opened, if any."""
        return next((ticket for ticket in self.tickets() if ticket.incident == incident), None)

    def ledger(self, ticket: Ticket) -> list[Entry]:
        return desk.ledger(self._conn, ticket.id)

    def clocks(self, ticket: Ticket) -> list[Clock]:
        return desk.clocks(self._conn, ticket.id, self.now)

    def running(self, tickets: Iterable[Ticket]) -> Iterator[tuple[Ticket, Clock]]:
        """Every clock of every open ticket."""
        running = [ticket for ticket in tickets if ticket.state not in OVER]
        clocks = self.clocks_of(running)
        for ticket in running:
            for clock in clocks[ticket.id]:
                yield ticket, clock

    def clocks_of(self, tickets: list[Ticket]) -> dict[str, list[Clock]]:
        """The clocks of several tickets, read together."""
        return desk.clocks_of(self._conn, tickets, self.now)


def urgency(alert: Alert) -> tuple[bool, int, int, str]:
    """For sorting: what still stands first, the worst of it first, then the oldest."""
    return alert.cleared_at is not None, alert.severity.rank, alert.raised_at, alert.device


@contextmanager
def reading(centre: Centre, viewer: Viewer) -> Iterator[Reads]:
    """A connection for one request."""
    with centre.engine.connect() as conn:
        yield Reads(centre, conn, viewer)
