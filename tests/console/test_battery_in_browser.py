"""A failing battery's pages in a real Chromium: the discharge is drawn, nothing sticks out, the finding leads to weeks of its series."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.console.failing import UPS, failing
from tests.console.stage import Stage
from tests.console.test_browser import DESKTOP, PHONE, chromium, fits, window

pytestmark = pytest.mark.service
__all__ = ["chromium"]


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with failing(tmp_path_factory.mktemp("failing")) as running:
        yield running


@pytest.mark.parametrize(
    ("size", "locale", "word", "record"),
    [(DESKTOP, "en-GB", "Replace", "Record of forecasts"), (PHONE, "zh-CN", "需更换", "预测记录")],
    ids=["desktop-en", "phone-zh"],
)
def test_the_verdict_its_discharge_and_its_record_are_shown(
    chromium: Browser, centre: Stage, size: tuple[int, int], locale: str, word: str, record: str, tmp_path: Path
) -> None:
    with window(chromium, centre, size, locale) as page:
        page.goto(f"{centre.url}/devices/{UPS}")
        expect(page.locator("#battery .badge").first).to_have_text(word)
        assert fits(page)
        page.locator("#battery h2 a").click()
        expect(page.locator("#live-battery .badge").first).to_have_text(word)
        expect(page.locator("#witnesses tbody .s-major").first).to_be_visible()
        expect(page.locator("#witnesses .advice")).to_contain_text("85")
        chart = page.locator("#discharges .chart")
        expect(chart.locator("canvas")).to_be_visible()
        assert int(chart.get_attribute("data-drawn") or 0) > 30
        assert fits(page)
        page.screenshot(path=tmp_path / "battery.png", full_page=True)
        page.locator("nav a[href='/record']").click()
        expect(page.locator("h1")).to_have_text(record)
        assert fits(page)


def test_a_slow_finding_opens_weeks_of_its_series(chromium: Browser, centre: Stage) -> None:
    with window(chromium, centre, DESKTOP, "en-GB") as page:
        page.goto(f"{centre.url}/devices/{UPS}")
        expect(page.locator("#alerts .alert", has_text="attery").first).to_contain_text("How sure")
        page.locator("#alerts .alert", has_text="attery").locator(".curves a", has_text="voltage").first.click()
        page.wait_for_url("**hours=1440#chart")
        expect(page.locator(".chart.tall canvas")).to_be_visible()
        span = page.evaluate(
            "(u => u.get('end') - u.get('start'))(new URL(document.querySelector('.chart.tall').dataset.chart, location).searchParams)"
        )
        assert span == 60 * 86_400_000
        assert int(page.locator(".chart.tall").get_attribute("data-drawn") or 0) > 60
