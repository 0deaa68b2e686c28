"""Whether a device can share the line of others as its URL has it. Pure.

Rules. Devices with one `link_key` have one line and one owner, who speaks one protocol at one speed: what a later device
would have otherwise could only be ignored, so it is a mistake of the file, told by name. A Megatec line has one UPS. The same
unit twice with the same profile is asked twice and known under two names: told, not forbidden.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agent import address
from agent.address import DeviceUrl
from model.text import Text

#: How a serial line is set where its URL says nothing; the baud rate is the scheme's.
_SET = {
    "baud": "",
    "bits": "8",
    "parity": "N",
    "stop": "1",
    "rs485": "",
    "rts_before_ms": "0",
    "rts_after_ms": "0",
}
_BAUD = {address.RTU: "9600", address.MEGATEC: "2400"}


class Clash(msgspec.Struct, frozen=True, kw_only=True):
    """What does not go together, in the words of a problem. `warning`: it does, but nobody can want it."""

    expected: Text
    got: str
    fix: Text
    warning: bool = False


class Sharer(msgspec.Struct, frozen=True, kw_only=True):
    """A device as far as its line is concerned."""

    id: str
    url: DeviceUrl
    profile: str = ""


def clash(one: Sharer, same: Sequence[Sharer]) -> Clash | None:
    """What is wrong with `one` on the line of those before it (all with its `link_key`); None when nothing is."""
    if not same:
        return None
    first = same[0]
    if first.url.scheme != one.url.scheme:
        return _as(first, one.url.scheme, Text(first.url.scheme, first.url.scheme))
    if one.url.scheme == address.MEGATEC:
        expected = Text(f"one UPS on this port: {first.id} is there", f"该端口只有一台 UPS：已有 {first.id}")
        return Clash(expected=expected, got=one.url.text.partition("?")[0], fix=_OTHER_PORT)
    if one.url.scheme in address.SERIAL or one.url.scheme == address.SNMP:
        for name in _SET if one.url.scheme in address.SERIAL else ("version", "auth", "priv"):
            wanted, got = _setting(first.url, name), _setting(one.url, name)
            if wanted != got:
                said = f"{name}={wanted}" if wanted else f"no {name}"
                return _as(first, f"{name}={got}", Text(said, said if wanted else f"不写 {name}"))
    return _twice(one, same) or _timeout(one, first)


def _as(first: Sharer, got: str, wanted: Text) -> Clash:
    expected = Text(
        f"{wanted.en}, as {first.id} has it: it is one line", f"{wanted.zh}，与 {first.id} 一致：它们共用一条线路"
    )
    return Clash(expected=expected, got=got, fix=Text(f"write {wanted.en}", f"写成 {wanted.zh}"))


def _twice(one: Sharer, same: Iterable[Sharer]) -> Clash | None:
    for other in same:
        if _place(other) == _place(one):
            expected = Text(f"a place of its own: {other.id} has this one", f"自己的地址：该地址已属 {other.id}")
            unit = f"unit={one.url.unit}" if one.url.scheme.startswith("modbus") else one.url.host
            return Clash(expected=expected, got=unit, fix=_OTHER_PLACE, warning=True)
    return None


def _timeout(one: Sharer, first: Sharer) -> Clash | None:
    if one.url.timeout_s == first.url.timeout_s:
        return None
    expected = Text(
        f"timeout={first.url.timeout_s:g}, as {first.id} has it: the line has one",
        f"timeout={first.url.timeout_s:g}，与 {first.id} 一致：一条线路只有一个超时",
    )
    fix = Text("write the same for all devices of the line", "该线路所有设备写同一个值")
    return Clash(expected=expected, got=f"timeout={one.url.timeout_s:g}", fix=fix, warning=True)


def _place(one: Sharer) -> tuple[int, str, str]:
    if one.url.scheme.startswith("modbus"):
        return one.url.unit, one.url.option("ups"), one.profile
    return 0, one.url.text.partition("?")[0], one.profile


def _setting(url: DeviceUrl, name: str) -> str:
    usual = {**_SET, "baud": _BAUD.get(url.scheme, ""), "version": "2c"}
    return url.option(name, usual.get(name, ""))


_OTHER_PORT = Text("correct the port of one of them", "更正其中一台的端口")
_OTHER_PLACE = Text("correct the unit or host of one, or remove it", "更正其中一台的站号或主机，或删除一台")
