"""Our own SNMP engine id and its boots, kept in a file: whoever sends v3 informs remembers both."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path

#: pysnmp's own mark of an engine id made of octets.
_STARTS = "80004fb805"
_MOST_BOOTS = 2_147_483_646


def own_engine(file: Path, trouble: Callable[[str, str], None]) -> tuple[str, int]:
    """Our engine id and its boots, one more each time: whoever sends informs remembers them."""
    engine_id, boots = _STARTS + secrets.token_hex(8), 0
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        known, boots = bytes.fromhex(kept["engine_id"]), int(kept["boots"])
        engine_id = known.hex() if 5 <= len(known) <= 32 else engine_id
    except (OSError, ValueError, KeyError, TypeError):
        pass  # the first start, or a file that is lost: a new id
    boots = boots % _MOST_BOOTS + 1
    try:
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(json.dumps({"engine_id": engine_id, "boots": boots}), encoding="utf-8")
        fresh.replace(file)
    except OSError as error:
        trouble(
            f"{file} cannot be written: {error.strerror}", "senders of v3 informs will have to find us anew each time"
        )
    return engine_id, boots
