from __future__ import annotations

import pytest

from alerts.kinds import KINDS
from analytics import agents
from analytics.detectors import DETECTORS, HOURLY


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda k: k.id)
def test_every_kind_has_both_languages_and_sane_holds(kind: object) -> None:
    title = kind.title  # type: ignore[attr-defined]
    assert title.en
    assert any("\u4e00" <= char <= "\u9fff" for char in title.zh)
    assert 0 <= kind.raise_after_s <= 600  # type: ignore[attr-defined]
    assert 0 <= kind.clear_after_s <= 600  # type: ignore[attr-defined]


def test_every_kind_can_be_found_by_something() -> None:
    raw = {kind for detector in DETECTORS.values() for kind in detector.kinds}
    hourly = {kind for detector in HOURLY.values() for kind in detector.kinds}
    assert raw | hourly | {agents.KIND} == set(KINDS)
