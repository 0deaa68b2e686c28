from __future__ import annotations

import pytest

from alerts.impact import impact_of, worst
from alerts.types import Impact
from model.finding import Severity
from model.inventory import Device
from model.text import Text
from tests.alerts.site import finding

CASES = [
    ("on_battery", Severity.WARNING, Impact.DEGRADED),
    ("on_battery", Severity.CRITICAL, Impact.OUTAGE),
    ("battery_low", Severity.CRITICAL, Impact.OUTAGE),
    ("runtime_shortfall", Severity.MINOR, Impact.DEGRADED),
    ("runtime_shortfall", Severity.MAJOR, Impact.UNPROTECTED),
    ("bypass", Severity.MAJOR, Impact.UNPROTECTED),
    ("bypass", Severity.MINOR, Impact.DEGRADED),
    ("over_temperature", Severity.MAJOR, Impact.DEGRADED),
    ("over_temperature", Severity.WARNING, Impact.ADVISORY),
    ("charger", Severity.MAJOR, Impact.UNPROTECTED),
    ("fan", Severity.MINOR, Impact.DEGRADED),
    ("battery_flag", Severity.WARNING, Impact.ADVISORY),
    ("device_silent", Severity.MINOR, Impact.DEGRADED),
]


@pytest.mark.parametrize(("kind", "severity", "impact"), CASES)
def test_impact_follows_the_service_policies(kind: str, severity: Severity, impact: Impact) -> None:
    assert impact_of(finding("ups-9", kind, 0, severity=severity), Device(id="a/b", name=Text("b", "乙"))) is impact


def test_a_silent_core_device_is_worse_and_a_dark_one_is_an_outage() -> None:
    core = Device(id="a/b", name=Text("b", "乙"), core=True)
    silent = finding("ups-9", "device_silent", 0)
    assert impact_of(silent, core) is Impact.UNPROTECTED
    assert impact_of(silent, core, dark=True) is Impact.OUTAGE


def test_the_worst_of_none_is_what_it_was() -> None:
    assert worst([], otherwise=Impact.ADVISORY) is Impact.ADVISORY
