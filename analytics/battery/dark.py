"""When a site goes dark: what each device lives on, walked up to the mains, and the end of the first link in that chain.

    end(mains)                 when it failed
    end(UPS)                   end of what feeds it, or the mains' if nobody said, plus what its battery lasts from then on
    end(PDU, switch, load)     end of what feeds it
    end(site)                  the first end among its core devices; where none is marked, among what the UPSs feed; else among the UPSs

A UPS that runs now lasts until its own outlook says. One that still lives on another UPS has its own battery after it. A device nobody wrote a
`fed_by` for has no end: unknown is not dark. A loop in the inventory is unknown too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from analytics.battery.outlook import Outlook
from analytics.forecast import Forecast, Quantity
from model.inventory import MAINS, Device

KIND = "site_dark"
VERSION = "1"


class End(msgspec.Struct, frozen=True, kw_only=True):
    """When it loses power, instants in ms; `by` the device whose battery ends, None: the mains itself."""

    p10: int
    p50: int
    p90: int
    by: str | None


class Dark(msgspec.Struct, frozen=True, kw_only=True):
    """`ends` of every device whose chain is known; `first` is the site's own."""

    ends: dict[str, End]
    first: End | None
    device: str | None  #: which device is the first to lose power


def of_site(
    devices: Iterable[Device],
    outlooks: Mapping[str, Outlook],
    out_since: int,
    full: Mapping[str, Outlook] | None = None,
) -> Dark:
    """`outlooks`: the UPSs on battery now. `full`: what those that are not yet would last from full (their `at` is not used)."""
    known = {device.id: device for device in devices}
    mains = End(p10=out_since, p50=out_since, p90=out_since, by=None)
    ends: dict[str, End] = {}
    for device in known:
        end = _end(device, known, outlooks, full or {}, mains, frozenset())
        if end is not None:
            ends[device] = end
    counted = [id for id in _load(known) if id in ends]
    first = min(counted, key=lambda one: (ends[one].p50, one), default=None)
    return Dark(ends=ends, first=ends[first] if first else None, device=first)


def _end(
    id: str,
    known: Mapping[str, Device],
    now: Mapping[str, Outlook],
    full: Mapping[str, Outlook],
    mains: End,
    seen: frozenset[str],
) -> End | None:
    device = known.get(id)
    if device is None or id in seen:
        return None
    if id in now:
        left = now[id]
        return End(p10=_after(left.at, left.p10), p50=_after(left.at, left.p50), p90=_after(left.at, left.p90), by=id)
    if device.fed_by is None:
        return None
    above = mains if device.fed_by == MAINS else _end(device.fed_by, known, now, full, mains, seen | {id})
    if above is None or device.kind != "ups":
        return above
    own = full.get(id)
    if own is None:
        return None
    return End(p10=_after(above.p10, own.p10), p50=_after(above.p50, own.p50), p90=_after(above.p90, own.p90), by=id)


def _after(at: int, seconds: float) -> int:
    return at + round(seconds * 1000)


def _load(known: Mapping[str, Device]) -> list[str]:
    """What must not lose power: marked as core, else what hangs on a UPS, else the UPSs."""
    core = [id for id, device in known.items() if device.core]
    if core:
        return core
    upses = {id for id, device in known.items() if device.kind == "ups"}
    fed = [id for id, device in known.items() if device.kind not in ("ups", "pdu") and _on_ups(device, known, upses)]
    return fed or sorted(upses)


def _on_ups(device: Device, known: Mapping[str, Device], upses: set[str]) -> bool:
    above = device
    for _ in range(len(known)):
        if above.fed_by in upses:
            return True
        found = known.get(above.fed_by or "")
        if found is None:
            return False
        above = found
    return False


def foretold(site: str, dark: Dark, made: int, out_since: int) -> Forecast | None:
    """The forecast to keep of a site; None where nothing can be said. Answered by the first core device that falls silent or goes off."""
    if dark.first is None:
        return None
    return Forecast(
        device=site, kind=KIND, quantity=Quantity.DARK, index=dark.device, made=made, start=out_since, p10=dark.first.p10,
        p50=dark.first.p50, p90=dark.first.p90, version=f"dark-{VERSION}",
    )  # fmt: skip


def outlook_of(states: Mapping[str, dict[str, object]]) -> Outlook | None:
    """The outlook that the detectors' states of one device hold, while it is on battery."""
    found = states.get("on_battery", {}).get("ahead")
    return msgspec.convert(found, Outlook) if found else None
