"""When each site goes dark: said a minute into an outage, kept as a forecast, and answered by what happens (`analytics.battery.dark`).

    an outage stands a minute       a forecast of the site, from the outlooks of its UPSs that are on battery
    the first device of it ends     `came`: it or what feeds it goes off or falls silent, or the whole site falls silent at P10 or later
    the mains come back             `withdrawn`

`decide` is pure; `turn` is the shell: a look at the open alerts, and for a site in an outage at its detectors' states.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa

from alerts.types import Alert
from analytics import forecast
from analytics.battery import dark
from analytics.battery.outlook import Outlook
from analytics.forecast import Forecast, Outcome, Quantity
from collector.store import findings, records
from model.inventory import Inventory

if TYPE_CHECKING:
    from collector.running import Running

ON_BATTERY = frozenset({"on_battery", "mains_failed"})
ENDED = frozenset({"output_off", "device_silent"})
SITE_SILENT = "agent_silent"
SETTLED_MS = 60_000


def decide(
    alerts: Iterable[Alert], outlooks: Mapping[str, Outlook], known: Iterable[Forecast], inventory: Inventory, now: int
) -> list[Forecast]:
    """New forecasts and answers. `alerts`: those that stand; `known`: the forecasts of dark times that are kept."""
    standing = list(alerts)
    said: dict[str, list[Forecast]] = {}
    for one in known:
        said.setdefault(one.device, []).append(one)
    out: dict[str, int] = {}
    for alert in standing:
        if alert.kind in ON_BATTERY:
            site = alert.device.partition("/")[0]
            out[site] = min(alert.raised_at, out.get(site, alert.raised_at))
    found: list[Forecast] = []
    for site, since in out.items():
        if now - since >= SETTLED_MS and not any(one.start >= since - SETTLED_MS for one in said.get(site, [])):
            mine = {id: left for id, left in outlooks.items() if id.partition("/")[0] == site}
            made = dark.foretold(site, dark.of_site(inventory.at_site(site), mine, since), now, since)
            found += [made] if made else []
    for one in (one for some in said.values() for one in some if one.outcome is Outcome.OPEN):
        real = _ended(one, standing, inventory)
        if real is not None:
            found.append(forecast.came(one, real, now))
        elif one.device not in out:
            found.append(forecast.withdrawn(one, now))
    return found


def _ended(one: Forecast, standing: Iterable[Alert], inventory: Inventory) -> int | None:
    chain = _chain(one.index, inventory)
    ends = [a.raised_at for a in standing if a.kind in ENDED and a.device in chain and a.raised_at >= one.start]
    ends += [
        a.raised_at
        for a in standing
        if a.kind == SITE_SILENT and a.device.partition("/")[0] == one.device and a.raised_at >= one.p10
    ]
    return min(ends, default=None)


def _chain(device: str | None, inventory: Inventory) -> set[str]:
    """The device and what feeds it."""
    found: set[str] = set()
    while device is not None and device in inventory.devices and device not in found:
        found.add(device)
        device = inventory.devices[device].fed_by
    return found


async def turn(centre: Running) -> None:
    """Say and answer what is due."""
    alerts, known = await asyncio.to_thread(_read, centre.engine)
    if not known and not any(alert.kind in ON_BATTERY for alert in alerts):
        return
    inventory, now = centre.inventory, centre.now()
    sites = {alert.device.partition("/")[0] for alert in alerts if alert.kind in ON_BATTERY}
    outlooks = {}
    for device in (device.id for site in sites for device in inventory.at_site(site) if device.kind == "ups"):
        left = dark.outlook_of(centre.remembered(device))
        if left is not None:
            outlooks[device] = left
    if found := decide(alerts, outlooks, known, inventory, now):
        await centre.transact(lambda conn: records.put_forecasts(conn, found))


def _read(engine: sa.Engine) -> tuple[list[Alert], list[Forecast]]:
    with engine.connect() as conn:
        alerts = findings.alerts(conn, open_only=True)
        starts = [alert.raised_at for alert in alerts if alert.kind in ON_BATTERY]
        return alerts, records.relevant(conn, Quantity.DARK, min(starts, default=None))
