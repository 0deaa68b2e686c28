"""Where to look for devices, as a person writes it. Pure.

    /dev/ttyUSB0  '/dev/ttyUSB*'              serial ports: Modbus RTU and the Megatec family, speed by speed
    modbus+rtu:///dev/ttyUSB0?baud=9600       one protocol only; baud and parity narrow it further
    192.0.2.0/24  192.0.2.10-40  ups.example  hosts: SNMP and Modbus TCP
    snmp://192.0.2.0/24?community=env:A&community=env:B&version=2c&version=3&user=…
    modbus+tcp://192.0.2.0/28:502?unit=1
    nut://192.0.2.5   apcupsd://192.0.2.5     programs that read a UPS themselves

An option that is given twice is tried with both values. Secrets are references, as in a device's URL: whatever is found is
checked as one (`DeviceUrl`), so a literal is refused here with the same words.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from itertools import product
from urllib.parse import parse_qsl, urlsplit

import msgspec

from agent import address
from agent.address import AddressError, DeviceUrl
from model.text import Text

#: More addresses than this in one target are a mistake.
MOST_HOSTS = 4096
_NETWORK = (address.SNMP, address.TCP, address.NUT, address.APCUPSD)
_DASHED = re.compile(r"(\d+\.\d+\.\d+)\.(\d+)-(\d+)")
_HOST = re.compile(r"[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]")
_V3_ONLY = ("user", "auth", "auth_key", "priv", "priv_key")


class SerialTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Serial ports by a path that may hold `*`. Empty fields: whatever is usual."""

    path: str
    schemes: tuple[str, ...] = address.SERIAL
    bauds: tuple[int, ...] = ()
    parities: tuple[str, ...] = ()


class NetTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Hosts, and the ways to ask each of them, the likeliest first: URLs with `{}` for the host."""

    scheme: str
    hosts: tuple[str, ...]
    urls: tuple[str, ...]
    units: tuple[int, ...] = ()  #: Modbus TCP: those that were named


Target = SerialTarget | NetTarget


def parse(text: str) -> list[Target]:
    """What one word of the command line means. Raises `AddressError`."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        return [SerialTarget(path=text)] if text.startswith("/") else _bare(text)
    if scheme in address.SERIAL:
        return [_serial(scheme, rest)]
    if scheme not in _NETWORK:
        known = ", ".join((*address.SERIAL, *_NETWORK))
        raise AddressError(
            Text(f"a port, hosts, or one of {known}", f"串口、主机或 {known} 之一"), repr(scheme), _FIX_TARGET
        )
    return [_network(scheme, rest)]


def _serial(scheme: str, rest: str) -> SerialTarget:
    path, _, query = rest.partition("?")
    if not path.startswith("/"):
        raise AddressError(_A_PATH, repr(path), Text(f"write {scheme}:///dev/ttyUSB0", f"写成 {scheme}:///dev/ttyUSB0"))
    options = _options(query)
    DeviceUrl.parse(f"{scheme}:///dev/x?{query}")  # the options' own rules
    return SerialTarget(
        path=path,
        schemes=(scheme,),
        bauds=tuple(int(baud) for baud in options.get("baud", ())),
        parities=tuple(options.get("parity", ())),
    )


def _bare(text: str) -> list[Target]:
    """Hosts without a protocol: the two that network gear and UPS cards speak."""
    return [_network(address.SNMP, text), _network(address.TCP, text)]


def _network(scheme: str, rest: str) -> NetTarget:
    place, _, query = rest.partition("?")
    name = ""
    if scheme == address.NUT and place.count("/") == 1 and not place.rpartition("/")[2].isdigit():
        place, _, name = place.partition("/")
    place, port = _port(place)
    options = _options(query)
    urls = tuple(_urls(scheme, port, name, options))
    hosts = hosts_of(place)
    for url in urls:
        DeviceUrl.parse(url.format(hosts[0]))
    return NetTarget(scheme=scheme, hosts=hosts, urls=urls, units=tuple(int(unit) for unit in options.get("unit", ())))


