"""Profiles: where a make and model keeps its points on the wire, as data. One device family a file.

A new family is a new TOML file here; it is found by itself and checked by tests/contracts.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from agent.profiles.form import Profile, Tier, Variant, layered, says
from agent.profiles.lint import lint

__all__ = [
    "PROFILES",
    "Profile",
    "ProfileError",
    "Tier",
    "Variant",
    "layered",
    "lint",
    "load",
    "match",
    "says",
    "trap_tables",
]


class ProfileError(LookupError):
    """No such profile, or one with problems. The message lists what there is, or what is wrong."""


def _found() -> tuple[str, ...]:
    here = files(__package__)
    return tuple(sorted(one.name.removesuffix(".toml") for one in here.iterdir() if one.name.endswith(".toml")))


#: The ids of all profiles.
PROFILES: tuple[str, ...] = _found()


@cache
def load(id: str) -> Profile:
    """The profile `id`. Raises `ProfileError`."""
    if id not in PROFILES:
        raise ProfileError(f"expected a profile out of {', '.join(PROFILES)}, got {id!r}")
    name = f"{id}.toml"
    profile, problems = lint(name, files(__package__).joinpath(name).read_text(encoding="utf-8"))
    if not profile:
        raise ProfileError("; ".join(problem.render("en") for problem in problems))
    return profile


@cache
def trap_tables() -> tuple[Profile, ...]:
    """The families of which only the traps are known (folder `traps`), in the order of their files' names."""
    found: list[Profile] = []
    for one in sorted(files(__package__).joinpath("traps").iterdir(), key=lambda file: file.name):
        profile, problems = lint(one.name, one.read_text(encoding="utf-8"))
        if not profile:
            raise ProfileError("; ".join(problem.render("en") for problem in problems))
        found.append(profile)
    return tuple(found)


def match(object_id: str, descr: str = "", *, driver: str = "snmp") -> tuple[Profile, ...]:
    """The profiles that may fit what an SNMP device says of itself; whether its MIB is there, a probe tells."""
    loaded = (load(id) for id in PROFILES)
    return tuple(p for p in loaded if p.driver == driver and says(p.match, object_id, descr))
