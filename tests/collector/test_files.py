"""The collector's file and the inventory: every mistake told with its line, all in one go."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from collector import config, inventory, store
from desk.policies import POLICIES
from model.problem import Problem

GOOD = """
[[customer]]
id = "c"
name = { en = "C", zh = "丙" }
[[contract]]
customer = "c"
policy = "powerstar"
since = 2025-01-01
[[site]]
id = "s"
customer = "c"
name = "S"
[[device]]
id = "s/ups-1"
rated_va = 10000
fed_by = "mains"
battery = { blocks = 16, block_ah = 38 }
[[device]]
id = "s/sw-1"
kind = "switch"
fed_by = "s/ups-1"
"""


def _keys(problems: list[Problem]) -> list[str]:
    return [problem.key for problem in problems]


def test_the_demo_inventory_and_a_small_one_have_no_problem() -> None:
    for body in (GOOD, (files("roundsman") / "demo/inventory.toml").read_text(encoding="utf-8")):
        found, problems = inventory.read(body, "x", tuple(POLICIES))
        assert problems == []
    assert found.device("sz-futian/ups-1").battery is not None
    assert len(found.devices) == 42


@pytest.mark.parametrize(
    ("old", "new", "key", "line"),
    [
        ('customer = "c"\npolicy', 'customer = "d"\npolicy', "contract.0.customer", 6),
        ('policy = "powerstar"', 'policy = "powerstr"', "contract.0.policy", 7),
        ("since = 2025-01-01", 'since = "1 May"', "contract.0.since", 8),
        ("since = 2025-01-01", 'since = 2025-01-01\nuntil = "2024-01-01"', "contract.0.until", 9),
        ('id = "s"\ncustomer = "c"', 'id = "s"\ncustomer = "x"', "site.0.customer", 11),
        ('name = "S"', 'name = "S"\ntz = "Asia/Shangai"', "site.0.tz", 13),
        ('name = "S"', 'name = "S"\ncountry = "China"', "site.0.country", 13),
        ('id = "s/sw-1"', 'id = "t/sw-1"', "device.1.id", 19),
        ('id = "s/sw-1"', 'id = "s/ups-1"', "device.1.id", 19),
        ('id = "s/sw-1"', 'id = "sw-1"', "device.1.id", 19),
        ('fed_by = "s/ups-1"', 'fed_by = "s/ups-9"', "device.1.fed_by", 21),
        ('fed_by = "mains"', 'fed_by = "s/sw-1"', "device.0.fed_by", 16),
        ('kind = "switch"', 'kind = "swich"', "device.1.kind", 20),
        ("rated_va = 10000", 'rated_va = "10 kVA"', "device.0.rated_va", 15),
        ("rated_va = 10000", "rated_w = 10000", "device.0.rated_w", 15),
        ("blocks = 16, ", "", "device.0.battery.blocks", 17),
        ("blocks = 16", "blocks = 16.5", "device.0.battery.blocks", 17),
    ],
)
def test_each_mistake_in_an_inventory_is_told_with_its_place(old: str, new: str, key: str, line: int) -> None:
    assert GOOD.count(old) >= 1
    _, problems = inventory.read(GOOD.replace(old, new, 1), "inventory.toml", tuple(POLICIES))
    assert (key, line) in [(p.key, p.line) for p in problems], problems
    for problem in problems:
        assert problem.render("en").startswith("inventory.toml:")
        assert "改法" in problem.render("zh")


def test_a_file_that_is_no_toml_or_not_there_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    _, (problem,) = inventory.read("[[site]\n", "x", ())
    assert problem.line == 1
    assert inventory.read_file(tmp_path / "none")[1][0].got
    assert config.read_file(tmp_path / "none")[1][0].got


def test_an_import_with_errors_changes_nothing_and_one_that_says_the_same_makes_no_revision(tmp_path: Path) -> None:
    engine = store.open_engine(tmp_path / "centre.sqlite")
    file = tmp_path / "inventory.toml"
    with store.writing(engine) as conn:
        for body, revision in ((GOOD, 1), (GOOD, 1), (GOOD + "[[site]]\n", 1), (GOOD.replace('"S"', '"T"'), 2)):
            file.write_text(body, encoding="utf-8")
            inventory.import_file(conn, file, 1000)
            assert inventory.latest(conn).revision == revision
    engine.dispose()


COLLECTOR = """[collector]
listen = "127.0.0.1:8620"
data = "var/"
"""


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (COLLECTOR.replace("127.0.0.1", "0.0.0.0"), "collector.listen"),
        (COLLECTOR.replace(":8620", ""), "collector.listen"),
        (COLLECTOR + 'tls_cert = "a.pem"\n', "collector.tls_cert"),
        (COLLECTOR + 'histroy = "embedded"\n', "collector.histroy"),
        (COLLECTOR + 'history = "mysql://x"\n', "collector.history"),
        (COLLECTOR + "max_body_mb = 0\n", "collector.max_body_mb"),
        (COLLECTOR + '[[connector]]\nkind = "webhook"\nurl = "https://x"\nsecret = "hunter2"\n', "connector.0.secret"),
        (COLLECTOR + '[[connector]]\nkind = "pigeon"\nurl = "https://x"\nsecret = "env:S"\n', "connector.0.kind"),
        (COLLECTOR + '[[connector]]\nkind = "webhook"\nurl = "http://x"\nsecret = "env:S"\n', "connector.0.url"),
    ],
)
def test_each_mistake_in_the_collectors_file_is_told(body: str, key: str) -> None:
    _, problems = config.read(body, "collector.toml", Path())
    assert key in _keys(problems)
    assert not any("hunter2" in problem.render("en") for problem in problems)


def test_a_good_collector_file_is_read_beside_an_agents() -> None:
    body = (
        COLLECTOR
        + '[agent]\nsite = "s"\n[[device]]\nid = "u"\n[[connector]]\nkind = "webhook"\nurl = "https://x"\nsecret = "env:S"\n'
    )
    found, problems = config.read(body, "x", Path("/etc/roundsman"))
    assert problems == []
    assert (found.host, found.port, found.data) == ("127.0.0.1", 8620, Path("/etc/roundsman/var"))
    assert [c.kind for c in found.connectors] == ["webhook"]


def test_outside_loopback_a_certificate_is_enough() -> None:
    body = COLLECTOR.replace("127.0.0.1", "0.0.0.0") + 'tls_cert = "c.pem"\ntls_key = "k.pem"\n'
    assert config.read(body, "x", Path())[1] == []
