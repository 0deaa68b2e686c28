"""Two people, or two processes, writing the field's book at once: every line stays, no number is given twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from desk import field_sql
from desk.lines import Subject
from model.text import Text
from tests.desk.stage import T0, engine

EACH = 12


def test_two_writers_lose_nothing_and_share_no_number(tmp_path: Path) -> None:
    made = engine(tmp_path / "desk.sqlite")

    def write(who: str) -> list[str]:
        ids = []
        for n in range(EACH):
            with made.begin() as conn:
                line = field_sql.begin(
                    conn, "visit", "V", "planned", who, T0 + n, T0 + n, Text("", ""), of=Subject(site="sz")
                )
                field_sql.add(conn, "stock", "sz:fan", "counted", who, T0 + n, T0 + n, Text("", ""), data={"count": n})
                ids.append(line.id)
        return ids

    with ThreadPoolExecutor(2) as pool:
        ann, bob = pool.map(write, ("ann", "bob"))
    assert len({*ann, *bob}) == 2 * EACH
    with made.connect() as conn:
        stock = field_sql.lines(conn, "stock", id="sz:fan")
    assert [line.seq for line in stock] == list(range(1, 2 * EACH + 1))
    made.dispose()


def test_the_same_beginning_told_by_two_processes_one_after_the_other_is_one(tmp_path: Path) -> None:
    made = engine(tmp_path / "desk.sqlite")
    told = []
    for _ in range(2):
        with made.begin() as conn:
            told.append(
                field_sql.begin(conn, "complaint", "B", "open", "ann", T0, T0, Text("x", "x"), data={"words": "x"})
            )
    assert told[0] == told[1]
    made.dispose()
