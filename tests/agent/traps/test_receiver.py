"""The whole agent with its ears open: net-snmp's senders, a card on a real socket, the real child process."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from alerts.types import Alert
from collector import pipeline
from model.batch import Event, EventKind
from model.inventory import Inventory
from model.reading import Quality
from model.timescale import TimeScale
from tests.agent.centre import Centre, serving
from tests.agent.test_running import CHILD, ended
from tests.agent.traps.card import Card, plugged_in
from tests.services import need, wait_for

pytestmark = pytest.mark.timeout(120)

WELL, DYING, OTHER = "127.0.7.1", "127.0.7.2", "127.0.7.3"
ENGINE = "80001f8804c0ffee"
SECRETS = {"TRAPS": "tr4ps-c0mmunity", "READS": "r3ads-c0mmunity", "AUTH": "auth-passw0rd", "PRIV": "priv-passw0rd"}
V3 = ["-v3", "-u", "trapper", "-l", "authPriv", "-a", "SHA", "-A", SECRETS["AUTH"], "-x", "AES", "-X", SECRETS["PRIV"]]
ON_BATTERY = ["1.3.6.1.2.1.33.2.1"]
ADDED, REMOVED = "1.3.6.1.2.1.33.2.3", "1.3.6.1.2.1.33.2.4"
FILE = """
[agent]
site = "sz"
collector = "{collector}"
[pace]
status_s = 3600
measure_s = 3600
[traps]
listen = "127.0.0.1:0"
community = "env:TRAPS"
[[traps.user]]
name = "trapper"
auth = "sha"
auth_key = "env:AUTH"
priv = "aes"
priv_key = "env:PRIV"
engine_id = "{engine}"
[[device]]
id = "ups-1"
url = "snmp://{well}?community=env:READS&timeout=0.2"
profile = "rfc1628"
[[device]]
id = "ups-2"
url = "snmp://{dying}?community=env:READS&timeout=0.2"
profile = "rfc1628"
"""


def alarm(number: int) -> list[str]:
    return ["1.3.6.1.2.1.33.1.6.2.1.1.1", "i", "1", f"1.3.6.1.2.1.33.1.6.2.1.2.{number}", "o", f"1.3.6.1.2.1.33.1.6.3.{number}"]  # fmt: skip


class Site:
    """A running agent, its two cards and its collector."""

    def __init__(self, folder: Path, child: subprocess.Popen[bytes], centre: Centre, well: Card, dying: Card) -> None:
        self.log, self.child, self.centre, self.well, self.dying = folder / "agent.log", child, centre, well, dying
        self.listens = 0
        self.port = ""

    def await_port(self) -> None:
        """The receiver has said where it listens, once more than before."""

        def told() -> bool:
            lines = [json.loads(line) for line in self.log.read_text().splitlines() if '"traps_listen"' in line]
            if len(lines) > self.listens:
                self.listens, self.port = len(lines), lines[-1]["at"]
                return True
            return False

        wait_for(told, 30, "the trap receiver")

    def send(self, program: str, *words: str, source: str = WELL) -> subprocess.CompletedProcess[str]:
        """`snmptrap` or `snmpinform` from an address."""
        command = [need(program, "snmp"), f"--clientaddr={source}", "-Lo", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def trap(self, *words: str, community: str = SECRETS["TRAPS"], source: str = WELL) -> None:
        sent = self.send("snmptrap", "-v2c", "-c", community, self.port, "", *words, source=source)
        assert sent.returncode == 0, sent.stderr

    def events(self, device: str) -> list[Event]:
        found = [e for batch in self.batches() for e in batch.events if e.kind is EventKind.TRAP]
        return [event for event in found if event.device == device]

    def said(self, device: str, point: str) -> list[tuple[float, int]]:
        """Values and qualities of a point, as the centre has them."""
        readings = [r for batch in self.batches() for r in batch.readings]
        return [(r.value, r.quality) for r in readings if (r.device, r.point) == (device, point)]

    def batches(self):  # type: ignore[no-untyped-def]
        with self.centre.came:
            kept = dict(self.centre.kept)
        return [batch for _, batch in sorted(kept.items(), key=lambda item: item[0][1])]

    def receiver(self) -> psutil.Process:
        return next(c for c in psutil.Process(self.child.pid).children() if "agent.traps.receiver" in c.cmdline())


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    need("snmptrap", "snmp")
    well, dying = Card(), Card()
    with serving(Centre()) as centre, plugged_in(well, WELL) as at_well, plugged_in(dying, DYING) as at_dying:
        path = folder / "agent.toml"
        path.write_text(FILE.format(collector=centre.url, well=at_well, dying=at_dying, engine=ENGINE))
        (folder / "agent.key").write_text("5ec3e7" * 10)
        command = [sys.executable, "-c", CHILD, str(path), TimeScale().dump()]
        with (folder / "agent.log").open("ab") as log:
            child = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, **SECRETS})
        here = Site(folder, child, centre, well, dying)
        try:
            here.await_port()
            for device in ("sz/ups-1", "sz/ups-2"):
                wait_for(lambda device=device: here.said(device, "alarm.on_battery") == [(0, 0)], 30, "a first answer")  # type: ignore[misc]
            yield here
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("traps")) as one:
        yield one


def alerts_of(there: Site) -> list[Alert]:
    """What the centre's pure functions make of everything that the agent delivered, in order."""
    state, world = pipeline.fresh(), pipeline.World(Inventory())
    outcomes, now = [], 0
    for batch in there.batches():
        now = batch.at
        admitted = pipeline.take_in(state.marks, batch, "sz", 0, now)
        outcomes.append(pipeline.on_batch(state, admitted, world, now))
    later = now + 600_000  # the holds have passed
    outcomes.append(pipeline.on_tick(state, {"sz": later}, world, later))
    return pipeline.merge(outcomes).alerts


