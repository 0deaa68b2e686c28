"""The table `[traps]` of the agent's file. Pure.

[traps]
listen = ["0.0.0.0:162"]                  # addresses of this machine; [::]:162 for IPv6
community = ["env:TRAP_COMMUNITY"]        # beside those of the devices' URLs; references

[[traps.user]]                            # SNMPv3
name = "trapper"
auth = "sha256"                           # left out: no proof of who sends
auth_key = "env:TRAP_AUTH"
priv = "aes"
priv_key = "env:TRAP_PRIV"
engine_id = ["80001f8880c0ffee"]          # of the senders of traps; informs need none
device = "ups-1"                          # its traps are of this device, whatever address they come from (NAT)
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

import msgspec

from agent.address import PUBLIC, SNMP_AUTH, SNMP_PRIV
from model.secret import is_reference
from model.text import Text
from model.toml_table import Table

_ENGINE_ID = re.compile(r"(0x)?([0-9a-fA-F]{2}){5,32}")


class TrapUser(msgspec.Struct, frozen=True, kw_only=True):
    """A v3 user who sends traps or informs. Keys are references."""

    name: str
    auth: str = ""
    auth_key: str = ""
    priv: str = ""
    priv_key: str = ""
    engine_ids: tuple[str, ...] = ()  #: lower-case hex
    device: str = ""  #: `site/device`


class TrapSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen, and whom to believe how far."""

    listen: tuple[tuple[str, int], ...]
    communities: tuple[str, ...] = ()  #: references, or `public`
    users: tuple[TrapUser, ...] = ()


def read(top: Table, devices: Collection[str]) -> TrapSettings | None:
    """The table below `top`; None when there is none or it is wrong. `devices`: the ids of the file, `site/device`."""
    if "traps" not in top.tree:
        return None
    before = top.errors
    table = top.table("traps")
    if top.errors > before:
        return None
    settings = TrapSettings(
        listen=tuple(found for one in _list(table, "listen", "0.0.0.0:162") if (found := _listen(table, one))),
        communities=tuple(_community(table, one) for one in _list(table, "community", "env:TRAP_COMMUNITY", ())),
        users=tuple(_user(one, devices) for one in table.tables("user")),
    )
    names = [user.name for user in settings.users]
    for number, user in enumerate(settings.users):
        if user.name in names[:number]:
            table.problem(f"user.{number}.name", _A_NAME_ONCE, f"`{user.name}` twice", _FIX_ONCE)
    table.done(None)
    return settings if top.errors == before else None


def _list(table: Table, key: str, example: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """One word or a list of words."""
    if isinstance(table.tree.get(key), str):
        return (table.word(key, example=example, secret=True),)
    return table.words(key, default)


def _listen(table: Table, text: str) -> tuple[str, int] | None:
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        address = ip_address(bare)
        if (address.version == 6) != (bare != host) or not port.isdigit() or int(port) > 65535:
            raise ValueError(text)
    except ValueError:
        table.problem("listen", _AN_ADDRESS, repr(text), _FIX_ADDRESS)
        return None
    return bare, int(port)


def _community(table: Table, text: str) -> str:
    if text != PUBLIC and not is_reference(text):
        table.problem("community", _REFERENCES, "a literal (not shown)", _FIX_REFERENCE)
    return text


def _user(table: Table, devices: Collection[str]) -> TrapUser:
    # The same names as in a device's URL.
    auth = SNMP_AUTH.get(table.word("auth", "", tuple(SNMP_AUTH)) if "auth" in table.tree else "", "")
    priv = SNMP_PRIV.get(table.word("priv", "", tuple(SNMP_PRIV)) if "priv" in table.tree else "", "")
    user = TrapUser(
        name=table.word("name", example="trapper"),
        auth=auth,
        auth_key=_key(table, "auth_key", needed=bool(auth)),
        priv=priv,
        priv_key=_key(table, "priv_key", needed=bool(priv)),
        engine_ids=tuple(_engine(table, one) for one in _list(table, "engine_id", "80001f8880c0ffee", ())),
        device=_device(table, devices),
    )
    if priv and not auth:
        table.problem("priv", _AUTH_FIRST, f"priv = `{priv}` alone", _FIX_AUTH)
    table.leave(("auth", "priv"))
    return table.done(user)


def _key(table: Table, key: str, *, needed: bool) -> str:
    example = f"env:TRAP_{key.removesuffix('_key').upper()}"
    written = table.word(key, None if needed else "", example=example, secret=True)
    if written and not is_reference(written):
        table.problem(key, _A_REFERENCE, "a literal (not shown)", _FIX_REFERENCE)
    elif written and not needed:
        expected = Text(f"no {key} without {key.removesuffix('_key')}", f"没有 {key.removesuffix('_key')} 就不写 {key}")
        table.problem(key, expected, written, Text(f"write {key.removesuffix('_key')}, or remove {key}", f"补上或删除 {key}"))  # fmt: skip
    return written


def _engine(table: Table, text: str) -> str:
    if not _ENGINE_ID.fullmatch(text):
        table.problem("engine_id", _AN_ENGINE, repr(text), _FIX_ENGINE)
        return ""
    return text.lower().removeprefix("0x")


def _device(table: Table, devices: Collection[str]) -> str:
    id = table.word("device", "")
    found = next((one for one in devices if one.partition("/")[2] == id), "")
    if id and not found:
        table.problem("device", _A_DEVICE, repr(id), _FIX_DEVICE)
    return found


_AN_ADDRESS = Text("an address of this machine with a port, 0.0.0.0:162 or [::]:162", "本机地址与端口，如 0.0.0.0:162 或 [::]:162")  # fmt: skip
_FIX_ADDRESS = Text('write listen = ["0.0.0.0:162"]', '写成 listen = ["0.0.0.0:162"]')
_REFERENCES = Text("references env:NAME or file:PATH, or public", "引用 env:NAME、file:PATH，或 public")
_A_REFERENCE = Text("a reference env:NAME or file:PATH", "引用 env:NAME 或 file:PATH")
_FIX_REFERENCE = Text("put the secret into a file or the environment and name it here", "把密钥放入文件或环境变量，这里写引用")  # fmt: skip
_AUTH_FIRST = Text("auth with priv: SNMPv3 has no privacy without authentication", "有 priv 必须有 auth：SNMPv3 不支持只加密不认证")  # fmt: skip
_FIX_AUTH = Text('add auth = "sha256" and auth_key', '补上 auth = "sha256" 与 auth_key')
_AN_ENGINE = Text("an engine id of 5 to 32 octets in hex", "5 到 32 字节的十六进制引擎号")
_FIX_ENGINE = Text(
    "copy it from the device; the agent's log names those that it met", "从设备处抄写；代理日志会列出遇到的引擎号"
)
_A_DEVICE = Text("the id of a [[device]] of this file", "本文件中某个 [[device]] 的 id")
_FIX_DEVICE = Text("correct the id, or leave device out", "更正 id，或删除 device")
_A_NAME_ONCE = Text("each user once", "每个用户只写一次")
_FIX_ONCE = Text("put all engine ids of a user into one list", "把同一用户的引擎号写在一个列表里")