def _port(place: str) -> tuple[str, str]:
    """The hosts, and `:port` as it stands behind them (or behind the range)."""
    host, mark, port = place.rpartition(":")
    if mark and port.isdigit() and not host.endswith(":") and (":" not in host or host.startswith("[")):
        return host, f":{port}"
    return place, ""


def _options(query: str) -> dict[str, list[str]]:
    options: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.replace("+", "%2B"), keep_blank_values=True):
        options.setdefault(name, []).append(value)
    return options


def _urls(scheme: str, port: str, name: str, options: dict[str, list[str]]) -> Iterator[str]:
    base = f"{scheme}://{{}}{port}" + (f"/{name or 'ups'}" if scheme == address.NUT else "")
    options = {key: values for key, values in options.items() if key not in ("unit", "timeout")}
    if scheme != address.SNMP:
        yield from (f"{base}{_query(dict(pairs))}" for pairs in _all(options))
        return
    versions = options.pop("version", ["3"] if "user" in options else ["2c", "1"])
    communities = options.pop("community", [address.PUBLIC])
    users = {key: options.pop(key) for key in _V3_ONLY if key in options}
    for version in versions:
        own = users if version == "3" else {"community": communities}
        for pairs in _all({**own, **options}):
            yield f"{base}{_query({'version': version, **dict(pairs)})}"


def _all(options: dict[str, list[str]]) -> Iterator[tuple[tuple[str, str], ...]]:
    names = list(options)
    for values in product(*options.values()):
        yield tuple(zip(names, values, strict=True))


def _query(options: dict[str, str]) -> str:
    return "?" + "&".join(f"{name}={value}" for name, value in options.items()) if options else ""


def hosts_of(text: str) -> tuple[str, ...]:
    """The addresses of a network, a range or a single host.

    >>> hosts_of("192.0.2.0/30"), hosts_of("192.0.2.7-9")
    (('192.0.2.1', '192.0.2.2'), ('192.0.2.7', '192.0.2.8', '192.0.2.9'))
    """
    dashed = _DASHED.fullmatch(text)
    if dashed:
        first, last = int(dashed[2]), int(dashed[3])
        if first <= last <= 255:
            return tuple(f"{dashed[1]}.{n}" for n in range(first, last + 1))
    elif "/" in text:
        try:
            network = ipaddress.ip_network(re.sub(r"[][]", "", text), strict=False)
        except ValueError:
            pass
        else:
            if network.num_addresses > MOST_HOSTS:
                raise AddressError(_FEWER, f"{text}: {network.num_addresses}", _FIX_FEWER)
            return tuple(f"[{host}]" if host.version == 6 else str(host) for host in network.hosts())
    elif _HOST.fullmatch(text) and urlsplit(f"x://{text}").hostname:
        return (text,)
    raise AddressError(_HOSTS, repr(text), _FIX_TARGET)


_A_PATH = Text("the path of a serial port after three slashes", "三个斜杠后写串口路径")
_HOSTS = Text(
    "a host, a network as 192.0.2.0/24 or a range as 192.0.2.10-40", "主机、网段（192.0.2.0/24）或范围（192.0.2.10-40）"
)
_FEWER = Text(f"at most {MOST_HOSTS} addresses in one target", f"一个目标至多 {MOST_HOSTS} 个地址")
_FIX_FEWER = Text("write a smaller network, as 192.0.2.0/24", "写更小的网段，如 192.0.2.0/24")
_FIX_TARGET = Text(
    "write for example /dev/ttyUSB0, snmp://192.0.2.0/24?community=env:NAME or modbus+tcp://192.0.2.5",
    "例如 /dev/ttyUSB0、snmp://192.0.2.0/24?community=env:NAME 或 modbus+tcp://192.0.2.5",
)
