"""The worst case: the load has no power."""

from __future__ import annotations

import pytest

from model.finding import Changed, Severity
from tests.analytics.timeline import Line, cleared, of, outage, raised, second, tell, ups_round

NORMAL, NONE, BATTERY = 3, 2, 5


def rounds(*stretches: tuple[int, dict[str, float]]) -> Line:
    """A round every 10 s: (how many, what is special in them)."""
    line = Line()
    n = 0
    for count, special in stretches:
        for _ in range(count):
            ups_round(line, n * 10.0, **{"source": NORMAL, **special})  # type: ignore[arg-type]
            n += 1
    return line


@pytest.mark.parametrize(
    "special", [{"source": NONE}, {"alarm__output_off": 1.0}, {"alarm__system_off": 1.0}], ids=lambda s: next(iter(s))
)
def test_an_output_that_is_off_is_critical_with_its_true_start(special: dict[str, float]) -> None:
    changes = tell(rounds((3, {}), (3, special), (4, {"alarm__output_off": 0, "alarm__system_off": 0})), batch_s=10)
    [finding] = raised(changes, "output_off")
    assert finding.severity is Severity.CRITICAL
    assert second(finding.since) == 30
    assert [e.value for e in finding.evidence] in ([NONE], [1])
    assert "no power" in finding.evidence[0].text.en
    [end] = cleared(changes, "output_off")
    assert second(end.at) == 60


def test_one_sample_is_a_transfer_and_no_outage() -> None:
    assert of(tell(rounds((3, {}), (1, {"source": NONE}), (3, {}))), "output_off") == []


@pytest.mark.parametrize("flag", ["alarm__output_off_requested", "alarm__ups_off_requested"])
def test_an_output_switched_off_on_purpose_is_a_warning(flag: str) -> None:
    [finding] = raised(tell(rounds((2, {}), (1, {flag: 1.0}), (4, {"source": NONE, flag: 1.0}))), "output_off")
    assert finding.severity is Severity.WARNING
    assert [e.point for e in finding.evidence] == ["ups.source", flag.replace("__", ".")]
    assert "who switched it off" in finding.advice.en


def test_a_purpose_that_is_told_late_lowers_it() -> None:
    asked = {"source": NONE, "alarm__output_off_requested": 1.0}
    changes = of(tell(rounds((2, {}), (3, {"source": NONE}), (3, asked)), batch_s=10), "output_off")
    assert [type(c).__name__ for c in changes] == ["Raised", "Changed"]
    assert isinstance(changes[1], Changed)
    assert changes[1].finding.severity is Severity.WARNING


def test_a_second_witness_is_no_second_finding_and_the_last_one_ends_it() -> None:
    both = {"source": NONE, "alarm__output_off": 1.0}
    only = {"source": NORMAL, "alarm__output_off": 1.0}
    changes = tell(rounds((2, {}), (3, both), (3, only), (3, {"alarm__output_off": 0.0})), batch_s=10)
    assert len(raised(changes, "output_off")) == 1
    [end] = cleared(changes, "output_off")
    assert second(end.at) == 80


def test_an_empty_battery_does_not_prove_that_the_mains_is_back() -> None:
    line = outage(Line(), start=20, end=200, until=190, rated_s=200)
    for n in range(20):
        ups_round(line, 200 + n * 10, source=NONE, charge=0, runtime=0, volts=0)
    ups_round(line, 400, source=NORMAL, charge=1)
    changes = tell(line, batch_s=10)
    [finding] = raised(changes, "output_off")
    assert second(finding.since) == 200
    [end] = cleared(changes, "on_battery")
    assert second(end.at) == 400, "the outage goes on while the output is off"
