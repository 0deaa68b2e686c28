from __future__ import annotations

from pathlib import Path

import pytest

from analytics.chapters import chapters
from analytics.detectors import DETECTORS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "detectors.md"


def test_the_page_says_what_the_detectors_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == chapters(), "run the command in analytics/chapters.py"


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_says_what_it_sees_and_when_it_does_not_work(name: str) -> None:
    chapter = chapters().partition(f"## {name}\n")[2].partition("\n## ")[0]
    assert "See" in chapter or "sees" in chapter or name in ("not_charging", "port_errors")
    assert any(word in chapter for word in (" not ", "cannot", " no ", "never"))
