"""Consents, pure: which acts need one, how each stands, and what is missing. desk.consent is the gate that asks here.

A consent is a fold of marks: asked, then each part given (or refused) by somebody, perhaps withdrawn. Rules:
- Closed by default: what is not recorded was not given. A consent is for one scope, named devices and one contract;
  for another device or scope it is none.
- A plan comes first, its test second, signatures last: a new plan (another document) makes the older test and
  signatures void, and a signature under an untested plan is none.
- Withdrawn or expired is over for good; a new consent is needed. A ticket's consents end with the ticket.
- What counts is what had *happened* when the act happened, both as recorded; a signature that came later heals nothing.
- A clock that stands before the newest record has jumped back: nothing is permitted, or what expired would live again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import msgspec

from desk.duration import HOUR_MS
from desk.lines import Line
from desk.policy import Gate, Policy
from desk.types import Draft, Entry, EntryKind
from model.text import Text

#: The line that closes a ticket for consents.
_ENDS = (EntryKind.CLOSED, EntryKind.MERGED)
REMOTE, IMPLEMENTATION, ONSITE_CHANGE, EQUIPMENT = "remote_access", "implementation", "onsite_change", "equipment"
SCOPES = (REMOTE, IMPLEMENTATION, ONSITE_CHANGE, EQUIPMENT)
_CHANGES = (IMPLEMENTATION, ONSITE_CHANGE)
#: Kinds of entries that are always a change on the equipment; any other with `change` in its data is one, too.
ALWAYS_A_CHANGE = (EntryKind.PART_FITTED, EntryKind.LENT)
#: Steps of a visit; planning it, and calling it off, carry nothing out.
_MOVES = (EntryKind.VISIT, EntryKind.DISPATCHED, EntryKind.ONSITE)
#: Which parts void the later ones when they are given anew.
_STAGE = {"plan_drafted": 0, "plan_tested": 1}
#: The side of the customer.
OF_CUSTOMER = ("customer_authorization", "customer_written")
#: Parts that are a paper: without the document's hash they are not given.
WRITTEN = ("plan_drafted", "plan_tested", "supervisor_signature", "customer_written", "provider_written")
#: A clock may be this much behind the newest record before it has jumped back (two processes of one machine).
SLACK_MS = 5000

PARTS: dict[str, Text] = {
    "customer_authorization": Text("the customer's authorization", "客户授权"),
    "supervisor_signature": Text("the supervisor's signature", "主管领导签字"),
    "plan_drafted": Text("the drafted plan", "拟定的方案"),
    "plan_tested": Text("the test of the plan", "方案测试"),
    "customer_written": Text("the customer's written consent", "客户书面同意"),
    "provider_written": Text("our written confirmation", "我方书面确认"),
}
_SCOPES: dict[str, Text] = {
    REMOTE: Text("remote access", "远程接入"),
    IMPLEMENTATION: Text("implementation", "实施"),
    ONSITE_CHANGE: Text("a change on site", "现场变更"),
    EQUIPMENT: Text("an action on the equipment", "对设备的操作"),
}
#: What stands in where the contract names no gate: nobody acts on a customer's equipment unasked.
UNWRITTEN = Gate(
    id="customer_authorization",
    scope=EQUIPMENT,
    title=Text("the customer's recorded authorization", "客户授权记录"),
    needs=("customer_authorization",),
    valid=None,
    source="decided",
)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a consent's story. `state` asked | given | refused | withdrawn | expired."""

    consent: str
    scope: str
    state: str
    part: str | None
    party: str  #: customer | provider
    who: str
    at: int
    recorded_at: int
    devices: tuple[str, ...]
    document: str | None  #: its hash
    expires_at: int | None
    ticket: str | None


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """How one consent stood at an instant."""

    id: str
    scope: str
    ticket: str | None
    devices: tuple[str, ...]
    asked_at: int
    expires_at: int | None  #: as was written down; the gate's `valid` may end it earlier
    given: dict[str, Mark] = {}
    refused: Mark | None = None  #: the newest refusal that nobody took back
    ended: Mark | None = None  #: withdrawn, or found expired

    def expiry(self, gate: Gate) -> int | None:
        """The first instant at which it no longer holds under `gate`; None: with its ticket."""
        ends = [self.expires_at] if self.expires_at is not None else []
        if gate.valid is not None and self.given:
            ends.append(_after(max(m.at for m in self.given.values()), gate))
        return min(ends, default=None)


