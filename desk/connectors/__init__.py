"""Other people's systems: one way out a file, in the table below. To add one: copy `_blueprint.py`, add a line to KINDS.

A connector sends one message and says what became of it. It never retries, waits between attempts or touches the
database: desk.outbox does. It may be asked to send the same message again (a crash between sending and noting), with the
same key; it passes the key on so that the receiver can tell, or looks before it writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from alerts.types import identity
from desk.connectors.apprise import HEARS, Channel
from desk.connectors.email import Email
from desk.connectors.glpi import Glpi
from desk.connectors.jira_sm import JiraServiceManagement
from desk.connectors.local import loopback
from desk.connectors.redmine import Redmine
from desk.connectors.rt import RequestTracker
from desk.connectors.servicenow import ServiceNow
from desk.connectors.types import (
    Audience,
    Connector,
    Delivered,
    Later,
    Message,
    Option,
    Outcome,
    Refused,
    Settings,
)
from desk.connectors.webhook import Webhook
from desk.connectors.zammad import Zammad
from desk.types import EntryKind
from model.secret import is_reference, resolve
from model.text import Text

__all__ = [
    "KINDS",
    "Connector",
    "Delivered",
    "Later",
    "Message",
    "Outcome",
    "Refused",
    "Settings",
    "lint",
    "open_connector",
    "settings",
]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """How to open a connector with its resolved secret, and which settings of its own it has."""

    open: Callable[[Settings, str], Connector]
    options: Mapping[str, Option]
    hears: tuple[str, ...] = ()  #: the ledger kinds it hears of where its settings name none; empty for all


KINDS: dict[str, Kind] = {
    "webhook": Kind(open=Webhook, options={}),
    "rt": Kind(open=RequestTracker, options=RequestTracker.OPTIONS),
    "redmine": Kind(open=Redmine, options=Redmine.OPTIONS),
    "servicenow": Kind(open=ServiceNow, options=ServiceNow.OPTIONS),
    "jira_sm": Kind(open=JiraServiceManagement, options=JiraServiceManagement.OPTIONS),
    "zammad": Kind(open=Zammad, options=Zammad.OPTIONS),
    "glpi": Kind(open=Glpi, options=Glpi.OPTIONS),
    "email": Kind(open=Email, options=Email.OPTIONS),
    "apprise": Kind(open=Channel, options=Channel.OPTIONS, hears=HEARS),
}

#: Schemes other than https: (encrypted, or encrypted after a greeting), and those for this machine only.
_SCHEMES: dict[str, tuple[str, ...]] = {"email": ("smtps", "smtp"), "apprise": ("apprise",)}


def settings(
    kind: str,
    url: str,
    secret: str,
    customer: str = "*",
    to: Audience = "desk",
    id: str = "",
    options: Mapping[str, str] | None = None,
    kinds: tuple[str, ...] = (),
    roles: tuple[str, ...] = (),
    person: str = "",
) -> Settings:
    """Settings with an id made from what they point at, unless one is given: the same line, the same id."""
    where = (kind, url, customer, to, *((person,) if person else ()))
    made = id or f"{kind}-{identity(*where)[:8]}"
    return Settings(
        id=made,
        kind=kind,
        url=url,
        secret=secret,
        customer=customer,
        to=to,
        options=dict(options or {}),
        kinds=kinds,
        roles=roles,
        person=person,
    )


def lint(given: Settings) -> list[tuple[str, Text, str]]:
    """What is wrong with them: (key, expected, got). Empty when they can serve."""
    wrong = []
    if given.kind not in KINDS:
        choices = ", ".join(KINDS)
        wrong.append(("kind", Text(f"one of {choices}", f"以下之一：{choices}"), f"`{given.kind}`"))
    parts = urlsplit(given.url)
    own = _SCHEMES.get(given.kind)
    if own is not None and parts.scheme not in own:
        choices = ", ".join(f"{scheme}://" for scheme in own)
        wrong.append(("url", Text(f"one of {choices}", f"以下之一：{choices}"), f"`{parts.scheme}://`"))
    if own is None and not (parts.scheme == "https" or (parts.scheme == "http" and loopback(parts.hostname or ""))):
        expected = Text("an https:// address (http:// only to this machine)", "https:// 地址（http:// 仅限本机）")
        wrong.append(("url", expected, f"`{parts.scheme}://{parts.hostname or ''}`"))
    if parts.password is not None:
        wrong.append(("url", Text("no password in the address", "地址中不得含密码"), "a literal (not shown)"))
    if not is_reference(given.secret):
        expected = Text("a reference env:NAME or file:PATH", "引用 env:名称 或 file:路径")
        wrong.append(("secret", expected, "a literal (not shown)" if given.secret else "nothing"))
    unknown = [kind for kind in given.kinds if kind not in set(EntryKind)]
    if unknown:
        choices = ", ".join(EntryKind)
        wrong.append(("kinds", Text(f"kinds of entries: {choices}", f"记录种类：{choices}"), f"`{unknown[0]}`"))
    return [*wrong, *_lint_options(given)]


def _lint_options(given: Settings) -> list[tuple[str, Text, str]]:
    options = KINDS[given.kind].options if given.kind in KINDS else {}
    wrong = []
    for name, option in options.items():
        value = given.options.get(name, option.default)
        if value is None:
            wrong.append((name, option.means, "nothing"))
        elif name in given.options and not re.fullmatch(option.pattern, value):
            wrong.append((name, option.means, f"`{value}`"))
    for name in given.options:
        if given.kind in KINDS and name not in options:
            choices = ", ".join(options) or "—"
            wrong.append(
                (name, Text(f"a setting of {given.kind}: {choices}", f"{given.kind} 的设置：{choices}"), f"`{name}`")
            )
    return wrong


def open_connector(given: Settings, getenv: Callable[[str], str | None], read: Callable[[str], str]) -> Connector:
    """Ready to send. Raises ValueError for settings that `lint` objects to, SecretError for a secret that is not there."""
    wrong = lint(given)
    if wrong:
        key, expected, got = wrong[0]
        raise ValueError(f"connector {given.id}: {key}: expected {expected.en}, got {got}")
    return KINDS[given.kind].open(given, resolve(given.secret, getenv, read))
