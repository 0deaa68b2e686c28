"""The manual of the devices, made from the profiles: docs/supported-devices.md and docs/supported-devices.zh.md are these
texts, and a test keeps them so.

python -m agent.profiles.chapters
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from agent.profiles import PROFILES, load, sunspec_models, trap_tables
from agent.profiles.form import Match, Profile
from agent.profiles.layers import ways
from model.points import POINTS, Kind
from model.text import Language, Text

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[Language, Path] = {"en": DOCS / "supported-devices.md", "zh": DOCS / "supported-devices.zh.md"}

_LINES = {
    "modbus": Text("Modbus TCP, RTU, RTU over TCP", "Modbus TCP、RTU、RTU over TCP"),
    "snmp": Text("SNMP v1, v2c, v3", "SNMP v1、v2c、v3"),
    "megatec": Text("serial (Megatec, Voltronic)", "串口（Megatec、Voltronic）"),
}
_KINDS = (
    ("snmp", Text("SNMP", "SNMP")),
    ("modbus", Text("Modbus", "Modbus")),
    ("megatec", Text("Serial lines", "串口")),
)
_HEAD = Text(
    """# Supported devices

What is read of which device, and what proves it. Made from the profiles (`python -m agent.profiles.chapters`); do not edit here.
[中文](supported-devices.zh.md)

- **proven by**: recordings of real devices whose expected values are checked, or real exchanges quoted by makers and users. Where it says
  *documents only*, the map is the maker's or another project's, tried against registers made by hand: look at the first
  readings beside the device's own display (`roundsman probe URL --profile ID`).
- A device is found by what it says of itself, but where it says *name it*: write `profile = "ID"` in the agent's file.
- What NUT (`nut://`) or apcupsd (`apcupsd://`) already reads can be taken from there: docs/agent.md.
- A device that is not here: docs/profiles.md tells how a profile is written.
""",
    """# 支持的设备

读取哪些设备的哪些测点，以及依据。本页由配置生成（`python -m agent.profiles.chapters`），请勿在此修改。[English](supported-devices.md)

- **依据**：真实设备的录制文件（期望值已核对），或厂家、用户公布的真实报文。标为“仅文档”者，寄存器表来自厂家或其他项目，
  只用手工构造的寄存器试过：首次使用请与设备面板对照（`roundsman probe URL --profile ID`）。
