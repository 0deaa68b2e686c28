"""What goes wrong in the field, played through the commands that a field engineer types.

A collector and an agent are processes of their own, started, killed and configured by files and commands
alone; the devices are real ptys. The clock runs ten times as fast, so that pauses pass soon.
"""

from __future__ import annotations

import json
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from collector.history.embedded import Embedded
from model.timescale import TimeScale
from roundsman.demo.audit import Audit, audit
from tests.agent.megatec_pty import Ups, plugged_in
from tests.services import free_port, running, wait_for

pytestmark = pytest.mark.alone
SITE = "sz-far"
UPS = f"{SITE}/ups-1"
LONG_S = 40


class House:
    """A centre's folder and a site's folder, and what is typed in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.centre = folder / "collector.toml"
        self.centre.write_text(f'[collector]\nlisten = "{self.url.removeprefix("http://")}"\ndata = "var"\n')
        self.site = folder / "agent.toml"
        now = time.time_ns() // 1_000_000
        self.clock = ("--clock", TimeScale(t0=now, real0=now, speed=10).dump())

    def wire(self, *devices: str) -> None:
        """Write the agent's file with these `[[device]]` bodies."""
        head = f'[agent]\nsite = "{SITE}"\ncollector = "{self.url}"\nkeep_delivered_h = 1000\n[pace]\nstatus_s = 2\nmeasure_s = 2\n'
        self.site.write_text(head + "".join(f"[[device]]\n{body}\n" for body in devices))

    def type(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One command, to its end."""
        command = [sys.executable, "-m", "roundsman", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, timeout=60)

    @contextmanager
    def collector(self) -> Iterator[subprocess.Popen[bytes]]:
        """`roundsman collector`, until it answers."""
        with self._child("collector", str(self.centre)) as child:
            wait_for(lambda: child.poll() is not None or self.health() is not None, LONG_S, "the collector")
            assert child.poll() is None, self.log("collector")
            yield child

    @contextmanager
    def agent(self) -> Iterator[subprocess.Popen[bytes]]:
        """`roundsman agent`, enrolled by a code from `roundsman enrol`."""
        code = json.loads(self.type("enrol", SITE, "--json").stdout)["code"]
        with self._child("agent", str(self.site), "--enrol", code) as child:
            yield child

    @contextmanager
    def _child(self, name: str, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "roundsman", name, *words, *self.clock]
        with running(command, self.folder / f"{name}.log", self.folder) as child:
            yield child

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def health(self) -> dict[str, object] | None:
        """What /healthz says, None when nobody answers."""
        try:
            return dict(httpx.get(f"{self.url}/healthz", trust_env=False, verify=False).json())
        except httpx.HTTPError:
            return None

    def heard(self) -> set[str]:
        """The devices of which the centre has a reading; what the agent tells of its own lines comes when it comes."""
        with sqlite3.connect(self.folder / "var" / "centre.sqlite") as db:
            heard = {id for (id,) in db.execute("SELECT id FROM devices WHERE last_reading_at IS NOT NULL")}
        return heard - {f"{SITE}/agent"}

    def batches(self) -> int:
        """How many batches the centre has confirmed."""
        with sqlite3.connect(self.folder / "var" / "centre.sqlite") as db:
            return int(db.execute("SELECT count(*) FROM deliveries").fetchone()[0])

    def more(self, what: str) -> None:
        """Wait until the centre took in more than it has now."""
        before = self.batches()
        wait_for(lambda: self.batches() > before, LONG_S, what)

    def proof(self) -> Audit:
        """What the spool committed against what history holds; both processes have ended."""
        history = Embedded(self.folder / "var" / "history")
        try:
            return audit([self.folder / "spool.sqlite"], history)
        finally:
            history.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def ups() -> Iterator[Ups]:
    with plugged_in() as one:
        yield one


def megatec(id: str, port: str | Path) -> str:
    return f'id = "{id}"\nurl = "megatec://{port}?timeout=0.2"'


def test_wrong_devices_cost_nothing_but_themselves_and_an_unknown_one_is_shown(house: House, ups: Ups) -> None:
    port = house.folder / "ttyUSB7"
    house.wire(
        megatec("ups-1", ups.port),
        'id = "ups-2"\nurl = "modbus+tcp://192.0.2.1?unit=1"\nprofile = "huawei_ups2001"',
        'id = "ups-3"\nurl = "carrier+pigeon://loft"',
        megatec("ups-4", port),
    )
    checked = house.type("check", str(house.site))
    assert checked.returncode == 1
    told = [line for line in checked.stderr.splitlines() if "agent.key" not in line]
    assert [re.sub(r".*agent\.toml:(\d+): ([\w.]+): .*; fix: .+", r"\1 \2", line) for line in told] == [
        "14 device.1.profile",
        "17 device.2.url",
        "20 device.3.url",
    ]
    with ExitStack() as stack:
        stack.enter_context(house.collector())
        stack.enter_context(house.agent())
        wait_for(lambda: house.heard() == {UPS}, LONG_S, "the one good device")
        wait_for(lambda: '"device_silent"' in house.log("agent"), LONG_S, "a word about the missing port")
        assert str(port) in house.log("agent").split('"device_silent"')[0].splitlines()[-1]

        with httpx.Client(trust_env=False, follow_redirects=True, verify=False) as browser:
            browser.get(json.loads(house.type("login", "wei", "--role", "manager", "--json").stdout)["url"])
            assert UPS.partition("/")[2] in browser.get(f"{house.url}/devices").text, (
                "nobody listed it: shown all the same"
            )
            assert browser.get(f"{house.url}/devices/{UPS}").status_code == 200

        late = stack.enter_context(plugged_in())
        port.symlink_to(late.port)
        wait_for(lambda: house.heard() == {UPS, f"{SITE}/ups-4"}, LONG_S, "the device on the port that came later")


def test_a_killed_collector_a_full_disk_and_a_revoked_key_cost_no_reading(house: House, ups: Ups) -> None:
    house.wire(megatec("ups-1", ups.port))
    with ExitStack() as stack:
        centre = stack.enter_context(house.collector())
        agent = stack.enter_context(house.agent())
        wait_for(lambda: house.heard() == {UPS}, LONG_S, "the first readings")
        centre.kill()
        centre.wait()
        wait_for(lambda: '"uplink_waits"' in house.log("agent"), LONG_S, "the agent's word that it waits")

        again = stack.enter_context(house.collector())
        house.more("what was read while the collector was away")

        # As a full disk does, a limit on the size of files lets no write through.
        unlimited = resource.prlimit(again.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(again.pid, resource.RLIMIT_FSIZE, (4096, unlimited[1]))
        wait_for(lambda: (house.health() or {}).get("status") == "degraded", LONG_S, "the word that batches wait")
        problem = str((house.health() or {})["problems"])
        assert ".sqlite: " in problem, "which file cannot be written: history's, or the centre's own"
        assert "Traceback" not in house.log("collector"), "a full disk is no fault of ours: no trace"
        wait_for(
            lambda: " 503 " in house.log("agent") or '"503 ' in house.log("agent"), LONG_S, "the agent's word of a 503"
        )
        resource.prlimit(again.pid, resource.RLIMIT_FSIZE, unlimited)
        house.more("what was read while the disk was full")
        wait_for(lambda: (house.health() or {}).get("status") == "ok", LONG_S, "health")

        assert house.type("revoke", SITE).returncode == 0
        wait_for(lambda: '"key_refused"' in house.log("agent"), LONG_S, "the agent's word that its key is refused")
        assert house.type("revoke", SITE).returncode == 1, "nothing is left to revoke"
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(30) == 0

        (house.folder / "agent.key").unlink()
        anew = stack.enter_context(house.agent())
        house.more("what was read while the key was refused")
        anew.send_signal(signal.SIGTERM)
        assert anew.wait(30) == 0
    proof = house.proof()
    assert proof.spooled > 0
    assert (proof.lost, proof.doubled, proof.undelivered) == (0, 0, 0)


def test_what_no_restart_can_mend_ends_with_78_and_what_may_pass_does_not(house: House) -> None:
    start = ("collector", str(house.centre))
    with house.collector():
        taken = house.type(*start)
        assert taken.returncode == 75
        assert "already in use" in taken.stderr
        house.centre.write_text(f'[collector]\nlisten = "127.0.0.1:{free_port()}"\ndata = "var"\n')
        two = house.type(*start)
        assert (two.returncode, "another collector" in two.stderr) == (75, True)

    database = house.folder / "var" / "centre.sqlite"
    with sqlite3.connect(database) as db:
        db.execute("UPDATE about SET value = '99' WHERE key = 'schema'")
    newer = house.type(*start)
    assert (newer.returncode, "newer" in newer.stderr) == (78, True)
    house.centre.write_text('[collector]\nlisten = "0.0.0.0:8620"\n')
    bare = house.type(*start)
    assert (bare.returncode, "collector.toml:2: collector.listen" in bare.stderr) == (78, True)
    for told in (taken, two, newer, bare):
        assert "Traceback" not in told.stderr
