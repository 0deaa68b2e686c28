"""What a process logs: JSON for machines, and never the value of a variable."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

FAILS = """
import logging
import structlog
from roundsman import logs
logs.configure()
def open_door():
    hidden = "".join(["5ec", "3e7"])
    raise RuntimeError("no door")
for log in (structlog.get_logger(), logging.getLogger("uvicorn.error")):
    try:
        open_door()
    except RuntimeError:
        log.exception("failed")
"""


def test_a_trace_for_a_machine_is_one_json_line_without_local_variables() -> None:
    told = subprocess.run([sys.executable, "-c", FAILS], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in told.stderr.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("failed", "error")] * 2
    assert all("no door" in line["exception"] for line in lines)
    assert "5ec3e7" not in told.stderr


def test_a_trace_for_a_person_holds_no_local_variables_either() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", FAILS], stderr=theirs, check=True)
    os.close(theirs)
    told = b""
    while b"uvicorn" not in told or told.count(b"no door") < 2:
        told += os.read(ours, 65536)
    os.close(ours)
    assert b"5ec3e7" not in told
