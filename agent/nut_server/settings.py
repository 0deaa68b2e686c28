"""The table `[nut]` of the agent's file. Pure.

[nut]
listen = "127.0.0.1:3493"                 # or a list; [::1]:3493 for IPv6
devices = ["ups-1"]                       # left out: every device that tells of a UPS

[[nut.user]]                              # who may LOGIN, as upsmon does; reading needs none
name = "monitor"
password = "env:NUT_PASSWORD"             # a reference
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from model.secret import is_reference
from model.text import Text
from model.toml_table import Table

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_NAME = re.compile(r"[A-Za-z0-9_.@-]{1,64}")


class NutUser(msgspec.Struct, frozen=True, kw_only=True):
    """Who may log in. The password is a reference."""

    name: str
    password: str


class NutSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen, for whom, and what of. `devices` empty: whatever tells of a UPS."""

    listen: tuple[tuple[str, int], ...]
    users: tuple[NutUser, ...] = ()
    devices: tuple[str, ...] = ()  #: `site/device`


def read(top: Table, devices: Collection[str]) -> NutSettings | None:
    """The table below `top`; None when there is none or it is wrong. `devices`: the ids of the file, `site/device`."""
    if "nut" not in top.tree:
        return None
    before = top.errors
    table = top.table("nut")
    if top.errors > before:
        return None
    listen = (
        (table.word("listen"),)
        if isinstance(table.tree.get("listen"), str)
        else table.words("listen", ("127.0.0.1:3493",))
    )
    known = {id.partition("/")[2]: id for id in devices}
    wanted = table.words("devices", ())
    for id in wanted:
        if id not in known:
            among = ", ".join(sorted(known)) or "none"
            table.problem("devices", Text(f"devices of this file: {among}", f"本文件中的设备：{among}"), repr(id))
    settings = NutSettings(
        listen=tuple(found for one in listen if (found := _listen(table, one))),
        users=tuple(_user(one) for one in table.tables("user")),
        devices=tuple(known[id] for id in wanted if id in known),
    )
    names = [user.name for user in settings.users]
    for number, name in enumerate(names):
        if name in names[:number]:
            table.problem(f"user.{number}.name", _ONCE, f"`{name}` twice", _FIX_ONCE)
    table.done(None)
    return settings if top.errors == before else None


def _listen(table: Table, text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        table.problem("listen", _A_LISTENER, repr(text), _FIX_LISTENER)
        return None
    if host not in LOOPBACK:
        table.problem("listen", _OPEN, repr(text), _FIX_OPEN, warning=True)
    return host, int(port)


def _user(table: Table) -> NutUser:
    name = table.word("name", example="monitor")
    if name and not _NAME.fullmatch(name):
        table.problem("name", _A_NAME, repr(name))
    password = table.word("password", example="env:NUT_PASSWORD", secret=True)
    if password and not is_reference(password):
        table.problem("password", _REFERENCE, "a literal (not shown)", _FIX_REFERENCE)
    return table.done(NutUser(name=name, password=password))


_A_LISTENER = Text("HOST:PORT to listen on", "监听地址 主机:端口")
_FIX_LISTENER = Text('write listen = "127.0.0.1:3493"', '写成 listen = "127.0.0.1:3493"')
_OPEN = Text("loopback: NUT's protocol has no TLS here, whoever reaches the port reads the states and sees passwords pass", "本机回环地址：此处 NUT 协议无 TLS，能访问端口者可读状态，密码以明文传输")  # fmt: skip
_FIX_OPEN = Text("let a firewall admit the hosts behind the UPS only", "用防火墙只放行由该 UPS 供电的主机")
_A_NAME = Text("letters, digits, - _ . @", "字母、数字、- _ . @")
_ONCE, _FIX_ONCE = Text("each name once", "每个用户名只出现一次"), Text("remove one of the two", "删去其中一个")
_REFERENCE = Text("a reference env:NAME or file:PATH", "引用 env:NAME 或 file:PATH")
_FIX_REFERENCE = Text('write password = "env:NUT_PASSWORD"', '写成 password = "env:NUT_PASSWORD"')
