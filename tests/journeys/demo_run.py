"""Run `roundsman demo` unattended, as a stranger's script would, and read what it printed."""

from __future__ import annotations

import compileall
import json
import subprocess
import sys
import time
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
        """Expectations of the story that did not hold, with what was seen; how long the start took is no test's affair."""
        said = [f"{part['id']}: {part['seen']}" for part in self.summary["story"] if not part["held"]]
        return [one for one in said if not one.startswith("first_readings: after")]

    @property
    def as_told(self) -> bool:
        """Whether the exit status says what the summary says."""
        return self.status == int(not all(part["held"] for part in self.summary["story"]))


def command(data: Path, *words: str) -> list[str]:
    """The demo as a child: its own port, its data below `data`, nothing opened."""
    return [
        sys.executable, "-m", "roundsman", "demo", "--json", "--no-browser", "--data", str(data), *(() if "--port" in words else ("--port", "0")), *words,
    ]  # fmt: skip


def _compile() -> None:
    """As `make demo` does; what is compiled already costs a look."""
    rooms = ("agent", "alerts", "analytics", "collector", "console", "desk", "model", "roundsman", "simulators")
    for room in rooms:
        compileall.compile_dir(str(Path(__file__).parents[2] / room), quiet=2)


class Demo:
    """A demo that runs. What it prints goes to a file, so that a test can look before it has ended."""

    def __init__(self, data: Path, *words: str) -> None:
        data.mkdir(parents=True, exist_ok=True)
        _compile()
        self._out, self._errors = data / "printed.jsonl", data / "errors.txt"
        with self._out.open("w") as out, self._errors.open("w") as errors:
            self.child = subprocess.Popen(command(data, *words), stdout=out, stderr=errors, start_new_session=True)

    def events(self) -> list[dict[str, Any]]:
        """The whole lines printed so far."""
        printed = self._out.read_text(encoding="utf-8")
        return [json.loads(line) for line in printed.splitlines(keepends=True) if line.endswith("\n")]

    def is_ready(self) -> bool:
        """Whether every device has been read and the story has begun (or it ended before)."""
        return self.child.poll() is not None or any(event["event"] == "ready" for event in self.events())

    def play_out(self, calm_s: float) -> DemoRun:
        """Let the story come to its end and the mains incident be closed, then `calm_s` in which nothing more may come."""
        while self.child.poll() is None and not self._told():
            time.sleep(0.3)
        time.sleep(calm_s)
        self.child.terminate()
        return self.finish()

    def _told(self) -> bool:
        events = self.events()
        ended = any(event["event"] == "end" for event in events)
        return ended and any(
            e["event"] == "incident" and (e["cause"], e["what"]) == ("mains", "closed") for e in events
        )

    def finish(self) -> DemoRun:
        """Wait for its end."""
        status = self.child.wait()
        return DemoRun(status=status, events=self.events(), errors=self._errors.read_text(encoding="utf-8"))


def logs(data: Path) -> str:
    """The ends of the children's logs, for a failed assertion."""
    return "\n".join(
        f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:])
        for path in sorted((data / "log").glob("*.log"))
    )
