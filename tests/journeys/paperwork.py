"""What a desk does with a ticket, by the commands of a terminal at the centre's machine, while the centre runs or after."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

from roundsman.cli import app

Say = Callable[..., list[dict[str, Any]]]


class Terminal:
    """`say("ticket", "ack", id)` runs a command, expects that it succeeds, and reads its JSON lines."""

    def __init__(self, data: Path) -> None:
        self._file = data / "collector.toml"

    def __call__(self, *words: str) -> list[dict[str, Any]]:
        status, out, errors = self.run(*words)
        assert status == 0, (words, out, errors)
        return [json.loads(each) for each in out.splitlines() if each.startswith("{")]

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit status, what it printed, and its complaints."""
        line = [*words, "--collector", str(self._file)]
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as errors:
            status = app(line, exit_on_error=False, result_action="return_value")
        return int(status or 0), out.getvalue(), errors.getvalue()


def roster(say: Say, *more: str) -> None:
    """Li Wei is listed, at work at any hour; `more` options of the command."""
    say("field", "engineer", "put", "li.wei", "Li Wei", "--name-zh", "李伟", "--hours", "7x24", *more, "--who", "ann")


def visit(say: Say, id: str, *steps: str) -> str:
    """An engineer is sent, arrives, and is done as far as `steps` say; the visit's id."""
    roster(say)
    [held] = say("field", "visit", "plan", "li.wei", "--ticket", id, "--who", "ann", "--json")
    for step in steps:
        say("field", "visit", "step", held["id"], step, "--who", "li.wei")
    return str(held["id"])


def settle(say: Say, id: str, papers: Path) -> str:
    """Diagnosis, resolution, delivered report in both languages, survey, FAQ entry, close; the entry's id."""
    say("ticket", "act", id, "diagnosed", "--data", "failure_mode=mains.feeder", "--text", "进线开关跳闸 feeder tripped", "--who", "li.wei")  # fmt: skip
    say("ticket", "act", id, "resolved", "--text", "已合闸 closed again", "--who", "li.wei")
    for lang in ("zh", "en"):
        say("report", "fault", id, "--lang", lang, "--deliver", "--who", "li.wei", "--out", str(papers / f"{lang}.pdf"))
    say("field", "survey", "record", "满意", "--ticket", id, "--by", "赵工", "--who", "ann")
    [entry] = say("report", "faq", "propose", id, "--json")
    say("report", "faq", "accept", entry["id"], "--who", "wang")
    say("ticket", "close", id, "--who", "li.wei")
    return str(entry["id"])


def unequal_sums(explained: dict[str, Any]) -> list[str]:
    """Clocks of `ticket explain --json` that do not add up: stretches to intervals, intervals to the clock, without a gap."""
    wrong = []
    for clock in explained["clocks"]:
        intervals, name = clock["intervals"], clock["clock"]
        wrong += [
            f"{name}: stretches of #{one['by']}"
            for one in intervals
            if abs(sum(b - a for a, b in one["windows"]) / 1000 - one["counted_s"]) > 0.001
        ]
        if abs(sum(one["counted_s"] for one in intervals) - clock["counted_s"]) > 0.001:
            wrong.append(f"{name}: intervals")
        if any(one["until"] != two["since"] for one, two in pairwise(intervals)):
            wrong.append(f"{name}: a gap between two intervals")
    return wrong
