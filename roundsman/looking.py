"""`probe` and `check`: look before anything counts."""

from __future__ import annotations

import tomllib
from pathlib import Path

from agent.address import AddressError
from agent.probe import ProbeLine, probe
from model.points import POINTS
from model.text import Language, Text
from roundsman.clock import real_ms
from roundsman.speech import complain, language, put, say, tell_problems


async def probe_once(url: str, profile: str | None, as_json: bool) -> int:
    """Print one line per point or gap; the status is 1 when nothing at all was read."""
    from agent.profiles import ProfileError

    try:
        lines = await probe(url, profile, real_ms)
    except AddressError as error:
        said = language()
        words = ("应为", "实为", "改法") if said == "zh" else ("expected", "got", "fix")
        complain(f"{words[0]} {error.expected[said]}, {words[1]} {error.got}; {words[2]}: {error.fix[said]}")
        return 2
    except ProfileError as error:
        complain(str(error))
        return 2
    for line in lines:
        if as_json:
            put(line.as_json())
        else:
            print(_row(line, language()))
    return 0 if any(line.cause is None for line in lines) else 1


def _row(line: ProbeLine, said: Language) -> str:
    """One line for a technician: the decoded value with the raw one beside."""
    name = f"{line.point or '—'}{'' if line.index is None else f'#{line.index}'}"
    if line.cause is not None:
        shown = f"— ({line.cause})"
    elif isinstance(line.value, float):
        word = POINTS[line.point].states.get(int(line.value)) if line.point else None
        shown = f"{line.value:g} {line.unit}" + (f"({word[said]})" if word else "")
    else:
        shown = str(line.value)
    meaning = POINTS[line.point].meaning[said] if line.point else ""
    return f"{name:32s} {shown:28s} {line.where:32s} {line.raw:24s} {meaning}".rstrip()


def check_file(file: Path, as_json: bool) -> int:
    """Check a file by what it holds: an agent's tables, a collector's, an inventory's, a policy's, or several."""
    try:
        tables = set(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        complain(Text(f"{file}: cannot be read: {error.strerror}", f"{file}：无法读取：{error.strerror}"))
        return 1
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        tables = {"agent"}  # its reader says where the TOML breaks
    status = 0
    if tables & {"agent", "device", "pace"} and not tables & {"site", "customer"}:
        from agent.check import check

        status |= tell_problems(check(file), as_json)
    if tables & {"collector", "connector"}:
        from collector.config import read_file

        status |= tell_problems(read_file(file)[1], as_json)
    if tables & {"site", "customer", "contract"}:
        from collector.inventory import read_file as read_inventory

        status |= tell_problems(read_inventory(file)[1], as_json)
    if not as_json and not status:
        say(Text(f"{file}: no error", f"{file}：无错误"))
    return status
