"""Whose fault a refused request is. `console.app` turns each into a page (or JSON below /v1)."""

from __future__ import annotations

import msgspec

from model.text import Text


class ConsoleError(Exception):
    """Base: a request that cannot be answered as asked. Trying it again unchanged will not help."""

    status = 400
    said: Text | None = None  #: what to tell the reader beyond the page's own words

    def __init__(self, why: str = "", said: Text | None = None) -> None:
        super().__init__(why)
        if said is not None:
            self.said = said


class NotLoggedIn(ConsoleError):
    """No session, or it ended: pages lead to the login."""

    status = 401


class NotAllowed(ConsoleError):
    """Logged in, but the role may not do this."""

    status = 403


class Forged(ConsoleError):
    """A write that did not come from one of our own pages."""

    status = 403


class NotThere(ConsoleError):
    """No such thing, or not this viewer's: the two look alike on purpose."""

    status = 404


class Refused(ConsoleError):
    """The desk does not take this act; it says why."""

    status = 409

    def __init__(self, said: Text) -> None:
        super().__init__(said.en, said)


_SAID: dict[type[ConsoleError], Text] = {
    NotLoggedIn: Text(
        "expected a key as `Authorization: Bearer KEY`, or a login", "应带 `Authorization: Bearer 密钥` 或先登录"
    ),
    NotAllowed: Text("your role may not do this", "您的角色不能执行此操作"),
    Forged: Text("expected a form sent from one of these pages", "应为本站页面提交的表单"),
    NotThere: Text("there is no such thing, or it is not yours to see", "不存在，或您无权查看"),
}


def as_json(error: ConsoleError) -> bytes:
    """`error` in English for logs, `said` for people in both languages, `code` for programs."""
    words = error.said or _SAID.get(type(error)) or Text(str(error), str(error))
    said = {"en": words.en, "zh": words.zh}
    return msgspec.json.encode({"error": str(error), "said": said, "code": type(error).__name__})
