"""`roundsman analyze calibrate`: how often findings were right, by the tickets that people closed, and the table of scores made of it.

Reads the centre's database beside the running centre. `--keep` writes a new version of the table; the centre shows scores by it from its next start on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from model.text import Text
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, put, say

if TYPE_CHECKING:
    from collector.jobs.outcomes import Learned

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[Path | None, Parameter(name="--collector", help="The collector's file. 采集中心配置。")]
Keep = Annotated[
    bool, Parameter(negative="", help="Show scores by it from the next start on. 自下次启动起按此显示把握。")
]


def calibrate(*, keep: Keep = False, collector: CentreFile = None, json: Json = False) -> int:
    """What closed tickets say of the findings' scores. 用已关闭工单检验各类结论的把握。"""
    from collector.jobs import outcomes
    from collector.store import writing

    try:
        with opened(collector) as centre:
            with centre.engine.connect() as conn:
                learned = outcomes.learn(conn)
            kept = None
            if keep and learned.fitted.curves:
                with writing(centre.engine) as conn:
                    kept = outcomes.keep(conn, learned, centre.now()).id
    except NoCentreError as error:
        complain(error.text)
        return 1
    _show(learned, kept, as_json=json)
    return 0


def _show(learned: Learned, kept: str | None, *, as_json: bool) -> None:
    from analytics.calibration import LEAST_DEVICES, SHIPPED, brier, score_of

    rows = []
    for kind in sorted({case.kind for case in learned.cases}):
        mine = [case for case in learned.cases if case.kind == kind]
        rows.append(
            {
                "kind": kind,
                "findings": len(mine),
                "devices": len({case.device for case in mine}),
                "right": sum(case.right for case in mine),
                "claimed": round(sum(case.score for case in mine) / len(mine), 3),
                "shown": round(sum(score_of(case, SHIPPED) for case in mine) / len(mine), 3),
                "learned": round(sum(score_of(case, learned.table) for case in mine) / len(mine), 3),
                "enough": kind in learned.fitted.curves,
            }
        )
    if as_json:
        for row in rows:
            put(row)
        put({"tickets": learned.tickets, "findings": len(learned.cases), "kept": kept,
             "brier": None if not rows else round(brier(learned.cases, SHIPPED), 4)})  # fmt: skip
        return
    if not rows:
        say(Text("No closed ticket says yet whether its findings were right (a diagnosis with failure_mode, or a closing with no_fault).",
                 "尚无已关闭工单说明结论是否正确（诊断填写 failure_mode，或关闭时填写 no_fault）。"))  # fmt: skip
        return
    for row in rows:
        few = "" if row["enough"] else f", fewer than {LEAST_DEVICES} devices: it stays"
        zh_few = "" if row["enough"] else f"，不足 {LEAST_DEVICES} 台设备：保持不变"
        say(Text(
            f"{row['kind']}: {row['right']} of {row['findings']} right on {row['devices']} devices; score {row['shown']:.0%}, learned {row['learned']:.0%}{few}",
            f"{row['kind']}：{row['findings']} 次中 {row['right']} 次正确（{row['devices']} 台设备）；把握 {row['shown']:.0%}，修正为 {row['learned']:.0%}{zh_few}",
        ))  # fmt: skip
    said = Text(f"learned from {learned.tickets} closed tickets", f"依据 {learned.tickets} 张已关闭工单")
    if kept:
        said = Text(f"{said.en}; kept as {kept}", f"{said.zh}；已保存为 {kept}")
    say(said)
