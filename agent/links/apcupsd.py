"""apcupsd's network information server (NIS): records with a length before each, over TCP.

    > 00 06 status
    < 00 1b APC      : 001,036,0857\\n
    < 00 1a STATUS   : ONLINE\\n
    < 00 00                                      the end of the list

`COMMLOST` means that apcupsd itself does not hear the UPS: stale, whatever the list goes on saying. One list a connection would do, but the server takes as many as one asks. A list that is not whole in time closes it.
"""

from __future__ import annotations

from agent.drivers.exchange import Answer, AskNamed, Failure, Named, printable
from agent.links.nut import TellingLink
from model.reading import GapCause

_LOST = ("COMMLOST", "NETWORK ERROR")
_ASK = b"\x00\x06status"
#: A record is one line of some 40 characters; apcupsd itself allows 255.
_LONGEST_RECORD = 1024


class ApcupsdLink(TellingLink):
    """One connection to one apcupsd."""

    def say(self, request: AskNamed) -> bytes:
        del request  # there is one UPS behind it
        return _ASK

    def understand(self, data: bytes, request: AskNamed) -> tuple[Answer | Failure, int] | None:
        del request
        values: dict[str, str] = {}
        at = 0
        while len(data) >= at + 2:
            length = int.from_bytes(data[at : at + 2], "big")
            if length > _LONGEST_RECORD:
                return Failure(cause=GapCause.GARBLED, raw=printable(data[at : at + 40])), len(data)
            record, at = data[at + 2 : at + 2 + length], at + 2 + length
            if not length:
                return _judged(values), at
            if at > len(data):
                return None
            key, colon, value = record.decode("utf-8", "replace").partition(":")
            if not colon:
                return Failure(cause=GapCause.GARBLED, raw=printable(record)), len(data)
            values[key.strip()] = value.strip()
        return None


def _judged(values: dict[str, str]) -> Answer | Failure:
    if not values:
        return Failure(cause=GapCause.GARBLED, raw="an empty list")
    status = values.get("STATUS", "").upper()
    if not status:  # as apcupsd says until it has found its UPS
        return Failure(cause=GapCause.STALE, raw="a list without STATUS")
    if any(word in status for word in _LOST):
        return Failure(cause=GapCause.STALE, raw=printable(f"STATUS {status}"))
    return Named(values)
