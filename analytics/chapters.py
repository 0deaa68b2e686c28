"""The manual of the detectors, made from their own words: docs/detectors.md is this text, and a test keeps it so.

python -m analytics.chapters > docs/detectors.md
"""

from __future__ import annotations

import sys
from importlib import import_module

from analytics.calibration import SHIPPED
from analytics.detector import Detector
from analytics.detectors import DETECTORS, HOURLY
from analytics.hours import HourlyDetector

HEAD = """# Detectors

What Roundsman finds, from which points, and when it does not work. Made from the docstrings of
`analytics/detectors/` (see `analytics/chapters.py`); do not edit here.

Common to all: decisions use event time; a flag of one sample proves nothing (but for *on battery*, where waiting costs
runtime); what began is raised with its true start; data that come late complete history and page nobody. Thresholds
marked (tune) are defaults. How long a finding must hold before a person is called is in `alerts/kinds.py`.

Each finding says how sure it is. *Calibrated*: the score is how often such claims were right in the cases named under "Scores"
(`analytics/calibration.json`). *Judged*: too few cases; the score is the engineer's judgement of the rule, or what its statistics say.

Scores: {source}.
"""


def chapters() -> str:
    """The whole page, in Markdown."""
    every: dict[str, Detector | HourlyDetector] = {**DETECTORS, **HOURLY}
    return "\n".join(
        [
            HEAD.format(source=SHIPPED.source or "all are judgement"),
            *(_chapter(name, detector) for name, detector in every.items()),
        ]
    )


def _chapter(name: str, detector: Detector | HourlyDetector) -> str:
    needs = ", ".join(f"`{point}`" for point in sorted(detector.needs)) or "every reading and gap of the device"
    words = (import_module(f"analytics.detectors.{name}").__doc__ or "").strip().partition("\nState:")[0].strip()
    says = "; ".join(_says(kind) for kind in sorted(detector.kinds))
    return f"## {name}\n\n{words}\n\nWoken by: {needs}.\n\nSays: {says}.\n"


def _says(kind: str) -> str:
    curve = SHIPPED.curves.get(kind)
    if curve is None:
        return f"`{kind}` (judged)"
    return f"`{kind}` (calibrated: {curve.right} of {curve.n} were right, on {curve.devices} devices)"


if __name__ == "__main__":  # python -m analytics.chapters > docs/detectors.md
    sys.stdout.write(chapters())
