"""`roundsman outbox …` on the command line; what it does is in roundsman.outbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

app = App(name="outbox", help="What goes out to other systems and people. 发往外部系统与人员的消息。")

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
CentreFile = Annotated[
    Path | None,
    Parameter(
        name="--collector", help="The collector's file (else $ROUNDSMAN_COLLECTOR, ./collector.toml). 采集中心配置。"
    ),
]


@app.command(name="list")
def list_(
    *,
    ticket: Annotated[str | None, Parameter(help="Only of this ticket. 仅此工单。")] = None,
    all: Annotated[bool, Parameter(name="--all", negative="", help="Delivered ones too. 含已送达。")] = False,
    dropped: Annotated[
        bool, Parameter(negative="", help="What was heard and became no entry, and why. 未入账的来信及原因。")
    ] = False,
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """What waits or was refused, and why. 等待或被拒绝的消息及原因。"""
    from roundsman.outbox import list_outbox

    return list_outbox(collector, ticket, everything=all, dropped=dropped, as_json=json)


@app.command
def again(
    *keys: str,
    all: Annotated[
        str | None, Parameter(name="--all", help="All that this connector refused. 该连接器的全部拒绝消息。")
    ] = None,
    collector: CentreFile = None,
) -> int:
    """Send refused messages again, by their keys. 重发被拒绝的消息。"""
    from roundsman.outbox import again as send

    return send(keys, collector, all_of=all)
