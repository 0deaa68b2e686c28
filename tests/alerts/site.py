"""A site of five UPSs and two switches, and a board that remembers all it was told: the stage of the stories."""

from __future__ import annotations

from alerts.board import BoardState, Outcome, on_changes, on_tick
from alerts.types import Alert, Incident
from model.finding import Change, Changed, Cleared, Evidence, Finding, Raised, Severity
from model.inventory import MAINS, Customer, Device, Inventory, Site
from model.text import Text

T0 = 1_770_000_000_000
SITE = "sz-futian"
OTHER = "hz-xihu"
WHY = Text("well again", "已恢复")


def _device(site: str, name: str, fed_by: str | None, *, kind: str = "ups", core: bool = False) -> Device:
    return Device(id=f"{site}/{name}", name=Text(name, name), kind=kind, fed_by=fed_by, core=core)


def inventory() -> Inventory:
    devices = []
    for site in (SITE, OTHER):
        devices += [_device(site, f"ups-{n}", MAINS, core=n == 1) for n in range(1, 6)]
        devices += [_device(site, "sw-1", f"{site}/ups-5", kind="switch"), _device(site, "sw-2", MAINS, kind="switch")]
        devices += [_device(site, "sw-3", None, kind="switch")]
    return Inventory(
        customers={id: Customer(id=id, name=Text(id, id)) for id in ("harbour", "lakeside")},
        sites={
            SITE: Site(id=SITE, customer="harbour", name=Text("Futian", "福田")),
            OTHER: Site(id=OTHER, customer="lakeside", name=Text("Xihu", "西湖")),
        },
        devices={device.id: device for device in devices},
    )


def finding(
    device: str,
    kind: str,
    since: float,
    *,
    severity: Severity = Severity.MINOR,
    index: str | None = None,
    seen: float | None = None,
    forecast: float | None = None,
) -> Finding:
    at = ms(since if seen is None else seen)
    return Finding(
        device=device if "/" in device else f"{SITE}/{device}",
        kind=kind,
        index=index,
        severity=severity,
        since=ms(since),
        score=1.0,
        evidence=(Evidence(text=Text("seen", "已见"), at=at),),
        advice=Text("look", "查看"),
        forecast=None if forecast is None else ms(forecast),
    )


def ms(second: float) -> int:
    return T0 + round(second * 1000)


class Board:
    """The real board, driven by story seconds; `alerts` and `incidents` are what was told, by id."""

    def __init__(self) -> None:
        self.state = BoardState()
        self.inventory = inventory()
        self.alerts: dict[str, Alert] = {}
        self.incidents: dict[str, Incident] = {}

    def hear(self, now: float, *changes: Change) -> Outcome:
        self.state, outcome = on_changes(self.state, list(changes), self.inventory, ms(now))
        return self._told(outcome)

    def tick(self, now: float) -> Outcome:
        self.state, outcome = on_tick(self.state, self.inventory, ms(now))
        return self._told(outcome)

    def up(self, now: float, device: str, kind: str, **more: object) -> Outcome:
        """The finding is raised now."""
        return self.hear(now, Raised(finding=finding(device, kind, now, **more)))  # type: ignore[arg-type]

    def more(self, now: float, device: str, kind: str, since: float, **more: object) -> Outcome:
        return self.hear(now, Changed(finding=finding(device, kind, since, seen=now, **more)))  # type: ignore[arg-type]

    def down(self, now: float, device: str, kind: str, index: str | None = None) -> Outcome:
        """The finding clears now."""
        return self.hear(now, over(device, kind, now, index))

    def open(self) -> list[Incident]:
        return [i for i in self.incidents.values() if i.closed_at is None]

    def of(self, incident: Incident) -> list[str]:
        """The devices and kinds in it."""
        return [f"{self.alerts[m].device.partition('/')[2]} {self.alerts[m].kind}" for m in incident.members]

    def _told(self, outcome: Outcome) -> Outcome:
        self.alerts |= {alert.id: alert for alert in outcome.alerts}
        self.incidents |= {incident.id: incident for incident in outcome.incidents}
        return outcome


def over(device: str, kind: str, at: float, index: str | None = None) -> Cleared:
    return Cleared(device=device if "/" in device else f"{SITE}/{device}", kind=kind, index=index, at=ms(at), why=WHY)
