"""`roundsman analyze news DEVICE`: what was unusual in a device's own history, hour by hour, judged by nothing but its past.

Reads months of history, so it takes seconds; the detectors that watch live readings do not wait for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt
from cyclopts import Parameter

from analytics.hours import HOUR_MS
from analytics.news import LEAST_HOURS, News, news
from collector.history import History, HistoryError
from collector.history.corrected import Corrected
from collector.history.days import DAY_MS, Day, days
from collector.history.opening import open_history
from collector.offsets import OffsetBook
from collector.store import offset_segments
from model.points import POINTS, Kind
from model.text import Text
from roundsman.analyses import _day
from roundsman.analysis_readings import nobody, wrong_days
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, put, say

Floats = npt.NDArray[np.float64]


def news_command(
    device: str,
    /,
    *,
    days: Annotated[int, Parameter(help="So many days of history. 回看的天数。")] = 180,
    collector: Annotated[
        Path | None, Parameter(name="--collector", help="The collector's file. 采集中心配置。")
    ] = None,
    json: Annotated[
        bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")
    ] = False,
) -> int:
    """What was unusual in a device's own history, hour by hour. 设备自身历史中的异常时刻。"""
    skipped: list[HistoryError] = []
    if wrong := wrong_days(days):
        complain(wrong)
        return 2
    try:
        with opened(collector) as centre:
            with centre.engine.connect() as conn:
                segments = offset_segments(conn)
            history = Corrected(open_history(centre.config.history, centre.config.data), OffsetBook(0, segments))
            try:
                now = centre.now()
                gauges, at, hours = hours_of(history, device, now - days * DAY_MS, now, skipped.append)
                heard = {reading.device for reading in history.latest()} if not gauges else {device}
            finally:
                history.close()
    except NoCentreError as error:
        complain(error.text)
        return 1
    except HistoryError as error:
        complain(str(error))
        return 1
    if device not in heard:
        complain(nobody(device, heard))
        return 1
    for bad in skipped:
        complain(Text(f"left out: {bad}", f"已跳过：{bad}"))
    if len(hours) < LEAST_HOURS and not json:
        say(Text(
            f"{device}: {len(hours)} hours of gauges in {days} days; at least {LEAST_HOURS} are needed",
            f"{device}：{days} 天内仅有 {len(hours)} 小时数据，至少需要 {LEAST_HOURS} 小时",
        ))  # fmt: skip
    found = news(gauges, at, hours)
    for one in found:
        if json:
            put({"device": device, **msgspec.to_builtins(one)})
        else:
            say(_said(one))
    if not found and not json and len(hours) >= LEAST_HOURS:
        say(Text(f"{device}: nothing unusual in {len(hours)} hours", f"{device}：{len(hours)} 小时内无异常"))
    return 0


def hours_of(
    history: History, device: str, start: int, end: int, told: Callable[[HistoryError], None]
) -> tuple[list[str], npt.NDArray[np.int64], Floats]:
    """Gauges as `point` or `point#index`, begins of the hours in which any was heard, and their means (hours, gauges)."""
    tables: list[tuple[int, dict[str, Floats]]] = [
        (begin, _means(begin, day)) for begin, day in days(history, device, start, end, told)
    ]
    gauges = sorted({gauge for _, table in tables for gauge in table})
    if not gauges:
        return [], np.empty(0, np.int64), np.empty((0, 0))
    silent = np.full(24, np.nan)
    stacked = np.concatenate([np.stack([table.get(one, silent) for one in gauges], axis=1) for _, table in tables])
    at = np.concatenate([begin + HOUR_MS * np.arange(24, dtype=np.int64) for begin, _ in tables])
    heard = np.isfinite(stacked).any(axis=1)
    return gauges, at[heard], stacked[heard]


def _means(begin: int, day: Day) -> dict[str, Floats]:
    table: dict[str, Floats] = {}
    for point, series in day.items():
        known = POINTS.get(point)
        if known is None or known.kind is not Kind.GAUGE:
            continue
        for index, column in series.items():
            hour = (np.asarray(column.at, np.int64) - begin) // HOUR_MS
            sums, counts = np.bincount(hour, np.asarray(column.value), 24)[:24], np.bincount(hour, minlength=24)[:24]
            means = np.full(24, np.nan)
            np.divide(sums, counts, out=means, where=counts > 0)
            table[point if index is None else f"{point}#{index}"] = means
    return table


def _said(one: News) -> Text:
    when = _day(one.at)
    return Text(
        f"{when}  {one.gauge} {one.value:.4g}: {one.how.en} ({one.loud:.1f})",
        f"{when}  {one.gauge} {one.value:.4g}：{one.how.zh}（{one.loud:.1f}）",
    )
