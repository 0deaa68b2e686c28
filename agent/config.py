"""The agent's file: which wires there are, and where to send what they say.

Rules. One reading of the file finds every mistake. A device that is wrong is left out and the others run;
without a sound `[agent]` table there is no agent. Secrets are references: a literal is refused and not
shown. Paths are relative to the file. The example with every key is in docs/agent.md.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from agent.address import NEIGHBOURS, REACH, AddressError, DeviceUrl
from agent.contacts import meant
from agent.nut_server import settings as nut_settings
from agent.nut_server.settings import NutSettings
from agent.profiles import PROFILES, Profile, ProfileError, known
from agent.profiles import load as load_profile
from agent.sharing import Sharer, clash
from agent.thresholds import adjusted
from agent.traps import settings as trap_settings
from agent.traps.settings import TrapSettings
from model.problem import Problem, unreadable
from model.secret import is_reference
from model.text import Text
from model.toml_table import Table
from model.toml_table import parse as parse_toml

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
#: The id under which an agent tells of its lines; no device may have it.
AGENT = "agent"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
#: Tables that the collector reads when one machine has both in one file (`roundsman run`).
_CENTRE_TABLES = frozenset({"collector", "connector"})
#: `[[device]]` schemes whose profile can be found by asking the device.
_SELF_TELLING = ("snmp", "megatec", *REACH, *NEIGHBOURS)


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Story seconds between rounds of a tier; `floor_s` is the least real pause."""

    status_s: float = 2.0
    measure_s: float = 10.0
    identity_s: float = 86400.0
    floor_s: float = 0.0


class RecorderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The flight recorder: what a line keeps, how far a recording reaches (real seconds), what a day may send."""

    on: bool = True
    frames: int = 512
    kilobytes: int = 64
    before_s: float = 60.0
    after_s: float = 10.0
    daily_kilobytes: int = 4096


class WatchedDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One device to ask. `id` is `site/device`; `profile` None: the device itself says what it is."""

    id: str
    url: DeviceUrl
    profile: Profile | None = None


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A sound agent file."""

    file: Path
    site: str
    collector: str
    key: str  #: a reference; `file:` is relative to the folder of `file`
    spool: Path
    ca: Path | None = None  #: authorities to trust beside none else, for a centre with a private one
    spool_max_mb: int = 512
    keep_delivered_h: float = 0.0
    metrics: tuple[str, int] | None = None  #: where /metrics is served
    pace: Pace = Pace()
    recorder: RecorderConfig = RecorderConfig()
    devices: tuple[WatchedDevice, ...] = ()
    traps: TrapSettings | None = None
    nut: NutSettings | None = None

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def key_file(self) -> Path | None:
        """Where the key is kept, when it is kept in a file."""
        scheme, _, rest = self.key.partition(":")
        return self.folder / rest if scheme == "file" else None

    @property
    def loopback(self) -> bool:
        """Whether the collector runs on this very machine."""
        return urlsplit(self.collector).hostname in LOOPBACK


def load(path: Path) -> tuple[AgentConfig | None, list[Problem]]:
    """Read the agent file. None when there can be no agent; the problems say why, and which devices are out."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [unreadable(str(path), error)]
    return parse(text, path)


def parse(text: str, path: Path) -> tuple[AgentConfig | None, list[Problem]]:
    """Read the text of the agent file at `path`. Pure."""
    values = parse_toml(text, str(path))
    if isinstance(values, Problem):
        return None, [values]
    top = Table.root(values, str(path), text)
    top.leave(_CENTRE_TABLES)
    base = _agent(top.table("agent", optional=True), path, _beside(values.get("collector")))
    pace = _pace(top.table("pace", optional=True))
    recorder = _recorder(top.table("recorder", optional=True))
    devices = _devices(top, base.site if base else "")
    traps = trap_settings.read(top, [device.id for device in devices])
    nut = nut_settings.read(top, [device.id for device in devices])
    top.done(None)
    if base is None:
        return None, top.problems
    return msgspec.structs.replace(
        base, pace=pace, recorder=recorder, devices=devices, traps=traps, nut=nut
    ), top.problems


def _beside(collector: object) -> tuple[str | None, str]:
    """The URL and the certificate of the collector whose table is in the same file (`roundsman run`)."""
    if not isinstance(collector, Mapping):
        return None, ""
    host, _, port = str(collector.get("listen", "127.0.0.1:8620")).rpartition(":")
    cert = collector.get("tls_cert")
    scheme = "https" if cert else "http"
    reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 what to call, not where to listen
    return f"{scheme}://{reached}:{port}", str(cert or "")


