"""Asking other people's HTTP APIs: time-outs, no redirects, and every failure as an outcome.

A connection that was refused took nothing. One that broke after the request went out may have done its work:
`unsure`, so that nobody repeats it before looking.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import msgspec

from desk.connectors.types import Later, Outcome, Refused

TIMEOUT_S = 15.0
AGAIN = frozenset({408, 425, 429})
_LONGEST_WAIT_S = 3600.0
_SAFE = frozenset({"GET", "HEAD"})


class Ended(Exception):
    """A request that did not succeed, as the outcome of the message it was for."""

    def __init__(self, outcome: Outcome, status: int = 0) -> None:
        super().__init__(getattr(outcome, "why", ""))
        self.outcome = outcome
        self.status = status


class Http:
    """One API below `base`. `headers` hold the secret: they are in no message and no log."""

    def __init__(
        self,
        base: str,
        headers: Mapping[str, str],
        auth: tuple[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._base = base.rstrip("/")
        self._client = httpx.AsyncClient(
            headers={"User-Agent": "roundsman", "Accept": "application/json", **headers},
            auth=auth,
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            verify=_trust(),
        )

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        known: tuple[int, ...] = (),
        **headers: str,
    ) -> Any:
        """The decoded JSON answer; None where there is none, or for a status in `known`. Raises Ended."""
        content = None if body is None else msgspec.json.encode(body)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            answer = await self._client.request(
                method, f"{self._base}{path}", content=content, params=query, headers=sent
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Ended(Later(why=f"no answer: {_named(error)}", reachable=False)) from error
        except httpx.HTTPError as error:
            raise Ended(
                Later(why=f"no answer: {_named(error)}", reachable=False, unsure=method not in _SAFE)
            ) from error
        if answer.status_code in known:
            return None
        if not answer.is_success:
            raise Ended(outcome(answer, safe=method in _SAFE), answer.status_code)
        return _decoded(answer)

    async def close(self) -> None:
        await self._client.aclose()


@cache
def _trust() -> ssl.SSLContext:
    """Loading all authorities takes long enough to do it once."""
    return httpx.create_ssl_context()


def credentials(secret: str) -> tuple[dict[str, str], tuple[str, str] | None]:
    """Headers and basic authentication for `user:password`, or a bearer token."""
    user, colon, password = secret.partition(":")
    return ({}, (user, password)) if colon else ({"Authorization": f"Bearer {secret}"}, None)


def outcome(answer: httpx.Response, *, safe: bool) -> Outcome:
    """What an answer that is not a success means for the message.

    401 is a secret that ran out, not a bad message: everything waits until it is renewed.
    """
    status = answer.status_code
    if status in AGAIN:
        return Later(why=f"HTTP {status}", reachable=True, pause_s=asked_pause(answer))
    if status >= 500:
        return Later(why=f"HTTP {status}{_said(answer)}", reachable=True, pause_s=asked_pause(answer), unsure=not safe)
    if status == 401:
        return Later(why="HTTP 401: they do not take our secret; renew what `secret` points at", reachable=False)
    moved = f" to {answer.headers.get('location', '?')}, not followed" if answer.is_redirect else ""
    return Refused(why=f"HTTP {status}{moved}{_said(answer)}")


def asked_pause(answer: httpx.Response) -> float | None:
    """`Retry-After` in seconds; its date form is left to our own back-off."""
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), _LONGEST_WAIT_S) if asked.isdigit() else None


def _decoded(answer: httpx.Response) -> Any:
    if not answer.content.strip():
        return None
    try:
        return msgspec.json.decode(answer.content)
    except msgspec.DecodeError as error:
        why = f"HTTP {answer.status_code}: not JSON; is `url` the address of the API?"
        raise Ended(Refused(why=why), answer.status_code) from error


def _said(answer: httpx.Response) -> str:
    text = answer.text[:200].strip()
    return f": {text}" if text else ""


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
