"""A line-protocol server: its address, its secrets, writing to it and asking it.

Writing goes through influxdb-client: to `/api/v2/write` where there is one (InfluxDB 2 and 3, VictoriaMetrics),
to `/write?db=` for InfluxDB 1. Whatever keeps a write from being kept is a `HistoryError`, and the agent
keeps the batch: nothing is buffered here.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec
import structlog
import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from collector.history import HistoryError
from model import secret

_TIMEOUT_S = 10.0
#: Lines shorter than this are not worth compressing.
_GZIP_FROM = 1_000
log = structlog.get_logger()


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """What a history URL says. `version` 1 writes to /write?db=, 2 to /api/v2/write."""

    base: str
    version: int
    database: str  #: the bucket, for version 2
    org: str = "-"
    user: str = ""
    password: str = ""
    token: str = ""

    @classmethod
    def parse(cls, url: str, version: int, getenv: Callable[[str], str | None] = os.environ.get) -> Address:
        """`influxdb+http://host:8086?db=…` (docs/history.md). Secrets are references. Raises `HistoryError`."""
        parts = urlsplit(url.partition("+")[2])
        given = dict(parse_qsl(parts.query))
        unknown = given.keys() - {"db", "bucket", "org", "user", "password", "token"}
        if unknown or not parts.hostname or parts.username or parts.password:
            raise HistoryError(
                "expected SCHEME+http://HOST:PORT?db=NAME (or bucket=, org=, token=env:NAME, user=, password=env:NAME)"
                f" and no secret in the URL; got {sorted(unknown) or 'no host, or a user before the host'}"
            )
        try:
            secrets = {k: secret.resolve(given[k], getenv, _read) for k in ("password", "token") if k in given}
        except secret.SecretError as error:
            raise HistoryError(f"history: {error}") from error
        return cls(
            base=f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}",
            version=2 if "bucket" in given else version,
            database=given.get("bucket") or given.get("db") or "roundsman",
            org=given.get("org", "-"),
            user=given.get("user", ""),
            **secrets,
        )


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


class Server:
    """One server, over two clients: influxdb-client to write, httpx to ask."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.rejected = 0  #: writes of which the server refused a part for good
        basic = bool(address.user)
        token: Any = f"{address.user}:{address.password}" if basic else address.token or None
        self._client: Any = InfluxDBClient(
            url=address.base,
            token=token,
            auth_basic=basic,
            org=address.org,
            timeout=round(_TIMEOUT_S * 1000),
            enable_gzip=True,
        )
        self._write_api: Any = self._client.write_api(write_options=SYNCHRONOUS)
        headers = {"Authorization": f"Token {address.token}"} if address.token else {}
        auth = httpx.BasicAuth(address.user, address.password) if basic else None
        self._http = httpx.Client(base_url=address.base, timeout=_TIMEOUT_S, headers=headers, auth=auth)

    def write(self, lines: str) -> None:
        """Have lines (ms) kept. Raises `HistoryError` when they are not."""
        if not lines:
            return
        try:
            if self.address.version == 2:
                self._write_api.write(self.address.database, self.address.org, lines.encode(), write_precision="ms")
            else:
                self._write_v1(lines.encode())
        except ApiException as error:
            self._judge(error)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise HistoryError(f"{self.address.base}: expected to write, got: {error}") from error

    def _write_v1(self, lines: bytes) -> None:
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if len(lines) > _GZIP_FROM:
            lines = gzip.compress(lines, 1)
            headers["Content-Encoding"] = "gzip"
        query = [("db", self.address.database), ("precision", "ms")]
        self._client.api_client.call_api("/write", "POST", query_params=query, header_params=headers, body=lines)

    def _judge(self, error: Any) -> None:
        """A partial write kept the rest, and sending it again would refuse the same part again: told, not repeated."""
        said = str(error.body or error.reason)[:400]
        if error.status == 400 and "partial write" in said:
            self.rejected += 1
            log.error("the history refused a part of a write for good", server=self.address.base, said=said)
            return
        raise HistoryError(f"{self.address.base}: expected 204 on writing, got {error.status}: {said}") from error

    def ask(self, path: str, params: Mapping[str, str]) -> httpx.Response:
        """GET. Raises `HistoryError` when there is no good answer."""
        try:
            answer = self._http.get(path, params=dict(params))
        except httpx.HTTPError as error:
            raise HistoryError(
                f"{self.address.base}: expected an answer, got: {error or type(error).__name__}"
            ) from error
        if answer.status_code != httpx.codes.OK:
            raise HistoryError(f"{self.address.base}: expected 200, got {answer.status_code}: {answer.text[:200]}")
        return answer

    def close(self) -> None:
        """Close both clients."""
        self._client.close()
        self._http.close()
