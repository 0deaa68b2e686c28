"""What conditions ask about (`desk.policy.Facts`), as a person says it: yes, no, not known, or kVA. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

from desk import words
from desk.policy import FLAGS, Facts
from desk.refused import ActRefused
from model.text import Text

Value = str | int | float | None
Data = Mapping[str, Value]


def facts_told(data: Data) -> dict[str, int | float | None]:
    """What conditions ask about, as a person says it: yes, no, unknown, or kVA. Raises ActRefused."""
    told: dict[str, int | float | None] = {}
    for name, value in data.items():
        if name != "kva" and name not in FLAGS:
            raise ActRefused(words.NO_SUCH_FACT.format(name=name, options=", ".join(Facts.__struct_fields__)))
        told[name] = _number(value) if name == "kva" else yes_or_no(name, value)
    if not told:
        raise ActRefused(words.NO_SUCH_FACT.format(name="-", options=", ".join(Facts.__struct_fields__)))
    return told


def _number(value: Value) -> float | None:
    if str("" if value is None else value).strip().lower() in ("", "unknown", "?"):
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise ActRefused(words.NO_NUMBER.format(name="kva", value=value))
    return number


def yes_or_no(name: str, value: Value) -> int | None:
    """Yes, no or not known; `local` is never unknown."""
    said = str("" if value is None else value).strip().lower()
    if said in ("", "unknown", "?") and name != "local":
        return None
    if said in ("1", "true", "yes"):
        return 1
    if said in ("0", "false", "no"):
        return 0
    raise ActRefused(words.NO_FLAG.format(name=name, value=value))


def fact(name: str, value: float | None) -> Text:
    """One of them in words."""
    if value is None:
        answer = words.UNKNOWN
    else:
        answer = Text(f"{value:g}", f"{value:g}") if name == "kva" else (words.YES if value else words.NO)
    title = words.FACTS[name]
    return Text(f"{title.en}: {answer.en}", f"{title.zh}：{answer.zh}")
