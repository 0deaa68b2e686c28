"""The other side of a TCP connection, as the kernel sees it: whether it is still there, and why it is not.

A line over TCP is silent for hours when its device is; a peer that lost its power sends no word either. Keep-alive and
TCP_USER_TIMEOUT tell the two apart: a peer that lives acknowledges.
"""

from __future__ import annotations

import os
import socket

#: Seconds without a byte until the first probe, between probes, and how many may stay without answer.
_IDLE_S, _BETWEEN_S, _PROBES = 15, 5, 3
_UNACKNOWLEDGED_MS = 15_000


def reason(error: BaseException) -> str:
    """An error of the system in its own words; asyncio has others for it."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error)


def watch_peer(sock: socket.socket) -> None:
    """Let the kernel find out that the other side is gone: keep-alive, and a bound on unacknowledged data."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", _IDLE_S),
        ("TCP_KEEPINTVL", _BETWEEN_S),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", _UNACKNOWLEDGED_MS),
    ):
        if hasattr(socket, name):  # not everywhere
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
