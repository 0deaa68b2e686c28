"""InfluxDB 1.x (Debian's) on a free port of loopback, with a database `roundsman`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.services import free_port, need, running, wait_for

_CONFIG = """reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = {auth}
  log-enabled = false
[monitor]
  store-enabled = false
"""


class InfluxServer:
    """A server that can be stopped and started again on the same port and data."""

    def __init__(self, folder: Path, user: str = "", password: str = "") -> None:
        self._program = need("influxd", "influxdb")
        self._folder = folder
        self._user, self._password = user, password
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"influxdb+{self.base}?db=roundsman"
        folder.mkdir(parents=True, exist_ok=True)
        auth = "true" if user else "false"
        config = _CONFIG.format(folder=folder, port=self.port, rpc=free_port(), auth=auth)
        (folder / "influxdb.conf").write_text(config, encoding="utf-8")

    @contextmanager
    def up(self) -> Iterator[InfluxServer]:
        """Run it, ready to be written to."""
        command = [self._program, "run", "-config", str(self._folder / "influxdb.conf")]
        with running(command, self._folder / "log") as child:
            wait_for(lambda: child.poll() is not None or self._answers(), 60, "InfluxDB")
            if self._user:
                self.query(f"CREATE USER \"{self._user}\" WITH PASSWORD '{self._password}' WITH ALL PRIVILEGES")
            self.query('CREATE DATABASE "roundsman"')
            yield self

    def query(self, statement: str) -> bytes:
        auth = (self._user, self._password) if self._user else None
        return httpx.post(
            f"{self.base}/query", data={"q": statement, "db": "roundsman"}, auth=auth, timeout=30, verify=False
        ).content

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/ping", verify=False).status_code == 204
        except httpx.HTTPError:
            return False
