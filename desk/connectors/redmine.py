"""Redmine, by its REST API (https://www.redmine.org/projects/redmine/wiki/Rest_Issues). Tested against a real server.

    POST /issues.json      {"issue": {"project_id", "subject", "description", "custom_fields": [{"id": 1, "value": "T-000042"}]}}
    GET  /issues.json      ?project_id=ups&status_id=*&cf_1=T-000042
    PUT  /issues/17.json   {"issue": {"notes": "…\\n[T-000042:7]", "status_id": 2}}          one journal for both
    GET  /issues/17.json   ?include=journals

A state that the workflow does not allow our user is ignored by Redmine without a word: so it is read back.
Needs: a role that may see, add and edit issues, add notes and manage relations; a custom field for issues, used as a filter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from desk.connectors.http import Ended, Http
from desk.connectors.mirror import CLOSES, POLL, Mirror, by_impact, by_state, state_options
from desk.connectors.texts import Said, marks
from desk.connectors.types import Heard, News, Option, Refused, Settings, Unheard
from model.text import Text

_STATES = by_state("New", "In Progress", "Resolved", "Closed")
_PRIORITIES = by_impact("Immediate", "Urgent", "High", "Normal", "Low")
_PAGE = 100


class Redmine(Mirror):
    """`url` is Redmine's own address; `secret` the API key of a user of its own."""

    OPTIONS: ClassVar = {
        **Mirror.OPTIONS,
        "project": Option(means=Text("the project's identifier", "项目标识"), pattern=r"[\w-]+"),
        "field": Option(
            means=Text("the number of the custom field that keeps our ticket number", "保存本方工单号的自定义字段编号"),
            pattern=r"\d+",
        ),
        "tracker": Option(
            means=Text("the tracker's number; empty for the first", "跟踪标签编号"), default="", pattern=r"\d*"
        ),
        "closes": CLOSES,
        "poll_s": POLL,
        **state_options(_STATES, _PRIORITIES),
    }

    def __init__(self, settings: Settings, secret: str) -> None:
        api = _Api(settings, secret)
        super().__init__(settings, api, _STATES, _PRIORITIES)
        self.poll_s = float(settings.options.get("poll_s", "60"))
        self._redmine = api

    async def poll(self, cursor: str, watched: Mapping[str, str]) -> Heard:
        """`cursor` is the last updated_on seen; `watched` the last journal seen of each issue."""
        try:
            changed = await self._redmine.changed(cursor)
            news: list[News] = []
            seen: dict[str, str] = {}
            touched = {str(each["id"]) for each in changed}
            for external in (each for each, last in watched.items() if each in touched or not last):
                found, last = await self._redmine.news(external, int(watched[external] or 0))
                news += found
                seen[external] = str(last)
        except Ended as ended:
            raise Unheard(str(ended)) from ended
        newest = max((str(each["updated_on"]) for each in changed), default=cursor)
        return Heard(news=tuple(news), cursor=max(newest, cursor), seen=seen)


