"""Recording consents: asked for, signed part by part, refused, withdrawn, expired; each with its paper.

Every mark is a line of the field's book and, where the consent belongs to a ticket, an entry of its ledger, in the
caller's transaction. What a mark opens is desk.agreement's to say, and desk.consent's to answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

import desk.store as desk
from desk import agreement, documents, field_sql
from desk.agreement import PARTS, Consent, scope_name
from desk.lines import Data, FieldRefused, Line, Subject, not_ahead, one_of
from desk.policy import Gate, Policy
from desk.telling import tell
from desk.types import Draft, EntryKind
from model.inventory import Inventory
from model.text import Text

_DONE = {
    "given": Text("given", "已给出"),
    "refused": Text("refused", "已拒绝"),
}


def ask(
    conn: sa.Connection,
    policy: Policy,
    inventory: Inventory,
    scope: str,
    devices: Sequence[str],
    who: str,
    at: int,
    now: int,
    *,
    ticket: str | None = None,
    expires_at: int | None = None,
    text: str = "",
) -> Line:
    """Begin a consent for `scope` on `devices`. Without a ticket it must end by itself. Raises FieldRefused."""
    not_ahead(at, now)
    one_of(Text("scope", "授权范围"), scope, agreement.SCOPES)
    if not devices:
        raise FieldRefused(NO_DEVICES)
    for device in devices:
        one_of(Text("device", "设备"), device, sorted(inventory.devices))
    owners = {inventory.site(device.partition("/")[0]).customer for device in devices}
    if ticket is not None:
        owners.add(desk.ticket(conn, ticket).customer)
    if len(owners) != 1:
        raise FieldRefused(OTHERS.format(customers=", ".join(sorted(owners))))
    wanted = agreement.gates(policy, scope)
    if ticket is None and expires_at is None and any(gate.valid is None for gate in wanted):
        raise FieldRefused(NO_END)
    if expires_at is not None and expires_at <= at:
        raise FieldRefused(ENDS_EARLY)
    named = [gate.title for gate in wanted if gate.scope == scope]
    title = Text(", ".join(t.en for t in named), "、".join(t.zh for t in named))
    said = Text(f"{title.en} asked for", f"申请{title.zh}") if named else Text("asked for", "申请")
    if text:
        said = Text(f"{said.en}: {text}", f"{said.zh}：{text}")
    data: Data = {
        "scope": scope,
        "devices": ",".join(devices),
        "expires_at": expires_at,
        "policy": policy.pin,
        "needs": ",".join(dict.fromkeys(p for g in wanted if g.scope == scope for p in g.needs)),
        "source": ", ".join(g.source for g in wanted if g.scope == scope),
    }
    site = devices[0].partition("/")[0]
    of = Subject(customer=owners.pop(), site=site, device=devices[0] if len(devices) == 1 else None, ticket=ticket)
    line = field_sql.begin(conn, "consent", "C", "asked", who, at, now, said, of=of, data=data)
    _copy(conn, line, now)
    return line


def sign(
    conn: sa.Connection,
    consent: str,
    part: str,
    signer: str,
    who: str,
    at: int,
    now: int,
    *,
    document: str | None = None,
    state: str = "given",
    text: str = "",
) -> Line:
    """One part was given or refused by `signer`, entered by `who`. Written parts need their document's hash.

    Raises FieldRefused: not asked for, over, out of order, both sides by one hand, or no document.
    """
    not_ahead(at, now)
    asked, held = _open(conn, consent, now)
    one_of(Text("part", "授权部分"), part, str(asked.data["needs"]).split(","))
    one_of(Text("answer", "答复"), state, _DONE)
    if at < held.asked_at:
        raise FieldRefused(BEFORE_ASKED.format(consent=consent))
    if not signer.strip():
        raise FieldRefused(NO_SIGNER)
    if state == "given":
        if part in agreement.WRITTEN and not document:
            raise FieldRefused(NO_DOCUMENT.format(part=PARTS[part].en, part_zh=PARTS[part].zh))
        if document and not documents.find(conn, hash=document, customer=asked.customer):
            raise FieldRefused(NO_PAPER.format(document=document))
        _in_order(held, part, signer, str(asked.data["needs"]).split(","))
    side = "customer" if part in agreement.OF_CUSTOMER else "provider"
    said = Text(f"{PARTS[part].en}: {_DONE[state].en} by {signer}", f"{PARTS[part].zh}：{signer} {_DONE[state].zh}")
    if text:
        said = Text(f"{said.en}: {text}", f"{said.zh}：{text}")
    data: Data = {
        "scope": held.scope,
        "devices": ",".join(held.devices),
        "part": part,
        "party": side,
        "signer": signer,
        "document": document,
        "expires_at": held.expires_at,
    }
    line = field_sql.add(conn, "consent", consent, state, who, at, now, said, data=data)
    _copy(conn, line, now)
    return line


def withdraw(
    conn: sa.Connection, consent: str, signer: str, who: str, at: int, now: int, text: str = "", party: str = "customer"
) -> Line:
    """It no longer holds, from `at` on, for good. Raises FieldRefused."""
    not_ahead(at, now)
    _, held = _open(conn, consent, now)
    if at < held.asked_at:
        raise FieldRefused(BEFORE_ASKED.format(consent=consent))
    said = Text(f"withdrawn by {signer}", f"{signer} 撤回")
    if text:
        said = Text(f"{said.en}: {text}", f"{said.zh}：{text}")
    data: Data = {"scope": held.scope, "devices": ",".join(held.devices), "party": party, "signer": signer}
    line = field_sql.add(conn, "consent", consent, "withdrawn", who, at, now, said, data=data)
    _copy(conn, line, now)
    return line


def expire(conn: sa.Connection, now: int) -> list[str]:
    """Write down which consents ran out since, so that no clock that jumps back revives them. For the tick."""
    ended = []
    for held, asked in _all(conn, now):
        when = held.expires_at
        if when is None or held.ended is not None or when > now:
            continue
        data: Data = {"scope": held.scope, "devices": ",".join(held.devices)}
        said = Text("expired", "已到期")
        line = field_sql.add(conn, "consent", held.id, "expired", "roundsman", when, now, said, data=data)
        if asked.ticket is not None:
            _copy(conn, line, now)
        ended.append(held.id)
    return ended


def consents(
    conn: sa.Connection, now: int, *, ticket: str | None = None, device: str | None = None
) -> list[tuple[Consent, Line]]:
    """How each stands now, with the line that began it."""
    found = _all(conn, now)
    return [
        (held, asked)
        for held, asked in found
        if (ticket is None or held.ticket == ticket) and (device is None or device in held.devices)
    ]


def gate_of(policy: Policy, scope: str) -> tuple[Gate, ...]:
    """What `scope` needs under this contract, for people to read before they ask."""
    return agreement.gates(policy, scope)


def _all(conn: sa.Connection, now: int) -> list[tuple[Consent, Line]]:
    lines = field_sql.lines(conn, "consent")
    first = {line.id: line for line in lines if line.seq == 1}
    return [(held, first[held.id]) for held in agreement.fold(map(agreement.mark_of_line, lines), now)]


def _open(conn: sa.Connection, consent: str, now: int) -> tuple[Line, Consent]:
    """The first line and the standing of a consent that is not over. Raises FieldRefused."""
    lines = field_sql.lines(conn, "consent", id=consent)
    held = next(iter(agreement.fold(map(agreement.mark_of_line, lines), now)), None)
    if held is None:
        raise FieldRefused(NO_CONSENT.format(consent=consent))
    if held.ended is not None or (held.expires_at is not None and held.expires_at <= now):
        raise FieldRefused(ENDED.format(consent=consent))
    return lines[0], held


def _in_order(held: Consent, part: str, signer: str, needs: Sequence[str]) -> None:
    order = ["plan_drafted", "plan_tested"]
    before = order[: order.index(part)] if part in order else order
    absent = [PARTS[p] for p in before if p in needs and p not in held.given]
    if absent:
        raise FieldRefused(
            TOO_EARLY.format(first=", ".join(t.en for t in absent), first_zh="、".join(t.zh for t in absent))
        )
    other = {"customer_written": "provider_written", "provider_written": "customer_written"}.get(part)
    mark = held.given.get(other or "")
    if mark is not None and mark.who == signer:
        raise FieldRefused(agreement.ONE_HAND.format(who=signer))


def _copy(conn: sa.Connection, line: Line, now: int) -> None:
    """The same mark in the ledger of its ticket, once."""
    if line.ticket is None:
        return
    keys = ("scope", "part", "party", "signer", "devices", "document", "expires_at")
    data = {"consent": line.id, "state": line.event, **{k: line.data.get(k) for k in keys}}
    scope = scope_name(str(line.data["scope"]))
    said = Text(f"{line.id}, {scope.en}: {line.text.en}", f"{line.id}，{scope.zh}：{line.text.zh}")
    draft = Draft(at=line.at, who=line.who, kind=EntryKind.CONSENT, text=said, data=data)
    tell(conn, line.ticket, [draft], now)


NO_DEVICES = Text(
    "a consent names the devices it is for: expected at least one (site/device), got none",
    "授权须写明设备：至少一台（站点/设备），实为空",
)
OTHERS = Text(
    "one consent is one customer's: these devices and the ticket belong to {customers}",
    "一份授权只属于一个客户：所列设备与工单分属 {customers}",
)
NO_END = Text(
    "without a ticket a consent must end by itself: give --expires",
    "不属于工单的授权必须有到期时间：请给出 --expires",
)
ENDS_EARLY = Text("it would expire before it was asked for; give a later end", "到期早于申请；请给出更晚的到期时间")
BEFORE_ASKED = Text(
    "{consent} was asked for later than that; expected a time after the asking",
    "{consent} 的申请晚于该时间；时间应在申请之后",
)
NO_SIGNER = Text("who gave it? name the signer", "由谁给出？请写明签署人")
NO_DOCUMENT = Text(
    "{part} is a written one: put the signed paper in and give its hash (--document)",
    "{part_zh}须为书面：请存入签署文件并给出其摘要（--document）",
)
NO_PAPER = Text(
    "document {document} is not kept here, or not this customer's: put the signed paper in first (--file)",
    "文件 {document} 未存档，或不属于该客户：请先存入签署文件（--file）",
)
NO_CONSENT = Text(
    "no consent {consent}: `roundsman field consent list` shows them",
    "没有授权 {consent}：用 `roundsman field consent list` 查看",
)
ENDED = Text(
    "{consent} is over (withdrawn or expired); ask for a new one",
    "{consent} 已终止（撤回或到期）；请重新申请",
)
TOO_EARLY = Text("too early: {first} must be there first", "过早：须先有{first_zh}")
