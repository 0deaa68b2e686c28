"""What goes over the pipe between the agent and its receiver: one JSON object a line. Pure.

Down, once: `Setup`, with references to secrets and never a secret. Up: `Ready`, then a `Notice` for each trap that passed the
gate, `Tally` each few seconds (the counts so far; also the sign of life) and `Trouble` for what a person should mend. A line is at
most `MOST_LINE` bytes, so that a write to the pipe is whole or not at all.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from agent.traps.settings import TrapSettings

#: A pipe takes up to 4096 bytes at once or not at all (PIPE_BUF).
MOST_LINE = 4000
MOST_BINDS = 24
MOST_TEXT = 160


class Level(StrEnum):
    """What a datagram brought as proof of its sender."""

    COMMUNITY = "community"
    NONE = "none"
    AUTH = "auth"
    AUTH_PRIV = "auth_priv"


class Bind(msgspec.Struct, frozen=True, array_like=True):
    """One variable of a trap. `kind`: int, oid, text, ip, none."""

    oid: str
    kind: str
    value: int | str


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """All that the receiver is told."""

    settings: TrapSettings
    hosts: tuple[str, ...] = ()  #: of the devices, as their URLs have them
    communities: tuple[str, ...] = ()  #: those of the devices' URLs: references, or `public`
    folder: str = ""  #: what `file:` is relative to
    engine_file: str = ""  #: where our own engine id and its boots are kept


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """The receiver listens. `engine_id`: what a sender of informs will find."""

    listen: tuple[str, ...]
    engine_id: str


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag="notice"):
    """One trap or inform. `problem` says why there is no more than its source."""

    source: str
    version: str
    level: Level
    hosts: tuple[str, ...] = ()  #: devices' hosts that have this source address
    via: tuple[str, ...] = ()  #: hosts of the device that a proxy named, when the source is no device
    proofs: tuple[str, ...] = ()  #: references of the communities that it bore
    user: str = ""
    engine_id: str = ""
    inform: bool = False
    oid: str = ""
    uptime_s: float | None = None
    binds: tuple[Bind, ...] = ()
    problem: str = ""


class Tally(msgspec.Struct, kw_only=True, tag="tally"):
    """What the receiver counted since it started."""

    received: int = 0
    lost: int = 0  #: in the kernel: more than is read at all
    dropped: int = 0  #: over a limit of rate
    garbled: int = 0
    unknown_source: int = 0
    unauthenticated: int = 0  #: known source, no or a wrong community, user, key or time
    informs: int = 0  #: acknowledged
    unheard: int = 0  #: the agent did not take it off the pipe in time


class Trouble(msgspec.Struct, frozen=True, kw_only=True, tag="trouble"):
    """What a person should know. `fatal`: the receiver ends."""

    what: str
    fix: str = ""
    fatal: bool = False


Up = Ready | Notice | Tally | Trouble
_encoder = msgspec.json.Encoder()
_up: msgspec.json.Decoder[Up] = msgspec.json.Decoder(Up)


def line_of(message: Up | Setup) -> bytes:
    """One line; the last binds of a notice are left out when it would be too long."""
    line = _encoder.encode(message)
    while len(line) > MOST_LINE and isinstance(message, Notice) and message.binds:
        message = msgspec.structs.replace(message, binds=message.binds[: len(message.binds) // 2])
        line = _encoder.encode(message)
    return line + b"\n"


def up(line: bytes) -> Up | None:
    """What the receiver said; None when it is no such line."""
    try:
        return _up.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
