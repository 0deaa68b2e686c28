"""`roundsman analyze train | unusual`: heavier models out of history, and yesterday held against them.

Runs beside the centre. Training reads history and the kept discharges, works on this machine or on the Dask cluster of the collector's file, and
writes one new version of each model in one transaction; the night and `unusual` take the newest.
"""

from __future__ import annotations

import json as json_
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from cyclopts import Parameter

from collector import inventory as inventories
from collector.history import History, HistoryError
from collector.history.corrected import Corrected
from collector.history.opening import open_history
from collector.jobs import gathering, learning, nightly
from collector.jobs.learning import Made, Task, TrainingError
from collector.offsets import OffsetBook
from collector.store import models, offset_segments, records, writing
from model.inventory import Inventory
from model.text import Text
from roundsman.analysis_readings import wrong_days
from roundsman.centre import Centre, NoCentreError, opened
from roundsman.speech import complain, put, say

DAY_MS = 86_400_000
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[Path | None, Parameter(name="--collector", help="The collector's file. 采集中心配置。")]


def train(
    *,
    days: Annotated[int, Parameter(help="So many days of history for what is normal. 用于学习常态的天数。")] = 60,
    workers: Annotated[int | None, Parameter(help="Processes on this machine (else all cores). 本机进程数。")] = None,
    dask: Annotated[
        str | None, Parameter(help="A Dask scheduler, else analytics.dask of the file. Dask 调度器地址。")
    ] = None,
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """Train the heavier models from history and keep new versions of them. 用历史数据训练模型并保存新版本。"""
    if wrong := wrong_days(days):
        complain(wrong)
        return 2
    try:
        with opened(collector) as centre, _history(centre) as (history, known):
            began, now = time.process_time(), centre.now()
            skipped: list[HistoryError] = []
            tasks = list(_tasks(centre, history, known, now - days * DAY_MS, now, skipped))
            for error in skipped:
                complain(Text(f"left out: {error}", f"已跳过：{error}"))
            where = centre.config.dask if dask is None else dask
            found = learning.train(tasks, where, workers or os.cpu_count() or 1)
            with writing(centre.engine) as conn:
                for one in found:
                    _keep(conn, one, now, as_json=json)
            cpu_s = time.process_time() - began
    except NoCentreError as error:
        complain(error.text)
        return 1
    except (TrainingError, HistoryError) as error:
        complain(str(error))
        return 1
    good = sum(not one.why for one in found)
    if json:
        put({"trained": good, "failed": len(found) - good, "cpu_s": round(cpu_s, 2), "dask": where})
    elif not found:
        say(Text("Nothing to learn from yet: no full discharges and no device whose model the inventory names.",
                 "尚无可学习的数据：没有完整放电，台账中也没有注明型号的设备。"))  # fmt: skip
    return 0


def unusual(*, collector: CentreFile = None, json: Json = False) -> int:
    """Yesterday's hours of each device against what is normal for its model. 昨日各设备与同型号常态的偏离。"""
    try:
        with opened(collector) as centre, _history(centre) as (history, known):
            devices = sorted({reading.device for reading in history.latest()})
            found = nightly.strange(centre.engine, history, known, devices, centre.now())
    except NoCentreError as error:
        complain(error.text)
        return 1
    except HistoryError as error:
        complain(str(error))
        return 1
    if not found and not json:
        say(Text("No model of what is normal yet: roundsman analyze train", "尚无常态模型：roundsman analyze train"))
    for id, share in sorted(found.items(), key=lambda item: -item[1]):
        if json:
            put({"device": id, "unusual": round(share, 4)})
        else:
            say(Text(f"{id}  {share:.1%} of its hours are unlike its model's (0.5 % is usual)", f"{id}  {share:.1%} 的小时与同型号不同（通常 0.5%）"))  # fmt: skip
    return 0


def _tasks(
    centre: Centre, history: History, known: Inventory, start: int, end: int, skipped: list[HistoryError]
) -> Iterator[Task]:
    with centre.engine.connect() as conn:
        rows = list(records.discharges(conn))
    yield from gathering.capacity_tasks(history, known, rows)
    yield from gathering.normal_tasks(history, known, start, end, skipped.append)


def _keep(conn: sa.Connection, one: Made, now: int, *, as_json: bool) -> None:
    if one.why:
        if as_json:
            put({"model": one.name, "rows": one.rows, "why": one.why})
        else:
            say(Text(f"{one.name}: not trained ({one.why}); the version before stays, without one the core stands alone",
                     f"{one.name}：未训练（{one.why}）；沿用上一版本，无版本时仅用核心算法"))  # fmt: skip
        return
    row = models.put_model(conn, one.name, one.body, now, one.span, one.rows, json_.dumps(one.note))
    if as_json:
        put(
            {
                "model": row.name,
                "version": row.version,
                "rows": row.rows,
                "digest": row.digest,
                "bytes": len(one.body),
                **one.note,
            }
        )
    else:
        figures = ", ".join(f"{name} {value:.3g}" for name, value in one.note.items())
        say(
            Text(
                f"{row.id}: {row.rows} rows, {len(one.body):,} bytes, {figures}",
                f"{row.id}：{row.rows} 行，{len(one.body):,} 字节，{figures}",
            )
        )


@contextmanager
def _history(centre: Centre) -> Iterator[tuple[History, Inventory]]:
    with centre.engine.connect() as conn:
        known, segments = inventories.latest(conn), offset_segments(conn)
    found = Corrected(open_history(centre.config.history, centre.config.data), OffsetBook(0, segments))
    try:
        yield found, known
    finally:
        found.close()
