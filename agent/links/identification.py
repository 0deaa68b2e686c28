"""Device identification (0x2B/0x0E) that does not fit one frame: asked on until the device says that it is all.

    > 2B 0E 03 00           < 2B 0E 03 83 FF 82 02 …    FF: more follows, from object 0x82 on
    > 2B 0E 03 82           < 2B 0E 03 83 00 00 01 …    00: that is all

What came before a part failed is kept. A device that never ends, or goes back, is taken at its first turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from agent.drivers.exchange import Answer, Failure, Objects, ReadIdentity

_MOST_PARTS = 16


async def whole_identity(
    ask: Callable[[ReadIdentity], Awaitable[Answer | Failure]], request: ReadIdentity
) -> Answer | Failure:
    """All objects from `request.first` on, in as many exchanges as the device wants."""
    answer = await ask(request)
    if not isinstance(answer, Objects) or not answer.more:
        return answer
    values = dict(answer.values)
    first = request.first
    for _ in range(_MOST_PARTS):
        if not isinstance(answer, Objects) or answer.more <= first:
            break
        first = answer.more
        answer = await ask(msgspec.structs.replace(request, first=first))
        if isinstance(answer, Objects):
            values.update(answer.values)
    return Objects(values)
