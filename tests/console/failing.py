"""A centre with one battery in it that fails at a full charge with its self-test passed: a year of tests, then the mains goes.

The battery's physics is that of `simulators.battery`; what it says goes through the real writer. For the tests of its pages, and
`python -m tests.console.failing --out docs/screenshots` makes the picture of its verdict in the documentation.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import msgspec
from playwright.sync_api import expect, sync_playwright

from collector import enrol
from collector.store import writing
from model.finding import Change
from tests.analytics.battery.cabinet import AH, BLOCKS, RATED_VA, Cabinet, healthy_s
from tests.analytics.timeline import T0, Line
from tests.console.stage import DAY, Stage
from tests.console.test_browser import _ARGS as ARGS
from tests.console.test_browser import window

SITE, UPS = "sz-futian", "sz-futian/ups-1"
HALF_DAY_S = 43_200.0
TESTS, APART_DAYS, LOAD, OUT_S = 26, 14.0, 40.0, 600.0


@dataclass
class Told(Cabinet):
    """The cabinet as its site's agent tells of it, from the instant `first` (ms)."""

    stage: Stage | None = None
    first: int = 0
    over: bool = False

    def hear(self, line: Line) -> list[Change]:
        assert self.stage is not None
        moved = [msgspec.structs.replace(r, device=UPS, at=r.at - T0 + self.first) for r in line.readings]
        self.stage.take([self.stage.post(SITE, list(some)) for _, some in groupby(moved, lambda r: r.at // DAY)])
        return []

    def rest(self, days: float, every_s: float = 6 * 3600) -> list[Change]:
        return [] if self.over else super().rest(days, every_s)

    def self_test(self, seconds: float = 10, passes: bool = True) -> list[Change]:
        self.hear(Line().say(self.now - 1, alarm__test_in_progress=1))
        return super().self_test(seconds, passes)

    def live(self) -> None:
        """A resistance that grows faster than the capacity falls; at the end an outage shows both."""
        self.rest(1, HALF_DAY_S)
        for count in range(TESTS):
            self.soh, self.resistive = 1.0 - 0.0085 * count, 1 + 0.025 * count
            self.self_test()
            self.rest(APART_DAYS, HALF_DAY_S)
        self.over = True
        self.outage(OUT_S)


@contextmanager
def failing(folder: Path) -> Iterator[Stage]:
    """A running centre that has just seen the discharge."""
    listed = folder / "inventory.toml"
    listed.write_text(_inventory(), encoding="utf-8")
    stage = Stage(folder, listed)
    first = stage.centre.now() - round((1 + TESTS * (APART_DAYS + 0.25)) * DAY) - 30 * 60_000
    with writing(stage.centre.engine) as conn:
        stage.agents[SITE] = enrol.register(conn, SITE, f"key-of-{SITE}-which-is-long-enough", first)
    Told(stage=stage, first=first, celsius=28, load=LOAD).live()
    stage.start()
    try:
        yield stage
    finally:
        stage.stop()


def _inventory() -> str:
    """One UPS with the cabinet of the story."""
    battery = f'blocks = {BLOCKS}, block_ah = {AH}, installed = "2024-06-01", runtime_s = {healthy_s(LOAD):.0f}, runtime_load = {LOAD}'
    return f"""
[[customer]]
id = "harbour"
name = {{ en = "Harbour Logistics", zh = "港湾物流" }}

[[contract]]
customer = "harbour"
policy = "powerstar"
since = "2024-01-01"

[[site]]
id = "{SITE}"
customer = "harbour"
name = {{ en = "Futian Terminal", zh = "福田码头" }}
country = "CN"
tz = "Asia/Shanghai"

[[device]]
id = "{UPS}"
name = {{ en = "UPS A, hall", zh = "机房 UPS A" }}
kind = "ups"
model = "UPS2000"
installed = "2024-06-01"
rated_va = {RATED_VA:.0f}
fed_by = "mains"
battery = {{ {battery} }}
"""


def pictures(out: Path) -> None:
    """The verdict's panels as PNG, in English and in Chinese."""
    with tempfile.TemporaryDirectory() as folder, failing(Path(folder)) as stage, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGS))
        for locale, language in (("en-GB", "en"), ("zh-CN", "zh")):
            with window(browser, stage, (1080, 900), locale) as page:
                page.goto(f"{stage.url}/devices/{UPS}/battery")
                expect(page.locator(".chart canvas")).to_be_visible()
                page.evaluate("document.querySelectorAll('.chart ~ *').forEach((below) => below.remove())")
                page.evaluate("document.querySelector('#forecasts').remove()")
                page.locator("main").screenshot(path=out / f"battery-verdict-{language}.png")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    pictures(parser.parse_args().out)
