"""A ticket of ours kept in step with one in somebody else's ticket system: the steps that all of them share.

1. Find theirs by our key, unless a delivery told it; make it if there is none; of two (two senders raced) the oldest stays.
2. Add the entry as a comment, unless its mark is there already (asked only when it may have been sent before).
3. Set the state if ours changed since the last delivery. A state that they set is theirs until ours changes.

Searching before making is no lock: a request that was cut off may still be at work there. So desk.outbox waits `settle_s`
before a message that may have been on its way is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from desk.connectors.http import Ended
from desk.connectors.texts import IMPACTS, LANG, PREFIX, Said, said
from desk.connectors.types import Delivered, Message, Option, Outcome, Refused, Settings
from desk.types import TicketState
from model.text import Text

SETTLE = Option(
    means=Text(
        "seconds to wait before a message that was cut off is looked for and repeated", "中断的消息重查重发前等待秒数"
    ),
    default="30",
    pattern=r"\d+(\.\d+)?",
)
CLOSES = Option(
    means=Text(
        "whether closing there closes a ticket here whose restoration telemetry proved: yes or no",
        "对方关闭时，遥测已证实恢复的工单是否随之关闭：yes 或 no",
    ),
    default="no",
    pattern="yes|no",
)
POLL = Option(
    means=Text("seconds between looks for news", "查询间隔秒数"), default="60", pattern=r"\d*[1-9]\d*|\d+\.\d*[1-9]"
)


class Api(Protocol):
    """What one ticket system can do. Every method raises desk.connectors.http.Ended when it cannot."""

    async def find(self, key: str) -> list[str]:
        """Their tickets that carry our key, oldest first."""
        ...

    async def create(self, message: Said, status: str | None, priority: str | None) -> str: ...

    async def has(self, external: str, message: Said) -> bool:
        """Whether the comment with this mark is there."""
        ...

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        """With `message.status` where there is one."""
        ...

    async def status(self, external: str) -> str: ...

    async def ensure(self, external: str, message: Said) -> None:
        """Set `message.status`, the comment being there already."""
        ...

    async def link(self, external: str, into: str) -> None:
        """Say that `external` went into `into`; told twice, it is said once."""
        ...

    async def fold(self, external: str, into: str) -> None:
        """Make a double disappear into the one that stays."""
        ...

    async def close(self) -> None: ...


class Mirror:
    """A connector made of an Api and two tables: their state for each of ours, their priority for each impact."""

    #: What every ticket system's settings know.
    OPTIONS: ClassVar[Mapping[str, Option]] = {"lang": LANG, "prefix": PREFIX, "settle_s": SETTLE}

    def __init__(self, settings: Settings, api: Api, states: dict[str, str], priorities: dict[str, str]) -> None:
        self.settings = settings
        self.settle_s = float(settings.options.get("settle_s", "30"))
        self._api = api
        self._states = {state: settings.options.get(f"state.{state}", theirs) for state, theirs in states.items()}
        self._priorities = {
            impact: settings.options.get(f"priority.{impact}", theirs) for impact, theirs in priorities.items()
        }

    async def put(self, message: Message) -> Outcome:
        try:
            return await self._put(message)
        except Ended as ended:
            return ended.outcome

    async def close(self) -> None:
        await self._api.close()

    async def _put(self, message: Message) -> Outcome:
        told = said(message, self.settings, self._states)
        found = [message.external] if message.external else await self.find(told.key)
        if not found:
            external = await self._make(told)
            if told.status and await self._api.status(external) != told.status:
                await self._api.ensure(external, told)
        else:
            external = found[0]
            await self._say(external, told, look=message.again or message.external is None)
        if told.into:
            await self._api.link(external, told.into)
        if told.status and (shown := await self._api.status(external)) != told.status:
            return Refused(
                why=f"{external}: its state stays `{shown}`, expected `{told.status}`: allow our user that change, "
                f"or name another state in `state.{told.state}`, then send it again"
            )
        return Delivered(external=external)

    async def find(self, key: str) -> list[str]:
        """Theirs, oldest first; what lies beside the oldest is folded into it."""
        first, *doubles = await self._api.find(key) or [""]
        for double in doubles:
            await self._api.fold(double, first)
        return [first] if first else []

    async def _make(self, told: Said) -> str:
        made = await self._api.create(told, self._states.get(told.state), self._priorities.get(told.impact))
        kept = (await self.find(told.key) or [made])[0]
        if kept != made:
            await self._say(kept, told, look=True)
        return kept

    async def _say(self, external: str, told: Said, *, look: bool) -> None:
        if look and await self._api.has(external, told):
            if told.status and await self._api.status(external) != told.status:
                await self._api.ensure(external, told)
            return
        await self._api.comment(external, told, self._priorities.get(told.impact) if told.raised else None)


def state_options(states: dict[str, str], priorities: dict[str, str]) -> dict[str, Option]:
    """`state.…` and `priority.…`: how ours are called there."""
    found = {
        f"state.{state}": Option(means=Text(f"their state for {state}", f"对应“{state}”的状态"), default=theirs)
        for state, theirs in states.items()
    }
    for impact, theirs in priorities.items():
        means = Text(f"their priority for {impact}", f"对应“{impact}”的优先级")
        found[f"priority.{impact}"] = Option(means=means, default=theirs)
    return found


def by_state(new: str, working: str, restored: str, ended: str) -> dict[str, str]:
    """Their states for our six."""
    return {
        TicketState.OPEN.value: new,
        TicketState.ACKNOWLEDGED.value: working,
        TicketState.ONSITE.value: working,
        TicketState.RESTORED.value: restored,
        TicketState.CLOSED.value: ended,
        TicketState.MERGED.value: ended,
    }


def by_impact(*theirs: str) -> dict[str, str]:
    """Their priorities, most urgent first, for our five impacts."""
    return dict(zip(IMPACTS, theirs, strict=True))
