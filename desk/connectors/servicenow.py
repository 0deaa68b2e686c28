"""ServiceNow, by its Table API (https://www.servicenow.com/docs: "Table API"). Written to the documented API; never run
against a real instance by us.

    POST  /api/now/table/incident            {"short_description", "description", "correlation_id": "T-000042", …}
    GET   /api/now/table/incident            ?sysparm_query=correlation_id=T-000042
    PATCH /api/now/table/incident/SYS_ID     {"work_notes": "…[T-000042:7]", "state": "2"}
    GET   /api/now/table/sys_journal_field   ?sysparm_query=element_id=SYS_ID^valueLIKE[T-000042:7]

Roles of their user: `itil`, and read access to sys_journal_field. `to = "customer"` writes comments, else work notes.
"""

from __future__ import annotations

from typing import Any, ClassVar

from desk.connectors.http import Http, credentials
from desk.connectors.mirror import Mirror, by_impact, by_state, state_options
from desk.connectors.texts import Said
from desk.connectors.types import Option, Settings
from model.text import Text

_STATES = by_state("1", "2", "2", "6")
#: impact/urgency: ServiceNow makes the priority of the two.
_PRIORITIES = by_impact("1/1", "1/2", "2/2", "2/3", "3/3")
_CANCELED = "8"
_ENDED = ("6", "7")


class ServiceNow(Mirror):
    """`url` is the instance's address; `secret` is `user:password`, or an OAuth access token."""

    OPTIONS: ClassVar = {
        **Mirror.OPTIONS,
        "table": Option(means=Text("the table of tickets", "工单表"), default="incident", pattern=r"\w+"),
        "group": Option(means=Text("assignment_group of new tickets", "新工单的 assignment_group"), default=""),
        "close_code": Option(
            means=Text("close_code of ended tickets", "关单代码 close_code"), default="Solution provided"
        ),
        **state_options(_STATES, _PRIORITIES),
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        super().__init__(settings, _Api(settings, secret), _STATES, _PRIORITIES)


class _Api:
    def __init__(self, settings: Settings, secret: str) -> None:
        self._http = Http(f"{settings.url.rstrip('/')}/api/now/table", *credentials(secret))
        self._table = settings.options.get("table", "incident")
        self._group = settings.options.get("group", "")
        self._close_code = settings.options.get("close_code", "Solution provided")
        self._notes = "comments" if settings.to == "customer" else "work_notes"

    async def find(self, key: str) -> list[str]:
        found = await self._rows(self._table, f"correlation_id={key}^ORDERBYsys_created_on", "sys_id")
        return [str(row["sys_id"]) for row in found]

    async def create(self, message: Said, status: str | None, priority: str | None) -> str:
        body = {
            "short_description": message.subject[:160],
            "description": message.body,
            "correlation_id": message.key,
            "correlation_display": "Roundsman",
            **({"assignment_group": self._group} if self._group else {}),
            **self._state(status, message),
            **_priority(priority),
        }
        return str((await self._http.call("POST", f"/{self._table}", body))["result"]["sys_id"])

    async def has(self, external: str, message: Said) -> bool:
        query = f"element_id={external}^elementINcomments,work_notes^valueLIKE{message.mark}"
        if await self._rows("sys_journal_field", query, "sys_id"):
            return True
        return message.mark in str((await self._row(external)).get("description") or "")

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        await self._change(
            external, {self._notes: message.text, **self._state(message.status, message), **_priority(priority)}
        )

    async def status(self, external: str) -> str:
        return str((await self._row(external))["state"])

    async def ensure(self, external: str, message: Said) -> None:
        await self._change(external, self._state(message.status, message))

    async def link(self, external: str, into: str) -> None:
        await self._change(external, {"parent_incident": into})

    async def fold(self, external: str, into: str) -> None:
        await self._change(external, {"parent_incident": into, "correlation_id": "", "state": _CANCELED})

    async def close(self) -> None:
        await self._http.close()

    def _state(self, status: str | None, message: Said) -> dict[str, str]:
        """An ended incident needs a code and a note."""
        if not status:
            return {}
        return {
            "state": status,
            **({"close_code": self._close_code, "close_notes": message.text} if status in _ENDED else {}),
        }

    async def _change(self, external: str, body: dict[str, str]) -> None:
        await self._http.call("PATCH", f"/{self._table}/{external}", body)

    async def _row(self, external: str) -> dict[str, Any]:
        query = {"sysparm_fields": "sys_id,state,description"}
        row: dict[str, Any] = (await self._http.call("GET", f"/{self._table}/{external}", query=query))["result"]
        return row

    async def _rows(self, table: str, query: str, fields: str) -> list[dict[str, Any]]:
        asked = {"sysparm_query": query, "sysparm_fields": fields, "sysparm_limit": "10"}
        rows: list[dict[str, Any]] = (await self._http.call("GET", f"/{table}", query=asked))["result"]
        return rows


def _priority(priority: str | None) -> dict[str, str]:
    impact, _, urgency = (priority or "").partition("/")
    return {"impact": impact, "urgency": urgency} if impact and urgency else {}
