"""How much one SNMP agent can be asked for at once: learned by asking, kept per device, pure.

Rules. Shrink at once by half when a request of that size failed and a smaller one may do better. Grow again by half
after a run of successes, but to a size that failed only after ever longer runs: a limit of the agent or of the path
(reply buffer, MTU without fragments) does not go away, a busy hour does.
"""

from __future__ import annotations

#: Successes in a row before a bigger size is tried; doubled each time the bigger one fails, up to the second.
_RUN, _LONGEST_RUN = 12, 3072


class Reach:
    """A size between 1 and `most`."""

    def __init__(self, first: int, most: int) -> None:
        self.size = first
        self._most = most
        self._run = 0
        self._patience = _RUN
        self._grown = False

    def worked(self, asked: int) -> None:
        """A request of `asked` was answered in full."""
        if asked < self.size or self.size >= self._most:
            return
        self._run += 1
        if self._run >= self._patience:
            self._run, self._grown = 0, True
            self.size = min(self._most, self.size + max(1, self.size // 2))

    def failed(self, asked: int) -> None:
        """A request of `asked` failed, and its size may be why."""
        self._run = 0
        if self._grown:
            self._patience, self._grown = min(_LONGEST_RUN, self._patience * 2), False
        self.size = max(1, min(self.size, asked // 2))
