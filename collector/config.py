"""The collector's file (TOML), read into frozen values; every mistake is a `Problem` with its line.

    [collector]
    listen = "127.0.0.1:8620"        # plain HTTP on loopback only; elsewhere tls_cert and tls_key
    data = "var/"                    # relative to the file
    database = "postgresql+psycopg://user@host/name?password=env:NAME"   # default: a SQLite file in `data` (docs/database.md)
    inventory = "inventory.toml"     # optional: imported at each start
    history = "embedded"             # or influxdb+http://… or victoriametrics+http://… (docs/history.md)
    history_days = 400               # embedded: sealed days are unlinked after this
    keep_batches_h = 24              # kept bytes, for replay and proof
    max_body_mb = 8
    write_map = "write.toml"         # what InfluxDB clients may write (docs/neighbours.md)
    write_silent_s = 300             # one of them that is not heard so long is silent; 0: never
    metrics_token = "env:NAME"       # /metrics for who has it; without, for this machine only
    analytics.dask = "tcp://…:8786"  # where heavy models are trained; without: on this machine (docs/analytics_nightly.md)
    [[collector.mqtt]]               # brokers to read (collector.neighbours.broker)
    [[connector]] kind, url, secret = "env:NAME", customer = "*", to = "desk"      # docs/connectors.md

The tables of an agent (`agent`, `pace`, `device`) may stand in the same file: `roundsman run` reads both.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from collector.neighbours import broker, mapping
from collector.neighbours.broker import Broker
from collector.neighbours.mapping import Map
from desk.connectors import Settings, reading
from model.problem import Lines, Problem, unreadable
from model.secret import is_reference
from model.text import Text
from model.toml_table import Table, parse

_AGENTS = frozenset({"agent", "pace", "recorder", "device", "traps", "nut"})
_STORES = ("influxdb+http", "influxdb+https", "victoriametrics+http", "victoriametrics+https")


class CollectorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A collector's file. Paths are absolute or relative to the working directory, as read."""

    host: str = "127.0.0.1"
    port: int = 8620
    data: Path = Path("var")
    database: str = ""  #: "": a SQLite file in `data`; else a URL, its password a reference
    inventory: Path | None = None
    history: str = "embedded"
    history_days: int = 400
    keep_batches_h: float = 24.0
    max_body: int = 8 * 1024 * 1024
    tls_cert: Path | None = None
    tls_key: Path | None = None
    write_map: Path | None = None
    write_maps: tuple[Map, ...] = ()
    write_silent_s: float = mapping.SILENT_S
    brokers: tuple[Broker, ...] = ()
    metrics_token: str = ""  #: a reference
    connectors: tuple[Settings, ...] = ()
    dask: str = ""  #: the scheduler of a Dask cluster; "": heavy models are trained on this machine
    folder: Path = Path()  #: where the file stands: `file:` secrets count from here

    @property
    def url(self) -> str:
        """Where it is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 not where it listens
        return f"{'https' if self.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"


def read_file(path: Path) -> tuple[CollectorConfig, list[Problem]]:
    """The file at `path`; usable only if no problem is an error."""
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return CollectorConfig(), [unreadable(str(path), error)]
    config, problems = read(body, str(path), path.parent)
    if config.write_map:
        try:
            maps, wrong = mapping.read(config.write_map.read_text(encoding="utf-8"), str(config.write_map))
        except (OSError, UnicodeDecodeError) as error:
            maps, wrong = (), [unreadable(str(config.write_map), error)]
        config = msgspec.structs.replace(config, write_maps=maps)
        problems = [*problems, *wrong]
    for number, one in enumerate(config.brokers):
        whole, wrong = broker.with_topics(one)
        brokers = (*config.brokers[:number], whole, *config.brokers[number + 1 :])
        config, problems = msgspec.structs.replace(config, brokers=brokers), [*problems, *wrong]
    return config, [*problems, *_unfit_pair(config, str(path), Lines(body))]


def read(body: str, file: str, folder: Path) -> tuple[CollectorConfig, list[Problem]]:
    """The configuration in `body`; relative paths count from `folder`."""
    tree = parse(body, file)
    if isinstance(tree, Problem):
        return CollectorConfig(), [tree]
    root = Table.root(tree, file, body)
    root.leave(_AGENTS)
    table = root.table("collector")
    host, port = _listen(table)
    config = CollectorConfig(
        host=host,
        port=port,
        data=folder / table.word("data", default="var/"),
        database=_database(table),
        inventory=_path(table, "inventory", folder),
        history=_history(table),
        history_days=int(table.number("history_days", 400, 1, 36_500)),
        keep_batches_h=table.number("keep_batches_h", 24.0, 1, 24 * 366),
        max_body=int(table.number("max_body_mb", 8, 1, 256) * 1024 * 1024),
        tls_cert=_path(table, "tls_cert", folder),
        tls_key=_path(table, "tls_key", folder),
        write_map=_path(table, "write_map", folder),
        write_silent_s=table.number("write_silent_s", mapping.SILENT_S, 0, 31 * 86400),
        brokers=tuple(broker.settings(each, folder) for each in table.tables("mqtt")),
        metrics_token=_token(table),
        connectors=tuple(reading.read(each) for each in root.tables("connector")),
        dask=_dask(table.table("analytics")) if "analytics" in table.tree else "",
        folder=folder,
    )
    _lint_tls(table, config)
    table.unique("mqtt", [f"{one.host}:{one.port} {one.client_id}" for one in config.brokers])
    table.done(None)
    root.done(None)
    return config, root.problems


def _path(table: Table, key: str, folder: Path) -> Path | None:
    word = table.word(key, default="")
    return folder / word if word else None


def _listen(table: Table) -> tuple[str, int]:
    listen = table.word("listen", default="127.0.0.1:8620")
    host, colon, port = listen.rpartition(":")
    if not (colon and host and port.isdigit() and int(port) < 65536):
        table.problem("listen", Text("host:port, like 127.0.0.1:8620", "主机:端口，如 127.0.0.1:8620"), f"`{listen}`")
        return "127.0.0.1", 8620
    return host.strip("[]"), int(port)


def _dask(table: Table) -> str:
    address = table.word("dask", default="")
    if address and not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d{1,5}", address):
        table.problem(
            "dask", Text("tcp://host:8786 or tls://host:8786", "tcp://主机:8786 或 tls://主机:8786"), f"`{address}`"
        )
    return table.done(address)


def _token(table: Table) -> str:
    token = table.word("metrics_token", default="", secret=True)
    if token and not is_reference(token):
        expected = Text("a reference env:NAME or file:PATH", "引用 env:NAME 或 file:PATH")
        table.problem("metrics_token", expected, "a literal (not shown)")
    return token


def _database(table: Table) -> str:
    """A URL that holds no password: it stands in files that are shown and kept."""
    url = table.word("database", default="", secret=True)
    if not url:
        return ""
    plain = Text(
        "postgresql+psycopg://user@host:5432/name?password=env:NAME",
        "postgresql+psycopg://用户@主机:5432/库名?password=env:名称",
    )
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        table.problem("database", plain, "no URL (not shown: it may hold a password)")
        return ""
    if parts.drivername not in ("postgresql+psycopg", "postgresql"):
        table.problem("database", plain, f"`{parts.drivername}://…`")
    elif parts.password is not None:
        fix = Text("write ?password=env:NAME (or file:PATH) behind it", "在其后写 ?password=env:名称（或 file:路径）")
        table.problem("database", plain, "a password in the URL (not shown)", fix)
    elif "password" in parts.query and not is_reference(str(parts.query["password"])):
        table.problem(
            "database",
            Text("password=env:NAME or file:PATH", "password=env:名称 或 file:路径"),
            "a literal (not shown)",
        )
    elif not parts.database:
        table.problem("database", plain, "a URL without the name of a database")
    else:
        return url
    return ""


def _history(table: Table) -> str:
    url = table.word("history", default="embedded")
    if url != "embedded" and url.partition("://")[0] not in _STORES:
        expected = ", ".join(("embedded", *(f"{scheme}://…" for scheme in _STORES)))
        table.problem("history", Text(expected, expected), f"`{url}`")
    return url


def _lint_tls(table: Table, config: CollectorConfig) -> None:
    """Keys and telemetry never cross a network in the clear."""
    if (config.tls_cert is None) != (config.tls_key is None):
        expected = Text("both tls_cert and tls_key, or neither", "tls_cert 与 tls_key 须同时给出")
        table.problem("tls_cert", expected, "one of them")
    elif config.tls_cert is None and not is_loopback(config.host):
        expected = Text("a loopback address, or tls_cert and tls_key", "环回地址，或给出 tls_cert 与 tls_key")
        fix = Text("listen on 127.0.0.1, or add a certificate", "监听 127.0.0.1，或添加证书")
        table.problem("listen", expected, f"`{config.host}` without TLS", fix)


def _unfit_pair(config: CollectorConfig, file: str, lines: Lines) -> Iterator[Problem]:
    """Whether this machine has the certificate and its own key, as the server will load them."""
    if not (config.tls_cert and config.tls_key):
        return
    for name, path in (("tls_cert", config.tls_cert), ("tls_key", config.tls_key)):
        if not os.access(path, os.R_OK):
            key = f"collector.{name}"
            got = f"{path}, which {'cannot be read' if path.exists() else 'is not there'}"
            yield Problem(file=file, line=lines.of(key), key=key, expected=_A_PEM, got=got, fix=_FIX_PEM)
            return
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(config.tls_cert, config.tls_key, password=lambda: b"")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        key = "collector.tls_key"
        yield Problem(file=file, line=lines.of(key), key=key, expected=_A_PAIR, got=str(error), fix=_FIX_PAIR)


def is_loopback(host: str) -> bool:
    """Whether nothing outside this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_A_PEM = Text("a readable PEM file", "可读的 PEM 文件")
_FIX_PEM = Text("correct the path, or let this user read it", "更正路径，或让运行用户可读")
_A_PAIR = Text("the certificate and its own key, PEM, no passphrase", "证书及与其匹配的密钥（PEM，无口令）")
_FIX_PAIR = Text("name the two files that belong together", "写明配套的两个文件")
