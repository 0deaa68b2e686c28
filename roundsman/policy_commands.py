"""`roundsman policy …` as cyclopts reads it; what it does is in roundsman.policies, imported only when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

app = App(name="policy", help="Contracts as data: check, explain, warranty. 服务合同：检查、解释、保修。")

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
Flag = Parameter(negative="")


@app.command
def lint(*files: Path, json: Json = False) -> int:
    """Mistakes, contradictions and gaps of policy files (else of all shipped ones). 检查合同文件的错误、矛盾与空白。"""
    from roundsman.policies import lint_files

    return lint_files(files, json)


@app.command(name="list")
def list_(*, json: Json = False) -> int:
    """The policies that there are, with their levels. 列出合同与级别。"""
    from roundsman.policies import list_policies

    return list_policies(json)


@app.command
def explain(
    policy: Annotated[str, Parameter(help="A policy's id, or a file. 合同编号或文件。")],
    /,
    *,
    level: Annotated[str, Parameter(help="One of its levels. 级别。")],
    at: Annotated[str, Parameter(help="When the ticket opens, ISO 8601; without offset by --tz. 开单时间。")],
    remote: Annotated[bool, Flag, Parameter(help="No local office is near. 无本地机构。")] = False,
    kva: Annotated[float | None, Parameter(help="The equipment's rating, kVA. 设备容量。")] = None,
    spares_on_site: Annotated[bool, Flag, Parameter(help="Spare parts are on site. 现场有备件。")] = False,
    hardware: Annotated[bool, Flag, Parameter(help="A hardware fault. 硬件故障。")] = False,
    cause_unknown: Annotated[bool, Flag, Parameter(help="Nobody knows the cause. 原因不明。")] = False,
    non_stop: Annotated[bool, Flag, Parameter(help="Slow, but it runs. 非停机性质。")] = False,
    disaster: Annotated[bool, Flag, Parameter(help="After a disaster. 重大灾害后。")] = False,
    on_request: Annotated[bool, Flag, Parameter(help="The customer asked for it. 应客户要求。")] = False,
    country: Annotated[str, Parameter(help="The site's country, ISO 3166. 站点国家。")] = "CN",
    tz: Annotated[str, Parameter(help="The site's time zone. 站点时区。")] = "Asia/Shanghai",
    all: Annotated[
        bool, Flag, Parameter(name="--all", help="What does not bind as lines too. 含不约束的数值。")
    ] = False,
    json: Json = False,
) -> int:
    """Every clock that a ticket opened then would get, with its due time and its line. 届时开单的全部时限与出处。"""
    from roundsman.policies import explain_policy, facts

    given = facts(
        remote=remote,
        kva=kva,
        spares_on_site=spares_on_site,
        hardware=hardware,
        cause_unknown=cause_unknown,
        non_stop=non_stop,
        disaster=disaster,
        on_request=on_request,
    )
    return explain_policy(policy, level, at, given, country, tz, everything=all, as_json=json)


@app.command
def warranty(
    policy: Annotated[str, Parameter(help="A policy's id, or a file. 合同编号或文件。")],
    /,
    *,
    item: Annotated[
        Literal["host", "battery", "software", "third-party-software"], Parameter(help="What is asked about. 项目。")
    ],
    since: Annotated[str, Parameter(help="The first day of the term, an ISO date. 起始日。")],
    at: Annotated[str, Parameter(help="The day that is asked about, an ISO date. 查询日。")],
    ah: Annotated[float | None, Parameter(help="A battery block's capacity, Ah. 单体容量。")] = None,
    block_v: Annotated[float, Parameter(help="A battery block's voltage, V. 单体电压。")] = 12.0,
    json: Json = False,
) -> int:
    """In or out of warranty, or undefined: never guessed. 在保、过保或未定义。"""
    from roundsman.policies import tell_warranty

    return tell_warranty(policy, item, since, at, ah, block_v, json)
