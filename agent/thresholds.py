"""A device's own limits: thresholds of its profile, overridden by their names in the agent's file. Pure.

    [[device]]
    profile = "acme_ups"
    thresholds = { hot_room = 38, hot_battery = { limit = 45, clear = 41 }, low_room = false }

Rules. A number moves the limit, and its end with it; `false` takes the threshold away. A name that the profile does not have is a
mistake, told with those it has.
"""

from __future__ import annotations

import msgspec

from agent.profiles.form import Derived, Level, Profile
from model.text import Text
from model.toml_table import MISSING, Table


def adjusted(table: Table, profile: Profile | None) -> Profile | None:
    """The profile of a device with the limits that its file names; notes what cannot be meant."""
    wanted = table.get("thresholds", None)
    if wanted is None or wanted is MISSING:
        return profile
    if not isinstance(wanted, dict) or not wanted:
        table.problem("thresholds", _THRESHOLDS, repr(wanted), _FIX)
        return profile
    known = {one.level.name: one for one in profile.derived if one.level} if profile else {}
    if profile is None or not known:
        got = f"{profile.id}, which has none" if profile else "a device without profile"
        table.problem("thresholds", _HAS_SOME, got, _FIX_PROFILE)
        return profile
    changed: dict[str, Derived | None] = {}
    for name, value in wanted.items():
        if name not in known:
            names = ", ".join(known)
            table.problem("thresholds", Text(f"one of {names}", f"以下之一：{names}"), f"`{name}`", _FIX)
            continue
        level = known[name].level
        moved = _moved(level, value) if level else None
        if value is not False and moved is None:
            table.problem("thresholds", _LIMIT, f"{name} = {value!r}", _FIX)
        else:
            changed[name] = None if moved is None else msgspec.structs.replace(known[name], level=moved)
    kept = (changed.get(one.level.name, one) if one.level else one for one in profile.derived)
    return msgspec.structs.replace(profile, derived=tuple(one for one in kept if one is not None))


def _moved(level: Level, value: object) -> Level | None:
    """The level at another limit; None: it is no limit, or its end is on the wrong side."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return msgspec.structs.replace(level, raised=float(value), clear=float(value) + level.clear - level.raised)
    if not isinstance(value, dict) or value.keys() != {"limit", "clear"}:
        return None
    limit, clear = value["limit"], value["clear"]
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (limit, clear))
    if not numbers or limit == clear or (limit > clear) != level.above:
        return None
    return msgspec.structs.replace(level, raised=float(limit), clear=float(clear))


_THRESHOLDS = Text("thresholds by name and their limits", "按名称给出的限值")
_FIX = Text("write thresholds = { NAME = 38 }, { NAME = { limit = 38, clear = 35 } } or { NAME = false }",
            "写成 thresholds = { 名称 = 38 }、{ 名称 = { limit = 38, clear = 35 } } 或 { 名称 = false }")  # fmt: skip
_HAS_SOME = Text("a profile that has thresholds", "含限值的 profile")
_FIX_PROFILE = Text("write profile = … of one that has [[threshold]]", "写明含 [[threshold]] 的 profile")
_LIMIT = Text("a number; a limit and its end on its good side; or false", "数值；或限值与其正常侧的恢复值；或 false")
