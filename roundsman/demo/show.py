"""The demo's events as a person reads them; with `--json` they are printed as they are."""

from __future__ import annotations

from typing import Any

from model.text import Language
from roundsman.speech import put

_WORDS: dict[str, dict[Language, str]] = {
    "starting": {"en": "starting {what} …", "zh": "正在启动 {what} …"},
    "reading": {"en": "devices read: {heard} of {devices}", "zh": "已读到设备:{heard} / {devices}"},
    "ready": {
        "en": "\n  Console: {url}\n  One-time login: {login}\n  Every device was read {seconds} s after the start. The story begins.\n",
        "zh": "\n  控制台:{url}\n  一次性登录:{login}\n  启动后 {seconds} 秒读到全部设备。故事开始。\n",
    },
    "restarted": {"en": "{child} ended ({exit}) and is started again", "zh": "{child} 已退出({exit}),重新启动"},
    "killed": {"en": "kill -9 {child}", "zh": "强制杀死 {child}"},
    "stopping": {"en": "stopping: agents send what they hold …", "zh": "正在停止:采集端送出剩余数据 …"},
}
_MARK = {"opened": "●", "closed": "○", "changed": "◐"}


class Show:
    """Prints events. `story_s` in an event is seconds since the curtain rose, in story time."""

    def __init__(self, as_json: bool, language: Language) -> None:
        self._as_json = as_json
        self._language: Language = language

    def __call__(self, event: dict[str, Any]) -> None:
        if self._as_json:
            put(event)
            return
        line = self._line(event)
        if line:
            print(line, flush=True)

    def _line(self, event: dict[str, Any]) -> str:
        name = event["event"]
        at = _stamp(event.get("story_s"))
        if name in _WORDS:
            return at + _WORDS[name][self._language].format(**event)
        if name == "incident":
            return (
                f"{at}{_MARK.get(event['what'], '·')} {self._said(event['title'])}  "
                f"[{event['impact']}, {event['members']}]  {event['site']}"
            )
        if name == "ticket":
            return at + self._ticket(event)
        if name == "summary":
            return self._summary(event)
        return ""

    def _said(self, text: dict[str, str]) -> str:
        return text[self._language]

    def _ticket(self, event: dict[str, Any]) -> str:
        line = f"  {event['id']} {event['level']}: {self._said(event['text'])}"
        for clock in event.get("clocks", []):
            target = clock["target_s"]
            line += f"\n             ⏱ {self._said(clock['title'])}" + (f" {target / 60:g} min" if target else "")
        if event.get("next_call"):
            line += f"\n             ☎ {self._said(event['next_call'])}"
        return line

    def _summary(self, event: dict[str, Any]) -> str:
        lines = ["", *(self._part(part) for part in event["story"])]
        words = {"en": "readings {readings}, gaps {gaps}, lost {lost}", "zh": "读数 {readings},缺口 {gaps},丢失 {lost}"}
        lines.append("  " + words[self._language].format(**event))
        return "\n".join(lines)

    def _part(self, part: dict[str, Any]) -> str:
        mark, why = ("✓", "") if part["held"] else ("✗", f": {part['seen']}")
        return f"  {mark} {part[self._language]}{why}"


def _stamp(story_s: float | None) -> str:
    if story_s is None:
        return ""
    minutes, seconds = divmod(int(story_s), 60)
    return f"[{minutes:3d}:{seconds:02d}] "
