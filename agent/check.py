"""What `roundsman check FILE` says of an agent file: its mistakes, and what this machine lacks to run it."""

from __future__ import annotations

import errno
import socket
import stat
from pathlib import Path

from agent.address import ICMP, PUBLIC
from agent.config import AgentConfig, WatchedDevice, load
from agent.enrolment import key_of
from agent.links.reach import echo_socket
from agent.links.secrets import secret
from model.problem import Lines, Problem
from model.secret import SecretError
from model.text import Text


def check(path: Path) -> list[Problem]:
    """Every problem of the file, errors first; warnings are about this machine, now. Asks no device."""
    config, problems = load(path)
    if config is not None:
        lines = Lines(path.read_text(encoding="utf-8"))
        problems = [
            *problems,
            *_key(config, lines),
            *_ports(config, lines),
            *_icmp(config, lines),
            *_traps(config, lines),
            *_nut(config, lines),
            *_spool(config, lines),
        ]
    return sorted(problems, key=lambda problem: (problem.severity != "error", problem.line))


def _key(config: AgentConfig, lines: Lines) -> list[Problem]:
    try:
        key_of(config)
    except SecretError as error:
        return [_warning(config, lines, "agent.key", _A_KEY, str(error), _FIX_ENROL)]
    file = config.key_file
    if file and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        got = f"mode {stat.filemode(file.stat().st_mode)}"
        fix = Text(f"chmod 600 {file}", f"执行 chmod 600 {file}")
        return [_warning(config, lines, "agent.key", _PRIVATE, got, fix)]
    return []


def _ports(config: AgentConfig, lines: Lines) -> list[Problem]:
    missing = {device.url.path: device for device in reversed(config.devices) if _gone(device)}
    return [
        _warning(config, lines, _place(device, lines, config), _A_PORT, f"no {port}", _FIX_PORT)
        for port, device in sorted(missing.items())
    ]


def _icmp(config: AgentConfig, lines: Lines) -> list[Problem]:
    device = next((device for device in config.devices if device.url.scheme == ICMP), None)
    if device is None:
        return []
    try:
        echo_socket(socket.AF_INET).close()
    except PermissionError:
        return [
            _warning(config, lines, _place(device, lines, config), _ICMP_ALLOWED, "neither is allowed here", _FIX_ICMP)
        ]
    return []


def _traps(config: AgentConfig, lines: Lines) -> list[Problem]:
    if config.traps is None:
        return []
    users = enumerate(config.traps.users)
    references = [("traps.community", one) for one in config.traps.communities if one != PUBLIC]
    references += [
        (f"traps.user.{n}.{key}", one)
        for n, user in users
        for key, one in (("auth_key", user.auth_key), ("priv_key", user.priv_key))
        if one
    ]
    found: list[Problem] = []
    for key, reference in references:
        try:
            secret(reference)
        except SecretError as error:
            found.append(_warning(config, lines, key, _A_SECRET, str(error), _FIX_SECRET))
    for host, port in config.traps.listen:
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as trial:
                trial.bind((host, port))
        except PermissionError:
            found.append(_warning(config, lines, "traps.listen", _A_LOW_PORT, f"no right to {port}", _FIX_LOW_PORT))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:  # a port in use may be the agent's own, at work
                found.append(_warning(config, lines, "traps.listen", _AN_ADDRESS, host, _FIX_ADDRESS))
    return found


def _nut(config: AgentConfig, lines: Lines) -> list[Problem]:
    found: list[Problem] = []
    for number, user in enumerate(config.nut.users if config.nut else ()):
        try:
            secret(user.password)
        except SecretError as error:
            found.append(_warning(config, lines, f"nut.user.{number}.password", _A_SECRET, str(error), _FIX_SECRET))
    return found


def _gone(device: WatchedDevice) -> bool:
    return bool(device.url.path) and not Path(device.url.path).exists()


def _place(device: WatchedDevice, lines: Lines, config: AgentConfig) -> str:
    """The key of this device's URL: devices that were left out still count in the file's numbering."""
    text = config.file.read_text(encoding="utf-8")
    for number in range(text.count("[[")):
        line = lines.of(f"device.{number}.url")
        if line and device.url.text in text.splitlines()[line - 1]:
            return f"device.{number}.url"
    return "device"


def _spool(config: AgentConfig, lines: Lines) -> list[Problem]:
    folder = config.spool.parent
    if folder.is_dir():
        return []
    fix = Text(f"mkdir -p {folder}", f"执行 mkdir -p {folder}")
    return [_warning(config, lines, "agent.spool", _A_FOLDER, f"no folder {folder}", fix)]


def _warning(config: AgentConfig, lines: Lines, key: str, expected: Text, got: str, fix: Text) -> Problem:
    return Problem(
        file=str(config.file), line=lines.of(key), key=key, expected=expected, got=got, fix=fix, severity="warning"
    )


_A_KEY = Text("this agent's key", "本代理的密钥")
_FIX_ENROL = Text("roundsman agent FILE --enrol CODE makes it", "用 roundsman agent 文件 --enrol 登记码 生成")
_PRIVATE = Text("a key file that only its owner reads", "只有属主可读的密钥文件")
_ICMP_ALLOWED = Text(
    "ICMP for the agent: a datagram socket or CAP_NET_RAW", "代理可用 ICMP：数据报套接字或 CAP_NET_RAW"
)
_FIX_ICMP = Text(
    "put the agent's group into net.ipv4.ping_group_range, give it CAP_NET_RAW, or write tcp://HOST:PORT",
    "把代理所属组加入 net.ipv4.ping_group_range，或授予 CAP_NET_RAW，或改写 tcp://主机:端口",
)
_A_SECRET = Text("what the reference names", "引用所指的内容")
_FIX_SECRET = Text("set it for the agent; until then it proves no trap", "为代理设置该值；否则无法验证 trap")
_A_LOW_PORT = Text("a port that this user may open", "当前用户可打开的端口")
_FIX_LOW_PORT = Text(
    "give the agent CAP_NET_BIND_SERVICE, or forward 162 to a port above 1023",
    "给代理 CAP_NET_BIND_SERVICE，或把 162 转发到 1023 以上的端口",
)
_AN_ADDRESS = Text("an address of this machine", "本机的地址")
_FIX_ADDRESS = Text('write listen = ["0.0.0.0:162"]', '写成 listen = ["0.0.0.0:162"]')
_A_PORT = Text("a serial port that is there", "存在的串口")
_FIX_PORT = Text("plug it in, or name it by /dev/serial/by-path", "插好设备，或改用 /dev/serial/by-path 下的名字")
_A_FOLDER = Text("a folder for the spool", "存放缓存的文件夹")
