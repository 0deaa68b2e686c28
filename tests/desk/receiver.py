"""A customer's system: a real HTTP server in a thread that answers as it is told, and keeps what it saw by key."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`plan` answers first, in order: a status, "hang" (no answer until the end) or "drop" (cut off). Then 200."""

    def __init__(self, plan: list[int | str]) -> None:
        self.plan = list(plan)
        self.requests: list[tuple[dict[str, str], bytes, int | str]] = []
        self.kept: dict[str, dict[str, Any]] = {}
        self.twice = 0
        self.over = threading.Event()
        self.url = ""
        self._lock = threading.Lock()

    def answer(self, headers: dict[str, str], body: bytes) -> int | str:
        with self._lock:
            told = self.plan.pop(0) if self.plan else 200
            self.requests.append((headers, body, told))
            if told == 200 or told == "drop":  # a dropped answer: they have it, we do not know
                key = headers["idempotency-key"]
                self.twice += key in self.kept
                self.kept.setdefault(key, json.loads(body))
            return told


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        told = self.receiver.answer({k.lower(): v for k, v in self.headers.items()}, body)
        if told == "hang":
            self.receiver.over.wait(30)
            return
        if told == "drop":
            self.connection.close()
            return
        assert isinstance(told, int)
        answer = json.dumps({"id": f"EXT-{len(self.receiver.kept)}"}).encode()
        self.send_response(told)
        self.send_header("Content-Length", str(len(answer)))
        if told == 302:
            self.send_header("Location", "http://elsewhere.invalid/")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def receiving(*plan: int | str) -> Iterator[Receiver]:
    receiver = Receiver(list(plan))
    handler = type("Handler", (_Handler,), {"receiver": receiver})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