def _agent(table: Table, path: Path, beside: tuple[str | None, str]) -> AgentConfig | None:
    before = table.errors
    site = _id(table, "site", "sz-futian")
    collector = _collector(table, beside[0])
    key = table.word("key", "file:agent.key", example="file:agent.key", secret=True)
    if key and not is_reference(key):
        table.problem("key", _REFERENCE, "a literal (not shown)", _FIX_REFERENCE)
    spool = table.word("spool", "spool.sqlite")
    ca = table.word("ca", beside[1])
    config = AgentConfig(
        file=path,
        site=site,
        collector=collector,
        key=key,
        spool=path.parent / spool,
        ca=path.parent / ca if ca else None,
        spool_max_mb=int(table.number("spool_max_mb", 512, 8, 1_000_000)),
        keep_delivered_h=table.number("keep_delivered_h", 0, 0, 24 * 366),
        metrics=_metrics(table),
    )
    if config.ca:
        try:
            ssl.create_default_context(cafile=str(config.ca))
        except OSError as error:  # ssl.SSLError is one
            table.problem("ca", _A_CA, f"{config.ca}: {error.strerror or error}", _FIX_CA)
    # A key nobody knows is told, but does no harm: the agent runs.
    sound = table.errors == before
    table.done(None)
    return config if sound else None


def _metrics(table: Table) -> tuple[str, int] | None:
    """Where the metrics are served; None when they are not. Another place than loopback is told, not forbidden."""
    text = table.word("metrics", "")
    if not text:
        return None
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        table.problem("metrics", _A_LISTENER, repr(text), _FIX_LISTENER)
        return None
    if host not in LOOPBACK:
        table.problem("metrics", _LOOPBACK, repr(text), _FIX_LISTENER, warning=True)
    return host, int(port)


def _collector(table: Table, beside: str | None) -> str:
    """The URL, or "" when it is no good."""
    url = table.word("collector", beside, example="https://collector.example:8620")
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        host, port_ok = parts.hostname, parts.port is None or parts.port > 0
    except ValueError:
        host, port_ok, parts = None, False, urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not port_ok:
        table.problem("collector", _A_COLLECTOR, repr(url), _FIX_COLLECTOR)
    elif parts.username or parts.password:
        table.problem("collector", _A_COLLECTOR, "a user or password in the URL (not shown)", _FIX_COLLECTOR)
    elif parts.scheme == "http" and host not in LOOPBACK:
        table.problem("collector", _HTTPS, repr(url), Text("write https://", "写 https://"))
    else:
        return url
    return ""


def _pace(table: Table) -> Pace:
    return table.done(
        Pace(
            status_s=table.number("status_s", 2, 0.1, 86400),
            measure_s=table.number("measure_s", 10, 0.1, 86400),
            identity_s=table.number("identity_s", 86400, 1, 31 * 86400),
            floor_s=table.number("floor_s", 0, 0, 3600),
        )
    )


def _recorder(table: Table) -> RecorderConfig:
    return table.done(
        RecorderConfig(
            on=table.flag("on", True),
            frames=int(table.number("frames", 512, 16, 100_000)),
            kilobytes=int(table.number("kilobytes", 64, 4, 16_384)),
            before_s=table.number("before_s", 60, 0, 3600),
            after_s=table.number("after_s", 10, 0, 600),
            daily_kilobytes=int(table.number("daily_kilobytes", 4096, 0, 1_000_000)),
        )
    )


def _devices(top: Table, site: str) -> tuple[WatchedDevice, ...]:
    devices: dict[str, WatchedDevice] = {}
    lines: dict[str, list[Sharer]] = {}  #: who is on which line
    tables = top.tables("device")
    for table in tables:
        before = table.errors
        id = _id(table, "id", "ups-1")
        url = _url(table)
        profile = adjusted(table, meant(table, _profile(table, url)))
        sound = table.errors == before
        table.done(None)
        if id and f"{site}/{id}" in devices:
            table.problem("id", Text("an id of its own", "唯一的设备号"), repr(id), Text("rename one", "改其中一个"))
        elif id == AGENT:
            table.problem("id", _NOT_AGENT, repr(id), Text("rename it", "改名"))
        elif id and url and sound:
            device = WatchedDevice(id=f"{site}/{id}", url=url, profile=profile)
            if _goes_with(table, device, lines):
                devices[device.id] = device
    if not tables:
        top.problem("device", _A_DEVICE, "none", _FIX_DEVICE, warning=True)
    return tuple(devices.values())


