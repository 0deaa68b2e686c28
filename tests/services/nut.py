"""Network UPS Tools' own drivers, pointed at a port: what a third party reads there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.services import need

_PACKAGES = {"nutdrv_qx": "nut-server", "snmp-ups": "nut-snmp", "huawei-ups2000": "nut-modbus", "socomec_jbus": "nut-modbus"}


def read(driver: str, port: str, directory: Path, **options: str) -> dict[str, str]:
    """One update of a NUT driver in the foreground: its variables. State and configuration stay in `directory`."""
    program = need(driver, _PACKAGES[driver])
    directory.mkdir(parents=True, exist_ok=True)
    settings = "".join(f"{key} = {value}\n" for key, value in options.items())
    (directory / "ups.conf").write_text(f"[one]\ndriver = {driver}\nport = {port}\n{settings}")
    done = subprocess.run(
        [program, "-a", "one", "-u", "root", "-d", "1"],
        env={name: str(directory) for name in ("NUT_STATEPATH", "NUT_CONFPATH", "NUT_ALTPIDPATH")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pairs = (line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    return {name: value for name, value in pairs if "." in name}
