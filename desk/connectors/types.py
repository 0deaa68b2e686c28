"""What a connector is given and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

import msgspec

from model.text import Text

Audience = Literal["customer", "desk"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One way out, as the collector's file names it. `secret` is a reference, never the secret."""

    id: str  #: stable over restarts: it is part of every idempotency key
    kind: str
    url: str
    secret: str = ""
    customer: str = "*"  #: whose tickets it hears of
    to: Audience = "desk"  #: who reads it: only a message that reached the customer stops a first response
    options: Mapping[str, str] = {}  #: the kind's own, by name (`queue`, `state.closed` …)
    kinds: tuple[str, ...] = ()  #: the ledger kinds it hears of; empty for all
    roles: tuple[str, ...] = ()  #: of `escalated` entries only those to these roles; empty for all
    person: str = ""  #: who is reached by it: a message budget counts per person and ticket


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a kind of connector, for `check` and for the documents."""

    means: Text
    default: str | None = None  #: None: it must be given
    pattern: str = ".+"  #: what a value must match, whole


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of one ticket, as JSON (docs/desk.md), and what is known of the ticket at the receiver's."""

    key: str  #: TICKET:SEQ:CONNECTOR
    ticket: str
    seq: int
    body: bytes
    external: str | None = None  #: their name for the ticket, once a delivery told it
    again: bool = False  #: it may have reached them before: look before writing
    newest: bool = True  #: no later entry has reached them: its state may be set
    pushed: str | None = None  #: the ticket state (desk.types.TicketState) that we last set there
    into: str | None = None  #: for `merged`: their name for the ticket that stays


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
    unsure: bool = False  #: it may have been taken, or still be on its way: wait, then look


Outcome = Delivered | Refused | Later


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a message."""

    name: str
    media_type: str
    body: bytes


class News(msgspec.Struct, frozen=True, kw_only=True):
    """Something that somebody did over there. `id` is stable: told twice, it is one entry."""

    id: str
    external: str | None = None  #: their ticket
    ticket: str | None = None  #: our ticket, where the message itself names it
    at: int  #: ms
    who: str
    text: str
    state: str | None = None  #: `closed` or `open`, when its state was changed there
    dropped: str | None = None  #: why it must not become an entry (a loop, a stranger); kept and shown
    bounced: bool = False  #: it says that a message of ours did not arrive
    attachments: tuple[Attachment, ...] = ()


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What one look brought. `cursor` is handed back at the next look, `seen` by their ticket."""

    news: tuple[News, ...] = ()
    cursor: str = ""
    seen: Mapping[str, str] = {}


class Unheard(Exception):
    """They could not be asked; `args[0]` says why, without secrets."""


@runtime_checkable
class Connector(Protocol):
    """Made once. One task puts; where it also hears, another polls at the same time."""

    @property
    def settings(self) -> Settings: ...

    async def put(self, message: Message) -> Outcome:
        """Send once. Whatever goes wrong is an outcome, not an exception."""
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Careful(Protocol):
    """A system without idempotency keys: what may still be on its way there must settle before we look and repeat."""

    @property
    def settle_s(self) -> float: ...


@runtime_checkable
class Listener(Protocol):
    """A connector that also hears, by asking: no system outside ever connects to us."""

    @property
    def poll_s(self) -> float: ...

    async def poll(self, cursor: str, watched: Mapping[str, str]) -> Heard:
        """What is new since `cursor`; `watched` gives `seen` by their ticket. Raises Unheard."""
        ...


@runtime_checkable
class Frugal(Protocol):
    """A person's channel: at most `budget` messages a ticket within `window_s`, the rest as one."""

    @property
    def budget(self) -> int: ...

    @property
    def window_s(self) -> float: ...

    async def put_digest(self, messages: Sequence[Message]) -> Outcome:
        """Several entries of one ticket as one message."""
        ...
