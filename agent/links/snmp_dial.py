"""A session with one SNMP agent, from address and credentials: sockets of the library, and for v3 the engine found out."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

from gufo.snmp import SnmpAuthError
from gufo.snmp._fast import SnmpV1ClientSocket, SnmpV2cClientSocket, SnmpV3ClientSocket
from gufo.snmp.utils import format_sock_addr

from agent.links.snmp_session import Session
from agent.links.snmp_user import Credentials
from agent.links.snmp_usm import Engine, Usm


class Dial:
    """How one agent is reached. `community` is asked for at each opening; `user` is set for v3."""

    def __init__(
        self, host: str, port: int, version: str, community: Callable[[], str], user: Credentials | None
    ) -> None:
        self.version = version
        self.place = format_sock_addr(host, port)
        self.engine = Engine()
        self._host, self._port = host, port
        self._community = community
        self._user = user
        self._literal = host if _is_literal(host) else ""
        #: Who judges the messages of the present session.
        self.usm: Usm | None = None

    async def open(self, timeout_s: float) -> Session:
        """A fresh session. Raises SecretError, OSError; for v3 TimeoutError and Garbled too."""
        address = format_sock_addr(self._literal or await self._resolved(), self._port)
        if self._user is not None:
            return await self._open_v3(address, self._user, timeout_s)
        kind = SnmpV1ClientSocket if self.version == "1" else SnmpV2cClientSocket
        return Session(kind(address, self._community(), 0, 0, 0, 0))

    async def _open_v3(self, address: str, user: Credentials, timeout_s: float) -> Session:
        """Ask who the engine is (RFC 3414 4), then put the keys for it in place."""
        keys, master = user.resolve()
        wire: Any = SnmpV3ClientSocket(address, b"", "", 0, b"", 0, b"", 0, 0, 0, 0)
        found = Engine()
        usm = self.usm = Usm(found)
        session = Session(wire, usm)
        try:
            await session.exchange(wire.send_refresh, wire.recv_refresh, timeout_s)
        except SnmpAuthError:
            pass  # a report is what was asked for
        except BaseException:
            session.close()
            raise
        engine = self.engine
        engine.resyncs += bool(engine.id) and (engine.id != found.id or engine.boots != found.boots)
        engine.id, engine.boots, engine.time_s = found.id, found.boots, found.time_s
        wire.set_keys(keys.name, keys.get_auth_alg(), keys.get_auth_key(), keys.get_priv_alg(), keys.get_priv_key())
        usm.engine = engine
        usm.trust(user.auth, user.localized(master, found.id))
        return session

    async def _resolved(self) -> str:
        found = await asyncio.get_running_loop().getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
        return str(found[0][4][0])


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
