"""A probe's lines as people and scripts see them. The JSON keys are stable and documented in docs/profiles.md."""

from __future__ import annotations

from agent.probe import ProbeLine
from model.text import Language


def as_dict(line: ProbeLine) -> dict[str, object]:
    """One JSON object: a value line has no `cause`, a gap has no value."""
    return line.as_json()


def as_row(line: ProbeLine, language: Language) -> str:
    """One row for a terminal: point[index], value and unit or the cause, where, raw."""
    name = line.point or ("设备" if language == "zh" else "device")
    if line.index is not None:
        name = f"{name}[{line.index}]"
    if line.cause is not None:
        word = "无值" if language == "zh" else "gap"
        shown = f"{word}: {line.cause}"
    else:
        number = f"{line.value:g}" if isinstance(line.value, float) and abs(line.value) < 1e6 else str(line.value)
        shown = f"{number} {line.unit}".rstrip() + (f" ({line.state})" if line.state else "")
    return f"{name:<28} {shown:<28} {line.where:<36} {line.raw}".rstrip()
