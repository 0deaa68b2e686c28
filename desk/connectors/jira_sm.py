"""Jira Service Management, by Jira's REST API 2 and the service desk API (https://developer.atlassian.com/cloud/jira).
Written to the documented API; never run against a real Jira by us.

    POST /rest/api/2/issue                          {"fields": {"project", "issuetype", "summary", "labels": ["roundsman-T-000042"], …}}
    GET  /rest/api/3/search/jql (cloud)             ?jql=project = "UPS" AND labels = "roundsman-T-000042"
    GET  /rest/api/2/search (server, data center)   likewise
    POST /rest/servicedeskapi/request/UPS-7/comment {"body": "…[T-000042:7]", "public": false}
    GET, POST /rest/api/2/issue/UPS-7/transitions   a state is reached by the transition that leads there

The label is given with the issue itself: no moment without key. Jira's search may lag behind: keep `settle_s` at 30 or more.
"""

from __future__ import annotations

from typing import Any, ClassVar

from desk.connectors.http import Http, credentials
from desk.connectors.mirror import Mirror, by_impact, by_state, state_options
from desk.connectors.texts import Said
from desk.connectors.types import Option, Settings
from model.text import Text

_STATES = by_state("", "In Progress", "In Progress", "Resolved")
_PRIORITIES = by_impact("Highest", "High", "Medium", "Low", "Lowest")


class JiraServiceManagement(Mirror):
    """`url` is the site's address; `secret` is `email:API-token`, or a personal access token. An empty state is left alone."""

    OPTIONS: ClassVar = {
        **Mirror.OPTIONS,
        "project": Option(means=Text("the project's key", "项目键"), pattern=r"[A-Z][A-Z0-9_]*"),
        "issue_type": Option(
            means=Text("the type of new issues", "新事务类型"), default="Incident", pattern=r'[^"\\]+'
        ),
        "request_type": Option(
            means=Text(
                "FIELD=VALUE of the portal's request type, as customfield_10010=ups/fault", "门户请求类型 字段=值"
            ),
            default="",
            pattern=r"(customfield_\d+=\S+)?",
        ),
        "edition": Option(
            means=Text("cloud or server (also Data Center)", "cloud 或 server"), default="cloud", pattern="cloud|server"
        ),
        **state_options(_STATES, _PRIORITIES),
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        super().__init__(settings, _Api(settings, secret), _STATES, _PRIORITIES)


class _Api:
    def __init__(self, settings: Settings, secret: str) -> None:
        self._http = Http(f"{settings.url.rstrip('/')}/rest", *credentials(secret))
        self._options = settings.options
        self._public = settings.to == "customer"

    async def find(self, key: str) -> list[str]:
        jql = f'project = "{self._options.get("project", "")}" AND labels = "{_label(key)}" ORDER BY created ASC'
        path = "/api/2/search" if self._options.get("edition") == "server" else "/api/3/search/jql"
        found = await self._http.call("GET", path, query={"jql": jql, "fields": "status", "maxResults": "10"})
        return [str(issue["key"]) for issue in found["issues"]]

    async def create(self, message: Said, status: str | None, priority: str | None) -> str:  # noqa: ARG002 by transition only
        field, _, value = self._options.get("request_type", "").partition("=")
        fields = {
            "project": {"key": self._options.get("project", "")},
            "issuetype": {"name": self._options.get("issue_type", "Incident")},
            "summary": message.subject[:255],
            "description": message.body,
            "labels": [_label(message.key)],
            **({"priority": {"name": priority}} if priority else {}),
            **({field: value} if field else {}),
        }
        return str((await self._http.call("POST", "/api/2/issue", {"fields": fields}))["key"])

    async def has(self, external: str, message: Said) -> bool:
        fields = await self._fields(external, "description,comment")
        texts = [fields.get("description"), *(each["body"] for each in fields.get("comment", {}).get("comments", ()))]
        return any(message.mark in str(text or "") for text in texts)

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        body = {"body": message.text, "public": self._public}
        await self._http.call("POST", f"/servicedeskapi/request/{external}/comment", body)
        if priority:
            await self._http.call("PUT", f"/api/2/issue/{external}", {"fields": {"priority": {"name": priority}}})
        if message.status:
            await self.ensure(external, message)

    async def status(self, external: str) -> str:
        return str((await self._fields(external, "status"))["status"]["name"])

    async def ensure(self, external: str, message: Said) -> None:
        """Without a transition that leads there nothing happens: the state is read back by whoever called."""
        found = await self._http.call("GET", f"/api/2/issue/{external}/transitions")
        fits = [each["id"] for each in found["transitions"] if each["to"]["name"] == message.status]
        if fits:
            await self._http.call("POST", f"/api/2/issue/{external}/transitions", {"transition": {"id": fits[0]}})

    async def link(self, external: str, into: str) -> None:
        """Jira keeps a link that is made twice once."""
        link = {"type": {"name": "Duplicate"}, "inwardIssue": {"key": into}, "outwardIssue": {"key": external}}
        await self._http.call("POST", "/api/2/issueLink", link)

    async def fold(self, external: str, into: str) -> None:
        await self.link(external, into)
        labels = (await self._fields(external, "labels")).get("labels", ())
        kept = [label for label in labels if not label.startswith(_label(""))]
        await self._http.call("PUT", f"/api/2/issue/{external}", {"fields": {"labels": kept}})

    async def close(self) -> None:
        await self._http.close()

    async def _fields(self, external: str, names: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._http.call("GET", f"/api/2/issue/{external}", query={"fields": names})
        fields: dict[str, Any] = found["fields"]
        return fields


def _label(key: str) -> str:
    return f"roundsman-{key}"
