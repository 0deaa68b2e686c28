"""Request Tracker 5, by REST 2.0 (https://docs.bestpractical.com/rt/5.0.3/RT/REST2.html). Tested against a real server.

    POST /REST/2.0/ticket             {"Queue", "Subject", "Content", "CustomFields": {FIELD: "T-000042"}, …}
    GET  /REST/2.0/tickets?query=     Queue='UPS' AND CF.{AlertKey}='T-000042'
    POST /REST/2.0/ticket/17/comment  {"Subject": "[T-000042:7 open] acknowledged", "Content", "Status": "open"}
    GET  /REST/2.0/ticket/17/history  a comment's subject stands in its transaction's `Data`: the mark is found there

The mark of a comment that sets a state names the state, so that the `Status` transaction that RT writes behind it is
known as our own. RT compares dates in the user's time zone; so changed tickets are read newest first, never by date.
Their user needs: ShowTicket, ShowTicketComments, CreateTicket, CommentOnTicket, ReplyToTicket, ModifyTicket,
SeeQueue, SeeCustomField, ModifyCustomField; one custom field for tickets, one value, free text.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from desk.connectors.http import Ended, Http
from desk.connectors.mirror import CLOSES, POLL, Mirror, by_impact, by_state, state_options
from desk.connectors.texts import Said, marks
from desk.connectors.types import Heard, News, Option, Settings, Unheard
from model.text import Text

_STATES = by_state("new", "open", "open", "resolved")
_PRIORITIES = by_impact("100", "80", "50", "20", "0")
_CLOSED = frozenset({"resolved", "rejected", "deleted"})
_TALK = ("Comment", "Correspond")
_PAGE = 100


class RequestTracker(Mirror):
    """`url` is RT's own address, without /REST/2.0; `secret` an authentication token."""

    OPTIONS: ClassVar = {
        **Mirror.OPTIONS,
        "queue": Option(means=Text("the queue of our tickets", "工单队列"), default="General", pattern=r"[^'\\]+"),
        "field": Option(
            means=Text("the custom field that keeps our ticket number", "保存本方工单号的自定义字段"),
            default="AlertKey",
            pattern=r"[^'{}\\]+",
        ),
        "closes": CLOSES,
        "poll_s": POLL,
        **state_options(_STATES, _PRIORITIES),
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        api = _Api(settings, secret)
        super().__init__(settings, api, _STATES, _PRIORITIES)
        self.poll_s = float(settings.options.get("poll_s", "60"))
        self._rt = api

    async def poll(self, cursor: str, watched: Mapping[str, str]) -> Heard:
        """`cursor` is the last LastUpdated seen; `watched` the last transaction seen of each ticket."""
        try:
            changed = await self._rt.changed(cursor)
            news: list[News] = []
            seen: dict[str, str] = {}
            touched = {each["id"] for each in changed}
            for external in (each for each, last in watched.items() if each in touched or not last):
                found, last = await self._rt.news(external, int(watched[external] or 0))
                news += found
                seen[external] = str(last)
        except Ended as ended:
            raise Unheard(str(ended)) from ended
        newest = max((each["LastUpdated"] for each in changed), default=cursor)
        return Heard(news=tuple(news), cursor=max(newest, cursor), seen=seen)


class _Api:
    def __init__(self, settings: Settings, secret: str) -> None:
        self._http = Http(f"{settings.url.rstrip('/')}/REST/2.0", {"Authorization": f"token {secret}"})
        self._queue = settings.options.get("queue", "General")
        self._field = settings.options.get("field", "AlertKey")
        self._verb = "correspond" if settings.to == "customer" else "comment"
        self._marks = marks(settings.options.get("prefix", ""))

    async def find(self, key: str) -> list[str]:
        query = f"Queue='{self._queue}' AND CF.{{{self._field}}}='{key}'"
        found = await self._http.call("GET", "/tickets", query={"query": query, "orderby": "id", "order": "ASC"})
        return [str(item["id"]) for item in found["items"]]

    async def create(self, message: Said, status: str | None, priority: str | None) -> str:
        body = {
            "Queue": self._queue,
            "Subject": message.subject,
            "Content": message.body,
            "ContentType": "text/plain",
            "CustomFields": {self._field: message.key},
            **({"Status": status} if status else {}),
            **({"Priority": int(priority)} if priority else {}),
        }
        return str((await self._http.call("POST", "/ticket", body))["id"])

    async def has(self, external: str, message: Said) -> bool:
        for item in await self._history(external):
            if item["Type"] in _TALK and _mark_in(item, self._marks) == message.mark:
                return True
            if item["Type"] == "Create" and message.mark in await self._text(item):
                return True
        return False

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        # correspondence opens a ticket by itself, even a resolved one: so its state is always told
        status = message.status or (message.standing if self._verb == "correspond" else None)
        mark = message.mark if status is None else f"{message.mark[:-1]} {status}]"
        body = {
            "Subject": f"{mark} {message.kind}",
            "Content": message.text,
            "ContentType": "text/plain",
            **({"Status": status} if status else {}),
        }
        await self._http.call("POST", f"/ticket/{external}/{self._verb}", body)
        if priority:
            await self._http.call("PUT", f"/ticket/{external}", {"Priority": int(priority)})

    async def status(self, external: str) -> str:
        return str((await self._http.call("GET", f"/ticket/{external}"))["Status"])

    async def ensure(self, external: str, message: Said) -> None:
        await self._http.call("PUT", f"/ticket/{external}", {"Status": message.status})

    async def link(self, external: str, into: str) -> None:
        await self._http.call("PUT", f"/ticket/{external}", {"AddRefersTo": into})

    async def fold(self, external: str, into: str) -> None:
        await self._http.call("PUT", f"/ticket/{external}", {"MergeInto": into})

    async def close(self) -> None:
        await self._http.close()

    async def changed(self, cursor: str) -> list[dict[str, Any]]:
        """Tickets of the queue that changed at `cursor` or later, newest first; without one, the last hundred."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            query = {
                "query": f"Queue='{self._queue}'",
                "orderby": "LastUpdated",
                "order": "DESC",
                "fields": "LastUpdated",
                "per_page": str(_PAGE),
                "page": str(page),
            }
            items = (await self._http.call("GET", "/tickets", query=query))["items"]
            found += [{**item, "id": str(item["id"])} for item in items if item["LastUpdated"] >= cursor]
            if len(items) < _PAGE or not cursor or items[-1]["LastUpdated"] < cursor:
                return found
            page += 1

    async def news(self, external: str, since: int) -> tuple[list[News], int]:
        """What others did after transaction `since`, oldest first, and the last transaction there is."""
        found: list[News] = []
        ours: tuple[str, str] | None = None  # who set which state together with a comment of ours
        history = await self._history(external)
        for item in reversed(history):
            who = str(item["Creator"]["id"])
            if item["Type"] in _TALK:
                noted = self._marks.search(str(item.get("Data") or ""))
                ours = (who, noted["status"]) if noted and noted["status"] else None
                if noted is None and int(item["id"]) > since:
                    found.append(_news(external, item, who, await self._text(item)))
            elif item["Type"] == "Status":
                if ours == (who, item["NewValue"]):
                    ours = None
                elif int(item["id"]) > since and who != "RT_System":
                    state = "closed" if item["NewValue"] in _CLOSED else "open"
                    found.append(_news(external, item, who, str(item["NewValue"]), state))
        return found, max((int(item["id"]) for item in history), default=since)

    async def _history(self, external: str) -> list[dict[str, Any]]:
        """The newest transactions, newest first."""
        query = {
            "fields": "Type,Creator,Created,Field,NewValue,Data,_hyperlinks",
            "per_page": str(_PAGE),
            "orderby": "id",
            "order": "DESC",
        }
        items: list[dict[str, Any]] = (await self._http.call("GET", f"/ticket/{external}/history", query=query))[
            "items"
        ]
        return items

    async def _text(self, item: Mapping[str, Any]) -> str:
        """The plain text that came with a transaction."""
        for link in item.get("_hyperlinks", ()):
            if link["ref"] == "attachment":
                number = str(link["_url"]).rpartition("/")[2]
                found = await self._http.call("GET", f"/attachment/{number}")
                if str(found.get("ContentType", "")).startswith("text/"):
                    return base64.b64decode(found.get("Content") or "").decode("utf-8", "replace").strip()
        return ""


def _mark_in(item: Mapping[str, Any], pattern: Any) -> str | None:
    found = pattern.search(str(item.get("Data") or ""))
    return None if found is None else f"{found.group(0).partition(' ')[0].rstrip(']')}]"


def _news(external: str, item: Mapping[str, Any], who: str, text: str, state: str | None = None) -> News:
    at = datetime.fromisoformat(str(item["Created"]))
    return News(
        id=f"transaction/{item['id']}",
        external=external,
        at=int(at.timestamp() * 1000),
        who=who,
        text=text,
        state=state,
    )
