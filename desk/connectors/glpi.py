"""GLPI 10, by its REST API (https://github.com/glpi-project/glpi/blob/main/apirest.md). Written to the documented API;
never run against a real GLPI by us.

    GET  /apirest.php/initSession        Authorization: user_token …, App-Token: …   →  {"session_token"}
    GET  /apirest.php/search/Ticket      ?criteria[0][field]=1&criteria[0][searchtype]=contains&criteria[0][value]=[T-000042]
    POST /apirest.php/Ticket             {"input": {"name": "[T-000042] …", "content", "status", "urgency", "impact"}}
    POST /apirest.php/ITILFollowup       {"input": {"itemtype": "Ticket", "items_id": 17, "content": "…[T-000042:7]"}}
    PUT  /apirest.php/Ticket/17          {"input": {"status": 2}}

The key is looked for in the title, until a delivery told us their number. A session that ran out is opened anew, once.
"""

from __future__ import annotations

from html import escape
from typing import Any, ClassVar

from desk.connectors.http import Ended, Http
from desk.connectors.mirror import Mirror, by_impact, by_state, state_options
from desk.connectors.texts import Said
from desk.connectors.types import Later, Settings

_STATES = by_state("1", "2", "2", "5")
#: impact/urgency, 5 very high … 1 very low.
_PRIORITIES = by_impact("5/5", "4/5", "3/4", "2/3", "2/2")
_CLOSED = 6
_TITLE, _ID = "1", "2"  # GLPI's numbers of the fields that a search shows


class Glpi(Mirror):
    """`url` ends before /apirest.php; `secret` is the user's token, and the application's behind a space if one is asked."""

    OPTIONS: ClassVar = {**Mirror.OPTIONS, **state_options(_STATES, _PRIORITIES)}

    def __init__(self, settings: Settings, secret: str) -> None:
        super().__init__(settings, _Api(settings, secret), _STATES, _PRIORITIES)


class _Api:
    def __init__(self, settings: Settings, secret: str) -> None:
        user, _, app = secret.partition(" ")
        self._http = Http(f"{settings.url.rstrip('/')}/apirest.php", {"App-Token": app} if app else {})
        self._user = user
        self._session = ""
        self._private = int(settings.to != "customer")

    async def find(self, key: str) -> list[str]:
        query = {
            "criteria[0][field]": _TITLE,
            "criteria[0][searchtype]": "contains",
            "criteria[0][value]": f"[{key}]",
            "forcedisplay[0]": _TITLE,
            "forcedisplay[1]": _ID,
            "range": "0-49",
        }
        found = await self._call("GET", "/search/Ticket", query=query) or {}
        ours = [row for row in found.get("data", ()) if str(row[_TITLE]).startswith(f"[{key}]")]
        return [str(row[_ID]) for row in sorted(ours, key=lambda row: int(row[_ID]))]

    async def create(self, message: Said, status: str | None, priority: str | None) -> str:
        body = {"name": message.subject[:250], "content": _html(message.body), "type": 1, **_priority(priority)}
        made = await self._call("POST", "/Ticket", {"input": {**body, **({"status": int(status)} if status else {})}})
        return str(made["id"])

    async def has(self, external: str, message: Said) -> bool:
        if message.mark in str((await self._call("GET", f"/Ticket/{external}"))["content"]):
            return True
        found = await self._call("GET", f"/Ticket/{external}/ITILFollowup", query={"range": "0-999"})
        return any(message.mark in str(each["content"]) for each in found)

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        followup = {
            "itemtype": "Ticket",
            "items_id": int(external),
            "content": _html(message.text),
            "is_private": self._private,
        }
        await self._call("POST", "/ITILFollowup", {"input": followup})
        if message.status or priority:
            change = {**_priority(priority), **({"status": int(message.status)} if message.status else {})}
            await self._call("PUT", f"/Ticket/{external}", {"input": change})

    async def status(self, external: str) -> str:
        return str((await self._call("GET", f"/Ticket/{external}"))["status"])

    async def ensure(self, external: str, message: Said) -> None:
        await self._call("PUT", f"/Ticket/{external}", {"input": {"status": int(message.status or 0)}})

    async def link(self, external: str, into: str) -> None:
        """A link that is there already is answered with 400: known, not wrong."""
        link = {"tickets_id_1": int(external), "tickets_id_2": int(into), "link": 2}
        await self._call("POST", "/Ticket_Ticket", {"input": link}, known=(400,))

    async def fold(self, external: str, into: str) -> None:
        await self.link(external, into)
        await self._call("PUT", f"/Ticket/{external}", {"input": {"name": f"→ {into}", "status": _CLOSED}})

    async def close(self) -> None:
        await self._http.close()

    async def _call(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        try:
            return await self._http.call(method, path, body, Session_Token=await self._opened(), **more)
        except Ended as ended:
            if ended.status != 401 or not isinstance(ended.outcome, Later):
                raise
            self._session = ""
            return await self._http.call(method, path, body, Session_Token=await self._opened(), **more)

    async def _opened(self) -> str:
        if not self._session:
            found = await self._http.call("GET", "/initSession", Authorization=f"user_token {self._user}")
            self._session = str(found["session_token"])
        return self._session


def _priority(priority: str | None) -> dict[str, int]:
    impact, _, urgency = (priority or "").partition("/")
    return {"impact": int(impact), "urgency": int(urgency)} if impact and urgency else {}


def _html(text: str) -> str:
    """GLPI keeps rich text."""
    return escape(text, quote=False).replace("\n", "<br>")
