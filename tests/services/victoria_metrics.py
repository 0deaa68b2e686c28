"""VictoriaMetrics (Debian's) on a free port of loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.services import free_port, need, running, wait_for


class VictoriaServer:
    """A server that can be stopped and started again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self._program = need("victoria-metrics", "victoria-metrics")
        self._folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"victoriametrics+{self.base}"
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def up(self) -> Iterator[VictoriaServer]:
        """Run it, ready to be written to."""
        command = [
            self._program,
            f"-storageDataPath={self._folder / 'data'}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-loggerLevel=WARN",
        ]
        with running(command, self._folder / "log") as child:
            self.child = child
            wait_for(lambda: child.poll() is not None or self._answers(), 60, "VictoriaMetrics")
            yield self

    def show_now(self) -> None:
        """Make what was written visible at once: by itself the server takes up to ten seconds."""
        httpx.get(f"{self.base}/internal/force_flush", timeout=30, verify=False).raise_for_status()
        httpx.get(f"{self.base}/internal/resetRollupResultCache", timeout=30, verify=False).raise_for_status()

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/health", verify=False).status_code == 200
        except httpx.HTTPError:
            return False
