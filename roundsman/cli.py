"""Every command of `roundsman`, each a few lines: parse, call the room that does it, print.

Imports of the rooms are inside the commands on purpose: `roundsman agent` on a small machine must not
load the centre, and `--help` must answer at once. Help texts are in English and Chinese.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from model.text import Text
from model.timescale import REAL, TimeScale
from roundsman import __version__
from roundsman.field_office import app as field_app
from roundsman.outbox_commands import app as outbox_app
from roundsman.policy_commands import app as policy_app
from roundsman.speech import complain, language
from roundsman.ticket_commands import app as ticket_app

app = App(
    name="roundsman",
    version=__version__,
    help="Rounds of UPS and network gear: from the wire to a ticket. UPS 与网络设备巡检：从线路到工单。",
)
agent_app = App(name="agent", help="The half at the site: run it, or look at it. 站点采集端：运行或查看。")
inventory = App(name="inventory", help="Who owns what, and under which contract. 资产与合同台账。")
app.command(ticket_app)
app.command(inventory)
app.command(agent_app)
recording = App(name="recording", help="What flight recorders kept of a line around an event. 线路录波。")
app.command(recording)
profile_app = App(name="profile", help="How makes are read: check and list the files. 设备配置文件。")
app.command(profile_app)
app.command(policy_app)
app.command(
    "roundsman.reports:app", name="report", help="Reports and documents: PDF or HTML, Chinese or English. 报告与文件。"
)
app.command(field_app)
app.command(outbox_app)
app.command(
    "roundsman.analyses:app",
    name="analyze",
    help="What the detectors know, and the record of their forecasts. 检测器所知及预测评分。",
)

Clock = Annotated[
    str | None, Parameter(name="--clock", help="T0:REAL0:SPEED, the injected clock of a demo. 演示用的注入时钟。")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line. 每行一个 JSON 对象。")]
WriterKey = Annotated[
    bool,
    Parameter(negative="", help="A key instead, for Telegraf and InfluxDB clients. 供 InfluxDB 客户端写入的密钥。"),
]
CentreFile = Annotated[
    Path | None,
    Parameter(
        name="--collector", help="The collector's file (else $ROUNDSMAN_COLLECTOR, ./collector.toml). 采集中心配置。"
    ),
]


def _scale(clock: str | None) -> TimeScale:
    return TimeScale.parse(clock) if clock else REAL


@app.command
def demo(
    *,
    for_s: Annotated[float | None, Parameter(name="--for", help="End after so many real seconds. 运行秒数。")] = None,
    speed: Annotated[float, Parameter(help="How fast the story's clock runs. 时钟倍速。")] = 10.0,
    json: Json = False,
    browser: Annotated[bool, Parameter(help="Open the console in a browser. 打开浏览器。")] = True,
    data: Annotated[Path | None, Parameter(help="Keep everything in this folder. 数据目录。")] = None,
    history: Annotated[str, Parameter(help="embedded, influxdb+http://…?db=, victoriametrics+http://…")] = "embedded",
    port: Annotated[int, Parameter(help="The console's port. 控制台端口。")] = 8620,
    kills: Annotated[int, Parameter(help="kill -9 so many children at random. 随机强杀次数。")] = 0,
    seed: Annotated[int, Parameter(help="Seed of the kills. 随机种子。")] = 0,
    scenario: Annotated[Path | None, Parameter(help="Another scenario; its story is not judged. 其他场景。")] = None,
    policy: Annotated[str, Parameter(help="The contract where the mains fails: cee, wuhan_jinse … 按哪个政策。")] = (
        "powerstar"
    ),
) -> int:
    """Simulated sites, agents, collector, desk and console, with a story. 模拟站点与完整流程演示。"""
    from desk.policies import POLICIES
    from roundsman.demo import DEMO_SCENARIO
    from roundsman.demo.play import Play, Wishes
    from roundsman.demo.show import Show
    from roundsman.demo.stage import StageError

    if policy not in POLICIES:
        known = ", ".join(POLICIES)
        complain(Text(f"expected a policy among {known}, got {policy}", f"政策应为 {known} 之一，实为 {policy}"))
        return 1
    wishes = Wishes(
        scenario=scenario or DEMO_SCENARIO,
        speed=speed,
        for_s=for_s,
        browser=browser and not json and sys.stdout.isatty(),
        directory=data,
        history=history,
        port=port,
        kills=kills,
        seed=seed,
        story=scenario is None,
        policy=policy,
    )
    try:
        return asyncio.run(Play(wishes, Show(json, language(), speed=speed)).run())
    except StageError as error:
        complain(str(error))
        return 1


@app.command
def run(file: Path, /, *, clock: Clock = None) -> int:
    """One site on one machine: agent, collector and console by one file. 单站点一机运行。"""
    from roundsman.alone import run_alone

    return asyncio.run(run_alone(file, _scale(clock)))


@agent_app.default
def agent(
    file: Path,
    /,
    *,
    enrol: Annotated[str | None, Parameter(help="The one-time code from `roundsman enrol`. 一次性注册码。")] = None,
    clock: Clock = None,
) -> int:
    """Poll the devices of one site and deliver what they said. 站点采集端。"""
    from roundsman.agent_start import start

    return start(file, _scale(clock), enrol_code=enrol)


@agent_app.command(name="status")
def agent_status(
    file: Annotated[Path, Parameter(help="The agent's file. 采集端配置。")] = Path("agent.toml"),
    /,
    *,
    lang: Annotated[Literal["en", "zh"] | None, Parameter(help="en or zh, else by $LANG. 语言。")] = None,
    json: Json = False,
) -> int:
    """How the running agent stands: its lines, devices, spool and uplink. 运行状态：线路、设备、缓存与上报。"""
    from roundsman.agent_status import show

    return show(file, lang or language(), json)


@app.command
def collector(file: Path, /, *, clock: Clock = None) -> int:
    """The centre: takes in, stores, detects, runs tickets, shows the console. 采集中心与控制台。"""
    from collector.running import main
    from roundsman import logs
    from roundsman.mounting import mount

    logs.configure()
    return main(file, _scale(clock), mount)


@app.command
def simulate(
    scenario: Annotated[Path | None, Parameter(help="A scenario file. 场景文件。")] = None,
    /,
    *,
    replay: Annotated[
        Path | None, Parameter(help="Play a recording (*.flight.jsonl) instead of a scenario. 回放录波文件。")
    ] = None,
    speed: Annotated[
        float | None, Parameter(help="With --replay: by a clock that runs so fast, else as asked. 回放倍速。")
    ] = None,
    directory: Annotated[Path, Parameter(help="Where the serial links appear. 串口链接目录。")] = Path("wires"),
    clock: Clock = None,
) -> int:
    """Simulated or recorded devices on real wires; JSON lines on stdout. 真实线路上的模拟或回放设备。"""
    if (scenario is None) == (replay is None) or (speed is not None and speed <= 0):
        complain(
            Text(
                "expected a scenario or --replay FILE, and a speed above 0",
                "应给出场景或 --replay 文件之一，倍速大于 0",
            )
        )
        return 2
    if replay is not None:
        from simulators.serve_replay import main as play

        return play(replay, directory, speed)
    from simulators.serve import main

    assert scenario is not None
    return main(scenario, _scale(clock), directory)


@app.command
def probe(
    url: str,
    /,
    *,
    profile: str | None = None,
    plate: Annotated[str, Parameter(help="The name plate: va=6000,blocks=16,ah=9 … 铭牌内容。")] = "",
    json: Json = False,
) -> int:
    """One device, once: decoded values with the raw ones beside, and what does not fit. 读取一台设备一次并验收。"""
    from roundsman.looking import probe_once

    return asyncio.run(probe_once(url, profile, json, plate))


@app.command
def commission(
    file: Path,
    device: str = "",
    /,
    *,
    confirm: Annotated[bool, Parameter(negative="", help="Take what is withheld as it is. 确认按原值采用。")] = False,
    json: Json = False,
) -> int:
    """The verdicts that the agent of a file keeps of its devices. 查看或确认设备验收结论。"""
    from roundsman.commission import commission as show_verdicts

    return show_verdicts(file, device, confirm=confirm, as_json=json)


@app.command
def discover(
    *targets: str,
    out: Annotated[Path | None, Parameter(help="Write the agent's file here, else on stdout. 写入文件。")] = None,
    site: Annotated[str, Parameter(help="The site's id in that file. 站点编号。")] = "",
    collector: Annotated[str, Parameter(help="Its collector's URL. 采集中心 URL。")] = "",
    units: Annotated[int, Parameter(help="The last Modbus unit to ask on a serial line. 串口最大站号。")] = 16,
    json: Json = False,
) -> int:
    """Find devices at serial ports and in networks, reading only; write the agent's file. 发现设备（只读）。"""
    from roundsman.discovering import discover_once

    if not targets or not 1 <= units <= 247:
        complain(
            Text(
                "expected ports, hosts or networks, and --units from 1 to 247; for example: roundsman discover '/dev/ttyUSB*' 192.0.2.0/24",
                "应给出串口、主机或网段，--units 为 1 到 247；例如：roundsman discover '/dev/ttyUSB*' 192.0.2.0/24",
            )
        )
        return 2
    return asyncio.run(discover_once(list(targets), out, site, collector, units, json))


