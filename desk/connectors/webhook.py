"""A signed HTTP POST of each entry, to whatever the customer runs.

    POST /their/path HTTP/1.1
    Content-Type: application/json
    Idempotency-Key: T-000042:7:webhook-1f0c
    X-Roundsman-Timestamp: 1795399200                      seconds since 1970, real time
    X-Roundsman-Signature: sha256=<hex>                    HMAC-SHA256(secret, timestamp + "." + body)

    {"schema":1,"ticket":{…},"entry":{…}}                  both languages inside; layout in docs/desk.md

The receiver recomputes the signature over the raw bytes, refuses timestamps that are minutes old, and answers 2xx for a
key that it has seen before. 408, 425, 429 and 5xx are tried again; any other status is a refusal. Redirects are not
followed: the signature was made for this address.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from hashlib import sha256

import httpx
import msgspec

from desk.clock import wall_s
from desk.connectors.http import AGAIN, asked_pause
from desk.connectors.types import Delivered, Later, Message, Outcome, Refused, Settings

TIMEOUT_S = 10.0


class Webhook:
    """One receiver. `secret` is the resolved secret; it never leaves this object."""

    def __init__(
        self, settings: Settings, secret: str, wall: Callable[[], int] = wall_s, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.settings = settings
        self._secret = secret.encode()
        self._wall = wall
        self._client = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False, trust_env=False)

    async def put(self, message: Message) -> Outcome:
        timestamp = str(self._wall())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "roundsman",
            "Idempotency-Key": message.key,
            "X-Roundsman-Timestamp": timestamp,
            "X-Roundsman-Signature": signature(self._secret, timestamp, message.body),
        }
        try:
            answer = await self._client.post(self.settings.url, content=message.body, headers=headers)
        except httpx.HTTPError as error:
            return Later(why=f"no answer: {type(error).__name__} {error}".strip(), reachable=False)
        return _outcome(answer)

    async def close(self) -> None:
        await self._client.aclose()


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What stands in X-Roundsman-Signature."""
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, sha256).hexdigest()


def _outcome(answer: httpx.Response) -> Outcome:
    status = answer.status_code
    if answer.is_success:
        return Delivered(external=_external(answer))
    if status in AGAIN or status >= 500:
        return Later(why=f"HTTP {status}", reachable=True, pause_s=asked_pause(answer))
    moved = f" to {answer.headers.get('location', '?')}, not followed" if answer.is_redirect else ""
    return Refused(why=f"HTTP {status}{moved}: {answer.text[:200]}".rstrip(": "))


def _external(answer: httpx.Response) -> str | None:
    """Their name for it: `id` of a JSON answer."""
    try:
        told = msgspec.json.decode(answer.content)
    except msgspec.DecodeError:
        return None
    named = told.get("id") if isinstance(told, dict) else None
    return str(named)[:200] if isinstance(named, str | int) else None
