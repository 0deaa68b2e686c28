"""The console in a real Chromium: desktop and phone, zh and en, from a link to a ticket to its chart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from console.shown import Shown
from desk import store as desk
from tests.console.stage import Stage
from tests.services import need

pytestmark = pytest.mark.service

_ARGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
DESKTOP, PHONE = (1280, 800), (390, 844)
SIZES = [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone")]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = need("chromium", "chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_ARGS))
        yield browser
        browser.close()


@contextmanager
def window(chromium: Browser, stage: Stage, size: tuple[int, int], locale: str, scripts: bool = True) -> Iterator[Page]:
    """A window that must stay quiet: no console error, no page error, no request to anywhere else."""
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, locale=locale, java_script_enabled=scripts
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: noise.append(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith((stage.url, "data:")) else noise.append(request.url)
    )
    page.goto(f"{stage.url}/login?code={stage.code()}")
    yield page
    context.close()
    assert noise == []


def fits(page: Page) -> bool:
    """Nothing sticks out sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_from_a_login_link_over_incident_and_ticket_to_the_chart(
    chromium: Browser, stage: Stage, size: tuple[int, int], locale: str, tmp_path: Path
) -> None:
    chinese = locale == "zh-CN"
    with window(chromium, stage, size, locale) as page:
        expect(page.locator(".verdict h2")).to_contain_text("超时" if chinese else "broken")
        assert fits(page)
        page.screenshot(path=tmp_path / "overview.png")
        page.locator("#live-incidents a", has_text="市电" if chinese else "Mains failure").first.click()
        expect(page.locator("h1")).to_contain_text("福田码头" if chinese else "Futian Terminal")
        assert fits(page)
        page.screenshot(path=tmp_path / "incident.png")
        page.locator("a.big-link").click()
        expect(page.locator("#live-head .clock").first).to_be_visible()
        chart = page.locator(".chart").first
        expect(chart.locator("canvas")).to_be_visible()
        assert int(chart.get_attribute("data-drawn") or 0) > 10
        assert fits(page)
        page.screenshot(path=tmp_path / "ticket.png", full_page=True)
        page.locator("figcaption a").first.click()
        expect(page.locator(".chart.tall canvas")).to_be_visible()
        assert fits(page)
        page.screenshot(path=tmp_path / "device.png", full_page=True)
    assert all(path.stat().st_size > 10_000 for path in tmp_path.glob("*.png"))


def test_clocks_run_and_ages_grow_in_the_browser(chromium: Browser, stage: Stage) -> None:
    with window(chromium, stage, DESKTOP, "en-GB") as page:
        hands = page.locator("[data-due]").first
        before = hands.inner_text()
        expect(hands).not_to_have_text(before)
        parts = [int(part) for part in before.split(":")]
        now = [int(part) for part in hands.inner_text().split(":")]
        assert now < parts, "a clock that promises counts down"


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_the_browser_writes_clocks_and_ages_as_the_server_does(chromium: Browser, stage: Stage, locale: str) -> None:
    seconds = [0, 1, 7, 50, 52, 89, 95, 700, 3000, 3100, 7000, 80_000, 200_000, 1_000_000]
    show = Shown("zh" if locale == "zh-CN" else "en", 0)
    with window(chromium, stage, DESKTOP, locale) as page:
        assert page.evaluate("list => list.map(roundsman.age)", seconds) == [show.duration(s) for s in seconds]
        assert page.evaluate("list => list.map(roundsman.hms)", seconds) == [show.hms(s) for s in seconds]


def test_what_changes_at_the_centre_appears_without_a_reload(chromium: Browser, stage: Stage) -> None:
    with stage.centre.engine.connect() as conn:
        ticket = next(t for t in desk.tickets(conn) if t.key.cause == "mains")
    with window(chromium, stage, DESKTOP, "en-GB") as page, window(chromium, stage, PHONE, "zh-CN") as other:
        page.goto(f"{stage.url}/tickets/{ticket.id}")
        expect(page.locator("#feed-state")).to_have_attribute("data-on", "1")
        page.evaluate("window.stayed = true")
        other.goto(f"{stage.url}/tickets/{ticket.id}")
        other.locator("#act-main textarea").fill("called the utility: <b>back at six</b>")
        other.locator("button[value=note]").click()
        expect(other.locator("#live-ledger")).to_contain_text("<b>back at six</b>")
        expect(page.locator("#live-ledger")).to_contain_text("called the utility: <b>back at six</b>")
        assert page.evaluate("window.stayed"), "the page was not loaded anew"
        assert page.locator("#live-ledger b", has_text="back at six").count() == 0


def test_a_line_being_written_survives_what_changes_meanwhile(chromium: Browser, stage: Stage) -> None:
    with stage.centre.engine.connect() as conn:
        ticket = next(t for t in desk.tickets(conn) if t.key.cause == "mains")
    with window(chromium, stage, DESKTOP, "en-GB") as page:
        page.goto(f"{stage.url}/tickets/{ticket.id}")
        expect(page.locator("#feed-state")).to_have_attribute("data-on", "1")
        page.locator("#act-main textarea").fill("half a sent")
        with page.expect_response(lambda answer: answer.url.endswith(ticket.id)):
            news = [{"kind": "ticket", "id": ticket.id, "site": "sz-futian"}]
            stage.loop.call_soon_threadsafe(stage.centre.hub.publish, news)
        assert page.locator("#act-main textarea").input_value() == "half a sent"


