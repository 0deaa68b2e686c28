"""SunSpec: a device lists its models one after the other; each is a block whose registers have fixed meanings. Pure.

    > read 40000, 2 words          also 50000 and 0
    < 5375 6E53                    "SunS"
    > read 40002, 2 words          number and length of the first model
    < 0001 0042                    model 1, 66 registers follow; the next model stands at 40002 + 2 + 66
      ...                          until a model of the number 0xFFFF

Rules. `walk` asks and is told; what it finds is the chain. `profile_of` lays what is known of each model
(agent/profiles/sunspec, registers counted from the model's first) at the place where it stands here. A row beyond the
model's own length is left out: older issues of a model are shorter. A second model of one number gets its own index
("2", "2.1"); a point that another model told before is a fallback. Models that nobody knows are passed over.
A chain that breaks off in silence is no chain: half a device must not pass for a whole one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence

import msgspec

from agent.drivers.exchange import Answer, Failure, ReadWords, Words
from agent.drivers.modbus_types import span_of
from agent.profiles.form import Flags, Profile, Value
from model.reading import GapCause

BASES = (40000, 50000, 0)
_MARK = (0x5375, 0x6E53)
_END, _MOST_MODELS, _LAST = 0xFFFF, 64, 0xFFFF
#: Number of a model -> the file that tells what it holds.
MODELS: dict[int, str] = {
    1: "common",
    **dict.fromkeys((101, 102, 103), "inverter"),
    **dict.fromkeys((111, 112, 113), "inverter_float"),
    120: "nameplate",
    124: "storage",
    **dict.fromkeys((201, 202, 203, 204), "meter"),
    701: "der_measurement",
    713: "der_storage",
    802: "battery",
    803: "battery_bank",
}


class Model(msgspec.Struct, frozen=True):
    """A model of this device: its number, its first register, and how many follow the first two."""

    number: int
    address: int
    length: int


Chain = tuple[Model, ...]


def walk(unit: int) -> Generator[ReadWords, Answer | Failure, Chain | Failure]:
    """The models of a device, by asking for one header after the other."""
    for base in BASES:
        answer = yield ReadWords(unit=unit, function=3, address=base, count=2)
        if isinstance(answer, Failure) and answer.cause is not GapCause.REFUSED:
            return answer
        if isinstance(answer, Words) and answer.values == _MARK:
            return (yield from _models(unit, base + 2))
    return Failure(cause=GapCause.NOT_SUPPORTED, raw="no SunS at 40000, 50000 and 0")


def _models(unit: int, address: int) -> Generator[ReadWords, Answer | Failure, Chain | Failure]:
    found: list[Model] = []
    while len(found) < _MOST_MODELS and address < _LAST:
        answer = yield ReadWords(unit=unit, function=3, address=address, count=2)
        if isinstance(answer, Failure) and answer.cause is not GapCause.REFUSED:
            return answer
        if not isinstance(answer, Words):
            break  # refused: some firmwares leave out the end mark
        number, length = answer.values
        if number in (0, _END):
            break
        found.append(Model(number, address, length))
        address += 2 + length
    return tuple(found) or Failure(cause=GapCause.NOT_SUPPORTED, raw="SunS, but no model behind it")


def profile_of(front: Profile, chain: Sequence[Model], parts: Mapping[str, Profile]) -> Profile:
    """`front` with the rows and flags of every known model of the chain, where they stand on this device."""
    values: list[Value] = []
    flags: list[Flags] = []
    told: set[tuple[str, str | None]] = set()
    kinds: Counter[str] = Counter()
    for model in chain:
        part = parts.get(MODELS.get(model.number, ""))
        if part is None:
            continue
        kinds[part.id] += 1
        rows = [_placed(row, model, kinds[part.id]) for row in part.values if _fits(row, model)]
        values += [msgspec.structs.replace(row, fallback=(row.point, row.index) in told) for row in rows]
        told |= {(row.point, row.index) for row in rows}
        flags += [
            msgspec.structs.replace(word, at=str(int(word.at) + model.address))
            for word in part.flags
            if int(word.at) + word.words <= model.length + 2
        ]
    return msgspec.structs.replace(front, values=tuple(values), flags=tuple(flags))


def _fits(row: Value, model: Model) -> bool:
    last = max(int(row.at) + span_of(row), int(row.scale_from or 0) + 1)
    return last <= model.length + 2


def _placed(row: Value, model: Model, nth: int) -> Value:
    index = row.index if nth == 1 else str(nth) if row.index is None else f"{nth}.{row.index}"
    scale = str(int(row.scale_from) + model.address) if row.scale_from else ""
    return msgspec.structs.replace(row, at=str(int(row.at) + model.address), scale_from=scale, index=index)
