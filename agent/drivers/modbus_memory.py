"""What is known of a Modbus device after a round: the words of each reply, and why others are not there. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from agent.drivers.exchange import Exchange, Failure, Objects, ReadIdentity, ReadWords, Words
from agent.drivers.modbus_layout import Piece
from model.reading import GapCause


class Block(msgspec.Struct):
    """Words that came in one reply."""

    function: int
    start: int
    end: int
    words: tuple[int, ...]
    at: int


#: A block, and where in it the wanted words begin.
Known = tuple[Block, int]


class Memory:
    """What is known of the device after a round."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        self._blocks: list[Block] = []
        self._failures: list[Exchange] = []
        self._last: Block | None = None
        self.objects: dict[int, tuple[bytes, int]] = {}
        self.deaf: tuple[Failure, int] | None = None
        self.last_at = max((exchange.at for exchange in exchanges), default=0)
        for exchange in exchanges:
            request, answer = exchange.request, exchange.answer
            if isinstance(request, ReadIdentity):
                self._identified(exchange)
            elif isinstance(request, ReadWords) and isinstance(answer, Words):
                end = request.address + len(answer.values)
                self._blocks.append(Block(request.function, request.address, end, answer.values, exchange.at))
            elif isinstance(request, ReadWords) and isinstance(answer, Failure):
                self._failures.append(exchange)

    def _identified(self, exchange: Exchange) -> None:
        if isinstance(exchange.answer, Objects):
            self.objects.update({number: (data, exchange.at) for number, data in exchange.answer.values.items()})
        elif isinstance(exchange.answer, Failure):
            self.deaf = (exchange.answer, exchange.at)

    def find(self, piece: Piece) -> Known | None:
        """Where the words of a piece are; None when they are not all known. Rows come in order: the last block first."""
        last = self._last
        start, end = piece.address, piece.address + piece.count
        if last is not None and last.start <= start and end <= last.end and last.function == piece.function:
            return last, start - last.start
        for block in self._blocks:
            if block.start <= start and end <= block.end and block.function == piece.function:
                self._last = block
                return block, start - block.start
        return None

    def proves(self, piece: Piece, low: float, high: float) -> bool:
        """Whether a register is known and lies within bounds."""
        known = self.find(piece)
        return known is not None and low <= known[0].words[known[1]] <= high

    def failure(self, piece: Piece) -> tuple[Failure, int]:
        """Why a piece is not known: the last that was tried says it, for it was the smallest."""
        for exchange in reversed(self._failures):
            request, answer = exchange.request, exchange.answer
            if isinstance(request, ReadWords) and isinstance(answer, Failure) and request.function == piece.function:  # noqa: SIM102
                if request.address <= piece.address < request.address + request.count:
                    return answer, exchange.at
        return Failure(cause=GapCause.NO_ANSWER, raw="not asked"), self.last_at
