"""`roundsman analyze …`: discharges and forecasts as they are kept, the record of each model, site and detector, back-tests, training.

Read from the centre's database, so it works while the centre runs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import App, Parameter

from analytics.forecast import Forecast, Quantity, Record
from model.text import Text
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, put, say

if TYPE_CHECKING:
    from collector.store.records import DischargeRow

app = App(name="analyze", help="What the detectors know, and the record of their forecasts. 检测器所知及预测评分。")

# Loaded when asked for; what each is for is said here, for a list of commands loads none of them.
_LATER = {
    "backtest": (
        "backtest:backtest_command",
        "History, or a recording, through today's detectors. 用当前检测器回放历史。",
    ),
    "train": ("train:train", "New versions of the heavier models, from history. 用历史数据训练模型。"),
    "unusual": ("train:unusual", "Yesterday, held against what is normal for the model. 昨日与同型号常态的偏离。"),
    "news": ("news:news_command", "What was unusual in a device's own history. 设备自身历史中的异常。"),
    "calibrate": ("calibrate:calibrate", "What closed tickets say of the findings' scores. 用已关闭工单检验把握。"),
}
for _name, (_where, _help) in _LATER.items():
    app.command(f"roundsman.analysis_{_where}", name=_name, help=_help)

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
QUANTITY = {
    Quantity.RUNTIME: Text("runtime", "续航"),
    Quantity.DARK: Text("time to dark", "断电时刻"),
    Quantity.END_OF_LIFE: Text("end of life", "寿命终止"),
    Quantity.THRESHOLD: Text("limit reached", "越限时刻"),
}
CentreFile = Annotated[
    Path | None,
    Parameter(
        name="--collector", help="The collector's file (else $ROUNDSMAN_COLLECTOR, ./collector.toml). 采集中心配置。"
    ),
]


@app.command
def score(
    *,
    site: Annotated[str | None, Parameter(help="Only this site. 仅此站点。")] = None,
    device: Annotated[str | None, Parameter(help="Only this device. 仅此设备。")] = None,
    by: Annotated[
        Literal["detector", "model", "site", "version"], Parameter(help="One record for each. 按何分组。")
    ] = "detector",
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """Every forecast that reality has answered, and the record. 已被实际结果验证的预测及评分。"""
    from analytics import forecast
    from collector import inventory as inventories
    from collector.jobs.standing import grouped
    from collector.store import records

    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            known = inventories.latest(conn)
            found = records.forecasts(conn, site=site, device=device)
    except NoCentreError as error:
        complain(error.text)
        return 1
    answered = sorted((one for one in found if one.real is not None), key=lambda one: (one.made, one.id))
    for one in answered:
        if json:
            put({**msgspec.to_builtins(one), "id": one.id, "error": one.error, "inside": one.inside})
        else:
            say(_said(one))
    for group, record in grouped(found, known, by).items():
        if json:
            put({"by": by, "group": group[0], "quantity": group[1], **msgspec.to_builtins(record)})
        else:
            say(_record(group, record))
    whole = forecast.record(found)
    if whole is None and not json:
        say(Text("No forecast has been made yet.", "尚无预测。"))
    elif whole is not None and json:
        put({"by": "all", **msgspec.to_builtins(whole)})
    return 0


@app.command
def discharges(device: str | None = None, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Every discharge kept of a battery, or of all. 某台或全部设备的电池放电记录。"""
    from collector.store import records

    kept = False
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            for one in records.discharges(conn, device):
                kept = True
                if json:
                    put({"device": one.device, "battery": one.battery, **msgspec.to_builtins(one.record)})
                else:
                    say(_discharge(one))
    except NoCentreError as error:
        complain(error.text)
        return 1
    if not kept and not json:
        of = (
            Text("", "")
            if device is None
            else Text(f" of {device} (written as site/device?)", f"{device}（应写成 站点/设备）")
        )
        say(Text(f"No discharge is kept{of.en} yet.", f"{of.zh}尚无放电记录。"))
    return 0


def _said(one: Forecast) -> Text:
    name = QUANTITY[one.quantity]
    if one.quantity in (Quantity.RUNTIME, Quantity.DARK):
        p10, p50, p90, real = ((at - one.start) / 60_000 for at in (one.p10, one.p50, one.p90, one.real or one.p50))
        return Text(
            f"{one.device}  {_day(one.made)}  {name.en}: said {p50:.0f} min ({p10:.0f} … {p90:.0f}), came {real:.0f} min",
            f"{one.device}  {_day(one.made)}  {name.zh}：预测 {p50:.0f} 分钟（{p10:.0f} … {p90:.0f}），实际 {real:.0f} 分钟",
        )
    p10_d, p50_d, p90_d, real_d = (_day(at)[:10] for at in (one.p10, one.p50, one.p90, one.real or one.p50))
    return Text(
        f"{one.device}  {_day(one.made)}  {name.en}: said {p50_d} ({p10_d} … {p90_d}), came {real_d}",
        f"{one.device}  {_day(one.made)}  {name.zh}：预测 {p50_d}（{p10_d} … {p90_d}），实际 {real_d}",
    )


def _record(group: tuple[str, str], record: Record) -> Text:
    name = QUANTITY[Quantity(group[1])]
    waiting = Text(
        f"{record.open} open, {record.withdrawn} withdrawn", f"未到期 {record.open}，已撤回 {record.withdrawn}"
    )
    if not record.n:
        return Text(
            f"{group[0]}  {name.en}: none answered yet ({waiting.en})",
            f"{group[0]}  {name.zh}：尚无结果（{waiting.zh}）",
        )
    return Text(
        f"{group[0]}  {name.en}: {record.n} answered, {record.inside:.0%} inside P10 … P90, {record.early:.0%} came early, median error {record.error:.0%}, bias {record.bias:+.0%} ({waiting.en})",
        f"{group[0]}  {name.zh}：{record.n} 次已验证，{record.inside:.0%} 落在 P10 … P90 内，{record.early:.0%} 提前发生，误差中位数 {record.error:.0%}，偏差 {record.bias:+.0%}（{waiting.zh}）",
    )


def _discharge(row: DischargeRow) -> Text:
    one = row.record
    depth = "?" if one.depth is None else f"{one.depth:.0%}"
    health = "" if one.soh is None else f"  SoH {one.soh:.0%} ± {one.soh_sd or 0:.0%}"
    sort = Text("test", "自检") if one.test else Text("discharge", "放电")
    return Text(
        f"{row.device}  {_day(one.start)}  {sort.en}  {one.seconds / 60:.1f} min  depth {depth}  end: {one.reason}{health}",
        f"{row.device}  {_day(one.start)}  {sort.zh}  {one.seconds / 60:.1f} 分钟  深度 {depth}  结束：{one.reason}{health}",
    )


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
