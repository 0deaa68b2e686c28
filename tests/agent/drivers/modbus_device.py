"""What the agent says of a Modbus device whose registers a test holds; the exchanges of ../shared/devices/wire."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing

from agent.address import DeviceUrl
from agent.asking import ask_device
from agent.links import open_link
from agent.profiles import Profile, Tier, load
from model.batch import Event
from model.reading import Gap, GapCause, Reading
from tests.services import libmodbus, shared

Registers = Mapping[int, Sequence[int]]
Told = dict[tuple[str, str | None], float | GapCause | str]
CHARACTERS = re.compile(r"(?:[0-9A-Fa-f]{2}\s+)+[0-9A-Fa-f]{2}")


async def told(profile: str | Profile, registers: Registers, *tiers: Tier, table: str = "registers") -> Told:
    """Values, causes of gaps and texts, by point and index, through a real slave and the whole way of asking."""
    with libmodbus.serving("tcp", **{table: registers}) as place:
        return await told_at(place, profile, *tiers)


async def told_at(place: str, profile: str | Profile | None, *tiers: Tier) -> Told:
    """The same of a slave that is served already."""
    known = load(profile) if isinstance(profile, str) else profile
    url = DeviceUrl.parse(f"modbus+tcp://{place}?timeout=3")
    out: Told = {}
    with closing(open_link(url)) as link:
        for tier in tiers or (Tier.STATUS, Tier.MEASURE, Tier.IDENTITY):
            for one in await ask_device(link, "a/ups-1", url, known, tier, lambda: 5):
                if isinstance(one, Reading):
                    out[one.point, one.index] = one.value
                elif isinstance(one, Gap):
                    out.setdefault((str(one.point), one.index), one.cause)
                elif isinstance(one, Event):
                    for name, value in one.data.items():
                        point, _, index = name.rpartition(".")
                        out[(point, index) if index.isdigit() else (name, None)] = str(value)
    return out


def raised(values: Told) -> set[str]:
    """The flags that stand."""
    return {point for (point, _), value in values.items() if point.startswith("alarm.") and value == 1.0}


def words(text: str) -> list[int]:
    """Two characters a register, high byte first."""
    data = text.encode() + b"\x00" * (len(text) % 2)
    return [data[n] << 8 | data[n + 1] for n in range(0, len(data), 2)]


def chapter(title: str) -> str:
    """A chapter of the real frames, from its heading to the next."""
    text = shared("devices", "wire", "modbus-frames.md").read_text(encoding="utf-8")
    return next(part for part in text.split("\n## ") if part.startswith(title))


def exchanges(title: str) -> list[tuple[bytes, bytes]]:
    """The pairs of a chapter whose lines begin with > and <."""
    sent = [line for line in chapter(title).splitlines() if line[:2] in ("> ", "< ")]
    frames = [bytes.fromhex(found[0]) for line in sent if (found := CHARACTERS.match(line[2:]))]
    return list(zip(frames[::2], frames[1::2], strict=True))


def registers_of(pairs: Sequence[tuple[bytes, bytes]]) -> dict[int, list[int]]:
    """The registers that replies of function 3 hold, by the address that was asked for; half a word at the end is dropped."""
    held: dict[int, list[int]] = {}
    for request, reply in pairs:
        asked, said = (request[6:], reply[6:]) if request[2:4] == b"\x00\x00" else (request, reply)
        data = said[3:]
        held[asked[2] << 8 | asked[3]] = [data[n] << 8 | data[n + 1] for n in range(0, len(data) - 1, 2)]
    return held
