"""Where a serial line is just now: by its path, or by the serial number of its adapter, whatever node that got.

    /dev/ttyUSB0                    the node of the hour; another one after a re-plug, perhaps
    /dev/serial/by-path/pci-…       the socket it is plugged into: udev re-points the link
    /dev/serial/by-id/usb-FTDI_…    the adapter: udev re-points the link
    adapter=A50285BI                the adapter, looked up by ourselves, where there is no udev

Rules. Asking is cheap enough for four times a second: a path is one stat; the ports of the machine are listed anew only
when something appeared in, or left, the folder of device nodes. Two ports with one serial number (some adapters have
several sockets) are nobody's: then a path has to be named.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from serial.tools import list_ports

#: (device node, serial number of its adapter)
Ports = Callable[[], Sequence[tuple[str, str]]]
DEVICES = Path("/dev")


class Place(Protocol):
    """Where a port is; as text: how its owner named it."""

    def path(self) -> str:
        """The node to open now; empty when there is none."""


class AtPath:
    """A node or a link to one."""

    def __init__(self, path: str) -> None:
        self._path = path

    def path(self) -> str:
        return self._path if os.path.exists(self._path) else ""  # noqa: PTH110 - one stat of a device node

    def __str__(self) -> str:
        return self._path


class OfAdapter:
    """The port of the adapter with a serial number. `ports` lists those of the machine, `folder` is where they appear."""

    def __init__(self, serial: str, ports: Ports | None = None, folder: Path = DEVICES) -> None:
        self._serial = serial
        self._ports = ports or ports_of_machine
        self._folder = folder
        self._seen = -1
        self._path = ""
        self._others = 0

    def path(self) -> str:
        try:
            changed = self._folder.stat().st_mtime_ns
        except OSError:
            return ""
        if changed != self._seen:
            self._seen = changed
            found = [node for node, serial in self._ports() if serial == self._serial]
            self._path = found[0] if len(found) == 1 else ""
            self._others = len(found)
        return self._path if self._path and os.path.exists(self._path) else ""  # noqa: PTH110 - as above

    def __str__(self) -> str:
        more = f" ({self._others} ports have that serial number: name a path)" if self._others > 1 else ""
        return f"adapter {self._serial}{more}"


def ports_of_machine() -> list[tuple[str, str]]:
    """Every serial port with its adapter's serial number."""
    return [(port.device, port.serial_number or "") for port in list_ports.comports()]
