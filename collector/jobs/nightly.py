"""Once a day at 03:00 UTC of the centre's clock: the memory of the fleet, and the outlook on every battery.

    look      in the writer's thread, some devices at a time: each one's part of its cohort, its belief in its battery
    reckon    in a thread: the cohort snapshot; trained models shown the discharges of the last month and yesterday's hours; all outlooks by numpy
    keep      in transactions of some thousand rows: `models` (the snapshot, as `cohort`), `prognoses`; the detectors get the snapshot

Where there is no model, its bytes are damaged, or it fails, the core stands alone and `problems` says why; the rest goes on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import sqlalchemy as sa
import structlog

from analytics.battery.belief import Belief
from analytics.cohort import Cohorts, Summary, snapshot, summary
from analytics.detectors import DETECTORS, HOURLY
from analytics.watch import Watch
from collector.history import History, HistoryError
from collector.jobs import gathering, learning, memory, scoring
from collector.jobs.learning import CAPACITY, NORMAL
from collector.jobs.scoring import Beliefs
from collector.store import models, records
from collector.store.models import DamagedModel, ModelRow
from collector.store.records import DischargeRow, Prognosis
from collector.store.tables import identities
from model.inventory import Inventory

if TYPE_CHECKING:
    from collector.running import Running

DAY_MS = 86_400_000
AT_MS = 3 * 3_600_000
_DEVICES_A_TURN = 500
_ROWS_A_TRANSACTION = 2_000
#: Discharges of so long ago are still shown to a newly trained model.
_RECENT_MS = 30 * DAY_MS
_SHALLOW, _DEEP = 0.1, 0.9
#: An inventory's rating is no measurement (analytics.battery.file).
_RATING_SD = 0.05
log = structlog.get_logger()


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What the detectors remember of some devices, as the night needs it."""

    summaries: list[Summary]
    beliefs: list[tuple[str, Belief]]


class Reckoned(msgspec.Struct, frozen=True, kw_only=True):
    """What the night found."""

    cohorts: Cohorts
    prognoses: list[Prognosis]
    problems: list[str]


def due(last: int | None, now: int) -> bool:
    """Whether 03:00 UTC has passed since the last night; a centre that was never here before begins with the next one."""
    return last is not None and last < now - (now - AT_MS) % DAY_MS


def look(watch: Watch, inventory: Inventory, firmware: dict[str, str], devices: Iterable[str]) -> Looked:
    """Read the states of these devices; changes nothing."""
    measured = {name: one for name, one in {**DETECTORS, **HOURLY}.items() if hasattr(one, "quantities")}
    summaries, beliefs = [], []
    for id in devices:
        states = watch.states.get(id, {})
        device = inventory.device(id)
        if device.model:
            customer = inventory.site(device.site).customer
            summaries.append(summary(id, device.model, firmware.get(id, ""), customer, states, measured))
        known = states.get("battery_verdict", {}).get("belief")
        if known:
            beliefs.append((id, msgspec.convert(known, Belief)))
    return Looked(summaries=summaries, beliefs=beliefs)


def reckon(
    looked: Sequence[Looked],
    now: int,
    seen: dict[str, tuple[float, float, str]] | None = None,
    problems: Iterable[str] = (),
) -> Reckoned:
    """`seen`: health, sd and the model that saw it, by device. Pure."""
    rows = [row for one in looked for row in one.beliefs]
    models_ = seen or {}
    health = np.array([models_[id][0] if id in models_ else np.nan for id, _ in rows])
    sd = np.array([models_[id][1] if id in models_ else np.nan for id, _ in rows])
    found = scoring.outlook(Beliefs.of([belief for _, belief in rows]), now, (health, sd))
    good = np.isfinite(found.p_below) & np.isfinite(found.health)
    columns = (found.health, found.sd, found.p_below, *found.days)
    prognoses = [
        Prognosis(
            device=id, made=now, health=h, health_sd=s, p_below=p, days_p10=a, days_p50=b, days_p90=c,
            model=models_[id][2] if id in models_ else "core",
        )
        for (id, _), ok, h, s, p, a, b, c in zip(rows, good.tolist(), *(column.tolist() for column in columns), strict=True)
        if ok
    ]  # fmt: skip
    cohorts = snapshot((one for each in looked for one in each.summaries), now)
    return Reckoned(cohorts=cohorts, prognoses=prognoses, problems=list(problems))


