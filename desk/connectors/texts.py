"""What stands in other people's tickets and messages: sentences, marks, states and priorities. Pure.

A mark, `[T-000042:7]`, names the entry: by it we find our own comment again, and never echo it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from desk import words
from desk.connectors.types import Message, Option, Settings
from desk.types import EntryKind, TicketState
from model.text import LANGUAGES, Language, Text

#: How our impact is told to systems that know five priorities, most urgent first.
IMPACTS = ("outage", "unprotected", "degraded", "advisory", "request")
#: States that end a ticket here.
ENDED = frozenset({TicketState.CLOSED.value, TicketState.MERGED.value})

_LEVEL = Text("level", "级别")
_IMPACT = Text("impact", "影响")
_SITE = Text("site", "站点")
_OPENED = Text("opened", "开单时间")
_SERIAL = Text("serial number", "序列号")
_NEXT = Text("next to call", "下一联系人")
_MORE = Text("{n} messages in one", "{n} 条消息合并")

LANG = Option(
    means=Text("the language sent: en, zh or both", "发送语言：en、zh 或 both"), default="both", pattern="en|zh|both"
)
PREFIX = Option(
    means=Text("put before our ticket numbers there, where two centres share one system", "工单号前缀，供多中心共用"),
    default="",
    pattern=r"[\w-]*",
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message as a ticket system is told it."""

    key: str  #: our ticket's number there, with the prefix
    mark: str  #: [T-000042:7]
    kind: str
    subject: str
    text: str  #: the comment, its last line is the mark
    body: str  #: the first text of a ticket that is made now
    status: str | None  #: their state to set; None to leave it
    standing: str | None  #: their state for ours, set or not; None where a later entry was told already
    state: str  #: our state
    impact: str
    raised: bool  #: the entry is about the level: set the priority
    into: str | None


def said(message: Message, settings: Settings, states: Mapping[str, str]) -> Said:
    """`states` gives their state for each of ours; a state that did not change since the last delivery is left alone."""
    decoded = msgspec.json.decode(message.body)
    ticket: dict[str, Any] = decoded.get("ticket", {})
    entry: dict[str, Any] = decoded.get("entry", {})
    spoken = languages(settings.options.get("lang", "both"))
    key = f"{settings.options.get('prefix', '')}{message.ticket}"
    mark = f"[{key}:{message.seq}]"
    state = str(ticket.get("state", TicketState.OPEN.value))
    wanted, pushed = states.get(state), states.get(message.pushed or "")
    text = "\n".join((*lines(entry, spoken), mark))
    return Said(
        key=key,
        mark=mark,
        kind=str(entry.get("kind", "note")),
        subject=f"[{key}] {title(ticket, spoken)}",
        text=text,
        body="\n".join((*summary(ticket, entry, spoken), "", text)),
        status=(wanted or None) if message.newest and wanted != pushed else None,
        standing=(wanted or None) if message.newest else None,
        state=state,
        impact=str(ticket.get("impact", "degraded")),
        raised=entry.get("kind") in (EntryKind.LEVEL, EntryKind.INCIDENT),
        into=message.into,
    )


def marks(key_prefix: str = "") -> re.Pattern[str]:
    """Finds our marks in a text: groups `ticket`, `seq`, and `status` where one was noted."""
    return re.compile(rf"\[{re.escape(key_prefix)}(?P<ticket>T-\d+):(?P<seq>\d+)(?: (?P<status>[^\]]+))?\]")


def languages(lang: str) -> tuple[Language, ...]:
    """What `lang` stands for."""
    return LANGUAGES if lang == "both" else ("zh",) if lang == "zh" else ("en",)


def title(ticket: Mapping[str, Any], spoken: tuple[Language, ...]) -> str:
    return " / ".join(dict.fromkeys(_in(ticket.get("title"), each) for each in spoken)) or "?"


def lines(entry: Mapping[str, Any], spoken: tuple[Language, ...]) -> list[str]:
    """One line a language: what happened, who did it, what was said."""
    kind = words.ENTRIES.get(EntryKind(entry["kind"])) if entry.get("kind") in set(EntryKind) else None
    who = "" if entry.get("who") in (None, words.SELF) else f" ({entry['who']})"
    found = [
        f"{kind[each] if kind else entry.get('kind', '?')}{who}: {_in(entry.get('text'), each)}" for each in spoken
    ]
    return list(dict.fromkeys(found))


def summary(ticket: Mapping[str, Any], entry: Mapping[str, Any], spoken: tuple[Language, ...]) -> list[str]:
    """What a reader needs who sees the ticket for the first time."""
    return [line for each in spoken for line in _summary(ticket, entry, each)]


def digest(messages: list[tuple[Mapping[str, Any], Mapping[str, Any]]], spoken: tuple[Language, ...]) -> str:
    """Several entries of one ticket in one text, oldest first."""
    head = " / ".join(_MORE.format(n=len(messages))[each] for each in spoken)
    return "\n".join((head, *("\n".join(lines(entry, spoken)) for _, entry in messages)))


def _summary(ticket: Mapping[str, Any], entry: Mapping[str, Any], language: Language) -> list[str]:
    opened = ticket.get("opened_at")
    when = datetime.fromtimestamp(opened / 1000, UTC).isoformat(timespec="seconds") if opened is not None else None
    serial = (entry.get("data") or {}).get("serial")
    told = [
        (_LEVEL, _in(ticket.get("level_name"), language) or ticket.get("level")),
        (_IMPACT, _impact(str(ticket.get("impact", "")), language)),
        (_SITE, f"{ticket['customer']} / {ticket['site']}" if ticket.get("site") else None),
        (_SERIAL, serial),
        (_OPENED, when),
        (_NEXT, _in(ticket.get("next_call"), language)),
    ]
    return [_in(ticket.get("title"), language), *(f"{name[language]}: {value}" for name, value in told if value)]


def _impact(impact: str, language: Language) -> str:
    known = {each.value: text for each, text in words.IMPACTS.items()}
    return known[impact][language] if impact in known else impact


def _in(text: Any, language: Language) -> str:
    return str(text.get(language) or "") if isinstance(text, Mapping) else ""
