"""What lines and devices cost, as points: the airtime of the last minute and the counters of `agent.links.account`. Pure.

Rules. A device's points are its own; a line's are readings of the device `SITE/agent`, with the line's name as index. A
line with one device behind a network address is that device: only its device's points are told. Counters are told
first at 0 and then when they rose: most never do. A share is of real time, for airtime is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, count

import msgspec

from agent.address import DeviceUrl
from agent.config import AGENT
from agent.links.account import Account, Counts
from model.reading import Reading

_COUNTERS = {
    "requests": "requests",
    "retries": "retries",
    "timeouts": "timeouts",
    "crc_errors": "garbled",
    "quarantined": "quarantined",
}


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line as it stands. `whole`: its own points are worth telling; `since`: real monotonic seconds of its start."""

    name: str
    devices: Sequence[str]
    account: Account
    round_s: float
    whole: bool
    since: float


class Costs:
    """Told once a minute; in between it answers for the share of the last minute."""

    def __init__(self, site: str) -> None:
        self._agent = f"{site}/{AGENT}"
        self._airtime: dict[tuple[str, str], float] = {}
        self._told: dict[tuple[str, str | None, str], float] = {}
        self._shares: dict[tuple[str, str], float] = {}
        self._at: float | None = None

    def tell(self, lines: Iterable[Line], at: int, now: float) -> list[Reading]:
        """The points of the minute that ends now. `at`: the agent's ms; `now`: real monotonic seconds."""
        found: list[Reading] = []
        for line in lines:
            for device in line.devices:
                counts = line.account.of(device)
                share = self._keep(line, device, counts.airtime_s, now)
                found.append(_reading(device, "device.airtime", None, at, share))
                found += self._counters("device", device, None, counts, at)
            total = line.account.total()
            share = self._keep(line, "", total.airtime_s, now)  # the status shows it of every line
            if line.whole:
                found.append(_reading(self._agent, "link.airtime", line.name, at, share))
                found.append(_reading(self._agent, "link.round_time", line.name, at, round(line.round_s, 4)))
                found += self._counters("link", self._agent, line.name, total, at)
                found += self._risen(self._agent, "link.reopened", line.name, line.account.reopened, at)
        self._at = now
        return found

    def share(self, line: Line, device: str, now: float) -> float:
        """Percent of its line's time that a device had in the last minute; of the whole line for `""`."""
        told = self._shares.get((line.name, device))
        counts = line.account.of(device) if device else line.account.total()
        return self._percent(line, device, counts.airtime_s, now) if told is None else told

    def _keep(self, line: Line, device: str, airtime_s: float, now: float) -> float:
        key = (line.name, device)
        self._shares[key] = share = self._percent(line, device, airtime_s, now)
        self._airtime[key] = airtime_s
        return share

    def _percent(self, line: Line, device: str, airtime_s: float, now: float) -> float:
        key = (line.name, device)
        began = line.since if self._at is None or key not in self._airtime else self._at
        spent_s = airtime_s - self._airtime.get(key, 0.0)
        return round(min(max(100.0 * spent_s / max(now - began, 0.001), 0.0), 100.0), 3)

    def _counters(self, of: str, device: str, index: str | None, counts: Counts, at: int) -> list[Reading]:
        found: list[Reading] = []
        for name, field in _COUNTERS.items():
            found += self._risen(device, f"{of}.{name}", index, getattr(counts, field), at)
        return found

    def _risen(self, device: str, point: str, index: str | None, value: float, at: int) -> list[Reading]:
        """A counter, when it is not what was told last. One that fell belongs to a line that was opened anew."""
        key = (device, index, point)
        if self._told.get(key) == value:
            return []
        self._told[key] = value
        return [_reading(device, point, index, at, value)]


def names_of(urls: Mapping[str, DeviceUrl]) -> dict[str, str]:
    """Short names of lines by link key, from the URL of one device of each.

    >>> names_of({"a": DeviceUrl.parse("megatec:///dev/ttyUSB0"), "b": DeviceUrl.parse("snmp://192.0.2.5")})
    {'a': 'ttyUSB0', 'b': '192.0.2.5:161'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key, url in sorted(urls.items()):
        whole = _clean(url.path or f"{url.host}:{url.port}")
        short = _clean(url.path.rpartition("/")[2]) if url.path else whole
        further = (f"{whole[-58:]}.{n}" for n in count(2))
        names[key] = next(name for name in chain((short, whole), further) if name not in taken)
        taken.add(names[key])
    return names


def _clean(name: str) -> str:
    """As the index of a reading may be: the last 64 characters that are allowed there."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._:/-") else "-" for c in name)[-64:] or "line"


def _reading(device: str, point: str, index: str | None, at: int, value: float) -> Reading:
    return Reading(device=device, point=point, index=index, at=at, value=float(value))
