"""A port that is wanted and that we have seen up is down, twice in a row.

Sees: `ifOperStatus` down or lower-layer-down while `ifAdminStatus` is up. A port never seen up is an empty socket, not
a fault. A port switched off by its administrator is cleared as such. Does not tell a pulled cable from a
dead peer. Unknown, testing and dormant count neither for nor against.

State: {"well": {port seen up: 1}, "admin": {port: last admin state, when not up}, "latch": {port: latch}}.
"""

from __future__ import annotations

from analytics.detector import Block, Context, State
from analytics.latch import Rule, fresh, observe
from analytics.walk import Sample, walk
from model.finding import Change, Cleared, Evidence, Finding, Raised, Severity
from model.points import OperStatus
from model.text import Text

KIND = "port_down"
OPER, ADMIN = "ifOperStatus", "ifAdminStatus"
_DOWN = (OperStatus.DOWN, OperStatus.LOWER_LAYER_DOWN)
_RULE = Rule(samples=2, clear_samples=2)

ADVICE = Text(
    "Check cable, optic and the peer of this port; a port that had errors before it went down has a bad line.",
    "检查该端口的线缆、光模块和对端设备；断开前已有错包的端口多为线路故障。",
)
UP = Text("the port is up again", "端口已恢复连通")
UNWANTED = Text("the port was switched off by its administrator", "端口已被管理员关闭")


class PortDown:
    kinds = frozenset({KIND})
    needs = frozenset({OPER, ADMIN})

    def fresh(self) -> State:
        return {"well": {}, "admin": {}, "latch": {}}

    def step(self, state: State, block: Block, context: Context, now: int) -> tuple[State, list[Change]]:  # noqa: ARG002 - event time only
        if _quiet(state, block):
            return state, []
        state = {
            "well": dict(state["well"]),
            "admin": dict(state["admin"]),
            "latch": {port: list(latch) for port, latch in state["latch"].items()},
        }
        changes: list[Change] = []
        for sample in walk(block, (ADMIN, OPER)):
            change = _wanted(state, sample, context) if sample.point == ADMIN else _state(state, sample, context)
            if change:
                changes.append(change)
        return state, changes


def _quiet(state: State, block: Block) -> bool:
    """Every port as it was: up, wanted, and known to have been up."""
    if state["latch"]:
        return False
    well, admin = state["well"], state["admin"]
    for point in (ADMIN, OPER):
        for port, column in block.columns.get(point, {}).items():
            expected = admin.get(port, OperStatus.UP) if point == ADMIN else OperStatus.UP
            if (point == OPER and port not in well) or any(value != expected for value in column.value):
                return False
    return True


def _wanted(state: State, sample: Sample, context: Context) -> Change | None:
    port = sample.key
    if sample.value == OperStatus.UP:
        state["admin"].pop(port, None)
        return None
    state["admin"][port] = sample.value
    return _end(state, port, sample.at, UNWANTED, context)


def _state(state: State, sample: Sample, context: Context) -> Change | None:
    port, at = sample.key, sample.at
    up, down = sample.value == OperStatus.UP, sample.value in _DOWN
    latch = state["latch"].get(port)
    if latch is None:
        if up and port not in state["well"]:
            state["well"][port] = 1
        if not down or port not in state["well"] or port in state["admin"]:
            return None
        latch = state["latch"][port] = fresh()
    if not (up or down):
        return None
    since = observe(latch, up if latch[0] else down, at, _RULE)
    if since is not None and latch[0]:
        return Raised(finding=_finding(port, since, at, context))
    if since is not None:
        del state["latch"][port]
        return Cleared(device=context.device.id, kind=KIND, index=port, at=since, why=UP)
    if not latch[0] and not latch[1]:
        del state["latch"][port]
    return None


def _end(state: State, port: str, at: int, why: Text, context: Context) -> Change | None:
    latch = state["latch"].pop(port, None)
    if port in state["well"]:
        del state["well"][port]
    return Cleared(device=context.device.id, kind=KIND, index=port, at=at, why=why) if latch and latch[0] else None


def _finding(port: str, since: int, at: int, context: Context) -> Finding:
    text = Text(f"port {port} is down though wanted, and was up before", f"端口 {port} 断开（设定为启用，此前连通）")
    return Finding(
        device=context.device.id,
        kind=KIND,
        index=port,
        severity=Severity.MAJOR if context.device.core else Severity.MINOR,
        since=since,
        score=0.95,
        evidence=(Evidence(text=text, at=at, point=OPER, index=port, value=OperStatus.DOWN, expected=OperStatus.UP),),
        advice=ADVICE,
    )
