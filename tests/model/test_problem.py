"""What is wrong with a file is told where it stands, and no more of a place than there is."""

from __future__ import annotations

import pytest

from model.problem import Lines, Problem
from model.text import Text


@pytest.mark.parametrize(
    ("line", "key", "en", "zh"),
    [
        (3, "agent.key", "a.toml:3: agent.key: expected E, got g; fix: f", "a.toml:3: agent.key: 应为 应，实为 g；改法：改"),
        (3, "", "a.toml:3: expected E, got g; fix: f", "a.toml:3: 应为 应，实为 g；改法：改"),
        (0, "", "a.toml: expected E, got g; fix: f", "a.toml: 应为 应，实为 g；改法：改"),
    ],
)  # fmt: skip
def test_a_problem_is_one_line(line: int, key: str, en: str, zh: str) -> None:
    told = Problem(file="a.toml", line=line, key=key, expected=Text("E", "应"), got="g", fix=Text("f", "改"))
    assert (told.render("en"), told.render("zh")) == (en, zh)


def test_a_table_that_comes_again_and_again_stands_where_it_first_does() -> None:
    lines = Lines("[agent]\nsite = 'a'\n[[agent.device]]\nid = 1\n[[agent.device]]\nid = 2\n")
    assert [lines.of(path) for path in ("agent.device", "agent.device.1", "agent.device.1.id", "agent.none")] == [
        3,
        5,
        6,
        1,
    ]
