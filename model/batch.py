"""What travels from an agent to the collector: one spool row, one batch.

(spool, row) is the dedupe key: the agent may send a row as often as it likes, the bytes never change
once sent, and the collector counts it once. On the wire a batch is msgpack, zlib-compressed
(`encode`, `decode`); what cannot be decoded is a `BatchError`, never an exception of a library.
"""

from __future__ import annotations

import zlib
from enum import StrEnum

import msgspec

from model.reading import Gap, Reading

CONTENT_TYPE = "application/vnd.roundsman.batch+msgpack"
#: A batch is at most this long when unpacked: a hostile or broken sender must not fill the memory.
MAX_UNPACKED = 32 * 1024 * 1024


class EventKind(StrEnum):
    """What an agent reports beside readings."""

    STATE_CHANGED = "state_changed"
    IDENTITY = "identity"
    CLOCK = "clock"
    LOSS = "loss"
    TRAP = "trap"
    ATTACHMENT = "attachment"


class Event(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Something that is not a value. `data` is flat; its keys are documented in docs/wire.md.

    identity: `device.mfr`, `device.model`, `device.serial`, `device.firmware` and, for ports, `ifName.N`,
    `ifAlias.N`. clock: `step_ms`. loss: `rows`, `readings`, `first_at`, `last_at`.
    """

    kind: EventKind
    device: str | None
    at: int
    data: dict[str, str | int | float]


class Batch(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One spool row. `boot` changes with each start of the agent: times are comparable within one boot."""

    spool: str  #: uuid4 hex of the spool file
    row: int  #: rising within the spool
    site: str
    boot: str  #: uuid4 hex of this run of the agent
    at: int  #: when the row was written, on the agent's time line
    readings: list[Reading]
    gaps: list[Gap]
    events: list[Event]


class BatchError(ValueError):
    """The bytes are no batch. The message says what was expected and what came."""


#: zlib's memLevel: its tables fit a processor's cache, a quarter less time than with the usual 8, and no byte more.
_MEMORY = 7
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Batch)


def encode(batch: Batch) -> bytes:
    """The batch as it is kept in the spool and sent: zlib over msgpack."""
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, _MEMORY)
    return packer.compress(_encoder.encode(batch)) + packer.flush()


def decode(packed: bytes) -> Batch:
    """The batch in `packed`.

    Raises `BatchError` when it is not zlib, too long, cut short, or not a batch.
    """
    unpack = zlib.decompressobj()
    try:
        raw = unpack.decompress(packed, MAX_UNPACKED)
    except zlib.error as error:
        raise BatchError(f"expected a zlib stream, got {packed[:8].hex() or 'nothing'}: {error}") from error
    if unpack.unconsumed_tail or not unpack.eof:
        raise BatchError(f"expected one whole zlib stream of at most {MAX_UNPACKED} bytes unpacked")
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BatchError(f"expected a batch in msgpack: {error}") from error
