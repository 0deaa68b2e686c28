"""Reading a scenario file: every mistake with its line, and the scenario if there was none. See `scenario`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import msgspec

from model.problem import Lines, Problem, unreadable
from model.text import Text
from model.toml_table import parse as parse_toml
from simulators import check, fits
from simulators.scenario import (
    Device,
    DeviceEntry,
    Event,
    Model,
    OnlyEntry,
    Scenario,
    SiteEntry,
    TrapEntry,
    UpsModel,
    UserEntry,
    switch_make,
    ups_make,
)

_T = TypeVar("_T")
_TOP = {"seed", "length_s", "community", "unrest", "make", "site", "device", "only", "user", "trap", "event"}


def load(path: Path) -> tuple[Scenario | None, list[Problem]]:
    """The scenario, or None and what is wrong with the file. An unreadable file is a problem too."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return None, [unreadable(str(path), error)]
    return parse(text, path.name)


def parse(text: str, file: str) -> tuple[Scenario | None, list[Problem]]:
    """The scenario written in `text`; `file` is only for the problems."""
    table = parse_toml(text, file)
    if isinstance(table, Problem):
        return None, [table]
    reading = _Reading(text, file)
    scenario = reading.scenario(table)
    return (None if reading.problems else scenario), reading.problems


class _Reading:
    """The problems found so far, and where things stand in the file.

    `_declared` holds every name the file gives to anything, mistaken or not: a name that leads to a mistake
    told already is no second mistake.
    """

    def __init__(self, text: str, file: str) -> None:
        self.problems: list[Problem] = []
        self._lines = Lines(text)
        self._file = file
        self._declared: set[str] = set()

    def wrong(self, key: str, expected: Text, got: str, fix: Text) -> None:
        """Note a problem at `key`."""
        line = self._lines.of(key)
        self.problems.append(Problem(file=self._file, line=line, key=key, expected=expected, got=got, fix=fix))

    def scenario(self, table: dict[str, Any]) -> Scenario:
        """Read every table; what is wrong is in `problems` afterwards."""
        for key in sorted(table.keys() - _TOP):
            known = ", ".join(sorted(_TOP))
            self.wrong(key, Text(f"one of {known}", f"以下之一：{known}"), key, Text("remove it", "删除"))
        self._declared = _declared(table)
        models = self._models(table.get("make", {}))
        sites = {site.id: site for _, site in self._rows(table, "site", SiteEntry)}
        only = dict(self._rows(table, "only", OnlyEntry))
        exceptions = {entry.device: entry for entry in only.values()}
        user_rows = self._rows(table, "user", UserEntry)
        rows = self._rows(table, "device", DeviceEntry)
        devices = self._devices(rows, models, sites, exceptions)
        users = {user.name: user for _, user in user_rows}
        for misfit in (*fits.users(user_rows), *fits.lines(rows), *fits.units(rows, sites)):
            self.wrong(misfit.key, misfit.expected, misfit.got, misfit.fix)
        for key, device in rows:
            if fits.secured(device) and device.user not in users:
                self._unknown(key, "user", device.user, list(users))
        for key, entry in only.items():
            if entry.device not in devices:
                self._unknown(key, "device", entry.device, list(devices))
        events = self._events(table, sites, devices)
        return Scenario(
            name=Path(self._file).stem,
            seed=self._value(table, "seed", 1, int),
            length_s=self._value(table, "length_s", max((event.at for event in events), default=0.0), float),
            community=self._value(table, "community", "public", str),
            unrest=self._value(table, "unrest", 1.0, float),
            sites=sites,
            devices=devices,
            events=tuple(sorted(events, key=lambda event: event.at)),
            users=users,
            trap=self._convert(table["trap"], TrapEntry, "trap") if "trap" in table else None,
        )

    def _value(self, table: dict[str, Any], key: str, default: _T, type_: type[_T]) -> _T:
        if key not in table:
            return default
        value: _T | None = self._convert(table[key], type_, key)
        return default if value is None else value

    def _convert(self, value: object, type_: Any, key: str) -> Any:
        """`value` as `type_`, or None and a problem."""
        try:
            return msgspec.convert(value, type_)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$")
            name = place.rstrip("`").strip(".")
            got = value.get(name, value) if isinstance(value, dict) else value
            expected = Text(f"what docs/simulators.md has ({message})", f"docs/simulators.md 规定的值（{message}）")
            self.wrong(f"{key}.{name}".rstrip("."), expected, _short(got), Text("correct it", "改正"))
            return None

    def _rows(self, table: dict[str, Any], name: str, type_: type[_T]) -> list[tuple[str, _T]]:
        rows = table.get(name, [])
        if not isinstance(rows, list):
            expected = Text(f"[[{name}]] tables", f"[[{name}]] 表")
            self.wrong(name, expected, _short(rows), Text("double the brackets", "使用双方括号"))
            return []
        made = [(f"{name}.{n}", self._convert(row, type_, f"{name}.{n}")) for n, row in enumerate(rows)]
        return [(key, row) for key, row in made if row is not None]

    def _models(self, table: object) -> dict[str, Model]:
        rows = table if isinstance(table, dict) else {}
        made = {name: self._convert(row, Model, f"make.{name}") for name, row in rows.items()}
        return {name: model for name, model in made.items() if model is not None}

    def _devices(
        self,
        rows: list[tuple[str, DeviceEntry]],
        models: dict[str, Model],
        sites: dict[str, SiteEntry],
        only: dict[str, OnlyEntry],
    ) -> dict[str, Device]:
        devices: dict[str, Device] = {}
        keys: dict[str, str] = {}
        for key, entry in rows:
            if entry.make not in models:
                self._unknown(key, "make", entry.make, list(models))
                continue
            for site in sites if entry.sites == ("*",) else entry.sites:
                if site not in sites:
                    self._unknown(key, "sites", site, list(sites))
                    continue
                id = f"{site}/{entry.id}"
                if id in devices:
                    self.wrong(f"{key}.id", Text("an id only once", "编号不得重复"), id, Text("rename one", "改名"))
                devices[id], keys[id] = _device(id, sites[site], entry, models[entry.make], only.get(id)), key
        for id, device in devices.items():
            if device.fed_by not in ("mains", *devices):
                self._unknown(keys[id], "fed_by", device.fed_by, ["mains", *devices])
        # Site by site: people look for a place first.
        places = {id: n for n, id in enumerate(sites)}
        return dict(sorted(devices.items(), key=lambda item: places[item[1].site.id]))

    def _events(self, table: dict[str, Any], sites: dict[str, SiteEntry], devices: dict[str, Device]) -> list[Event]:
        rows = self._rows(table, "event", Event)
        for key, event in rows:
            misfit = check.misfit(event, sites, devices)
            if misfit and misfit.got not in self._declared:
                self.wrong(f"{key}.{misfit.key}".rstrip("."), misfit.expected, misfit.got, misfit.fix)
        return [event for _, event in rows]

    def _unknown(self, key: str, name: str, got: str, known: list[str]) -> None:
        if got not in self._declared:
            misfit = check.unknown(name, got, known)
            self.wrong(f"{key}.{name}", misfit.expected, misfit.got, misfit.fix)