def mark_of_line(line: Line) -> Mark:
    return _mark(line.id, line.ticket, line.at, line.recorded_at, line.who, {**line.data, "state": line.event})


def marks_of_ledger(ledger: Iterable[Entry]) -> list[Mark]:
    """The consents' marks that a ticket's ledger keeps."""
    return [
        _mark(str(e.data.get("consent")), e.ticket, e.at, e.recorded_at, e.who, e.data)
        for e in ledger
        if e.kind is EntryKind.CONSENT
    ]


def fold(marks: Iterable[Mark], at: int) -> list[Consent]:
    """The consents as they stood at `at`, by id."""
    stories: dict[str, list[Mark]] = {}
    for mark in sorted(marks, key=lambda m: (m.at, m.recorded_at)):
        if mark.at <= at:
            stories.setdefault(mark.consent, []).append(mark)
    return [_one(story) for _, story in sorted(stories.items()) if story[0].state == "asked"]


def standing(ledger: Sequence[Entry], now: int) -> list[Consent]:
    """The consents of a ticket, from its ledger alone."""
    return fold(marks_of_ledger(ledger), now)


def demanded(policy: Policy, kind: EntryKind, data: Mapping[str, object]) -> tuple[Gate, ...]:
    """The gates of the contract that stand before such an entry; () where it asks for none."""
    wanted: tuple[str, ...] = ()
    if kind in ALWAYS_A_CHANGE or data.get("change"):
        wanted += _CHANGES
    if data.get("channel") == "remote" and kind in _MOVES and not _not_yet(kind, data):
        wanted += (REMOTE,)
    return tuple(gate for gate in policy.gates if gate.scope in wanted)


def carried_out(ledger: Sequence[Entry], draft: Draft) -> Mapping[str, object]:
    """The draft's data, with `change` and `channel` of the visit that is carried out by it: nothing told with it undoes them.

    Whoever leaves or arrives without naming a visit is on the one that is open, where that is a planned change.
    """
    if _not_yet(draft.kind, draft.data):
        return draft.data
    plans = {str(e.data["visit"]): e.data for e in ledger if e.data.get("visit") and e.data.get("state") == "planned"}
    plan = plans.get(str(draft.data.get("visit")))
    if plan is not None:
        channel = "remote" if plan.get("channel") == "remote" else draft.data.get("channel")
        return {**draft.data, "channel": channel, "change": draft.data.get("change") or plan.get("with_change")}
    if draft.kind not in _MOVES:
        return draft.data
    over = {e.data.get("visit") for e in ledger if e.data.get("state") in ("done", "called_off")}
    engineer = draft.data.get("engineer")
    likely = [
        data
        for id, data in plans.items()
        if id not in over and data.get("channel") != "remote" and engineer in (None, data.get("engineer"))
    ]
    meant = bool(likely) and all(data.get("with_change") for data in likely)
    return {**draft.data, "change": 1} if meant else draft.data


def gates(policy: Policy, scope: str) -> tuple[Gate, ...]:
    """What an action by this product itself needs: never nothing.

    Acting on equipment from here is remote and a change: all that the contract demands of these holds, too, and the
    customer has agreed in one of them or by an authorization of its own.
    """
    scopes = (scope, *_CHANGES, REMOTE) if scope == EQUIPMENT else (scope,)
    found = tuple(gate for gate in policy.gates if gate.scope in scopes)
    if not found or (scope == EQUIPMENT and not any(set(gate.needs) & set(OF_CUSTOMER) for gate in found)):
        found += (msgspec.structs.replace(UNWRITTEN, scope=scope),)
    return found


def lacking(
    wanted: Sequence[Gate], consents: Sequence[Consent], device: str | None, at: int
) -> tuple[list[Consent], list[Text]]:
    """The consents that open the gates, and words for each gate that stays closed. `device` None: of any device."""
    opening: list[Consent] = []
    missing: list[Text] = []
    for gate in wanted:
        tried = [(c, _against(gate, c, device, at)) for c in consents if c.scope == gate.scope]
        good = next((c for c, why in tried if not why), None)
        if good is not None:
            opening.append(good)
        else:
            missing.append(_closed(gate, [(c.id, why) for c, why in tried]))
    return opening, missing


