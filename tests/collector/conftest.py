"""What the centre keeps, it keeps on both databases alike: the tests of these modules run on each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import databases

ON_BOTH = (
    "test_state_is_rebuilt",
    "test_recordings",
    "test_the_door",
    "test_database",
    "test_upgrades",
    "test_evidence",
    "test_records",
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH:
        metafunc.parametrize("database", databases.BOTH, indirect=True)


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the present test runs on."""
    kind = getattr(request, "param", databases.kind())
    with databases.on(kind):
        yield kind
