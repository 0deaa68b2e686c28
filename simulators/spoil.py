"""What a bad line makes of one exchange. Pure: reply, fault, a source of chance -> pieces and when they arrive."""

from __future__ import annotations

from random import Random

from simulators.faults import WireFault

#: (real seconds after the device has answered, bytes), in the order they are put on the line.
Pieces = tuple[tuple[float, bytes], ...]
#: Instead of seconds: while the request is still on the line.
ECHO = -1.0
_MOST_NOISE = 4


def arriving(reply: bytes, fault: WireFault, chance: Random, *, heard: bytes = b"") -> Pieces:
    """The reply as it arrives over a line with `fault`; `heard` is the request, which an echo needs.

    garbled flips one bit in each of one to three bytes; torn cuts the end off; noise is one to four random
    bytes (on a packet wire: a packet of them). A late, slow or doubled reply arrives whole.
    """
    match fault.kind:
        case "silent" | "half_open":
            return ()
        case "torn":
            return ((0.0, reply[: chance.randrange(1, max(len(reply), 2))]),)
        case "garbled":
            return ((0.0, _garbled(reply, chance)),)
        case "late" | "slow":
            return ((fault.seconds, reply),)
        case "duplicated":
            return ((0.0, reply), (fault.seconds, reply))
        case "noise_before":
            return ((0.0, _noise(chance)), (0.0, reply))
        case "noise_after":
            return ((0.0, reply), (fault.seconds, _noise(chance)))
        case "echoed":
            return ((ECHO, heard), (0.0, reply))
    return ((0.0, reply),)


def _garbled(reply: bytes, chance: Random) -> bytes:
    spoiled = bytearray(reply)
    for place in chance.sample(range(len(reply)), min(len(reply), chance.randint(1, 3))):
        spoiled[place] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def _noise(chance: Random) -> bytes:
    return chance.randbytes(chance.randint(1, _MOST_NOISE))