def _declared(table: dict[str, Any]) -> set[str]:
    """Names of makes, sites and devices as they stand in the file, whatever else is wrong with them."""

    def ids(name: str, key: str = "id") -> list[str]:
        rows = table.get(name, [])
        return [str(row.get(key)) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    makes = table.get("make", {})
    sites = ids("site")
    devices = {f"{site}/{device}" for site in sites for device in ids("device")}
    return {*(makes if isinstance(makes, dict) else ()), *sites, *devices, *ids("user", "name")}


def _device(id: str, site: SiteEntry, entry: DeviceEntry, model: Model, only: OnlyEntry | None) -> Device:
    soh = only.soh if only and only.soh is not None else 1.0
    for name in ("silent_on_battery_s", "uptime_days", "start_octets", "engine_id"):
        if only and getattr(only, name) is not None:
            entry = msgspec.structs.replace(entry, **{name: getattr(only, name)})
    return Device(
        id=id,
        site=site,
        entry=entry,
        model=model,
        make=ups_make(model, soh) if isinstance(model, UpsModel) else switch_make(model),
        serial=f"21{crc32(id.encode()):010d}",
        load=only.load if only and only.load is not None else entry.load,
        fed_by="mains" if entry.fed_by == "mains" else f"{site.id}/{entry.fed_by}",
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "..."