def test_the_language_switches_and_stays(chromium: Browser, stage: Stage) -> None:
    with window(chromium, stage, PHONE, "en-GB") as page:
        page.goto(f"{stage.url}/devices?site=sz-futian")
        page.get_by_role("link", name="中文").click()
        expect(page.locator("h1")).to_have_text("设备")
        assert page.url.endswith("/devices?site=sz-futian")
        page.goto(f"{stage.url}/tickets")
        expect(page.locator("h1")).to_have_text("工单")
        page.get_by_role("link", name="EN", exact=True).click()
        expect(page.locator("h1")).to_have_text("Tickets")


def test_another_series_and_span_can_be_chosen(chromium: Browser, stage: Stage) -> None:
    with window(chromium, stage, DESKTOP, "en-GB") as page:
        page.goto(f"{stage.url}/devices/sz-futian/ups-1")
        page.locator("select[name=series]").select_option("ups.load#1")
        page.wait_for_url("**series=ups.load%231**")
        expect(page.locator(".chart.tall .u-legend")).to_contain_text("Load 1")
        page.locator("select[name=hours]").select_option("1")
        page.wait_for_url("**hours=1")
        expect(page.locator(".chart.tall canvas")).to_be_visible()
        assert page.locator("select[name=series]").input_value() == "ups.load#1", (
            "the series stays when the span changes"
        )


def test_pages_read_without_scripts(chromium: Browser, stage: Stage) -> None:
    with window(chromium, stage, PHONE, "en-GB", scripts=False) as page:
        expect(page.locator(".verdict h2")).to_contain_text("broken")
        page.locator(".promise-title").first.click()
        expect(page.locator(".ledger li").first).to_be_visible()
        page.goto(f"{stage.url}/devices/sz-futian/ups-1?series=battery.charge")
        page.locator("summary").click()
        expect(page.locator("details table tr").nth(5)).to_be_visible()
        assert fits(page)


def test_the_keyboard_reaches_content_first_and_everything_has_a_name(chromium: Browser, stage: Stage) -> None:
    nameless = """[...document.querySelectorAll('a, button, input:not([type=hidden]), select, textarea')].filter(e =>
        !(e.innerText || e.ariaLabel || e.labels?.length || e.title || e.closest('details:not([open])'))).map(e => e.outerHTML)"""
    with window(chromium, stage, DESKTOP, "en-GB") as page:
        page.keyboard.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        for path in (
            "/",
            "/incidents",
            "/tickets",
            "/tickets/T-000001",
            "/devices",
            "/devices/sz-futian/ups-1",
            "/login",
        ):
            page.goto(stage.url + path)
            assert page.evaluate(nameless) == [], path
            assert page.locator("h1").count() == 1, path
            assert page.evaluate("document.documentElement.lang") == "en-GB"


def test_nothing_sticks_out_on_the_smallest_phone(chromium: Browser, stage: Stage) -> None:
    with window(chromium, stage, (360, 640), "zh-CN") as page:
        for path in (
            "/",
            "/incidents?all=1",
            "/tickets?all=1",
            "/tickets/T-000001",
            "/devices",
            "/devices/sz-futian/ups-1",
            "/devices/hz-xihu/sw-1",
        ):
            page.goto(stage.url + path)
            assert fits(page), path


def test_a_dead_centre_is_said_so(chromium: Browser, stage: Stage) -> None:
    with window(chromium, stage, DESKTOP, "en-GB") as page:
        expect(page.locator(".feed-on")).to_be_visible()
        page.route("**/v1/events", lambda route: route.fulfill(status=204))
        page.reload()
        expect(page.locator(".feed-off")).to_be_visible()
        assert not page.locator(".feed-on").is_visible()


@pytest.mark.parametrize(
    ("size", "locale", "scripts"),
    [(DESKTOP, "zh-CN", True), (PHONE, "en-GB", False)],
    ids=["desktop", "phone-unscripted"],
)
def test_a_call_becomes_a_ticket_is_diagnosed_documented_and_closed(
    chromium: Browser, stage: Stage, size: tuple[int, int], locale: str, scripts: bool, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.pdf"
    plan.write_bytes(b"%PDF-1.7\n% a plan\n")
    with window(chromium, stage, size, locale, scripts) as page:
        page.goto(f"{stage.url}/tickets/new?site=sz-futian")
        page.locator("select[name=place]").select_option("sz-futian/ups-3")
        page.locator("textarea[name=text]").fill(f"the fan rattles {locale}")
        for box in page.locator("input[name=not_known]").all():
            box.check()
        assert fits(page)
        page.locator("main form[method=post] button").click()
        expect(page.locator("h1")).to_contain_text(f"the fan rattles {locale}")
        assert fits(page)
        page.locator(".deed", has=page.locator("#act-diagnosed")).locator("summary").click()
        page.locator("#act-diagnosed [name='data.failure_mode']").fill("fan_failure")
        page.locator("#act-diagnosed textarea").fill("bearing worn")
        page.locator("#act-diagnosed button").click()
        expect(page.locator("#live-ledger .l-diagnosed")).to_contain_text("bearing worn")
        page.locator("input[type=file]").set_input_files(plan)
        page.locator("form[enctype] button").click()
        expect(page.locator(".files")).to_contain_text("plan.pdf")
        page.screenshot(path=tmp_path / "ticket.png", full_page=True)
        page.locator("#act-main textarea").fill("swapped")
        page.locator("#act-main button[value=closed]").click()
        expect(page.locator("#live-ledger .l-closed")).to_be_visible()
        for path in ("/planned?all=1", "/documents", "/complaints", "/engineers", "/faq", "/policies/cee", "/outbox"):
            page.goto(stage.url + path)
            assert fits(page), path
            page.screenshot(path=tmp_path / f"{path.strip('/').split('?')[0].replace('/', '-')}.png")
