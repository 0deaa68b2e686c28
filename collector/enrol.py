"""How an agent gets its key: a one-time code made at the centre, used once within a day.

The agent makes the key itself and sends only its sha256 with the code, so the centre never knows a key.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256

import sqlalchemy as sa

from collector.store import tables as t

#: No letter that looks like a digit: a code is read out over a telephone and typed in a machine room. 95 bits.
_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LIFE_MS = 24 * 3_600_000
_SITE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


class EnrolError(Exception):
    """The code or the request is no good. The message says what was expected; it never holds a code."""


def new_code(conn: sa.Connection, site: str, now: int) -> str:
    """A code that lets one agent of `site` in, once, within 24 h. Raises `EnrolError` for a bad site id."""
    if not _SITE.match(site):
        raise EnrolError(f"expected a site id of letters, digits, dot, dash and underscore, got {site!r}")
    code = "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))
    conn.execute(
        t.enrol_codes.insert().values(code_sha256=_hash(code), site=site, made_at=now, expires_at=now + CODE_LIFE_MS)
    )
    return code


def redeem(conn: sa.Connection, site: str, code: str, key_sha256: str, now: int) -> str:
    """Use a code up; the new agent's id. The same key again gets the same answer: the first may have been lost."""
    if not _SHA256.match(key_sha256):
        raise EnrolError("expected key_sha256 as 64 hexadecimal digits")
    c, a = t.enrol_codes.c, t.agents.c
    known = conn.execute(sa.select(a.id, a.site, a.revoked_at).where(a.key_sha256 == key_sha256)).first()
    if known is not None and known.site == site and known.revoked_at is None and _made_by(conn, code, site):
        return str(known.id)
    if known is not None and known.revoked_at is not None:
        raise EnrolError(
            "expected a fresh key, got a revoked one; fix: remove the agent's key file, it makes a new one"
        )
    good = sa.and_(c.code_sha256 == _hash(code), c.site == site, c.used_at.is_(None), c.expires_at > now)
    if known is not None or not conn.execute(t.enrol_codes.update().where(good).values(used_at=now)).rowcount:
        raise EnrolError(
            f"expected an unused code for site {site!r}, less than 24 h old; make one: roundsman enrol {site}"
        )
    agent = secrets.token_hex(6)
    conn.execute(t.agents.insert().values(id=agent, site=site, key_sha256=key_sha256, enrolled_at=now))
    return agent


def register(conn: sa.Connection, site: str, key: str, now: int) -> str:
    """Let an agent with `key` in without a code: for the centre that starts its own agent (demo, run), and for programs that
    write lines. Raises `EnrolError` for a bad site id."""
    if not _SITE.match(site):
        raise EnrolError(f"expected a site id of letters, digits, dot, dash and underscore, got {site!r}")
    a = t.agents.c
    digest = sha256(key.encode()).hexdigest()
    known = conn.scalar(sa.select(a.id).where(a.key_sha256 == digest, a.site == site, a.revoked_at.is_(None)))
    if known:
        return str(known)
    agent = secrets.token_hex(6)
    conn.execute(t.agents.insert().values(id=agent, site=site, key_sha256=digest, enrolled_at=now))
    return agent


def revoke(conn: sa.Connection, name: str, now: int) -> int:
    """Take the key of an agent, or the keys of all agents of a site, away at once; how many were valid."""
    a = t.agents.c
    valid = sa.and_(sa.or_(a.id == name, a.site == name), a.revoked_at.is_(None))
    return conn.execute(t.agents.update().where(valid).values(revoked_at=now)).rowcount


def _made_by(conn: sa.Connection, code: str, site: str) -> bool:
    c = t.enrol_codes.c
    return conn.scalar(sa.select(c.site).where(c.code_sha256 == _hash(code), c.site == site)) is not None


def _hash(code: str) -> str:
    return sha256(code.encode()).hexdigest()
