"""What a device refused is not asked again: the split of its blocks, learned in one round and kept. Pure.

Rules. Only a refusal that can last teaches anything (unknown function, address or value), never "busy". A part that was
refused by itself is a hole: it is told as not supported and left out. Parts that were read are joined again where no
register lies between them and nobody refused the whole before: a hole costs one read more, not one for each row.
Where everything was refused the first request goes on being asked, so that one sees the device live. The identity
tier, once a day, forgets: a firmware may have grown.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.drivers.exchange import Answer, Exchange, Failure, ReadWords, Request
from model.reading import GapCause

#: How `Failure.raw` begins for Modbus refusals that will be the same tomorrow.
_LASTING = ("exception 1 ", "exception 2 ", "exception 3 ")
_BUSY = ("exception 5 ", "exception 6 ")
_MOST_WORDS, _MOST_BITS = 125, 2000


class Learned(msgspec.Struct, frozen=True):
    """How one tier of one device is asked."""

    ask: tuple[Request, ...]
    holes: tuple[tuple[ReadWords, str], ...]  #: what is not there, and how the device said so
    refused: frozenset[Request]

    def untried(self, at: int) -> list[Exchange]:
        """The holes, as exchanges that did not take place."""
        return [
            Exchange(request=hole, answer=Failure(cause=GapCause.NOT_SUPPORTED, raw=f"refused before: {raw}"), at=at)
            for hole, raw in self.holes
            if hole not in self.ask
        ]


def lasting(answer: Answer | Failure) -> bool:
    """Whether an answer is a refusal that asking again would not change."""
    return isinstance(answer, Failure) and answer.cause is GapCause.REFUSED and answer.raw.startswith(_LASTING)


def divisible(answer: Answer | Failure) -> bool:
    """Whether a refusal may be about a part of what was asked for; a busy device refuses everything."""
    return isinstance(answer, Failure) and answer.cause is GapCause.REFUSED and not answer.raw.startswith(_BUSY)


def learn(before: Learned | None, exchanges: Sequence[Exchange]) -> Learned | None:
    """What to do in the next round after what a whole round brought; `before` when it taught nothing."""
    refusals = [(one.request, one.answer) for one in exchanges if lasting(one.answer)]
    known = before.refused if before else frozenset()
    if all(request in known for request, _ in refusals):
        return before
    if any(isinstance(one.answer, Failure) and not lasting(one.answer) for one in exchanges):
        return before  # half a round: what was not answered may be anything
    refused = frozenset(request for request, _ in refusals)
    every = [one.request for one in exchanges]
    holes = [
        (request, answer.raw)
        for request, answer in refusals
        if isinstance(request, ReadWords)
        and isinstance(answer, Failure)
        and not any(_inside(other, request) for other in every)
    ]
    kept = before.holes if before else ()
    read = _joined([request for request in every if request not in refused], known | refused)
    return Learned(
        ask=tuple(read) or tuple(every[:1]),
        holes=(*(hole for hole in kept if hole[0] not in refused), *holes),
        refused=known | refused,
    )


def _inside(part: Request, whole: ReadWords) -> bool:
    if not isinstance(part, ReadWords) or part == whole or (part.unit, part.function) != (whole.unit, whole.function):
        return False
    return whole.address <= part.address and part.address + part.count <= whole.address + whole.count


def _joined(requests: list[Request], refused: frozenset[Request]) -> list[Request]:
    out: list[Request] = []
    for request in requests:
        whole = _whole(out[-1], request) if out else None
        if whole is not None and not any(one == whole or _inside(one, whole) for one in refused):
            out[-1] = whole
        else:
            out.append(request)
    return out


def _whole(first: Request, second: Request) -> ReadWords | None:
    """Two reads without a register between them, as one."""
    if not isinstance(first, ReadWords) or not isinstance(second, ReadWords):
        return None
    same = (first.unit, first.function) == (second.unit, second.function)
    count = second.address + second.count - first.address
    most = _MOST_BITS if first.function in (1, 2) else _MOST_WORDS
    if not same or second.address != first.address + first.count or count > most:
        return None
    return msgspec.structs.replace(first, count=count)
