"""The agent's file out of what was found. Pure.

Every device is a `[[device]]` with what it said of itself in comment lines above, so that a person can tell which is which. An id
comes from the name its owner gave it, else from its model and place. Who was found twice, or fits no profile, stands there
commented out: the file works as it is, and nothing that was found is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agent.address import DeviceUrl
from agent.commissioning import Verdict
from agent.discover import Found
from model.points import POINTS, Kind
from model.text import Language, Text

_PLATE = ("device.mfr", "device.model", "device.serial", "device.firmware")
#: Values that tell a person at once whether it is the right device.
_SHOWN = ("input.voltage", "output.voltage", "battery.voltage", "battery.charge", "ups.load", "ifNumber")
_NOT_ID = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 28
_USUAL_PORTS = (161, 502, 3493, 3551)


def write(found: Sequence[Found], language: Language, *, site: str = "", collector: str = "") -> str:
    """The text of a file that `roundsman check` accepts and `roundsman run` and `agent` work with."""
    lines = [*_head(language, site, collector)]
    ids = names(found)
    for one, id in zip(found, ids, strict=True):
        lines += ["", *_device(one, id, dict(zip((f.url for f in found), ids, strict=True)), language)]
    return "\n".join(lines) + "\n"


def _head(language: Language, site: str, collector: str) -> Iterator[str]:
    yield f"# {_TITLE[language]}"
    yield "[agent]"
    yield f'site = "{site or "site-1"}"' + ("" if site else f"  # {_SITE[language]}")
    if collector:
        yield f'collector = "{collector}"'
    else:
        yield ""
        yield f"[collector]  # {_COLLECTOR[language]}"


def _device(one: Found, id: str, ids: dict[str, str], language: Language) -> Iterator[str]:
    for text in _comments(one, ids):
        yield f"# {_one_line(text[language])}"
    out = "# " if one.same_as or one.why else ""
    yield f"{out}[[device]]"
    yield f'{out}id = "{id}"'
    yield f'{out}url = "{one.url}"'
    if one.profile:
        yield f'{out}profile = "{one.profile}"'


def _comments(one: Found, ids: dict[str, str]) -> Iterator[Text]:
    plate = ", ".join(filter(None, (one.said(point) for point in _PLATE)))
    who = " · ".join(filter(None, (one.name, plate))) or one.url
    yield Text(who, who)
    if one.same_as:
        by = _BY.get(one.same_by, Text(one.same_by, one.same_by))
        yield Text(
            f"the same device as {ids[one.same_as]} ({one.same_as}) by its {by.en}; if these are two, remove the # below",
            f"按{by.zh}与 {ids[one.same_as]}（{one.same_as}）为同一设备；若确为两台，请删除下面的 #",
        )
    if one.why:
        yield Text(f"answers, but was not read: {one.why}", f"有应答，但未能读取：{one.why}")
        yield _NAME_ONE
        return
    if one.profiles:
        which = ", ".join(one.profiles)
        how = _GUESSED if one.guessed else _MATCHED
        yield Text(f"{how.en}: {which}", f"{how.zh}：{which}")
    for finding in one.findings:
        name = finding.point if finding.index is None else f"{finding.point}#{finding.index}"
        would = [remedy.words for remedy in finding.remedies]
        yield Text(
            f"{finding.verdict}: {name} {finding.got} (raw {finding.raw}), expected {finding.expected.en}; {'; '.join(w.en for w in would)}".rstrip(
                "; "
            ),
            f"{_DOES_NOT_FIT[finding.verdict]}：{name} {finding.got}（原始值 {finding.raw}），应为 {finding.expected.zh}；{'；'.join(w.zh for w in would)}".rstrip(
                "；"
            ),
        )
    shown = ", ".join(_values(one))
    count = sum(sample.value is not None for sample in one.samples)
    yield Text(f"read: {count} values; {shown}".rstrip("; "), f"已读 {count} 个值；{shown}".rstrip("；"))


def _values(one: Found) -> Iterator[str]:
    for point in _SHOWN:
        for sample in one.samples:
            if sample.point == point and isinstance(sample.value, float) and POINTS[point].kind is Kind.GAUGE:
                where = f"#{sample.index}" if sample.index else ""
                yield f"{point}{where} {sample.value:g} {POINTS[point].unit}".rstrip()


def names(found: Sequence[Found]) -> list[str]:
    """An id of its own for each."""
    taken: set[str] = set()
    out: list[str] = []
    for one in found:
        wanted = _slug(one.name) or "-".join(filter(None, (_slug(one.said("device.model")) or _kind(one), _place(one))))
        id, n = wanted, 2
        while id in taken or id == "agent":
            id, n = f"{wanted}-{n}", n + 1
        taken.add(id)
        out.append(id)
    return out


def _kind(one: Found) -> str:
    return (
        "ups"
        if any(s.point.startswith(("battery.", "ups.")) and s.value is not None for s in one.samples)
        else "device"
    )


def _place(one: Found) -> str:
    """The end of the address: enough to find it again."""
    url = DeviceUrl.parse(one.url)
    if url.path:
        port = _slug(url.path.rpartition("/")[2])
        return f"{port}-{url.unit}" if url.option("unit") else port
    parts = [url.host.rpartition(".")[2] if url.host.replace(".", "").isdigit() else url.host]
    if url.port not in _USUAL_PORTS:
        parts.append(str(url.port))
    if url.option("unit", "1") != "1":
        parts.append(url.option("unit"))
    return _slug(url.name or "-".join(parts))


def _slug(text: str) -> str:
    return _NOT_ID.sub("-", text).strip("-").lower()[:_LONGEST].strip("-")


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:220]


_TITLE = Text(
    "Written by `roundsman discover`: who answered, and what was read. Give the ids that people use, then: roundsman check FILE",
    "由 `roundsman discover` 生成：列出有应答的设备及读到的内容。请改成通用的设备号，然后执行 roundsman check 文件",
)
_SITE = Text("the site's id at the centre", "本站点在采集中心的编号")
_COLLECTOR = Text(
    'for `roundsman run`: all on this machine. With a centre elsewhere: remove it and write collector = "https://HOST:8620" under [agent]',
    '供 `roundsman run` 一机运行。采集中心在别处时：删除此行，并在 [agent] 下写 collector = "https://主机:8620"',
)
_MATCHED = Text("profile by what the device says of itself", "按设备自述匹配的配置")
_GUESSED = Text(
    "profile guessed from what its registers hold; compare with its display (roundsman probe)",
    "按寄存器内容推测的配置；请与设备屏幕核对（roundsman probe）",
)
_NAME_ONE = Text(
    "name its profile (docs/profiles.md), then remove the #", "写明其 profile（见 docs/profiles.md）后删除 #"
)
_DOES_NOT_FIT = {Verdict.WRONG: "错误", Verdict.DOUBTFUL: "存疑"}
_BY = {"serial number": Text("serial number", "序列号"), "engine id": Text("SNMP engine id", "SNMP 引擎 ID")}