def seen_by_models(
    engine: sa.Engine, history: History, inventory: Inventory, now: int
) -> tuple[dict[str, tuple[float, float, str]], list[str]]:
    """What the capacity models make of the newest recent discharge of each battery, and why some of them do not."""
    with engine.connect() as conn:
        known, problems = opened(conn, f"{CAPACITY}/")
        newest: dict[str, DischargeRow] = {}
        if known:
            for row in records.discharges(conn, since=now - _RECENT_MS):
                if row.record.depth is not None and _SHALLOW <= row.record.depth <= _DEEP:
                    newest[row.device] = row
    found: dict[str, tuple[float, float, str]] = {}
    for id, row in newest.items():
        device = inventory.device(id)
        model = known.get(f"{CAPACITY}/{device.model or '?'}")
        if model is None:
            continue
        try:
            curve = gathering.curve_of(history, device, row.record)
            if curve is None:
                continue
            ah, sd = learning.capacity(model[1], curve.amps, curve.celsius, curve.used, curve.volts)
        except (HistoryError, ValueError, ArithmeticError, AttributeError, np.linalg.LinAlgError) as error:
            problems.append(f"{model[0].id} on {id}: {error}")
            continue
        health = ah / learning.BLOCK_AH
        found[id] = (health, health * float(np.hypot(sd, _RATING_SD)), model[0].id)
    return found, problems


def opened(conn: sa.Connection, prefix: str) -> tuple[dict[str, tuple[ModelRow, Any]], list[str]]:
    """The newest models whose names begin so, by name; those that are damaged are told and left out."""
    found: dict[str, tuple[ModelRow, Any]] = {}
    problems = []
    for row in models.listed(conn, prefix):
        try:
            found[row.name] = (row, learning.unpacked(models.body_of(conn, row)))
        except DamagedModel as error:
            problems.append(str(error))
        except Exception as error:  # noqa: BLE001  a model of another release may fail in any way: the core stands alone
            problems.append(
                f"models {row.id}: expected one of this release, got {error!r}; fix: roundsman analyze train"
            )
    return found, problems


def strange(
    engine: sa.Engine, history: History, inventory: Inventory, devices: Iterable[str], now: int
) -> dict[str, float]:
    """The share of yesterday's hours of each device that are unlike its model's, where there is a model of what is normal."""
    with engine.connect() as conn:
        known, _ = opened(conn, f"{NORMAL}/")
    found: dict[str, float] = {}
    for id in devices if known else ():
        model = known.get(f"{NORMAL}/{inventory.device(id).model}")
        if model is not None:
            hours = gathering.shown(history, id, model[1].columns, now - DAY_MS, now, _ignored)
            if len(hours):
                found[id] = learning.unusual(model[1], hours)
    return found


def _ignored(error: HistoryError) -> None:
    log.warning("a day cannot be read", why=str(error))


async def turn(centre: Running) -> Reckoned | None:
    """The night's work if it is due; None when it is not."""
    now = centre.now()
    with centre.engine.connect() as conn:
        last = memory.made(conn)
    if last is None:
        await centre.transact(lambda conn: memory.keep(conn, Cohorts(made=now)))
        return None
    return await night(centre) if due(last, now) else None


async def night(centre: Running) -> Reckoned:
    """The night's work."""
    now, inventory = centre.now(), centre.inventory
    firmware = await asyncio.to_thread(_firmware, centre.engine)
    devices = await centre.write(centre.writer.look, lambda state: sorted(state.watch.states))
    looked: list[Looked] = []
    for begin in range(0, len(devices), _DEVICES_A_TURN):
        some = devices[begin : begin + _DEVICES_A_TURN]
        looked.append(await centre.write(centre.writer.look, _looker(inventory, firmware, some)))
    seen, problems = await asyncio.to_thread(seen_by_models, centre.engine, centre.history, inventory, now)
    found = await asyncio.to_thread(reckon, looked, now, seen, problems)
    for begin in range(0, len(found.prognoses), _ROWS_A_TRANSACTION):
        some_rows = found.prognoses[begin : begin + _ROWS_A_TRANSACTION]
        await centre.transact(_putter(some_rows))
    await centre.transact(lambda conn: memory.keep(conn, found.cohorts))
    await centre.write(centre.writer.remember_fleet, found.cohorts)
    for problem in found.problems:
        log.warning("a model was left out tonight", why=problem)
    log.info("night", batteries=len(found.prognoses), devices=len(devices), models=len(found.cohorts.models))
    return found


def _looker(inventory: Inventory, firmware: dict[str, str], devices: list[str]) -> Callable[[Any], Looked]:
    return lambda state: look(state.watch, inventory, firmware, devices)


def _putter(rows: list[Prognosis]) -> Callable[[sa.Connection], None]:
    return lambda conn: records.put_prognoses(conn, rows)


def _firmware(engine: sa.Engine) -> dict[str, str]:
    with engine.connect() as conn:
        rows = conn.execute(sa.select(identities.c.device, identities.c.data))
        said = {row.device: json.loads(row.data).get("device.firmware", "") for row in rows}
    return {device: str(firmware) for device, firmware in said.items() if firmware}
