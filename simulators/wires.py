"""Opening and closing every wire of a scenario, and the URL under which each device is reached. I/O."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Protocol

import msgspec

from simulators.scenario import Device
from simulators.serve_megatec import MegatecPort
from simulators.serve_rtu import RtuBus
from simulators.serve_snmp import SnmpPort
from simulators.serve_tcp import TcpWire
from simulators.serve_traps import Traps
from simulators.stage import Stage
from simulators.world import World

_COMMUNITY_FILE = "community"


class _Open(Protocol):
    def close(self) -> None: ...


class Wires:
    """`urls` by device id once `open` is done."""

    def __init__(self, stage: Stage, directory: Path) -> None:
        self._stage, self._directory = stage, directory.resolve()
        self._open: list[_Open] = []
        self._serial: dict[str, RtuBus | MegatecPort] = {}
        self._hosts: dict[str, str] = {}
        self._secrets: set[Path] = set()
        self._unplugged: frozenset[str] = frozenset()
        self.urls: dict[str, str] = {}

    async def open(self) -> None:
        """Open everything; what was opened before an error is closed again by `close`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._secret(_COMMUNITY_FILE, self._stage.scenario.community)
        buses: dict[str, list[Device]] = defaultdict(list)
        for device in self._stage.scenario.devices.values():
            if device.entry.wire == "rtu":
                buses[f"{device.site.id}-{device.entry.bus or device.entry.id}"].append(device)
            elif device.entry.wire == "megatec":
                self._megatec(device)
            elif device.entry.wire == "tcp":
                await self._tcp(device)
            else:
                await self._snmp(device)
        for name, devices in buses.items():
            self._bus(name, devices)
        self._stage.watch(self._replugged)
        self.traps = Traps(self._stage, self._hosts)
        self._open.append(self.traps)

    def _replugged(self, present: World) -> None:
        """Ports that have gone or come back since the last world."""
        before, self._unplugged = self._unplugged, present.unplugged
        for wire in before ^ present.unplugged:
            line, gone = self._serial[wire].line, wire in present.unplugged
            if gone:
                line.unplug()
            else:
                line.plug(self._directory / (present.nodes.get(wire) or wire.replace("/", "-")))
            self._stage.tell({"event": "unplugged" if gone else "plugged", "wire": wire, "path": str(line.path)})

    def heard(self) -> dict[str, object]:
        """What each bus has counted."""
        return {wire.name: msgspec.to_builtins(wire.heard) for wire in self._open if isinstance(wire, RtuBus)}

    def _bus(self, name: str, devices: list[Device]) -> None:
        link = self._directory / name
        bus = RtuBus(self._stage, devices, link)
        self._open.append(bus)
        self._serial[bus.name] = bus
        for device in devices:
            entry = device.entry
            self.urls[device.id] = f"modbus+rtu://{link}?unit={entry.unit}&baud={entry.baud}"

    def _megatec(self, device: Device) -> None:
        link = self._directory / device.id.replace("/", "-")
        port = MegatecPort(self._stage, device, link)
        self._open.append(port)
        self._serial[port.name] = port
        self.urls[device.id] = f"megatec://{link}?baud={device.entry.baud}"

    async def _tcp(self, device: Device) -> None:
        wire = TcpWire(self._stage, device)
        await wire.open()
        self._open.append(wire)
        self.urls[device.id] = f"modbus+tcp://127.0.0.1:{wire.port}?unit={device.entry.unit}"

    async def _snmp(self, device: Device) -> None:
        loop = asyncio.get_running_loop()
        host = f"127.0.{device.site.number}.{device.entry.host}"
        transport, _ = await loop.create_datagram_endpoint(lambda: SnmpPort(self._stage, device), local_addr=(host, 0))
        self._open.append(transport)
        port = transport.get_extra_info("sockname")[1]
        self._hosts[device.id] = host
        self.urls[device.id] = f"snmp://{host}:{port}?{self._who(device)}"

    def _who(self, device: Device) -> str:
        """The options that say how a manager proves itself: keys by reference, the files beside the links."""
        entry = device.entry
        if entry.snmp != "v3":
            return f"version={entry.snmp.removeprefix('v')}&community=file:{self._directory / _COMMUNITY_FILE}"
        user = self._stage.scenario.users[entry.user]
        said = f"version=3&user={user.name}"
        for name, kind, key in (("auth", user.auth, user.auth_key), ("priv", user.priv, user.priv_key)):
            if kind != "none":
                file = self._secret(f"{user.name}.{name}", key)
                said += f"&{name}={kind}&{name}_key=file:{file}"
        return said

    def _secret(self, name: str, text: str) -> Path:
        file = self._directory / name
        file.touch(mode=0o600)
        file.write_text(text)
        self._secrets.add(file)
        return file

    def close(self) -> None:
        """Close everything and take the symlinks away."""
        for wire in self._open:
            wire.close()
        self._open.clear()
        for file in self._secrets:
            file.unlink(missing_ok=True)
