"""How the command talks: the language of the terminal, a line for a person or a JSON object for a script."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from model.problem import Problem
from model.text import Language, Text, language_of


def language() -> Language:
    """`ROUNDSMAN_LANG`, else the locale; English when in doubt."""
    chosen = os.environ.get("ROUNDSMAN_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG")
    return language_of(chosen)


def say(text: Text | str) -> None:
    """One line for a person, on stdout."""
    print(text[language()] if isinstance(text, Text) else text, flush=True)


def complain(text: Text | str) -> None:
    """One line for a person, on stderr."""
    print(text[language()] if isinstance(text, Text) else text, file=sys.stderr, flush=True)


def put(line: dict[str, Any]) -> None:
    """One JSON object on a line of its own."""
    print(json.dumps(line, ensure_ascii=False, separators=(",", ":")), flush=True)


def tell_problems(problems: list[Problem], as_json: bool) -> int:
    """All problems; the exit status: 1 when one of them is an error."""
    for problem in problems:
        if as_json:
            put(
                {
                    "file": problem.file,
                    "line": problem.line,
                    "key": problem.key,
                    "severity": problem.severity,
                    "expected": problem.expected[language()],
                    "got": problem.got,
                    "fix": problem.fix[language()],
                }
            )
        else:
            complain(problem.render(language()))
    return int(any(problem.severity == "error" for problem in problems))
