"""People's channels by Apprise (https://github.com/caronc/apprise/wiki): DingTalk, WeCom, Feishu, SMS gateways, Slack, Teams …

    [[connector]]
    kind = "apprise"
    url = "apprise://dingtalk"            only a name: the real address holds a token, so it is the secret
    secret = "env:ANN_DINGTALK"           dingtalk://TOKEN/…, wecombot://KEY, feishu://TOKEN, slack://…, workflows://… (Teams)
    person = "ann"                        her other channels count for the same budget

A person gets `budget` messages about a ticket within `window_s`. The last of them carries all that waits; what comes then
waits for the window to move on, and goes as one. Nothing is dropped; what waits is in the outbox and in /healthz.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from desk.connectors import texts
from desk.connectors.local import loopback
from desk.connectors.types import Delivered, Later, Message, Option, Outcome, Settings
from desk.types import EntryKind
from model.text import Text

_MOST_TEXT = 3500
_BAD = frozenset({EntryKind.OPENED, EntryKind.BROKEN, EntryKind.ESCALATED, EntryKind.RELAPSED})
_GOOD = frozenset({EntryKind.RESTORED, EntryKind.RESOLVED, EntryKind.CLOSED})
#: What a person is called for, where the settings name nothing else.
HEARS = (
    EntryKind.OPENED,
    EntryKind.LEVEL,
    EntryKind.MESSAGE,
    EntryKind.WARNED,
    EntryKind.BROKEN,
    EntryKind.ESCALATED,
    EntryKind.RESTORED,
    EntryKind.RELAPSED,
    EntryKind.REOPENED,
    EntryKind.DISSATISFIED,
    EntryKind.CLOSED,
)


class Channel:
    """One way to one person. Raises ValueError for an address that Apprise does not know or that is not encrypted."""

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "budget": Option(
            means=Text("messages a ticket and window", "每工单每时段的消息数"), default="5", pattern="[1-9]\\d*"
        ),
        "window_s": Option(means=Text("the window's seconds", "时段秒数"), default="3600", pattern="[1-9]\\d*"),
        "lang": texts.LANG,
        "prefix": texts.PREFIX,
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        self.settings = settings
        self.budget = int(settings.options.get("budget", "5"))
        self.window_s = float(settings.options.get("window_s", "3600"))
        from apprise import Apprise, AppriseAsset  # knows 130 services: loaded where one is used

        asset = AppriseAsset()
        asset.http_redirects = False
        asset.app_id = asset.app_desc = "Roundsman"
        self._way = Apprise(asset=asset)
        if not self._way.add(secret) or len(self._way) != 1:
            raise ValueError(
                f"connector {settings.id}: secret: expected one address of Apprise, got none that it knows"
            )
        service: Any = self._way[0]
        plain = service.protocol if isinstance(service.protocol, tuple | list) else (service.protocol,)
        if secret.partition("://")[0].lower() in plain and not loopback(str(getattr(service, "host", "") or "")):
            raise ValueError(f"connector {settings.id}: secret: expected an encrypted way, got {service.service_name}")

    async def put(self, message: Message) -> Outcome:
        return await self.put_digest([message])

    async def put_digest(self, messages: Sequence[Message]) -> Outcome:
        """Apprise says only whether it went; why not stands in the service's own log."""
        title, body, mood = compose(messages, self.settings)
        result = await self._way.async_notify(title=title, body=body, notify_type=mood)
        if result:
            return Delivered(external=messages[-1].key)
        return Later(
            why="the service did not take it; its token, its limits or the way there may be the cause", reachable=False
        )

    async def close(self) -> None: ...


def compose(messages: Sequence[Message], settings: Settings) -> tuple[str, str, str]:
    """Title, text and mood (warning, success, info) of one message or one digest."""
    decoded = [msgspec.json.decode(message.body) for message in messages]
    pairs = [(each.get("ticket", {}), each.get("entry", {})) for each in decoded]
    told = texts.said(messages[-1], settings, {})
    spoken = texts.languages(settings.options.get("lang", "both"))
    kinds = {str(entry.get("kind")) for _, entry in pairs}
    alone = told.body if told.kind == EntryKind.OPENED else told.text
    body = texts.digest(pairs, spoken) if len(pairs) > 1 else alone
    if len(body) > _MOST_TEXT:
        body = f"{body[:_MOST_TEXT]}…\n{told.mark}"
    mood = "warning" if kinds & _BAD else "success" if kinds & _GOOD else "info"
    return told.subject, body, mood
