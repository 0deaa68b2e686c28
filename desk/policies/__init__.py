"""The shipped policies, one company a file. A new file here is found by itself; nothing else needs a change.

Recipe: copy `default.toml` to `NAME.toml`; `id` = NAME; say the levels worst first, each clock with its
promises and the line of the contract it comes from; map the five impacts; check it with `load`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from desk.policy import Policy
from desk.policy_file import parse
from model.problem import Problem

#: Policy id -> its file.
POLICIES: dict[str, Path] = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}


def lint(path: Path) -> tuple[Policy | None, list[Problem]]:
    """Read one file; None and the problems when it cannot serve. Warnings come with a policy."""
    return parse(path.read_text(encoding="utf-8"), str(path))


@lru_cache(maxsize=32)
def load(id: str) -> Policy | None:
    """A shipped policy as it was when the process first asked; None when there is none or it has errors."""
    path = POLICIES.get(id)
    return lint(path)[0] if path else None
