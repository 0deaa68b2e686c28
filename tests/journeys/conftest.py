"""The story played once, calm, for all journeys that look at it or compare themselves with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.journeys.demo_run import Demo, DemoRun


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def played(data: Path) -> DemoRun:
    """At sixty times the pace; its end comes by itself, and ten minutes of story after it nothing more may happen."""
    return Demo(data, "--for", "240", "--speed", "60").play_out(calm_s=10)
