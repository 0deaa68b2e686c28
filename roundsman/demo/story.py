"""What the demo's story must lead to, each expectation a small pure judgement of what the centre holds.

The story itself is data (simulators/scenarios/demo.toml); this file says what a person may expect of
Roundsman when it happens. Pure: `judge` takes what was seen and answers with a reason for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from alerts.types import Alert, Impact, Incident
from desk.types import Entry, EntryKind, Ticket, TicketState
from model.finding import Severity
from model.text import Text

MAINS_SITE = "sz-futian"
WEAK = "sz-futian/ups-1"
SILENT = ("sz-futian/sw-2", "sz-futian/ups-4")
FAN = "gz-tianhe/ups-5"
PORT = "hz-xihu/sw-1#3"
FLAG = "nb-haishu/ups-3"
#: The cause keys (cause, root) of the story: these incidents and no others.
EXPECTED_CAUSES = frozenset(
    {("mains", MAINS_SITE), ("battery", WEAK), ("device", FAN), ("port", PORT), ("battery", FLAG)}
)
#: Expectations (ids) that hold at every moment of the story.
AT_ANY_TIME = frozenset({"first_readings", "nothing_else", "nothing_lost"})
EXPECTED_TICKETS = frozenset({("mains", MAINS_SITE), ("battery", WEAK), ("device", FAN), ("port", PORT)})


class Seen(msgspec.Struct, kw_only=True):
    """What the centre holds at the end, and what the run measured."""

    incidents: list[Incident]
    alerts: list[Alert]
    tickets: list[Ticket]
    ledgers: dict[str, list[Entry]]
    first_readings_s: float | None  #: real seconds from the start until every device had been read
    lost: int
    doubled: int
    agents_killed: bool = False


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the summary's `story`."""

    id: str
    expected: Text
    held: bool
    seen: str


def judge(seen: Seen) -> list[Expectation]:
    """Every expectation of the story with whether it held and what was seen instead."""
    return [
        Expectation(id=id, expected=text, held=not wrong, seen=wrong or "as expected")
        for id, text, wrong in ((id, text, check(seen)) for id, text, check in _STORY)
    ]


def summary(seen: Seen, judged: list[Expectation]) -> dict[str, Any]:
    """`incidents`, `tickets` and `story` as the last line prints them."""
    return {
        "incidents": [_incident_json(incident) for incident in seen.incidents],
        "tickets": [_ticket_json(ticket) for ticket in seen.tickets],
        "story": [_expectation_json(each) for each in judged],
    }


def _incident_json(incident: Incident) -> dict[str, Any]:
    return {
        "cause": incident.key.cause,
        "root": incident.key.root,
        "site": incident.site,
        "impact": incident.worst.value,
        "members": len(incident.members),
        "merged": incident.merged_into is not None,
    }


def _ticket_json(ticket: Ticket) -> dict[str, Any]:
    return {
        "id": ticket.id,
        "level": ticket.level,
        "cause": ticket.key.cause,
        "root": ticket.key.root,
        "site": ticket.site,
        "state": ticket.state.value,
    }


def _expectation_json(expectation: Expectation) -> dict[str, Any]:
    said = expectation.expected
    return {"id": expectation.id, "held": expectation.held, "seen": expectation.seen, "en": said.en, "zh": said.zh}


def _incidents(seen: Seen, cause: str, root: str) -> list[Incident]:
    return [i for i in seen.incidents if (i.key.cause, i.key.root) == (cause, root) and i.merged_into is None]


def _tickets(seen: Seen, cause: str, root: str) -> list[Ticket]:
    return [t for t in seen.tickets if (t.key.cause, t.key.root) == (cause, root) and t.state != TicketState.MERGED]


def _members(seen: Seen, incident: Incident) -> list[Alert]:
    wanted = set(incident.members)
    return [a for a in seen.alerts if a.id in wanted]


def _one(things: list[Incident] | list[Ticket], what: str) -> str:
    return "" if len(things) == 1 else f"{len(things)} {what}"


def _first_readings(seen: Seen) -> str:
    if seen.first_readings_s is None:
        return "not every device was read"
    return "" if seen.first_readings_s <= 20 else f"after {seen.first_readings_s:.1f} s"


def _mains_incident(seen: Seen) -> str:
    found = _incidents(seen, "mains", MAINS_SITE)
    if wrong := _one(found, "mains incidents"):
        return wrong
    on_battery = {a.device for a in _members(seen, found[0]) if a.kind == "on_battery"}
    missing = {f"{MAINS_SITE}/ups-{n}" for n in range(1, 6)} - on_battery
    return f"not on battery in it: {sorted(missing)}" if missing else ""