def _goes_with(table: Table, device: WatchedDevice, lines: dict[str, list[Sharer]]) -> bool:
    """Whether a device can share the line of those before it; notes what is wrong."""
    one = Sharer(id=device.id, url=device.url, profile=device.profile.id if device.profile else "")
    line = lines.setdefault(device.url.link_key, [])
    found = clash(one, line)
    if found:
        table.problem("url", found.expected, found.got, found.fix, warning=found.warning)
        if not found.warning:
            return False
    line.append(one)
    return True


def _id(table: Table, key: str, example: str) -> str:
    """The id, or "" when it is no good."""
    value = table.word(key, example=example)
    if not value or _ID.fullmatch(value):
        return value
    table.problem(key, _AN_ID, repr(value), Text(f'write for example "{example}"', f'例如 "{example}"'))
    return ""


def _url(table: Table) -> DeviceUrl | None:
    text = table.word("url", example="modbus+tcp://192.0.2.5:502?unit=1")
    if not text:
        return None
    try:
        return DeviceUrl.parse(text)
    except AddressError as error:
        table.problem("url", error.expected, error.got, error.fix)
        return None


def _profile(table: Table, url: DeviceUrl | None) -> Profile | None:
    id = table.word("profile", default="")
    if not id:
        if "profile" not in table.tree and url and url.scheme not in _SELF_TELLING:
            # Some Modbus devices name their maker when asked; most do not.
            table.problem("profile", _A_PROFILE, "nothing", _FIX_PROFILE, warning=True)
        return None
    if not known(id):
        table.problem("profile", _A_PROFILE, repr(id), did_you_mean(id) or _FIX_PROFILE)
        return None
    try:
        profile = load_profile(id)
    except ProfileError as error:
        table.problem("profile", _SOUND, str(error)[:300], _FIX_LINT)
        return None
    if url and profile.driver != url.scheme.partition("+")[0]:
        expected = Text(f"a profile for {url.scheme}", f"适用于 {url.scheme} 的 profile")
        table.problem("profile", expected, f"{id!r}, which speaks {profile.driver}", _FIX_PROFILE)
    return profile


def did_you_mean(id: str) -> Text | None:
    """The known profile whose name is nearest to a mistyped one."""
    near = get_close_matches(id.strip().lower().replace("-", "_"), PROFILES, 1)
    return Text(f"did you mean `{near[0]}`?", f"是否为 `{near[0]}`？") if near else None


_REFERENCE = Text("a reference env:NAME or file:PATH", "引用 env:NAME 或 file:PATH")
_FIX_REFERENCE = Text(
    'write key = "file:agent.key" and put the secret there', '写 key = "file:agent.key"，把密钥放入该文件'
)
_A_COLLECTOR = Text("the URL of the collector", "采集中心的 URL")
_FIX_COLLECTOR = Text("write https://HOST:8620", "写成 https://主机:8620")
_HTTPS = Text("https, for plain http is taken only on loopback", "https；明文 http 只允许本机回环地址")
_A_LISTENER = Text("HOST:PORT to listen on", "监听地址 主机:端口")
_LOOPBACK = Text("loopback: the metrics have neither a password nor TLS", "本机回环地址：指标没有密码，也没有 TLS")
_FIX_LISTENER = Text('write metrics = "127.0.0.1:9780"', '写成 metrics = "127.0.0.1:9780"')
_A_CA = Text("a file of PEM certificates", "PEM 证书文件")
_FIX_CA = Text("correct the path, or remove ca to use the system's", "更正路径，或删除 ca 以用系统证书")
_NOT_AGENT = Text("another id: agent stands for the agent itself", "其他设备号：agent 代表采集端本身")
_AN_ID = Text("letters, digits, - _ . (at most 63, no slash)", "字母、数字、- _ .（至多 63 个，不含斜杠）")
_A_DEVICE = Text("at least one [[device]]", "至少一个 [[device]]")
_FIX_DEVICE = Text("add a [[device]] with id and url", "添加 [[device]]，写 id 与 url")
_A_PROFILE = Text(
    f"one of the {len(PROFILES)} profiles that `roundsman profile list` names",
    f"`roundsman profile list` 所列 {len(PROFILES)} 个 profile 之一",
)
_SOUND = Text("a profile without problems", "无错误的 profile 文件")
_FIX_LINT = Text("run roundsman profile lint on it", "用 roundsman profile lint 检查")
_FIX_PROFILE = Text(
    "name the device's profile, or ask `roundsman probe URL`", "写明设备的 profile，或用 roundsman probe URL 识别"
)
