"""`probe` and `check`: look before anything counts."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

from agent.address import AddressError
from agent.probe import ProbeError, ProbeLine, probe_whole
from model.points import POINTS
from model.problem import Problem, unreadable
from model.reading import GapCause
from model.text import Language, Text
from roundsman.clock import real_ms
from roundsman.hints import CAUSES, hint
from roundsman.speech import complain, language, put, say, tell_problems
from roundsman.verdicts import A_PLATE, NO_POINT, plate_of, verdict_json, verdict_lines


async def probe_once(url: str, profile: str | None, as_json: bool, plate: str = "") -> int:
    """Print one line per point or gap, then how it all fits; the status is 1 when nothing at all was read."""
    written = plate_of(plate)
    if written is None:
        complain(A_PLATE)
        return 2
    try:
        probed = await probe_whole(url, profile, real_ms)
    except AddressError as error:
        said = language()
        words = ("应为", "实为", "改法") if said == "zh" else ("expected", "got", "fix")
        complain(f"{words[0]} {error.expected[said]}, {words[1]} {error.got}; {words[2]}: {error.fix[said]}")
        return 2
    except ProbeError as error:
        complain(error.text)
        return 2
    lines = probed.lines
    for line in lines:
        if as_json:
            put(line.as_json())
        else:
            print(_row(line, language()))
    if probed.samples:
        judged = probed.judged(written)
        kept = probed.record("", real_ms(), judged)
        if as_json:
            put({**NO_POINT, "commissioning": verdict_json(judged, kept)})
        else:
            print("\n".join(verdict_lines(judged, kept, language())))
    told = hint(url.partition(":")[0], lines)
    if told:
        complain(told)
    return 0 if any(line.cause is None for line in lines) else 1


def _row(line: ProbeLine, said: Language) -> str:
    """One line for a technician: the decoded value with the raw one beside."""
    name = f"{line.point or '—'}{'' if line.index is None else f'#{line.index}'}"
    if line.cause is not None:
        shown = f"— ({CAUSES[GapCause(line.cause)][said]})"
    elif isinstance(line.value, float):
        word = POINTS[line.point].states.get(int(line.value)) if line.point else None
        shown = f"{_number(line.value)} {line.unit}" + (f"({word[said]})" if word else "")
    else:
        shown = str(line.value)
    meaning = POINTS[line.point].meaning[said] if line.point else ""
    return f"{name:32s} {shown:28s} {line.where:32s} {line.raw:24s} {meaning}".rstrip()


def _number(value: float) -> str:
    """Counters in full: a technician compares them digit by digit."""
    return f"{value:.0f}" if value.is_integer() else f"{value:.6f}".rstrip("0")


_A_FILE = Text(
    "tables of an agent, a collector, an inventory, a policy or a scenario", "采集端、采集中心、清单、策略或场景的表"
)
_FIX = Text("docs/agent.md and docs/desk.md have examples", "示例见 docs/agent.md 与 docs/desk.md")


def check_file(file: Path, as_json: bool) -> int:
    """Check a file by the tables in it: 0 sound (warnings are told), 1 with an error or nothing that can be checked."""
    try:
        tables = set(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        return tell_problems([unreadable(str(file), error)], as_json)
    except tomllib.TOMLDecodeError:
        tables = {"agent"}  # its reader says where the TOML breaks
    checks = list(_checks(tables))
    problems = [problem for check in checks for problem in check(file)]
    if not checks:
        got = ", ".join(sorted(tables)) or "nothing"
        problems = [Problem(file=str(file), line=0, key="", expected=_A_FILE, got=got, fix=_FIX)]
    status = tell_problems(problems, as_json)
    if not as_json and not status:
        say(Text(f"{file}: no error", f"{file}：无错误"))
    return status


def _checks(tables: set[str]) -> Iterator[Callable[[Path], list[Problem]]]:
    """What reads these tables: one file may hold an agent's and a collector's."""
    if tables & {"make", "event"}:
        from simulators import scenario_file

        yield lambda file: scenario_file.load(file)[1]
        return
    if tables & {"agent", "device", "pace"} and not tables & {"site", "customer"}:
        from agent.check import check

        yield check
    if tables & {"collector", "connector"}:
        from collector import config

        yield lambda file: config.read_file(file)[1]
    if tables & {"site", "customer", "contract"}:
        from collector import inventory

        yield lambda file: inventory.read_file(file)[1]
    if tables & {"level", "clock", "impact"}:
        from desk import policies

        yield lambda file: policies.lint(file)[1]
