"""What an alert means for the customer's load, and what an incident means through its alerts.

The kind gives the base; the finding's severity can raise or lower it: on battery with little left is an outage to
come, a core device that is dark is one. The table is in service-policies ("Impact"); contracts translate it
into their own levels.
"""

from __future__ import annotations

from collections.abc import Iterable

from alerts.kinds import kind_of
from alerts.types import Impact
from model.finding import Finding, Severity
from model.inventory import Device

#: Where the severity says more than the kind.
_BY_SEVERITY: dict[tuple[str, Severity], Impact] = {
    ("on_battery", Severity.CRITICAL): Impact.OUTAGE,  # runs dry before anybody can act
    ("on_battery", Severity.MAJOR): Impact.UNPROTECTED,
    ("runtime_shortfall", Severity.MINOR): Impact.DEGRADED,  # suspected in a shallow discharge, not proven
    ("runtime_shortfall", Severity.WARNING): Impact.ADVISORY,  # a gauge against the UPS's own word: the verdict decides
    ("battery_replace", Severity.CRITICAL): Impact.UNPROTECTED,  # what is required would not be held
    ("battery_runaway", Severity.CRITICAL): Impact.OUTAGE,  # fire
    ("output_off", Severity.WARNING): Impact.ADVISORY,  # switched off by a person
    ("bypass", Severity.MINOR): Impact.DEGRADED,  # a maintenance bypass closed by a person
    ("over_temperature", Severity.CRITICAL): Impact.UNPROTECTED,  # about to switch itself off
    ("over_temperature", Severity.WARNING): Impact.ADVISORY,  # as warm as this room usually is
    ("ups_fault", Severity.CRITICAL): Impact.OUTAGE,  # emergency power off
    ("bad_state", Severity.CRITICAL): Impact.UNPROTECTED,  # water, smoke, no source
    ("bad_state", Severity.WARNING): Impact.ADVISORY,
    ("fibre_loss", Severity.WARNING): Impact.ADVISORY,
    ("line_errors", Severity.WARNING): Impact.ADVISORY,
    ("congestion", Severity.WARNING): Impact.ADVISORY,  # bursts or settings, not capacity
    ("laser_ageing", Severity.WARNING): Impact.ADVISORY,  # watched, not yet due
    ("reboots", Severity.WARNING): Impact.ADVISORY,  # two nights: most likely planned
    ("transfers_rising", Severity.WARNING): Impact.ADVISORY,  # one bad day: a storm
    ("output_quality", Severity.CRITICAL): Impact.OUTAGE,  # equipment behind it switches off or is damaged
    ("overload_trend", Severity.WARNING): Impact.ADVISORY,  # 80 %: something to plan, nothing to mend
    ("overload", Severity.CRITICAL): Impact.OUTAGE,  # trips within minutes
}


def impact_of(finding: Finding, device: Device, *, dark: bool = False) -> Impact:
    """The impact of one alert. `dark`: the device is known to be without power."""
    if finding.kind == "device_silent" and device.core:
        return Impact.OUTAGE if dark else Impact.UNPROTECTED
    return _BY_SEVERITY.get((finding.kind, finding.severity), kind_of(finding.kind).impact)


def worst(impacts: Iterable[Impact], otherwise: Impact) -> Impact:
    """The worst of several, or `otherwise` when there is none.

    >>> worst([Impact.DEGRADED, Impact.OUTAGE], Impact.REQUEST).value
    'outage'
    """
    return min(impacts, key=lambda impact: impact.rank, default=otherwise)
