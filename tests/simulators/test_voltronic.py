"""The Voltronic dialects on real ptys: NUT's own driver and our agent read the same truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.links import open_link
from agent.profiles import Tier
from model.points import Source
from model.reading import Reading
from simulators.voltronic import checksum
from tests.services import nut
from tests.services.simulated import simulated

SCENARIO = """
unrest = 0
[make.small]
kind = "ups"
mfr = "MAKER"
model = "ONLINE-3K"
firmware = "01.02"
rated_va = 3000
blocks = 6
block_ah = 9
[[site]]
id = "s"
number = 1
[[device]]
id = "ups-1"
make = "small"
wire = "megatec"
baud = 2400
dialect = "DIALECT"
"""


def test_check_sums_are_those_of_real_commands() -> None:
    assert [checksum(c).hex() for c in (b"QPIGS", b"QMOD", b"QPIRI", b"QPIWS", b"QPI")] == ["b7a9", "49c1", "f854", "b4da", "beac"]  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "profile"), [("q1", "megatec_q1"), ("qs", "megatec_qs"), ("voltronic", "voltronic_qgs"), ("axpert", "voltronic_axpert")]
)  # fmt: skip
async def test_our_agent_finds_the_dialect_and_reads_the_truth(tmp_path: Path, dialect: str, profile: str) -> None:
    with simulated(tmp_path / "wires", 1, written(tmp_path, dialect)) as sim:
        url = DeviceUrl.parse(sim.urls["s/ups-1"])
        link = open_link(url)
        try:
            before = await _asked(link, url, Tier.STATUS, Tier.MEASURE)
            truth = sim.truth()["s/ups-1"]
            sim.order(cmd="mains", site="s", on=False)
            sim.truth()
            after = await _asked(link, url, Tier.STATUS)
        finally:
            link.close()
    assert [one.id for one in link.settled["s/ups-1"]] == [profile]
    assert before["ups.source"] == Source.NORMAL
    assert after["ups.source"] == Source.BATTERY
    for point in ("input.voltage", "output.voltage", "ups.load"):
        assert before[point] == pytest.approx(truth[f"{point}#1"], abs=0.6), point
    assert before["battery.voltage"] == pytest.approx(truth["battery.voltage"], abs=0.6)


async def _asked(link, url: DeviceUrl, *tiers: Tier) -> dict[str, float]:  # type: ignore[no-untyped-def]
    found = [one for tier in tiers for one in await ask_device(link, "s/ups-1", url, None, tier, lambda: 1)]
    return {one.point: one.value for one in found if isinstance(one, Reading)}


def written(folder: Path, dialect: str) -> Path:
    path = folder / "one.toml"
    path.write_text(SCENARIO.replace("DIALECT", dialect))
    return path


def test_nut_reads_the_voltronic_line_as_the_model_has_it(tmp_path: Path) -> None:
    with simulated(tmp_path / "wires", 1, written(tmp_path, "voltronic")) as sim:
        read = nut.read("nutdrv_qx", sim.place("s/ups-1"), tmp_path / "nut", protocol="voltronic")
        truth = sim.truth()["s/ups-1"]
    assert read["ups.status"] == "OL"
    assert float(read["battery.voltage"]) == pytest.approx(truth["battery.voltage"], abs=0.6)
    assert float(read["input.voltage"]) == pytest.approx(truth["input.voltage#1"], abs=0.6)
    assert float(read["battery.charge"]) == pytest.approx(truth["battery.charge"], abs=1)
