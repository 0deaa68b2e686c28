"""Zammad, by its REST API (https://docs.zammad.org/en/latest/api/ticket/index.html). Written to the documented API; never
run against a real Zammad by us.

    POST /api/v1/tickets                      {"title": "[T-000042] …", "group", "customer", "article": {…}}
    GET  /api/v1/tickets/search               ?query=T-000042&expand=true
    PUT  /api/v1/tickets/17                   {"state": "open", "article": {"body": "…[T-000042:7]", …}}       both at once
    GET  /api/v1/ticket_articles/by_ticket/17

The key is looked for in the title, until a delivery told us their number. Zammad's search may lag behind: keep `settle_s`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from desk.connectors.http import Http
from desk.connectors.mirror import Mirror, by_impact, by_state, state_options
from desk.connectors.texts import Said
from desk.connectors.types import Option, Settings
from model.text import Text

_STATES = by_state("new", "open", "open", "closed")
_PRIORITIES = by_impact("3 high", "3 high", "2 normal", "1 low", "1 low")


class Zammad(Mirror):
    """`url` is Zammad's own address; `secret` an access token of an agent."""

    OPTIONS: ClassVar = {
        **Mirror.OPTIONS,
        "group": Option(means=Text("the group of new tickets", "新工单的组"), default="Users"),
        "requester": Option(
            means=Text("the e-mail address of the ticket's customer", "工单客户的邮箱"), pattern=r"\S+@\S+"
        ),
        **state_options(_STATES, _PRIORITIES),
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        super().__init__(settings, _Api(settings, secret), _STATES, _PRIORITIES)


class _Api:
    def __init__(self, settings: Settings, secret: str) -> None:
        base = f"{settings.url.rstrip('/')}/api/v1"
        self._http = Http(base, {"Authorization": f"Token token={secret}"})
        self._group = settings.options.get("group", "Users")
        self._requester = settings.options.get("requester", "")
        self._internal = settings.to != "customer"

    async def find(self, key: str) -> list[str]:
        query = {"query": f'"{key}"', "limit": "50", "expand": "true"}
        found = await self._http.call("GET", "/tickets/search", query=query)
        ours = [
            ticket for ticket in found if str(ticket["title"]).startswith(f"[{key}]") and ticket["state"] != "merged"
        ]
        return [str(ticket["id"]) for ticket in sorted(ours, key=lambda ticket: int(ticket["id"]))]

    async def create(self, message: Said, status: str | None, priority: str | None) -> str:
        body = {
            "title": message.subject[:250],
            "group": self._group,
            "customer": self._requester,
            "article": self._article(message, message.body),
            **({"state": status} if status else {}),
            **({"priority": priority} if priority else {}),
        }
        return str((await self._http.call("POST", "/tickets", body))["id"])

    async def has(self, external: str, message: Said) -> bool:
        articles = await self._http.call("GET", f"/ticket_articles/by_ticket/{external}")
        return any(message.mark in str(article.get("body") or "") for article in articles)

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        body: dict[str, Any] = {
            "article": self._article(message, message.text),
            **({"state": message.status} if message.status else {}),
            **({"priority": priority} if priority else {}),
        }
        await self._http.call("PUT", f"/tickets/{external}", body)

    async def status(self, external: str) -> str:
        return str((await self._ticket(external))["state"])

    async def ensure(self, external: str, message: Said) -> None:
        await self._http.call("PUT", f"/tickets/{external}", {"state": message.status})

    async def link(self, external: str, into: str) -> None:
        """A link that is there already is answered with 422: known, not wrong."""
        number = (await self._ticket(external))["number"]
        body = {
            "link_type": "normal",
            "link_object_source": "Ticket",
            "link_object_source_number": number,
            "link_object_target": "Ticket",
            "link_object_target_value": int(into),
        }
        await self._http.call("POST", "/links/add", body, known=(422,))

    async def fold(self, external: str, into: str) -> None:
        number = (await self._ticket(into))["number"]
        await self._http.call("PUT", f"/ticket_merge/{external}/{number}")

    async def close(self) -> None:
        await self._http.close()

    def _article(self, message: Said, body: str) -> dict[str, Any]:
        return {
            "subject": message.subject[:250],
            "body": body,
            "content_type": "text/plain",
            "type": "note",
            "internal": self._internal,
        }

    async def _ticket(self, external: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._http.call("GET", f"/tickets/{external}", query={"expand": "true"})
        return found
