"""`roundsman recording …`: what flight recorders sent, from a terminal on the centre's machine."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from collector import inventory
from collector.store import RecordingRow, devices, recordings, writing
from model.text import Text
from roundsman.centre import NoCentreError, opened
from roundsman.speech import complain, put, say


def list_recordings(device: str | None, collector: Path | None, as_json: bool) -> int:
    """Newest first, and what was asked for and has not come."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            rows = recordings.listed(conn, device)
            wishes = recordings.wishes(conn, device)
    except NoCentreError as error:
        complain(error.text)
        return 1
    for row in rows:
        if as_json:
            put(msgspec.to_builtins(row))
        else:
            say(f"{row.id}  {_when(row)}  {row.device}  {row.why}  {row.bytes} B")
    for wish in wishes:
        if as_json:
            put({"device": wish.device, "asked_at": wish.asked_at, "asked_by": wish.asked_by})
        else:
            say(Text(f"{wish.device}: asked for by {wish.asked_by}, not here yet", f"{wish.device}：{wish.asked_by} 已请求，尚未收到"))  # fmt: skip
    return 0


def save_recording(id: str, file: Path | None, collector: Path | None, as_json: bool) -> int:
    """Write one to a file, by default under its own name."""
    try:
        with opened(collector) as centre, centre.engine.connect() as conn:
            found = recordings.recording(conn, id)
    except NoCentreError as error:
        complain(error.text)
        return 1
    if found is None:
        complain(
            Text(
                f"no recording {id}: `roundsman recording list` shows them",
                f"没有录波 {id}：用 `roundsman recording list` 查看",
            )
        )
        return 1
    row, body = found
    target = file or Path(row.name)
    try:
        target.write_bytes(body)
    except OSError as error:
        complain(Text(f"{target} cannot be written: {error.strerror}", f"无法写入 {target}：{error.strerror}"))
        return 1
    if as_json:
        put({"id": row.id, "file": str(target), "bytes": len(body), "sha256": row.sha256})
    else:
        say(Text(f"{target}: {len(body)} bytes; play it: roundsman simulate --replay {target}",
                 f"{target}：{len(body)} 字节；回放：roundsman simulate --replay {target}"))  # fmt: skip
    return 0


def ask_for_recording(device: str, collector: Path | None, as_json: bool) -> int:
    """Have the agent of a device's site record its line; it hears of it with its next delivery."""
    try:
        with opened(collector) as centre, writing(centre.engine) as conn:
            known = {row.id for row in devices(conn)} | set(inventory.latest(conn).devices)
            if device in known:
                recordings.ask(conn, device, getpass.getuser(), centre.now())
    except NoCentreError as error:
        complain(error.text)
        return 1
    if device not in known:
        complain(
            Text(
                f"no device {device}: write it as site/device; the console's page of devices lists them",
                f"没有设备 {device}：写成 站点/设备；控制台设备页可查",
            )
        )
        return 1
    if as_json:
        put({"device": device, "asked": True})
    else:
        say(Text(f"{device}: asked; `roundsman recording list` shows it when it has come",
                 f"{device}：已请求；收到后见 `roundsman recording list`"))  # fmt: skip
    return 0


def _when(row: RecordingRow) -> str:
    return datetime.fromtimestamp(row.at / 1000, UTC).isoformat(sep=" ", timespec="seconds")
