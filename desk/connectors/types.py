"""What a connector is given and what it answers."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

Audience = Literal["customer", "desk"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One way out, as the collector's file names it. `secret` is a reference, never the secret."""

    id: str  #: stable over restarts: it is part of every idempotency key
    kind: str
    url: str
    secret: str = ""
    customer: str = "*"  #: whose tickets it hears of
    to: Audience = "desk"  #: who reads it: only a message that reached the customer stops a first response


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of one ticket, as JSON (docs/desk.md)."""

    key: str  #: TICKET:SEQ:CONNECTOR
    ticket: str
    seq: int
    body: bytes


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """It reached them; `external` is their name for it, where they gave one."""

    external: str | None = None


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """They will never take it as it is. Kept and shown; a person may have it sent again."""

    why: str


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """Not now. `reachable` tells a system that answers, but not this, from one that is not there at all."""

    why: str
    reachable: bool
    pause_s: float | None = None  #: what the receiver asked for


Outcome = Delivered | Refused | Later


class Connector(Protocol):
    """Made once, used from one task at a time."""

    @property
    def settings(self) -> Settings: ...

    async def put(self, message: Message) -> Outcome:
        """Send once. Whatever goes wrong is an outcome, not an exception."""
        ...

    async def close(self) -> None: ...
