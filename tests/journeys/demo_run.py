"""Run `roundsman demo` unattended, as a stranger's script would, and read what it printed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec


class DemoRun(msgspec.Struct, kw_only=True):
    """What one run printed and how it ended."""

    status: int
    events: list[dict[str, Any]]
    errors: str

    @property
    def summary(self) -> dict[str, Any]:
        """The last line."""
        assert self.events, self.errors
        assert self.events[-1]["event"] == "summary", f"{self.events[-1]}\n{self.errors}"
        return self.events[-1]

    def unheld(self) -> list[str]:
        """Expectations of the story that did not hold, with what was seen."""
        return [f"{part['id']}: {part['seen']}" for part in self.summary["story"] if not part["held"]]


def command(data: Path, *words: str) -> list[str]:
    """The demo as a child: its own port, its data below `data`, nothing opened."""
    return [
        sys.executable, "-m", "roundsman", "demo", "--json", "--no-browser", "--data", str(data), *(() if "--port" in words else ("--port", "0")), *words,
    ]  # fmt: skip


def finish(child: subprocess.Popen[str]) -> DemoRun:
    """Wait for its end."""
    out, errors = child.communicate()
    return DemoRun(status=child.returncode, events=[json.loads(line) for line in out.splitlines()], errors=errors)


def start(data: Path, *words: str) -> subprocess.Popen[str]:
    """Start one without waiting."""
    return subprocess.Popen(
        command(data, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def logs(data: Path) -> str:
    """The ends of the children's logs, for a failed assertion."""
    return "\n".join(
        f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:])
        for path in sorted((data / "log").glob("*.log"))
    )
