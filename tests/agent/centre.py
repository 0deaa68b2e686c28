"""A collector's door for the tests of the agent: a real HTTP server that can be told to misbehave.

It keeps what it acknowledged by (spool, row) and fails the test when a row comes again with other bytes.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from model.batch import Batch, decode

#: (status, body) for a batch, or None for the honest answer.
Behaviour = Callable[[Batch | None], tuple[int, bytes] | None]


class Centre:
    """What came and what was acknowledged."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, int], Batch] = {}
        self.bodies: dict[tuple[str, int], bytes] = {}
        self.order: list[int] = []
        self.requests: list[dict[str, str]] = []
        self.enrolments: list[dict[str, str]] = []
        self.changed_bytes: list[tuple[str, int]] = []
        self.behaviour: Behaviour = lambda _: None
        self.came = threading.Condition()
        self.url = ""

    def wait(self, reached: Callable[[], bool], seconds: float = 60) -> None:
        """Until `reached()`, woken by each request."""
        with self.came:
            assert self.came.wait_for(reached, seconds), f"kept {len(self.kept)} after {len(self.requests)} requests"

    def take(self, packed: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        batch = decode(packed)
        key = (batch.spool, batch.row)
        with self.came:
            self.requests.append(headers)
            if self.bodies.setdefault(key, packed) != packed:
                self.changed_bytes.append(key)
            self.came.notify_all()
        answer = self.behaviour(batch)  # may take its time
        with self.came:
            if answer is None:
                if key not in self.kept:
                    self.order.append(batch.row)
                self.kept[key] = batch
                answer = (200, json.dumps({"spool": batch.spool, "row": batch.row}).encode())
            self.came.notify_all()
        return answer

    def enrol(self, packed: bytes) -> tuple[int, bytes]:
        with self.came:
            self.enrolments.append(json.loads(packed))
            answer = self.behaviour(None) or (200, b'{"agent": "agent-1"}')
            self.came.notify_all()
        return answer


@contextmanager
def serving(centre: Centre, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Centre]:
    """Serve on loopback; leaving the block closes the port as a crash would."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known = {name.lower(): value for name, value in self.headers.items()}
            status, answer = centre.take(body, known) if self.path == "/v1/batches" else centre.enrol(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the centre's records are what the tests read."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True
        lines: ClassVar[list[socket.socket]] = []

        def get_request(self) -> tuple[socket.socket, object]:
            line, whence = super().get_request()
            if tls:
                line = tls.wrap_socket(line, server_side=True, do_handshake_on_connect=False)
            self.lines.append(line)
            return line, whence

    server = Server(("127.0.0.1", port), Door)
    centre.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield centre
    finally:
        server.shutdown()
        server.server_close()
        for line in server.lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        thread.join()
