"""Where a device is reached: one URL, read once, checked with words a person can act on.

    modbus+tcp://host:502?unit=1          modbus+rtu:///dev/ttyUSB0?unit=3&baud=9600&parity=N
    modbus+rtuovertcp://host:4001?unit=1  megatec:///dev/ttyS0?baud=2400
    snmp://host:161?version=2c&community=env:NAME
    icmp://host                           tcp://host:443        (only whether it is there)
    nut://host:3493/upsname               apcupsd://host:3551   (what another program reads of its UPS)
    snmp://host:161?version=3&user=NAME&auth=sha256&auth_key=env:NAME&priv=aes128&priv_key=file:PATH

A serial line may be named by its adapter instead of its node: `modbus+rtu:///?adapter=A50285BI&unit=3`; a path is not
looked at then. Options of all: `timeout` (real seconds for one answer), of Modbus: `unit`, `ups` (number of the UPS behind
a card). Secrets are references; the only literal community taken is `public`, which is no secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

import msgspec

from model.secret import is_reference
from model.text import Text

RTU, RTU_OVER_TCP, TCP, SNMP, MEGATEC = "modbus+rtu", "modbus+rtuovertcp", "modbus+tcp", "snmp", "megatec"
ICMP, CONNECT = "icmp", "tcp"
NUT, APCUPSD = "nut", "apcupsd"
SCHEMES = (TCP, RTU, RTU_OVER_TCP, SNMP, MEGATEC, ICMP, CONNECT, NUT, APCUPSD)
#: Gear that only shows whether it is there.
REACH = (ICMP, CONNECT)
SERIAL = (RTU, MEGATEC)
#: Programs that read a UPS themselves and tell what they read.
NEIGHBOURS = (NUT, APCUPSD)
_PORTS = {TCP: 502, SNMP: 161, NUT: 3493, APCUPSD: 3551}
PUBLIC = "public"


class AddressError(ValueError):
    """A URL that cannot be used. `expected`, `fix` are for people; `got` never holds a secret."""

    def __init__(self, expected: Text, got: str, fix: Text) -> None:
        super().__init__(f"expected {expected.en}, got {got}; fix: {fix.en}")
        self.expected = expected
        self.got = got
        self.fix = fix


class DeviceUrl(msgspec.Struct, frozen=True, kw_only=True):
    """One device on one line. `path` is set for serial lines, `host` and `port` for the others."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""
    name: str = ""  #: NUT: the UPS at that host
    options: tuple[tuple[str, str], ...] = ()
    text: str = ""  #: as it was written

    @classmethod
    def parse(cls, url: str) -> DeviceUrl:
        """Read a URL. Raises `AddressError`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise AddressError(_A_URL, _shown(url), _FIX_URL) from error
        if parts.scheme not in SCHEMES:
            raise AddressError(_A_SCHEME, parts.scheme or _shown(url), _FIX_SCHEME)
        if parts.username or parts.password or parts.fragment:
            raise AddressError(_NO_USER, "a user, a password or # (not shown)", _FIX_SECRET)
        options = parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True)
        _check_options(parts.scheme, options)
        serial = parts.scheme in SERIAL
        if serial and (not parts.path.startswith("/") or parts.netloc):
            raise AddressError(_A_PATH, repr(url), _FIX_PATH.format(scheme=parts.scheme))
        if not serial and not parts.hostname:
            raise AddressError(_A_HOST, repr(url), _FIX_HOST.format(scheme=parts.scheme))
        name = parts.path.strip("/") if parts.scheme == NUT else ""
        if parts.scheme == NUT and not _UPS_NAME.fullmatch(name):
            raise AddressError(_A_UPS_NAME, repr(_shown(url)), _FIX_UPS_NAME)
        port = port or _PORTS.get(parts.scheme, 0)
        if not serial and not port and parts.scheme != ICMP:
            raise AddressError(_A_PORT, repr(url), _FIX_PORT.format(scheme=parts.scheme))
        return cls(
            scheme=parts.scheme,
            host="" if serial else parts.hostname or "",
            port=0 if serial else port,
            path=parts.path if serial else "",
            name=name,
            options=tuple(options),
            text=url,
        )

    @property
    def link_key(self) -> str:
        """Devices with the same key share one physical line, and so one owner."""
        if self.path:
            adapter = self.option("adapter")
            return f"adapter:{adapter}" if adapter else f"serial:{self.path}"
        if self.scheme in REACH:
            return f"{self.scheme}-reach:{self.host}:{self.port}"
        kind = "udp" if self.scheme == SNMP else "tcp"
        return f"{kind}:{self.host}:{self.port}" + (
            f":{self.option('community')}{self.option('user')}" if kind == "udp" else ""
        )

    def option(self, name: str, default: str = "") -> str:
        """The last value given for an option, else `default`."""
        return dict(self.options).get(name, default)

    @property
    def unit(self) -> int:
        """The Modbus unit (slave) id."""
        return int(self.option("unit", "1"))

    @property
    def timeout_s(self) -> float:
        """Real seconds to wait for one answer."""
        return float(self.option("timeout") or _TIMEOUTS[self.scheme])


#: Real seconds. A Q1 interface takes up to 0.4 s before its first byte; a Huawei card may take 2 s when busy.
_TIMEOUTS = {
    TCP: 2.0,
    RTU: 1.0,
    RTU_OVER_TCP: 1.5,
    SNMP: 1.5,
    MEGATEC: 1.2,
    ICMP: 1.0,
    CONNECT: 2.0,
    NUT: 2.0,
    APCUPSD: 2.0,
}

_FIX_URL = Text("write host:port with a port of 1 to 65535", "写成 主机:端口，端口为 1 到 65535 的整数")
_A_URL = Text("a device URL", "设备 URL")
_A_SCHEME = Text("one of " + ", ".join(SCHEMES), "下列之一：" + "、".join(SCHEMES))
_FIX_SCHEME = Text("write for example modbus+tcp://192.0.2.5:502?unit=1", "例如 modbus+tcp://192.0.2.5:502?unit=1")
_NO_USER = Text("no user name, password or # in the URL", "URL 中不得有用户名、密码或 #")
_FIX_SECRET = Text("give a reference: community=env:NAME or community=file:PATH", "写引用：community=env:NAME 或 community=file:PATH")  # fmt: skip
_A_PATH = Text("the path of a serial port after three slashes", "三个斜杠后写串口路径")
_FIX_PATH = Text("write {scheme}:///dev/ttyUSB0", "写成 {scheme}:///dev/ttyUSB0")
_A_HOST = Text("a host", "主机名或地址")
_FIX_HOST = Text("write {scheme}://192.0.2.5", "写成 {scheme}://192.0.2.5")
_UPS_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_A_UPS_NAME = Text("the name of the UPS after the host", "主机之后写 UPS 名称")
_FIX_UPS_NAME = Text("write nut://192.0.2.5/ups (upsc -l 192.0.2.5 lists the names)", "写成 nut://192.0.2.5/ups（名称用 upsc -l 192.0.2.5 查看）")  # fmt: skip
_A_PORT = Text("a port", "端口")
_FIX_PORT = Text("write {scheme}://192.0.2.5:4001", "写成 {scheme}://192.0.2.5:4001")


def _whole(low: int, high: int) -> Callable[[str], bool]:
    return lambda value: value.isascii() and value.isdigit() and low <= int(value) <= high


def _shown(url: str) -> str:
    """A URL that could not be read: without what may be a secret, its options and its user."""
    place, _, options = url.partition("?")
    return repr(place.rpartition("@")[2] + ("?…" if options else ""))


def _seconds(value: str, low: float = 0.02, high: float = 60) -> bool:
    try:
        return low <= float(value) <= high
    except ValueError:
        return False


def _community(value: str) -> bool:
    return value == PUBLIC or is_reference(value)


_Rule = tuple[Callable[[str], bool], Text]
_ONE_OF_ANY: dict[str, _Rule] = {"timeout": (_seconds, Text("seconds from 0.02 to 60", "0.02 到 60 秒"))}
_UNIT: dict[str, _Rule] = {
    "unit": (_whole(0, 255), Text("a unit from 0 to 255", "0 到 255 的站号")),
    "ups": (_whole(0, 4), Text("the number of the UPS on its card, 0 to 4", "卡上 UPS 的编号 0 到 4")),
}
#: On a serial bus 0 calls all at once, and none may answer.
_SLAVE: dict[str, _Rule] = {**_UNIT, "unit": (_whole(1, 255), Text("a unit from 1 to 255", "1 到 255 的站号"))}
_LINE: dict[str, _Rule] = {
    "baud": (_whole(300, 921600), Text("a baud rate from 300 to 921600", "300 到 921600 的波特率")),
    "parity": (lambda v: v in ("N", "E", "O"), Text("a parity N, E or O", "校验 N、E 或 O")),
    "bits": (lambda v: v in ("7", "8"), Text("7 or 8 data bits", "7 或 8 个数据位")),
    "stop": (lambda v: v in ("1", "2"), Text("1 or 2 stop bits", "1 或 2 个停止位")),
    "adapter": (lambda v: 0 < len(v) <= 64, Text("the serial number of the adapter", "串口适配器的序列号")),
}
_MS: _Rule = (_whole(0, 100), Text("milliseconds from 0 to 100", "0 到 100 毫秒"))
_RS485: dict[str, _Rule] = {
    "rs485": (
        lambda v: v in ("rts", "rts-inverted", "kernel"),
        Text("rts, rts-inverted or kernel", "rts、rts-inverted 或 kernel"),
    ),
    "rts_before_ms": _MS,
    "rts_after_ms": _MS,
}
#: Names of a URL -> ours. `sha` and `aes` are what most devices call them; `…c` grows the key as Cisco does.
SNMP_AUTH = {name: name for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")} | {"sha": "sha1"}
SNMP_PRIV = {name: name for name in ("des", "aes128", "aes192", "aes256", "aes192c", "aes256c")} | {"aes": "aes128"}
_REFERENCE = Text("a reference env:NAME or file:PATH", "引用 env:NAME 或 file:PATH")
_V3: dict[str, _Rule] = {
    "user": (lambda v: 0 < len(v.encode()) <= 32, Text("a user name of 1 to 32 octets", "1 到 32 字节的用户名")),
    "auth": (SNMP_AUTH.__contains__, Text("one of " + ", ".join(SNMP_AUTH), "下列之一：" + "、".join(SNMP_AUTH))),
    "priv": (SNMP_PRIV.__contains__, Text("one of " + ", ".join(SNMP_PRIV), "下列之一：" + "、".join(SNMP_PRIV))),
    "auth_key": (is_reference, _REFERENCE),
    "priv_key": (is_reference, _REFERENCE),
}
#: Options whose values are never shown.
_SECRET = ("community", "auth_key", "priv_key")
_BUDGET: dict[str, _Rule] = {
    "budget": (
        lambda v: _seconds(v, 1, 600),
        Text("seconds from 1 to 600 for a round of the device", "设备一轮的 1 到 600 秒"),
    )
}
_COMMUNITY: dict[str, _Rule] = {
    "community": (
        _community,
        Text("a reference env:NAME or file:PATH, or public", "引用 env:NAME、file:PATH 或 public"),
    ),
    "version": (lambda v: v in ("1", "2c", "3"), Text("version 1, 2c or 3", "版本 1、2c 或 3")),
}
_OPTIONS: dict[str, dict[str, _Rule]] = {
    TCP: {**_ONE_OF_ANY, **_UNIT},
    RTU: {**_ONE_OF_ANY, **_SLAVE, **_LINE, **_RS485},
    RTU_OVER_TCP: {**_ONE_OF_ANY, **_SLAVE},
    ICMP: _ONE_OF_ANY,
    CONNECT: _ONE_OF_ANY,
    SNMP: {**_ONE_OF_ANY, **_COMMUNITY, **_V3, **_BUDGET},
    MEGATEC: {**_ONE_OF_ANY, **_LINE},
    NUT: _ONE_OF_ANY,
    APCUPSD: _ONE_OF_ANY,
}


def _check_options(scheme: str, options: list[tuple[str, str]]) -> None:
    known = _OPTIONS[scheme]
    for name, value in options:
        if name not in known:
            expected = Text(
                f"options {', '.join(sorted(known))} for {scheme}", f"{scheme} 的选项：{'、'.join(sorted(known))}"
            )
            raise AddressError(expected, f"{name}=…", Text(f"remove or rename {name}", f"删除或改名 {name}"))
        holds, expected = known[name]
        if not holds(value):
            shown = "a literal (not shown)" if name in _SECRET else f"{name}={value}"
            raise AddressError(expected, shown, Text(f"correct {name}", f"更正 {name}"))
    if scheme == SNMP:
        _check_user({name for name, _ in options}, dict(options).get("version", "2c"))


def _check_user(given: set[str], version: str) -> None:
    """What belongs together in an SNMP URL: a user and version 3, a method and its key, a cipher and a hash."""
    pairs = [(name, "version=3") for name in _V3 if version != "3" and name in given]
    pairs += [("version=3", "user")] if version == "3" and "user" not in given else []
    pairs += [("auth", "auth_key"), ("auth_key", "auth"), ("priv", "priv_key"), ("priv_key", "priv"), ("priv", "auth")]
    for name, wanted in pairs:
        if (name in given or name == "version=3") and wanted not in given:
            raise AddressError(
                Text(f"{wanted} with {name}", f"{name} 需同时写 {wanted}"),
                f"{name} alone",
                Text(f"add {wanted}, or remove {name}", f"添加 {wanted} 或删除 {name}"),
            )
    if version == "3" and "community" in given:
        raise AddressError(_NO_COMMUNITY, "community=…", Text("remove community", "删除 community"))


_NO_COMMUNITY = Text("no community with version=3", "version=3 时不写 community")
