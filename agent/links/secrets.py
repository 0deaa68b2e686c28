"""Where the agent's secret references lead: its environment and its files. Nothing here is ever logged."""

from __future__ import annotations

import os
from pathlib import Path

from agent.address import PUBLIC, DeviceUrl
from model.secret import resolve


def community_of(url: DeviceUrl) -> str:
    """The SNMP community behind a URL. Raises `model.secret.SecretError`."""
    written = url.option("community", PUBLIC)
    return written if written == PUBLIC else secret(written)


def secret(reference: str) -> str:
    """What a reference stands for. Raises `model.secret.SecretError`."""
    return resolve(reference, os.environ.get, lambda path: Path(path).read_text(encoding="utf-8"))
