"""Eclipse Mosquitto, the MQTT broker, and its own publisher."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.services import free_port, need, running, wait_for


class Mosquitto:
    """A broker's folder and port. `up` may be entered again: what it keeps is on disk."""

    def __init__(self, folder: Path, *settings: str, users: dict[str, str] | None = None) -> None:
        """`settings`: further lines of its file. `users`: name and password; without, everybody may."""
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._folder = folder
        self._program = need("mosquitto", "mosquitto")
        self._publisher = need("mosquitto_pub", "mosquitto-clients")
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {folder}/", "user root"]
        lines += ["autosave_interval 1", "max_queued_messages 0", *settings]
        if users:
            passwords = folder / "passwords"
            passwords.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run(
                    [need("mosquitto_passwd", "mosquitto"), "-b", str(passwords), name, password],
                    check=True,
                    capture_output=True,
                )
            lines += [f"password_file {passwords}"]
        lines += [f"allow_anonymous {'false' if users else 'true'}"]
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")

    @contextmanager
    def up(self) -> Iterator[None]:
        """Run it."""
        with running([self._program, "-c", str(self._folder / "mosquitto.conf")], self._folder / "log"):
            wait_for(self._answers, 20, "mosquitto")
            yield

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def publish(self, topic: str, payload: str, *options: str, retain: bool = False) -> None:
        """One message with QoS 1; returns when the broker has it."""
        self.publish_many(topic, [payload], *options, *(["-r"] if retain else []))

    def publish_many(self, topic: str, payloads: Sequence[str], *options: str) -> None:
        """A message for each payload, in their order."""
        command = [self._publisher, "-h", "127.0.0.1", "-p", str(self.port), "-q", "1", "-t", topic, "-l", *options]
        subprocess.run(
            command, input="\n".join(payloads) + "\n", text=True, check=True, timeout=30, capture_output=True
        )
