"""Addresses that people type, cut or keep too long: the pages of analytics answer each with a page or with words, never with a fault."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.console.stage import Stage

UPS = "sz-futian/ups-2"
_TYPED = st.text(max_size=12)
_TIME = st.one_of(st.integers(-(2**70), 2**70), st.integers(1_700_000_000_000, 1_800_000_000_000), _TYPED)
_DEVICE = st.one_of(st.just(UPS), _TYPED)
_POINT = st.one_of(st.just("battery.voltage"), _TYPED)


@pytest.fixture(scope="module")
def page(stage: Stage) -> httpx.Client:
    client = httpx.Client(base_url=stage.url, verify=False, follow_redirects=True)
    assert client.get("/login", params={"code": stage.code()}).status_code == 200
    return client


def check(answer: httpx.Response) -> None:
    """It is there, or it is not, or it cannot be; in words."""
    assert answer.status_code in (200, 400, 404, 409, 422), f"{answer.url}: {answer.status_code} {answer.text[:300]}"
    assert answer.text


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(device=UPS, point="battery.voltage", index="", start=10**30, end=10**30 + 1)
@example(device=UPS, point="battery.voltage", index="", start=-(10**18) - 1, end=-(10**18))
@example(device=UPS, point="battery.voltage", index="", start=9 * 10**18, end=9 * 10**18 + 1)
@given(device=_DEVICE, point=_POINT, index=_TYPED, start=_TIME, end=_TIME)
def test_any_series_is_drawn_or_refused(
    page: httpx.Client, device: str, point: str, index: str, start: int | str, end: int | str
) -> None:
    asked = {"device": device, "point": point, "index": index, "start": str(start), "end": str(end)}
    check(page.get("/v1/series", params=asked))


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@example(name="ups-2", discharge=10**30, point="battery.voltage", by="model")
@given(name=st.one_of(st.just("ups-2"), st.text(min_size=1, max_size=8)), discharge=_TIME, point=_POINT, by=_TYPED)
def test_any_battery_and_record_is_shown_or_refused(
    page: httpx.Client, name: str, discharge: int | str, point: str, by: str
) -> None:
    check(
        page.get(
            f"/devices/sz-futian/{quote(name, safe='')}/battery", params={"discharge": str(discharge), "point": point}
        )
    )
    check(page.get("/record", params={"by": by}))
    check(page.get(f"/devices/{UPS}", params={"series": point, "hours": str(discharge)}))
