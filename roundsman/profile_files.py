"""`profile lint` and `profile list`: what a technician needs to write a profile."""

from __future__ import annotations

from pathlib import Path

from agent.profiles import PROFILES, lint, load
from agent.profiles.layers import ways
from model.problem import Problem, unreadable
from model.text import Text
from roundsman.speech import language, put, say, tell_problems


def lint_files(files: tuple[Path, ...], recordings: Path | None, as_json: bool) -> int:
    """Every problem of every file; 0 when there is none."""
    problems: list[Problem] = []
    for file in files:
        try:
            found = lint(file.name, file.read_text(encoding="utf-8"), recordings)[1]
        except (OSError, UnicodeDecodeError) as error:
            found = [unreadable(str(file), error)]
        if not found and not as_json:
            say(Text(f"{file}: no error", f"{file}：无错误"))
        problems += found
    return tell_problems(problems, as_json)


def list_profiles(as_json: bool) -> int:
    """One line a profile: id, protocol, what it is, what it extends, how a device is known for it."""
    for id in PROFILES:
        profile = load(id)
        by_itself = any(not one.asks_nothing for one in ways(profile))
        points = len({row.point for row in profile.values if not row.hidden})
        if as_json:
            title = {"en": profile.title[0], "zh": profile.title[1]}
            line = {"id": id, "driver": profile.driver, "title": title, "extends": list(profile.lineage)}
            put(line | {"points": points, "recognised": by_itself, "source": profile.source})
        else:
            title_ = profile.title[1 if language() == "zh" else 0]
            over = f" < {profile.lineage[0]}" if profile.lineage else ""
            say(f"{id + over:<32} {profile.driver:<8} {points:>3}  {title_}")
    return 0