def test_a_trap_makes_the_agent_ask_at_once_and_one_fault_is_one_alert(there: Site) -> None:
    """The next turn is an hour away, so what comes comes by the nudge."""
    there.well.alarms = {2}
    there.trap(*ON_BATTERY)
    wait_for(lambda: there.said("sz/ups-1", "alarm.on_battery")[-1] == (1, Quality.GOOD), 20, "the answer")
    there.trap(ADDED, *alarm(2))  # the same fault, told again
    wait_for(lambda: len(there.events("sz/ups-1")) == 2, 20, "both traps as events")
    first = there.events("sz/ups-1")[0].data
    assert (first["oid"], first["name"], first["source"]) == (ON_BATTERY[0], "upsTrapOnBattery", WELL)
    assert (first["version"], first["security"], first["whose"]) == ("2c", "community", "proved")
    there.well.alarms = set()
    there.trap(REMOVED, *alarm(2))
    wait_for(lambda: there.said("sz/ups-1", "alarm.on_battery")[-1] == (0, Quality.GOOD), 20, "the end")
    assert all(quality == Quality.GOOD for _, quality in there.said("sz/ups-1", "alarm.on_battery"))
    alerts = [alert for alert in alerts_of(there) if alert.device == "sz/ups-1"]
    assert [(alert.kind, alert.cleared_at is not None) for alert in alerts] == [("on_battery", True)]


def test_informs_are_acknowledged_and_every_version_is_heard(there: Site) -> None:
    before = len(there.events("sz/ups-1"))
    cold, auth_fail = "1.3.6.1.6.3.1.1.5.1", "1.3.6.1.6.3.1.1.5.5"
    sent = [
        there.send("snmptrap", "-v1", "-c", SECRETS["TRAPS"], there.port, "1.3.6.1.2.1.33.2", "", "6", "2", ""),
        there.send("snmpinform", "-v2c", "-c", SECRETS["READS"], there.port, "", auth_fail),
        there.send("snmptrap", *V3, "-e", f"0x{ENGINE}", there.port, "", cold),
        there.send("snmpinform", *V3, there.port, "", "1.3.6.1.4.1.318.0.5", "1.3.6.1.2.1.1.5.0", "s", "机房"),
    ]
    assert [(one.returncode, one.stderr) for one in sent] == [(0, "")] * 4
    wait_for(lambda: len(there.events("sz/ups-1")) == before + 4, 20, "four events")
    told = [event.data for event in there.events("sz/ups-1")[before:]]
    assert [(one["version"], one["security"], one.get("inform", 0), one["name"]) for one in told] == [
        ("1", "community", 0, "upsTrapTestCompleted"),
        ("2c", "community", 1, ""),
        ("3", "auth_priv", 0, "coldStart"),
        ("3", "auth_priv", 1, "upsOnBattery"),
    ]
    assert told[3]["text"] == "1.3.6.1.2.1.1.5.0 = 机房"
    assert {one["whose"] for one in told} == {"proved"}


