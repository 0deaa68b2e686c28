"""Profiles: where a make and model keeps its points on the wire, as data. One device family a file.

A new family is a new TOML file here; it is found by itself and checked by tests/contracts.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from agent.profiles.form import Profile, Tier, Variant
from agent.profiles.layers import chosen, fitting, layered, says
from agent.profiles.lint import lint as _lint
from model.problem import Problem

__all__ = [
    "PROFILES",
    "Profile",
    "ProfileError",
    "Tier",
    "Variant",
    "chosen",
    "known",
    "layered",
    "lint",
    "load",
    "match",
    "says",
    "sunspec_models",
    "trap_tables",
]


class ProfileError(LookupError):
    """No such profile, or one with problems. The message lists what there is, or what is wrong."""


def _found() -> tuple[str, ...]:
    here = files(__package__)
    return tuple(sorted(one.name.removesuffix(".toml") for one in here.iterdir() if one.name.endswith(".toml")))


#: The ids of all profiles.
PROFILES: tuple[str, ...] = _found()


def lint(file: str, text: str, recordings: Path | None = None) -> tuple[Profile | None, list[Problem]]:
    """The profile in a file, whole, and everything that is wrong with it. What it extends is taken from this folder."""
    return _lint(file, text, _held, recordings)


def _held(id: str) -> Profile | None:
    try:
        return load(id)
    except (ProfileError, RecursionError):
        return None


def known(id: str) -> bool:
    """Whether there is a profile of this id, or a file of this name (a technician's own, `acme.toml`)."""
    return id in PROFILES or (id.endswith(".toml") and Path(id).is_file())


@cache
def load(id: str) -> Profile:
    """The profile `id`, or that in a file named so. Raises `ProfileError`."""
    if id.endswith(".toml"):
        return _own(Path(id))
    if id not in PROFILES:
        raise ProfileError(f"expected a profile out of {', '.join(PROFILES)}, got {id!r}")
    name = f"{id}.toml"
    profile, problems = lint(name, files(__package__).joinpath(name).read_text(encoding="utf-8"))
    if not profile:
        raise ProfileError("; ".join(problem.render("en") for problem in problems))
    return profile


def _own(path: Path) -> Profile:
    try:
        profile, problems = lint(path.name, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(f"{path}: {error}") from error
    if not profile:
        raise ProfileError("; ".join(problem.render("en") for problem in problems))
    return profile


@cache
def sunspec_models() -> dict[str, Profile]:
    """What SunSpec models hold (folder `sunspec`), by the names of the files."""
    found: dict[str, Profile] = {}
    for one in sorted(files(__package__).joinpath("sunspec").iterdir(), key=lambda file: file.name):
        profile, problems = lint(one.name, one.read_text(encoding="utf-8"))
        if not profile:
            raise ProfileError("; ".join(problem.render("en") for problem in problems))
        found[profile.id] = profile
    return found


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
    """The profiles that may fit what an SNMP device says of itself, the most particular first; whether its MIB is there, and what
    else a match asks, a probe tells."""
    return fitting((one for one in map(load, PROFILES) if one.driver == driver), object_id, descr)
