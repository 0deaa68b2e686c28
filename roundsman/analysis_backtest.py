"""`roundsman analyze backtest`: history or a recording through the detectors as they are now, beside what was raised then.

One device after the other, a day at a time, so that a year of a fleet needs no more memory than a day of a device.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from alerts.kinds import kind_of
from alerts.types import Alert
from analytics.detector import Context
from analytics.watch import Fault, Watch
from collector import inventory as inventories
from collector.history import HistoryError
from collector.history.corrected import Corrected
from collector.history.days import Day, days, span
from collector.history.opening import open_history
from collector.jobs import backtest, holes
from collector.jobs.backtest import Line, Match
from collector.offsets import OffsetBook
from collector.pipeline import World
from collector.store import findings, offset_segments
from model.finding import Change
from model.inventory import Inventory
from model.reading import Gap
from model.text import Text
from roundsman import analysis_readings
from roundsman.analysis_readings import moment
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, language, put, say, tell_problems

#: device, begin of the day, its columns and gaps; sorted by device, then day.
Piece = tuple[str, int, Day, list[Gap]]

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[Path | None, Parameter(name="--collector", help="The collector's file. 采集中心配置。")]
Since = Annotated[str | None, Parameter(name="--from", help="ISO date or time, or ms. 起始（ISO 日期时间或毫秒）。")]
Until = Annotated[str | None, Parameter(name="--to", help="The same, exclusive. 结束（不含）。")]


class Run(msgspec.Struct, kw_only=True):
    """What a back-test found and what it cost. `seconds`: CPU."""

    changes: list[Change] = []
    faults: list[Fault] = []
    readings: int = 0
    late: int = 0
    start: int = 0
    end: int = 0
    seconds: float = 0.0
    devices: int = 0
    skipped: list[str] = []
    judged: set[str] = set()  #: devices whose silences history shows


def backtest_command(
    recording: Annotated[
        Path | None, Parameter(help="CSV or JSON lines of readings, or a .flight.jsonl. 读数文件或录波。")
    ] = None,
    /,
    *,
    since: Since = None,
    until: Until = None,
    site: Annotated[str | None, Parameter(help="Only this site. 仅此站点。")] = None,
    device: Annotated[str | None, Parameter(help="Only this device (site/device). 仅此设备。")] = None,
    inventory: Annotated[Path | None, Parameter(help="An inventory for a recording. 录波所用台账。")] = None,
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """History, or a recording, through the detectors of today, beside what was raised then. 用当前检测器回放历史并与当时告警对比。"""
    bounds = _bounds(since, until)
    if bounds is None:
        return 2
    try:
        if recording is not None:
            found = _of_recording(recording, inventory, bounds, json)
        else:
            found = _of_centre(collector, bounds, site, device)
    except NoCentreError as error:
        complain(error.text)
        return 1
    except HistoryError as error:
        complain(_unreadable(str(error)))
        return 1
    if found is None:
        return 1
    run, lines = found
    tell(run, lines, as_json=json, compared=recording is None)
    return 0


def replayed(pieces: Iterator[Piece], context_of: Callable[[str], Context], run: Run) -> Run:
    """Show the pieces to the detectors; each device begins with fresh ones."""
    watch, present = Watch(), ""
    began = time.process_time()
    for device, _, day, gaps in pieces:
        if device != present:
            watch, present = Watch(), device
            run.devices += 1
        run.changes += backtest.changes_of(watch, device, day, context_of, gaps)
        run.readings += sum(len(column.at) for series in day.values() for column in series.values())
        run.faults += watch.faults
        run.late += watch.late
        watch.faults, watch.late = [], 0
    run.seconds += time.process_time() - began
    return run


def _of_centre(
    file: Path | None, bounds: tuple[int | None, int | None], site: str | None, device: str | None
) -> tuple[Run, list[Line]] | None:
    with opened(file) as centre:
        with centre.engine.connect() as conn:
            known = inventories.latest(conn)
            segments = offset_segments(conn)
            then = findings.alerts(conn)
        if centre.config.history == "embedded" and not (centre.config.data / "history" / "hot.sqlite").exists():
            complain(_unreadable(f"nothing at {centre.config.data / 'history'}"))
            return None
        history = Corrected(open_history(centre.config.history, centre.config.data), OffsetBook(0, segments))
        try:
            heard = sorted({reading.device for reading in history.latest()})
            chosen = [id for id in heard if device in (None, id) and site in (None, id.partition("/")[0])]
            if not chosen:
                complain(analysis_readings.nobody(device or site or "—", heard))
                return None
            whole = span(history, chosen) or (0, 0)
            start, end = bounds[0] or whole[0], min(bounds[1] or whole[1], whole[1])
            run = Run(start=start, end=end)
            world = World(known)
            told: list[HistoryError] = []
            replayed(with_holes(_pieces(history, chosen, start, end, told), run), world.context, run)
            run.skipped = [str(error) for error in told]
        finally:
            history.close()
    then = [a for a in then if a.device in chosen and a.raised_at < end and (a.cleared_at or end) >= start]
    lines = backtest.compare(backtest.alerts_of(run.changes, known, end), then, end, run.judged)
    return run, lines


def with_holes(pieces: Iterable[Piece], run: Run) -> Iterator[Piece]:
    """The same with the gaps that the holes in them show; a piece that has gaps of its own keeps them."""
    heard, present = holes.Heard(), ""
    for device, begin, day, gaps in pieces:
        if device != present:
            heard, present = holes.Heard(), device
        heard, made = holes.gaps_of(heard, device, day)
        if heard.judged:
            run.judged.add(device)
        yield device, begin, day, gaps or made


def _pieces(history: Corrected, devices: list[str], start: int, end: int, told: list[HistoryError]) -> Iterator[Piece]:
    for device in devices:
        for begin, day in days(history, device, start, end, told.append):
            yield device, begin, day, []


def _of_recording(
    file: Path, inventory: Path | None, bounds: tuple[int | None, int | None], as_json: bool
) -> tuple[Run, list[Line]] | None:
    known = Inventory()
    if inventory is not None:
        known, problems = inventories.read_file(inventory)
        if tell_problems(problems, as_json):
            return None
    if file.name.endswith(".flight.jsonl"):
        from roundsman import analysis_flight

        found, problems = analysis_flight.read(file)
    else:
        found, problems = analysis_readings.read(file)
    status = tell_problems(problems, as_json)
    if status or not found:
        if not status:
            complain(Text(f"{file}: expected readings, got none", f"{file}：应有读数，实为空"))
        return None
    start, end = bounds[0] or 0, bounds[1] or 2**62
    pieces = [
        (device, begin, *found[device][begin])
        for device in sorted(found)
        for begin in sorted(found[device])
        if start <= begin < end
    ]
    if not pieces:
        complain(Text(f"{file}: expected readings of these days, got others", f"{file}：指定日期内没有读数"))
        return None
    blocks = [backtest.block_of(device, day, gaps) for device, _, day, gaps in pieces]
    run = Run(start=min(b.first_at for b in blocks), end=max(b.last_at for b in blocks) + 1)
    replayed(with_holes(pieces, run), World(known).context, run)
    return run, backtest.compare(backtest.alerts_of(run.changes, known, run.end), [], run.end)


def tell(run: Run, lines: list[Line], *, as_json: bool, compared: bool) -> None:
    """Every episode, then how they stand to what was raised, then the cost."""
    for line in lines:
        if as_json:
            put(_json(line))
        else:
            say(_words(line, compared))
    table = backtest.counted(lines)
    speed = (run.end - run.start) / 1000 / run.seconds if run.seconds else 0.0
    if as_json:
        put(
            {
                "summary": {kind: {str(match): count for match, count in row.items()} for kind, row in table.items()},
                "devices": run.devices, "readings": run.readings, "from": run.start, "to": run.end, "cpu_s": round(run.seconds, 3),
                "times_real": round(speed), "silences_judged": len(run.judged), "not_read": run.skipped,
                "faults": [f"{fault.detector} {fault.device}: {fault.error}" for fault in run.faults],
            }
        )  # fmt: skip
        return
    for why in run.skipped:
        complain(_unreadable(why))
    for fault, count in Counter(f"{one.detector}: {one.error}" for one in run.faults).items():
        complain(Text(f"a detector failed {count} times: {fault}", f"检测器出错 {count} 次：{fault}"))
    for kind, row in table.items() if compared else ():
        say(
            f"{kind_of(kind).title[language()]}: "
            + ", ".join(f"{_MATCH[m][language()]} {n}" for m, n in row.items() if n)
        )
    hours = (run.end - run.start) / 3_600_000
    say(
        Text(
            f"{run.devices} devices, {run.readings:,} readings of {hours:,.0f} h in {run.seconds:.1f} CPU-seconds: {speed:,.0f} times real time",
            f"{run.devices} 台设备，{hours:,.0f} 小时 {run.readings:,} 条读数，耗时 {run.seconds:.1f} CPU 秒：实时的 {speed:,.0f} 倍",
        )
    )


_MATCH = {
    Match.SAME: Text("as then", "与当时一致"),
    Match.ONLY_NOW: Text("only now", "仅现在"),
    Match.ONLY_THEN: Text("only then", "仅当时"),
    Match.UNSEEN: Text("not in history (silence)", "历史无法重现（失联类）"),
}


def _json(line: Line) -> dict[str, Any]:
    alert = line.now or line.then
    if alert is None:
        raise ValueError("a line without an alert")
    return {
        "device": alert.device,
        "kind": alert.kind,
        "index": alert.index,
        "match": str(line.match),
        "later_s": line.later_s,
        "now": None if line.now is None else _brief(line.now),
        "then": None if line.then is None else _brief(line.then),
    }


def _brief(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id, "severity": str(alert.severity), "raised_at": alert.raised_at, "cleared_at": alert.cleared_at,
        "score": alert.finding.score, "evidence": [one.text[language()] for one in alert.finding.evidence],
    }  # fmt: skip


def _words(line: Line, compared: bool) -> str:
    alert = line.now or line.then
    if alert is None:
        return ""
    until = "…" if alert.cleared_at is None else _day(alert.cleared_at)
    index = "" if alert.index is None else f"#{alert.index}"
    evidence = alert.finding.evidence[0].text[language()] if alert.finding.evidence else ""
    mark = f"  [{_MATCH[line.match][language()]}]" if compared else ""
    return f"{_day(alert.raised_at)} → {until}  {alert.device}{index}  {kind_of(alert.kind).title[language()]} ({alert.severity}){mark}  {evidence}"


def _bounds(since: str | None, until: str | None) -> tuple[int | None, int | None] | None:
    found = []
    for name, told in (("--from", since), ("--to", until)):
        at = None if told is None else moment(told)
        if told is not None and at is None:
            complain(
                Text(
                    f"{name}: expected a date like 2026-09-22, a time like 2026-09-22T08:00+08:00, or ms, got {told!r}",
                    f"{name}：应为日期（2026-09-22）、时间（2026-09-22T08:00+08:00）或毫秒，实为 {told!r}",
                )
            )
            return None
        found.append(at)
    if None not in found and found[0] >= found[1]:  # type: ignore[operator]  # both are told
        complain(
            Text(
                f"expected --from before --to, got {since} and {until}", f"--from 应早于 --to，实为 {since} 与 {until}"
            )
        )
        return None
    return found[0], found[1]


def _unreadable(why: str) -> Text:
    return Text(
        f"history cannot be read: {why}; fix: restore the file from a copy, or delete it and let its day be missing",
        f"无法读取历史：{why}；改法：从备份恢复该文件，或删除后缺失该日数据",
    )


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
