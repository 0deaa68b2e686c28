"""The peers of bench_snmp.py: Debian's prometheus-snmp-exporter and collectd-core, asked for the same twenty scalars.

Each returns (readings, CPU seconds, wall seconds). The exporter is asked over HTTP by as many keep-alive connections as keep it
busy, as Prometheus would; collectd reads by itself, as often as its interval says.
"""

from __future__ import annotations

import http.client
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.snmp_fleet import SCALARS, TWENTY, address
from tests.benchmarks.watched_agent import cpu_s, fleet

_BASE = ".".join(map(str, SCALARS))
_SBIN = "/usr/sbin"
_COLLECTD_S = 1.0


class Missing(Exception):
    """A peer is not installed here."""


def _program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=_SBIN)
    if not found:
        raise Missing(f"not installed (Debian package {package})")
    return found


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def exporter(folder: Path, devices: int, seconds: float) -> tuple[int, float, float]:
    """prometheus-snmp-exporter with a module of twenty gauges, scraped by HTTP."""
    program = _program("prometheus-snmp-exporter", "prometheus-snmp-exporter")
    oids = [f"{_BASE}.{n}.0" for n in range(1, len(TWENTY) + 1)]
    gets = "".join(f"  - {oid}\n" for oid in oids)
    metrics = "".join(
        f"  - name: value{n}\n    oid: {oid}\n    type: gauge\n    help: scalar {n}\n" for n, oid in enumerate(oids, 1)
    )
    module = f"twenty:\n  get:\n{gets}  metrics:\n{metrics}  version: 2\n  auth:\n    community: public\n"
    (folder / "snmp.yml").write_text(module + "  max_repetitions: 25\n  retries: 1\n  timeout: 5s\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        http_port = probe.getsockname()[1]
    command = [program, f"--config.file={folder}/snmp.yml", f"--web.listen-address=127.0.0.1:{http_port}"]
    with fleet(devices) as (port, _), _running(command, folder / "exporter.log") as process:
        _wait_port(http_port)
        scraped = _Scrape(http_port, port, devices)
        if scraped.one(0) != len(TWENTY):
            raise RuntimeError(f"the exporter gives {scraped.one(0)} values, see {folder}/exporter.log")
        _, _ = scraped.all(2.0), time.sleep(0.2)
        before, began = cpu_s(process.pid), time.monotonic()
        done = scraped.all(seconds)
        return done, cpu_s(process.pid) - before, time.monotonic() - began


class _Scrape:
    """Prometheus, as far as the exporter sees it."""

    def __init__(self, http_port: int, snmp_port: int, devices: int) -> None:
        self._http_port, self._snmp_port, self._devices = http_port, snmp_port, devices

    def one(self, n: int, line: http.client.HTTPConnection | None = None) -> int:
        """The values of one device."""
        line = line or http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=10)
        line.request("GET", f"/snmp?module=twenty&target={address(n)}:{self._snmp_port}")
        return line.getresponse().read().count(b"\nvalue")

    def all(self, seconds: float, lines: int = 4) -> int:
        """Values of the fleet over and over, for so long."""
        done = [0] * lines
        end = time.monotonic() + seconds

        def work(k: int) -> None:
            line = http.client.HTTPConnection("127.0.0.1", self._http_port, timeout=10)
            n = k
            while time.monotonic() < end:
                done[k] += self.one(n % self._devices, line)
                n += lines

        threads = [threading.Thread(target=work, args=(k,)) for k in range(lines)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(done)


def collectd(folder: Path, devices: int, seconds: float) -> tuple[int, float, float]:
    """collectd's snmp plugin: a host a device, one data set of twenty values, once a second, written nowhere."""
    program = _program("collectd", "collectd-core")
    plugins = next((p for p in ("/usr/lib/collectd", "/usr/lib64/collectd") if Path(p, "snmp.so").exists()), "")
    if not plugins:
        raise Missing("no snmp plugin (Debian package collectd-core and libsnmp)")
    sources = ", ".join(f"v{n}:GAUGE:U:U" for n in range(1, len(TWENTY) + 1))
    (folder / "types.db").write_text(f"twenty {sources}\n")
    values = " ".join(f'"{_BASE}.{n}.0"' for n in range(1, len(TWENTY) + 1))
    with fleet(devices) as (port, _):
        hosts = "".join(
            f'<Host "d{n}">\nAddress "udp:{address(n)}:{port}"\nVersion 2\nCommunity "public"\nCollect "twenty"\n'
            f"Interval {_COLLECTD_S}\nTimeout 5\nRetries 1\n</Host>\n"
            for n in range(devices)
        )
        data = f'<Data "twenty">\nType "twenty"\nTable false\nValues {values}\n</Data>\n'
        lines = (
            f'Hostname "bench"\nFQDNLookup false\nBaseDir "{folder}"\nPIDFile "{folder}/pid"\nPluginDir "{plugins}"\n'
        )
        lines += f'TypesDB "{folder}/types.db"\nInterval {_COLLECTD_S}\nReadThreads 4\n'
        # Values that no one takes would be counted as dropped: a writer to nowhere stands for one.
        lines += 'LoadPlugin logfile\n<Plugin logfile>\nLogLevel err\nFile "stderr"\n</Plugin>\n'
        lines += f"LoadPlugin snmp\n<Plugin snmp>\n{data}{hosts}</Plugin>\n"
        (folder / "collectd.conf").write_text(lines)
        with _running([program, "-f", "-C", str(folder / "collectd.conf")], folder / "collectd.log") as process:
            time.sleep(4.0)
            before, began, first = cpu_s(process.pid), time.monotonic(), told(port, "served?")
            time.sleep(seconds)
            wall, spent, last = time.monotonic() - began, cpu_s(process.pid) - before, told(port, "served?")
            if process.poll() is not None:
                raise RuntimeError((folder / "collectd.log").read_text()[-300:])
            return (last - first) * len(TWENTY), spent, wall


def told(port: int, question: str) -> int:
    """What the fleet tells in plain words: how many datagrams came so far, and when the first came (wall, ms)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ask:
        ask.settimeout(5)
        ask.sendto(question.encode(), (address(0), port))
        return int(ask.recv(64))


def _wait_port(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens at {port}")
