"""Ways in: a one-time code on a link, or a name and password. Out: the session ends.

`now` is the centre's clock everywhere (story ms). Where that clock runs faster than real time, lifetimes
are stretched by `speed`, so that a person has the same real time to click.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque

import sqlalchemy as sa

from console import passwords, store
from console.viewer import Role, Viewer

CODE_LIFE_S = 4 * 3600
SESSION_LIFE_S = 7 * 86400


def one_time_code(
    conn: sa.Connection, user: str, role: Role | str, now: int, *, customer: str | None = None, speed: float = 1.0
) -> str:
    """A code for `/login?code=…`: works once, within four hours. Adds the person if need be.

    Raises ValueError when role customer comes without a customer.
    """
    put_user(conn, user, role, now, customer=customer)
    code = secrets.token_urlsafe(32)
    store.put_code(conn, _hash(code), user, now + round(CODE_LIFE_S * 1000 * max(speed, 1.0)))
    return code


def put_user(
    conn: sa.Connection,
    login: str,
    role: Role | str,
    now: int,
    *,
    customer: str | None = None,
    password: str | None = None,
    name: str | None = None,
) -> None:
    """Add or change a person. Raises ValueError on an unknown role, a short password, a customer without a customer."""
    role = Role(role)
    if (role is Role.CUSTOMER) != (customer is not None):
        raise ValueError(f"expected a customer for role customer and for no other, got {role} with {customer}")
    store.metadata.create_all(conn)
    kept = None if password is None else passwords.make(password)
    store.put_user(
        conn,
        {
            "login": login,
            "name": name or login,
            "role": role.value,
            "customer": customer,
            "password": kept,
            "created_at": now,
        },
    )


def redeem(conn: sa.Connection, code: str, now: int) -> str | None:
    """Whose the code was, used up from now on; None when unknown, used or too old (told apart to nobody)."""
    return store.take_code(conn, _hash(code), now)


def password_fits(conn: sa.Connection, login: str, password: str) -> bool:
    """Whether this person may come in. As slow for a name that nobody has."""
    row = store.user(conn, login)
    return passwords.matches(password, None if row is None else row["password"])


def change_password(conn: sa.Connection, login: str, old: str, new: str, token: str) -> bool:
    """Set one's own password; False when `old` is wrong (a person without one needs none). Other sessions end.

    Raises ValueError when the new one is too short.
    """
    row = store.user(conn, login)
    if row is None or (row["password"] is not None and not passwords.matches(old, row["password"])):
        return False
    store.put_password(conn, login, passwords.make(new))
    store.drop_others(conn, login, _hash(token))
    return True


def has_password(conn: sa.Connection, login: str) -> bool:
    """Whether this person can come in without a link."""
    row = store.user(conn, login)
    return row is not None and row["password"] is not None


def open_session(conn: sa.Connection, login: str, now: int, speed: float = 1.0) -> str:
    """A new session; the answer is the cookie's value, kept only as a hash."""
    token = secrets.token_urlsafe(32)
    expires_at = now + round(SESSION_LIFE_S * 1000 * max(speed, 1.0))
    store.put_session(
        conn,
        {
            "hash": _hash(token),
            "login": login,
            "csrf": secrets.token_urlsafe(24),
            "created_at": now,
            "expires_at": expires_at,
        },
    )
    return token


def viewer_of(conn: sa.Connection, token: str, now: int) -> Viewer | None:
    """Who holds this session, if it lives."""
    kept = store.session(conn, _hash(token), now)
    if kept is None:
        return None
    return Viewer(
        login=kept["login"],
        name=kept["name"],
        role=Role(kept["role"]),
        customer=kept["customer"],
        csrf=kept["csrf"],
    )


def make_key(conn: sa.Connection, login: str, name: str, now: int) -> str:
    """A key for the HTTP API with this person's role; told once, kept only as a hash."""
    secret = secrets.token_urlsafe(32)
    id = f"K-{secrets.token_hex(4)}"
    store.put_key(conn, {"id": id, "hash": _hash(secret), "login": login, "name": name[:100], "created_at": now})
    return secret


def viewer_of_key(conn: sa.Connection, key: str) -> Viewer | None:
    """Whose key it is, if it is valid."""
    kept = store.user_of_key(conn, _hash(key))
    if kept is None:
        return None
    return Viewer(login=kept["login"], name=kept["name"], role=Role(kept["role"]), customer=kept["customer"])


def close_session(conn: sa.Connection, token: str) -> None:
    """End it at the centre too, not only in the browser."""
    store.drop_session(conn, _hash(token))


class Attempts:
    """At most `limit` failed logins per key in `window_s`. The caller hands in monotonic seconds."""

    def __init__(self, limit: int = 8, window_s: float = 300.0) -> None:
        self._limit = limit
        self._window_s = window_s
        self._failed: dict[str, deque[float]] = {}

    def wait_s(self, key: str, now_s: float) -> float:
        """How long this key must still wait; 0.0 means go ahead."""
        failed = self._failed.get(key)
        if not failed:
            return 0.0
        while failed and failed[0] <= now_s - self._window_s:
            failed.popleft()
        if not failed:
            del self._failed[key]
            return 0.0
        return 0.0 if len(failed) < self._limit else failed[0] + self._window_s - now_s

    def failed(self, key: str, now_s: float) -> None:
        """Count one. Only the last `limit` matter, and at most 10,000 keys are remembered."""
        if key not in self._failed and len(self._failed) >= 10_000:
            self._failed.pop(next(iter(self._failed)))
        self._failed.setdefault(key, deque(maxlen=self._limit)).append(now_s)


def _hash(secret: str) -> str:
    """Plain sha256 is enough: these secrets are random, not chosen by people."""
    return hashlib.sha256(secret.encode()).hexdigest()
