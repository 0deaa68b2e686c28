"""SNMPv3 from net-snmp's senders into the receiver itself: every hash and cipher, levels, engines, recordings."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.traps import message
from agent.traps.message import Level, Notice, Ready, Setup, Trouble
from agent.traps.settings import TrapSettings, TrapUser
from tests.services import need

pytestmark = pytest.mark.timeout(60)

AUTHS = {
    "md5": "MD5",
    "sha1": "SHA",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
PRIVS = {"des": "DES", "aes128": "AES", "aes192": "AES-192", "aes256": "AES-256", "aes192c": "AES-192-C", "aes256c": "AES-256-C"}  # fmt: skip
METHODS = [*((auth, "aes128") for auth in AUTHS), *(("sha256", priv) for priv in PRIVS if priv != "aes128"), ("sha256", ""), ("", "")]  # fmt: skip
KEYS = {"AUTH": "auth-passw0rd", "PRIV": "priv-passw0rd"}
ENGINE = "80001f8804c0ffee"
COLD_START = "1.3.6.1.6.3.1.1.5.1"


def user(auth: str, priv: str) -> TrapUser:
    return TrapUser(
        name=f"{auth}-{priv}",
        auth=auth,
        auth_key="env:AUTH" if auth else "",
        priv=priv,
        priv_key="env:PRIV" if priv else "",
        engine_ids=(ENGINE,),
    )


class Receiver:
    """The child, as the agent starts it; each test sends from an address of its own, so that no bucket runs dry."""

    def __init__(self, folder: Path, hosts: tuple[str, ...]) -> None:
        settings = TrapSettings(listen=(("127.0.0.1", 0),), users=tuple(user(*method) for method in METHODS))
        setup = Setup(settings=settings, hosts=hosts, folder=str(folder), engine_file=str(folder / "spool.engine"))
        self.child = subprocess.Popen(
            [sys.executable, "-m", "agent.traps.receiver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **KEYS},
            cwd=Path(__file__).resolve().parents[3],
        )
        assert self.child.stdin
        self.child.stdin.write(message.line_of(setup))
        self.child.stdin.flush()
        ready = self.next(Ready)
        self.port, self.engine_id = ready.listen[0], ready.engine_id

    def next(self, kind):  # type: ignore[no-untyped-def]
        """The next message of a kind."""
        assert self.child.stdout
        while line := self.child.stdout.readline():
            said = message.up(line)
            if isinstance(said, kind):
                return said
        pytest.fail("the receiver has ended")

    def close(self) -> int:
        assert self.child.stdin
        self.child.stdin.close()
        return self.child.wait(10)


HOSTS = tuple(f"127.0.8.{n}" for n in range(1, 30))


@pytest.fixture(scope="module")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    need("snmptrap", "snmp")
    one = Receiver(tmp_path_factory.mktemp("v3"), HOSTS)
    yield one
    assert one.close() == 0


def send(program: str, to: str, auth: str, priv: str, *words: str, name: str = "", source: str) -> int:
    level = "authPriv" if priv else "authNoPriv" if auth else "noAuthNoPriv"
    command = [need(program, "snmp"), f"--clientaddr={source}", "-v3", "-u", name or f"{auth}-{priv}", "-l", level]
    command += ["-a", AUTHS[auth], "-A", KEYS["AUTH"]] if auth else []
    command += ["-x", PRIVS[priv], "-X", KEYS["PRIV"]] if priv else []
    return subprocess.run(
        [*command, *words, to, "", COLD_START], capture_output=True, timeout=30, check=False
    ).returncode


@pytest.mark.parametrize(("auth", "priv"), METHODS)
def test_every_hash_and_cipher_is_heard_and_informs_are_answered(receiver: Receiver, auth: str, priv: str) -> None:
    source = HOSTS[METHODS.index((auth, priv))]
    level = Level.AUTH_PRIV if priv else Level.AUTH if auth else Level.NONE
    for program, words in (("snmptrap", ["-e", f"0x{ENGINE}"]), ("snmpinform", [])):
        assert send(program, receiver.port, auth, priv, *words, source=source) == 0
        notice: Notice = receiver.next(Notice)
        assert (notice.level, notice.oid, notice.problem) == (level, COLD_START, "")
        assert (notice.inform, notice.hosts) == (program == "snmpinform", (source,))


@pytest.mark.parametrize(
    ("method", "words", "name", "told"),
    [
        (("sha256", ""), ["-e", f"0x{ENGINE}"], "sha256-aes128", "less than the file's auth_priv"),
        (("", ""), ["-e", f"0x{ENGINE}"], "sha256-aes128", "less than the file's auth_priv"),
        (("sha1", "aes128"), ["-e", f"0x{ENGINE}"], "sha256-aes128", "a wrong key"),
        (("sha256", "aes128"), ["-e", f"0x{ENGINE}"], "nobody", 'add [[traps.user]] name = "nobody"'),
        (("sha256", "aes128"), ["-e", "0x80001f8804dead"], "", 'add engine_id = "80001f8804dead"'),
    ],
)
def test_what_is_not_proved_is_told_with_the_fix_and_says_nothing(
    receiver: Receiver, method: tuple[str, str], words: list[str], name: str, told: str
) -> None:
    send("snmptrap", receiver.port, *method, *words, name=name, source=HOSTS[20])
    notice: Notice = receiver.next(Notice)
    assert told in notice.problem
    assert (notice.level, notice.oid, notice.binds, notice.hosts) == (Level.NONE, "", (), (HOSTS[20],))


def test_a_recording_of_a_trap_is_refused_once_its_sender_was_heard_again(receiver: Receiver) -> None:
    recorded = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as tap:
        tap.bind(("127.0.0.1", 0))
        tap.settimeout(10)
        for boots, time in ((5, 1000), (5, 2000), (6, 10)):
            words = ["-e", f"0x{ENGINE}", "-Z", f"{boots},{time}"]
            assert (
                send("snmptrap", f"127.0.0.1:{tap.getsockname()[1]}", "sha512", "aes128", *words, source=HOSTS[21]) == 0
            )
            recorded.append(tap.recv(4096))
    first, later, rebooted = recorded
    host, _, port = receiver.port.rpartition(":")
    told = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((HOSTS[22], 0))
        for datagram in (later, first, rebooted, later):
            wire.sendto(datagram, (host, int(port)))
            notice: Notice = receiver.next(Notice)
            told.append((notice.oid, "sent again" in notice.problem))
    assert told == [(COLD_START, False), ("", True), (COLD_START, False), ("", True)]


def test_the_engine_id_stays_and_its_boots_rise_over_restarts(tmp_path: Path) -> None:
    ids, boots = [], []
    for _ in range(2):
        one = Receiver(tmp_path, ())
        ids.append(one.engine_id)
        boots.append((tmp_path / "spool.engine").read_text())
        assert one.close() == 0
    assert ids[0] == ids[1]
    assert '"boots": 1' in boots[0]
    assert '"boots": 2' in boots[1]


def test_a_port_that_is_taken_is_told_with_the_fix(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        settings = TrapSettings(listen=(("127.0.0.1", other.getsockname()[1]),))
        child = subprocess.run(
            [sys.executable, "-m", "agent.traps.receiver"],
            input=message.line_of(Setup(settings=settings)),
            capture_output=True,
            cwd=Path(__file__).resolve().parents[3],
            timeout=30,
            check=False,
        )
    (trouble,) = [said for line in child.stdout.splitlines() if isinstance(said := message.up(line), Trouble)]
    assert (trouble.fatal, "cannot listen on 127.0.0.1" in trouble.what) == (True, True)
    assert "stop what has the port" in trouble.fix
    assert child.returncode == 1
