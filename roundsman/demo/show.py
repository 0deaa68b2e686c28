"""The demo's events as a person reads them; with `--json` they are printed as they are.

The story is told so that somebody who never saw the product follows it: what happened on stage, what Roundsman made of
it, what is promised and who is called. What only repeats (every warranty line, an incident that merely grew while its
ticket says why) is left to the console.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alerts.types import Impact
from desk import words as desk_words
from model.text import Language, Text
from roundsman.demo import words
from roundsman.speech import put

_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"
_QUIET = ("warranty", "notified", "document")
_INDENT = " " * 10


class Show:
    """Prints events. `story_s` in an event is story seconds since the curtain rose; people see them since the story began."""

    def __init__(self, as_json: bool, language: Language, *, speed: float = 1.0) -> None:
        self._as_json = as_json
        self._language: Language = language
        self._speed = speed
        self._terminal = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._began_s: float | None = None
        self._names: dict[str, Any] = {"sites": {}, "devices": {}}
        self._url, self._file = "", ""
        self._impacts: dict[str, str] = {}
        self._told: set[str] = set()
        self._tellers: dict[str, Callable[[dict[str, Any]], list[str]]] = {
            "starting": self._starting, "reading": self._reading, "cast": self._cast, "ready": self._ready,
            "story": self._story, "end": self._end, "incident": self._incident, "ticket": self._ticket,
            "restarted": self._restarted, "killed": self._killed, "stopping": self._stopping, "summary": self._summary,
        }  # fmt: skip

    def __call__(self, event: dict[str, Any]) -> None:
        if self._as_json:
            put(event)
            return
        tell = self._tellers.get(event["event"])
        for line in tell(event) if tell else ():
            print(line, flush=True)

    # --- before the story

    def _starting(self, event: dict[str, Any]) -> list[str]:
        what = str(event["what"]).partition(" ")[0]
        return [self._in(words.STARTING[what])] if self._first(f"starting {what}") else []

    def _reading(self, event: dict[str, Any]) -> list[str]:
        if event["heard"] == 0:
            return []
        line = self._in(words.READING, **event)
        if not self._terminal:
            return [line]
        print(f"\r{line}", end="" if event["heard"] < event["devices"] else "\n", flush=True)
        return []

    def _cast(self, event: dict[str, Any]) -> list[str]:
        self._names = event
        return []

    def _ready(self, event: dict[str, Any]) -> list[str]:
        self._began_s = event.get("story_s", 0.0)
        self._url, self._file = event["url"], event.get("file", "")
        seconds = event["seconds"]
        read = self._in(words.READ_SOME) if seconds is None else self._in(words.READ_ALL, seconds=seconds)
        return [read, self._in(words.READY, **event, speed=self._speed)]

    # --- the story

    def _story(self, event: dict[str, Any]) -> list[str]:
        said = words.direction(event, self._name(event.get("device") or event.get("site") or ""))
        return [
            self._stamp(event) + self._ink(_DIM, f"▷ {self._in(words.ON_STAGE)}{self._in(words.COLON)}{self._in(said)}")
        ]

    def _end(self, event: dict[str, Any]) -> list[str]:
        return [self._stamp(event) + self._ink(_BOLD, self._in(words.STORY_OVER))]

    def _restarted(self, event: dict[str, Any]) -> list[str]:
        return [self._stamp(event) + self._in(words.RESTARTED, **event)]

    def _killed(self, event: dict[str, Any]) -> list[str]:
        return [self._stamp(event) + self._in(words.KILLED, **event)]

    def _stopping(self, event: dict[str, Any]) -> list[str]:  # noqa: ARG002 - every teller takes the event
        return ["", self._in(words.STOPPING)]

    def _incident(self, event: dict[str, Any]) -> list[str]:
        title, impact = event["title"][self._language], self._in(desk_words.IMPACTS[Impact(event["impact"])])
        before = self._impacts.get(event["id"])
        self._impacts[event["id"]] = event["impact"]
        if event["what"] == "opened":
            facts = [self._in(self._name(event["site"])), impact]
            facts += [] if event.get("wants_ticket", True) else [self._in(words.NO_JOB)]
            head = f"● {self._in(words.INCIDENT)}  {title}"
            return ["", self._stamp(event) + self._ink(_BOLD, head) + f"  [{' · '.join(facts)}]"]
        if event["what"] == "closed":
            return [self._stamp(event) + self._ink(_GREEN, f"○ {self._in(words.OVER, title=title)}")]
        if before not in (None, event["impact"]):
            worse = before is None or Impact(event["impact"]).rank < Impact(before).rank
            said = self._in(words.NOW, impact=impact, title=title)
            return [self._stamp(event) + self._ink(_YELLOW if worse else _GREEN, f"{'▲' if worse else '▼'} {said}")]
        return []

    def _ticket(self, event: dict[str, Any]) -> list[str]:
        what, text = event["what"], event["text"][self._language]
        id = event["id"]
        if what == "opened":
            return self._opened(event)
        if what in _QUIET or (what == "incident" and not event.get("joined")):
            return []
        if what == "incident":
            return [f"{self._stamp(event)}  ＋ {id}  {text}"]
        if what in ("warned", "broken"):
            return self._due(event)
        mark, colour = {
            "level": ("▲", _YELLOW), "escalated": ("☎", _BOLD), "restored": ("✔", _GREEN), "closed": ("✔", _GREEN),
            "relapsed": ("▲", _RED),
        }.get(what, ("·", ""))  # fmt: skip
        who = "" if event["who"] == desk_words.SELF else f" ({event['who']})"
        lines = [self._stamp(event) + self._ink(colour, f"  {mark} {id}  {text}{who}")]
        if what == "restored" and self._first("report"):
            lines.append(self._ink(_DIM, f"{_INDENT}→ {self._in(words.REPORT_HINT, id=id, file=self._file)}"))
        return lines

    def _opened(self, event: dict[str, Any]) -> list[str]:
        level = event.get("level_name") or {"en": event["level"], "zh": event["level"]}
        lines = [
            self._stamp(event)
            + self._ink(_BOLD, f"  ■ {event['id']}  {level[self._language]}")
            + f"  {event['text'][self._language]}"
        ]
        clocks = event.get("clocks", [])
        for clock in clocks:
            title = words.padded(clock["title"][self._language], 30 if self._language == "en" else 16)
            lines.append(f"{_INDENT}⏱ {title} {self._promise(clock, event)}")
        if event.get("next_call"):
            lines.append(
                f"{_INDENT}☎ {self._in(words.NEXT_CALL)}{self._in(words.COLON)}{event['next_call'][self._language]}"
            )
        return lines

    def _promise(self, clock: dict[str, Any], event: dict[str, Any]) -> str:
        due = "" if clock["due"] is None else self._time(clock["due"], event["at"], event["site"])
        if clock["target_s"] is not None:
            return self._in(words.WITHIN, span=self._in(words.span(clock["target_s"])), due=due)
        return self._in(words.IMMEDIATE, due=due) if due else self._in(words.UNTIMED)

    def _due(self, event: dict[str, Any]) -> list[str]:
        broken = event["what"] == "broken"
        clock = (event.get("clock_title") or event["text"])[self._language]
        said = self._in(words.BROKEN if broken else words.NEARLY, clock=clock)
        lines = [self._stamp(event) + self._ink(_RED if broken else _YELLOW, f"  ⏱ {event['id']}  {said}")]
        if not broken and event.get("clock") == "first_response" and self._first("hint"):
            hint = self._in(words.ACK_HINT, url=self._url, id=event["id"])
            lines.append(self._ink(_DIM, f"{_INDENT}→ {hint}"))
        return lines

    # --- the end

    def _summary(self, event: dict[str, Any]) -> list[str]:
        complete, parts = event.get("complete", True), event["story"]
        lines = ["", self._ink(_BOLD, self._in(words.STORY))] if parts else [""]
        lines += [self._part(part, complete) for part in parts]
        numbers = words.NUMBERS_LOST if event["lost"] else words.NUMBERS
        total = self._in(
            words.TICKETS, incidents=sum(not i["merged"] for i in event["incidents"]), tickets=len(event["tickets"])
        )
        lines += [
            "",
            f"  {total}{self._in(words.AND)}{self._in(numbers, **{**event, 'readings': format(event['readings'], ',')})}",
        ]
        held = sum(part["held"] for part in parts)
        if held < len(parts) and not complete and not event["lost"]:
            lines.append("  " + self._in(words.SO_FAR, held=held, all=len(parts)))
        elif held < len(parts):
            lines.append("  " + self._ink(_RED, self._in(words.NOT_HELD, wrong=len(parts) - held, all=len(parts))))
        elif parts:
            lines.append("  " + self._ink(_GREEN, self._in(words.ALL_HELD)))
        return lines

    def _part(self, part: dict[str, Any], complete: bool) -> str:
        if part["held"]:
            return "  " + self._ink(_GREEN, "✓") + f" {part[self._language]}"
        if not complete:
            return self._ink(_DIM, f"  · {part[self._language]} ({self._in(words.NOT_YET)})")
        return "  " + self._ink(_RED, "✗") + f" {part[self._language]}: {part['seen']}"

    # --- small

    def _in(self, text: Text, **values: Any) -> str:
        said = text[self._language]
        return said.format(**values) if values else said

    def _name(self, id: str) -> Text:
        """A device with its site, or a site, by the names in the inventory."""
        site = self._names["sites"].get(id.partition("/")[0], {}).get("name") or {"en": id, "zh": id}
        device = self._names["devices"].get(id)
        if device is None:
            return Text(site["en"], site["zh"])
        return Text(f"{device['en']} ({site['en']})", f"{site['zh']} {device['zh']}")

    def _time(self, at: int, today: int, site: str) -> str:
        """The time of day at the site, with the date when it is not the day of `today`."""
        zone = ZoneInfo(self._names["sites"].get(site, {}).get("tz", "UTC"))
        moment, day = datetime.fromtimestamp(at / 1000, zone), datetime.fromtimestamp(today / 1000, zone).date()
        return f"{moment:%H:%M:%S}" if moment.date() == day else f"{moment:%m-%d %H:%M}"

    def _first(self, what: str) -> bool:
        new = what not in self._told
        self._told.add(what)
        return new

    def _ink(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._terminal and colour else text

    def _stamp(self, event: dict[str, Any]) -> str:
        since = event.get("story_s")
        if since is None or self._began_s is None:
            return ""
        minutes, seconds = divmod(max(0, int(since - self._began_s)), 60)
        return self._ink(_DIM, f"{minutes:4d}:{seconds:02d}  ")
