"""One MQTT broker of the collector's file, and its mapping file. Every mistake is a `Problem` with its line.

[[collector.mqtt]]
url = "mqtts://broker.example:8883"     # mqtt:// (1883) without TLS
site = "sz-futian"                      # whose devices these are
map = "mqtt.toml"                       # collector.neighbours.topics
user = "roundsman"                      # left out: none
password = "env:MQTT_PASSWORD"          # a reference
ca = "ca.pem"                           # left out: the system's; cert and key: our own certificate
client_id = "roundsman-sz-futian"       # the broker keeps the session by it: no other client may have it
protocol = "5"                          # or "3.1.1"
subscribe = ["plant/#"]                 # wider than the map's topics: what the map does not know is counted
silent_after_s = 300                    # nothing of the whole broker for so long is an alert; 0: never
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from collector.neighbours.topics import Topic, read
from model.problem import Problem, unreadable
from model.secret import is_reference
from model.text import Text
from model.toml_table import Table

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}\Z")
_SITE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """One broker. `password` is a reference; paths are as those of the collector's file."""

    host: str
    port: int
    tls: bool
    site: str
    client_id: str
    map: Path
    topics: tuple[Topic, ...] = ()
    wider: tuple[str, ...] = ()
    user: str = ""
    password: str = ""
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    protocol: str = "5"
    silent_after_s: float = 300.0

    @property
    def device(self) -> str:
        """What stands for it where a device is asked for."""
        return f"{self.site}/{self.client_id}"


def settings(table: Table, folder: Path) -> Broker:
    """One [[collector.mqtt]]; relative paths count from `folder`. Its topics are read by `with_topics`."""
    url = table.word("url", example="mqtts://broker.example:8883")
    parts = urlsplit(url)
    port = _port(table, url)
    site = table.word("site")
    if site and not _SITE.match(site):
        table.problem("site", Text("a site's id", "站点编号"), f"`{site}`")
    client_id = table.word("client_id", default=f"roundsman-{site}"[:64])
    if client_id and not _ID.match(client_id):
        table.problem(
            "client_id",
            Text("letters, digits, . _ : -, at most 64", "字母、数字及 . _ : -，至多 64 个"),
            f"`{client_id}`",
        )
    password = table.word("password", default="", secret=True)
    user = table.word("user", default="")
    if password and not is_reference(password):
        table.problem(
            "password", Text("a reference env:NAME or file:PATH", "引用 env:NAME 或 file:PATH"), "a literal (not shown)"
        )
    elif password and parts.scheme == "mqtt" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        expected = Text("mqtts:// where a password is sent", "发送口令时应使用 mqtts://")
        table.problem("url", expected, f"`{url}`: the password crosses the network in the clear", warning=True)
    files = {key: folder / word if (word := table.word(key, default="")) else None for key in ("ca", "cert", "key")}
    if (files["cert"] is None) != (files["key"] is None):
        table.problem("cert", Text("both cert and key, or neither", "cert 与 key 须同时给出"), "one of them")
    return table.done(
        Broker(
            host=parts.hostname or "",
            port=port,
            tls=parts.scheme == "mqtts",
            site=site,
            client_id=client_id,
            map=folder / table.word("map", example="mqtt.toml"),
            wider=table.words("subscribe", default=()),
            user=user,
            password=password,
            ca=files["ca"],
            cert=files["cert"],
            key=files["key"],
            protocol=table.word("protocol", default="5", among=("5", "3.1.1")),
            silent_after_s=table.number("silent_after_s", 300.0, 0, 31 * 86400),
        )
    )


def _port(table: Table, url: str) -> int:
    """The port of an address; a problem when it is none, or holds what does not belong there."""
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if url and (not port or not parts.hostname or parts.path.strip("/") or "@" in parts.netloc or parts.query):
        expected = Text("mqtt://HOST:PORT or mqtts://HOST:PORT", "mqtt://主机:端口 或 mqtts://主机:端口")
        got = "an address with a login in it (not shown)" if "@" in parts.netloc else f"`{url}`"
        table.problem("url", expected, got, Text("user and password are keys of their own", "用户与口令各为单独的键"))
    return port


def with_topics(broker: Broker) -> tuple[Broker, list[Problem]]:
    """The broker with what its mapping file says. Reads the file."""
    try:
        topics, problems = read(broker.map.read_text(encoding="utf-8"), str(broker.map))
    except (OSError, UnicodeDecodeError) as error:
        return broker, [unreadable(str(broker.map), error)]
    return msgspec.structs.replace(broker, topics=topics), problems
