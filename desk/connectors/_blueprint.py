"""Copy me to `NAME.py`, fill in `put`, add `"NAME": Kind(open=Name, options={})` to KINDS, name the API's page here.

The contract tests (tests/contracts/test_connectors.py) find it by that line: it must carry the idempotency key, answer an
unreachable receiver with `Later(reachable=False)`, and never show its secret.
"""

from __future__ import annotations

import msgspec

from desk.connectors.types import Delivered, Message, Outcome, Settings


class Blueprint:
    """Keeps what it was given: the smallest thing that is a connector. A ticket system: copy `zammad.py` instead."""

    def __init__(self, settings: Settings, secret: str) -> None:
        self.settings = settings
        self._secret = secret
        self.kept: dict[str, object] = {}

    async def put(self, message: Message) -> Outcome:
        """Send `message.body`; let the receiver recognise `message.key`; say Delivered, Refused or Later."""
        self.kept.setdefault(message.key, msgspec.json.decode(message.body))
        return Delivered(external=f"kept-{len(self.kept)}")

    async def close(self) -> None:
        self.kept.clear()
