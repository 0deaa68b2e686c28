"""Whose fault a refused request is. `console.app` turns each into a page (or JSON below /v1)."""

from __future__ import annotations

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
