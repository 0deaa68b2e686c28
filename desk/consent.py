"""The only gate through which an action on a customer's equipment may ever pass. It is closed by default.

`permitted` answers with a Permit or with words that name what is missing. No other module can make a Permit: it carries
a seal that lives here, and tests/desk/field/test_gate.py reads the whole tree for anybody who tries. A Permit is an
answer about one moment: ask again for the next action. Nothing is written here; desk.consenting records consents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from desk import agreement, field_sql, sql
from desk.policy import Policy
from desk.policy_file import parse
from desk.ticket import ENDED
from desk.types import Draft, Entry, EntryKind
from model.text import Text

_SEAL = object()


@dataclass(frozen=True, kw_only=True)
class Permit:
    """Leave for one action, now: `device` and `scope` as asked, by these consents and documents."""

    device: str
    scope: str
    ticket: str | None
    consents: tuple[str, ...]
    documents: tuple[str, ...]  #: hashes of what was signed
    granted_at: int
    until: int | None  #: the first instant at which one of the consents no longer holds
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("only desk.consent.permitted makes a Permit")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """No. `text` names all that is missing and what to do; `missing` one sentence for each gate that stays closed."""

    device: str | None
    scope: str
    text: Text
    missing: tuple[Text, ...] = ()


def permitted(
    conn: sa.Connection,
    target: str,
    scope: str,
    now: int,
    *,
    device: str | None = None,
    policy: Policy | None = None,
) -> Permit | Refusal:
    """May `scope` be done at `now`? `target` is a ticket, or a device where no ticket is open.

    A ticket brings its own pinned policy and, where it is about one, its device; a device alone needs `policy`, the
    contract in force. Consents of other tickets do not count; those given for a device without a ticket do.
    """
    if scope not in agreement.SCOPES:
        return _no(device, scope, NO_SCOPE.format(scope=scope, options=", ".join(agreement.SCOPES)))
    ticket = None if "/" in target else target
    ledger: list[Entry] = []
    if ticket is not None:
        held = sql.ticket(conn, ticket)
        if held is None:
            return _no(device, scope, NO_TICKET.format(ticket=ticket))
        if held.state in ENDED:
            return _no(device, scope, agreement.OVER)
        ledger = sql.entries(conn, ticket)
        policy = _kept(conn, held.policy)
        root = held.key.root.partition("#")[0]
        device = device or held.device or (root if "/" in root else None)
    else:
        device = device or target
        if device != target:
            return _no(device, scope, OTHER.format(device=device, target=target))
    if policy is None:
        return _no(device, scope, NO_POLICY.format(target=target))
    if device is None:
        return _no(device, scope, NO_DEVICE.format(ticket=ticket))
    newest = max([field_sql.newest_record(conn), *(e.recorded_at for e in ledger)])
    back = agreement.jumped_back(newest, now)
    if back is not None:
        return _no(device, scope, back)
    wanted = agreement.gates(policy, scope)
    consents = agreement.fold(_marks(conn, ticket), now)
    opening, missing = agreement.lacking(wanted, consents, device, now)
    if missing:
        return _no(device, scope, agreement.joined(missing), tuple(missing))
    ends = [end for gate in wanted for c in opening if c.scope == gate.scope and (end := c.expiry(gate)) is not None]
    return Permit(
        device=device,
        scope=scope,
        ticket=ticket,
        consents=tuple(dict.fromkeys(c.id for c in opening)),
        documents=tuple(dict.fromkeys(m.document for c in opening for m in c.given.values() if m.document)),
        granted_at=now,
        until=min(ends, default=None),
        seal=_SEAL,
    )


def refusal(
    conn: sa.Connection, policy: Policy, ticket: str, ledger: Sequence[Entry], draft: Draft, now: int
) -> Text | None:
    """Why an entry may not be written to a ticket's ledger; None when it may. For the one place that writes them.

    What counts is the field's book, not the ledger's copy: an entry that says "consent given" without it is refused, too.
    """
    if draft.kind is EntryKind.CONSENT:
        return None if _in_book(conn, ticket, draft) else UNTRUE.format(consent=draft.data.get("consent"))
    wanted = agreement.demanded(policy, draft.kind, agreement.carried_out(ledger, draft))
    return agreement.judged(wanted, ledger, _marks(conn, ticket), draft, now) if wanted else None


def _marks(conn: sa.Connection, ticket: str | None) -> list[agreement.Mark]:
    lines = field_sql.lines(conn, "consent")
    return [agreement.mark_of_line(line) for line in lines if line.ticket in (None, ticket)]


def _in_book(conn: sa.Connection, ticket: str, draft: Draft) -> bool:
    return any(
        line.ticket == ticket
        and line.at == draft.at
        and line.event == draft.data.get("state")
        and line.data.get("part") == draft.data.get("part")
        for line in field_sql.lines(conn, "consent", id=str(draft.data.get("consent")))
    )


def _kept(conn: sa.Connection, pin: str) -> Policy | None:
    body = sql.policy_body(conn, pin)
    return None if body is None else _parsed(body)


@lru_cache(maxsize=64)
def _parsed(body: str) -> Policy | None:
    return parse(body, "kept policy")[0]


def _no(device: str | None, scope: str, text: Text, missing: tuple[Text, ...] = ()) -> Refusal:
    return Refusal(device=device, scope=scope, text=text, missing=missing)


NO_SCOPE = Text(
    "no such scope: expected one of {options}, got {scope}", "没有此授权范围：应为 {options} 之一，实为 {scope}"
)
NO_TICKET = Text(
    "not permitted: there is no ticket {ticket}; expected an open ticket or a device (site/device)",
    "不允许：没有工单 {ticket}；应为未关闭工单或设备（站点/设备）",
)
NO_POLICY = Text(
    "not permitted: the contract of {target} is not known, or its kept text cannot be read; name the policy",
    "不允许：不知 {target} 适用的合同，或其存档无法读取；请给出策略",
)
NO_DEVICE = Text(
    "not permitted: ticket {ticket} is about no single device; name the device to act on",
    "不允许：工单 {ticket} 不针对单一设备；请指明要操作的设备",
)
OTHER = Text("not permitted: asked for {target}, but to act on {device}", "不允许：所问为 {target}，所操作为 {device}")
UNTRUE = Text(
    "consent {consent} says otherwise: consents are recorded with `roundsman field consent` only",
    "与授权 {consent} 的记录不符：授权只能经 `roundsman field consent` 登记",
)
