"""When bytes stand on a serial line. Pure: every time comes in, seconds of any one clock.

    request ........  gap  reply .............  gap  request
    |<- n chars ->|  >= t3.5 + turnaround      >= t3.5, else the request is early

A character is 10 bits (8N1; 11 with parity, which the simulators do not have). Above 19,200 Bd t3.5 is 1.75 ms
whatever the rate, as the Modbus guide has it. Without pacing a character takes no time, and nothing is early.
"""

from __future__ import annotations

_BITS_A_CHAR = 10
_FAST_BAUD = 19_200
_FAST_GAP_S = 0.00175
_GAP_CHARS = 3.5
#: A master that waits exactly t3.5 is not early because two readings of a clock differ by this.
_GRACE_S = 0.0001


class LineClock:
    """One half-duplex line: until when it is taken, and since when it is quiet."""

    def __init__(self, baud: int, *, paced: bool) -> None:
        self.baud = baud
        self.char_s = _BITS_A_CHAR / baud if paced else 0.0
        gap_s = _FAST_GAP_S if baud > _FAST_BAUD else _GAP_CHARS * _BITS_A_CHAR / baud
        self.gap_s = gap_s if paced else 0.0
        self.busy_until = float("-inf")  #: the end of the last character of either side, or of one still to come
        self._ours_until = float("-inf")

    def early(self, now: float) -> bool:
        """Whether a character that begins `now` comes before t3.5 of silence, or into another's."""
        return self.char_s > 0 and now < self.busy_until + self.gap_s - _GRACE_S

    def heard(self, now: float, size: int) -> None:
        """`size` characters of the master, which the terminal hands over at once, begin `now`."""
        self.busy_until = max(now, self.busy_until) + size * self.char_s

    def reply_at(self, turnaround_s: float) -> float:
        """When a device begins to answer what was heard last."""
        return self.busy_until + self.gap_s + turnaround_s

    def sent(self, begin: float, size: int) -> float:
        """`size` characters of the devices begin at `begin`, or behind their last; hands back when they begin."""
        start = max(begin, self._ours_until)
        self._ours_until = start + size * self.char_s
        self.busy_until = max(self.busy_until, self._ours_until)
        return start
