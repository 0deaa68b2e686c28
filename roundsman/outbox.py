"""`roundsman outbox …`: what has not gone out, why, and once more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from collector.store import writing
from desk import messages_sql, outbox
from model.text import Text
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, language, put, say

_STATES = {
    "pending": Text("waits", "等待中"),
    "refused": Text("refused", "被拒绝"),
    "delivered": Text("delivered", "已送达"),
}
_DROPPED_MOST = 100


def list_outbox(collector: Path | None, ticket: str | None, *, everything: bool, dropped: bool, as_json: bool) -> int:
    """What waits or was refused, oldest first; `dropped` shows what was heard and became no entry instead."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            if dropped:
                _list_dropped(conn, as_json)
                return 0
            now = centre.now()
            states = (None,) if everything else ("pending", "refused")
            rows = sorted((row for state in states for row in outbox.rows(conn, ticket, state)), key=lambda row: row.id)
            waiting = outbox.waiting(conn)
    except NoCentreError as error:
        complain(error.text)
        return 1
    for row in rows:
        if as_json:
            put({name: value for name, value in msgspec.to_builtins(row).items() if name not in ("id", "body")})
        else:
            why = f"  {row.error}" if row.error else ""
            say(f"{row.key}  {_STATES[row.state][language()]}  {_when(row.created_at)}  ×{row.attempts}{why}")
    if as_json:
        return 0
    for each in waiting:
        age = "" if each.oldest_at is None else f"{(now - each.oldest_at) / 60_000:.0f} min"
        say(
            Text(
                f"{each.connector}: {each.pending} waiting {age}, {each.refused} refused",
                f"{each.connector}：{each.pending} 条等待 {age}，{each.refused} 条被拒绝",
            )
        )
    if not rows:
        say(Text("everything has gone out", "全部已发出"))
    return 0


def again(keys: tuple[str, ...], collector: Path | None, *, all_of: str | None) -> int:
    """Put refused messages back in the queue, by key, or all of a connector."""
    if bool(keys) == bool(all_of):
        complain(
            Text(
                "expected keys, or --all CONNECTOR; `roundsman outbox list` shows both",
                "应给出消息键，或 --all 连接器；用 `roundsman outbox list` 查看",
            )
        )
        return 2
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            wanted = list(keys) or [row.key for row in outbox.rows(conn, state="refused") if row.connector == all_of]
            unknown = [key for key in wanted if not outbox.send_again(conn, key)]
    except NoCentreError as error:
        complain(error.text)
        return 1
    for key in unknown:
        complain(
            Text(
                f"no refused message {key}: `roundsman outbox list` shows them",
                f"没有被拒绝的消息 {key}：用 `roundsman outbox list` 查看",
            )
        )
    sent = len(wanted) - len(unknown)
    say(Text(f"{sent} back in the queue", f"{sent} 条已重新排队"))
    return int(bool(unknown))


def _list_dropped(conn: sa.Connection, as_json: bool) -> None:
    """What strangers and machines wrote, and why it is in no ledger."""
    for row in messages_sql.dropped(conn, _DROPPED_MOST):
        if as_json:
            put({name: getattr(row, name) for name in row._fields})
        else:
            say(f"{_when(row.heard_at)}  {row.connector}  {row.who}  {row.id}  {row.dropped}")


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(sep=" ", timespec="seconds")
