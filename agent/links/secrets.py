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


def keys_of(url: DeviceUrl) -> tuple[str, str]:
    """The pass phrases of a v3 user, "" for what the URL does not name. Raises `model.secret.SecretError`."""
    auth, priv = (secret(url.option(name)) if url.option(name) else "" for name in ("auth_key", "priv_key"))
    return auth, priv


def secret(reference: str) -> str:
    """What a reference stands for. Raises `model.secret.SecretError`."""
    return resolve(reference, os.environ.get, lambda path: Path(path).read_text(encoding="utf-8"))
