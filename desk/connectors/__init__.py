"""Other people's systems: one way out a file, in the table below. To add one: copy `_blueprint.py`, add a line to KINDS.

A connector sends one message and says what became of it. It never retries, waits between attempts or touches the
database: desk.outbox does. It may be asked to send the same message again (a crash between sending and noting), with the
same key; it passes the key on so that the receiver can tell.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from alerts.types import identity
from desk.connectors.types import Audience, Connector, Delivered, Later, Message, Outcome, Refused, Settings
from desk.connectors.webhook import Webhook
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

#: kind -> how to open it with its resolved secret.
KINDS: dict[str, Callable[[Settings, str], Connector]] = {
    "webhook": Webhook,
}


def settings(kind: str, url: str, secret: str, customer: str = "*", to: Audience = "desk", id: str = "") -> Settings:
    """Settings with an id made from what they point at, unless one is given: the same line, the same id."""
    made = id or f"{kind}-{identity(kind, url, customer, to)[:8]}"
    return Settings(id=made, kind=kind, url=url, secret=secret, customer=customer, to=to)


def lint(given: Settings) -> list[tuple[str, Text, str]]:
    """What is wrong with them: (key, expected, got). Empty when they can serve."""
    wrong = []
    if given.kind not in KINDS:
        options = ", ".join(KINDS)
        wrong.append(("kind", Text(f"one of {options}", f"以下之一：{options}"), f"`{given.kind}`"))
    parts = urlsplit(given.url)
    if not (parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or ""))):
        expected = Text("an https:// address (http:// only to this machine)", "https:// 地址（http:// 仅限本机）")
        wrong.append(("url", expected, f"`{parts.scheme}://{parts.hostname or ''}`"))
    if not is_reference(given.secret):
        expected = Text("a reference env:NAME or file:PATH", "引用 env:名称 或 file:路径")
        wrong.append(("secret", expected, "a literal (not shown)" if given.secret else "nothing"))
    return wrong


def open_connector(given: Settings, getenv: Callable[[str], str | None], read: Callable[[str], str]) -> Connector:
    """Ready to send. Raises ValueError for settings that `lint` objects to, SecretError for a secret that is not there."""
    wrong = lint(given)
    if wrong:
        key, expected, got = wrong[0]
        raise ValueError(f"connector {given.id}: {key}: expected {expected.en}, got {got}")
    return KINDS[given.kind](given, resolve(given.secret, getenv, read))


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