class _Api:
    def __init__(self, settings: Settings, secret: str) -> None:
        self._http = Http(settings.url, {"X-Redmine-API-Key": secret})
        self._project = settings.options.get("project", "")
        self._field = settings.options.get("field", "")
        self._tracker = settings.options.get("tracker", "")
        self._marks = marks(settings.options.get("prefix", ""))
        self._numbers: dict[str, dict[str, int]] = {}
        self._ended: frozenset[int] = frozenset()

    async def find(self, key: str) -> list[str]:
        """Doubles that were folded carry no key any more."""
        query = {"project_id": self._project, "status_id": "*", f"cf_{self._field}": key, "sort": "id"}
        found = await self._http.call("GET", "/issues.json", query=query)
        return [str(issue["id"]) for issue in found["issues"]]

    async def create(self, message: Said, status: str | None, priority: str | None) -> str:
        issue = {
            "project_id": self._project,
            "subject": message.subject[:255],
            "description": message.body,
            "custom_fields": [{"id": int(self._field), "value": message.key}],
            **({"tracker_id": int(self._tracker)} if self._tracker else {}),
            **({"status_id": await self._number("issue_statuses", status)} if status else {}),
            **({"priority_id": await self._number("issue_priorities", priority)} if priority else {}),
        }
        return str((await self._http.call("POST", "/issues.json", {"issue": issue}))["issue"]["id"])

    async def has(self, external: str, message: Said) -> bool:
        issue = await self._issue(external)
        texts = [str(issue.get("description") or ""), *(str(each.get("notes") or "") for each in issue["journals"])]
        return any(message.mark in text for text in texts)

    async def comment(self, external: str, message: Said, priority: str | None) -> None:
        issue: dict[str, Any] = {"notes": message.text}
        if message.status:
            issue["status_id"] = await self._number("issue_statuses", message.status)
        if priority:
            issue["priority_id"] = await self._number("issue_priorities", priority)
        await self._http.call("PUT", f"/issues/{external}.json", {"issue": issue})

    async def status(self, external: str) -> str:
        found = await self._http.call("GET", f"/issues/{external}.json")
        return str(found["issue"]["status"]["name"])

    async def ensure(self, external: str, message: Said) -> None:
        issue = {"status_id": await self._number("issue_statuses", message.status or ""), "notes": message.mark}
        await self._http.call("PUT", f"/issues/{external}.json", {"issue": issue})

    async def link(self, external: str, into: str) -> None:
        """A relation that is there already is a 422: known, not wrong."""
        relation = {"issue_to_id": into, "relation_type": "relates"}
        await self._http.call("POST", f"/issues/{external}/relations.json", {"relation": relation}, known=(422,))

    async def fold(self, external: str, into: str) -> None:
        await self.link(external, into)
        issue = {
            "notes": f"→ #{into}",
            "status_id": await self._number("issue_statuses", None),
            "custom_fields": [{"id": int(self._field), "value": ""}],
        }
        await self._http.call("PUT", f"/issues/{external}.json", {"issue": issue})

    async def close(self) -> None:
        await self._http.close()

    async def changed(self, cursor: str) -> list[dict[str, Any]]:
        """Issues of the project that changed at `cursor` or later, newest first; without one, the last hundred."""
        found: list[dict[str, Any]] = []
        while True:
            query = {
                "project_id": self._project,
                "status_id": "*",
                "sort": "updated_on:desc",
                "limit": str(_PAGE),
                "offset": str(len(found)),
            }
            issues = (await self._http.call("GET", "/issues.json", query=query))["issues"]
            fresh = [issue for issue in issues if str(issue["updated_on"]) >= cursor]
            found += fresh
            if len(fresh) < _PAGE or not cursor:
                return found

    async def news(self, external: str, since: int) -> tuple[list[News], int]:
        """What others did after journal `since`, and the last journal there is."""
        await self._number("issue_statuses", None)
        journals = (await self._issue(external))["journals"]
        found: list[News] = []
        for journal in journals:
            notes = str(journal.get("notes") or "")
            if int(journal["id"]) > since and not self._marks.search(notes):
                found += self._told(external, journal, notes)
        return found, max((int(each["id"]) for each in journals), default=since)

    def _told(self, external: str, journal: Mapping[str, Any], notes: str) -> list[News]:
        """A journal is a comment, a change of state, or both at once."""
        who, at = str(journal["user"]["name"]), datetime.fromisoformat(str(journal["created_on"]))
        when = int(at.timestamp() * 1000)
        found = []
        if notes.strip():
            found.append(News(id=f"journal/{journal['id']}", external=external, at=when, who=who, text=notes.strip()))
        for detail in journal.get("details", ()):
            if detail["name"] == "status_id" and detail["property"] == "attr":
                state = "closed" if int(detail["new_value"]) in self._ended else "open"
                named = {number: name for name, number in self._numbers["issue_statuses"].items()}
                text = named.get(int(detail["new_value"]), state)
                told = News(
                    id=f"journal/{journal['id']}/state", external=external, at=when, who=who, text=text, state=state
                )
                found.append(told)
        return found

    async def _issue(self, external: str) -> dict[str, Any]:
        found = await self._http.call("GET", f"/issues/{external}.json", query={"include": "journals"})
        return {"journals": [], **found["issue"]}

    async def _number(self, what: str, name: str | None) -> int:
        """Redmine wants numbers; read once. Without a name: the last state that ends an issue (Rejected)."""
        if what not in self._numbers:
            path = f"/{what}.json" if what == "issue_statuses" else f"/enumerations/{what}.json"
            found = (await self._http.call("GET", path))[what]
            self._numbers[what] = {str(each["name"]): int(each["id"]) for each in found}
            if what == "issue_statuses":
                self._ended = frozenset(int(each["id"]) for each in found if each.get("is_closed"))
        if name is None:
            return max(self._ended, default=0)
        if name not in self._numbers[what]:
            options = ", ".join(self._numbers[what])
            raise Ended(Refused(why=f"{what}: expected one of {options}, got `{name}`: name it in the settings"))
        return self._numbers[what][name]
