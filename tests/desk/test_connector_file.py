"""A `[[connector]]` table: every setting of its kind, every mistake at its line, no secret shown."""

from __future__ import annotations

import tomllib

import pytest

from desk.connectors import Settings, reading
from desk.connectors.apprise import HEARS
from model.problem import Problem
from model.toml_table import Table

RT = """[[connector]]
kind = "rt"
url = "https://rt.example"
secret = "env:RT"
queue = "UPS"
poll_s = 30
closes = "yes"
kinds = ["opened", "closed"]
state.closed = "rejected"
priority.outage = 90
"""


def read(body: str) -> tuple[Settings, list[Problem]]:
    root = Table.root(tomllib.loads(body), "collector.toml", body)
    (table,) = root.tables("connector")
    return reading.read(table), root.problems


def test_a_table_becomes_settings() -> None:
    found, problems = read(RT)
    assert problems == []
    assert (found.kind, found.kinds, found.to) == ("rt", ("opened", "closed"), "desk")
    assert found.options == {
        "queue": "UPS",
        "poll_s": "30",
        "closes": "yes",
        "state.closed": "rejected",
        "priority.outage": "90",
    }


@pytest.mark.parametrize(
    ("was", "now", "key", "line"),
    [
        ('closes = "yes"', 'closes = "maybe"', "connector.0.closes", 7),
        ("poll_s = 30", "poll_s = 0", "connector.0.poll_s", 6),
        ("poll_s = 30", "poll_s = [1]", "connector.0.poll_s", 6),
        ('queue = "UPS"', 'queue = "U\'S"', "connector.0.queue", 5),
        ('queue = "UPS"', 'quene = "UPS"', "connector.0.quene", 5),
        ('state.closed = "rejected"', 'state.shut = "rejected"', "connector.0.state.shut", 9),
        ('"opened", "closed"', '"opened", "shut"', "connector.0.kinds", 8),
        ('"https://rt.example"', '"http://rt.example"', "connector.0.url", 3),
        ('"https://rt.example"', '"https://u:hunter2@rt.example"', "connector.0.url", 3),
        ('"env:RT"', '"hunter2"', "connector.0.secret", 4),
    ],
)
def test_a_mistake_is_named_where_it_stands(was: str, now: str, key: str, line: int) -> None:
    assert was in RT
    _, problems = read(RT.replace(was, now))
    assert [problem.key for problem in problems] == [key]
    assert problems[0].line in (line, 0)
    assert "hunter2" not in str(problems)


def test_a_setting_that_is_needed_is_missed() -> None:
    _, problems = read('[[connector]]\nkind = "redmine"\nurl = "https://r.example"\nsecret = "env:S"\n')
    assert [problem.key for problem in problems] == ["connector.0.project", "connector.0.field"]


def test_a_person_hears_what_concerns_a_person_unless_told_otherwise() -> None:
    body = '[[connector]]\nkind = "apprise"\nurl = "apprise://sms"\nsecret = "env:S"\nperson = "ann"\nbudget = 3\n'
    found, problems = read(body)
    assert problems == []
    assert (found.kinds, found.person, found.options) == (HEARS, "ann", {"budget": "3"})
