"""PostgreSQL (Debian's) on a free port of loopback: a cluster of its own in a folder of its own, without fsync."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.services import free_port, missing, running, wait_for


def program(name: str) -> str:
    """The newest installed `initdb`, `postgres` …; Debian keeps them out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    path = str(found[-1]) if found else shutil.which(name)
    if not path:
        missing(f"{name} is not installed (Debian package postgresql): tests/services/install.sh installs it")
    return str(path)


class PostgresServer:
    """A server that can be stopped and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self._server, init = program("postgres"), program("initdb")
        self._folder = folder
        # A run of the tests that is killed takes its server with it; and the server refuses to run as root.
        self._root = os.getuid() == 0
        self._as = ["setpriv", "--pdeathsig=INT"]
        self._as += ["--reuid=postgres", "--regid=postgres", "--init-groups"] if self._root else []
        self.port = free_port()
        self.url = f"postgresql+psycopg://ci@127.0.0.1:{self.port}/ci"
        self._plain = f"postgresql://ci@127.0.0.1:{self.port}/"
        folder.mkdir(parents=True, exist_ok=True)
        if self._root:
            shutil.chown(folder, "postgres", "postgres")
        command = [init, "-D", str(folder / "data"), "-U", "ci", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*self._as, *command, "--no-sync"], check=True, cwd=folder, capture_output=True)

    @contextmanager
    def up(self) -> Iterator[PostgresServer]:
        """Run it, ready to be written to, with a database `ci`."""
        settings = ("fsync=off", "shared_buffers=64MB", "max_connections=300", "autovacuum=off")
        command = [self._server, "-D", str(self._folder / "data"), "-h", "127.0.0.1", "-p", str(self.port)]
        command += ["-k", str(self._folder), *(word for each in settings for word in ("-c", each))]
        with running([*self._as, *command], self._folder / "log", self._folder) as child:
            wait_for(lambda: child.poll() is not None or self._answers(), 60, "PostgreSQL")
            assert child.poll() is None, (self._folder / "log").read_text()
            with psycopg.connect(f"{self._plain}postgres", autocommit=True) as conn:
                if conn.execute("SELECT 1 FROM pg_database WHERE datname = 'ci'").fetchone() is None:
                    conn.execute("CREATE DATABASE ci")
            try:
                yield self
            finally:
                child.send_signal(signal.SIGINT)  # "fast": it ends sessions instead of waiting for them
                child.wait(20)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """A statement of the test's own, at once."""
        with psycopg.connect(f"{self._plain}ci", autocommit=True) as conn:
            done = conn.execute(statement.encode())
            return done.fetchall() if done.description else []

    def _answers(self) -> bool:
        try:
            psycopg.connect(f"{self._plain}postgres", connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def installed() -> Iterator[PostgresServer]:
    """A server, not running yet, in a new folder that its own user may enter, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="roundsman-pg-"))
    folder.chmod(0o755)
    try:
        yield PostgresServer(folder / "pg")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def served() -> Iterator[PostgresServer]:
    """A running one."""
    with installed() as server, server.up():
        yield server
