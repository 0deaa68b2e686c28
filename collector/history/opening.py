"""Which history a URL means. A new store is a file and a line here."""

from __future__ import annotations

from pathlib import Path

from collector.history import History


def open_history(url: str, data: Path) -> History:
    """`embedded` below `data`, or a server by URL (docs/history.md). Raises `HistoryError`.

    A server that is down is no error here: writes fail until it is up, and agents keep what they have.
    """
    scheme, _, _ = url.partition("+")
    if scheme == "embedded":
        from collector.history.embedded import Embedded

        return Embedded(data / "history")
    if scheme == "influxdb":
        from collector.history.influx import Influx

        return Influx.open(url)
    if scheme == "victoriametrics":
        from collector.history.victoria import Victoria

        return Victoria.open(url)
    from collector.history import HistoryError

    raise HistoryError(f"expected embedded, influxdb+http://… or victoriametrics+http://…, got {scheme!r}")
