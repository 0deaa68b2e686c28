"""Every story of the desk that keeps something is told on both databases: whoever takes `engine` from the stage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import databases
from tests.desk import stage


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if stage.engine in vars(metafunc.module).values():
        metafunc.parametrize("database", databases.BOTH, indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the present test runs on."""
    kind = getattr(request, "param", databases.kind())
    with databases.on(kind):
        yield kind
