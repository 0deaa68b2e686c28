"""How long something lasts, as a person says it: the evidence is read aloud on the telephone."""

from __future__ import annotations

from model.text import Text


def lasting(seconds: float) -> Text:
    """Seconds up to two minutes, then minutes, then hours.

    >>> lasting(95).en, lasting(455).en, lasting(455).zh, lasting(3 * 3600 + 299).en
    ('95 s', '7 min 35 s', '7 分 35 秒', '3 h 5 min')
    """
    whole = max(0, round(seconds))
    if whole < 120:
        return Text(f"{whole} s", f"{whole} 秒")
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return (
            Text(f"{minutes} min {rest} s", f"{minutes} 分 {rest} 秒")
            if rest
            else Text(f"{minutes} min", f"{minutes} 分钟")
        )
    hours, minutes = divmod(round(whole / 60), 60)
    return Text(f"{hours} h {minutes} min", f"{hours} 小时 {minutes} 分")
