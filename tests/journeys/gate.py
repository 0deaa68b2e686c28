"""A gate between a sender and a real server, at which the sender is killed: before a request is let through, after the
server has done it and before the answer is given, or just after the answer.

The next sender starts when everything that a dead one began is over (`Gate.quiet`), so the outcome does not depend on
the speed of the machine. In the field nobody waits like that: there `settle_s` does, tests/desk/test_mirror_steps.py.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

_SENTINEL = "/is-it-quiet"
_KEPT = ("authorization", "x-redmine-api-key", "content-type", "accept")


class Fate:
    """Decides by a seed who dies where. `kill` ends the present sender and returns when it is dead."""

    def __init__(self, seed: int, most: int, kill: Callable[[], None]) -> None:
        self._random = random.Random(seed)
        self._most = most
        self._kill = kill
        self._lock = threading.Lock()
        self.kills: list[str] = []

    def draw(self, method: str) -> str:
        """`no`, or where to strike. Writes are struck more often than questions."""
        with self._lock:
            share = 0.1 if method == "GET" else 0.6
            if len(self.kills) >= self._most or self._random.random() > share:
                return "no"
            where = self._random.choice(("before", "after", "late"))
            self.kills.append(f"{where} {method}")
            return where

    def strike(self) -> None:
        self._kill()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gate: Gate

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == _SENTINEL:
            self._give(204, "", b"")
            self.close_connection = True
            return
        where = self.gate.fate.draw(self.command)
        if where == "before":
            self.gate.fate.strike()
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() in _KEPT}
        answer = self.gate.client.request(self.command, self.gate.target + self.path, content=body, headers=headers)
        if where == "after":
            self.gate.fate.strike()
            return
        self._give(answer.status_code, answer.headers.get("content-type", ""), answer.content)
        if where == "late":
            self.gate.fate.strike()

    def _give(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = _pass  # noqa: N815  http.server's names
    do_POST = _pass  # noqa: N815
    do_PUT = _pass  # noqa: N815

    def log_message(self, format: str, *args: object) -> None: ...

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the sender died while it was spoken to
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    """Counts its connections from the moment of accepting, so that nothing is overlooked between two threads."""

    daemon_threads = True

    def __init__(self, handler: type[_Handler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self._lock = threading.Lock()
        self.open = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self.open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._lock:
            self.open -= 1


class Gate:
    """In front of one server."""

    def __init__(self, target: str, fate: Fate) -> None:
        self.target = target
        self.fate = fate
        self.client = httpx.Client(timeout=120, verify=False)
        self._server = _Server(type("Handler", (_Handler,), {"gate": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def quiet(self) -> None:
        """Return when all that a dead sender began is over: accepted (a later caller has come through) and finished."""
        httpx.get(f"{self.url}{_SENTINEL}", timeout=60, verify=False)
        while self._server.open:
            time.sleep(0.002)

    @contextmanager
    def open(self) -> Iterator[Gate]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
            self.client.close()
