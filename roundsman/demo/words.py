"""What the demo says to a person, in both languages: one place. Pure."""

from __future__ import annotations

import unicodedata
from typing import Any

from model.text import Text

STARTING = {
    "simulators": Text("starting the simulated devices …", "正在启动模拟设备 …"),
    "collector": Text("starting the centre: collector, desk, console …", "正在启动中心：采集中心、服务台、控制台 …"),
    "agent": Text("starting an agent at each site …", "正在启动各站点采集端 …"),
}
READING = Text("devices read: {heard} of {devices}", "已读到设备：{heard} / {devices}")
READY = Text(
    "\n  Console          {url}\n  One-time login   {login}\n  In a terminal    ROUNDSMAN_COLLECTOR={file} .venv/bin/roundsman ticket list\n"
    "  Ctrl-C ends the demo. The clock runs {speed:g} times as fast; "
    "the times below are minutes and seconds of the story.\n",
    "\n  控制台       {url}\n  一次性登录   {login}\n  终端         ROUNDSMAN_COLLECTOR={file} .venv/bin/roundsman ticket list\n"
    "  按 Ctrl-C 结束。时钟加速 {speed:g} 倍；下列时间为故事中的分:秒。\n",
)
READ_ALL = Text("every device was read {seconds:g} s after the start", "启动后 {seconds:g} 秒读到全部设备")
READ_SOME = Text("not every device could be read; the story begins", "未能读到全部设备；故事开始")
RESTARTED = Text("{child} ended ({exit}) and is started again", "{child} 已退出（{exit}），重新启动")
KILLED = Text("kill -9 {child}", "强制杀死 {child}")
STOPPING = Text("stopping: the agents send what they hold …", "正在停止：采集端送出剩余数据 …")
STORY_OVER = Text("the story is over; the console stays open until Ctrl-C", "故事结束；控制台保持开放，按 Ctrl-C 退出")

COLON, AND = Text(": ", "："), Text("; ", "；")
ON_STAGE = Text("on stage", "场景")
INCIDENT = Text("INCIDENT", "事件")
NOW = Text("now {impact}: {title}", "影响变为{impact}：{title}")
OVER = Text("over: {title}", "事件结束：{title}")
NO_JOB = Text("no job", "不派单")
JOINED = Text("joined", "并入")
NEXT_CALL = Text("Next to call", "下一位联系人")
ACK_HINT = Text(
    "nobody has answered yet: acknowledge it at {url}/tickets/{id}", "尚无人响应：可在 {url}/tickets/{id} 响应"
)
REPORT_HINT = Text(
    "its report as PDF: .venv/bin/roundsman report fault {id} --collector {file}",
    "故障报告（PDF）：.venv/bin/roundsman report fault {id} --collector {file}",
)
IMMEDIATE = Text("at once (broken from {due})", "立即（{due} 起算超时）")
WITHIN = Text("within {span}, by {due}", "{span}内，{due} 前")
UNTIMED = Text("no number in the contract", "合同未定时限")
NEARLY = Text("{clock}: nearly due", "{clock}：即将超时")
BROKEN = Text("{clock}: BROKEN", "{clock}：已超时")

STORY = Text("What was to be shown", "应当展示的内容")
NOT_YET = Text("not yet", "尚未演到")
NUMBERS = Text(
    "{readings} readings, none lost; {gaps} gaps, each with its cause",
    "{readings} 个读数，无一丢失；{gaps} 个缺口，均有原因",
)
NUMBERS_LOST = Text("{readings} readings, {lost} LOST; {gaps} gaps", "{readings} 个读数，丢失 {lost} 个；{gaps} 个缺口")
TICKETS = Text("{incidents} incidents, {tickets} tickets", "{incidents} 个事件，{tickets} 张工单")
ALL_HELD = Text("All of it held.", "全部成立。")
SO_FAR = Text(
    "Ended early: {held} of {all} shown so far, nothing lost.", "提前结束：{all} 项中已展示 {held} 项，无数据丢失。"
)
NOT_HELD = Text("{wrong} of {all} did NOT hold.", "{all} 项中有 {wrong} 项不成立。")

_FAULTS = {
    "replace_battery": Text('{who} raises its "replace battery" flag', "{who} 自行置位“更换电池”标志"),
    "fan": Text("a fan of {who} fails", "{who} 的一个风扇停转"),
}


def direction(event: dict[str, Any], who: Text) -> Text:
    """What the simulators just did, as a stage direction."""
    if "mains" in event:
        return (
            Text(f"the mains returns at {who.en}", f"{who.zh} 市电恢复")
            if event["mains"]
            else Text(f"the mains fails at {who.en}", f"{who.zh} 市电中断")
        )
    if "port" in event and event.get("link"):
        return Text(
            f"port {event['port']} of {who.en} goes {event['link']}",
            f"{who.zh} 的端口 {event['port']} {'断开' if event['link'] == 'down' else '连通'}",
        )
    if "port" in event and "errors" in event:
        return Text(
            f"port {event['port']} of {who.en} begins to drop {event['errors']:.1%} of its frames",
            f"{who.zh} 的端口 {event['port']} 开始出现 {event['errors']:.1%} 错包",
        )
    if (known := _FAULTS.get(str(event.get("fault")))) is not None:
        return Text(known.en.format(who=who.en), known.zh.format(who=who.zh))
    rest = ", ".join(f"{k}={v}" for k, v in event.items() if k not in ("event", "at", "story_s", "device", "site"))
    return Text(f"{who.en}: {rest}", f"{who.zh}：{rest}")


def span(seconds: float) -> Text:
    """A promised time.

    >>> span(7200).en, span(144000).en, span(900).zh
    ('2 h', '40 h', '15 分钟')
    """
    if seconds >= 3600:
        return Text(f"{seconds / 3600:g} h", f"{seconds / 3600:g} 小时")
    return Text(f"{seconds / 60:g} min", f"{seconds / 60:g} 分钟")


def padded(text: str, columns: int) -> str:
    """`text` filled up to so many columns of a terminal: a Chinese character takes two.

    >>> padded("首次响应", 10) + "|", padded("ab", 3) + "|"
    ('首次响应  |', 'ab |')
    """
    wide = sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
    return text + " " * max(0, columns - wide)