def jumped_back(newest_record: int, now: int) -> Text | None:
    """Words when the clock stands before what was already recorded."""
    if now >= newest_record - SLACK_MS:
        return None
    return CLOCK_BACK.format(now=_stamp(now), newest=_stamp(newest_record))


def refusal(policy: Policy, ledger: Sequence[Entry], draft: Draft, now: int) -> Text | None:
    """Why an entry may not stand on this ledger; None when it may. Judged at the moment when it happened."""
    wanted = demanded(policy, draft.kind, carried_out(ledger, draft))
    if not wanted:
        return None
    return judged(wanted, ledger, marks_of_ledger(ledger), draft, now)


def judged(
    wanted: Sequence[Gate], ledger: Sequence[Entry], marks: Sequence[Mark], draft: Draft, now: int
) -> Text | None:
    """As `refusal`, from the marks that the caller trusts."""
    back = jumped_back(max((e.recorded_at for e in ledger), default=0), now)
    if back is not None:
        return back
    if draft.at > now:
        return AHEAD
    over = [e.at for e in ledger if e.kind in _ENDS]
    if over and draft.at >= min(over) and not any(e.kind is EntryKind.REOPENED and e.at >= min(over) for e in ledger):
        return OVER
    device = draft.data.get("device") or _device(ledger)
    _, missing = lacking(wanted, fold(marks, draft.at), None if device is None else str(device), draft.at)
    return joined(missing) if missing else None


def joined(missing: Sequence[Text]) -> Text:
    """One sentence of all that is missing, and what to do."""
    return Text(
        f"not permitted: {'; '.join(t.en for t in missing)}. Nothing was recorded as done; get what is missing with "
        "`roundsman field consent`, a note can tell what happened meanwhile",
        f"不允许：{'；'.join(t.zh for t in missing)}。未作任何执行记录；请用 `roundsman field consent` 补齐，"
        "期间情况可写备注",
    )


def _not_yet(kind: EntryKind, data: Mapping[str, object]) -> bool:
    return kind is EntryKind.VISIT and data.get("state") in ("planned", "called_off")


def scope_name(scope: str) -> Text:
    return _SCOPES.get(scope, Text(scope, scope))


def _one(story: Sequence[Mark]) -> Consent:
    asked = story[0]
    given: dict[str, Mark] = {}
    refused: Mark | None = None
    ended: Mark | None = None
    for mark in story[1:]:
        if mark.state in ("withdrawn", "expired"):
            ended = ended or mark
        elif mark.part is None:
            continue
        elif mark.state == "refused":
            given.pop(mark.part, None)
            refused = mark
        elif mark.state == "given" and (mark.document is not None or mark.part not in WRITTEN):
            stage = _STAGE.get(mark.part, 2)
            if stage == 0:
                given = {}
            given[mark.part] = mark
            refused = None if refused and refused.part == mark.part else refused
    return Consent(
        id=asked.consent,
        scope=asked.scope,
        ticket=asked.ticket,
        devices=asked.devices,
        asked_at=asked.at,
        expires_at=asked.expires_at,
        given=given,
        refused=refused,
        ended=ended,
    )


def _against(gate: Gate, consent: Consent, device: str | None, at: int) -> list[Text]:
    """Everything that speaks against this consent opening this gate."""
    why: list[Text] = []
    if consent.ended is not None:
        words = WITHDRAWN if consent.ended.state == "withdrawn" else EXPIRED
        why.append(words.format(at=_stamp(consent.ended.at), who=consent.ended.who))
    expiry = consent.expiry(gate)
    if expiry is not None and at >= expiry and consent.ended is None:
        why.append(EXPIRED.format(at=_stamp(expiry)))
    if device is not None and device not in consent.devices:
        why.append(OTHER_DEVICE.format(devices=", ".join(consent.devices), device=device))
    if consent.refused is not None:
        why.append(REFUSED.format(who=consent.refused.who, at=_stamp(consent.refused.at)))
    absent = [part for part in gate.needs if not _counts(gate, consent, part)]
    if absent:
        names = [PARTS.get(part, Text(part, part)) for part in absent]
        why.append(
            Text(f"missing {', '.join(n.en for n in names)}", f"缺少{'、'.join(n.zh for n in names)}"),
        )
    signers = {m.who for part, m in consent.given.items() if part in ("customer_written", "provider_written")}
    both = {"customer_written", "provider_written"} <= set(consent.given)
    if both and len(signers) == 1:
        why.append(ONE_HAND.format(who=next(iter(signers))))
    return why