def test_only_an_authenticated_last_word_of_a_dead_device_becomes_a_reading(there: Site) -> None:
    there.dying.silent = True
    there.trap(ADDED, *alarm(3), community="guessed", source=DYING)
    wait_for(lambda: any(b.gaps for b in there.batches()), 20, "the gap of the device that was asked")
    assert there.said("sz/ups-2", "alarm.battery_low") == [(0, Quality.GOOD)]
    there.trap(ADDED, *alarm(3), source=DYING)
    wait_for(lambda: there.said("sz/ups-2", "alarm.battery_low")[-1] == (1, Quality.SUSPECT), 30, "its last word")
    there.dying.silent = False
    there.trap(ADDED, *alarm(99), source=DYING)
    wait_for(lambda: there.said("sz/ups-2", "alarm.battery_low")[-1] == (0, Quality.GOOD), 30, "its next answer")
    proofs = [event.data["whose"] for event in there.events("sz/ups-2")]
    assert proofs == ["no_proof", "proved", "proved"]


def test_a_flood_of_anything_costs_neither_memory_nor_the_next_trap(there: Site) -> None:
    """50,000 datagrams: garbage, the device's own traps without end, and a stranger's."""
    receiver = there.receiver()
    grain = random.Random(7)
    junk = [grain.randbytes(grain.randint(0, 300)) for _ in range(50)] + [
        b"\x30" + grain.randbytes(120) for _ in range(50)
    ]
    host, _, port = there.port.rpartition(":")
    before = receiver.memory_info().rss
    for source in (WELL, OTHER):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.bind((source, 0))
            for n in range(25_000):
                wire.sendto(junk[n % 100], (host, int(port)))
    there.dying.alarms = {16}
    # What the kernel dropped with the flood is sent again: that is what informs are for.
    words = ["-v2c", "-c", SECRETS["TRAPS"], "-r", "30", "-t", "0.3", there.port, "", ADDED, *alarm(16)]
    assert there.send("snmpinform", *words, source=DYING).returncode == 0
    wait_for(lambda: there.said("sz/ups-2", "alarm.fan_failure")[-1:] == [(1, Quality.GOOD)], 30, "the answer")
    assert receiver.memory_info().rss - before < 8 * 1024 * 1024
    assert there.said("sz/ups-1", "alarm.on_battery")[-1] == (0, Quality.GOOD)


def test_the_receiver_may_be_killed_and_the_rounds_go_on(there: Site) -> None:
    asked = there.well.asked
    old = there.receiver().pid
    os.kill(old, 9)
    there.await_port()
    assert there.receiver().pid != old
    there.trap(ADDED, *alarm(77))
    wait_for(lambda: there.well.asked > asked, 20, "the device to be asked by the new receiver's word")
    sent = there.send("snmpinform", *V3, there.port, "", "1.3.6.1.6.3.1.1.5.2")
    assert (sent.returncode, sent.stderr) == (0, "")


def test_strangers_are_told_once_and_no_secret_is_in_a_log_or_a_command_line(there: Site) -> None:
    for _ in range(3):
        there.trap(*ON_BATTERY, source=OTHER)
    wait_for(lambda: OTHER in there.log.read_text(), 20, "the stranger in the log")
    log = there.log.read_text()
    assert log.count(f"traps from {OTHER}, which is no device") == 1
    shown = log + " ".join(there.receiver().cmdline()) + repr(there.batches())
    assert not [secret for secret in SECRETS.values() if secret in shown]
    assert "Traceback" not in log
    told = subprocess.run(
        [sys.executable, "-m", "roundsman", "agent", "status", str(there.log.with_name("agent.toml")), "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    (counts,) = [json.loads(line)["counts"] for line in told.stdout.splitlines() if '"counts"' in line]
    assert counts["traps.received"] > 1_000
    assert counts["traps.restarts"] == 1
    assert counts["traps.last_words"] > 0
    assert "traps.unknown_source" in counts
    child = there.receiver()
    assert ended(there.child) == 0
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
