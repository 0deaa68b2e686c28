"""Every recording in this folder, played on a wire of its kind under the agent's own link, driver and detectors.

A recording becomes a test by being put here: `NAME.flight.jsonl`. What is checked without another word: the point that
made the recorder save goes from its old value to its new one. `NAME.expect.json` beside it may say more:

    {"alerts": ["on_battery"],                        kinds that the centre raises, all of them
     "seen": [["ups.source", null, 5]],               values that some reading has
     "never": [["alarm.battery_low", null, 1]]}       values that none has
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.backlog import Found
from agent.links import open_link
from agent.profiles import Tier, load
from alerts.board import Outcome
from collector import pipeline
from collector.pipeline import World
from model import flight
from model.batch import Batch
from model.flight import Flight
from model.inventory import Inventory
from model.reading import Gap, Reading
from simulators.serve_replay import Replay

HERE = Path(__file__).parent
FILES = sorted(HERE.glob(f"*{flight.SUFFIX}"))
#: A recording that is not over after so many real seconds is not going to be.
LONGEST_S = 30.0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name.removesuffix(flight.SUFFIX))
async def test_the_recorded_line_tells_the_agent_and_the_centre_what_it_told_then(file: Path, tmp_path: Path) -> None:
    recorded, problems = flight.read(file.read_bytes(), file.name)
    assert recorded is not None, problems
    beside = file.with_name(file.name.removesuffix(flight.SUFFIX) + ".expect.json")
    expected: dict[str, Any] = json.loads(beside.read_text()) if beside.exists() else {}
    found, alerts = await played(recorded, tmp_path)
    readings = [one for one in found if isinstance(one, Reading)]
    values = {(one.point, one.index, one.value) for one in readings}
    why = recorded.header.why
    if why.kind == "changed":
        passed = [one.value for one in readings if (one.device, one.point, one.index) == (why.device, why.point, why.index)]  # fmt: skip
        changes = list(itertools.pairwise(passed))
        assert (why.before, why.after) in changes, f"{why.told()}: {passed}"
    assert {tuple(one) for one in expected.get("seen", ())} <= values
    assert not {tuple(one) for one in expected.get("never", ())} & values
    if "alerts" in expected:
        assert alerts == set(expected["alerts"])


def test_there_are_recordings_of_more_than_one_kind_of_line() -> None:
    headers = [flight.read(file.read_bytes(), file.name)[0] for file in FILES]
    assert len({one.header.devices[0].scheme for one in headers if one}) >= 2


async def played(recorded: Flight, folder: Path) -> tuple[list[Found], set[str]]:
    """What a link and driver read of the replayed line until its recorded end, and the alerts that come of it."""
    wires = Replay(recorded, folder, None)
    assert await wires.open()
    found: list[Found] = []
    centre = Centre(recorded.header.site)
    urls = {one["id"]: DeviceUrl.parse(one["url"]) for one in wires.devices()}
    profiles = {one.id: load(one.profiles[0]) if one.profiles else None for one in recorded.header.devices}
    until = time.monotonic() + LONGEST_S
    now = recorded.header.at
    with contextlib.closing(open_link(next(iter(urls.values())))) as link:
        while not wires.over and time.monotonic() < until:
            now += 500
            tier = Tier.MEASURE if centre.row % 3 == 2 else Tier.STATUS
            for device, url in urls.items():
                found += await ask_device(link, device, url, profiles[device], tier, lambda now=now: now)  # type: ignore[misc]
            centre.take(found[centre.seen :], now)
    wires.close()
    centre.stays(found, now)
    return found, centre.kinds


class Centre:
    """The pipeline without its shell: what is told comes in, alerts come out."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._state, self._world = pipeline.fresh(), World(Inventory())
        self.kinds: set[str] = set()
        self.row = self.seen = 0

    def take(self, news: list[Found], now: int) -> None:
        """One batch."""
        self.row += 1
        self.seen += len(news)
        batch = Batch(
            spool="s" * 32, row=self.row, site=self._site, boot="b" * 32, at=now,
            readings=[one for one in news if isinstance(one, Reading)],
            gaps=[one for one in news if isinstance(one, Gap)], events=[],
        )  # fmt: skip
        admitted = pipeline.take_in(self._state.marks, batch, self._site, 0, now)
        self._note(pipeline.on_batch(self._state, admitted, self._world, now))

    def stays(self, found: list[Found], now: int) -> None:
        """A minute in which every value stays what it was last: some findings need to have lasted."""
        last = {(one.device, one.point, one.index): one for one in found if isinstance(one, Reading)}
        for at in range(now + 5_000, now + 65_000, 5_000):
            self.take([msgspec.structs.replace(one, at=at) for one in last.values()], at)
            self._note(pipeline.on_tick(self._state, {}, self._world, at))

    def _note(self, outcome: Outcome) -> None:
        self.kinds |= {alert.kind for alert in outcome.alerts}
