"""The SNMP engines that this agent has met: one id at two addresses is a cloned configuration, and is named.

Two devices with one engine id are polled on all the same (each session keeps its own clock and keys); but traps of the
one pass for the other's, and a manager that keeps one clock an id loses both by turns. One registry for all links.
"""

from __future__ import annotations


class Engines:
    """Engine id -> addresses at which it answered, with the device's id."""

    def __init__(self) -> None:
        self._at: dict[bytes, dict[str, str]] = {}

    def met(self, engine_id: bytes, address: str, device: str) -> tuple[str, ...]:
        """Note that an engine answered at an address. All who share it when that is news, else nothing."""
        for id, places in self._at.items():
            if id != engine_id:
                places.pop(address, None)
        places = self._at.setdefault(engine_id, {})
        news = address not in places and bool(places)
        places[address] = device
        return _named(places) if news else ()

    def shared(self) -> dict[str, tuple[str, ...]]:
        """Engine id in hex -> "device address" of each, where there is more than one."""
        return {id.hex(): _named(places) for id, places in self._at.items() if len(places) > 1}

    def others(self, engine_id: bytes, address: str) -> tuple[str, ...]:
        """Who else has this engine id."""
        places = self._at.get(engine_id, {})
        return _named({place: device for place, device in places.items() if place != address})


def _named(places: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{device} {place}".strip() for place, device in sorted(places.items()))
