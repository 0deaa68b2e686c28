"""The console's tables, and every query on them: people, one-time codes, sessions.

Secrets never stand here: codes and session tokens as sha256 (they are random, 256 bits), passwords as
scrypt. Times are the centre's story ms. The tables live in the centre's database, created by `mount`.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

users = sa.Table(
    "console_users",
    metadata,
    sa.Column("login", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("customer", sa.Text),
    sa.Column("password", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

codes = sa.Table(
    "console_codes",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, sa.ForeignKey("console_users.login"), nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger),
)

sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, sa.ForeignKey("console_users.login"), nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False, index=True),
)

keys = sa.Table(
    "console_keys",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sa.Column("login", sa.Text, sa.ForeignKey("console_users.login"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)

#: What a request with an idempotency key was answered, so that its repeat is answered the same.
once = sa.Table(
    "console_once",
    metadata,
    sa.Column("login", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
)


def put_user(conn: sa.Connection, values: dict[str, str | int | None]) -> None:
    """Add a person, or give one another name, role, customer or password (a missing password stays)."""
    kept = {k: v for k, v in values.items() if k not in ("login", "created_at") and not (k == "password" and v is None)}
    changed = conn.execute(users.update().where(users.c.login == values["login"]).values(kept))
    if not changed.rowcount:
        conn.execute(users.insert().values(values))


def user(conn: sa.Connection, login: str) -> sa.RowMapping | None:
    """One person by login."""
    return conn.execute(sa.select(users).where(users.c.login == login)).mappings().first()


def put_password(conn: sa.Connection, login: str, password: str) -> None:
    """Give a person another password (its hash)."""
    conn.execute(users.update().where(users.c.login == login).values(password=password))


def drop_others(conn: sa.Connection, login: str, hash: str) -> None:
    """End every session of a person but one."""
    conn.execute(sessions.delete().where(sessions.c.login == login, sessions.c.hash != hash))


def put_code(conn: sa.Connection, hash: str, login: str, expires_at: int) -> None:
    """Keep a fresh one-time code."""
    conn.execute(codes.insert().values(hash=hash, login=login, expires_at=expires_at, used_at=None))


def take_code(conn: sa.Connection, hash: str, now: int) -> str | None:
    """Use a code up and say whose it was. One statement, so that of two at once only one gets in."""
    fresh = sa.and_(codes.c.hash == hash, codes.c.used_at.is_(None), codes.c.expires_at > now)
    taken = conn.execute(codes.update().where(fresh).values(used_at=now).returning(codes.c.login)).first()
    return None if taken is None else str(taken[0])


def put_session(conn: sa.Connection, values: dict[str, str | int]) -> None:
    """Open a session, and sweep out those that ended."""
    conn.execute(sessions.delete().where(sessions.c.expires_at <= values["created_at"]))
    conn.execute(sessions.insert().values(values))


def session(conn: sa.Connection, hash: str, now: int) -> sa.RowMapping | None:
    """A live session joined with its person."""
    query = (
        sa.select(users.c.login, users.c.name, users.c.role, users.c.customer, sessions.c.csrf)
        .join(users, users.c.login == sessions.c.login)
        .where(sessions.c.hash == hash, sessions.c.expires_at > now)
    )
    return conn.execute(query).mappings().first()


def drop_session(conn: sa.Connection, hash: str) -> None:
    """Log out: the token is worth nothing from now on."""
    conn.execute(sessions.delete().where(sessions.c.hash == hash))


def put_key(conn: sa.Connection, values: dict[str, str | int]) -> None:
    """Keep a new key of the API."""
    conn.execute(keys.insert().values(values))


def keys_of(conn: sa.Connection, login: str) -> list[sa.RowMapping]:
    """A person's keys that are valid, newest first."""
    query = sa.select(keys).where(keys.c.login == login, keys.c.revoked_at.is_(None))
    return list(conn.execute(query.order_by(keys.c.created_at.desc(), keys.c.id)).mappings())


def revoke_key(conn: sa.Connection, login: str, id: str, now: int) -> bool:
    """End one of a person's own keys."""
    mine = keys.update().where(keys.c.id == id, keys.c.login == login, keys.c.revoked_at.is_(None))
    return conn.execute(mine.values(revoked_at=now)).rowcount == 1


def user_of_key(conn: sa.Connection, hash: str) -> sa.RowMapping | None:
    """The person whose valid key this is."""
    query = sa.select(users).join(keys, keys.c.login == users.c.login)
    return conn.execute(query.where(keys.c.hash == hash, keys.c.revoked_at.is_(None))).mappings().first()


def answered(conn: sa.Connection, login: str, key: str) -> sa.RowMapping | None:
    """What a request with this idempotency key was answered."""
    return conn.execute(sa.select(once).where(once.c.login == login, once.c.key == key)).mappings().first()


def put_answer(conn: sa.Connection, values: dict[str, str | int], forget_before: int) -> None:
    """Remember an answer, and forget the old ones."""
    conn.execute(once.delete().where(once.c.at < forget_before))
    conn.execute(once.insert().values(values))
