"""What a bad line does to a reply. Pure: reply, fault, a source of chance -> bytes or nothing."""

from __future__ import annotations

from random import Random


def spoil(reply: bytes, kind: str, chance: Random) -> bytes | None:
    """The reply as it arrives over a line with the fault `kind`; None when nothing arrives.

    garbled flips one bit in each of one to three bytes; torn cuts the end off. A late reply arrives whole.
    """
    if kind == "silent" or not reply:
        return None
    if kind == "torn":
        return reply[: chance.randrange(1, max(len(reply), 2))]
    if kind == "garbled":
        spoiled = bytearray(reply)
        for place in chance.sample(range(len(reply)), min(len(reply), chance.randint(1, 3))):
            spoiled[place] ^= 1 << chance.randrange(8)
        return bytes(spoiled)
    return reply
