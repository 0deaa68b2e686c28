"""`roundsman analyze …`: what the detectors remember of batteries, and how their forecasts stood the test.

Read from the newest snapshot of the detectors (a minute old at most), so it works while the centre runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from model.text import Text
from roundsman.speech import complain, put, say

app = App(name="analyze", help="What the detectors know, and the record of their forecasts. 检测器所知及预测评分。")

app.command("roundsman.analysis_backtest:backtest_command", name="backtest")

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[
    Path | None,
    Parameter(
        name="--collector", help="The collector's file (else $ROUNDSMAN_COLLECTOR, ./collector.toml). 采集中心配置。"
    ),
]


@app.command
def score(*, collector: CentreFile = None, json: Json = False) -> int:
    """Every runtime forecast that reality has answered, and the record. 已被实际结果验证的续航预测及评分。"""
    from analytics.battery import runtime

    files = _files(collector)
    if files is None:
        return 1
    scores: list[dict[str, Any]] = []
    for device, file in files:
        for one in file.get("scores", []):
            scores.append(one)
            if json:
                put({"device": device, **one})
            else:
                p10, p50, p90, real = (one[key] / 60 for key in ("p10", "p50", "p90", "real"))
                say(
                    Text(
                        f"{device}  {_day(one['made'])}  said {p50:.0f} min ({p10:.0f} … {p90:.0f}), came {real:.0f} min",
                        f"{device}  {_day(one['made'])}  预测 {p50:.0f} 分钟（{p10:.0f} … {p90:.0f}），实际 {real:.0f} 分钟",
                    )
                )
    record = runtime.score(scores)
    if record is None:
        if not json:
            say(Text("No forecast has been answered yet.", "尚无已验证的预测。"))
    elif json:
        put({"n": record.n, "inside": record.inside, "bias": record.bias, "error": record.error})
    else:
        say(
            Text(
                f"{record.n} forecasts: {record.inside:.0%} inside P10 … P90, median error {record.error:.0%}, bias {record.bias:+.0%}",
                f"{record.n} 次预测：{record.inside:.0%} 落在 P10 … P90 内，误差中位数 {record.error:.0%}，偏差 {record.bias:+.0%}",
            )
        )
    return 0


@app.command
def discharges(device: str | None = None, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Every discharge kept of a battery, or of all. 某台或全部设备的电池放电记录。"""
    files = _files(collector)
    if files is None:
        return 1
    for id, file in files:
        if device not in (None, id):
            continue
        for one in file.get("log", []):
            if json:
                put({"device": id, **one})
                continue
            depth = "?" if one["depth"] is None else f"{one['depth']:.0%}"
            health = "" if one["soh"] is None else f"  SoH {one['soh']:.0%} ± {one['soh_sd']:.0%}"
            minutes = (one["end"] - one["start"]) / 60_000
            sort = Text("test", "自检") if one["test"] else Text("discharge", "放电")
            say(
                Text(
                    f"{id}  {_day(one['start'])}  {sort.en}  {minutes:.1f} min  depth {depth}  end: {one['reason']}{health}",
                    f"{id}  {_day(one['start'])}  {sort.zh}  {minutes:.1f} 分钟  深度 {depth}  结束：{one['reason']}{health}",
                )
            )
    return 0


def _files(collector: Path | None) -> Iterator[tuple[str, dict[str, Any]]] | None:
    """The battery file of each device, from the newest snapshot; None when there is no centre."""
    from collector import pipeline
    from collector.store import deliveries
    from roundsman.centre import NoCentreError, opened

    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            found = deliveries.snapshot(conn)
    except NoCentreError as error:
        complain(error.text)
        return None
    states = pipeline.load(found[1] if found else None, None).watch.states
    return ((id, known["battery_verdict"]) for id, known in sorted(states.items()) if "battery_verdict" in known)


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
