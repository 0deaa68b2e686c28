"""What a desk does with a ticket after the fault, by the commands of a terminal at the centre."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from roundsman.cli import app

Say = Callable[..., list[dict[str, Any]]]


def terminal(data: Path) -> Say:
    """`say("ticket", "ack", id)` runs a command at the demo's centre, expects that it succeeds, and reads its JSON lines."""

    def say(*words: str) -> list[dict[str, Any]]:
        with redirect_stdout(StringIO()) as out:
            line = [*words, "--collector", str(data / "collector.toml")]
            status = app(line, exit_on_error=False, result_action="return_value")
        assert status == 0, (words, out.getvalue())
        return [json.loads(each) for each in out.getvalue().splitlines() if each.startswith("{")]

    return say


def settle(say: Say, id: str, papers: Path) -> str:
    """Response, diagnosis, resolution, delivered report in both languages, survey, FAQ entry, close; the entry's id."""
    say("ticket", "ack", id, "--who", "li.wei")
    say("ticket", "act", id, "diagnosed", "--data", "failure_mode=mains.feeder", "--text", "进线开关跳闸 feeder tripped", "--who", "li.wei")  # fmt: skip
    say("ticket", "act", id, "resolved", "--text", "已合闸 closed again", "--who", "li.wei")
    for lang in ("zh", "en"):
        say("report", "fault", id, "--lang", lang, "--deliver", "--who", "li.wei", "--out", str(papers / f"{lang}.pdf"))
    say("field", "survey", "record", "满意", "--ticket", id, "--by", "赵工", "--who", "ann")
    [entry] = say("report", "faq", "propose", id, "--json")
    say("report", "faq", "accept", entry["id"], "--who", "wang")
    say("ticket", "close", id, "--who", "li.wei")
    return str(entry["id"])
