"""One stage for all tests that only look, told once; tests that write to it use a person of their own."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.console.stage import Stage, on_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with on_stage(tmp_path_factory.mktemp("console")) as running:
        yield running


def browser_like(stage: Stage) -> httpx.Client:
    """A client that keeps cookies and says where its forms come from, as browsers do."""
    return httpx.Client(base_url=stage.url, headers={"Origin": stage.url}, follow_redirects=True, verify=False)


@pytest.fixture
def manager(stage: Stage) -> Iterator[httpx.Client]:
    """Logged in as a manager."""
    with browser_like(stage) as client:
        assert client.get("/login", params={"code": stage.code()}).status_code == 200
        yield client


@pytest.fixture
def harbour(stage: Stage) -> Iterator[httpx.Client]:
    """Logged in as somebody of the customer Harbour Logistics."""
    with browser_like(stage) as client:
        assert client.get("/login", params={"code": stage.code("wei", "customer", "harbour")}).status_code == 200
        yield client


@pytest.fixture
def stranger(stage: Stage) -> Iterator[httpx.Client]:
    """Nobody yet."""
    with browser_like(stage) as client:
        yield client
