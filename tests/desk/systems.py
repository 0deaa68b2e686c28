"""Small stand-ins for ticket systems that we cannot run: they take only what the vendor's documents describe.

Each is a real HTTP server on loopback with a few lines of memory. A request that the documents do not know is a 404 with
its line, so a connector that asks for more than is written down fails.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

SECRETS = {"servicenow": "robot:pass", "jira_sm": "robot@x:token", "zammad": "ztoken", "glpi": "utoken atoken"}


class System:
    """Tickets in memory. The statuses in `plan` are answered first, in order."""

    def __init__(self) -> None:
        self.tickets: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.plan: list[int] = []
        self.headers: dict[str, str] = {}
        self.url = ""

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        raise NotImplementedError

    def allowed(self, headers: dict[str, str]) -> bool:
        raise NotImplementedError

    def texts(self) -> list[list[str]]:
        """What is written in each ticket, the first text included."""
        return [list(ticket["texts"]) for ticket in self.tickets.values()]

    def new(self, id: str, /, **values: Any) -> dict[str, Any]:
        self.tickets[id] = values
        return values


class ServiceNow(System):
    def allowed(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == "Basic " + base64.b64encode(b"robot:pass").decode()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path == "/api/now/table/sys_journal_field" and method == "GET":
            found = re.fullmatch(
                r"element_id=(\w+)\^elementINcomments,work_notes\^valueLIKE(.+)", query["sysparm_query"]
            )
            assert found
            rows = [{"sys_id": "j"} for text in self.tickets[found[1]]["notes"] if found[2] in text]
            return 200, {"result": rows}
        if path == "/api/now/table/incident" and method == "GET":
            found = re.fullmatch(r"correlation_id=([^^]+)\^ORDERBYsys_created_on", query["sysparm_query"])
            assert found
            return 200, {"result": [{"sys_id": k} for k, v in self.tickets.items() if v["correlation_id"] == found[1]]}
        if path == "/api/now/table/incident" and method == "POST":
            id = f"sys{len(self.tickets) + 1}"
            self.new(id, state="1", notes=[], **{k: v for k, v in body.items() if k != "state"})
            return 201, {"result": {"sys_id": id, "number": "INC1"}}
        id = path.rpartition("/")[2]
        if path.startswith("/api/now/table/incident/") and id in self.tickets:
            if method == "PATCH":
                note = body.pop("work_notes", None)
                self.tickets[id].update(body)
                self.tickets[id]["notes"] += [note] if note else []
            if method in ("GET", "PATCH"):
                return 200, {"result": {"sys_id": id, **self.tickets[id]}}
        return 404, {}

    def texts(self) -> list[list[str]]:
        return [[each["description"], *each["notes"]] for each in self.tickets.values() if each["correlation_id"]]

    def state(self, id: str) -> str:
        return str(self.tickets[id]["state"])


class JiraSm(System):
    NEXT: ClassVar = {"Waiting for support": ["In Progress"], "In Progress": ["Resolved"], "Resolved": []}

    def allowed(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == "Basic " + base64.b64encode(b"robot@x:token").decode()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/rest/api/3/search/jql"):
            found = re.fullmatch(r'project = "(?:UPS)?" AND labels = "([\w-]+)" ORDER BY created ASC', query["jql"])
            assert found
            return 200, {"issues": [{"key": k} for k, v in self.tickets.items() if found[1] in v["labels"]]}
        if (method, path) == ("POST", "/rest/api/2/issue"):
            fields = body["fields"]
            assert set(fields["project"]) == {"key"}
            key = f"UPS-{len(self.tickets) + 1}"
            self.new(key, status={"name": "Waiting for support"}, comments=[], **fields)
            return 201, {"id": "1", "key": key}
        found = re.fullmatch(r"/rest/servicedeskapi/request/([\w-]+)/comment", path)
        if found and method == "POST":
            self.tickets[found[1]]["comments"].append({"body": body["body"], "public": body["public"]})
            return 201, {"id": "1"}
        found = re.fullmatch(r"/rest/api/2/issue/([\w-]+)(/transitions)?", path)
        if found and found[1] in self.tickets:
            return self._issue(method, self.tickets[found[1]], found[2], body)
        return (201, None) if (method, path) == ("POST", "/rest/api/2/issueLink") else (404, {})

    def _issue(self, method: str, issue: dict[str, Any], part: str | None, body: Any) -> tuple[int, Any]:
        ways = [{"id": name, "name": f"to {name}", "to": {"name": name}} for name in self.NEXT[issue["status"]["name"]]]
        if part and method == "GET":
            return 200, {"transitions": ways}
        if part:
            issue["status"] = {"name": body["transition"]["id"]}
            return 204, None
        if method == "PUT":
            issue.update(body["fields"])
            return 204, None
        return 200, {"fields": {**issue, "comment": {"comments": issue["comments"]}}}

    def texts(self) -> list[list[str]]:
        return [[v["description"], *(each["body"] for each in v["comments"])] for v in self.tickets.values()]

    def state(self, id: str) -> str:
        return str(self.tickets[id]["status"]["name"])


class Zammad(System):
    def allowed(self, headers: dict[str, str]) -> bool:
        return headers.get("authorization") == "Token token=ztoken"

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if (method, path) == ("GET", "/api/v1/tickets/search"):
            word = query["query"].strip('"')
            return 200, [v for v in self.tickets.values() if word in v["title"]]
        if (method, path) == ("POST", "/api/v1/tickets"):
            assert set(body) >= {"title", "group", "customer", "article"}
            id = str(len(self.tickets) + 1)
            self.new(id, id=int(id), number=f"900{id}", articles=[body.pop("article")], **{"state": "new", **body})
            return 201, self.tickets[id]
        found = re.fullmatch(r"/api/v1/ticket_merge/(\d+)/900(\d+)", path)
        if found and method == "PUT":
            self.tickets[found[1]]["state"] = "merged"
            return 200, {"result": "success"}
        found = re.fullmatch(r"/api/v1/(tickets|ticket_articles/by_ticket)/(\d+)", path)
        if found and found[2] in self.tickets:
            ticket = self.tickets[found[2]]
            if method == "PUT":
                ticket["articles"] += [body.pop("article")] if "article" in body else []
                ticket.update(body)
            return 200, ticket["articles"] if found[1] != "tickets" else ticket
        return (201, None) if (method, path) == ("POST", "/api/v1/links/add") else (404, {})

    def texts(self) -> list[list[str]]:
        return [[article["body"] for article in v["articles"]] for v in self.tickets.values()]

    def state(self, id: str) -> str:
        return str(self.tickets[id]["state"])


class Glpi(System):
    def allowed(self, headers: dict[str, str]) -> bool:
        if headers.get("authorization") == "user_token utoken":
            return headers.get("app-token") == "atoken"
        return headers.get("session-token") == "s1"

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        path = path.removeprefix("/apirest.php")
        if path == "/initSession":
            return 200, {"session_token": "s1"}
        if path == "/search/Ticket":
            word = query["criteria[0][value]"]
            rows = [{"1": v["name"], "2": int(k)} for k, v in self.tickets.items() if word in v["name"]]
            return 200, {"totalcount": len(rows), **({"data": rows} if rows else {})}
        if (method, path) == ("POST", "/Ticket"):
            id = str(len(self.tickets) + 1)
            self.new(id, followups=[], **{"status": 1, **body["input"]})
            return 201, {"id": int(id), "message": ""}
        if (method, path) == ("POST", "/ITILFollowup"):
            told = body["input"]
            assert told["itemtype"] == "Ticket"
            self.tickets[str(told["items_id"])]["followups"].append({"content": told["content"]})
            return 201, {"id": 1}
        found = re.fullmatch(r"/Ticket/(\d+)(/ITILFollowup)?", path)
        if found and found[1] in self.tickets:
            if method == "PUT":
                self.tickets[found[1]].update(body["input"])
            return 200, self.tickets[found[1]]["followups"] if found[2] else self.tickets[found[1]]
        return (201, {"id": 1}) if (method, path) == ("POST", "/Ticket_Ticket") else (404, {})

    def texts(self) -> list[list[str]]:
        return [[v["content"], *(each["content"] for each in v["followups"])] for v in self.tickets.values()]

    def state(self, id: str) -> str:
        return str(self.tickets[id]["status"])


SYSTEMS: dict[str, Callable[[], Any]] = {"servicenow": ServiceNow, "jira_sm": JiraSm, "zammad": Zammad, "glpi": Glpi}


class _Handler(BaseHTTPRequestHandler):
    system: System
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        parts = urlsplit(self.path)
        system = self.system
        headers = {name.lower(): value for name, value in self.headers.items()}
        system.asked.append(f"{self.command} {parts.path}")
        planned = system.plan.pop(0) if system.plan else None
        if planned is not None:
            return self._give(planned, {"error": "planned"}, {"Retry-After": "7"} if planned == 429 else {})
        if not system.allowed(headers):
            return self._give(401, {"error": "who are you"})
        try:
            told = system.answer(
                self.command, parts.path, dict(parse_qsl(parts.query)), json.loads(raw) if raw else None
            )
        except ConnectionResetError:  # a test's way to cut the answer off
            self.close_connection = True
            return None
        return self._give(*told)

    def _give(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = _serve  # noqa: N815  http.server's names
    do_POST = _serve  # noqa: N815
    do_PUT = _serve  # noqa: N815
    do_PATCH = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def serving(kind: str) -> Iterator[Any]:
    """A stand-in that answers."""
    system = SYSTEMS[kind]()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"system": system}))
    server.daemon_threads = True
    system.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
