"""Trainings that were held, stage by stage, and how each participant was assessed; all of it stays on file."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from desk import field_sql
from desk.lines import Data, FieldRefused, Line, Subject, by_id, not_ahead
from model.text import Text


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """How one person did in one stage; `score` as the trainer counts it, or None."""

    person: str
    stage: str
    passed: bool
    score: float | None
    remark: str
    at: int
    who: str


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """One training. The newest assessment of a person's stage counts; earlier ones stay on file."""

    id: str
    title: str
    trainer: str
    customer: str | None
    site: str | None
    at: int
    recorded_at: int
    stages: tuple[str, ...]
    people: tuple[str, ...]
    document: str | None
    assessments: tuple[Assessment, ...] = ()

    def newest(self) -> dict[tuple[str, str], Assessment]:
        """By (person, stage)."""
        return {(a.person, a.stage): a for a in self.assessments}

    def open(self) -> list[tuple[str, str]]:
        """Who has not been assessed in which stage."""
        done = self.newest()
        return [(person, stage) for person in self.people for stage in self.stages if (person, stage) not in done]


def hold(
    conn: sa.Connection,
    title: str,
    trainer: str,
    people: Sequence[str],
    who: str,
    at: int,
    now: int,
    *,
    of: Subject,
    stages: Sequence[str] = ("training",),
    document: str | None = None,
) -> Training:
    """A training was held. Raises FieldRefused."""
    not_ahead(at, now)
    if not title.strip() or not trainer.strip() or not people or not stages:
        raise FieldRefused(NOT_WHOLE)
    data: Data = {"trainer": trainer, "people": list(people), "stages": list(stages), "document": document}
    text = Text(title, title)
    return fold([field_sql.begin(conn, "training", "L", "held", who, at, now, text, of=of, data=data)])


def assess(
    conn: sa.Connection,
    id: str,
    person: str,
    passed: bool,
    who: str,
    at: int,
    now: int,
    *,
    stage: str | None = None,
    score: float | None = None,
    remark: str = "",
) -> Training:
    """How a participant did; again if need be. Raises FieldRefused."""
    not_ahead(at, now)
    lines = field_sql.lines(conn, "training", id=id)
    if not lines:
        raise FieldRefused(NO_TRAINING.format(training=id))
    held = fold(lines)
    stage = stage or held.stages[0]
    if person not in held.people or stage not in held.stages or at < held.at:
        raise FieldRefused(NOT_THERE.format(training=id, people=", ".join(held.people), stages=", ".join(held.stages)))
    data: Data = {"person": person, "stage": stage, "passed": passed, "score": score, "remark": remark}
    said = Text("passed", "合格") if passed else Text("not passed", "不合格")
    text = Text(f"{person}, {stage}: {said.en}", f"{person}，{stage}：{said.zh}")
    field_sql.add(conn, "training", id, "assessed", who, at, now, text, data=data)
    return fold(field_sql.lines(conn, "training", id=id))


def listed(conn: sa.Connection, *, customer: str | None = None) -> list[Training]:
    """In the order in which they were recorded."""
    return [fold(lines) for lines in by_id(field_sql.lines(conn, "training", customer=customer)).values()]


def fold(lines: Sequence[Line]) -> Training:
    """The training that these lines make."""
    first = lines[0]
    return Training(
        id=first.id,
        title=first.text.zh,
        trainer=str(first.data["trainer"]),
        customer=first.customer,
        site=first.site,
        at=first.at,
        recorded_at=first.recorded_at,
        stages=tuple(first.data["stages"]),
        people=tuple(first.data["people"]),
        document=first.data.get("document"),
        assessments=tuple(_assessment(line) for line in lines[1:]),
    )


def _assessment(line: Line) -> Assessment:
    data = line.data
    return Assessment(
        person=str(data["person"]),
        stage=str(data["stage"]),
        passed=bool(data["passed"]),
        score=data.get("score"),
        remark=str(data.get("remark") or ""),
        at=line.at,
        who=line.who,
    )


NOT_WHOLE = Text(
    "a training needs a title, a trainer, at least one participant and one stage",
    "培训须有题目、讲师、至少一名学员和一个阶段",
)
NO_TRAINING = Text(
    "no training {training}: `roundsman field training list` shows them",
    "没有培训 {training}：用 `roundsman field training list` 查看",
)
NOT_THERE = Text(
    "{training}: expected one of its people ({people}), one of its stages ({stages}) and a time after it was held",
    "{training}：应为其学员（{people}）、其阶段（{stages}），且时间不早于培训",
)
