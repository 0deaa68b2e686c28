"""Sends what agents say unasked, each from its own address and in its own version. I/O shell around `traps`.

Traps go over the same line as replies: a silent line loses them, `duplicated` doubles them, `late` delays them.
An inform is said again until it is acknowledged, at most `_TRIES` times, and its end is told. Version 1 has no informs:
its agents send traps.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping

import msgspec

from simulators import envelope, informs, traps
from simulators.envelope import V1, V2C
from simulators.informs import Peer
from simulators.scenario import Device, TrapEntry
from simulators.stage import Stage
from simulators.traps import Trap
from simulators.world import World

_TRIES = 3
_PATIENCE_S = 1.0


class Traps:
    """All agents' traps; `hosts` are their addresses by device id."""

    def __init__(self, stage: Stage, hosts: Mapping[str, str]) -> None:
        self._stage, self._hosts = stage, hosts
        self._to = stage.scenario.trap
        self._before = stage.now()
        self._speakers: dict[str, Speaker] = {}
        stage.watch(self._changed)

    def send_to(self, to: TrapEntry | None) -> None:
        """Another receiver from now on, or none."""
        self._to = to

    def _changed(self, present: World) -> None:
        before, self._before = self._before, present
        to = self._to
        if to is None or before.states is present.states:
            return
        for id in self._hosts:
            device = self._stage.scenario.devices[id]
            for trap in traps.due(device, before.states[id], present.states[id]):
                # Not now: the world is just being made.
                asyncio.get_running_loop().call_soon(self._say, device, trap, to)

    def _say(self, device: Device, trap: Trap, to: TrapEntry) -> None:
        if device.id not in self._speakers:
            self._speakers[device.id] = Speaker(self._stage, device, self._hosts[device.id])
        self._stage.tell({"event": "trap", "device": device.id, "trap": trap.name, "to": to.to})
        self._speakers[device.id].say(trap, to)

    def close(self) -> None:
        for speaker in self._speakers.values():
            speaker.close()


class _Waiting(msgspec.Struct, kw_only=True):
    """An inform without an answer yet."""

    trap: Trap
    to: tuple[str, int]
    pdu: bytes
    tries: int = 0
    reports: int = 0  #: of the receiver, each followed by another try at once


class Speaker:
    """One agent's socket for what it says unasked."""

    def __init__(self, stage: Stage, device: Device, host: str) -> None:
        self._stage, self._device = stage, device
        self._address = socket.inet_aton(host)
        self._community = stage.scenario.community.encode()
        self._user = stage.scenario.users.get(device.entry.user)
        self._id = 0
        self._waiting: dict[int, _Waiting] = {}
        self._peers: dict[tuple[str, int], Peer] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, 0))
        asyncio.get_running_loop().add_reader(self._socket, self._readable)

    def say(self, trap: Trap, to: TrapEntry) -> None:
        """Send one trap or inform."""
        host, _, port = to.to.rpartition(":")
        place = (host, int(port))
        self._id += 1
        uptime_s = self._stage.now().states[self._device.id].uptime_s
        if self._device.entry.snmp == "v1":
            pdu = traps.v1_trap(trap, self._device, self._address, uptime_s)
            self._through(envelope.message(V1, self._community, pdu), place)
            return
        pdu = traps.notification(trap, self._id, uptime_s, inform=to.inform)
        if to.inform:
            self._waiting[self._id] = _Waiting(trap=trap, to=place, pdu=pdu)
            self._try(self._id)
        elif self._user is None:
            self._through(envelope.message(V2C, self._community, pdu), place)
        else:
            own = self._stage.engine(self._device)
            self._through(informs.trap(own, own.users[self._user.name.encode()], pdu, self._id), place)

    def _try(self, id: int) -> None:
        """Say an inform, again if need be; nothing when it was answered meanwhile."""
        waiting = self._waiting.get(id)
        if waiting is None:
            return
        waiting.tries += 1
        if waiting.tries > _TRIES or self._socket.fileno() < 0:
            self._end(id, acknowledged=False)
            return
        self._through(self._datagram(id, waiting), waiting.to)
        asyncio.get_running_loop().call_later(_PATIENCE_S, self._try, id)

    def _datagram(self, id: int, waiting: _Waiting) -> bytes:
        if self._user is None:
            return envelope.message(V2C, self._community, waiting.pdu)
        peer = self._peers.get(waiting.to)
        if peer is None:
            return informs.discovery(id)
        return informs.inform(self._stage.engine(self._device), peer, self._user, waiting.pdu, id)

    def _end(self, id: int, *, acknowledged: bool) -> None:
        waiting = self._waiting.pop(id, None)
        if waiting:
            told = {"event": "inform", "device": self._device.id, "trap": waiting.trap.name}
            self._stage.tell({**told, "acknowledged": acknowledged})

    def _through(self, datagram: bytes, to: tuple[str, int]) -> None:
        self._stage.answer(self._device, lambda _: datagram, lambda data, _: self._send(data, to))

    def _send(self, datagram: bytes, to: tuple[str, int]) -> None:
        with contextlib.suppress(OSError, OverflowError):  # nobody there, no such port, or closed meanwhile
            self._socket.sendto(datagram, to)

    def _readable(self) -> None:
        with contextlib.suppress(OSError):
            data, place = self._socket.recvfrom(8192)
            self._heard(data, place)

    def _heard(self, data: bytes, place: tuple[str, int]) -> None:
        if self._user is None:
            answer = envelope.read(data)
            if answer and answer.verb == "response":
                self._end(answer.id, acknowledged=True)
            return
        found = informs.heard(data, self._user)
        if isinstance(found, Peer):
            self._peers[place] = found
            for id, waiting in self._waiting.items():
                if waiting.to == place and waiting.reports < _TRIES:
                    waiting.reports += 1
                    self._through(self._datagram(id, waiting), place)
        elif found is not None:
            self._end(found, acknowledged=True)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
