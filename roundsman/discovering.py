"""`discover`: who is out there, told while it is found, and written down as an agent's file."""

from __future__ import annotations

from pathlib import Path

from agent.address import AddressError
from agent.discover import Found, discover
from agent.discover_file import names, write
from agent.discover_targets import Target, parse
from model.text import Text
from roundsman.clock import real_ms
from roundsman.speech import complain, language, put


async def discover_once(
    targets: list[str], out: Path | None, site: str, collector: str, last_unit: int, as_json: bool
) -> int:
    """Search, tell, write. 0: somebody was found; 1: nobody; 2: a target or the file is no good."""
    wanted: list[Target] = []
    for text in targets:
        try:
            wanted += parse(text)
        except AddressError as error:
            said = language()
            words = ("应为", "实为", "改法") if said == "zh" else ("expected", "got", "fix")
            complain(f"{words[0]} {error.expected[said]}, {words[1]} {error.got}; {words[2]}: {error.fix[said]}")
            return 2
    if _taken(out):
        complain(Text(f"{out}: a file is there already; give another name", f"{out}：文件已存在；请换个名字"))
        return 2
    found = await discover(wanted, complain, real_ms, last_unit)
    if as_json:
        for one, id in zip(found, names(found), strict=True):
            put(_json(one, id))
    text = write(found, language(), site=site, collector=collector)
    if out is not None and not _kept(out, text):
        return 2
    if out is None and not as_json:
        print(text, end="")
    twice = sum(bool(one.same_as) for one in found)
    complain(
        Text(
            f"{len(found)} found, {twice} of them twice" + (f"; {out}" if out else ""),
            f"找到 {len(found)} 台，其中重复 {twice} 台" + (f"；{out}" if out else ""),
        )
    )
    return 0 if found else 1


def _taken(out: Path | None) -> bool:
    return out is not None and out.exists()


def _kept(out: Path, text: str) -> bool:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        complain(f"{out}: {error.strerror or error}")
        return False
    return True


def _json(one: Found, id: str) -> dict[str, object]:
    return {
        "id": id,
        "url": one.url,
        "profile": one.profile or None,
        "profiles": list(one.profiles),
        "guessed": one.guessed,
        "name": one.name or None,
        "mfr": one.said("device.mfr") or None,
        "model": one.said("device.model") or None,
        "serial": one.said("device.serial") or None,
        "firmware": one.said("device.firmware") or None,
        "engine": one.engine or None,
        "values": sum(sample.value is not None for sample in one.samples),
        "does_not_fit": [f"{finding.verdict}: {finding.point} {finding.got}" for finding in one.findings],
        "same_as": one.same_as or None,
        "why": one.why or None,
    }
