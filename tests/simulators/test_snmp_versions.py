"""SNMP v1, v2c and v3 agents, read by Net-SNMP's own tools and told apart by their mistakes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.services import need
from tests.services.simulated import Simulated, simulated

pytestmark = pytest.mark.service
WIRES = Path(__file__).with_name("wires.toml")
UPTIME, ENGINE = ".1.3.6.1.2.1.1.3.0", ".1.3.6.1.6.3.10.2.1"
IN_OCTETS, HC_IN_OCTETS = ".1.3.6.1.2.1.2.2.1.10.1", ".1.3.6.1.2.1.31.1.1.1.6.1"
_AUTH = {"md5": "MD5", "sha1": "SHA", "sha256": "SHA-256", "sha512": "SHA-512"}
_PRIV = {"des": "DES", "aes128": "AES"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with simulated(tmp_path_factory.mktemp("wires"), scenario=WIRES) as running:
        yield running


def words(url: str, **instead: str) -> list[str]:
    """Net-SNMP's words for the options of a URL; `instead` replaces some."""
    said = dict(parse_qsl(urlsplit(url).query)) | instead
    keys = {name: Path(value[5:]).read_text() for name, value in said.items() if value.startswith("file:")} | instead
    if said["version"] != "3":
        return [f"-v{said['version']}", "-c", keys["community"]]
    level = "authPriv" if "priv" in said else "authNoPriv" if "auth" in said else "noAuthNoPriv"
    found = ["-v3", "-u", said["user"], "-l", instead.get("level", level)]
    if "auth" in said:
        found += ["-a", _AUTH[said["auth"]], "-A", keys["auth_key"]]
    if "priv" in said:
        found += ["-x", _PRIV[said["priv"]], "-X", keys["priv_key"]]
    return found


def run(lab: Simulated, tool: str, device: str, *oids: str, **instead: str) -> tuple[list[str], str]:
    """Lines out, and what went wrong."""
    line = [need(tool, "snmp"), *words(lab.urls[device], **instead), "-On", "-Oe", "-OU", "-t", "1", "-r", "1"]
    done = subprocess.run(
        [*line, lab.place(device), *oids], capture_output=True, text=True, timeout=60, check=False, env={"MIBS": ""}
    )
    return [row for row in done.stdout.splitlines() if "No more variables" not in row], done.stderr


@pytest.mark.parametrize("device", ["v3", "v3-switch", "v3-plain", "v3-old", "v3-signed"])
def test_every_level_and_method_is_read_whole(lab: Simulated, device: str) -> None:
    walked, wrong = run(lab, "snmpbulkwalk", f"lab/{device}", ".1.3.6.1.2.1")
    assert not wrong
    assert len(walked) > 50
    assert walked[0].endswith(('STRING: "HUAWEI UPS2000"', 'Version 7.1"'))


def test_an_agent_of_version_1_is_walked_and_says_which_name_it_does_not_know(lab: Simulated) -> None:
    walked, wrong = run(lab, "snmpwalk", "lab/v1", ".1.3.6.1.2.1")
    assert not wrong
    assert len(walked) > 50
    assert not any("Counter64" in row for row in walked)
    (row,), wrong = run(lab, "snmpget", "lab/v1", IN_OCTETS, ".1.3.6.1.2.1.99.0")
    assert "noSuchName" in wrong
    assert "Failed object: .1.3.6.1.2.1.99.0" in wrong
    assert 4_294_967_000 <= int(row.partition("Counter32: ")[2]) < 2**32


@pytest.mark.parametrize(("device", "version"), [("v1", "2c"), ("v2c", "1")])
def test_each_agent_speaks_its_own_version_only(lab: Simulated, device: str, version: str) -> None:
    assert "Timeout" in run(lab, "snmpget", f"lab/{device}", UPTIME, version=version)[1]


def test_counters_of_32_bits_stand_alone_and_time_has_wrapped_after_497_days(lab: Simulated) -> None:
    (uptime,), _ = run(lab, "snmpget", "lab/v1", UPTIME)
    ticks = int(uptime.partition("(")[2].partition(")")[0])
    assert 0 < ticks < 100 * 86400  # 497.2 days are 0.1 days again
    rows, wrong = run(lab, "snmpwalk", "lab/v1", ".1.3.6.1.2.1.31.1.1.1.6")
    assert not [row for row in rows if ".1.1.1.6." in row]
    wide, wrong = run(lab, "snmpget", "lab/v3-switch", HC_IN_OCTETS)
    assert not wrong
    assert "Counter64" in wide[0]


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        ({"auth_key": "wrong-words-for-tests"}, "Authentication failure"),
        ({"priv_key": "wrong-words-for-tests"}, "Decryption error"),
        ({"user": "nobody"}, "Unknown user name"),
        ({"level": "authNoPriv"}, "authorizationError"),
        ({"level": "noAuthNoPriv"}, "authorizationError"),
    ],
)
def test_a_user_that_is_none_is_told_what_is_wrong(lab: Simulated, instead: dict[str, str], words: str) -> None:
    out, wrong = run(lab, "snmpget", "lab/v3-switch", UPTIME, **instead)
    assert words in wrong + "".join(out)


def test_a_level_that_the_user_does_not_have_is_unsupported(lab: Simulated) -> None:
    words = {"auth": "sha256", "auth_key": "wrong-words-for-tests"}
    assert "Unsupported security level" in run(lab, "snmpget", "lab/v3-plain", UPTIME, **words)[1]


def test_a_reboot_counts_engine_boots_and_starts_time_and_counters_anew(tmp_path: Path) -> None:
    with simulated(tmp_path, 1.0, WIRES) as lab:
        device = "lab/v3-switch"
        boots, time_s, octets = numbers(lab, device)
        assert boots == 1
        assert time_s > 86400
        lab.order(cmd="fault", device=device, fault="reboot", seconds=0.5)
        lab.truth()
        while True:
            after = numbers(lab, device)
            if after:
                break
        assert after[0] == 2
        assert after[1] < 60
        assert after[2] < octets


def numbers(lab: Simulated, device: str) -> list[int]:
    """Engine boots, engine time, octets in; nothing while it does not answer."""
    rows, _ = run(lab, "snmpget", device, f"{ENGINE}.2.0", f"{ENGINE}.3.0", HC_IN_OCTETS)
    return [int(row.rpartition(" ")[2]) for row in rows]


def test_another_engine_id_is_another_from_the_next_datagram_on_and_the_old_one_comes_back(lab: Simulated) -> None:
    def id() -> str:
        ((row), *_), wrong = run(lab, "snmpget", "lab/v3-old", f"{ENGINE}.1.0")
        assert not wrong
        return row

    first = id()
    lab.order(cmd="fault", device="lab/v3-old", fault="engine_id")
    lab.truth()
    assert id() != first
    lab.order(cmd="fault", device="lab/v3-old", fault="engine_id", on=False)
    lab.truth()
    assert id() == first