def _counts(gate: Gate, consent: Consent, part: str) -> bool:
    mark = consent.given.get(part)
    if mark is None:
        return False
    stage = _STAGE.get(part, 2)
    earlier = [p for p in gate.needs if _STAGE.get(p, 2) < stage]
    return all((first := consent.given.get(p)) is not None and first.at <= mark.at for p in earlier)


def _closed(gate: Gate, tried: Sequence[tuple[str, list[Text]]]) -> Text:
    needs = [PARTS.get(part, Text(part, part)) for part in gate.needs]
    head = Text(
        f"{gate.title.en} ({gate.source}) for {scope_name(gate.scope).en}",
        f"{scope_name(gate.scope).zh}需{gate.title.zh}（{gate.source}）",
    )
    if not tried:
        return Text(
            f"{head.en}: no consent is recorded, it needs {', '.join(n.en for n in needs)}",
            f"{head.zh}：没有授权记录，需要{'、'.join(n.zh for n in needs)}",
        )
    en = "; ".join(f"{id}: {', '.join(t.en for t in why)}" for id, why in tried)
    zh = "；".join(f"{id}：{'，'.join(t.zh for t in why)}" for id, why in tried)
    return Text(f"{head.en}: {en}", f"{head.zh}：{zh}")


def _device(ledger: Sequence[Entry]) -> str | None:
    """The device that a ticket is about, where it is one."""
    for entry in ledger:
        if entry.kind is EntryKind.OPENED:
            named = entry.data.get("device")
            root = str(entry.data.get("root") or "").partition("#")[0]
            return str(named) if named else root if "/" in root else None
    return None


def _mark(consent: str, ticket: str | None, at: int, recorded_at: int, who: str, data: Mapping[str, object]) -> Mark:
    named = data.get("devices") or ""
    expires = data.get("expires_at")
    return Mark(
        consent=consent,
        scope=str(data.get("scope") or ""),
        state=str(data.get("state") or ""),
        part=str(data["part"]) if data.get("part") else None,
        party=str(data.get("party") or ""),
        who=str(data.get("signer") or who),
        at=at,
        recorded_at=recorded_at,
        devices=tuple(d for d in str(named).split(",") if d),
        document=str(data["document"]) if data.get("document") else None,
        expires_at=int(expires) if isinstance(expires, int | float) else None,
        ticket=ticket,
    )


def _after(at: int, gate: Gate) -> int:
    assert gate.valid is not None
    if gate.valid.on_clock:
        return at + gate.valid.on(24 * HOUR_MS)
    start = datetime.fromtimestamp(at / 1000, UTC)
    day: date = gate.valid.after(start.date())
    return at + (day - start.date()).days * 24 * HOUR_MS + gate.valid.ms


def _stamp(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


AHEAD = Text(
    "it cannot have happened in the future; expected a time up to now", "不能记录尚未发生的事；时间应不晚于现在"
)
OVER = Text(
    "the ticket was closed before: its consents ended with it; reopen it, or open a new one",
    "工单已先关闭，其授权随之终止；请重新打开或另开工单",
)
CLOCK_BACK = Text(
    "the clock jumped back: it says {now}, but something was recorded at {newest}; put the clock right first",
    "时钟回拨：现在为 {now}，却已有 {newest} 的记录；请先校准时钟",
)
WITHDRAWN = Text("withdrawn by {who} on {at}", "{who} 已于 {at} 撤回")
EXPIRED = Text("expired on {at}", "已于 {at} 到期")
OTHER_DEVICE = Text("given for {devices}, not for {device}", "授权设备为 {devices}，不含 {device}")
REFUSED = Text("refused by {who} on {at}", "{who} 已于 {at} 拒绝")
ONE_HAND = Text("both sides were signed by {who}: two persons must sign", "双方均由 {who} 签署：须由两人分别签署")
