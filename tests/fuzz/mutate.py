"""Bytes that are nearly right: cut, doubled, swapped, flipped, with numbers at their edges."""

from __future__ import annotations

from random import Random

_EDGES = (b"\x00", b"\xff", b"\x7f", b"\x80", b"\r", b"(", b"-", b".", b"9" * 20, b"\xff\xff\xff\xff", b"nan", b"1e999")


def mutated(seed: bytes, chance: Random) -> bytes:
    """One to four changes of `seed`."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                del data[place:]
            case 1:
                del data[place : place + chance.randint(1, 8)]
            case 2:
                data[place:place] = chance.choice(_EDGES)
            case 3 if place < len(data):
                data[place] ^= 1 << chance.randrange(8)
            case 4:
                data[place:place] = data[place : place + chance.randint(1, 32)]
            case _:
                data[place : place + 1] = bytes([chance.randrange(256)])
    return bytes(data)