- 设备按其自述自动识别；标为“需指定”者，请在代理配置文件中写 `profile = "ID"`。
- NUT（`nut://`）或 apcupsd（`apcupsd://`）已读取的数据可直接取用，见 docs/agent.md。
- 未列出的设备：配置写法见 docs/profiles.md。
""",
)
_WORDS = {
    "title": Text("Device", "设备"),
    "values": Text("values", "测点"),
    "alarms": Text("alarms", "告警"),
    "proof": Text("proven by", "依据"),
    "found": Text("Found by", "识别"),
    "line": Text("Line", "接口"),
    "extends": Text("Reads also what is in", "并读取"),
    "source": Text("Source", "来源"),
    "traps": Text("Traps understood", "可解析 trap"),
    "except": Text("Known exceptions", "已知例外"),
    "name": Text("name it in the agent's file", "需在代理配置中指定"),
    "heirs": Text("through those that extend it:", "由扩展它的配置验证："),
    "documents": Text("documents only", "仅文档"),
    "recordings": Text("recordings", "录制文件"),
    "exchanges": Text("real exchanges", "真实报文"),
    "trap_only": Text("Makers of whom only traps are understood", "仅解析 trap 的厂家"),
    "listens": Text("its SunSpec chain", "其 SunSpec 模型链"),
}


def page(language: Language) -> str:
    """The whole page, in Markdown."""
    profiles = [load(id) for id in PROFILES]
    parts = [_HEAD[language]]
    for driver, title in _KINDS:
        chosen = [profile for profile in profiles if profile.driver == driver]
        parts += [f"## {title[language]}\n", _table(chosen, language)]
        parts += [_chapter(profile, language) for profile in chosen]
    parts.append(f"## {_w('trap_only', language)}\n")
    parts += [f"- {_title(table, language)}: " + ", ".join(_traps(table)) for table in trap_tables()]
    return "\n".join(parts) + "\n"


def _table(profiles: Iterable[Profile], language: Language) -> str:
    rows = [f"| {_w('title', language)} | ID | {_w('values', language)} | {_w('alarms', language)} | {_w('proof', language)} |", "|---|---|---|---|---|"]  # fmt: skip
    for one in profiles:
        values, texts, flags = _points(one)
        rows.append(f"| {_title(one, language)} | [`{one.id}`](#{one.id}) | {len(values) + len(texts)} | {len(flags)} | {_proof(one, language)} |")  # fmt: skip
    return "\n".join(rows) + "\n"


def _chapter(profile: Profile, language: Language) -> str:
    values, texts, flags = _points(profile)
    lines = [
        f'### <a id="{profile.id}"></a>{_title(profile, language)}\n',
        f"- {_w('found', language)}: {_found(profile, language)}",
        f"- {_w('line', language)}: {_LINES[profile.driver][language]}",
    ]
    if profile.lineage:
        lines.append(f"- {_w('extends', language)}: " + ", ".join(f"[`{id}`](#{id})" for id in profile.lineage))
    if values or texts:
        lines.append(f"- {_w('values', language)}: " + _listed([*values, *texts], language))
    if flags:
        lines.append(f"- {_w('alarms', language)}: " + _listed(flags, language))
    if profile.traps:
        lines.append(f"- {_w('traps', language)}: " + ", ".join(_traps(profile)))
    if profile.variants:
        lines.append(f"- {_w('except', language)}: " + "; ".join(dict.fromkeys(one.why for one in profile.variants)))
    lines.append(f"- {_w('proof', language)}: {_proof(profile, language)}")
    lines.append(f"- {_w('source', language)}: {profile.source}")
    return "\n".join(lines) + "\n"


def _points(profile: Profile) -> tuple[list[str], list[str], list[str]]:
    """Points with values, texts, and flags: each once, in the order of the dictionary."""
    parts = [profile, *(sunspec_models().values() if profile.layout else ())]
    told: set[str] = set()
    for part in parts:
        made = {one.level.flag if one.level else one.point for one in part.derived}
        told |= {row.point for row in part.values if not row.hidden} | (made & POINTS.keys())
        told |= {what.point for row in part.values for what in row.means.values() if what.point}
        for word in part.flags:
            told |= {*word.bits.values(), *word.chars.values(), *word.values.values()}
        told |= {flag for table in part.alarms for flag in table.told}
    known = [POINTS[id] for id in POINTS if id in told]
    values = [one.id for one in known if one.kind not in (Kind.TEXT, Kind.FLAG)]
    return (
        values,
        [one.id for one in known if one.kind is Kind.TEXT],
        [one.id for one in known if one.kind is Kind.FLAG],
    )


def _listed(ids: Iterable[str], language: Language) -> str:
    return ", ".join(f"{POINTS[id].meaning[language]} `{id}`" for id in ids)


def _found(profile: Profile, language: Language) -> str:
    if profile.layout:
        return _w("listens", language)
    said = [_match(one) for one in ways(profile)]
    if profile.driver == "megatec":
        said = [one for one in said if one] or [", ".join(f"`{name}`" for name in profile.commands)]
    return "; ".join(dict.fromkeys(one for one in said if one)) or _w("name", language)


def _match(match: Match) -> str:
    parts: list[str] = []
    if match.sys_object_id:
        parts.append("sysObjectID " + ", ".join(match.sys_object_id))
    if match.sys_descr:
        parts.append(f"sysDescr {_code(match.sys_descr)}")
    parts += [f"{place} {_code(text)}" for place, text in match.said.items()]
    if match.presence:
        parts.append(f"OID {match.presence}")
    if match.version:
        parts.append(f"{match.version.at} ≥ {match.version.least or '0'}" + (f", < {match.version.below}" if match.version.below else ""))  # fmt: skip
    if match.vendor:
        parts.append(f"0x2B/0x0E {_code(match.vendor)}")
    if match.qpi:
        parts.append(f"QPI {_code(match.qpi)}")
    return " + ".join(parts)


def _code(pattern: str) -> str:
    return f"`{pattern}`"


def _proof(profile: Profile, language: Language) -> str:
    said = []
    if profile.recordings:
        said.append(f"{_w('recordings', language)} " + ", ".join(f"`{name}`" for name in profile.recordings))
    if profile.exchanges:
        said.append(f"{_w('exchanges', language)} " + ", ".join(f"`{name}`" for name in profile.exchanges))
    if not said:
        heirs = [one for one in map(load, PROFILES) if profile.id in one.lineage and one.recordings]
        said += [f"{_w('heirs', language)} " + ", ".join(f"[`{one.id}`](#{one.id})" for one in heirs)] if heirs else []
    return "; ".join(said) or _w("documents", language)


def _traps(profile: Profile) -> list[str]:
    return list(dict.fromkeys(trap.name for trap in profile.traps))


def _title(profile: Profile, language: Language) -> str:
    return profile.title[language == "zh"]


def _w(name: str, language: Language) -> str:
    return _WORDS[name][language]


def main() -> int:
    """Write both pages."""
    for language, path in PAGES.items():
        path.write_text(page(language), encoding="utf-8")
    return 0


if __name__ == "__main__":  # python -m agent.profiles.chapters
    sys.exit(main())
