"""Network UPS Tools' own drivers, pointed at a port: what a third party reads there."""

from __future__ import annotations

import getpass
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.services import free_port, need, running, wait_for

_PACKAGES = {
    "nutdrv_qx": "nut-server",
    "snmp-ups": "nut-snmp",
    "huawei-ups2000": "nut-modbus",
    "socomec_jbus": "nut-modbus",
}


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


@contextmanager
def upsd(directory: Path, dumps: Mapping[str, Path], dead: Sequence[str] = ()) -> Iterator[int]:
    """`upsd` on a free port, one `dummy-ups` for each dump by its UPS name; ends with the context. Gives the port. `dead`:
    names that the file has and for which no driver runs."""
    driver, server = need("dummy-ups", "nut-server"), need("/lib/nut/upsd", "nut-server")
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    parts = [f"[{name}]\ndriver = dummy-ups\nport = {dump}\nmode = dummy-once\n" for name, dump in dumps.items()]
    parts += [f"[{name}]\ndriver = dummy-ups\nport = none.dev\n" for name in dead]
    (directory / "ups.conf").write_text("".join(parts))
    (directory / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {port}\nMAXCONN 200\n")
    (directory / "upsd.users").write_text("")
    for file in directory.iterdir():
        file.chmod(0o640)
    places = dict.fromkeys(("NUT_STATEPATH", "NUT_CONFPATH", "NUT_ALTPIDPATH", "NUT_PIDPATH"), str(directory))
    user = getpass.getuser()
    with ExitStack() as children:
        for name in dumps:
            command = [driver, "-a", name, "-u", user, "-F"]
            children.enter_context(running(command, directory / f"{name}.log", env=places))
        wait_for(lambda: all((directory / f"dummy-ups-{name}").exists() for name in dumps), 20, "dummy-ups")
        children.enter_context(running([server, "-u", user, "-F"], directory / "upsd.log", env=places))
        last = {name: _last(dump) for name, dump in dumps.items()}
        wait_for(lambda: _holds(port, last), 20, "upsd's data of every UPS")
        yield port


def _last(dump: Path) -> str:
    """The last variable of a dump that the driver does not write itself."""
    lines = dump.read_text(encoding="utf-8", errors="replace").splitlines()
    names = [line.partition(":")[0] for line in lines if line[:1].isalpha() and ": " in line]
    return [name for name in names if not name.startswith("driver.")][-1]


def _holds(port: int, names: Mapping[str, str]) -> bool:
    """Whether upsd has the data of all, to the end."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as line, line.makefile("rw") as said:
            for name, last in names.items():
                said.write(f"GET VAR {name} {last}\n")
                said.flush()
                if not said.readline().startswith("VAR "):
                    return False
    except OSError:
        return False
    return True
