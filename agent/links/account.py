"""What a line cost and what went wrong on it, by device: counted where bytes are taken off the wire.

Rules. Counters only rise while the agent runs; whoever wants a rate or a share subtracts two copies. Airtime is the
real time for which the line was a device's: silence kept before its request, request, waiting, reply. What cannot be
booked on a device (a line that is drained while no one asks) is booked on `""`.
"""

from __future__ import annotations

import msgspec


class Counts(msgspec.Struct, kw_only=True):
    """Of one device, or of a whole line. Times are real seconds of the monotonic clock."""

    requests: int = 0  #: attempts put on the wire, retries among them
    replies: int = 0  #: answers taken, refusals among them
    retries: int = 0
    timeouts: int = 0  #: attempts that no byte answered
    garbled: int = 0  #: attempts answered by something that is no reply: check sum, shape, length
    quarantined: int = 0  #: sound frames that were not taken: late, doubled, of another unit or transaction
    airtime_s: float = 0.0
    slowest_s: float = 0.0  #: the longest answered request

    def plus(self, other: Counts) -> Counts:
        """The sum of both."""
        summed = {name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__}
        summed["slowest_s"] = max(self.slowest_s, other.slowest_s)
        return Counts(**summed)


class Account:
    """The counts of one line by device id."""

    def __init__(self) -> None:
        self.devices: dict[str, Counts] = {}
        self.reopened = 0  #: how often the port was opened, but for the first time

    def of(self, device: str) -> Counts:
        """The counts of a device, to be raised in place."""
        counts = self.devices.get(device)
        if counts is None:
            counts = self.devices[device] = Counts()
        return counts

    def total(self) -> Counts:
        """The counts of the whole line."""
        total = Counts()
        for counts in self.devices.values():
            total = total.plus(counts)
        return total
