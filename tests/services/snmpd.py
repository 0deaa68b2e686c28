"""Debian's net-snmp snmpd on loopback, with v1, v2c and v3 users of its own; restarted, and made another engine.

v3 users are made by `createUser` in its configuration; boots and engine id live in a folder of the test. Each restart adds a
boot, as on a real device; `become_another` starts it with a fresh folder: a new engine id, boots from 1.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gufo.snmp import SnmpError
from gufo.snmp.sync import SnmpSession

from tests.services import free_port, need, running, wait_for

AUTH, PRIV = "authauth1", "privpriv1"
#: Our name -> net-snmp's.
HASHES = {
    "md5": "MD5",
    "sha1": "SHA",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
}
CIPHERS = {
    "des": "DES",
    "aes128": "AES",
    "aes192": "AES192",
    "aes256": "AES256",
    "aes192c": "AES192C",
    "aes256c": "AES256C",
}
_TICKS = itertools.count(1)


class Snmpd:
    """One daemon. `every`: users for every hash and cipher, not only the usual (each costs two megabytes of hashing at
    its start). `extra`: lines of snmpd.conf, such as `override` of a variable."""

    def __init__(self, folder: Path, *, every: bool = False, extra: str = "", engine_id: str = "") -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self._folder = folder
        self._hashes = HASHES if every else {"sha256": HASHES["sha256"]}
        self._ciphers = CIPHERS if every else {"aes128": CIPHERS["aes128"]}
        self._extra = extra
        self._engine_id = engine_id
        self._running: contextlib.AbstractContextManager[subprocess.Popen[bytes]] | None = None
        self._state = folder / "state-1"

    def url(self, options: str = "community=public") -> str:
        """The device URL; `options` is the rest behind `timeout`."""
        return f"snmp://127.0.0.1:{self.port}?timeout=0.7&{options}"

    def user(self, auth: str = "sha256", priv: str = "aes128", level: str = "priv", **other: str) -> str:
        """URL options of a user: `level` noauth, auth or priv. The keys are in env:SNMPD_AUTH, env:SNMPD_PRIV."""
        name = {"noauth": "plain", "auth": f"{auth}only"}.get(level, f"{auth}{priv}")
        options = {"version": "3", "user": name}
        if level != "noauth":
            options |= {"auth": auth, "auth_key": "env:SNMPD_AUTH"}
        if level == "priv":
            options |= {"priv": priv, "priv_key": "env:SNMPD_PRIV"}
        return "&".join(f"{key}={value}" for key, value in (options | other).items())

    def start(self) -> None:
        """Start it and wait for its first answer."""
        self._state.mkdir(exist_ok=True)
        conf = self._folder / "snmpd.conf"
        conf.write_text(self._conf())
        program = need("snmpd", "snmpd")
        command = [program, "-f", "-Le", "-p", str(self._folder / "snmpd.pid"), "-I", "-smux"]
        # not -C: with it the engine's own state is not read either, and each start is another engine
        env = {"SNMPCONFPATH": f"{self._folder}:{self._state}", "SNMP_PERSISTENT_DIR": str(self._state), "MIBS": ""}
        self._running = running(command, self._folder / "snmpd.log", env=env)
        self._running.__enter__()
        wait_for(self._answers, 20, "an answer of snmpd")

    def stop(self) -> None:
        """Stop it as a restart of the device would: at once."""
        if self._running is not None:
            self._running.__exit__(None, None, None)
            self._running = None

    def restart(self) -> None:
        """The same engine, one boot later."""
        self.stop()
        self.start()

    def become_another(self) -> None:
        """Another engine at the same address."""
        self.stop()
        self._state = self._folder / f"state-another-{next(_TICKS)}"
        self._engine_id = f"another-{next(_TICKS)}"
        self.start()

    def _conf(self) -> str:
        lines = [f"agentaddress udp:127.0.0.1:{self.port}", "rocommunity public 127.0.0.1", "sysName real-end"]
        lines += ["createUser plain", "rouser plain noauth"]
        lines += [f"engineID {self._engine_id}"] if self._engine_id else []
        for ours, theirs in self._hashes.items():
            lines += [f"createUser {ours}only {theirs} {AUTH}", f"rouser {ours}only auth"]
            for name, cipher in self._ciphers.items():
                lines += [f"createUser {ours}{name} {theirs} {AUTH} {cipher} {PRIV}", f"rouser {ours}{name} priv"]
        return "\n".join([*lines, self._extra, ""])

    def _answers(self) -> bool:
        try:
            SnmpSession("127.0.0.1", port=self.port, timeout=0.2).get("1.3.6.1.2.1.1.2.0")
        except (OSError, SnmpError):
            return False
        return True


@contextmanager
def snmpd(folder: Path, *, every: bool = False, extra: str = "", engine_id: str = "") -> Iterator[Snmpd]:
    """A running daemon, stopped by its own process id."""
    daemon = Snmpd(folder, every=every, extra=extra, engine_id=engine_id)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.stop()