def _silent_joined(seen: Seen) -> str:
    found = _incidents(seen, "mains", MAINS_SITE)
    silent = {a.device for i in found for a in _members(seen, i) if a.kind == "device_silent"}
    missing = set(SILENT) - silent
    return f"did not join: {sorted(missing)}" if missing else ""


def _mains_ticket(seen: Seen) -> str:
    return _one(_tickets(seen, "mains", MAINS_SITE), "mains tickets")


def _restored(seen: Seen) -> str:
    for incident in _incidents(seen, "mains", MAINS_SITE):
        if incident.closed_at is None:
            return "the mains incident is still open"
    for ticket in _tickets(seen, "mains", MAINS_SITE):
        proofs = [e.data.get("proof") for e in seen.ledgers[ticket.id] if e.kind == EntryKind.RESTORED]
        if proofs != ["telemetry"]:
            return f"restored entries: {proofs}"
    return "" if _tickets(seen, "mains", MAINS_SITE) else "no mains ticket"


def _weak_battery(seen: Seen) -> str:
    alerts = [a for a in seen.alerts if a.kind == "runtime_shortfall"]
    devices = sorted({a.device for a in alerts})
    if devices != [WEAK]:
        return f"accused: {devices}"
    return _one(_tickets(seen, "battery", WEAK), "tickets for it")


def _fan(seen: Seen) -> str:
    return _one(_incidents(seen, "device", FAN), "incidents") or _one(_tickets(seen, "device", FAN), "tickets")


def _port(seen: Seen) -> str:
    found = _incidents(seen, "port", PORT)
    if wrong := _one(found, "incidents"):
        return wrong
    kinds = {a.kind for a in _members(seen, found[0])}
    if kinds != {"port_errors", "port_down"}:
        return f"members: {sorted(kinds)}"
    return _one(_tickets(seen, "port", PORT), "tickets")


def _flag(seen: Seen) -> str:
    alerts = [a for a in seen.alerts if a.device == FLAG]
    if [(a.kind, a.severity, a.impact) for a in alerts] != [("battery_flag", Severity.WARNING, Impact.ADVISORY)]:
        return f"alerts: {[(a.kind, a.severity.value) for a in alerts]}"
    tickets = _tickets(seen, "battery", FLAG)
    return f"{len(tickets)} tickets" if tickets else ""


def _nothing_else(seen: Seen) -> str:
    extra = {(i.key.cause, i.key.root) for i in seen.incidents if i.merged_into is None} - EXPECTED_CAUSES
    if seen.agents_killed:
        extra = {key for key in extra if key[0] != "agent"}
    return f"unexpected: {sorted(extra)}" if extra else ""


def _nothing_lost(seen: Seen) -> str:
    return f"{seen.lost} lost, {seen.doubled} doubled" if seen.lost or seen.doubled else ""


_STORY: tuple[tuple[str, Text, Callable[[Seen], str]], ...] = (
    ("first_readings", Text("Every device is read within 20 s of the start", "启动后 20 秒内读到每台设备"), _first_readings),
    (
        "mains_one_incident",
        Text("The mains failure is one incident with all five UPSs in it", "市电中断是一个事件，五台 UPS 都在其中"),
        _mains_incident,
    ),
    (
        "silent_joined",
        Text("The two devices that fell silent joined it", "两台失联设备并入该事件"),
        _silent_joined,
    ),
    ("mains_one_ticket", Text("It has one ticket", "它有一张工单"), _mains_ticket),
    (
        "restored_by_telemetry",
        Text("The mains returned, and telemetry proved the restoration", "市电恢复，并由遥测数据证明"),
        _restored,
    ),
    (
        "weak_battery",
        Text(
            "The battery that holds 60 % was found by its runtime, its healthy twin was not accused",
            "仅剩 60 % 容量的电池由放电时间发现，健康的同型电池未被误判",
        ),
        _weak_battery,
    ),
    ("fan", Text("The failed fan has one ticket", "风扇故障有一张工单"), _fan),
    ("port", Text("Port errors and port down are one incident, one ticket", "端口错误与端口断开是一个事件、一张工单"), _port),
    (
        "battery_flag",
        Text(
            "A 'replace battery' flag without any other witness is a warning, and no job",
            "没有其他证据的“更换电池”标志只是提示，不派单",
        ),
        _flag,
    ),
    ("nothing_else", Text("No other incident was opened", "没有其他事件"), _nothing_else),
    ("nothing_lost", Text("No reading was lost or doubled", "没有读数丢失或重复"), _nothing_lost),
)  # fmt: skip