@app.command
def check(file: Path, /, *, json: Json = False) -> int:
    """A configuration file: file, line, key, expected, got, fix. 检查配置文件。"""
    from roundsman.looking import check_file

    return check_file(file, json)


@profile_app.command(name="lint")
def profile_lint(
    *files: Path,
    recordings: Annotated[Path | None, Parameter(help="Where recordings that [proof] names are. 录制目录。")] = None,
    json: Json = False,
) -> int:
    """Check profile files: file, line, key, expected, got, fix. 检查设备配置文件。"""
    from roundsman.profile_files import lint_files

    return lint_files(files, recordings, json)


@profile_app.command(name="list")
def profile_list(*, json: Json = False) -> int:
    """The profiles that there are. 列出设备配置。"""
    from roundsman.profile_files import list_profiles

    return list_profiles(json)


@inventory.command(name="lint")
def inventory_lint(file: Path, /, *, json: Json = False) -> int:
    """Check an inventory file. 检查台账文件。"""
    from roundsman.centre import lint_inventory

    return lint_inventory(file, json)


@inventory.command(name="import")
def inventory_import(file: Path, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Bring an inventory file into the centre. 导入台账文件。"""
    from roundsman.centre import import_inventory

    return import_inventory(file, collector, json)


@inventory.command(name="links")
def inventory_links(*, collector: CentreFile = None, json: Json = False) -> int:
    """Show who is reached through whom: what switches and inventory say. 显示网络路径：交换机与台账所述。"""
    from roundsman.cables import tell

    return tell(collector, json)


@recording.command(name="list")
def recording_list(
    *,
    device: Annotated[str | None, Parameter(help="Only of site/device. 仅此设备。")] = None,
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """Recordings, newest first. 录波列表。"""
    from roundsman.recordings import list_recordings

    return list_recordings(device, collector, json)


@recording.command(name="save")
def recording_save(id: str, file: Path | None = None, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Write one to a file. 保存录波文件。"""
    from roundsman.recordings import save_recording

    return save_recording(id, file, collector, json)


@recording.command(name="ask")
def recording_ask(device: str, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Have the agent record a device's line now. 请求录波。"""
    from roundsman.recordings import ask_for_recording

    return ask_for_recording(device, collector, json)


@app.command
def enrol(site: str, /, *, collector: CentreFile = None, json: Json = False, key: WriterKey = False) -> int:
    """A one-time code with which an agent of this site gets its key. 生成站点的一次性注册码。"""
    from roundsman.centre import enrol_site, enrol_writer

    return enrol_writer(site, collector, json) if key else enrol_site(site, collector, json)


@app.command
def revoke(name: str, /, *, collector: CentreFile = None, json: Json = False) -> int:
    """Take away the key of an agent, or of all agents of a site, at once. 吊销采集端密钥。"""
    from roundsman.centre import revoke_agent

    return revoke_agent(name, collector, json)


@app.command
def login(
    name: str,
    /,
    *,
    role: Annotated[
        Literal["manager", "technician", "customer"], Parameter(help="What they may do. 角色。")
    ] = "technician",
    customer: Annotated[str | None, Parameter(help="For role customer: whose. 客户角色所属客户。")] = None,
    collector: CentreFile = None,
    json: Json = False,
) -> int:
    """A one-time address with which a person logs in to the console. 生成控制台一次性登录地址。"""
    from roundsman.centre import login_address

    return login_address(name, role, customer, collector, json)
